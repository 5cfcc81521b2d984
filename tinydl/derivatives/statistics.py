"""Quantiles, reductions of chosen elements (`where=`, `initial=`), those that leave out NaNs, and NumPy's newer names.

What is chosen is a constant, so that most are made of the reductions in reductions.py: what isn't chosen counts as the
number that makes no difference. An extreme has a rule of its own, since ties share among the chosen ones alone.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..engine.arrays import Array, beside, is_foreign, wide
from ..engine.dispatch import chooses, define, implements, unwrap
from ..engine.tensor import Primitive, wrap
from .elementwise import cast_like, floats, sqrt, truth
from .elementwise import where as choice
from .reductions import (
    corrected,
    cumprod,
    cumsum,
    equals,
    joined,
    max,
    min,
    prod,
    shared,
    spread,
    sum,
)
from .shapes import atleast_1d, broadcast_to, concatenation, numpys, reshape

# ---- quantiles ----


def _in_order(a: Any, q: Any, axis: Any, method: str) -> tuple[Any, Array]:
    """The elements of each group in order, and the places of the quantiles among them, 1.25 a quarter of the way from
    the second to the third: NumPy itself is asked for those of 0, 1, …, n - 1."""
    in_order = np.sort(joined(a, axis), -1)
    nan = in_order[..., -1:] != in_order[..., -1:]  # NaNs come last, and one of them makes each quantile NaN
    how: Any = method  # one of the thirteen that NumPy knows, or it raises
    places = np.quantile(np.arange(in_order.shape[-1], dtype=np.float64), numpys(q), method=how)
    return np.where(nan, in_order[..., -1:], in_order), np.asarray(places)


def quantile_rule(
    g: Any, y: Any, a: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
) -> Any:
    """y = (1 - t)·lower + t·upper, two neighbours in order; the elements that have such a value share its part of g."""
    if not a.size:
        return a
    axis = None if axis is None else normalize_axis_tuple(axis, a.ndim)
    values, g, total = unwrap(a), wide(g), None
    in_order, places = _in_order(values, q, axis, method)
    for i in np.ndindex(places.shape):
        below = int(places[i])
        t, part = float(places[i] - below), spread(g[i], a, axis, keepdims)
        for share, place in ((1 - t, below), (t, below + 1)):
            if share:  # of the last one t is 0
                given = shared(part * share, equals(values, spread(in_order[..., place], a, axis, False)), axis)
                total = given if total is None else total + given
    return np.zeros_like(values) if total is None else total


def _quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Any:
    how: Any = method
    f = _quantile_elsewhere if is_foreign(a) and a.size else np.quantile
    y = f(wide(a), q, axis, method=how, keepdims=keepdims)
    return y.astype(a.dtype) if a.dtype.char == "e" and y.dtype == np.float32 else y


def _quantile_elsewhere(a: Any, q: Any, axis: Any, method: str, keepdims: bool) -> Any:
    """As NumPy's, of an array of another library, which may know a few methods only (CuPy: five, and no NaNs)."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    in_order, places = _in_order(a, q, axes, method)
    how: Any = method
    dtype = np.quantile(np.zeros(1, a.dtype), numpys(q), method=how).dtype
    found = []
    for place in places.ravel():
        below = int(place)
        t, low = float(place - below), in_order[..., below]
        if t:
            t = t if type(q) in (int, float) else dtype.type(t)  # as NumPy: in the dtype of the array q
            high = in_order[..., below + 1]
            low = low + (high - low) * t if t < 0.5 else high - (high - low) * (1 - t)
        found.append(low)
    kept = [1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i not in axes]
    return np.stack(found).reshape((*places.shape, *kept)).astype(dtype, copy=False)


quantile = define(
    _quantile,
    quantile_rule,
    name="quantile",
    answers=(np.quantile,),
    at_kinks="ties share equally, each value its part",
)


@implements(np.percentile)
def percentile(a: Any, q: Any, *args: Any, **options: Any) -> Any:
    """The quantile for q / 100."""
    np.percentile(np.zeros(1), numpys(q))  # raises for what is none
    if isinstance(q, (np.float16, np.float32)):
        q = q.item()  # whose hundredth isn't rounded to their few digits
    return quantile(a, (np.asarray(q) if isinstance(q, (list, tuple)) else q) / 100, *args, **options)


def _median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    return np.median(a, axis, keepdims=keepdims)


median = define(
    _median,
    lambda g, y, a, axis=None, keepdims=False: quantile_rule(g, y, a, 0.5, axis, keepdims=keepdims),
    name="median",
    answers=(np.median,),
    at_kinks="ties share equally; the two middle values of an even count have half each",
)

