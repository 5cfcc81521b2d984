"""Why is this gradient wrong? The usual mistakes, each tried against the numbers; the one that fits names the cause.

Every mistake is a transformation that turns the wrong gradient into the right one, or the right one into the wrong.
It is
tried where numerical derivatives are known, and fits if all of them agree. gradcheck.py collects the evidence.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .arrays import Array
from .numerical import Slope

Cause = tuple[str, str]
CLOSE = 1e-4  # of the largest derivative of the input: agreement that is no accident, and that noise permits
ORDER = (
    "not_finite", "dtype", "ignores_upstream", "zero", "swapped", "transposed", "not_summed", "wrong_axis", "shape",
    "sign", "factor", "permuted", "duplicates", "negative_inputs",
)  # fmt: skip


@dataclass(eq=False)
class Evidence:
    """What a check has found out: the claimed gradients and, where measured, the numerical ones.

    `numerical(i, indices, v)` measures more derivatives of v·f, with any v; `contributions(i, index)` those of each
    vₖ fₖ.
    """

    gradients: Callable[[Sequence[Array], Array], list[Any]]
    numerical: Callable[[int, Sequence[tuple[int, ...]], Array], list[float]]
    contributions: Callable[[int, tuple[int, ...]], Array]
    values: list[Array]
    labels: Sequence[int | str]
    v: Array
    claimed: list[Any]
    upstream: bool
    slopes: dict[int, dict[tuple[int, ...], Slope]] = field(default_factory=dict)

    def add(self, i: int, index: tuple[int, ...], slope: Slope) -> None:
        """Note a measured derivative."""
        self.slopes.setdefault(i, {})[index] = slope


@dataclass(eq=False)
class _Suspect:
    """An input whose gradient is wrong: where numbers are known, what they are, and what was claimed."""

    i: int
    name: str
    x: Array
    g: Array
    places: list[tuple[int, ...]]
    truth: Array  # at the places
    bars: Array
    complete: bool  # whether every element was measured

    def fits(self, candidate: Array | float, places: Array | None = None) -> bool:
        """Whether this gradient agrees with the numbers, everywhere or where the mask `places` says."""
        where = np.ones(len(self.places), dtype=bool) if places is None else places
        if np.ndim(candidate) == 0:
            here = np.full(len(self.places), float(candidate))
        elif np.shape(candidate) != self.x.shape:
            return False
        else:
            here = self.at(np.asarray(candidate))
        largest = float(np.max(np.abs(self.truth[where]), initial=0.0))
        allowed = np.maximum(
            np.minimum(self.bars, 1e-2 * largest), CLOSE * np.maximum(np.abs(self.truth), 1e-3 * largest)
        )
        return bool(where.any() and np.all(np.abs(here - self.truth)[where] <= allowed[where]))

    def at(self, array: Array) -> Array:
        return np.array([array[p] for p in self.places], dtype=np.float64)

    @property
    def telling(self) -> bool:
        """Whether there is anything in the numbers that a transformation could fit."""
        return len(self.places) > 0 and bool(np.any(np.abs(self.truth) > self.bars))


def find_causes(evidence: Evidence, wrong: set[int]) -> list[Cause]:
    """The mistakes that explain the numbers of the inputs `wrong`, as (code, sentence), the best first."""
    found: list[Cause] = []
    suspects = [_suspect(evidence, i) for i in sorted(wrong)]
    if len(evidence.values) > 1:
        found += _swapped(evidence, suspects)
    for s in suspects:
        found += _of_one(evidence, s)
    best = {code: ORDER.index(code) for code, _ in found}
    ordered = sorted(found, key=lambda cause: best[cause[0]])
    unique: dict[str, str] = {}
    for code, sentence in ordered:
        unique.setdefault(code, sentence)
    return list(unique.items())


def _suspect(evidence: Evidence, i: int) -> _Suspect:
    x = evidence.values[i]
    known = {p: s for p, s in evidence.slopes.get(i, {}).items() if s.verdict != "kink" and math.isfinite(s.bar)}
    name = f"input {evidence.labels[i]}" if isinstance(evidence.labels[i], int) else str(evidence.labels[i])
    places = list(known)
    return _Suspect(
        i, "" if len(evidence.values) == 1 else f" of {name}", x, np.asarray(evidence.claimed[i]), places,
        np.array([known[p].value for p in places]), np.array([known[p].bar for p in places]), len(known) == x.size,
    )  # fmt: skip


def _of_one(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """The causes found for one input, those that explain most first."""
    who, g, x = s.name, s.g, s.x
    if g.dtype.kind not in "fciub" or (g.dtype.kind not in "fc" and np.ndim(evidence.claimed[s.i])):
        advice = "integers round a gradient to whole numbers" if g.dtype.kind in "iu" else "it should be floating"
        yield "dtype", f"Your gradient{who} has dtype {g.dtype}: {advice}; compute with floats."
        if g.dtype.kind not in "iub":
            return
    if g.dtype.kind == "c":
        yield (
            "dtype",
            f"Your gradient{who} is complex ({g.dtype}), but the input is real: take .real, or look where it "
            f"came from.",
        )
    g = s.g = np.real(g).astype(np.float64)
    if g.shape != x.shape:
        yield from _misshapen(evidence, s)
        return
    if not np.isfinite(g).all():
        bad = np.argwhere(~np.isfinite(g))
        at = f" at index {bad[0].tolist()}" if g.ndim else ""
        yield (
            "not_finite",
            (
                f"Your gradient{who} is {g[tuple(bad[0])]}{at} ({len(bad)} of {g.size} elements aren't finite) "
                f"where the numerical "
                "one is finite: look for a division by 0, log(0) or inf − inf."
            ),
        )
        return
    if not s.telling or s.fits(g):
        return
    if not g.any():
        yield "zero", f"Your gradient{who} is 0 everywhere, the numerical one is not (up to {_size(s.truth):.3g})."
        return
    ignoring = _ignores_upstream(evidence, s)
    if ignoring:
        yield "ignores_upstream", ignoring
    ratio = _ratio(s)
    if ratio is not None and not ignoring:
        yield _factor(evidence, s, ratio)
        return
    yield from _transposed(s)
    yield from _moved(s)
    if ignoring:
        return
    yield from _parts(evidence, s)


def _size(numbers: Array) -> float:
    return float(np.max(np.abs(numbers), initial=0.0))


# ---- a constant factor ----


def _ratio(s: _Suspect) -> float | None:
    """The constant c with ours = c · numerical, if there is one."""
    here = s.at(s.g)
    clear = np.abs(s.truth) > 1e3 * s.bars
    if not clear.any() or not here[clear].all():
        return None
    ratio = float(np.sum(here * s.truth) / np.sum(s.truth * s.truth))
    return ratio if ratio and s.fits(s.g / ratio) else None


def _factor(evidence: Evidence, s: _Suspect, ratio: float) -> Cause:
    who = s.name
    if abs(ratio + 1) < 1e-3:
        return "sign", f"Your gradient{who} is exactly −1 times the numerical one everywhere: a sign is flipped."
    sign = "a sign is flipped, and " if ratio < 0 else ""
    size, over = abs(ratio), 1 / abs(ratio)
    counts: dict[int, str] = {}
    for i, x in reversed(list(enumerate(evidence.values))):
        label = evidence.labels[i]
        name = f"input {label}" if isinstance(label, int) else str(label)
        for axis, n in enumerate(x.shape):
            counts[n] = (
                f"the number of {'rows' if axis == 0 and x.ndim == 2 else 'columns' if x.ndim == 2 else 'elements'}"
                + (f" (axis {axis}) of {name}" if x.ndim > 1 else f" of {name}")
            )
        counts.setdefault(x.size, f"the number of elements of {name}")
    for axis, n in enumerate(evidence.v.shape):
        counts.setdefault(n, f"the length of axis {axis} of f's output")
    counts.setdefault(evidence.v.size, "the number of elements of f's output")
    counts.pop(1, None)
    counts.pop(2, None)
    for n, meaning in sorted(counts.items()):
        if abs(size / n - 1) < 1e-3:
            return (
                "factor",
                f"Your gradient{who} is {_sign(ratio)}{n} times the numerical one everywhere: {sign}{n} is "
                f"{meaning}; is a division by it missing?",
            )
        if abs(over / n - 1) < 1e-3:
            return (
                "factor",
                f"Your gradient{who} is {_sign(ratio)}1/{n} of the numerical one everywhere: {sign}{n} is "
                f"{meaning}; a sum was taken for a mean?",
            )
    for n in range(2, 1000):
        if abs(size / n - 1) < 1e-4:
            return (
                "factor",
                f"Your gradient{who} is exactly {_sign(ratio)}{n} times the numerical one everywhere: {sign}a "
                f"factor {n} too much.",
            )
        if abs(over / n - 1) < 1e-4:
            return (
                "factor",
                f"Your gradient{who} is exactly {_sign(ratio)}1/{n} of the numerical one everywhere: {sign}a "
                f"factor {n} is missing.",
            )
    return (
        "factor",
        f"Your gradient{who} is {ratio:.7g} times the numerical one everywhere: {sign}a constant factor is wrong.",
    )


def _sign(ratio: float) -> str:
    return "−" if ratio < 0 else ""


# ---- the upstream gradient ----


def _ignores_upstream(evidence: Evidence, s: _Suspect) -> str:
    """The sentence, if the claimed gradient doesn't change with v, or is the right one for other v than was given."""
    if not evidence.upstream:
        return ""
    v = evidence.v
    other = v[..., ::-1] * 1.7 + 0.3 if v.ndim else v * 1.7 + 0.3
    try:
        again = np.real(np.asarray(evidence.gradients(evidence.values, np.asarray(other))[s.i])).astype(np.float64)
    except Exception:
        return ""
    if again.shape == s.g.shape and np.array_equal(again, s.g):
        return f"Your gradient{s.name} stays the same whatever the upstream gradient g is: multiply by g (chain rule)."
    if v.size > 1 or not np.allclose(v, 1):
        ones = np.array(evidence.numerical(s.i, s.places, np.ones(v.shape)))
        if s.telling and _agree(s.at(s.g), ones):
            return f"Your gradient{s.name} is the one for an upstream gradient of ones: it ignores g (chain rule)."
        mean = np.array(evidence.numerical(s.i, s.places, np.full(v.shape, float(np.mean(v)))))
        if v.size > 1 and np.any(mean) and _agree(s.at(s.g), mean):
            return (
                f"Your gradient{s.name} uses the upstream gradient's mean (or sum) where it needs g "
                f"itself, element by element."
            )
    return ""


