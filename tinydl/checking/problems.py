"""What is checked: a function of arrays, and the gradient that somebody claims for it, the engine or a rule in NumPy.

`of_tensors` and `of_arrays` make a Problem of what users give to gradcheck.py; a second derivative is the Problem of
`gradient_of` a function. Everything is computed on float64 copies. Stands on the engine alone.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import array_of, kind, refuse_foreign
from ..engine.recording import no_grad
from ..engine.tensor import Tensor, propagate, tensor

Function = Callable[..., Any]


@dataclass(frozen=True)
class Problem:
    """A function of arrays, and what is claimed to be the gradient of v·(what it gives), one for each of the arrays."""

    value: Callable[[Sequence[Array]], Array]
    gradients: Callable[[Sequence[Array], Array], list[Any]]
    upstream: bool = True  # whether the claimed gradient takes an upstream gradient v at all
    plain: bool = False  # whether the function computes on plain arrays, so that the complex step may be tried
    rule: Function | None = None  # a rule written by hand, as it was given


def of_tensors(f: Function, count: int, parameters: Sequence[Tensor]) -> Problem:
    """A function of `count` Tensors and, in secret, of `parameters`; the engine computes the gradient."""

    def output(values: Sequence[Array]) -> tuple[Tensor, list[Tensor]]:
        tensors = [tensor(value, requires_grad=True) for value in values[:count]]
        for p, value in zip(parameters, values[count:], strict=True):
            p.data = value.copy()
        return _one_tensor(f(*tensors)), [*tensors, *parameters]

    def gradients(values: Sequence[Array], v: Array) -> list[Any]:
        y, wanted = output(values)
        if not y.requires_grad:
            return [np.zeros_like(x.data) for x in wanted]
        found, _ = propagate([y], [v], wanted=wanted)
        return [np.array(found[x]) if x in found else np.zeros_like(x.data) for x in wanted]

    return Problem(lambda values: output(values)[0].data, gradients)


def _one_tensor(y: Any) -> Tensor:
    if isinstance(y, Tensor):
        return y
    if isinstance(y, (tuple, list)) and any(isinstance(item, Tensor) for item in y):
        raise TypeError(
            f"gradcheck: f returned a {type(y).__name__} of {len(y)}; check one output at a time, "
            "gradcheck(lambda x: f(x)[0], x), or their np.concatenate"
        )
    raise TypeError(
        f"gradcheck: f got Tensors but returned {_returned(y)}, so nothing can flow back through it. Inside f use "
        "operations on Tensors only (no .numpy(), .item(), .data, comparisons as values); for a gradient in plain "
        "NumPy pass vjp= or grad=."
    )


def gradient_of(f: Function, parameters: Sequence[Tensor]) -> Function:
    """The gradient of v·f, all inputs' and parameters' in one Tensor, as a function of the inputs and, last, of v."""

    def gradient(*tensors: Tensor) -> Tensor:
        *arguments, v = tensors
        y, wanted = f(*arguments), [*arguments, *parameters]
        found: dict[Tensor, Any] = {}
        if y.requires_grad:
            found, _ = propagate([y], [v], wanted=wanted, create_graph=True)
        parts = [found[x].reshape(-1) if x in found else np.zeros(x.data.size) for x in wanted]
        joined: Any = np.concatenate(parts)
        return joined if isinstance(joined, Tensor) else tensor(joined)

    return gradient


def of_arrays(f: Function, rule: Function, upstream: bool, names: Sequence[str]) -> Problem:
    """A function of plain arrays, with a rule written by hand: ``rule(g, *inputs)``, or without `upstream`
    ``rule(*inputs)``."""
    _must_take(rule, upstream, names)

    def value(values: Sequence[Array]) -> Array:
        with no_grad():  # or else a transform in f gives Tensors that aren't to be made arrays of
            y = f(*(x.copy() for x in values))
        if isinstance(y, (tuple, list)):
            raise TypeError(
                f"gradcheck: f returned a {type(y).__name__} of {len(y)}; check one output at a time, "
                "gradcheck(lambda x: f(x)[0], x, …), or return one array (np.stack)"
            )
        array = array_of(y)
        if y is None or array.dtype.kind not in "fiubc":
            raise TypeError(f"gradcheck: f returned {_returned(y)}, not an array of numbers; is a `return` missing?")
        if not upstream and array.size != 1:
            raise ValueError(
                f"gradcheck: grad= is for an f that gives a single number, but f gave shape {array.shape}. Pass "
                "vjp=rule with rule(g, *inputs), g being the gradient of f's output."
            )
        return array if array.dtype.kind in "fc" else array.astype(np.float64)

    def gradients(values: Sequence[Array], v: Array) -> list[Any]:
        try:
            result = rule(*arguments_of(upstream, values, v))
        except Exception as error:
            if upstream and _fits_last(rule, values, v):
                said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                inputs = _inputs(names)
                raise TypeError(
                    f"gradcheck: the rule, called as rule(g, {inputs}), stopped with {said}; as rule({inputs}, g) it "
                    "gives gradients of the right shapes: g comes first"
                ) from error
            raise
        return one_each(result, values)

    return Problem(value, gradients, upstream, plain=True, rule=rule)


def arguments_of(upstream: bool, values: Sequence[Array], v: Array) -> list[Array]:
    """What a rule is called with: copies, so that it may do to them what it likes."""
    return [*([v.copy()] if upstream else []), *(x.copy() for x in values)]


def takes(function: Function, count: int) -> bool:
    """Whether it can be called with so many arguments; true if that can't be known."""
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # something built in that doesn't say
        return True
    return True


def _inputs(names: Sequence[str]) -> str:
    """The inputs' names as one writes them in a call."""
    return "*inputs" if any(" " in name for name in names) else ", ".join(names)


