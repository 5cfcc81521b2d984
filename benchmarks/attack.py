"""The attack on tl.gradcheck: hundreds of right rules, which it must accept, and a thousand wrong ones.

``python benchmarks/checkers.py --attack`` runs the corpus and prints a table. A right case is a problem of
attack_problems.py in one of the forms that gradcheck takes (`FORMS`). A wrong case is such a problem whose rule has a
fault: one that the problem names itself, or one of `FAULTS`, which people make in any rule. Everything is drawn from a
seed. Faults that change nothing, or nothing that float64 could show, are left out (`matters`).
"""

from __future__ import annotations

import functools
import itertools
import json
import multiprocessing
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
from attack_problems import FAMILIES, SMOOTH, Problem, Random, Rule

import tinydl as tl

Checker = Callable[..., Any]  # has the parameters of tl.gradcheck and gives what has a `verdict`


@dataclass(eq=False)
class Case:
    """One question to the checker, and whether the rule in it is wrong."""

    wrong: bool
    family: str
    name: str
    ask: Callable[[Checker], Any]

    def verdict(self, check: Checker) -> str:
        """The checker's: "right", "wrong", "undecided", or what it raised."""
        try:
            return str(self.ask(check).verdict)
        except Exception as error:  # whatever it is: a crash is an answer too, and never the right one
            return f"raised {type(error).__name__}: {error}"


# ---- forms: in which way the checker is given a function and its rule ----


def as_list(gradients: Any) -> list[Any]:
    return list(gradients) if isinstance(gradients, (tuple, list)) else [gradients]


def gradients(rule: Rule, g: Any, x: Sequence[Any]) -> list[Any]:
    """What a rule gives, as arrays; None is 0 everywhere."""
    found = zip(as_list(rule(g, *x)), x, strict=True)
    return [np.zeros(a.shape) if r is None else np.asarray(r) for r, a in found]