def _agree(a: Array, b: Array) -> bool:
    return bool(np.all(np.abs(a - b) <= CLOSE * max(_size(b), 1e-300))) and bool(np.any(b))


# ---- elements in the wrong places ----


def _transposed(s: _Suspect) -> Iterator[Cause]:
    """Right after exchanging two axes (of equal length), in particular the last two."""
    g = s.g
    for a, b in itertools.combinations(range(g.ndim), 2):
        if g.shape[a] == g.shape[b] > 1 and s.fits(np.swapaxes(g, a, b)):
            yield (
                "transposed",
                f"Your gradient{s.name} is the transpose of the numerical one (axes {a} and {b} exchanged): a "
                f".T is missing or too much.",
            )
            return
    for axes in itertools.permutations(range(g.ndim)) if 2 < g.ndim <= 4 else ():
        if (
            tuple(g.shape[k] for k in axes) == g.shape
            and axes != tuple(range(g.ndim))
            and s.fits(np.transpose(g, axes))
        ):
            yield (
                "transposed",
                f"Your gradient{s.name} has its axes in another order: transposed by {axes} it is the numerical one.",
            )
            return
    if g.ndim > 1 and g.size > 1:
        for a, b in itertools.combinations(range(g.ndim), 2):
            swapped = list(g.shape)
            swapped[a], swapped[b] = swapped[b], swapped[a]
            if tuple(swapped) != g.shape and s.fits(np.swapaxes(g.reshape(swapped), a, b)):
                yield (
                    "transposed",
                    (
                        f"Your gradient{s.name} has the elements of the transpose of the numerical one: it was "
                        f"reshaped to {g.shape} "
                        "where it had to be transposed."
                    ),
                )
                return


