"""Functions from functions: the gradient of f, its Jacobian, its products with vectors.

They never touch a `.grad`, and give back what they were given: arrays for arrays, Tensors for Tensors, a float for a
Python float (computed in float64), dicts, lists and tuples of them alike. They nest: where a result depends on a Tensor
whose gradient somebody else wants, an enclosing transform or, with ``requires_grad=True``, the user, the backward pass
is recorded and the result is a Tensor that can be differentiated on: a gradient penalty trains its network. Under
`no_grad` nobody does. Stands on tensor.py and dispatch.py; nested.py takes dicts, lists and tuples apart.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np

from .arrays import own_array
from .dispatch import primitives, tell_flattened
from .graph import leaves
from .nested import as_numbers, flat, is_number, is_numbers, paired, rebuilt
from .recording import enable_grad, state
from .tensor import Tensor, propagate, wrap

Function = Callable[..., Any]


class _Nesting(threading.local):
    depth = 0  # how many transforms' functions are running in this thread


nesting = _Nesting()


@dataclass(frozen=True, eq=False)
class _Transformed:
    """What a transform makes of a function f: called, it computes by `f`, `argnums` and the call's arguments.

    It can be pickled if f can, and as an attribute of a class it is a method.
    """

    transform: Function
    f: Function
    argnums: int | Sequence[int]
    __signature__ = inspect.signature(lambda *args, **options: None)  # else it is taken for a method of C

    def __post_init__(self) -> None:
        name = self.transform.__name__.strip("_")
        if not callable(self.f):
            raise TypeError(f"{name} takes a function, not {self.f!r}; write tl.{name}(f)(x)")
        numbers = self.argnums if isinstance(self.argnums, (tuple, list)) else [self.argnums]
        if not all(isinstance(n, (int, np.integer)) for n in numbers):
            raise TypeError(f"{name}: argnums are positions of arguments, not {self.argnums!r}; write tl.{name}(f)(x)")

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self.transform(self.f, self.argnums, args, options)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)


class _Run:
    """One call of f with fresh Tensors in the differentiated places, and what is needed to go back through it."""

    def __init__(
        self, name: str, f: Function, args: Sequence[Any], argnums: int | Sequence[int], options: dict[str, Any]
    ) -> None:
        self.name = name  # of the transform that asks
        self.single = isinstance(argnums, (int, np.integer))
        numbers = [argnums] if isinstance(argnums, (int, np.integer)) else list(argnums)
        if not numbers or any(not -len(args) <= n < len(args) for n in numbers):
            raise ValueError(f"argnums={argnums} doesn't name arguments of a call with {len(args)} of them")
        numbers = [n % len(args) for n in numbers]
        if len(set(numbers)) < len(numbers):
            raise ValueError(f"argnums={argnums} names an argument twice")
        self.given = [args[n] for n in numbers]
        self.leaves = [leaf for x in self.given for leaf in flat(x)]
        recording = state.recording
        with enable_grad():
            self.inputs = [_fresh(x, recording) for x in self.leaves]
            self.newest = max((x.stamp for x in self.inputs), default=0)
            replaced, fresh = list(args), iter(self.inputs)
            for n in numbers:
                replaced[n] = rebuilt(args[n], fresh)
            nesting.depth += 1
            try:
                self.output = f(*replaced, **options)
            finally:
                nesting.depth -= 1
                for x in self.inputs:
                    if x.primitive is None:  # from here on, nobody but this call wants a gradient for it
                        x.requires_grad = False
        self.outputs = flat(self.output)
        if not self.outputs or not all(isinstance(y, Tensor) for y in self.outputs):
            raise TypeError(
                f"the function returned {type(self.output).__name__}, not a Tensor, so there is no way back to its "
                "arguments. Compute with the Tensors themselves: no ._data, .numpy(), .item() or float() on the way."
            )
        self.record = recording and _is_wanted(*self.outputs)

    def pull(self, outputs: Sequence[Tensor], cotangents: Sequence[Any], record: bool | None = None) -> list[Any]:
        """The vector-Jacobian product for every input, as arrays, or as Tensors if it is recorded."""
        if record is None:
            wanted = any(isinstance(c, Tensor) and c.requires_grad for c in cotangents)
            record = state.recording and (self.record or wanted)
        found, shared = propagate(outputs, cotangents, wanted=self.inputs, create_graph=record)
        gradients = []
        for x in self.inputs:
            g = found.get(x)
            if g is None:
                g = np.zeros_like(x._data)
                gradients.append(wrap(g) if record else g)
            else:
                gradients.append(g if record else g.copy() if x in shared or g.base is not None else g)
        return gradients

    def give(self, gradients: Sequence[Any], given: Sequence[Any] | None = None) -> Any:
        """Each gradient in the type that its argument came in; bare if argnums was a single number."""
        given = self.leaves if given is None else given
        results = iter([self.back(g, x) for g, x in zip(gradients, given, strict=True)])
        made = tuple(rebuilt(x, results) for x in self.given)
        return made[0] if self.single else made

    def value(self) -> Any:
        """What f returned, in the type that the arguments came in."""
        if any(map(_is_tensor, self.leaves)):
            return rebuilt(self.output, iter([self.back(y, y) for y in self.outputs]))
        return rebuilt(self.output, iter([self.back(y, self.alike(y)) for y in self.outputs]))

    def alike(self, output: Tensor) -> Any:
        """What tells the type in which something of the shape of this output is given back; None: an array."""
        first = self.leaves[0] if self.leaves else None
        if _is_tensor(first):
            return first
        return 0.0 if output.size == 1 and (is_number(first) or is_numbers(first)) else None

    def back(self, result: Any, given: Any) -> Any:
        """A result in the type of what was given, unless somebody outside wants to differentiate it: then a Tensor."""
        if isinstance(result, Tensor):
            enclosed = self.record and nesting.depth > 0  # an enclosing transform needs a Tensor, be it a constant
            if state.recording and (enclosed or _is_wanted(result)):
                if result.primitive is not None and result.stamp > self.newest:  # not the user's own
                    result.notes = {**(result.notes or {}), "transform": self.name}
                return result
            result = result._data.copy()
        if _is_tensor(given):
            return wrap(result)
        if is_number(given) or is_numbers(given):
            return as_numbers(given, result.reshape(np.shape(given)))
        return tell_flattened(self.name, (), result)


def _is_tensor(x: Any) -> bool:
    """Whether somebody gave a Tensor; not one that stands for an array while a step is recorded."""
    return isinstance(x, Tensor) and not (x.notes and "array" in x.notes)


def _is_wanted(*tensors: Tensor) -> bool:
    """Whether one depends on a Tensor for which an enclosing transform or the user wants a gradient."""
    return any(x.requires_grad for x in leaves(tensors))


def _fresh(x: Any, recording: bool) -> Tensor:
    if isinstance(x, Tensor):
        if x.requires_grad and recording:
            alias: Tensor = primitives["positive"](x)  # of the table, which stands above this file
            return alias
        if x.dtype.kind != "f":
            raise TypeError(f"a Tensor of {x.dtype} has no gradient; write .astype(float) first")
        made = x.detach()
        made._requires_grad = True
        return made
    return wrap(own_array(x, True, np.float64 if isinstance(x, (float, int)) or is_numbers(x) else None), True)


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function ``(*args) → (f(*args), gradient)``; see `grad`."""
    return _Transformed(_value_and_grad, f, argnums)