def wide(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The inputs as the checker sees them, in float64."""
    return [np.array(x, dtype=np.float64) for x in inputs]


def as_primitive(f: Callable[..., Any], rule: Rule) -> tl.Primitive:
    return tl.primitive(lambda *x: f(*x), lambda g, y, i, *x: as_list(rule(g, *x))[i], each=True)


Inputs = Sequence[np.ndarray]


def by_vjp(f: Callable[..., Any], rule: Rule, inputs: Inputs, check: Checker, seed: int) -> Any:
    return check(f, *inputs, vjp=rule, seed=seed)


def by_grad(f: Callable[..., Any], rule: Rule, inputs: Inputs, check: Checker, seed: int) -> Any:
    return check(f, *inputs, grad=lambda *x: rule(1.0, *x), seed=seed)


def by_primitive(f: Callable[..., Any], rule: Rule, inputs: Inputs, check: Checker, seed: int) -> Any:
    return check(as_primitive(f, rule), *inputs, seed=seed)


def inside(f: Callable[..., Any], rule: Rule, inputs: Inputs, check: Checker, seed: int) -> Any:
    """The primitive amid other operations."""
    p, c = as_primitive(f, rule), np.random.default_rng(seed).uniform(0.5, 2, np.shape(f(*wide(inputs))))
    return check(lambda *x: c * p(*(t * 1.0 for t in x)), *inputs, seed=seed)


def by_tensors(f: Callable[..., Any], rule: Rule, inputs: Inputs, check: Checker, seed: int) -> Any:
    """f of Tensors: what is checked is the engine's gradient, not the rule."""
    return check(f, *inputs, seed=seed)


FORMS = {"vjp=": by_vjp, "grad=": by_grad, "primitive": by_primitive, "inside": inside, "Tensors": by_tensors}


def form_of(problem: Problem, rule: Rule, rng: Random, plain: bool = False, tensors: bool = False) -> str:
    """One of the forms that suit a problem with this rule: with `plain` none with Tensors, with `tensors` that too in
    which the rule isn't asked."""
    x = wide(problem.inputs)
    y = np.asarray(problem.f(*x))
    given = as_list(rule(np.ones(y.shape), *x))
    whole = all(np.shape(g) == a.shape and np.asarray(g).dtype.kind == "f" for g, a in zip(given, x, strict=True))
    found = ["vjp="] + ["primitive", "inside"] * (whole and not plain) + ["Tensors"] * tensors
    if y.ndim == 0 and (plain or tensors or matters(problem, rule, False, rng)):  # some faults don't show at g = 1
        found.append("grad=")
    return str(rng.choice(found))


# ---- faults: what people do to a right rule ----


@dataclass(eq=False)
class Fault:
    """A way to make a wrong rule of a problem's, with random choices if it needs any; None where it doesn't apply."""

    family: str
    name: str
    make: Callable[[Problem, Random], Rule | None]
    plain: bool = False  # no form with Tensors: the engine itself refuses it, or calls a rule in its own order
    stateful: bool = False


FAULTS: list[Fault] = []


def of_result(family: str, plain: bool = False, **changes: Callable[..., Any]) -> None:
    """Faults in what a rule gives: of one input, ``change(r, x, rng)``; r itself where it doesn't apply."""
    for name, change in changes.items():

        def make(problem: Problem, rng: Random, change: Callable[..., Any] = change) -> Rule:
            which, seed = int(rng.integers(len(problem.inputs))), int(rng.integers(2**31))

            def rule(g: Any, *x: Any) -> Any:
                found = gradients(problem.rule, g, x)
                found[which] = change(found[which], x[which], np.random.default_rng(seed))
                return found

            return rule

        FAULTS.append(Fault(family, name.replace("_", " "), make, plain))


def of_upstream(**changes: Callable[..., Any]) -> None:
    """Faults in how a rule treats the upstream gradient: ``change(g)``."""
    for name, change in changes.items():

        def make(problem: Problem, rng: Random, change: Callable[..., Any] = change) -> Rule:
            return lambda g, *x: problem.rule(change(np.asarray(g)), *x)

        FAULTS.append(Fault("the upstream gradient", name.replace("_", " "), make))


def of_inputs(**changes: Callable[..., Any]) -> None:
    """Faults in where a rule takes the derivative: ``change(x, rng)`` for one of the inputs."""
    for name, change in changes.items():

        def make(problem: Problem, rng: Random, change: Callable[..., Any] = change) -> Rule:
            which, seed = int(rng.integers(len(problem.inputs))), int(rng.integers(2**31))

            def rule(g: Any, *x: Any) -> Any:
                elsewhere = list(x)
                elsewhere[which] = np.asarray(change(x[which], np.random.default_rng(seed)))
                return problem.rule(g, *elsewhere)

            return rule

        FAULTS.append(Fault("taken elsewhere", name.replace("_", " "), make))


def largest(r: Any) -> float:
    return float(np.max(np.abs(r), initial=0.0))


def scaled(r: Any, where: Any, factor: float) -> Any:
    """r with a factor where a mask says so."""
    return r * np.where(where, factor, 1.0)


def one_of(r: Any, rng: Random) -> Any:
    """A mask of one element, among the larger half."""
    mask = np.zeros(r.shape, dtype=bool)
    if r.size:
        order = np.argsort(np.abs(r), axis=None)
        mask.reshape(-1)[order[int(rng.integers(r.size // 2, r.size))]] = True
    return mask


def slice_of(r: Any, axis: int, rng: Random) -> Any:
    """A mask of one row (axis 0) or column (axis −1)."""
    if r.ndim == 0 or r.size == 0:
        return np.zeros(r.shape, dtype=bool)
    place = np.arange(r.shape[axis]) == rng.integers(r.shape[axis])
    return np.broadcast_to(place if axis == -1 else place.reshape(-1, *[1] * (r.ndim - 1)), r.shape)


def averaged(r: Any, axis: int, total: bool = False) -> Any:
    """The mean, or the sum, along an axis in every place of it."""
    if r.ndim == 0:
        return r
    return np.broadcast_to((np.sum if total else np.mean)(r, axis=axis, keepdims=True), r.shape)


def exchanged(r: Any, rng: Random) -> Any:
    """Two elements exchanged."""
    out = np.array(r).reshape(-1)
    if out.size > 1:
        i, j = rng.choice(out.size, 2, replace=False)
        out[[i, j]] = out[[j, i]]
    return out.reshape(r.shape)


def turned(r: Any) -> Any:
    return np.swapaxes(r, -1, -2) if r.ndim > 1 and r.shape[-1] == r.shape[-2] else r


def quantile(x: Any, q: float) -> Any:
    return np.quantile(np.abs(x), q) if x.size else 0.0


def cut_mantissa(r: Any) -> Any:
    """To the 8 bits of bfloat16."""
    m, e = np.frexp(np.asarray(r, dtype=np.float64))
    return np.ldexp(np.round(m * 256) / 256, e)


of_result(
    "a factor",
    twice=lambda r, x, rng: 2 * r,
    half=lambda r, x, rng: 0.5 * r,
    minus=lambda r, x, rng: -r,
    a_thousandth_more=lambda r, x, rng: 1.001 * r,
    a_ten_thousandth_less=lambda r, x, rng: 0.9999 * r,
    a_hundred_thousandth_more=lambda r, x, rng: 1.00001 * r,
    times_the_batch_size=lambda r, x, rng: r * (len(x) if x.ndim else 1),
    divided_by_the_batch_size=lambda r, x, rng: r / (len(x) if x.ndim and len(x) else 1),
    divided_by_its_size=lambda r, x, rng: r / max(r.size, 1),
    normalised=lambda r, x, rng: r / (np.sqrt(np.sum(r * r)) or 1.0),
)
of_result(
    "out of place",
    transposed=lambda r, x, rng: turned(r),
    reshaped_for_transposed=lambda r, x, rng: r.T.reshape(r.shape),
    rolled=lambda r, x, rng: np.roll(r, 1),
    rolled_along_the_last_axis=lambda r, x, rng: np.roll(r, 1, -1) if r.ndim else r,
    reversed=lambda r, x, rng: np.flip(r),
    two_elements_exchanged=lambda r, x, rng: exchanged(r, rng),
    sorted=lambda r, x, rng: np.sort(r, axis=None).reshape(r.shape),
    permuted=lambda r, x, rng: rng.permutation(r.reshape(-1)).reshape(r.shape),
    rows_permuted=lambda r, x, rng: r[rng.permutation(len(r))] if r.ndim else r,
)
of_result(
    "a wrong axis",
    averaged_along_the_first=lambda r, x, rng: averaged(r, 0),
    averaged_along_the_last=lambda r, x, rng: averaged(r, -1),
    summed_along_the_first=lambda r, x, rng: averaged(r, 0, total=True),
    summed_along_the_last=lambda r, x, rng: averaged(r, -1, total=True),
    accumulated=lambda r, x, rng: np.cumsum(r, -1) if r.ndim else r,
    the_first_row_everywhere=lambda r, x, rng: np.broadcast_to(r[:1], r.shape) if r.ndim else r,
)
of_result(
    "a wrong shape",
    plain=True,
    summed=lambda r, x, rng: np.sum(r),
    an_axis_too_many=lambda r, x, rng: r[None],
    not_summed_over_a_batch=lambda r, x, rng: np.stack([r, r]),
    an_axis_lost=lambda r, x, rng: r.reshape(-1) if r.ndim > 1 else r,
)
of_result(
    "something missing",
    zero=lambda r, x, rng: np.zeros_like(r),
    one_element_lost=lambda r, x, rng: scaled(r, one_of(r, rng), 0),
    the_last_element_lost=lambda r, x, rng: scaled(r, np.arange(r.size).reshape(r.shape) == r.size - 1, 0),
    a_row_lost=lambda r, x, rng: scaled(r, slice_of(r, 0, rng), 0),
    the_second_half_lost=lambda r, x, rng: scaled(r, np.arange(r.size).reshape(r.shape) >= r.size / 2, 0),
    negative_ones_lost=lambda r, x, rng: np.maximum(r, 0.0),
    small_ones_lost=lambda r, x, rng: r * (np.abs(r) > 0.3 * largest(r)),
    the_upper_triangle_lost=lambda r, x, rng: np.tril(r) if r.ndim > 1 else r,
    all_but_the_diagonal_lost=lambda r, x, rng: r * np.eye(*r.shape[-2:]) if r.ndim > 1 else r,
)
of_result("something missing", plain=True, none=lambda r, x, rng: None)
of_result(
    "partly wrong",
    one_element_half_as_much_again=lambda r, x, rng: scaled(r, one_of(r, rng), 1.5),
    one_element_a_thousandth_more=lambda r, x, rng: scaled(r, one_of(r, rng), 1.001),
    one_element_with_another_sign=lambda r, x, rng: scaled(r, one_of(r, rng), -1),
    one_element_moved_by_a_thousandth_of_the_largest=lambda r, x, rng: r + 1e-3 * largest(r) * one_of(r, rng),
    a_row_half_as_much_again=lambda r, x, rng: scaled(r, slice_of(r, 0, rng), 1.5),
    a_column_with_another_sign=lambda r, x, rng: scaled(r, slice_of(r, -1, rng), -1),
    every_second_doubled=lambda r, x, rng: scaled(r, np.arange(r.size).reshape(r.shape) % 2 == 1, 2),
    the_first_doubled=lambda r, x, rng: scaled(r, np.arange(r.size).reshape(r.shape) == 0, 2),
    off_the_diagonal_doubled=lambda r, x, rng: scaled(r, ~np.eye(*r.shape[-2:], dtype=bool), 2) if r.ndim > 1 else r,
)
of_result(
    "wrong for some inputs",
    doubled_for_negative_ones=lambda r, x, rng: scaled(r, x < 0, 2),
    no_sign_for_negative_ones=lambda r, x, rng: scaled(r, x < 0, -1),
    lost_for_positive_ones=lambda r, x, rng: scaled(r, x > 0, 0),
    a_hundredth_more_for_large_ones=lambda r, x, rng: scaled(r, np.abs(x) >= quantile(x, 0.75), 1.01),
    a_tenth_more_near_zero=lambda r, x, rng: scaled(r, np.abs(x) <= quantile(x, 0.25), 1.1),
    doubled_for_the_largest=lambda r, x, rng: scaled(r, x == np.max(x, initial=-np.inf), 2),
    lost_for_the_smallest=lambda r, x, rng: scaled(r, x == np.min(x, initial=np.inf), 0),
    lost_above_1=lambda r, x, rng: scaled(r, x > 1, 0),
)
of_result(
    "a little off",
    by_a_thousandth_of_the_largest=lambda r, x, rng: r + 1e-3 * largest(r),
    by_a_ten_thousandth_of_the_largest=lambda r, x, rng: r + 1e-4 * largest(r),
    by_a_thousandth_at_random=lambda r, x, rng: r * (1 + 1e-3 * rng.standard_normal(r.shape)),
    by_a_ten_thousandth_at_random=lambda r, x, rng: r * (1 + 1e-4 * rng.standard_normal(r.shape)),
    by_weight_decay=lambda r, x, rng: r + 1e-3 * largest(r) / (largest(x) or 1.0) * x,
    by_a_millionth_absolutely=lambda r, x, rng: r + 1e-6,
    by_1=lambda r, x, rng: r + 1.0,
)
of_result(
    "cut off",
    rounded_to_float16=lambda r, x, rng: r.astype(np.float16).astype(np.float64),
    rounded_to_bfloat16=lambda r, x, rng: cut_mantissa(r),
    rounded_to_3_decimals=lambda r, x, rng: np.round(r, 3),
    clipped=lambda r, x, rng: np.clip(r, -0.6 * largest(r), 0.6 * largest(r)),
    clipped_to_1=lambda r, x, rng: np.clip(r, -1.0, 1.0),
    clipped_by_norm=lambda r, x, rng: r * min(1.0, 0.5 / (np.sqrt(np.sum(r * r)) or 1.0)),
    without_its_sign=lambda r, x, rng: np.abs(r),
    whole_numbers=lambda r, x, rng: np.trunc(r),
    its_sign_only=lambda r, x, rng: np.sign(r),
)
of_result("cut off", plain=True, integers=lambda r, x, rng: r.astype(np.int64))
of_upstream(
    ignored=np.ones_like,
    its_mean=lambda g: np.full_like(g, np.mean(g)) if g.size else g,
    its_sum=lambda g: np.full_like(g, np.sum(g)),
    its_sign=np.sign,
    its_size=np.abs,
    squared=lambda g: g * g,
    clipped=lambda g: np.clip(g, -1, 1),
    a_ten_thousandth_more=lambda g: g + 1e-4,
    rolled=lambda g: np.roll(g, 1),
    reversed=lambda g: np.flip(g),
    transposed=turned,
    its_first_element=lambda g: np.full_like(g, g.reshape(-1)[0]) if g.size else g,
    rounded_to_float16=lambda g: g.astype(np.float16).astype(np.float64),
    its_last_row_lost=lambda g: scaled(g, np.arange(g.size).reshape(g.shape) == g.size - 1, 0),
    normalised=lambda g: g / (largest(g) or 1.0),
)
of_inputs(
    a_thousandth_further=lambda x, rng: x * 1.001,
    a_ten_thousandth_further=lambda x, rng: x * 1.0001,
    shifted=lambda x, rng: x + 1e-3,
    rolled=lambda x, rng: np.roll(x, 1),
    at_its_size=lambda x, rng: np.abs(x),
    at_its_negative=lambda x, rng: -x,
    at_its_mean=lambda x, rng: np.full_like(x, np.mean(x)) if x.size else x,
    rounded_to_2_decimals=lambda x, rng: np.round(x, 2),
    rounded_to_float16=lambda x, rng: x.astype(np.float16).astype(np.float64),
    rounded_to_whole_numbers=lambda x, rng: np.round(x),
    of_an_earlier_batch=lambda x, rng: x * rng.uniform(0.7, 1.3, x.shape),
    after_an_update=lambda x, rng: x * 0.99,
    clipped_to_1=lambda x, rng: np.clip(x, -1.0, 1.0),
    transposed=lambda x, rng: turned(x),
)


def fault(family: str, **options: bool) -> Callable[[Callable[[Problem, Random], Rule | None]], None]:
    """Register a fault that is none of the simple kinds, named after its function."""
    return lambda make: FAULTS.append(Fault(family, make.__name__.replace("_", " "), make, **options))


@fault("inputs mixed up")
def gradients_swapped(problem: Problem, rng: Random) -> Rule | None:
    return (lambda g, *x: gradients(problem.rule, g, x)[::-1]) if len(problem.inputs) > 1 else None


@fault("inputs mixed up")
def one_gradient_for_all(problem: Problem, rng: Random) -> Rule | None:
    many = len(problem.inputs) > 1 and len({x.shape for x in problem.inputs}) == 1
    return (lambda g, *x: gradients(problem.rule, g, x)[:1] * len(x)) if many else None


@fault("inputs mixed up")
def inputs_swapped(problem: Problem, rng: Random) -> Rule | None:
    many = len(problem.inputs) > 1 and len({x.shape for x in problem.inputs}) == 1
    return (lambda g, *x: problem.rule(g, *x[::-1])) if many else None


@fault("inputs mixed up")
def one_input_forgotten(problem: Problem, rng: Random) -> Rule | None:
    which = int(rng.integers(len(problem.inputs)))

    def rule(g: Any, *x: Any) -> Any:
        return [0 * r if i == which else r for i, r in enumerate(gradients(problem.rule, g, x))]

    return rule if len(problem.inputs) > 1 else None


@fault("inputs mixed up")
def the_sign_of_one_input(problem: Problem, rng: Random) -> Rule | None:
    which = int(rng.integers(len(problem.inputs)))

    def rule(g: Any, *x: Any) -> Any:
        return [-r if i == which else r for i, r in enumerate(gradients(problem.rule, g, x))]

    return rule if len(problem.inputs) > 1 else None


@fault("another function's")
def of_another_function(problem: Problem, rng: Random) -> Rule | None:
    """The slope of some other function, which is right for that one."""
    slope = SMOOTH[str(rng.choice(list(SMOOTH)))][1]
    x = problem.inputs[0]
    same = len(problem.inputs) == 1 and np.shape(problem.f(*wide([x]))) == x.shape
    return (lambda g, x: g * slope(x)) if same else None


@fault("another function's")
def of_its_square(problem: Problem, rng: Random) -> Rule:
    return lambda g, *x: problem.rule(2 * g * np.asarray(problem.f(*x)), *x)


@fault("another function's")
def of_its_mean(problem: Problem, rng: Random) -> Rule:
    return lambda g, *x: problem.rule(g / max(np.size(g), 1), *x)


@fault("another function's")
def f_itself(problem: Problem, rng: Random) -> Rule | None:
    x = problem.inputs[0]
    same = len(problem.inputs) == 1 and np.shape(problem.f(*wide([x]))) == x.shape
    return (lambda g, x: g * problem.f(x)) if same else None


def _differences(problem: Problem, x: Sequence[Any], g: Any, step: float, both: bool) -> list[Any]:
    """The gradient by coarse differences, as somebody might leave it in."""
    found = []
    for i, a in enumerate(x):
        r = np.zeros(a.shape)
        for j in range(a.size):
            up, down = list(x), list(x)
            up[i], down[i] = a.copy(), a.copy()
            up[i].reshape(-1)[j] += step
            down[i].reshape(-1)[j] -= step if both else 0
            r.reshape(-1)[j] = np.sum(g * (problem.f(*up) - problem.f(*down))) / (2 * step if both else step)
        found.append(r)
    return found


@fault("another function's")
def a_one_sided_difference(problem: Problem, rng: Random) -> Rule | None:
    small = sum(x.size for x in problem.inputs) <= 30
    return (lambda g, *x: _differences(problem, x, g, 1e-2, False)) if small else None


@fault("another function's")
def a_coarse_central_difference(problem: Problem, rng: Random) -> Rule | None:
    small = sum(x.size for x in problem.inputs) <= 30
    return (lambda g, *x: _differences(problem, x, g, 5e-2, True)) if small else None


@fault("a state", plain=True, stateful=True)
def right_on_the_first_call(problem: Problem, rng: Random) -> Rule:
    calls = itertools.count()
    return lambda g, *x: problem.rule(g * (1.0 if next(calls) == 0 else 1.3), *x)


@fault("a state", plain=True, stateful=True)
def right_every_other_call(problem: Problem, rng: Random) -> Rule:
    calls = itertools.count()
    return lambda g, *x: problem.rule(g * (1.3 if next(calls) % 2 else 1.0), *x)


@fault("a state", plain=True, stateful=True)
def it_adds_up(problem: Problem, rng: Random) -> Rule:
    kept = [np.zeros(x.shape) for x in problem.inputs]

    def rule(g: Any, *x: Any) -> Any:
        for total, r in zip(kept, gradients(problem.rule, g, x), strict=True):
            total += r
        return kept

    return rule


@fault("a state", plain=True, stateful=True)
def random_each_time(problem: Problem, rng: Random) -> Rule:
    drawn = np.random.default_rng(int(rng.integers(2**31)))
    return lambda g, *x: problem.rule(g * (1 + 1e-2 * drawn.standard_normal()), *x)


@fault("a state")
def stale_inputs(problem: Problem, rng: Random) -> Rule:
    """Whatever it is asked for, the rule uses the inputs of an earlier step."""
    before = [x * rng.uniform(0.8, 1.2, x.shape) for x in wide(problem.inputs)]
    return lambda g, *x: problem.rule(g, *before)


# ---- does a fault matter? ----


def sizes(x: Any) -> Any:
    """How far each element is from 0, or, where it is 0, how far the others are."""
    size = np.abs(x)
    some = size[size > 0]
    return np.where(size > 0, size, float(np.median(some)) if some.size else 1.0)


def matters(problem: Problem, wrong: Rule, upstream: bool, rng: Random) -> bool:
    """Whether a rule differs from the right one by what can be seen in f, and is made of numbers."""
    x = wide(problem.inputs)
    y = np.asarray(problem.f(*x), dtype=np.float64)
    v = rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1.0, 1.0], y.shape) if upstream else np.ones(y.shape)
    seen = False
    try:
        theirs = gradients(wrong, v, x)
    except np.linalg.LinAlgError:  # taken where the matrix is singular: it raises, and nobody needs a checker
        return False
    for right, claimed, a in zip(gradients(problem.rule, v, x), theirs, x, strict=True):
        if not np.isfinite(claimed).all():
            return False
        if claimed.shape != a.shape or claimed.dtype.kind != "f":
            seen = True
            continue
        gap, scale = np.abs(claimed - right), sizes(a)
        clear = (gap > 5e-6 * np.maximum(np.abs(claimed), np.abs(right))) & (
            gap * scale > 1e3 * problem.noise * np.sqrt(np.sum(v * y * v * y))
        )
        if a.size > 200:  # where only a sample is checked one by one, it must show along a direction
            clear &= gap * scale > 1e-4 * np.sum(np.abs(right) * scale)
        seen = seen or bool(clear.any())
    return seen


# ---- second derivatives ----

TWICE = ("elementwise", "broadcasting")  # families whose rules are differentiable themselves


def _with_second(rule: Rule, factor: float) -> Rule:
    """A rule with the right value, but `factor` times its own derivative."""

    def wrong(g: Any, *x: Any) -> Any:
        found = []
        for r in as_list(rule(g, *x)):
            kept = r.detach() if isinstance(r, tl.Tensor) else r
            found.append(kept + factor * (r - kept) if isinstance(r, tl.Tensor) else r)
        return found

    return wrong


def _inputs_kept(rule: Rule) -> Rule:
    return lambda g, *x: rule(g, *(a.data if isinstance(a, tl.Tensor) else a for a in x))


def _upstream_kept(rule: Rule) -> Rule:
    return lambda g, *x: rule(g.data if isinstance(g, tl.Tensor) else g, *x)


SECOND: dict[str, Callable[[Rule], Rule]] = {
    "lost": lambda rule: _with_second(rule, 0.0),
    "twice": lambda rule: _with_second(rule, 2.0),
    "minus": lambda rule: _with_second(rule, -1.0),
    "a thousandth more": lambda rule: _with_second(rule, 1.001),
    "with respect to x lost": _inputs_kept,
    "with respect to g lost": _upstream_kept,
}


def bends(problem: Problem) -> bool:
    """Whether its gradient depends on its inputs, so that there is a second derivative to get wrong."""
    x, y = wide(problem.inputs), np.asarray(problem.f(*wide(problem.inputs)))
    here, there = (gradients(problem.rule, np.ones_like(y), [t * a for a in x]) for t in (1.0, 0.9))
    return any(not np.array_equal(a, b) for a, b in zip(here, there, strict=True))


# ---- the corpus ----

EACH = 5  # problems that every fault is tried on, of as many families


def generator(*words: Any) -> Random:
    """Randomness that depends on these words alone."""
    return np.random.default_rng(zlib.crc32(repr(words).encode()))


@functools.lru_cache(maxsize=1)
def problems(seed: int) -> dict[str, list[Problem]]:
    """The problems of every family, drawn from this seed."""
    return {name: list(make(generator(seed, name))) for name, make in FAMILIES.items()}


def case_of(wrong: bool, family: str, name: str, form: str, problem: Problem, rule: Rule, rng: Random) -> Case:
    """A problem with a right or a wrong rule, in one of the forms."""
    seed = int(rng.integers(2**31))
    ask = lambda check: FORMS[form](problem.f, rule, problem.inputs, check, seed)
    return Case(wrong, family, f"{name} [{form}]", ask)


def twice_case(wrong: bool, name: str, form: str, f: Callable[..., Any], problem: Problem, rng: Random) -> Case:
    """A function of Tensors whose second derivatives are asked for."""
    seed = int(rng.integers(2**31))
    ask = lambda check: check(f, *problem.inputs, order=2, seed=seed)
    return Case(wrong, "second order", f"{name} [{form}, order=2]", ask)


def right_cases(seed: int) -> Iterator[Case]:
    """Every problem, in one of the forms that suit it."""
    for name, members in problems(seed).items():
        for problem in members:
            rng = generator(seed, name, problem.name)
            form = form_of(problem, problem.rule, rng, tensors=problem.engine)
            yield case_of(False, name, problem.name, form, problem, problem.rule, rng)
    for problem in (p for name in TWICE for p in problems(seed)[name]):
        rng = generator(seed, "second order", problem.name)
        if rng.random() < 0.5:
            yield twice_case(False, problem.name, "Tensors", problem.f, problem, rng)
        else:
            yield twice_case(False, problem.name, "primitive", as_primitive(problem.f, problem.rule), problem, rng)


def own_mistakes(seed: int) -> Iterator[Case]:
    """The mistakes that a problem names itself; where it is code on Tensors with a part held still, that code too."""
    for family, members in problems(seed).items():
        for problem, mistake in ((p, m) for p in members for m in p.wrong):
            rng, rule = generator(seed, family, problem.name, mistake), problem.wrong[mistake]
            if matters(problem, rule, True, rng):
                form = form_of(problem, rule, rng)
                yield case_of(True, f"mistakes: {family}", f"{problem.name}: {mistake}", form, problem, rule, rng)
        for problem, mistake in ((p, m) for p in members for m in p.variants):
            f, x = problem.variants[mistake], wide(problem.inputs)
            if np.array_equal(f(*x), problem.f(*x)):
                rng, held = generator(seed, family, problem.name, mistake, "Tensors"), replace(problem, f=f)
                yield case_of(True, "held still", f"{problem.name}: {mistake}", "Tensors", held, problem.rule, rng)


def faults(seed: int, each: int) -> Iterator[Case]:
    """Every fault in problems of `each` families, as far as it matters in so many."""
    smooth = {family: [p for p in members if not p.kinks] for family, members in problems(seed).items()}
    for fault in FAULTS:
        rng = generator(seed, fault.family, fault.name)
        shuffled = [[members[i] for i in rng.permutation(len(members))] for members in smooth.values()]
        by_turns = itertools.zip_longest(*(shuffled[i] for i in rng.permutation(len(shuffled))))
        made = (faulty(fault, p, rng) for p in itertools.chain(*by_turns) if p is not None)
        yield from itertools.islice((case for case in made if case is not None), each)


def faulty(fault: Fault, problem: Problem, rng: Random) -> Case | None:
    """A problem with this fault, unless it doesn't apply or doesn't matter."""
    nothing = lambda g, *x: [None] * len(x)
    rule = fault.make(problem, rng)
    if rule is None or not matters(problem, nothing if fault.stateful else rule, True, rng):
        return None
    form = form_of(problem, rule, rng, fault.plain)
    fresh = fault.make(problem, rng) if fault.stateful else rule  # the other one has been called
    assert fresh is not None
    return case_of(True, fault.family, f"{problem.name}: {fault.name}", form, problem, fresh, rng)


def second_order_faults(seed: int, each: int) -> Iterator[Case]:
    """Rules that are right, but whose own derivatives aren't."""
    curved = [p for family in TWICE for p in problems(seed)[family] if bends(p)]
    for name, make in SECOND.items():
        rng = generator(seed, "second order", name)
        for i in rng.permutation(len(curved))[:each].tolist():
            f = as_primitive(curved[i].f, make(curved[i].rule))
            yield twice_case(True, f"{curved[i].name}: {name}", "primitive", f, curved[i], rng)


@functools.lru_cache(maxsize=1)
def corpus(seed: int, each: int = EACH) -> list[Case]:
    """All cases of a seed, right ones first; the same whenever it is asked for."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        makers = (right_cases(seed), own_mistakes(seed), faults(seed, each), second_order_faults(seed, each))
        return list(itertools.chain(*makers))


# ---- the attack ----

# Where the checker is known to err, as patterns of "family, case", and why.
KNOWN: dict[str, dict[str, str]] = {
    "false alarm": {
        "ties, sort of rows of three ties": "ties that choose apart, where no line has a kink: 24 points miss some",
        "ties, the median of rows of three ties, one": "ties that choose apart, where no line has a kink",
        "ties, weighted sort of ties": "8! orders, of which 24 points nearby show the least part",
        "relu networks, no biases, padded rows, *": "its slopes belong to a pattern of signs that 24 points miss",
        "networks, softmax of large logits": "of a change of 1e−40 the half that is subtracted from a 1 is lost in it",
        "oscillating, a small fast ripple": "a ripple of a millionth is taken for the rounding of float32",
        "offsets, sin x + -1e+12": "a slope below f's rounding is measured by steps longer than a period",
        "cancellation, a sum that cancels*": "rounding of more than 3e−6 of the result counts as f's nature",
        "cancellation, squares that cancel": "near 0 it rounds more than 3e−6 of the result: f's nature",
    },
    "miss": {
        "a little off, columns of other units: by a *": "beside a slope of 1e8 an added 1e−6 looks like rounding",
        "mistakes: relu networks, no biases, padded rows, *: without relu": "one line allows what no pattern does",
        "mistakes: oscillating, a small fast ripple: *": "a ripple of a millionth is taken for the rounding of float32",
    },
}


@dataclass(frozen=True)
class Outcome:
    """What the checker said to a case."""

    seed: int
    wrong: bool
    family: str
    name: str
    verdict: str

    @property
    def error(self) -> str:
        """What is wrong with the verdict: a "miss", a "false alarm", a "crash", or "" if nothing is."""
        if self.verdict.startswith("raised"):
            return "crash"
        return {(True, "right"): "miss", (False, "wrong"): "false alarm"}.get((self.wrong, self.verdict), "")

    @property
    def known(self) -> str:
        """Why the checker is known to err here, or ""."""
        place = f"{self.family}, {self.name.rsplit(' [', 1)[0]}"
        return next((why for pattern, why in KNOWN.get(self.error, {}).items() if fnmatchcase(place, pattern)), "")


def outcome(place: tuple[int, int], check: Checker = tl.gradcheck) -> Outcome:
    """Ask one case, given by its seed and its number in the corpus."""
    seed, number = place
    case = corpus(seed)[number]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Outcome(seed, case.wrong, case.family, case.name, case.verdict(check))


def table(outcomes: Sequence[Outcome]) -> str:
    """Per family the number of cases, of errors (crashes among them) and of undecided ones, in Markdown."""
    lines = []
    for wrong, title in ((False, "right rules | cases | false alarms"), (True, "wrong rules | cases | misses")):
        cases = [o for o in outcomes if o.wrong == wrong]
        lines += [f"| {title} | undecided |", "|---|--:|--:|--:|"]
        rows = {family: [o for o in cases if o.family == family] for family in dict.fromkeys(o.family for o in cases)}
        for name, members in {**rows, "**all**": cases}.items():
            errors, unsure = sum(bool(o.error) for o in members), sum(o.verdict == "undecided" for o in members)
            lines.append(f"| {name} | {len(members)} | {errors} | {unsure} |")
        lines.append("")
    return "\n".join(lines)


def errors(outcomes: Sequence[Outcome]) -> str:
    """The name of every miss and false alarm, how often it came, and why if that is known."""
    counts = Counter((bool(o.known), o.error, o.family, o.name, o.known or o.verdict) for o in outcomes if o.error)
    lines = []
    for (known, error, family, name, why), count in sorted(counts.items()):
        reason = f": {why}" if known or error == "crash" else ""
        lines.append(f"{'known ' * known}{error}, {count}×: {family}, {name}{reason}")
    return "\n".join(lines) or "no miss, no false alarm"


def attack(seeds: int, processes: int, output: Path) -> int:
    """Run the corpus of so many seeds, print the table and the errors, and write all verdicts to attack.json; 1 if
    there are errors that aren't known."""
    started, outcomes = time.perf_counter(), []
    for seed in range(seeds):
        places = [(seed, number) for number in range(len(corpus(seed)))]  # made here, so that forked processes have it
        with multiprocessing.Pool(processes) as pool:
            outcomes += pool.map(outcome, places, chunksize=8)
        print(f"seed {seed}: {len(places)} cases, {time.perf_counter() - started:.0f} s", flush=True)
    print(f"\n{table(outcomes)}\n{errors(outcomes)}\n\n{seeds} seeds, {time.perf_counter() - started:.0f} s")
    output.mkdir(parents=True, exist_ok=True)
    (output / "attack.json").write_text(json.dumps([asdict(o) for o in outcomes], indent=0, ensure_ascii=False))
    print(f"written: {output / 'attack.json'}")
    return int(any(o.error and not o.known for o in outcomes))