def _moved(s: _Suspect) -> Iterator[Cause]:
    """The right numbers in the wrong order."""
    g = s.g
    for axis in range(g.ndim):
        n = g.shape[axis]
        if n > 1 and s.fits(np.flip(g, axis)):
            yield "permuted", f"Your gradient{s.name} holds the right numbers in reverse order along axis {axis}."
            return
        for shift in range(1, min(n, 16)):
            if s.fits(np.roll(g, shift, axis)):
                yield (
                    "permuted",
                    f"Your gradient{s.name} is shifted by {n - shift if shift > n // 2 else -shift} along axis "
                    f"{axis}: an index is off.",
                )
                return
    if s.complete and g.size > 1:
        whole = np.zeros(g.shape)
        for p, value in zip(s.places, s.truth, strict=True):
            whole[p] = value
        bar = max(CLOSE * _size(s.truth), float(np.max(s.bars)))
        if np.all(np.abs(np.sort(g, None) - np.sort(whole, None)) <= bar):
            for axis in range(g.ndim):
                if np.all(np.abs(np.sort(g, axis) - np.sort(whole, axis)) <= bar):
                    yield (
                        "permuted",
                        (
                            f"Your gradient{s.name} holds the right numbers in the wrong order along axis "
                            f"{axis}: permuted (the inverse "
                            "permutation is needed?)."
                        ),
                    )
                    return
            yield "permuted", f"Your gradient{s.name} holds the right numbers in the wrong places: permuted."


