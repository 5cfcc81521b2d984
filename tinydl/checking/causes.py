"""Why is this gradient wrong? The usual mistakes, each tried against the numbers; the one that fits names the cause.

Every mistake is a transformation that turns the wrong gradient into the right one, or the right one into the wrong. It
is tried where numerical derivatives are known, and fits if all of them agree. gradcheck.py collects the evidence;
patterns.py knows the mistakes that show in where, and in what way, the numbers differ.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..engine.arrays import Array
from .evidence import CLOSE, Cause, Evidence, Suspect, agree, size_of
from .patterns import patterns
from .problems import arguments_of, one_each, takes

ORDER = (
    "arguments", "not_finite", "dtype", "ignores_upstream", "not_linear", "returns_nothing", "zero", "swapped",
    "transposed", "not_summed", "wrong_axis", "shape", "sign", "factor", "permuted", "duplicates", "negative_inputs",
    "held_constant", "flipped", "slice", "left_out",
)  # fmt: skip


def find_causes(evidence: Evidence, wrong: set[int]) -> list[Cause]:
    """The mistakes that explain the numbers of the inputs `wrong`, as (code, sentence), the best first: of each input
    one, and what is the same of several is said once."""
    suspects = [_suspect(evidence, i) for i in sorted(wrong)]
    misused = _arguments(evidence, suspects)
    if misused:
        return misused
    found = _swapped(evidence, suspects) if len(evidence.values) > 1 else []
    for s in suspects:
        found += _of_one(evidence, s)
    unique: dict[str, str] = {}
    for code, sentence in sorted(found, key=_rank):
        unique.setdefault(code, sentence)
    return list(unique.items())


def _rank(cause: Cause) -> int:
    return ORDER.index(cause[0])


def _suspect(evidence: Evidence, i: int) -> Suspect:
    x = evidence.values[i]
    known = {p: s for p, s in evidence.slopes.get(i, {}).items() if s.verdict != "kink" and math.isfinite(s.bar)}
    places = list(known)
    name = evidence.names[i]
    return Suspect(
        i, "" if len(evidence.values) == 1 else f" of {name}", name, x, evidence.claimed[i], places,
        np.array([known[p].value for p in places]), np.array([known[p].bar for p in places]), len(known) == x.size,
    )  # fmt: skip


def _of_one(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """The causes found for one input, those that explain most first."""
    who, dtype = s.who, s.g.dtype
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
    if evidence.bent[s.i] and s.fits(g):
        yield _not_linear(evidence, s)
    if not s.telling or s.fits(g):
        return
    if not g.any() and not evidence.bent[s.i]:
        yield _zero(evidence, s)
        return
    ignoring = _ignores_upstream(evidence, s)
    if ignoring:
        yield "ignores_upstream", who + ignoring
        return
    if evidence.bent[s.i]:
        yield _not_linear(evidence, s)
        return
    ratio = _ratio(s)
    if ratio is not None:
        yield _factor(evidence, who, ratio, " everywhere" if g.size > 1 else "")
        return
    known = [*_transposed(evidence, s), *_moved(s), *_wrong_axis(evidence, s), *_unsummed(evidence, s),
             *_duplicates(evidence, s), *_negative(s)]  # fmt: skip
    if known:
        yield min(known, key=_rank)  # what fits as well says the same in vaguer words
        return
    yield from itertools.islice(patterns(evidence, s), 1)


# ---- how the rule was called, and what it returned ----


def _arguments(evidence: Evidence, suspects: Sequence[Suspect]) -> list[Cause]:
    """Whether the rule is right as soon as it is called without g, or with g last. (It is asked only if the rule isn't
    linear in what it takes for g: of x·x a wrong rule may be right with x for g.)"""
    rule, values, telling = evidence.problem.rule, evidence.values, [s for s in suspects if s.telling]
    if rule is None or not any(evidence.bent) or not telling:
        return []
    inputs = "*inputs" if any(" " in name for name in evidence.names) else ", ".join(evidence.names)
    alone = evidence.v.item() if evidence.v.size == 1 else 1.0
    for count, more, way, advice in (
        (len(values), [(alone, [])], f"rule({inputs})", "g is the gradient of f's output: take it, and multiply by it"),
        (len(values) + 1, [(1, [evidence.v]), (1 / 64, [64 * evidence.v])], f"rule({inputs}, g)", "g comes first"),
    ):
        if not takes(rule, count):
            continue
        try:
            tried = [(times, one_each(rule(*(x.copy() for x in [*values, *g])), values)) for times, g in more]
        except Exception:  # it isn't meant to be called so
            continue
        found = [[np.asarray(g) * times for g in given] for times, given in tried]
        if all(given[s.i].dtype.kind == "f" and s.fits(given[s.i]) for given in found for s in telling):
            called = f"Your rule is called as rule(g, {inputs}), but it is right as {way}"
            return [("arguments", f"{called}: {advice}.")]
    return []


def _zero(evidence: Evidence, s: Suspect) -> Cause:
    """A gradient of zeros, which is also what None counts as."""
    size = size_of(s.truth) / (abs(evidence.v.item()) if evidence.v.size == 1 else 1.0)
    sentence = f"{s.who} is 0 everywhere, the numerical one is not (up to {size:.3g})."
    rule = evidence.problem.rule
    if rule is None:
        return "zero", sentence
    returned = rule(*arguments_of(evidence.upstream, evidence.values, evidence.v))
    if returned is None:
        return "returns_nothing", "Your rule returned None: is a `return` missing?"
    if isinstance(returned, (tuple, list)) and len(returned) == len(evidence.values) and returned[s.i] is None:
        return "zero", f"{s.who} is None, which counts as 0 everywhere; the numerical one is not 0 (up to {size:.3g})."
    return "zero", sentence


# ---- a constant factor ----


def _ratio(s: Suspect) -> float | None:
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
        name = evidence.names[i]
        for axis, n in enumerate(x.shape):
            kind = "elements" if x.ndim != 2 else "columns" if axis else "rows"
            counts[n] = f"the number of {kind}{f' (axis {axis})' if x.ndim > 1 else ''} of {name}"
        counts.setdefault(x.size, f"the number of elements of {name}")
    for axis, n in enumerate(evidence.v.shape):
        counts.setdefault(n, f"the length of axis {axis} of f's output")
    counts.setdefault(evidence.v.size, "the number of elements of f's output")
    return counts


# ---- the upstream gradient ----


def _ignores_upstream(evidence: Evidence, s: Suspect) -> str:
    """What to say if the claimed gradient doesn't change with v, or is the right one for other v than was given."""
    v = evidence.v
    if not evidence.upstream:
        return ""
    again = evidence.claimed_for(
        s.i, evidence.values, np.asarray(v[..., ::-1] * 1.7 + 0.3 if v.ndim else v * 1.7 + 0.3)
    )
    if again is None:
        return ""
    other = evidence.claimed_for(s.i, evidence.values, -0.3 * v)  # of another sign, so that clipping shows
    if np.array_equal(again, s.g) and (other is None or np.array_equal(other, s.g)):
        return " stays the same whatever the upstream gradient g is: multiply by g (chain rule)."
    if not evidence.bent[s.i] and (v.size > 1 or not np.allclose(v, 1)):
        ones = np.array(evidence.numerical(s.i, s.places, np.ones(v.shape)))
        if s.telling and agree(s.at(s.g), ones):
            return " is the one for an upstream gradient of ones: it ignores g (chain rule)."
        mean = np.array(evidence.numerical(s.i, s.places, np.full(v.shape, float(np.mean(v)))))
        if v.size > 1 and np.any(mean) and agree(s.at(s.g), mean):
            return " uses the upstream gradient's mean (or sum) where it needs g itself, element by element."
    return ""


