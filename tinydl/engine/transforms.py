"""Functions from functions: the gradient of f, its Jacobian, its products with vectors.

They never touch a `.grad`, and give back what they were given: arrays for arrays, Tensors for Tensors, a float for a
Python float (computed in float64). They nest: where a result depends on a Tensor whose gradient somebody else wants, an
enclosing transform or, with ``requires_grad=True``, the user, the backward pass is recorded and the result is a Tensor
that can be differentiated on: a gradient penalty trains its network. Under `no_grad` nobody does. Stands on tensor.py
and dispatch.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .arrays import own_array
from .dispatch import primitives
from .graph import leaves
from .recording import enable_grad, state
from .tensor import Tensor, propagate, wrap

Function = Callable[..., Any]


class _Nesting(threading.local):
    depth = 0  # how many transforms' functions are running in this thread


nesting = _Nesting()


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
        recording = state.recording
        with enable_grad():
            self.inputs = [_fresh(x, recording) for x in self.given]
            replaced = list(args)
            for n, x in zip(numbers, self.inputs, strict=True):
                replaced[n] = x
            nesting.depth += 1
            try:
                self.output = f(*replaced, **options)
            finally:
                nesting.depth -= 1
                for x in self.inputs:
                    if x.primitive is None:  # from here on, nobody but this call wants a gradient for it
                        x.requires_grad = False
        if not isinstance(self.output, Tensor):
            raise TypeError(
                f"the function returned {type(self.output).__name__}, not a Tensor, so there is no way back to its "
                "arguments. Compute with the Tensors themselves: no .data, .numpy(), .item() or float() on the way."
            )
        self.record = recording and _is_wanted(self.output)

    def pull(self, cotangent: Any, record: bool | None = None) -> list[Any]:
        """The vector-Jacobian product for every input, as arrays, or as Tensors if it is recorded."""
        if record is None:
            wanted = isinstance(cotangent, Tensor) and cotangent.requires_grad
            record = state.recording and (self.record or wanted)
        found, shared = propagate([self.output], [cotangent], wanted=self.inputs, create_graph=record)
        gradients = []
        for x in self.inputs:
            g = found.get(x)
            if g is None:
                g = np.zeros_like(x.data)
                gradients.append(wrap(g) if record else g)
            else:
                gradients.append(g if record else g.copy() if x in shared or g.base is not None else g)
        return gradients

    def give(self, gradients: Sequence[Any], given: Sequence[Any] | None = None) -> Any:
        """Each gradient in the type that its argument came in; bare if argnums was a single number."""
        given = self.given if given is None else given
        results = tuple(self.back(g, x) for g, x in zip(gradients, given, strict=True))
        return results[0] if self.single else results

    def value(self) -> Any:
        """What f returned, in the type that the arguments came in."""
        if any(isinstance(x, Tensor) for x in self.given):
            return self.back(self.output, self.output)
        return self.back(self.output, self.given[0] if self.output.size == 1 else None)

    def back(self, result: Any, given: Any) -> Any:
        """A result in the type of what was given, unless somebody outside wants to differentiate it: then a Tensor."""
        if isinstance(result, Tensor):
            enclosed = self.record and nesting.depth > 0  # an enclosing transform needs a Tensor, be it a constant
            if state.recording and (enclosed or _is_wanted(result)):
                if result.primitive is not None and result.stamp > self.inputs[-1].stamp:  # not the user's own
                    result.notes = {**(result.notes or {}), "transform": self.name}
                return result
            result = result.data.copy()
        if isinstance(given, Tensor):
            return wrap(result)
        return float(result.item()) if isinstance(given, (float, int)) and not isinstance(given, np.generic) else result


def _is_wanted(t: Tensor) -> bool:
    """Whether t depends on a Tensor for which an enclosing transform or the user wants a gradient."""
    return any(x.requires_grad for x in leaves([t]))


def _fresh(x: Any, recording: bool) -> Tensor:
    if isinstance(x, Tensor):
        if x.requires_grad and recording:
            alias: Tensor = primitives["positive"](x)  # of the table, which stands above this file
            return alias
        if x.dtype.kind != "f":
            raise TypeError(f"a Tensor of {x.dtype} has no gradient; write .astype(float) first")
        return wrap(x.data.copy(), True)
    return wrap(own_array(x, True, np.float64 if isinstance(x, (float, int)) else None), True)


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function ``(*args) → (f(*args), gradient)``; see `grad`."""
    return _value_and_grad("value_and_grad", f, argnums)


def _value_and_grad(name: str, f: Function, argnums: int | Sequence[int]) -> Function:
    def value_and_gradient(*args: Any, **options: Any) -> tuple[Any, Any]:
        run = _Run(name, f, args, argnums, options)
        if run.output.size != 1:
            raise ValueError(
                f"grad needs a function that returns a single number, but this one returned shape {run.output.shape}. "
                "Sum or average it, or use tl.vjp or tl.jacobian."
            )
        gradients = run.pull(np.ones_like(run.output.data))
        return run.value(), run.give(gradients)

    return value_and_gradient


