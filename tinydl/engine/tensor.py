"""Backpropagation, whole: the Tensor, the primitive operation, and the backward pass that joins them.

A Tensor remembers the operation that made it and the Tensors that went in; the backward pass walks from a loss back
along these memories and asks each operation's derivative rules for the gradients of its inputs. This file knows no
calculus. Read `derivatives/` next, where the rules are, or `dispatch.py`, which makes a Tensor speak NumPy.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy import ndarray  # by its own name where every operation looks it up: worth 4 % of a small one

from .arrays import Array, ChangedValueError, as_array, beside, fitted, is_borrowed, own_array, plain_array, with_shapes
from .graph import ancestors, leading_to
from .names import TensorType
from .recording import AsOne, computed_plainly, recording, special, state
from .signature import Signature

next_stamp = itertools.count(1).__next__  # one counter for all threads: what is made later has the larger stamp
_writing = threading.RLock()  # threads may add to the same .grad
Function = Callable[..., Any]
Inputs = tuple[Any, ...]
Options = dict[str, Any]
_NONE: Options = {}
_TO_ARRAYS = (list, tuple, np.ndarray)  # np.ndarray for its subclasses: in a rule, * would multiply two np.matrix


class Tensor(metaclass=TensorType):
    """An array that remembers how it was computed, so that gradients can flow back through it.

    `primitive`, `inputs` and `options` are the operation that made it (None, (), {} for a leaf), `stamp` its place in
    time. After ``loss.backward()`` the `grad` of each leaf that requires one is ∂loss/∂leaf, of its shape and dtype.
    """

    __slots__ = ("__weakref__", "_data", "_requires_grad", "grad", "inputs", "name", "notes", "options", "primitive",
                 "stamp")  # fmt: skip
    _data: Array
    _requires_grad: bool
    grad: Tensor | None
    inputs: Inputs
    name: str | None
    notes: dict[str, Any] | None  # what observers remember about the operation
    options: Options
    primitive: Primitive | None
    stamp: int

    def __init_subclass__(cls) -> None:
        raise TypeError("Tensor can't be subclassed: the engine tells Tensors from arrays by their exact type")

    @property
    def data(self) -> Array:
        """The array itself. A new one of the same shape may be assigned to a leaf; an old graph's backward notices."""
        if special.count:
            tell_read(self)
        return self._data

    @data.setter
    def data(self, array: Any) -> None:
        if self.primitive is not None:
            raise ValueError("the value of a computed Tensor can't be replaced; write t = t.detach() first")
        array = beside(array._data if isinstance(array, Tensor) else array, self._data, self._data.dtype)
        if array.shape != self._data.shape:
            raise ValueError(f"the data of a Tensor of shape {self._data.shape} can't become one of {array.shape}")
        tell_touched(self, replaced=True)
        self._data = array
        self.stamp = next_stamp()

    @property
    def requires_grad(self) -> bool:
        """Whether backward passes compute a gradient for this Tensor; can be set on a leaf."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, on: bool) -> None:
        if self.primitive is not None:
            raise ValueError("only a leaf can be frozen or unfrozen; t.detach() gives a constant with t's value")
        if on and self._data.dtype.kind != "f":
            raise TypeError(f"a Tensor of {self._data.dtype} can't require a gradient; write .astype(float) first")
        if on and not self._requires_grad:
            self._data = self._data.copy()  # constants may be views of it, which mustn't follow its updates
        self._requires_grad = bool(on)

    def detach(self) -> Tensor:
        """A constant Tensor with a copy of this one's value (a copy, so that no update of this one changes it)."""
        made = wrap(self._data.copy())
        if special.count:
            for observer in state.observers:
                observer.detached(self, made)
        return made

    def backward(self, gradient: Any = None, *, create_graph: bool = False, retain_grads: bool = False) -> None:
        """Add ∂self/∂leaf, weighted by `gradient` (of self's shape; 1 for a single number), to every leaf's `.grad`.

        With `create_graph` the gradients can themselves be differentiated; with `retain_grads` computed Tensors on the
        way get a `.grad` too. Raises ValueError for a constant and, without `gradient`, for more than one number;
        ChangedValueError if a value was changed since it was used. When it raises, no `.grad` has changed.
        """
        if not self._requires_grad:
            raise ValueError(
                "there is nothing to differentiate: this Tensor depends on none that requires a gradient. Was it made "
                "from .data, .numpy(), .item() or .detach(), inside no_grad(), or of leaves without requires_grad=True?"
            )
        if gradient is None and self._data.size != 1:
            raise ValueError(
                f"backward() starts from a single number, but this Tensor has shape {self._data.shape}. "
                "Write .sum().backward() or .mean().backward(), or pass gradient=, an array of that shape."
            )
        found, shared = propagate([self], [gradient], create_graph=create_graph, keep_all=retain_grads)
        for x in found:
            if x.grad is not None and x.grad.__class__ is not Tensor:
                raise TypeError(f"a .grad is a Tensor or None, not the {type(x.grad).__name__} that was assigned to it")
        with _writing:
            for x, g in found.items():
                before = x.grad
                if g.__class__ is Tensor:
                    x.grad = g.copy() if before is None else before + g
                elif before is None:
                    alone = x not in shared and g.flags.c_contiguous
                    x.grad = wrap(g if alone else g.copy())
                elif before.primitive is None and getattr(before._data.flags, "writeable", True):
                    np.add(before._data, g, out=before._data)
                    before.stamp = next_stamp()
                else:
                    x.grad = wrap(before._data + g)
        for observer in state.observers:
            observer.backward_ended(list(found))

    __hash__ = object.__hash__

    if TYPE_CHECKING:  # dispatch.py attaches operators and methods, from the table of derivatives

        def __add__(self, other: Any) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __getitem__(self, index: Any) -> Tensor: ...
        def __getattr__(self, name: str) -> Any: ...

        __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __add__
        __pow__ = __rpow__ = __matmul__ = __rmatmul__ = __mod__ = __rmod__ = __add__
        __pos__ = __abs__ = __neg__


