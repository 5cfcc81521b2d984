"""Why is this gradient wrong? The usual mistakes, each tried against the numbers; the one that fits names the cause.

Every mistake is a transformation that turns the wrong gradient into the right one, or the right one into the wrong. It
is tried where numerical derivatives are known, and fits if all of them agree. gradcheck.py collects the evidence.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import Array
from .numerical import Slope

Cause = tuple[str, str]
CLOSE = 1e-4  # of the largest derivative of the input: agreement that is no accident, and that noise permits
ORDER = (
    "not_finite", "dtype", "ignores_upstream", "zero", "swapped", "transposed", "not_summed", "wrong_axis", "shape",
    "sign", "factor", "permuted", "duplicates", "negative_inputs",
)  # fmt: skip


@dataclass(eq=False)
class Evidence:
    """What a check has found out: the claimed gradients and, where measured, the slopes.

    `numerical(i, indices, v)` measures more derivatives of v·f, with any v; `contributions(i, index)` those of each
    vₖ fₖ.
    """

    gradients: Callable[[Sequence[Array], Array], list[Any]]
    numerical: Callable[[int, Sequence[tuple[int, ...]], Array], list[float]]
    contributions: Callable[[int, tuple[int, ...]], Array]
    values: list[Array]
    labels: Sequence[int | str]
    v: Array
    claimed: list[Array]
    upstream: bool
    slopes: dict[int, dict[tuple[int, ...], Slope]]

    def name(self, i: int) -> str:
        """How to call an input in a sentence."""
        label = self.labels[i]
        return f"input {label}" if isinstance(label, int) else label

    def claimed_for(self, i: int, values: Sequence[Array], v: Array) -> Array | None:
        """What the rule gives for input i with other arguments; None if it raises."""
        try:
            return np.real(np.asarray(self.gradients(values, v)[i])).astype(np.float64)
        except Exception:  # a rule may raise anything where it isn't meant to be used
            return None


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

    def fits(self, candidate: Array) -> bool:
        """Whether this gradient agrees with the numbers everywhere."""
        if np.shape(candidate) != self.x.shape:
            return False
        largest = _size(self.truth)
        allowed = np.maximum(
            np.minimum(self.bars, 1e-2 * largest), CLOSE * np.maximum(np.abs(self.truth), 1e-3 * largest)
        )
        return bool(self.places and np.all(np.abs(self.at(candidate) - self.truth) <= allowed))

    def at(self, array: Array) -> Array:
        return np.array([array[p] for p in self.places], dtype=np.float64)

    @property
    def telling(self) -> bool:
        """Whether there is anything in the numbers that a transformation could fit."""
        return len(self.places) > 0 and bool(np.any(np.abs(self.truth) > self.bars))


def find_causes(evidence: Evidence, wrong: set[int]) -> list[Cause]:
    """The mistakes that explain the numbers of the inputs `wrong`, as (code, sentence), the best first."""
    suspects = [_suspect(evidence, i) for i in sorted(wrong)]
    found = _swapped(evidence, suspects) if len(evidence.values) > 1 else []
    for s in suspects:
        found += _of_one(evidence, s)
    unique: dict[str, str] = {}
    for code, sentence in sorted(found, key=lambda cause: ORDER.index(cause[0])):
        unique.setdefault(code, sentence)
    return list(unique.items())


def _suspect(evidence: Evidence, i: int) -> _Suspect:
    x = evidence.values[i]
    known = {p: s for p, s in evidence.slopes.get(i, {}).items() if s.verdict != "kink" and math.isfinite(s.bar)}
    places = list(known)
    return _Suspect(
        i, "" if len(evidence.values) == 1 else f" of {evidence.name(i)}", x, evidence.claimed[i], places,
        np.array([known[p].value for p in places]), np.array([known[p].bar for p in places]), len(known) == x.size,
    )  # fmt: skip


def _of_one(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """The causes found for one input, those that explain most first."""
    who, dtype = f"Your gradient{s.name}", s.g.dtype
    if dtype.kind not in "fc":
        advice = "integers round a gradient to whole numbers" if dtype.kind in "iu" else "it should be floating"
        yield "dtype", f"{who} has dtype {dtype}: {advice}; compute with floats."
        if dtype.kind not in "iub":
            return
    if dtype.kind == "c":
        advice = "the input is real: take .real, or look where it came from"
        yield "dtype", f"{who} is complex ({dtype}), but {advice}."
    g = s.g = np.real(s.g).astype(np.float64)
    if g.shape != s.x.shape:
        yield from _misshapen(evidence, s)
        return
    if not np.isfinite(g).all():
        bad = np.argwhere(~np.isfinite(g))
        at = f" at index {bad[0].tolist()}" if g.ndim else ""
        many = f"({len(bad)} of {g.size} elements aren't finite) where the numerical one is finite"
        yield "not_finite", f"{who} is {g[tuple(bad[0])]}{at} {many}: look for a division by 0, log(0) or inf − inf."
        return
    if not s.telling or s.fits(g):
        return
    if not g.any():
        yield "zero", f"{who} is 0 everywhere, the numerical one is not (up to {_size(s.truth):.3g})."
        return
    ignoring = _ignores_upstream(evidence, s)
    if ignoring:
        yield "ignores_upstream", who + ignoring
    ratio = _ratio(s)
    if ratio is not None and not ignoring:
        yield _factor(evidence, who, ratio, " everywhere" if g.size > 1 else "")
        return
    yield from _transposed(evidence, s)
    yield from _moved(s)
    if not ignoring:
        yield from _wrong_axis(evidence, s)
        yield from _unsummed(evidence, s)
        yield from _duplicates(evidence, s)
        yield from _negative(s)


def _size(numbers: Array) -> float:
    return float(np.max(np.abs(numbers), initial=0.0))


def _agree(a: Array, b: Array) -> bool:
    return bool(np.all(np.abs(a - b) <= CLOSE * max(_size(b), 1e-300))) and bool(np.any(b))


# ---- a constant factor ----


def _ratio(s: _Suspect) -> float | None:
    """The constant c with ours = c · numerical, if there is one."""
    here = s.at(s.g)
    clear = np.abs(s.truth) > 1e3 * s.bars
    if not clear.any() or not here[clear].all():
        return None
    ratio = float(np.sum(here * s.truth) / np.sum(s.truth * s.truth))
    return ratio if ratio and s.fits(s.g / ratio) else None


def _factor(evidence: Evidence, who: str, ratio: float, everywhere: str) -> Cause:
    """A factor n or 1/n, best one that counts something here: the missing, or superfluous, division of a mean."""
    if abs(ratio + 1) < 1e-3:
        return "sign", f"{who} is exactly −1 times the numerical one{everywhere}: a sign is flipped."
    sign, flipped = ("−", "a sign is flipped, and ") if ratio < 0 else ("", "")
    known = [(n, f"{n} is {what}", ("was a mean's division by it forgotten?", "was a mean taken for a sum?"), 1e-3)
             for n, what in sorted(_counts(evidence).items()) if n > 2]  # fmt: skip
    known += [(n, f"a factor {n}", ("too much.", "is missing."), 1e-4) for n in range(2, 1000)]
    for n, what, (too_large, too_small), close in known:
        joint = "; " if what.startswith(str(n)) else " "
        if abs(abs(ratio) / n - 1) < close:
            return (
                "factor",
                f"{who} is {sign}{n} times the numerical one{everywhere}: {flipped}{what}{joint}{too_large}",
            )
        if abs(1 / abs(ratio) / n - 1) < close:
            return "factor", f"{who} is {sign}1/{n} of the numerical one{everywhere}: {flipped}{what}{joint}{too_small}"
    advice = "a constant factor is wrong" if everywhere else "of a single number that says little"
    return "factor", f"{who} is {ratio:.7g} times the numerical one{everywhere}: {flipped}{advice}."


def _counts(evidence: Evidence) -> dict[int, str]:
    """What the numbers of elements in this problem count."""
    counts: dict[int, str] = {}
    for i, x in reversed(list(enumerate(evidence.values))):
        name = evidence.name(i)
        for axis, n in enumerate(x.shape):
            kind = "elements" if x.ndim != 2 else "columns" if axis else "rows"
            counts[n] = f"the number of {kind}{f' (axis {axis})' if x.ndim > 1 else ''} of {name}"
        counts.setdefault(x.size, f"the number of elements of {name}")
    for axis, n in enumerate(evidence.v.shape):
        counts.setdefault(n, f"the length of axis {axis} of f's output")
    counts.setdefault(evidence.v.size, "the number of elements of f's output")
    return counts


# ---- the upstream gradient ----


def _ignores_upstream(evidence: Evidence, s: _Suspect) -> str:
    """What to say if the claimed gradient doesn't change with v, or is the right one for other v than was given."""
    v = evidence.v
    if not evidence.upstream:
        return ""
    again = evidence.claimed_for(
        s.i, evidence.values, np.asarray(v[..., ::-1] * 1.7 + 0.3 if v.ndim else v * 1.7 + 0.3)
    )
    if again is None:
        return ""
    if np.array_equal(again, s.g):
        return " stays the same whatever the upstream gradient g is: multiply by g (chain rule)."
    if v.size > 1 or not np.allclose(v, 1):
        ones = np.array(evidence.numerical(s.i, s.places, np.ones(v.shape)))
        if s.telling and _agree(s.at(s.g), ones):
            return " is the one for an upstream gradient of ones: it ignores g (chain rule)."
        mean = np.array(evidence.numerical(s.i, s.places, np.full(v.shape, float(np.mean(v)))))
        if v.size > 1 and np.any(mean) and _agree(s.at(s.g), mean):
            return " uses the upstream gradient's mean (or sum) where it needs g itself, element by element."
    return ""