def _not_linear(evidence: Evidence, s: Suspect) -> Cause:
    asked = "twice the upstream gradient must give twice the gradient (is something clipped, squared, rounded, added?)"
    return "not_linear", f"{'Your rule' if evidence.problem.plain else s.who} isn't linear in g: {asked}."


# ---- elements in the wrong places ----


def _transposed(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """Right after exchanging two axes: of the gradient, or of an argument that the rule has used."""
    g, who = s.g, s.who
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
                there = f"as soon as {evidence.names[k]} is transposed in the rule: a .T is missing on it, or too much"
                yield "transposed", f"{who} is the numerical one {there}."
                return


def _moved(s: Suspect) -> Iterator[Cause]:
    """The right numbers in the wrong order."""
    g, who = s.g, s.who
    for axis, n in enumerate(g.shape):
        if n > 1 and s.fits(np.flip(g, axis)):
            yield "permuted", f"{who} holds the right numbers in reverse order along axis {axis} (flipped)."
            return
        for shift in range(1, min(n, 16)):
            if s.fits(np.roll(g, shift, axis)):
                by = n - shift if shift > n // 2 else -shift
                yield "permuted", f"{who} is shifted by {by} along axis {axis}: an index is off."
                return
    for axes in (c for n in range(2, g.ndim + 1) for c in itertools.combinations(range(g.ndim), n)):
        if s.fits(np.flip(g, axes)):
            several = " and ".join(map(str, axes))
            yield "flipped", f"{who} holds the right numbers in reverse order along axes {several}: flipped."
            return
    if not s.complete or g.size < 2:
        return
    whole = np.zeros(g.shape)
    for p, value in zip(s.places, s.truth, strict=True):
        whole[p] = value
    bar = max(CLOSE * size_of(s.truth), float(np.max(s.bars)))
    for axis in range(g.ndim):
        if np.all(np.abs(np.sort(g, axis) - np.sort(whole, axis)) <= bar):
            advice = "permuted (the inverse permutation is needed?)"
            yield "permuted", f"{who} holds the right numbers in the wrong order along axis {axis}: {advice}."
            return
    if np.all(np.abs(np.sort(g, None) - np.sort(whole, None)) <= bar):
        yield "permuted", f"{who} holds the right numbers in the wrong places: permuted."


# ---- wrong shapes ----


def _misshapen(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    g, x = s.g, s.x
    who = f"{s.who} has shape {g.shape}, the input {x.shape}"
    if s.telling:
        extra = g.ndim - x.ndim
        if extra >= 0 and all(m in (1, n) for m, n in zip(x.shape, g.shape[extra:], strict=True)):
            axes = (*range(extra), *(k + extra for k, m in enumerate(x.shape) if m == 1 and g.shape[k + extra] != 1))
            if s.fits(g.sum(axis=axes).reshape(x.shape)):
                over = axes[0] if len(axes) == 1 else axes
                yield "not_summed", f"{who}: the input was broadcast, so sum over axis {over}."
                return
        if g.size == x.size and s.fits(g.reshape(x.shape)):
            yield "shape", f"{who}: the numbers are right, reshape it."
            return
        for order in itertools.permutations(range(g.ndim)) if 1 < g.ndim <= 4 else ():
            if s.fits(np.transpose(g, order)):
                yield "transposed", f"{who}: it is transposed."
                return
        for axis in range(g.ndim if g.ndim > x.ndim else 0):
            if s.fits(g.sum(axis)):
                yield "not_summed", f"{who}: sum over axis {axis}."
                return
    v = evidence.v
    if g.ndim == x.ndim == 1 and v.ndim > 1 and g.shape[0] in v.shape and x.shape[0] in v.shape:
        same_total = abs(float(g.sum() - s.truth.sum())) <= CLOSE * float(np.abs(s.truth).sum())
        if same_total or not s.complete:
            left = f"of the axes of the output {v.shape} it must leave the input's own, of length {x.shape[0]}"
            yield "wrong_axis", f"{who}: it was summed over the wrong axis; {left}."
    yield "shape", f"{who}: it must have the input's."


# ---- sums over the wrong elements ----


def _wrong_axis(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """Right if the rule had been told that two axes are exchanged: of the output, or of everything. (Which of the two
    it should have taken, the numbers don't tell.)"""
    v, who, here = evidence.v, s.who, s.at(s.g)
    for a, b in itertools.combinations(range(v.ndim), 2):
        square = evidence.upstream and v.shape[a] == v.shape[b] > 1
        if square and agree(here, np.array(evidence.numerical(s.i, s.places, np.swapaxes(v, a, b)))):
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


def _unsummed(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """The part of one slice of the output only, where the input was broadcast to all of them."""
    v = evidence.v
    for axis, n in enumerate(v.shape if evidence.upstream else ()):
        for k, which in ((0, "first"), (n - 1, "last")) if n > 1 else ():
            place = (slice(None),) * axis + (k,)
            one = np.zeros_like(v)
            one[place] = v[place]
            if agree(s.at(s.g), np.array(evidence.numerical(s.i, s.places, one))):
                slices = f"the {which} of the {n} slices along axis {axis} of the output only"
                yield "not_summed", f"{s.who} is that of {slices}: sum over all of them (+=, not =)."
                return


def _duplicates(evidence: Evidence, s: Suspect) -> Iterator[Cause]:
    """Wrong only at elements that the output uses several times, of which one use was counted."""
    wrong = np.array([evidence.slopes[s.i][p].verdict == "wrong" for p in s.places], dtype=bool)
    if not wrong.any():
        return
    who = s.who
    bad = [p for p, w in zip(s.places, wrong, strict=True) if w]
    repeated = np.array([np.sum(s.x == x) > 1 for x in s.at(s.x)], dtype=bool)
    if repeated.any() and not repeated.all() and np.array_equal(repeated, wrong):
        ties = f"the {len(bad)} elements whose value occurs more than once (ties)"
        yield "duplicates", f"{who} is wrong exactly at {ties}."
        return
    if evidence.v.size > 4096:
        return
    uses = [evidence.contributions(s.i, p) for p in bad[:8]]
    if not all(map(len, uses)):
        return
    ours, places = [s.g[p] for p in bad[:8]], [np.ravel_multi_index(p, s.x.shape) if p else 0 for p in bad[:8]]
    one_use = _one_use(uses, ours, evidence.v.shape)
    if not one_use:
        return
    own = evidence.v.shape == s.x.shape and len(bad) > 1
    if own and all(abs(u[k] - g) <= CLOSE * size_of(u) for u, g, k in zip(uses, ours, places, strict=True)):
        own_place = "what each element does to the output in its own place: add up what it does to all outputs"
        yield "not_summed", f"{who} is the diagonal of the Jacobian only, {own_place}."
        return
    few = f"{len(bad)} of {s.x.size} elements, all of which are used more than once"
    yield (
        "duplicates",
        f"{who} is wrong only at {few}: it counts {one_use} where it should add them all "
        "(+=, or np.add.at for an index, not =).",
    )


def _one_use(uses: Sequence[Array], ours: Sequence[float], shape: tuple[int, ...]) -> str:
    """Which of its uses each of these elements counts, "" if not one: a use is an output, or all outputs that agree in
    some of the axes, as those of a window in all channels do."""
    every = tuple(range(len(shape)))
    for kept in sorted((c for n in range(1, len(shape) + 1) for c in itertools.combinations(every, n)), key=len)[::-1]:
        which = {"first", "last", "one"}
        for contributions, g in zip(uses, ours, strict=True):
            summed = contributions.reshape(shape).sum(axis=tuple(k for k in every if k not in kept)).reshape(-1)
            summed = summed[np.abs(summed) > 1e-6 * size_of(contributions)]
            close = np.abs(summed - g) <= CLOSE * size_of(summed)
            which = set() if len(summed) < 2 or not close.any() else which
            which -= set() if not which or close[0] else {"first"}
            which -= set() if not which or close[-1] else {"last"}
            if not which:
                break
        if which:
            return "one use" if len(which) != 2 else "the last use" if "last" in which else "the first use"
    return ""


def _negative(s: Suspect) -> Iterator[Cause]:
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
        yield "negative_inputs", f"{s.who} is right where the input is positive and {where}: {advice}."


# ---- several inputs, or several elements at once ----


def _swapped(evidence: Evidence, suspects: list[Suspect]) -> list[Cause]:
    """Two inputs whose gradients fit each other's numbers; they are taken off the list of suspects."""
    for first, second in itertools.combinations([_suspect(evidence, i) for i in range(len(evidence.values))], 2):
        involved = {first.i, second.i} & {s.i for s in suspects}
        usable = first.g.dtype.kind == second.g.dtype.kind == "f" and (first.telling or second.telling)
        if involved and usable and first.fits(second.g) and second.fits(first.g):
            suspects[:] = [s for s in suspects if s.i not in involved]
            both = f"{first.called} and {second.called}"
            if " " in first.called and " " in second.called:
                both = f"inputs {first.i} and {second.i}"
            return [("swapped", f"The gradients of {both} are swapped: each fits the other's numbers.")]
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
