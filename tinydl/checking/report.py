"""What `gradcheck` found, and how it reads: a row for each derivative, the verdict, the likely causes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Label = int | str  # an input's position, or a parameter's name


@dataclass(eq=False)
class Row:
    """One derivative that was checked: of the input (its position, or a parameter's name) at `index`, or, where index
    is a string such as "direction 0", along a random direction. `error_bar` is what the numerical value is good for."""

    input: Label
    index: tuple[int, ...] | str
    ours: float
    numerical: float
    error_bar: float
    verdict: str  # "right", "kink", "undecided", "wrong" or "skipped"
    order: int = 1
    remark: str = ""

    @property
    def relative_error(self) -> float:
        """|ours − numerical| / max(|ours|, |numerical|); 0 at an accepted kink, and where both are 0 but for
        rounding."""
        size, error = max(abs(self.ours), abs(self.numerical)), abs(self.ours - self.numerical)
        if self.verdict in ("kink", "skipped") or (self.verdict == "right" and error <= self.error_bar > 0.1 * size):
            return 0.0
        if not math.isfinite(error):
            return math.inf
        return error / size if error else 0.0


class Report:
    """What `gradcheck` found: true when every derivative agrees. `str` is a table, worst first; `repr` one line.

    `verdict` is "right", "wrong" or "undecided"; `rows` the derivatives that were compared; `causes` a list of
    (code, sentence), the likeliest first, empty unless something is wrong; `notes` what else a reader should know.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        causes: Sequence[tuple[str, str]],
        notes: Sequence[str],
        shapes: dict[Label, tuple[int, ...]],
        verdict: str = "",
        allow_undecided: bool = False,
    ) -> None:
        self.rows, self.causes, self.notes, self.shapes = list(rows), list(causes), list(notes), shapes
        self.verdict = verdict or _verdict(rows)
        self.ok = self.verdict == "right" or (self.verdict == "undecided" and allow_undecided)

    @property
    def worst(self) -> float:
        """The largest relative error of a derivative that was decided, 0.0 if there is none; of those along directions,
        whose terms may cancel, only where no element by itself is wrong."""
        decided = [row for row in self.rows if row.verdict in ("right", "wrong")]
        elements = [row for row in decided if isinstance(row.index, tuple)]
        if any(row.verdict == "wrong" for row in elements):
            decided = elements
        return max((row.relative_error for row in decided), default=0.0)

    def count(self, verdict: str) -> int:
        """How many rows have this verdict."""
        return sum(row.verdict == verdict for row in self.rows)

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        wrong, decided = self.count("wrong"), len(self.rows)
        text = f"gradcheck: {self.verdict}"
        if self.verdict == "wrong":
            text += f" ({wrong} of {decided})" if decided else ""
        elif self.verdict == "undecided" and self.count("undecided"):
            text += f" ({self.count('undecided')} of {decided})"
        elif decided:
            kinks = f", {self.count('kink')} at a kink" if self.count("kink") else ""
            text += f"{kinks} ({decided} derivatives, worst relative error {self.worst:.1e})"
        first = self.causes[0][1] if self.causes else next(iter(self.notes), "") if self.verdict != "right" else ""
        code = f"{self.causes[0][0]}: " if self.causes else ""
        text = f"<{text}{'; ' if first else ''}{code}{first}".replace("\n", " ")
        return (text if len(text) < 190 else text[:188] + "…") + ">"

    def __str__(self) -> str:
        return self.table()

    def table(self, limit: int = 12) -> str:
        """The report in full: verdict, causes, the `limit` worst rows, and counts of what was checked and what not."""
        lines = [f"gradcheck: {self.verdict.upper() if self.verdict != 'right' else 'right'}"]
        lines += [f"  likely cause ({code}): {sentence}" for code, sentence in self.causes]
        lines += [f"  {note}" for note in self.notes]
        if self.rows:
            counts = ", ".join(
                f"{self.count(v)} {v}" for v in ("wrong", "undecided", "skipped", "kink", "right") if self.count(v)
            )
            lines.append(f"  {len(self.rows)} derivatives compared: {counts}; worst relative error {self.worst:.1e}")
            shown = sorted(self.rows, key=_badness, reverse=True)[:limit]
            cells = [("where", "ours", "numerical", "± error bar", "verdict"), *map(_cells, shown)]
            widths = [max(len(row[i]) for row in cells) for i in range(5)]
            for row in cells:
                body = "  ".join(cell.rjust(w) for cell, w in zip(row[1:4], widths[1:4], strict=True))
                lines.append(f"    {row[0].ljust(widths[0])}  {body}  {row[4]}")
            if len(self.rows) > limit:
                lines.append(f"    … and {len(self.rows) - limit} more")
        return "\n".join(lines)

    def raise_if_wrong(self) -> Report:
        """Raise AssertionError with the table unless everything agrees, as a test wants it."""
        if not self.ok:
            raise AssertionError(str(self))
        return self

    def plot(self, path: Any = None) -> Any:
        """Heat maps of the relative error, one per input: the matplotlib Figure, saved if `path` is given."""
        from matplotlib.colors import LogNorm
        from matplotlib.figure import Figure

        labels: list[Label | None] = [x for x in self.shapes if any(_is_element(row, x) for row in self.rows)]
        labels = labels or [None]
        figure = Figure(figsize=(1 + 3.4 * len(labels), 3.8), layout="constrained")
        axes = figure.subplots(1, len(labels), squeeze=False)[0]
        image = None
        for ax, label in zip(axes, labels, strict=True):
            if label is None:
                ax.set_axis_off()
                ax.set_title(repr(self)[1:60])
                continue
            shape = self.shapes[label]
            errors = np.full(shape, np.nan)
            for row in self.rows:
                if _is_element(row, label) and isinstance(row.index, tuple):
                    errors[row.index] = min(max(row.relative_error, 1e-16), 10.0)
            grid = errors.reshape(-1, shape[-1]) if shape else errors.reshape(1, 1)
            image = ax.imshow(grid, norm=LogNorm(1e-12, 1), cmap="RdYlGn_r", aspect="auto", interpolation="nearest")
            ax.set_facecolor("0.85")
            ax.set_title(f"{_called(label)}, shape {shape}")
            ax.set_xlabel("last axis")
            ax.set_ylabel("the other axes, flattened" if len(shape) > 2 else "first axis" if len(shape) == 2 else "")
            ax.xaxis.get_major_locator().set_params(integer=True)
            ax.yaxis.get_major_locator().set_params(integer=True)
        if image is not None:
            figure.colorbar(image, ax=list(axes), label="relative error (grey: not checked one by one)", extend="both")
        cause = f": {self.causes[0][0]}" if self.causes else ""
        figure.suptitle(f"gradcheck: {self.verdict}{cause}")
        if path is not None:
            figure.savefig(path, dpi=120)
        return figure


def _is_element(row: Row, label: Label | None) -> bool:
    return row.input == label and row.order == 1 and isinstance(row.index, tuple)


def _called(label: Label) -> str:
    return f"input {label}" if isinstance(label, int) else label


_GRAVITY = {"wrong": 4, "undecided": 3, "skipped": 2, "kink": 1, "right": 0}


def _badness(row: Row) -> tuple[int, float]:
    return _GRAVITY[row.verdict], row.relative_error


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    index = row.index if isinstance(row.index, str) else f"[{', '.join(map(str, row.index))}]" if row.index else ""
    second = "" if row.order == 1 else " (2nd order)"
    where = f"{_called(row.input)}{' ' if isinstance(row.index, str) else ''}{index}{second}"
    return where, f"{row.ours:.9g}", f"{row.numerical:.9g}", f"{row.error_bar:.1e}", row.verdict + row.remark


def _verdict(rows: Sequence[Row]) -> str:
    verdicts = {row.verdict for row in rows}
    return "wrong" if "wrong" in verdicts else "undecided" if verdicts & {"undecided", "skipped"} else "right"