def _value_and_grad(f: Function, argnums: int | Sequence[int], args: Any, options: Any, name: str = "") -> Any:
    run = _Run(name or "value_and_grad", f, args, argnums, options)
    if run.output.__class__ is not Tensor or run.output.size != 1:
        returned = f"shape {run.output.shape}" if run.output.__class__ is Tensor else type(run.output).__name__
        raise ValueError(
            f"grad needs a function that returns a single number, but this one returned {returned}. "
            "Sum or average it, or use tl.vjp or tl.jacobian."
        )
    gradients = run.pull(run.outputs, [np.ones_like(run.output._data)])
    return run.value(), run.give(gradients)


def grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that computes ∂f/∂(its argument number `argnums`; a tuple of gradients for several).

    >>> grad(lambda x: x ** 3)(2.0)
    12.0

    f takes arrays, Tensors or floats, or dicts, lists and tuples of them, whose gradient is of the same form, and
    returns a single number as a Tensor. (A list of numbers alone is one Tensor to f.) ``grad(grad(f))`` is the second
    derivative. If f computes with Tensors that require a gradient, such as a network's weights, a gradient that
    depends on them is a Tensor, so that ``.backward()`` of a loss made of it reaches them; under `no_grad` it comes as
    the argument came. Raises ValueError if f returns more than one number, TypeError for integer arrays or if f
    returns no Tensor. An argument that this Tensor doesn't depend on has gradient 0.
    """
    return _Transformed(_grad, f, argnums)


def _grad(f: Function, argnums: int | Sequence[int], args: Any, options: Any) -> Any:
    return _value_and_grad(f, argnums, args, options, "grad")[1]


def vjp(f: Function, *inputs: Any) -> tuple[Any, Function]:
    """``(f(*inputs), pullback)``, where ``pullback(g)`` gives the tuple of vector-Jacobian products gᵀ ∂f/∂input.

    g, the cotangent, has the shape of f's output; if that is a dict, list or tuple of Tensors, g is one like it. The
    pullback may be called any number of times.
    """
    run = _Run("vjp", f, inputs, tuple(range(len(inputs))), {})

    def pullback(cotangent: Any) -> Any:
        pairs = paired(run.output, cotangent, "the cotangent")
        return run.give(run.pull(run.outputs, [c for _, c in pairs]))

    return run.value(), pullback


def jvp(f: Function, inputs: Any, tangents: Any) -> tuple[Any, Any]:
    """``(f(*inputs), Σ ∂f/∂input · tangent)``: the directional derivative along the tangents, one per input.

    Computed as the vjp of the vjp, which is linear in its cotangent. A single input and tangent may stand bare.
    Raises ValueError if the tangents don't fit the inputs.
    """
    inputs, tangents = _tuple(inputs), _tuple(tangents)
    if len(inputs) != len(tangents):
        raise ValueError(f"jvp needs one tangent per input: {len(inputs)} inputs, {len(tangents)} tangents")
    run = _Run("jvp", f, inputs, tuple(range(len(inputs))), {})
    tangents = [t for x, its in zip(inputs, tangents, strict=True) for _, t in paired(x, its, "a tangent")]
    for x, t in zip(run.inputs, tangents, strict=True):
        if np.shape(t) != x.shape:
            raise ValueError(f"a tangent has shape {np.shape(t)}, but its input has {x.shape}")
    wanted = any(isinstance(t, Tensor) and t.requires_grad for t in tangents)
    recording = state.recording and (run.record or wanted)
    with enable_grad():
        dummies = [wrap(np.zeros_like(y._data), True) for y in run.outputs]
        gradients = run.pull(run.outputs, dummies, record=True)
    dependent = [(g, t) for g, t in zip(gradients, tangents, strict=True) if g.requires_grad]
    found: dict[Tensor, Any] = {}
    if dependent:
        outputs, cotangents = zip(*dependent, strict=True)
        found, _ = propagate(outputs, cotangents, wanted=dummies, create_graph=recording)
    results = [found.get(dummy, np.zeros_like(dummy._data)) for dummy in dummies]
    results = [t if isinstance(t, Tensor) else t.copy() for t in results]
    return run.value(), rebuilt(run.output, iter([run.back(t, run.alike(t)) for t in results]))


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that computes the Jacobian ∂f_i/∂x_j, of shape (*output shape, *argument shape).

    One backward pass per element of the output. By a dict, list or tuple it is one like it; of such an output, one
    like that, with the Jacobian of each part.
    """
    return _Transformed(_jacobian, f, argnums)


