"""How well a claimed gradient knows its own numbers: in which precision it was computed, and how far it is rounded.

What is wrong by no more than that can't be told from what is right. Stands on problems.py; gradcheck.py asks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..engine.arrays import Array
from .numerical import EPS, ROUNDING, scale_of
from .problems import Problem

SINGLE = float(np.finfo(np.float32).eps)


def precisions(
    problem: Problem,
    values: list[Array],
    v: Array,
    claimed: Sequence[Array],
    bent: Sequence[bool],
    rng: np.random.Generator,
) -> list[float]:
    """The rounding unit with which each gradient was computed.

    Its dtype says so, or that no number has more digits than float32 (unless it is `bent`: not linear in v, so that it
    needn't have v's digits), or that it can't tell inputs apart which float32 can't. (Only a rule in plain NumPy is
    asked that much: the engine computes in float64 here.)
    """
    found = [float(np.finfo(g.dtype).eps) if g.dtype.kind == "f" and g.dtype.itemsize < 8 else EPS for g in claimed]
    if not problem.plain:
        return found
    ways = [_direction(rng, x) for x in values]  # the same for both: ties are to break alike
    barely, more = (_moved(problem, values, v, ways, by) for by in (2.0**-36, 2.0**-21))
    for i, g in enumerate(claimed):
        if found[i] != EPS or g.dtype.kind != "f" or not g.any():
            continue
        digits = problem.upstream and not bent[i]  # those of v, which has all that float64 has
        short = digits and np.array_equal(g, g.astype(np.float32))
        found[i] = SINGLE if short or (barely and more and _blind(g, barely[i], more[i])) else EPS
    return found


def _moved(problem: Problem, values: list[Array], v: Array, ways: Sequence[Array], by: float) -> list[Array] | None:
    """The gradients where the inputs have moved by this part of each way; None outside the domain."""
    try:
        return [np.asarray(g) for g in problem.gradients([x + by * d for x, d in zip(values, ways, strict=True)], v)]
    except Exception:  # a rule may raise anything there
        return None


def _direction(rng: np.random.Generator, x: Array) -> Array:
    """A random one in which no element stands still, each moving by at most its own size."""
    return np.asarray(rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1, x.shape) * scale_of(x))


def _blind(g: Array, barely: Array, more: Array) -> bool:
    """Whether a gradient doesn't see inputs move by a 2⁻³⁶th, and clearly does by a 2⁻²¹th."""
    if g.shape != barely.shape or g.shape != more.shape:
        return False
    seen = np.abs(more - g) > 2.0**-30 * np.max(np.abs(g))
    return bool(seen.any() and np.mean(barely[seen] != g[seen]) < 0.25)


def noise_of_rule(
    problem: Problem,
    values: list[Array],
    y: Array,
    v: Array,
    ours: Sequence[Array],
    units: Sequence[float],
    linear: bool,
    rng: np.random.Generator,
) -> list[Array]:
    """How far each claimed derivative is itself rounded: by how much it moves when x moves by a few units in the last
    place that its precision knows, or, per unit of v, when v is stretched.

    What moves by more than a small part of the largest has met a kink, and says nothing of rounding; nor does what
    stretching v moves by more than rounding to float32 could: that is a rule which cuts its result off.
    """
    noise = [max(16 * EPS, unit if unit > EPS else 0.0) * np.abs(g) for g, unit in zip(ours, units, strict=True)]
    tiny = 1e-9 * float(np.sqrt(np.sum((v * y) ** 2)))
    loose = [EPS if unit == SINGLE and _cut_off(g) else unit for g, unit in zip(ours, units, strict=True)]
    for unit in sorted(set(loose)):
        for trial in range(4):
            stretched = trial > 1 and linear and problem.upstream
            factor = rng.uniform(1.1, 1.9) if stretched else 1.0
            by = 0.0 if stretched and unit == EPS else 2 * unit
            nearby = [x + by * rng.uniform(-1, 1, x.shape) * scale_of(x) for x in values]
            try:
                moved = problem.gradients(nearby, v * factor)
            except Exception:  # just outside the domain
                continue
            most = 1e-2 if unit > EPS else ROUNDING if stretched else 1e-4
            for i, (g, other) in enumerate(zip(ours, moved, strict=True)):
                if loose[i] == unit and np.shape(other) == g.shape and g.size:
                    change = np.abs(np.real(np.asarray(other)).astype(np.float64) / factor - g)
                    hidden = False if stretched else change * scale_of(values[i]) <= tiny  # in f nobody could see it
                    sound = (change <= most * np.max(np.abs(g))) | hidden
                    noise[i] = np.maximum(noise[i], np.where(sound, 8 * change, 0.0))  # (False for nan as well)
    if any(unit > EPS for unit in loose):
        for i, scatter in enumerate(_scatter(problem, values, v, ours, rng)):
            if loose[i] > EPS:
                noise[i] = np.maximum(noise[i], 8 * scatter)
    return noise


def _cut_off(g: Array) -> bool:
    """Whether no number has more than 16 bits, as none has that was rounded to float16: float32 is no excuse then."""
    mantissas = np.frexp(g)[0] * 2.0**16
    return bool(np.array_equal(mantissas, np.round(mantissas)))


def _scatter(
    problem: Problem, values: list[Array], v: Array, ours: Sequence[Array], rng: np.random.Generator
) -> list[Array]:
    """By how much each derivative scatters about a smooth course while x moves along a line, as the rounding of
    intermediate results makes it: the fourth differences, which of a smooth course are next to nothing.

    (Hamming, Numerical Methods for Scientists and Engineers, chapter 10: those of noise σ are √70 σ.)
    """
    found = [np.zeros(g.shape) for g in ours]
    for _ in range(2):
        ways = [2.0**-12 * _direction(rng, np.maximum(np.abs(x), np.median(scale_of(x)))) for x in values]
        try:
            course = [
                problem.gradients([x + k * d for x, d in zip(values, ways, strict=True)], v) for k in range(-3, 4)
            ]
        except Exception:  # outside the domain
            continue
        for i, g in enumerate(ours):
            steps = [np.asarray(there[i]) for there in course]
            if all(step.shape == g.shape and step.dtype.kind == "f" for step in steps) and g.size:
                apart = np.abs(np.diff(np.array(steps, dtype=np.float64), 4, axis=0)).max(axis=0) / 70**0.5
                found[i] = np.maximum(found[i], np.where(apart <= 5e-2 * np.max(np.abs(g)), apart, 0.0))
    return found


def told(units: Sequence[float], names: Sequence[str], right: bool, worst: float) -> str:
    """What to say of gradients that aren't computed in float64; "" if all are."""
    narrow = [(name, unit) for name, unit in zip(names, units, strict=True) if unit > EPS]
    if not narrow:
        return ""
    which = f" of {' and '.join(name for name, _ in narrow)}" if len(narrow) < len(names) else ""
    coarsest = max(unit for _, unit in narrow)
    dtype = "float32" if coarsest <= SINGLE else "float16"
    text = f"Your gradient{which} is computed in {dtype} and judged as that"
    if not right:
        return f"{text}."
    return f"{text}: it agrees to {max(worst, coarsest / 2):.0e}; written in float64 it can be checked further."