# ---- reductions of chosen elements ----


def _chosen(a: Any, where: Any, otherwise: float) -> Any:
    """The elements where it is true, this number in place of the others; in the dtype in which they are summed."""
    return wide(a) if where is True else choice(_mask(a, where), wide(a), otherwise)


def _mask(a: Any, where: Any) -> Array:
    if getattr(where, "dtype", np.bool_) != np.bool_:
        raise TypeError(f"where= takes booleans, not an array of {where.dtype}; write where != 0")
    mask, shape = truth(where, a), np.shape(a)
    try:
        return np.broadcast_to(mask, shape)
    except ValueError as error:
        raise ValueError(f"where= of shape {mask.shape} can't be broadcast to the array's shape {shape}") from error


def _count(a: Any, where: Any, axis: Any, keepdims: bool) -> Any:
    """How many elements are chosen in each group, in a dtype in which they can be counted."""
    return np.sum(_mask(a, where), axis=axis, keepdims=keepdims).astype(wide(a).dtype)


def _number(initial: Any, total: Any) -> Any:
    if np.ndim(initial):
        raise ValueError(f"initial= is one number, not an array of shape {np.shape(initial)}")
    if np.iscomplexobj(initial):
        raise TypeError(f"initial= is a real number, not {initial}")
    return cast_like(initial, total)


def _refuse(name: str, **options: Any) -> None:
    for key, value in options.items():
        if value is not None:
            raise TypeError(f"{name} of Tensors doesn't take {key}=")


def _not_nan(a: Any, where: Any) -> Any:
    return ~np.isnan(unwrap(a)) & _mask(a, where)


def _of_whole_numbers(f: Any, a: Any, **options: Any) -> Any:
    """What NumPy gives: nothing flows back to whole numbers, which have no infinity to stand for what isn't chosen."""
    values, options = unwrap(a), {key: numpys(value) for key, value in options.items() if value is not None}
    made = f(numpys(values), **options)  # on the host: other libraries' reductions lack where= and initial=
    return wrap(beside(made, values) if is_foreign(values) else made)