def _fits_last(rule: Function, values: Sequence[Array], v: Array) -> bool:
    """Whether a rule gives gradients of the inputs' shapes when it is called with g last."""
    try:
        found = one_each(rule(*arguments_of(False, values, v), v.copy()), values)
    except Exception:  # a rule may raise anything when it isn't meant to be called so
        return False
    return all(np.shape(g) == x.shape for g, x in zip(found, values, strict=True))


def _must_take(rule: Function, upstream: bool, names: Sequence[str]) -> None:
    """Raise TypeError for a rule that was written without the g that it is given, or with one that it isn't given."""
    count = len(names) + upstream
    if takes(rule, count):
        return
    inputs = _inputs(names)
    call = f"rule(g, {inputs})" if upstream else f"rule({inputs})"
    said = f"gradcheck: a rule given as {'vjp' if upstream else 'grad'}= is called as {call}"
    if upstream and takes(rule, count - 1):
        raise TypeError(
            f"{said}, g being the gradient of f's output; yours was written without g, as "
            f"rule{inspect.signature(rule)}. Make g its first parameter and multiply by it (chain rule), or, if f "
            "gives a single number, pass it as grad="
        )
    if not upstream and takes(rule, count + 1):
        raise TypeError(f"{said}, without g; yours is rule{inspect.signature(rule)}: pass it as vjp=, or leave out g")
    raise TypeError(f"{said}, with {count} arguments; yours is rule{inspect.signature(rule)}")


def one_each(result: Any, values: Sequence[Array]) -> list[Any]:
    """One gradient per input out of what a rule returned; None counts as zero, as in backward passes."""
    if len(values) == 1 and (not isinstance(result, (tuple, list)) or len(result) != 1):
        result = (result,)
    if not isinstance(result, (tuple, list)):
        raise TypeError(
            f"gradcheck: the rule returned {_returned(result)}, but f has {len(values)} inputs: return a tuple with "
            "one gradient for each"
        )
    if len(result) != len(values):
        raise ValueError(f"gradcheck: the rule returned {len(result)} gradients for {len(values)} inputs")
    try:
        return [np.zeros_like(x) if g is None else array_of(float(g) if type(g) is int else g)
                for g, x in zip(result, values, strict=True)]  # fmt: skip
    except ValueError:
        raise TypeError("gradcheck: the rule returned lists of different lengths, which are no array") from None


def _returned(y: Any) -> str:
    return "None (is a `return` missing?)" if y is None else kind(y)


# ---- on copies in float64 ----


def names_of(f: Function, count: int, taken: Collection[str] = ()) -> list[str]:
    """What to call each input: what f calls it, or "input 0" where f doesn't say, or the name is taken."""
    told, named = getattr(f, "forward", f), list[str]()  # a Module's and a primitive's names are those of its forward
    if (getattr(told, "__module__", None) or "").partition(".")[0] != "numpy":
        try:
            for p in inspect.signature(told).parameters.values():
                if p.kind not in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
                    break
                named.append(p.name)
        except (TypeError, ValueError):  # something built in that doesn't say
            pass
    named += [""] * (count - len(named))
    return [name if name and name not in taken else f"input {i}" for i, name in enumerate(named[:count])]


def float64_copies(inputs: Sequence[Any], names: Sequence[str], has_module: bool) -> tuple[list[Array], list[str]]:
    refuse_foreign("gradcheck", *inputs)
    values, narrow = [], set()
    for name, x in zip(names, inputs, strict=True):
        array = array_of(x)
        if array.dtype.kind != "f":
            kind = f"dtype {array.dtype}" if array.dtype.kind in "iubc" else f"type {type(x).__name__}"
            advice = "Close over what isn't differentiated: gradcheck(lambda x: f(x, labels), x)"
            if has_module:
                advice += ", or for a Module gradcheck(lambda: loss(model(tokens), labels), module=model)"
            if array.dtype.kind in "iu":
                advice += "; or, if it is a variable after all, write it as floats: x.astype(float)"
            raise TypeError(f"gradcheck: {name} has {kind}, but only real floating numbers have derivatives. {advice}.")
        if array.dtype.itemsize < 8:
            narrow.add(str(array.dtype))
        values.append(np.array(array, dtype=np.float64))
    notes = [f"Checked on a float64 copy of the {' and '.join(sorted(narrow))} inputs."] if narrow else []
    return values, notes


@contextmanager
def in_float64(module: Any) -> Iterator[dict[str, Tensor]]:
    """The trainable parameters of a module by name, everything in it float64 meanwhile and as it was afterwards."""
    if module is None:
        yield {}
        return
    parameters = dict(module.named_parameters())
    refuse_foreign("gradcheck", *parameters.values())
    modules = [m for _, m in module.named_modules()] if hasattr(module, "named_modules") else [module]
    kept = [(p, p._data) for p in parameters.values()]
    held = [(container, copy.copy(container)) for m in modules for container in _containers(vars(m))]
    try:
        for p, data in kept:
            p._data = data.astype(np.float64)
        for container, before in held:
            for key, b in before.items() if isinstance(before, dict) else enumerate(before):
                if isinstance(b, np.ndarray):
                    container[key] = b.astype(np.float64) if b.dtype.kind == "f" else b.copy()
        yield {name: p for name, p in parameters.items() if p.requires_grad}
    finally:
        for p, data in kept:
            p._data = data
        for container, before in held:  # whole: what a forward kept meanwhile goes, too
            container.clear()
            container.update(before) if isinstance(before, dict) else container.extend(before)


def _containers(container: Any) -> Iterator[Any]:
    """A dict or list, and those in it."""
    yield container
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, (dict, list)):
            yield from _containers(value)