_new = type.__call__.__get__(Tensor)  # what Tensor() would be if TensorType didn't say that users write `tensor`


def wrap(
    data: Any,
    requires_grad: bool = False,
    primitive: Primitive | None = None,
    inputs: Inputs = (),
    options: Options = _NONE,
) -> Tensor:
    """A node of the graph around `data` itself, uncopied; users write `tensor`."""
    t: Tensor = _new()  # without an __init__ of its own, which would cost a tenth of an operation on a small array
    t._data = data if data.__class__ is ndarray else _plain(data)
    t._requires_grad = requires_grad
    t.primitive = primitive
    t.inputs = inputs
    t.options = options
    t.grad = t.name = t.notes = None
    t.stamp = next_stamp()
    return t


def tell_read(t: Tensor) -> None:
    """Tell observers that somebody takes the value of a Tensor as an array or number, and leaves its graph behind."""
    for observer in state.observers:
        observer.read(t)


def tell_touched(t: Tensor, replaced: bool = False) -> None:
    """Tell observers that the array of a Tensor is about to be used outside of all operations."""
    for observer in state.observers if special.count else ():
        observer.touched(t, replaced)


def _plain(value: Any) -> Array:
    array: Array = as_array(value)
    if isinstance(array, Tensor):
        raise TypeError("a forward function gave a Tensor: it must compute with the arrays it is given and return one")
    return array


def joined(x: Any) -> Any:
    """A list as an array, or as a Tensor where Tensors are in it; anything else as an array of NumPy's own class."""
    if isinstance(x, (list, tuple)):
        items = [joined(item) if isinstance(item, (list, tuple)) else item for item in x]
        if any(item.__class__ is Tensor for item in items):
            return np.stack(items)
    return plain_array(x)


