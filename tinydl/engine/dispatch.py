"""How a Tensor speaks NumPy: the table of primitives, and which of them answers a NumPy function.

`define` puts a rule into the table of derivatives, `implements` says that a function is made of other differentiable
ones, `plain` that it is flat or no matter of values and so answers with plain arrays. What stands in none of the three
raises, with the nearest function that does. Stands on tensor.py; read `derivatives/` next, or methods.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from .advice import after_transform, full_name, without_method, without_rule
from .arrays import is_foreign, is_masked, mixed, refuse_masked
from .recording import special, state
from .tensor import Primitive, Tensor, tell_touched

table: dict[Any, Callable[..., Any]] = {}  # a NumPy function → what computes it on Tensors
choosing: dict[Any, Callable[..., Any]] = {}  # a reduction → what computes it where where= or initial= is given
primitives: dict[str, Primitive] = {}  # the table of derivatives, by name; helpers, which no NumPy function calls, too
kinks: dict[str, str] = {}  # what the gradient is where there is none, for the primitives that have such points
_flat: set[Any] = set()  # the functions of `plain`
elementwise: list[str] = []  # names of the one-argument elementwise primitives, each also a method of Tensor
Function = TypeVar("Function", bound=Callable[..., Any])


def define(
    forward: Callable[..., Any],
    *rules: Callable[..., Any] | None,
    answers: Sequence[Any] | None = None,
    name: str = "",
    each: bool = False,
    at_kinks: str = "",
) -> Primitive:
    """A primitive of the table, which answers the NumPy functions `answers` (by default `forward`, if it is one)."""
    made = Primitive(forward, *rules, name=name, each=each)
    made.lends = False
    if made.name in primitives:
        raise ValueError(f"the table has a primitive {made.name} already")
    primitives[made.name] = made
    if at_kinks:
        kinks[made.name] = at_kinks
    if answers is None and not each and getattr(np, getattr(forward, "__name__", ""), None) is forward:
        answers = (forward,)
    _answer(answers or (), made)
    if isinstance(forward, np.ufunc) and forward.nin == 1:
        elementwise.append(made.name)
    return made


def _answer(functions: Iterable[Any], answer: Callable[..., Any]) -> None:
    """Register the one answer to these functions; a second one would depend on which file is read last."""
    for f in functions:
        if f in table:
            raise ValueError(f"{full_name(f)} has an answer already: {getattr(table[f], '__name__', table[f])}")
        table[f] = answer


def implements(*functions: Any) -> Callable[[Function], Function]:
    """Register a function made of differentiable ones as the answer to these NumPy functions."""

    def register(function: Function) -> Function:
        _answer(functions, function)
        return function

    return register


def chooses(*functions: Any) -> Callable[[Function], Function]:
    """Register a function as the answer to these reductions where they are given `where=` or `initial=`."""

    def register(function: Function) -> Function:
        choosing.update(dict.fromkeys(functions, function))
        return function

    return register


def plain(*functions: Any, of_forms: bool = False) -> None:
    """Answer these functions with NumPy's own result on plain arrays: nothing can flow back through them.

    Those `of_forms` look at shapes and dtypes alone, so that NumPy's will do for arrays of a library that lacks them.
    """
    for f in dict.fromkeys(functions):  # np.round and np.around may be one
        _answer([f], _on_arrays(f, form if of_forms else unwrap))
    _flat.update(functions)


def differentiable() -> list[Any]:
    """The NumPy functions through which gradients flow."""
    return [f for f in table if f not in _flat]


def form(x: Any) -> Any:
    """An array of NumPy, without memory of its own, in the shape and dtype of one of another library."""
    array = unwrap(x)
    return np.broadcast_to(np.zeros((), array.dtype), array.shape) if is_foreign(array) else array


def _on_arrays(function: Any, taken: Callable[[Any], Any]) -> Callable[..., Any]:
    name = getattr(function, "__name__", "function")

    def call(*args: Any, **options: Any) -> Any:
        arrays = [taken(a) for a in args]
        try:
            result = function(*arrays, **{k: taken(v) for k, v in options.items()})
        except TypeError as error:
            raise mixed(name, arrays) or error from None
        return tell_flattened(name, args, result)

    call.__name__ = name
    return call


def tell_flattened(name: str, inputs: Sequence[Any], result: Any) -> Any:
    """Tell observers that a function without a slope gave a plain array; that, or what one has in its place."""
    if special.count:
        for observer in state.observers:
            if (instead := observer.flattened(name, inputs, result)) is not None:
                return instead
    return result


def unwrap(x: Any) -> Any:
    """The array of a Tensor, also inside lists and tuples; anything else as it is."""
    if x.__class__ is Tensor:
        if special.count:
            tell_touched(x)
        return x._data
    if type(x) in (list, tuple):
        return type(x)(unwrap(item) for item in x)
    if is_masked(x):
        refuse_masked(x)
    return x


# ---- NumPy's two protocols ----


def array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
    """NumPy's protocol for ufuncs: ``np.exp(x)``, ``array + x``."""
    if method != "__call__":
        raise TypeError(without_method(ufunc, method))
    if options:
        if _is_constant(inputs, options):
            return getattr(ufunc, method)(*unwrap(inputs), **options)
        _refuse_out(self, ufunc.__name__, options, "np.where(condition, np.{0}(…), otherwise)")
    function = table.get(ufunc)
    if function is None:
        raise TypeError(without_rule(ufunc, differentiable()))
    return function(*inputs, **options)


def array_function(self: Tensor, function: Any, types: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """NumPy's protocol for everything that is no ufunc: ``np.sum(x)``, ``np.concatenate([x, y])``."""
    answer, instead_of_where = table.get(function), "np.{0}(x[condition])"
    if options:
        if "initial" in options and options["initial"] is np._NoValue:
            del options["initial"]
        if ("where" in options or "initial" in options) and (function in choosing or function in _flat):
            answer, instead_of_where = choosing.get(function, answer), ""
        _refuse_out(self, getattr(function, "__name__", "function"), options, instead_of_where)
    if answer is None:
        raise TypeError(without_rule(function, differentiable()))
    for x in (*args, *options.values()):
        if is_masked(x):
            refuse_masked(x)
    return answer(*args, **options)


def _is_constant(inputs: tuple[Any, ...], options: dict[str, Any]) -> bool:
    """Whether this is ``array += t`` for a Tensor without a gradient, which leaves nothing behind in any graph."""
    tensors = [x for x in inputs if x.__class__ is Tensor]
    return options.keys() == {"out"} and tensors != [] and not any(t.requires_grad for t in tensors)


def _refuse_out(self: Tensor, name: str, options: dict[str, Any], instead_of_where: str) -> None:
    out = options.pop("out", None)
    if out is not None and not (isinstance(out, tuple) and all(o is None for o in out)):
        raise TypeError(
            f"np.{name} can't write a Tensor's result into an array (out=, or `array += tensor`): the array could not "
            f"remember where its values came from. {after_transform(self)}Write a new one, array = array + tensor; to "
            "update a parameter, `with tl.no_grad(): p -= lr * p.grad`, or p.data -= lr * p.grad.data"
        )
    if not instead_of_where:
        return
    where = options.get("where", True)
    if where is not True:
        raise TypeError(f"np.{name} of Tensors takes no where=; write {instead_of_where.format(name)}")
    options.pop("where", None)