# ---- wrong shapes ----


def _misshapen(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    g, x = s.g, s.x
    shapes = f"has shape {g.shape}, the input {x.shape}"
    if s.telling:
        extra = g.ndim - x.ndim
        if extra >= 0 and all(m in (1, n) for m, n in zip(x.shape, g.shape[extra:], strict=True)):
            axes = (*range(extra), *(k + extra for k, m in enumerate(x.shape) if m == 1 and g.shape[k + extra] != 1))
            total = g.sum(axis=axes).reshape(x.shape)
            if s.fits(total):
                yield (
                    "not_summed",
                    f"Your gradient{s.name} {shapes}: the input was broadcast, so sum over axis {_axes(axes)}.",
                )
                yield "shape", f"Your gradient{s.name} {shapes}."
                return
        if g.size == x.size and s.fits(g.reshape(x.shape)):
            yield "shape", f"Your gradient{s.name} {shapes}: the numbers are right, reshape it."
            return
        for axes in itertools.permutations(range(g.ndim)) if 1 < g.ndim <= 4 else ():
            if tuple(g.shape[k] for k in axes) == x.shape and s.fits(np.transpose(g, axes)):
                yield "transposed", f"Your gradient{s.name} {shapes}: it is transposed."
                yield "shape", f"Your gradient{s.name} {shapes}."
                return
        for axis in range(g.ndim):
            if g.ndim > x.ndim and s.fits(g.sum(axis)):
                yield "not_summed", f"Your gradient{s.name} {shapes}: sum over axis {axis}."
                yield "shape", f"Your gradient{s.name} {shapes}."
                return
    v = evidence.v
    if g.ndim == x.ndim == 1 and v.ndim > 1 and g.shape[0] in v.shape and x.shape[0] in v.shape:
        same_total = abs(float(g.sum() - s.truth.sum())) <= CLOSE * float(np.abs(s.truth).sum())
        if same_total or not s.complete:
            yield (
                "wrong_axis",
                (
                    f"Your gradient{s.name} {shapes}: it was summed over axis {v.shape.index(x.shape[0])} of "
                    f"the output {v.shape}, which is "
                    "the input's own."
                ),
            )
    yield "shape", f"Your gradient{s.name} {shapes}: it must have the input's."


def _axes(axes: tuple[int, ...]) -> str:
    return str(axes[0]) if len(axes) == 1 else str(axes)


# ---- sums over the wrong elements ----


def _parts(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """Sums over the wrong axis or over too few elements; wrong only at duplicates, or only where the input is
    negative."""
    yield from _wrong_axis(evidence, s)
    yield from _unsummed(evidence, s)
    yield from _duplicates(evidence, s)
    yield from _negative(s)


def _wrong_axis(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """Right if the rule had been told that two axes are exchanged: of the output, or of everything."""
    v = evidence.v
    here = s.at(s.g)
    for a, b in itertools.combinations(range(v.ndim), 2):
        if v.shape[a] == v.shape[b] > 1 and evidence.upstream:
            exchanged = np.array(evidence.numerical(s.i, s.places, np.swapaxes(v, a, b)))
            if _agree(here, exchanged):
                yield (
                    "wrong_axis",
                    f"Your gradient{s.name} sums over axis {a} of the upstream gradient where it should sum "
                    f"over axis {b}, or the other way round.",
                )
                return
    in_one_axis = s.complete and s.x.size == max(s.x.shape, default=0) > 1
    same_total = abs(float(np.sum(here - s.truth))) <= CLOSE * float(np.sum(np.abs(s.truth))) / 10
    if in_one_axis and same_total and sum(n == s.x.size for n in v.shape) > 1:
        yield (
            "wrong_axis",
            f"Your gradient{s.name} adds up to the same total as the numerical one, but not in the same places: it was "
            f"summed over the wrong one of the output's axes of length {s.x.size}.",
        )
        return
    for a, b in itertools.combinations(range(s.x.ndim), 2):
        values = [np.swapaxes(x, a, b) if x.ndim == s.x.ndim else x for x in evidence.values]
        try:
            turned = evidence.gradients(values, np.swapaxes(v, a, b) if v.ndim == s.x.ndim else v)[s.i]
        except Exception:
            continue
        turned = np.real(np.asarray(turned))
        if turned.ndim == s.x.ndim and s.fits(np.swapaxes(turned, a, b)):
            yield (
                "wrong_axis",
                f"Your gradient{s.name} takes axis {a} for axis {b}: a sum, mean or reshape in the rule goes "
                f"over the wrong axis.",
            )
            return


def _unsummed(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """The part of one slice of the output only, where the input was broadcast to all of them."""
    v = evidence.v
    for axis in range(v.ndim if evidence.upstream else 0):
        n = v.shape[axis]
        for k in {0, n - 1} if n > 1 else ():
            one = np.zeros_like(v)
            place = (slice(None),) * axis + (k,)
            one[place] = v[place]
            if _agree(s.at(s.g), np.array(evidence.numerical(s.i, s.places, one))):
                which = "first" if k == 0 else "last"
                yield (
                    "not_summed",
                    f"Your gradient{s.name} is that of the {which} of the {n} slices along axis {axis} of the "
                    f"output only: sum over all of them.",
                )
                return


def _duplicates(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """Wrong only at elements that the output uses several times, of which one use was counted."""
    wrong = np.array([evidence.slopes[s.i][p].verdict == "wrong" for p in s.places], dtype=bool)
    if not wrong.any():
        return
    bad = [p for p, w in zip(s.places, wrong, strict=True) if w]
    value = s.at(s.x)
    repeated = np.array([np.sum(s.x == x) > 1 for x in value], dtype=bool)
    if repeated.any() and not repeated.all() and np.array_equal(repeated, wrong):
        yield (
            "duplicates",
            f"Your gradient{s.name} is wrong exactly at the {len(bad)} elements whose value occurs more than "
            f"once (ties).",
        )
        return
    if evidence.v.size > 4096:
        return
    diagonal = evidence.v.shape == s.x.shape
    for p in bad[:8]:
        uses = evidence.contributions(s.i, p)
        own = uses.reshape(-1)[np.ravel_multi_index(p, s.x.shape) if p else 0] if diagonal and uses.size else np.nan
        diagonal = bool(abs(own - s.g[p]) <= CLOSE * _size(uses))
        uses = uses[np.abs(uses) > 1e-6 * _size(uses)]
        if len(uses) < 2 or not np.any(np.abs(uses - s.g[p]) <= CLOSE * _size(uses)):
            return
    if diagonal and len(bad) > 1:
        yield (
            "not_summed",
            f"Your gradient{s.name} is the diagonal of the Jacobian only, what each element does to the output in its "
            "own place: add up what it does to all outputs.",
        )
        return
    few = f"{len(bad)} of {s.x.size} elements, all of which"
    yield (
        "duplicates",
        f"Your gradient{s.name} is wrong only at {few} are used more than once: it counts one use where it "
        f"should add them all (np.add.at, not =).",
    )


def _negative(s: _Suspect) -> Iterator[Cause]:
    """Wrong where the input is negative, right where it is positive."""
    value = s.at(s.x)
    wrong = np.abs(s.at(s.g) - s.truth) > np.maximum(CLOSE / 10 * np.abs(s.truth), 2 * s.bars)
    below, above = value < 0, value > 0
    if wrong.any() and above.any() and not wrong[~below].any() and wrong[below].mean() >= 0.75:
        ratio = s.at(s.g)[wrong] / np.where(s.truth[wrong] == 0, np.nan, s.truth[wrong])
        constant = np.isfinite(ratio).all() and np.ptp(ratio) <= CLOSE * abs(ratio[0])
        what = "" if not constant else f", {ratio[0]:.6g} times the numerical one" if ratio[0] else ", where yours is 0"
        yield (
            "negative_inputs",
            (
                f"Your gradient{s.name} is right where the input is positive and wrong where it is negative "
                f"({int(wrong.sum())} "
                f"elements{what}): look at abs, sign, sqrt, or a condition x > 0."
            ),
        )


# ---- several inputs ----


def _swapped(evidence: Evidence, suspects: list[_Suspect]) -> list[Cause]:
    """Two inputs whose gradients fit each other's numbers; they are taken off the list of suspects."""
    for first, second in itertools.combinations([_suspect(evidence, i) for i in range(len(evidence.values))], 2):
        involved = {first.i, second.i} & {s.i for s in suspects}
        if not involved or not (first.telling or second.telling):
            continue
        if first.g.dtype.kind != "f" or second.g.dtype.kind != "f":
            continue
        if first.fits(second.g) and second.fits(first.g):
            suspects[:] = [s for s in suspects if s.i not in involved]
            a, b = evidence.labels[first.i], evidence.labels[second.i]
            return [("swapped", f"The gradients of inputs {a} and {b} are swapped: each fits the other's numbers.")]
    return []


def ties(evidence: Evidence, wrong_directions: set[int]) -> list[Cause]:
    """Every element alone passes, as at a kink, but together they don't: ties that are counted more than once or not
    at all."""
    for i in sorted(wrong_directions):
        kinks = [p for p, slope in evidence.slopes.get(i, {}).items() if slope.verdict == "kink"]
        if kinks:
            return [("duplicates", (
                f"Each of the {len(kinks)} elements at a kink passes alone, but moved together they show that "
                f"ties are counted more "
                "than once, or not at all: elements that tie must share one gradient, not each get (or lose) all of it."
            ))]  # fmt: skip
    return []