class Primitive:
    """A function on arrays with one derivative rule per input: ``y = forward(*inputs, **options)`` and, for the i-th
    input, ``rules[i](g, y, *inputs, **options)``, the gradient of that input when `g` is the gradient of `y`.

    A rule may be None: no gradient flows to that input. With `each`, any number of inputs share one rule that is also
    told the position, ``rule(g, y, i, *inputs, **options)``. Called with Tensors it records itself and gives a Tensor;
    called with arrays only it is just the forward function. Rules must themselves be written with differentiable
    operations, then second derivatives need no further code.

    Where an operation picks a few elements of its one input, a gradient of the input's size for each of many uses would
    cost far more than the sum: ``into(total, g, y, *inputs, **options)`` gives `total` with the gradient added, in its
    own memory if it is an array.
    """

    def __init__(self, forward: Function, *rules: Function | None, name: str = "", each: bool = False) -> None:
        if not rules or not any(rules):
            raise TypeError("primitive(forward, *rules) needs a derivative rule for each input, at least one")
        self.forward, self.rules, self.each = forward, rules, each
        self.name = name or getattr(forward, "__name__", "primitive")
        self.lends = True  # its rules may give arrays that somebody keeps; those of the table don't
        self.__name__ = self.name
        self.arity = -1 if each else len(rules)
        self.into: Function | None = None

    @cached_property
    def signature(self) -> Signature:
        """The names of inputs and options; read when needed, since reading all takes as long as importing."""
        return Signature(self.name, self.forward, self.rules, self.each)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        if options or len(inputs) != self.arity:
            inputs, options = self.signature.bind(inputs, options)
            for key, value in options.items():
                if value.__class__ is Tensor:
                    options[key] = self._constant(key, value)
        tensors = needed = False
        arrays = []
        for x in inputs:
            if x.__class__ is Tensor:
                tensors = True
                needed = needed or x._requires_grad
                arrays.append(x._data)
            elif x.__class__ is ndarray or not isinstance(x, _TO_ARRAYS):
                arrays.append(x)
            else:
                return self(*(joined(x) if isinstance(x, _TO_ARRAYS) else x for x in inputs), **options)
        try:
            value = self.forward(*arrays, **options) if options else self.forward(*arrays)
        except AsOne as asked:
            value = asked.call(self.name, self.forward, arrays, options)
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise with_shapes(error, self.name, arrays) from error
        if needed and not special.count:
            return wrap(value, True, self, inputs, options)
        return self.output(value, inputs, options, needed) if tensors else value

    def output(self, value: Any, inputs: Inputs, options: Options, needed: bool) -> Tensor:
        """The Tensor of a forward result: a node of the graph if an input needs a gradient and this thread records."""
        if needed and state.recording:
            y = wrap(value, True, self, inputs, options)
        else:
            if needed and as_array(value).base is not None and _shares_memory(value, inputs):
                value = value.copy()  # a view of a parameter mustn't follow its updates
            y = wrap(value)
        for observer in state.observers:
            observer.computed(y, self, inputs, options)
        return y

    def rule(self, position: int) -> Function | None:
        """The rule of the input at this position; None if no gradient flows there."""
        return self.rules[0 if self.each else position]

    def pull(self, position: int, given: Sequence[Any], options: Options, like: Any = None) -> Any:
        """Apply the rule of one input to `given`: g, y and the inputs, all arrays, or Tensors if it is to be recorded.

        The gradient comes as the rule gave it or, if `like` is the input's array, in the shape and dtype of that one;
        None if that input has no rule.
        """
        rules: Any = self.rules
        if self.each:
            given = [*given[:2], position, *given[2:]]
        rule = rules[0 if self.each else position]
        if rule is None:
            return None
        try:
            gradient = rule(*given, **options) if options else rule(*given)  # which is quicker
        except AsOne as asked:
            gradient = asked.call(f"{self.name}_rule", rule, given, options)
        if gradient.__class__ is not ndarray:
            if gradient.__class__ is not Tensor:
                gradient = as_array(gradient)
            elif given[1].__class__ is not Tensor:
                gradient = gradient._data
        if like is None or (gradient.shape == like.shape and gradient.dtype is like.dtype):
            return gradient
        return fitted(gradient, like, self.name)

    def _constant(self, key: str, value: Tensor) -> Array:
        if value._requires_grad:
            raise TypeError(f"{self.name}: no gradient flows to {key}=; pass t.detach()")
        return value._data


def _shares_memory(value: Any, inputs: Inputs) -> bool:
    return any(x.__class__ is Tensor and np.may_share_memory(value, x._data) for x in inputs)


def primitive(forward: Function, *rules: Function | None, name: str = "", each: bool = False) -> Primitive:
    """Make a differentiable operation of a function on arrays and one rule per input; see `Primitive`.

    >>> square = primitive(lambda x: x * x, lambda g, y, x: g * 2 * x)
    """
    made = Primitive(forward, *rules, name=name, each=each)
    assert made.signature  # read now, so that rules that don't fit the function are refused here
    return made