def grad(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that computes ∂f/∂(its argument number `argnums`; a tuple of gradients for several).

    >>> grad(lambda x: x ** 3)(2.0)
    12.0

    f takes arrays, Tensors or floats and returns a single number as a Tensor. ``grad(grad(f))`` is the second
    derivative. If f computes with Tensors that require a gradient, such as a network's weights, a gradient that
    depends on them is a Tensor, so that ``.backward()`` of a loss made of it reaches them; under `no_grad` it comes as
    the argument came. Raises ValueError if f returns more than one number, TypeError for integer arrays or if f
    returns no Tensor. An argument that this Tensor doesn't depend on has gradient 0.
    """
    both = _value_and_grad("grad", f, argnums)

    def gradient(*args: Any, **options: Any) -> Any:
        return both(*args, **options)[1]

    return gradient


def vjp(f: Function, *inputs: Any) -> tuple[Any, Function]:
    """``(f(*inputs), pullback)``, where ``pullback(g)`` gives the tuple of vector-Jacobian products gᵀ ∂f/∂input.

    g, the cotangent, has the shape of f's output. The pullback may be called any number of times.
    """
    run = _Run("vjp", f, inputs, tuple(range(len(inputs))), {})

    def pullback(cotangent: Any) -> Any:
        return run.give(run.pull(cotangent))

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
    for x, t in zip(run.inputs, tangents, strict=True):
        if np.shape(t) != x.shape:
            raise ValueError(f"a tangent has shape {np.shape(t)}, but its input has {x.shape}")
    wanted = any(isinstance(t, Tensor) and t.requires_grad for t in tangents)
    recording = state.recording and (run.record or wanted)
    with enable_grad():
        dummy = wrap(np.zeros_like(run.output.data), True)
        gradients = run.pull(dummy, record=True)
    dependent = [(g, t) for g, t in zip(gradients, tangents, strict=True) if g.requires_grad]
    found: dict[Tensor, Any] = {}
    if dependent:
        outputs, cotangents = zip(*dependent, strict=True)
        found, _ = propagate(outputs, cotangents, wanted=[dummy], create_graph=recording)
    tangent = found.get(dummy, np.zeros_like(dummy.data))
    given = inputs[0] if run.output.size == 1 or isinstance(inputs[0], Tensor) else None
    return run.value(), run.back(tangent if isinstance(tangent, Tensor) else tangent.copy(), given)


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Function:
    """The function that computes the Jacobian ∂f_i/∂x_j, of shape (*output shape, *argument shape).

    One backward pass per element of the output.
    """
    return _jacobian("jacobian", f, argnums)


def _jacobian(name: str, f: Function, argnums: int | Sequence[int]) -> Function:
    def jacobian_of(*args: Any, **options: Any) -> Any:
        run = _Run(name, f, args, argnums, options)
        shape, dtype = run.output.shape, run.output.dtype
        basis = np.eye(run.output.size, dtype=dtype, like=run.output._data).reshape(run.output.size, *shape)
        rows = [run.pull(row) for row in basis]
        results = []
        for i, x in enumerate(run.inputs):
            stacked = primitives["stack"](*(row[i] for row in rows)) if rows else np.zeros_like(x.data, shape=0)
            results.append(stacked.reshape((*shape, *x.shape)))
        scalars = not shape and all(not x.shape for x in run.inputs)
        return run.give(results, [x if scalars or isinstance(x, Tensor) else None for x in run.given])

    return jacobian_of


def hessian(f: Function, argnums: int = 0) -> Function:
    """The function that computes the Hessian ∂²f/∂x_i∂x_j of a scalar f, of shape (*x shape, *x shape).

    It is that of one argument: TypeError for several `argnums`.
    """
    _one_argument("hessian", argnums)
    return _jacobian("hessian", grad(f, argnums), argnums)


def hvp(f: Function, argnums: int = 0) -> Function:
    """The function ``(*args, v) → H v``, the Hessian of a scalar f times `v`, of the argument's shape, without ever
    making H: one more backward pass through the gradient (Pearlmutter, "Fast exact multiplication by the Hessian",
    Neural Computation 6, 1994). TypeError for several `argnums`."""
    _one_argument("hvp", argnums)
    gradient = grad(f, argnums)

    def hessian_times(*args: Any, **options: Any) -> Any:
        *inputs, v = args
        run = _Run("hvp", gradient, inputs, argnums, options)
        return run.give(run.pull(v))

    return hessian_times


def _one_argument(name: str, argnums: Any) -> None:
    if not isinstance(argnums, (int, np.integer)):
        raise TypeError(f"{name} differentiates by one argument: argnums is an integer, not {argnums!r}")


def _tuple(x: Any) -> tuple[Any, ...]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x,)