def _jacobian(f: Function, argnums: int | Sequence[int], args: Any, options: Any, name: str = "jacobian") -> Any:
    run = _Run(name, f, args, argnums, options)
    return rebuilt(run.output, iter([_jacobian_of(run, y) for y in run.outputs]))


def _jacobian_of(run: _Run, y: Tensor) -> Any:
    """The Jacobian of one of the outputs by every input."""
    shape, dtype = y.shape, y.dtype
    basis = np.eye(y.size, dtype=dtype, like=y._data).reshape(y.size, *shape)
    rows = [run.pull([y], [row]) for row in basis]
    results = []
    for i, x in enumerate(run.inputs):
        stacked = primitives["stack"](*(row[i] for row in rows)) if rows else np.zeros_like(x._data, shape=0)
        results.append(stacked.reshape((*shape, *x.shape)))
    scalars = not shape and all(not x.shape for x in run.inputs)
    return run.give(results, [x if scalars or isinstance(x, Tensor) else None for x in run.leaves])


def hessian(f: Function, argnums: int = 0) -> Function:
    """The function that computes the Hessian ∂²f/∂x_i∂x_j of a scalar f, of shape (*x shape, *x shape).

    It is that of one argument: TypeError for several `argnums`. Where that is a dict, ``hessian["a"]["b"]`` is
    ∂²f/∂a∂b; of lists and tuples alike.
    """
    _one_argument("hessian", argnums)
    return _Transformed(_hessian, grad(f, argnums), argnums)


def _hessian(gradient: Function, argnum: int, args: Any, options: Any) -> Any:
    return _jacobian(gradient, argnum, args, options, "hessian")


def hvp(f: Function, argnums: int = 0) -> Function:
    """The function ``(*args, v) → H v``, the Hessian of a scalar f times `v`, of the argument's shape, without ever
    making H: one more backward pass through the gradient (Pearlmutter, "Fast exact multiplication by the Hessian",
    Neural Computation 6, 1994). TypeError for several `argnums`."""
    _one_argument("hvp", argnums)
    return _Transformed(_hvp, grad(f, argnums), argnums)


def _hvp(gradient: Function, argnum: int, args: Any, options: Any) -> Any:
    *inputs, v = args
    run = _Run("hvp", gradient, inputs, argnum, options)
    return run.give(run.pull(run.outputs, [vector for _, vector in paired(run.output, v, "the vector")]))


def _one_argument(name: str, argnums: Any) -> None:
    if not isinstance(argnums, (int, np.integer)):
        raise TypeError(f"{name} differentiates by one argument: argnums is an integer, not {argnums!r}")


def _tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)