def propagate(
    outputs: Sequence[Tensor],
    gradients: Sequence[Any],
    *,
    wanted: Sequence[Tensor] | None = None,
    create_graph: bool = False,
    keep_all: bool = False,
) -> tuple[dict[Tensor, Any], set[Tensor]]:
    """The backward pass: from the gradients of `outputs`, those of all leaves, or of the Tensors `wanted`.

    Also says which of the arrays it gives are shared with somebody else. Inputs are always made before outputs, so
    visiting the operations by descending stamp has every gradient complete before its rule is applied.
    """
    nodes = ancestors(outputs, _changed)
    useful = None if wanted is None else leading_to(wanted, nodes)
    nodes = nodes if useful is None else [node for node in nodes if node in useful]
    observers = state.observers
    for observer in observers:
        observer.backward_started(nodes)
    kept = set(nodes) if keep_all else set(wanted or ())
    pending: dict[Tensor, Any] = {}
    found: dict[Tensor, Any] = {}
    sums: set[Tensor] = set()  # whose pending array was allocated here for that very sum: it may be added into
    shared: set[Tensor] = set()  # leaves whose pending array may be somebody else's too
    for output, gradient in zip(outputs, gradients, strict=True):
        if output._requires_grad if useful is None else output in useful:
            seed = _seed(output, gradient, create_graph)
            pending[output] = pending[output] + seed if output in pending else seed
            shared.add(output)
    with recording(True) if create_graph else nullcontext():
        for node in nodes:
            g = pending.pop(node, None)
            if g is None:  # only inputs whose rule is None lead here
                continue
            if kept and node in kept:
                found[node] = g
                shared.add(node)
            operation: Any = node.primitive
            given = [g, node if create_graph else node._data]  # what every rule of this operation takes
            for x in node.inputs:
                given.append(x if create_graph or x.__class__ is not Tensor else x._data)
            for i, x in enumerate(node.inputs):
                if x.__class__ is not Tensor or not (x._requires_grad if useful is None else x in useful):
                    continue
                if operation.into is not None and x in pending:
                    for observer in observers:
                        observer.gradient_computed(node, i, g, operation.pull(i, given, node.options, x._data))
                    total = pending[x] if create_graph or x in sums else pending[x].copy("K")
                    pending[x] = operation.into(total, *given, **node.options)
                else:
                    if (grad := operation.pull(i, given, node.options, x._data)) is None:
                        continue
                    if observers:
                        for observer in observers:
                            observer.gradient_computed(node, i, g, grad)
                    # The mathematics is done. What remains: adding up, without touching others' memory.
                    if x not in pending:
                        pending[x] = grad
                        if x.primitive is None and (create_graph or operation.lends or is_borrowed(grad, given)):
                            shared.add(x)
                        continue
                    if x in sums:
                        np.add(pending[x], grad, out=pending[x])
                        continue
                    pending[x] = as_array(pending[x] + grad)
                shared.discard(x)
                if not create_graph:
                    sums.add(x)
    for x, g in pending.items():
        if x.primitive is not None:
            raise RuntimeError(f"internal error: a gradient of shape {g.shape} was computed but not propagated")
        if wanted is None or x in kept:
            found[x] = g
    return found, shared


def _seed(output: Tensor, gradient: Any, create_graph: bool) -> Any:
    if output._data.dtype.kind != "f":
        made = f"the values made by {output.primitive.name}" if output.primitive else "the values"
        raise TypeError(f"a gradient starts from floats, but {made} are {output._data.dtype}")
    if gradient is None:
        one = np.ones_like(output._data)
        return wrap(one) if create_graph else one
    expected = output._data.shape
    seed = gradient if isinstance(gradient, Tensor) else wrap(computed_plainly(own_seed, gradient, output._data))
    if seed._data.shape != expected:
        raise ValueError(f"gradient= has shape {seed._data.shape}, but the Tensor it belongs to has {expected}")
    return fitted(seed if create_graph else seed._data, output._data, "gradient=")


def own_seed(gradient: Any, like: Array) -> Array:
    """A copy of the gradient that somebody gave for an output, beside that."""
    seed: Array = beside(gradient, like).copy()
    return seed


def _changed(node: Tensor, x: Tensor) -> ChangedValueError:
    name = f" {x.name!r}" if x.name else ""
    return ChangedValueError(
        f"a Tensor{name} of shape {x._data.shape} was changed after {node.primitive and node.primitive.name} used it "
        "(by an optimizer step, load_state_dict or an update in place), so this graph's gradients would be wrong. "
        "If this is a recurrent state carried over, from one batch to the next, pass h.detach(). Call backward() "
        "before the update, or compute the loss anew."
    )


def tensor(data: Any, requires_grad: bool = False, dtype: Any = None, name: str | None = None) -> Tensor:
    """A new leaf Tensor with a copy of `data` (numbers, nested lists or an array).

    Python floats, and lists with a float in them, get the default dtype (float32); integers and booleans stay what
    they are unless `requires_grad` or `dtype` says otherwise; a NumPy array keeps its dtype.
    Raises TypeError for what isn't real numbers and for a NumPy integer array with `requires_grad`.
    """
    if isinstance(data, Tensor):
        if data._requires_grad:
            raise TypeError("a new Tensor made of one that requires a gradient loses it; use that one, or .detach()")
        data = data._data
    made = wrap(own_array(data, requires_grad, dtype), bool(requires_grad))
    made.name = name
    return made
