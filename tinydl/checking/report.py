"""What `gradcheck` found, and how it reads: a row for each derivative, the verdict, the likely causes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import at
from ..engine.terminal import columns, shown, spelled

Label = int | str  # an input's position, or a parameter's name
FEW = 6  # right inputs that are named one by one


@dataclass(eq=False)
class Row:
    """One derivative that was checked: of the input (its position, or a parameter's name) at `index`, or, where index
    is a string such as "direction 0", along a random direction. `error_bar` is what the numerical value is good for.

    The derivatives are those of v·f with the random cotangent v; where f gives a single number they are divided by it.
    """

    input: Label
    index: tuple[int, ...] | str
    ours: float
    numerical: float
    error_bar: float
    verdict: str  # "right", "kink", "undecided", "wrong" or "skipped"
    order: int = 1
    remark: str = ""
    name: str = ""  # what the function calls the input

    @property
    def relative_error(self) -> float:
        """|ours − numerical| / max(|ours|, |numerical|); 0 at an accepted kink, and where the numerical one, which
        agrees, isn't known well enough to say, as where both are 0 but for rounding."""
        size, error = max(abs(self.ours), abs(self.numerical)), abs(self.ours - self.numerical)
        if self.verdict in ("kink", "skipped") or (self.verdict == "right" and error <= self.error_bar > 1e-4 * size):
            return 0.0
        if not math.isfinite(error):
            return math.inf
        return error / size if error else 0.0

    @property
    def gravity(self) -> tuple[int, float]:
        """By which the worst row is known: its verdict, then its error."""
        return ("right", "kink", "skipped", "undecided", "wrong").index(self.verdict), self.relative_error

    @property
    def called(self) -> str:
        """What the function calls the input; else by its position, or the parameter's name."""
        return self.name or (f"input {self.input}" if isinstance(self.input, int) else self.input)

    @property
    def where(self) -> str:
        """The input and index, "x[1, 2]", or direction."""
        index = f" {self.index}" if isinstance(self.index, str) else at(self.index)
        return f"{self.called}{index}{'' if self.order == 1 else ' (2nd order)'}"


class Report:
    """What `gradcheck` found: true when every derivative agrees. `str` is a table, worst first; `repr` one line.

    `verdict` is "right", "wrong" or "undecided"; `rows` the derivatives that were compared; `causes` a list of
    (code, sentence), the likeliest first, empty unless something is wrong; `notes` what else a reader should know.
    The codes: arguments, not_finite, dtype, ignores_upstream, not_linear, returns_nothing, zero, swapped, transposed,
    not_summed, wrong_axis, shape, sign, factor, permuted, duplicates, negative_inputs, held_constant, flipped, slice,
    left_out.
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
        self.verdict = verdict or verdict_of(rows)
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

    def by_input(self) -> list[str]:
        """A line that says for each input how many of its derivatives are wrong, or that it is right; and one more for
        second derivatives. Of many that are right only the number is told."""
        lines = []
        for order in sorted({row.order for row in self.rows}):
            found: dict[Label, list[Row]] = {label: [] for label in self.shapes}  # in the order of the inputs
            for row in self.rows:
                if row.order == order and row.input != "all inputs":
                    found.setdefault(row.input, []).append(row)
            said = {rows[0].called: _in_words(rows) for rows in found.values() if rows}
            right = [name for name, words in said.items() if words == "right"]
            if len(said) < 2 and right:
                continue
            parts = [f"{name}: {words}" for name, words in said.items() if words != "right" or len(right) <= FEW]
            rest = f"all {len(right)}" if len(right) == len(said) else f"the other {len(right)}"
            parts += [f"{rest} right"] if len(right) > FEW else []
            lines.append("; ".join(parts) + ("" if order == 1 else " (2nd order)"))
        return lines

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
            text += f"{kinks} ({self._compared()}, worst relative error {self.worst:.1e})"
        first = self.causes[0][1] if self.causes else next(iter(self.notes), "") if self.verdict != "right" else ""
        code = f"{self.causes[0][0]}: " if self.causes else ""
        text = f"<{text}{'; ' if first else ''}{code}{first}".replace("\n", " ")
        return spelled((text if len(text) < 190 else text[:188] + "…") + ">")

    def _compared(self) -> str:
        return f"{len(self.rows)} derivative{'' if len(self.rows) == 1 else 's'}"

    def __str__(self) -> str:
        return self.table()

    def table(self, limit: int = 12) -> str:
        """The report in full: verdict, what is wrong by input, causes, the `limit` worst rows, and counts of what was
        checked and what not; as wide as the terminal, and with its characters."""
        lines = [f"gradcheck: {self.verdict.upper() if self.verdict != 'right' else 'right'}"]
        lines += [f"  {line}" for line in self.by_input()]
        lines += [f"  likely cause ({code}): {sentence}" for code, sentence in self.causes]
        lines += [f"  {note}" for note in self.notes]
        if self.rows:
            counts = ", ".join(
                f"{self.count(v)} {v}" for v in ("wrong", "undecided", "skipped", "kink", "right") if self.count(v)
            )
            lines.append(f"  {self._compared()} compared: {counts}; worst relative error {self.worst:.1e}")
            worst = sorted(self.rows, key=lambda row: row.gravity, reverse=True)[:limit]
            cells = [("where", "ours", "numerical", "± error bar", "verdict")]
            for row in worst:
                verdict = row.verdict + row.remark
                cells.append((row.where, f"{row.ours:.9g}", f"{row.numerical:.9g}", f"{row.error_bar:.1e}", verdict))
            widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
            narrow = sum(widths) + 12 > columns(sum(widths) + 12)
            for where, *numbers, verdict in cells[1:] if narrow else cells:
                if narrow:
                    ours, numerical, bar = numbers
                    lines += [f"    {where}: {verdict}", f"        ours {ours}, numerical {numerical} ± {bar}"]
                    continue
                body = "  ".join(number.rjust(w) for number, w in zip(numbers, widths[1:4], strict=True))
                lines.append(f"    {where.ljust(widths[0])}  {body}  {verdict}")
            if len(self.rows) > limit:
                lines.append(f"    … and {len(self.rows) - limit} more")
        return shown("\n".join(lines))

    def raise_if_wrong(self) -> Report:
        """Raise AssertionError with the table unless everything agrees, as a test wants it."""
        if not self.ok:
            raise AssertionError(str(self))
        return self

    def errors(self) -> dict[str, Array]:
        """By the name of each input an array of its shape: the relative errors of the derivatives that were checked
        one by one, NaN for the others. Inputs without any such derivative are left out."""
        found: dict[str, Array] = {}
        for row in self.rows:
            if isinstance(row.index, tuple) and row.order == 1:
                found.setdefault(row.called, np.full(self.shapes[row.input], np.nan))[row.index] = row.relative_error
        return found

    def plot(self, path: Any = None) -> Any:
        """Heat maps of the relative error, one per input: the matplotlib Figure, saved if `path` is given."""
        from ..plots.checks import report_figure

        return report_figure(self, path)


def verdict_of(rows: Sequence[Row]) -> str:
    """What several derivatives come to: "wrong" if one is, "undecided" if one couldn't be judged, else "right"."""
    verdicts = {row.verdict for row in rows}
    return "wrong" if "wrong" in verdicts else "undecided" if verdicts & {"undecided", "skipped"} else "right"


def _in_words(rows: Sequence[Row]) -> str:
    """How many derivatives of one input are wrong: by its elements, else as a whole, else along directions."""
    elements = [row for row in rows if isinstance(row.index, tuple)]
    whole = [row for row in rows if row.index == "as a whole"]
    if whole:
        return f"wrong{whole[0].remark}"
    for kind, name in ((elements, ""), ([row for row in rows if isinstance(row.index, str)], " directions")):
        for verdict in ("wrong", "undecided", "skipped"):
            count = sum(row.verdict == verdict for row in kind)
            if count:
                return f"{count} of {len(kind)}{name} {verdict}"
    return "right"
