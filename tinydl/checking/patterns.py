"""Mistakes known by how a gradient differs from the right one: a part held constant, something flipped, or left out.

Asked last, where causes.py has found no simple transformation that turns one into the other. What they say is more
guess than proof, so each also says what was seen.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from ..engine.arrays import Array
from .evidence import CLOSE, Cause, Evidence, Suspect


def patterns(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """What the differences between this gradient and the numbers look like, the most telling first."""
    yield from _held_constant(evidence, s)
    yield from _flipped(evidence, s)
    yield from _slice_of_output(evidence, s)
    yield from _slice(evidence, s)
    yield from _left_out(evidence, s)


def _subsets(ndim: int) -> list[tuple[int, ...]]:
    """All sets of axes that aren't empty, the smallest first."""
    return [axes for n in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), n)]


def _along(axes: Sequence[int]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {' and '.join(map(str, axes))}"


# ---- a part of f treated as a constant ----


def _held_constant(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """What is missing is the path through a mean (the same number in each slice), through a variance (a multiple of
    x − mean in each), or through another sum or norm by which f divides (a multiple of what f gives, or of x)."""
    if not s.complete or s.x.ndim > 4 or not s.x.ndim:
        return
    x, truth = s.x, np.zeros(s.x.shape)
    for p, value in zip(s.places, s.truth, strict=True):
        truth[p] = value
    missing = s.g - truth
    size, noise = float(np.max(np.abs(missing))), float(np.max(s.bars))
    bar = CLOSE * size + 2 * noise

    def zero(array: Array, bar: float) -> bool:
        return bool(np.all(np.abs(array) <= bar))

    def multiple(of: Array, axes: tuple[int, ...]) -> tuple[bool, Array]:
        """Whether what is missing is a multiple of this in each slice; and of how much."""
        square = np.sum(of * of, axes, keepdims=True)
        times = np.sum(missing * of, axes, keepdims=True) / np.where(square > 0, square, 1)
        return zero(missing - times * of, bar) and bool(np.any(square > 0)), times

    if size <= 100 * noise or multiple(x, tuple(range(x.ndim)))[0]:  # the same multiple of all x is a weight decay
        return
    for axes in _subsets(x.ndim):
        n = int(np.prod([x.shape[a] for a in axes]))
        if n < 3:
            continue
        centred = x - x.mean(axes, keepdims=True)
        balanced = zero(np.sum(truth, axes), n * bar)  # as where a mean is subtracted
        mean = missing.mean(axes, keepdims=True)
        if balanced and zero(missing - mean, bar):
            yield _held(s, "a mean", axes, "the same number in each slice")
        elif multiple(centred, axes)[0]:
            yield _held(s, "a variance", axes, f"a multiple of {s.called} − mean({s.called}) in each slice")
        elif n > 3 and balanced and zero(missing - mean - multiple(centred, axes)[1] * centred, bar):
            yield _held(s, "a mean and a variance", axes, f"a + b·{s.called} in each slice")
        elif balanced and multiple(np.exp(x - np.max(x)), axes)[0]:
            yield _held(s, "a sum of exponentials", axes, f"a multiple of exp({s.called}) in each slice")
        elif balanced and evidence.y.shape == x.shape and multiple(np.real(evidence.y), axes)[0]:
            yield _held(s, "a sum by which f divides", axes, "a multiple of f's output in each slice")
        elif zero(np.sum(truth * x, axes), n * 0.01 * float(np.max(np.abs(truth * x)))) and multiple(x, axes)[0]:
            yield _held(s, "a norm by which f divides", axes, f"a multiple of {s.called} in each slice")


def _held(s: Suspect, what: str, axes: tuple[int, ...], off: str) -> Cause:
    over = f"over {_along(axes)}"
    treated = f"{what} {over} is treated as a constant, though it depends on {s.called}"
    if " and " in what:
        treated = f"{what} {over} are treated as constants, though they depend on {s.called}"
    return "held_constant", f"{s.who} is off by {off} along {_along(axes)}: {treated} (or a factor there is wrong)."


# ---- reversed ----


def _flipped(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """Right once the upstream gradient, or another input that the rule uses, is reversed along some axes."""
    values, v = evidence.values, evidence.v
    for k in (*(k for k in range(len(values)) if k != s.i), None):
        of, name = (v, "the upstream gradient g") if k is None else (values[k], evidence.names[k])
        for axes in _subsets(of.ndim if of.ndim <= 4 and (k is not None or evidence.upstream) else 0):
            turned = np.flip(of, axes)
            given = [turned if j == k else x for j, x in enumerate(values)]
            found = evidence.claimed_for(s.i, given, turned if k is None else v)
            if found is not None and s.fits(found):
                there = f"as soon as {name} is reversed along {_along(axes)} in the rule"
                yield "flipped", f"{s.who} is the numerical one {there}: a flip ([::-1]) is missing on it, or too much."


# ---- wrong in a part only ----


def _slice_of_output(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """Right but for what comes through the first or the last slice of the output."""
    shape = evidence.v.shape
    if not shape or max(shape) < 2 or evidence.v.size > 4096:
        return
    uses = [evidence.contributions(s.i, p) for p in s.places]
    if not all(map(len, uses)):
        return
    every = np.array(uses).reshape(-1, *shape)
    for axis, n in enumerate(shape):
        for k, which in ((0, "first"), (n - 1, "last")) if n > 1 else ():
            rest = np.delete(every, k, axis + 1).reshape(len(uses), -1).sum(1)
            if s.agrees(rest):
                without = f"without the {which} of the {n} slices along axis {axis} of f's output"
                yield "slice", f"{s.who} is the one {without}: does a loop or an index end too early or start too late?"


def _slice(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """Wrong at the indices of one end, or at one index, of an axis; right at all others."""
    verdicts, largest = evidence.slopes[s.i], float(np.max(np.abs(s.truth)))
    wrong = [p for p in s.places if verdicts[p].verdict == "wrong"]
    right = [
        p for p, t in zip(s.places, s.truth, strict=True) if verdicts[p].verdict == "right" and abs(t) > 1e-6 * largest
    ]
    for axis, n in enumerate(s.x.shape):
        bad = {p[axis] for p in wrong}
        if not bad or not right or bad & {p[axis] for p in right}:
            continue
        first, last = min(bad), max(bad)
        if last - first + 1 != len(bad) or 2 * len(bad) > n or not (len(bad) == 1 or first == 0 or last == n - 1):
            continue
        where = f"{s.called}[{', '.join([':'] * axis + [_span(first, last, n)])}]"
        nothing = all(s.g[p] == 0 for p in wrong)
        what = "is 0" if nothing else "is wrong"
        asked = "was it left out, by a loop or an index that ends too early or starts too late?"
        asked = asked if nothing else "what does the rule do there, at an edge, in padding, at the end of a loop?"
        count = f"{len(wrong)} element{'s' if len(wrong) > 1 else ''}"
        yield "slice", f"{s.who} {what} in {where} ({count}) and right elsewhere: {asked}"


def _span(first: int, last: int, n: int) -> str:
    """The index of a slice as one writes it: -1, -2:, :2, 3."""
    if first == last:
        return str(first if first < n - 1 else -1)
    return f":{last + 1}" if first == 0 else f"{first - n}:"


def _left_out(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """Zero where it is wrong, right where it isn't."""
    verdicts = evidence.slopes[s.i]
    wrong = [p for p in s.places if verdicts[p].verdict == "wrong"]
    if 0 < len(wrong) < len(s.places) and all(s.g[p] == 0 for p in wrong):
        zeros = f"0 at {len(wrong)} of {len(s.places)} elements where the numerical one is not"
        yield "left_out", f"{s.who} is {zeros}, and right elsewhere: which terms of the sum, or cases, are left out?"