# ---- elements in the wrong places ----


def _transposed(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """Right after exchanging two axes: of the gradient, or of an argument that the rule has used."""
    g, who = s.g, f"Your gradient{s.name}"
    pairs = list(itertools.combinations(range(g.ndim), 2))
    for a, b in pairs:
        if g.shape[a] == g.shape[b] > 1 and s.fits(np.swapaxes(g, a, b)):
            exchanged = f"(axes {a} and {b} exchanged): a .T is missing or too much"
            yield "transposed", f"{who} is the transpose of the numerical one {exchanged}."
            return
    for axes in itertools.permutations(range(g.ndim)) if 2 < g.ndim <= 4 else ():
        if np.transpose(g, axes).shape == g.shape and axes != tuple(range(g.ndim)) and s.fits(np.transpose(g, axes)):
            yield "transposed", f"{who} has its axes in another order: transposed by {axes} it is the numerical one."
            return
    for a, b in pairs:
        turned = list(g.shape)
        turned[a], turned[b] = turned[b], turned[a]
        if tuple(turned) != g.shape and s.fits(np.swapaxes(g.reshape(turned), a, b)):
            reshaped = f"it was reshaped to {g.shape} where it had to be transposed"
            yield "transposed", f"{who} has the elements of the transpose of the numerical one: {reshaped}."
            return
    for k, x in enumerate(evidence.values):
        if x.ndim > 1 and x.shape[-1] == x.shape[-2] > 1:
            values = [np.swapaxes(x, -1, -2) if j == k else other for j, other in enumerate(evidence.values)]
            turned_rule = evidence.claimed_for(s.i, values, evidence.v)
            if turned_rule is not None and s.fits(turned_rule):
                there = f"as soon as {evidence.name(k)} is transposed in the rule: a .T is missing on it, or too much"
                yield "transposed", f"{who} is the numerical one {there}."
                return


def _moved(s: _Suspect) -> Iterator[Cause]:
    """The right numbers in the wrong order."""
    g, who = s.g, f"Your gradient{s.name}"
    for axis, n in enumerate(g.shape):
        if n > 1 and s.fits(np.flip(g, axis)):
            yield "permuted", f"{who} holds the right numbers in reverse order along axis {axis}."
            return
        for shift in range(1, min(n, 16)):
            if s.fits(np.roll(g, shift, axis)):
                by = n - shift if shift > n // 2 else -shift
                yield "permuted", f"{who} is shifted by {by} along axis {axis}: an index is off."
                return
    if not s.complete or g.size < 2:
        return
    whole = np.zeros(g.shape)
    for p, value in zip(s.places, s.truth, strict=True):
        whole[p] = value
    bar = max(CLOSE * _size(s.truth), float(np.max(s.bars)))
    for axis in range(g.ndim):
        if np.all(np.abs(np.sort(g, axis) - np.sort(whole, axis)) <= bar):
            advice = "permuted (the inverse permutation is needed?)"
            yield "permuted", f"{who} holds the right numbers in the wrong order along axis {axis}: {advice}."
            return
    if np.all(np.abs(np.sort(g, None) - np.sort(whole, None)) <= bar):
        yield "permuted", f"{who} holds the right numbers in the wrong places: permuted."


# ---- wrong shapes ----


def _misshapen(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    g, x = s.g, s.x
    who = f"Your gradient{s.name} has shape {g.shape}, the input {x.shape}"
    if s.telling:
        extra = g.ndim - x.ndim
        if extra >= 0 and all(m in (1, n) for m, n in zip(x.shape, g.shape[extra:], strict=True)):
            axes = (*range(extra), *(k + extra for k, m in enumerate(x.shape) if m == 1 and g.shape[k + extra] != 1))
            if s.fits(g.sum(axis=axes).reshape(x.shape)):
                over = axes[0] if len(axes) == 1 else axes
                yield "not_summed", f"{who}: the input was broadcast, so sum over axis {over}."
                yield "shape", f"{who}."
                return
        if g.size == x.size and s.fits(g.reshape(x.shape)):
            yield "shape", f"{who}: the numbers are right, reshape it."
            return
        for order in itertools.permutations(range(g.ndim)) if 1 < g.ndim <= 4 else ():
            if s.fits(np.transpose(g, order)):
                yield "transposed", f"{who}: it is transposed."
                yield "shape", f"{who}."
                return
        for axis in range(g.ndim if g.ndim > x.ndim else 0):
            if s.fits(g.sum(axis)):
                yield "not_summed", f"{who}: sum over axis {axis}."
                yield "shape", f"{who}."
                return
    v = evidence.v
    if g.ndim == x.ndim == 1 and v.ndim > 1 and g.shape[0] in v.shape and x.shape[0] in v.shape:
        same_total = abs(float(g.sum() - s.truth.sum())) <= CLOSE * float(np.abs(s.truth).sum())
        if same_total or not s.complete:
            left = f"of the axes of the output {v.shape} it must leave the input's own, of length {x.shape[0]}"
            yield "wrong_axis", f"{who}: it was summed over the wrong axis; {left}."
    yield "shape", f"{who}: it must have the input's."


# ---- sums over the wrong elements ----


def _wrong_axis(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """Right if the rule had been told that two axes are exchanged: of the output, or of everything. (Which of the two
    it should have taken, the numbers don't tell.)"""
    v, who, here = evidence.v, f"Your gradient{s.name}", s.at(s.g)
    for a, b in itertools.combinations(range(v.ndim), 2):
        square = evidence.upstream and v.shape[a] == v.shape[b] > 1
        if square and _agree(here, np.array(evidence.numerical(s.i, s.places, np.swapaxes(v, a, b)))):
            mixed = f"axis {a} and axis {b} of the upstream gradient: it sums over the wrong one"
            yield "wrong_axis", f"{who} mixes up {mixed}."
            return
    in_one_axis = s.complete and s.x.size == max(s.x.shape, default=0) > 1
    same_total = abs(float(np.sum(here - s.truth))) <= CLOSE * float(np.sum(np.abs(s.truth))) / 10
    if in_one_axis and same_total and sum(n == s.x.size for n in v.shape) > 1:
        summed = f"it was summed over the wrong one of the output's axes of length {s.x.size}"
        yield "wrong_axis", f"{who} adds up to the same total as the numerical one, but in other places: {summed}."
        return
    for a, b in itertools.combinations(range(s.x.ndim), 2):
        values = [np.swapaxes(x, a, b) if x.ndim == s.x.ndim else x for x in evidence.values]
        turned = evidence.claimed_for(s.i, values, np.swapaxes(v, a, b) if v.ndim == s.x.ndim else v)
        if turned is not None and turned.ndim == s.x.ndim and s.fits(np.swapaxes(turned, a, b)):
            yield (
                "wrong_axis",
                f"{who} mixes up axis {a} and axis {b}: a sum, mean or reshape in the rule takes the wrong one.",
            )
            return


def _unsummed(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """The part of one slice of the output only, where the input was broadcast to all of them."""
    v = evidence.v
    for axis, n in enumerate(v.shape if evidence.upstream else ()):
        for k, which in ((0, "first"), (n - 1, "last")) if n > 1 else ():
            place = (slice(None),) * axis + (k,)
            one = np.zeros_like(v)
            one[place] = v[place]
            if _agree(s.at(s.g), np.array(evidence.numerical(s.i, s.places, one))):
                slices = f"the {which} of the {n} slices along axis {axis} of the output only"
                yield "not_summed", f"Your gradient{s.name} is that of {slices}: sum over all of them."
                return


def _duplicates(evidence: Evidence, s: _Suspect) -> Iterator[Cause]:
    """Wrong only at elements that the output uses several times, of which one use was counted."""
    wrong = np.array([evidence.slopes[s.i][p].verdict == "wrong" for p in s.places], dtype=bool)
    if not wrong.any():
        return
    who = f"Your gradient{s.name}"
    bad = [p for p, w in zip(s.places, wrong, strict=True) if w]
    repeated = np.array([np.sum(s.x == x) > 1 for x in s.at(s.x)], dtype=bool)
    if repeated.any() and not repeated.all() and np.array_equal(repeated, wrong):
        ties = f"the {len(bad)} elements whose value occurs more than once (ties)"
        yield "duplicates", f"{who} is wrong exactly at {ties}."
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
        own_place = "what each element does to the output in its own place: add up what it does to all outputs"
        yield "not_summed", f"{who} is the diagonal of the Jacobian only, {own_place}."
        return
    few = f"{len(bad)} of {s.x.size} elements, all of which are used more than once"
    yield (
        "duplicates",
        f"{who} is wrong only at {few}: it counts one use where it should add them all (np.add.at, not =).",
    )


def _negative(s: _Suspect) -> Iterator[Cause]:
    """Wrong where the input is negative, right where it is positive."""
    value, here = s.at(s.x), s.at(s.g)
    wrong = np.abs(here - s.truth) > np.maximum(CLOSE / 10 * np.abs(s.truth), 2 * s.bars)
    below, above = value < 0, value > 0
    if wrong.any() and above.any() and not wrong[~below].any() and wrong[below].mean() >= 0.75:
        ratio = here[wrong] / np.where(s.truth[wrong] == 0, np.nan, s.truth[wrong])
        constant = np.isfinite(ratio).all() and np.ptp(ratio) <= CLOSE * abs(ratio[0])
        what = "" if not constant else f", {ratio[0]:.6g} times the numerical one" if ratio[0] else ", where yours is 0"
        where = f"wrong where it is negative ({int(wrong.sum())} elements{what})"
        advice = "look at abs, sign, sqrt, or a condition x > 0"
        yield "negative_inputs", f"Your gradient{s.name} is right where the input is positive and {where}: {advice}."


# ---- several inputs, or several elements at once ----


def _swapped(evidence: Evidence, suspects: list[_Suspect]) -> list[Cause]:
    """Two inputs whose gradients fit each other's numbers; they are taken off the list of suspects."""
    for first, second in itertools.combinations([_suspect(evidence, i) for i in range(len(evidence.values))], 2):
        involved = {first.i, second.i} & {s.i for s in suspects}
        usable = first.g.dtype.kind == second.g.dtype.kind == "f" and (first.telling or second.telling)
        if involved and usable and first.fits(second.g) and second.fits(first.g):
            suspects[:] = [s for s in suspects if s.i not in involved]
            a, b = evidence.labels[first.i], evidence.labels[second.i]
            return [("swapped", f"The gradients of inputs {a} and {b} are swapped: each fits the other's numbers.")]
    return []


def ties(evidence: Evidence, wrong_directions: set[int]) -> list[Cause]:
    """Every element alone passes, as at a kink, but together they don't: ties counted more than once or not at all."""
    for i in sorted(wrong_directions):
        kinks = [p for p, slope in evidence.slopes.get(i, {}).items() if slope.verdict == "kink"]
        if kinks:
            return [("duplicates", (
                f"Each of the {len(kinks)} elements at a kink passes alone, but moved together they show that ties are "
                "counted more than once, or not at all: elements that tie must share one gradient, not each get (or "
                "lose) all of it."
            ))]  # fmt: skip
    return []