@chooses(np.sum)
def sum_of_chosen(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    """The sum of a number, `initial`, and of the elements where `where` is true."""
    _refuse("sum", dtype=dtype, out=out)
    if a.dtype.kind != "f":
        return _of_whole_numbers(np.sum, a, axis=axis, keepdims=keepdims, initial=initial, where=where)
    total = sum(_chosen(a, where, 0), axis=axis, keepdims=keepdims)
    return cast_like(total + _number(initial, total), a)


@chooses(np.prod)
def prod_of_chosen(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = 1, where: Any = True,
) -> Any:  # fmt: skip
    """The product of a number, `initial`, and of the elements where `where` is true."""
    _refuse("prod", dtype=dtype, out=out)
    if a.dtype.kind != "f":
        return _of_whole_numbers(np.prod, a, axis=axis, keepdims=keepdims, initial=initial, where=where)
    product = prod(_chosen(a, where, 1), axis=axis, keepdims=keepdims)
    return cast_like(product * _number(initial, product), a)


@chooses(np.mean)
def mean_of_chosen(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False, *, where: Any = True
) -> Any:
    """The mean of the elements where `where` is true; NaN of none."""
    _refuse("mean", dtype=dtype, out=out)
    if a.dtype.kind != "f":
        return _of_whole_numbers(np.mean, a, axis=axis, keepdims=keepdims, where=where)
    total = sum(_chosen(a, where, 0), axis=axis, keepdims=keepdims)
    return cast_like(total / _count(a, where, axis, keepdims), a)


def _var_of_chosen(
    name: str, a: Any, axis: Any, keepdims: bool, where: Any, ddof: Any, options: Any
) -> tuple[Any, Any]:
    """The variance, not yet rounded to float16, and n - ddof of each group; never below 0, as NumPy has it."""
    options = corrected(name, ddof, options)
    ddof = options.pop("ddof")
    _refuse(name, **options)
    x = floats(_chosen(a, where, 0))
    mean = sum(x, axis=axis, keepdims=True) / _count(x, where, axis, True)
    away = choice(_mask(a, where), x - mean, 0)
    left = np.maximum(_count(x, where, axis, keepdims) - float(ddof), 0).astype(x.dtype)
    return sum(away * away, axis=axis, keepdims=keepdims) / left, left


def _root(v: Any, a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    """√v, with the slope 0 where all the chosen elements are equal; rounding may make their v a 1e-34."""
    mask, values = _mask(a, where), unwrap(a)
    if not values.size:
        return v
    smallest = np.min(np.where(mask, values, np.inf), axis, keepdims=keepdims)
    largest = np.max(np.where(mask, values, -np.inf), axis, keepdims=keepdims)
    equal = smallest == largest
    return choice(equal, np.sqrt(unwrap(v)), sqrt(choice(equal, 1, v)))


@chooses(np.var)
def var_of_chosen(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False,
    *, where: Any = True, **options: Any,
) -> Any:  # fmt: skip
    """The variance of the elements where `where` is true."""
    v, _ = _var_of_chosen("var", a, axis, keepdims, where, ddof, {"dtype": dtype, "out": out, **options})
    return _rounded(v, a)


@chooses(np.std)
def std_of_chosen(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False,
    *, where: Any = True, **options: Any,
) -> Any:  # fmt: skip
    """The standard deviation of the elements where `where` is true; of equal ones it has the slope 0."""
    v, _ = _var_of_chosen("std", a, axis, keepdims, where, ddof, {"dtype": dtype, "out": out, **options})
    return _rounded(_root(v, a, axis, keepdims, where), a)


def _rounded(y: Any, a: Any) -> Any:
    """y, computed in float32, in float16 if a is."""
    return cast_like(y, a) if a.dtype.kind == "f" else y


def _lowest(a: Any, where: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.min(np.where(beside(where, a), a, np.inf), axis, keepdims=keepdims)


def _highest(a: Any, where: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.max(np.where(beside(where, a), a, -np.inf), axis, keepdims=keepdims)


def chosen_extreme_rule(g: Any, y: Any, a: Any, where: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """As of max and min: to the extreme element, in equal parts to several that tie, of those that are chosen."""
    chosen = equals(unwrap(a), spread(unwrap(y), a, axis, keepdims)) & beside(where, unwrap(a))
    return shared(spread(g, a, axis, keepdims), chosen, axis)


max_of_chosen: Primitive = define(_highest, chosen_extreme_rule, name="max_of_chosen", at_kinks="ties share equally")
min_of_chosen: Primitive = define(_lowest, chosen_extreme_rule, name="min_of_chosen", at_kinks="ties share equally")


def _extreme(
    f: Any, of_all: Any, of_chosen: Any, a: Any, axis: Any, out: Any, keepdims: bool, initial: Any, where: Any
) -> Any:
    """The extreme of a number, `initial`, and of the elements where `where` is true."""
    name = f.__name__
    _refuse(name, out=out)
    if initial is None:
        if where is not True:
            raise ValueError(f"{name} of no elements is no number: with where= it needs initial= too")
        return of_all(a, axis=axis, keepdims=keepdims)
    if a.dtype.kind != "f":
        return _of_whole_numbers(f, a, axis=axis, keepdims=keepdims, initial=initial, where=where)
    shape = _count(a, True, axis, keepdims).shape
    x, mask = joined(a, axis), joined(_mask(a, where), axis)
    end = (*x.shape[:-1], 1)
    x = concatenation(x, broadcast_to(_number(initial, a), end), axis=-1)
    return reshape(of_chosen(x, where=np.concatenate([mask, np.ones_like(mask, shape=end)], -1), axis=-1), shape)


@chooses(np.max, np.amax)
def _max(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    return _extreme(np.max, max, max_of_chosen, a, axis, out, keepdims, initial, where)


@chooses(np.min, np.amin)
def _min(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    return _extreme(np.min, min, min_of_chosen, a, axis, out, keepdims, initial, where)


# ---- without the NaNs ----


@implements(np.nansum)
@chooses(np.nansum)
def nansum(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = 0, where: Any = True,
) -> Any:  # fmt: skip
    """The sum of what isn't NaN."""
    return sum_of_chosen(a, axis, dtype, out, keepdims, initial, _not_nan(a, where))


@implements(np.nanprod)
@chooses(np.nanprod)
def nanprod(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
    initial: Any = 1, where: Any = True,
) -> Any:  # fmt: skip
    """The product of what isn't NaN."""
    return prod_of_chosen(a, axis, dtype, out, keepdims, initial, _not_nan(a, where))


@implements(np.nanmean)
@chooses(np.nanmean)
def nanmean(a: Any, *args: Any, where: Any = True, **options: Any) -> Any:
    """The mean of what isn't NaN; NaN of nothing."""
    return mean_of_chosen(a, *args, where=_not_nan(a, where), **options)


def _var_without_nan(name: str, a: Any, axis: Any, keepdims: bool, where: Any, ddof: Any, options: Any) -> Any:
    v, left = _var_of_chosen(name, a, axis, keepdims, where, ddof, options)
    return choice(left > 0, v, np.nan)


@implements(np.nanvar)
@chooses(np.nanvar)
def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False,
    *, where: Any = True, **options: Any,
) -> Any:  # fmt: skip
    """The variance of what isn't NaN; NaN where no degree of freedom is left."""
    options, where = {"dtype": dtype, "out": out, **options}, _not_nan(a, where)
    return _rounded(_var_without_nan("nanvar", a, axis, keepdims, where, ddof, options), a)


@implements(np.nanstd)
@chooses(np.nanstd)
def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0, keepdims: bool = False,
    *, where: Any = True, **options: Any,
) -> Any:  # fmt: skip
    """The standard deviation of what isn't NaN; of equal numbers it has the slope 0."""
    options, where = {"dtype": dtype, "out": out, **options}, _not_nan(a, where)
    v = _var_without_nan("nanstd", a, axis, keepdims, where, ddof, options)
    return _rounded(_root(v, a, axis, keepdims, where), a)


def _extreme_without_nan(
    f: Any, of_all: Any, of_chosen: Any, a: Any, axis: Any, out: Any, keepdims: bool, initial: Any, where: Any
) -> Any:
    if a.dtype.kind != "f":
        return _extreme(f, of_all, of_chosen, a, axis, out, keepdims, initial, where)
    numbers = _not_nan(a, where)
    if initial is not None or where is not True:
        return _extreme(f, of_all, of_chosen, a, axis, out, keepdims, initial, numbers)
    _refuse(f.__name__, out=out)
    none = ~numbers.any(axis, keepdims=True)
    if none.any():
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=4)  # as NumPy does
    return of_chosen(a, where=numbers | none, axis=axis, keepdims=keepdims)


@implements(np.nanmax)
@chooses(np.nanmax)
def nanmax(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """The largest of what isn't NaN; NaNs alone share the gradient of their NaN, as in fmax."""
    return _extreme_without_nan(np.nanmax, max, max_of_chosen, a, axis, out, keepdims, initial, where)


@implements(np.nanmin)
@chooses(np.nanmin)
def nanmin(
    a: Any, axis: Any = None, out: Any = None, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Any:
    """The smallest of what isn't NaN; NaNs alone share the gradient of their NaN, as in fmin."""
    return _extreme_without_nan(np.nanmin, min, min_of_chosen, a, axis, out, keepdims, initial, where)


# ---- running sums and products ----


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, **options: Any) -> Any:
    """The sums up to each element, of what isn't NaN."""
    return cumsum(choice(np.isnan(unwrap(a)), 0, a), axis=axis, **options)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, **options: Any) -> Any:
    """The products up to each element, of what isn't NaN."""
    return cumprod(choice(np.isnan(unwrap(a)), 1, a), axis=axis, **options)


def _running(f: Any, first: float, x: Any, axis: int | None, include_initial: bool, options: dict[str, Any]) -> Any:
    x = atleast_1d(x)
    if axis is None and x.ndim > 1:
        raise ValueError(f"cumulative_{f.__name__[3:]} of an array of {x.ndim} axes needs axis=")
    (axis,) = normalize_axis_tuple(0 if axis is None else axis, x.ndim)  # NumPy takes a tuple of one, too
    y = f(x, axis=axis, **options)
    if not include_initial:
        return y
    begin = np.full_like(unwrap(y), first, shape=(*y.shape[:axis], 1, *y.shape[axis + 1 :]))
    return concatenation(begin, y, axis=axis)


@implements(*(getattr(np, name) for name in ["cumulative_sum"] if hasattr(np, name)))  # NumPy has it since 2.1
def cumulative_sum(x: Any, /, *, axis: int | None = None, include_initial: bool = False, **options: Any) -> Any:
    """The sums up to each element along an axis, which several axes need; with `include_initial` from 0 on."""
    return _running(cumsum, 0, x, axis, include_initial, options)


@implements(*(getattr(np, name) for name in ["cumulative_prod"] if hasattr(np, name)))
def cumulative_prod(x: Any, /, *, axis: int | None = None, include_initial: bool = False, **options: Any) -> Any:
    """The products up to each element along an axis, which several axes need; with `include_initial` from 1 on."""
    return _running(cumprod, 1, x, axis, include_initial, options)
