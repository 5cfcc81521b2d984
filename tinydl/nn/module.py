"""What every layer and model is: a Module, which finds its parameters in its own attributes and runs `forward`.

Stands on the engine alone. Read linear.py next, the plainest layer, and containers.py, which chains layers.
"""

from __future__ import annotations

import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from reprlib import recursive_repr
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..engine.arrays import Array, beside, default_dtype_now, is_array, on_host
from ..engine.checks import array_from_state, array_of, is_real
from ..engine.names import lacks, no_device
from ..engine.recording import special, state
from ..engine.tensor import Tensor, next_stamp, tensor, wrap
from ..engine.trace import Scope, name_in
from .keeping import Keeping, Was, can_be_state, containers, is_computed, is_parameter, is_plain, running
from .names import MODEL

M = TypeVar("M", bound="Module")


def parameter(*shape: int) -> Tensor:
    """A Tensor of this shape and the default dtype that requires a gradient, its values yet to be drawn."""
    return wrap(np.zeros(shape, default_dtype_now()), True)


def _no_forward(self: Module, *inputs: Any) -> Any:
    raise NotImplementedError(f"{type(self).__name__} doesn't say what it computes: define forward(self, x)")


class Loaded(NamedTuple):
    """What `load_state_dict` didn't load: names that are here alone, and names that were given alone."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Module(Keeping):
    """A layer, or a model made of layers: attributes hold what it learns, `forward` says what it computes.

    >>> class Scaled(nn.Module):
    ...     def __init__(self):
    ...         self.linear = nn.Linear(3, 2)
    ...         self.scale = tl.tensor(np.ones(2), dtype=np.float32, requires_grad=True)
    ...     def forward(self, x):
    ...         return self.scale * np.tanh(self.linear(x))
    >>> [name for name, p in Scaled().named_parameters()]
    ['scale', 'linear.weight', 'linear.bias']

    Mind the dtype of a parameter of one's own: layers have float32, but `tl.tensor` of a NumPy array keeps float64, and
    that makes float64 of all that is computed with it. Write ``dtype=np.float32``, as above, or give a list of numbers.

    A Tensor attribute is a parameter, also when it is frozen by `requires_grad = False`; a NumPy array of numbers is a
    buffer, a value that belongs to the layer's state but isn't learned. Lists, tuples and dicts are walked, as are
    other Modules, and names are attribute, index or key joined by dots: ``layers.0.weight``. A *computed* Tensor is
    no parameter, for no update could reach it. A Tensor or array whose own attribute starts with ``_`` isn't in the
    `state_dict`; such a Tensor is a parameter only if it requires a gradient. No ``super().__init__()`` is needed.

    What is state is decided outside of forward. An array or Tensor that forward assigns to a name that is new or was
    None, or puts where a list or dict held nothing, is only *kept*: it is in no `state_dict`, and a copy or pickle has
    there what was there before. A name that was state stays state, whatever forward assigns to it. So ``self.h = None``
    in `__init__` makes room for what forward keeps, and ``self.steps = np.array(0)`` begins a count that is saved; an
    array that begins in forward becomes state by `register_buffer`. A Tensor that requires a gradient and that forward
    makes itself, on first use, is a parameter, and a Module is a layer.
    """

    training = True
    forward: Callable[..., Any] = _no_forward

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Run `forward`; ValueError, TypeError and IndexError raised inside say in which layer.

        What the outermost Module returns is a Tensor, also where it has no parameters and was given an array.
        """
        modules = running.modules  # by which keeping.py knows this function among those that run
        outermost, held = not modules, self._held
        if outermost and (held.places or held.at != containers.assigned):
            self._begin(self.modules)
        modules.append(self)
        try:
            y = self._observed(inputs, options) if special.count else self.forward(*inputs, **options)
            if y.__class__ is Tensor or len(modules) > 1:
                return y
            return wrap(y) if is_array(y) and y.dtype.kind == "f" else y
        except (ValueError, TypeError, IndexError) as error:
            _say_where(error)
            raise
        finally:
            modules.pop()
            if outermost and running.filled:
                self._end()

    def _observed(self, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
        observers, y = tuple(state.observers), None
        try:
            for observer in observers:
                observer.module_entered(self)
            y = self.forward(*inputs, **options)
            return y
        finally:
            for observer in observers:
                observer.module_left(self, y)

    # ---- what it is made of ----

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This Module, named "", and all inside it, each once, outer before inner."""
        yield from self._modules("", set())

    def _modules(self, name: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) in seen:
            return
        seen.add(id(self))
        yield name, self
        for inner, _, _, value in members(self):
            if isinstance(value, Module):
                yield from value._modules(f"{name}.{inner}" if name else inner, seen)

    def modules(self) -> Iterator[Module]:
        """This Module and all inside it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """The parameters, each once, under the first of its names."""
        seen = set()
        for prefix, module in self.named_modules():
            for name, _, _, value in members(module):
                full = f"{prefix}.{name}" if prefix else name
                if isinstance(value, Tensor) and value not in seen and _is_parameter(module, full, name, value):
                    seen.add(value)
                    yield full, value

    def parameters(self) -> Iterator[Tensor]:
        """The parameters, each once: what an optimizer takes."""
        return (p for _, p in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Array]]:
        """The buffers, each once: arrays that are state but not learned, such as BatchNorm's running mean."""
        seen = set()
        for name, _, _, value in self._entries():
            if is_array(value) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    # ---- learning ----

    def train(self: M, mode: bool = True) -> M:
        """Tell this Module and all inside it that they are being trained (or not): Dropout and BatchNorm care."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """The same as ``train(False)``."""
        return self.train(False)

    def to(self: M, function: Callable[[Any], Any]) -> M:
        """Put every parameter, its gradient, every buffer and what forward keeps where this function puts arrays.

        ``model.to(cupy.asarray)`` moves a model to the GPU, ``model.to(cupy.asnumpy)`` brings it back; arrays of any
        library that speaks NumPy's protocols will do. Data may stay where they are: layers and losses move each batch.
        Shapes and dtypes must stay what they are. Make optimizers afterwards: one that was made before says so at its
        next step. Raises TypeError for what is no function, or gives no array, and ValueError for another shape or
        dtype; then nothing has moved.
        """
        if not callable(function):
            raise no_device(function)
        held = [
            (holder, key, value)
            for module in self.modules()
            for name, holder, key, value in places(module)
            if not (is_computed(value) and module._is_kept(name, value))
        ]
        tensors = {value for _, _, value in held if isinstance(value, Tensor)}
        given = [*(value for _, _, value in held), *(t.grad for t in tensors if t.grad is not None)]
        moved = {id(array): _moved(array, function) for array in map(array_of, given)}
        if len({*map(id, moved.values())}) < len(moved):
            raise ValueError("to takes a function that gives each array one of its own, not the same for several")
        for holder, key, value in held:
            if not isinstance(value, Tensor) or is_computed(value):
                array = moved[id(array_of(value))]
                holder[key] = wrap(array) if isinstance(value, Tensor) else array
        for t in tensors:
            if not is_computed(t) and moved[id(t._data)] is not t._data:
                t._data, t.stamp = moved[id(t._data)], next_stamp()
            if t.grad is not None:
                t.grad = wrap(moved[id(t.grad._data)])
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: set every parameter's `grad` to None. ValueError for ``set_to_none=False``."""
        if not set_to_none:
            raise ValueError("set_to_none=False isn't taken: a gradient that is forgotten is None; leave it out")
        parameters = list(self.parameters())
        for p in parameters:
            p.grad = None
        if special.count:
            for observer in state.observers:
                observer.forgotten(parameters)

    # ---- state ----

    def register_buffer(self, name: str, array: Any) -> None:
        """Declare that an attribute is a buffer, whatever forward assigns to it, and set it to a copy of this array.

        In `__init__` an assignment does the same; this is for state that begins in a forward. None declares a buffer
        whose array comes later. Raises ValueError for what can't be a name or is that of a parameter, layer or method,
        TypeError for what is no array of real numbers and for a Tensor that requires a gradient.
        """
        old = vars(self).get(name)
        if not isinstance(name, str) or not name or "." in name or name.startswith("_"):
            raise ValueError(f"{name!r} can't be a buffer's name: a string, without dots, that doesn't begin with _")
        if callable(getattr(type(self), name, None)) or isinstance(old, Module) or is_parameter(old):
            raise ValueError(f"{name!r} can't be a buffer: this {type(self).__name__} has another attribute so called")
        vars(self)[name] = None if array is None else tensor(array)._data
        self._write_down({name: Was.STATE})

    def _entries(self, prefix: str = "", above: tuple[Module, ...] = ()) -> Iterator[tuple[str, Any, Any, Any]]:
        """(name, holder, key, value), ``value = holder[key]``, of everything in the state; shared ones by each name."""
        for name, holder, key, value in members(self):
            if isinstance(value, Module):
                if not any(value is module for module in (*above, self)):
                    yield from value._entries(f"{prefix}{name}.", (*above, self))
            elif not name.startswith("_") and (not is_computed(value) or self._was(name) is Was.STATE):
                yield prefix + name, holder, key, value

    def _keeps(self, name: str) -> bool:
        """Whether this is the name of something that a forward of this Module, or of one inside, keeps."""
        held, top = list(members(self)), name.partition(".")[0]
        if self._is_kept(top, None) and not any(name.partition(".")[0] == top for name, *_ in held):
            return True
        inner = [(f"{inner}.", value) for inner, _, _, value in held if isinstance(value, Module)]
        return any(name.startswith(path) and value._keeps(name.removeprefix(path)) for path, value in inner)

    def state_dict(self) -> dict[str, Array]:
        """A copy of every parameter and buffer as a NumPy array, by name; what is shared appears by each of its names.

        Torch's model of the same layers takes it: ``{name: torch.from_numpy(a) for name, a in state.items()}``.
        """
        found: dict[str, Array] = {}
        for name, _, _, value in self._entries():
            if name in found:
                raise ValueError(
                    f"two values of this {type(self).__name__} have the name {name!r}; rename an attribute or key"
                )
            found[name] = np.array(on_host(array_of(value)), order="C")
        return found

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> Loaded:
        """Set every parameter and buffer to the value of its name: NumPy arrays, Tensors, or a torch model's tensors.

        Values are copied and cast to the dtypes that are here. Names under which forward keeps something here are left
        out, with a warning. Raises one ValueError that lists all names missing or unexpected and all shapes and dtypes
        that don't fit; then nothing has changed. With ``strict=False`` names may be missing or unexpected, as long as
        there is one in common; what is given back says which are.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict takes a dict of names and arrays, not {type(state_dict).__name__}")
        for name, value in state_dict.items():
            if isinstance(value, Mapping):
                raise ValueError(
                    f"{name!r} holds a dict, not an array; if it is the state, write "
                    f"model.load_state_dict(state[{name!r}])"
                )
        entries = list(self._entries())
        own = {name: value for name, _, _, value in entries}
        kept = [name for name in state_dict if name not in own and self._keeps(str(name))]
        given = {name: array_from_state(value) for name, value in state_dict.items() if name not in kept}
        loaded = Loaded([name for name in own if name not in given], [str(name) for name in given if name not in own])
        problems = _misfits(own, given)
        if strict or (given and len(loaded.unexpected_keys) == len(given)):
            problems = [*_wrong_names(loaded, own, given), *problems]
            if loaded.unexpected_keys and not all(type(m).__module__.startswith("tinydl.") for m in self.modules()):
                problems.append("if forward makes what is unexpected, call the model once before loading")
        if problems:
            part = strict and any(loaded) and len(loaded.unexpected_keys) < len(given)
            raise ValueError(
                f"the state_dict doesn't fit this {type(self).__name__}, which is unchanged"
                f"{' (strict=False loads the names that are in both)' if part else ''}: {'; '.join(problems)}"
            )
        renewed: dict[int, Any] = {}
        for name, _, _, old in entries:
            if name in given and id(old) not in renewed:
                renewed[id(old)] = array = beside(np.array(given[name], dtype=old.dtype), array_of(old))
                if is_computed(old):
                    renewed[id(old)] = wrap(array)
                elif isinstance(old, Tensor):
                    old.data, renewed[id(old)] = array, old
        for _, holder, key, old in entries:
            if id(old) in renewed:
                holder[key] = renewed[id(old)]  # a graph computed with the old buffer keeps its value
        if kept:
            names = ", ".join(kept)
            warnings.warn(f"left out, since forward keeps it and it is no state: {names}", stacklevel=2)
        return loaded

    # ---- how it is shown ----

    def extra_repr(self) -> str:
        """What stands between the parentheses of the layer's printed form: by default, the settings that it keeps.

        These are the parameters of `__init__` that are numbers, strings or tuples of them in attributes of the same
        names; those that must be given come as bare values. None is shown only in the place of a number.
        """
        taken: dict[str, inspect.Parameter] = {}
        for kind in reversed(type(self).__mro__):  # a subclass may take less than what it is made of, or more
            if issubclass(kind, Module):
                for name, p in inspect.signature(kind.__init__).parameters.items():
                    taken.setdefault(name, p)
        shown, named = list[str](), False
        for name, p in taken.items():
            value = vars(self).get(name, p.empty)
            if is_plain(value) or (value is None and is_real(p.default)):
                named = named or p.default is not p.empty
                text = f"{value!r}" if isinstance(value, str) else f"{value}"
                shown.append(f"{name}={text}" if named else text)
        return ", ".join(shown)

    @recursive_repr()
    def __repr__(self) -> str:
        lines = list(filter(None, [self.extra_repr()]))
        layers = [(name, value) for name, _, _, value in members(self) if isinstance(value, Module)]
        if not layers:
            return f"{type(self).__name__}({''.join(lines)})"
        lines += [f"({name}): {layer!r}" for name, layer in layers]
        return f"{type(self).__name__}(\n  " + "\n".join(lines).replace("\n", "\n  ") + "\n)"


def _moved(array: Array, function: Callable[[Any], Any]) -> Array:
    made: Any = function(array)
    if not is_array(made):
        gave = type(made).__name__
        raise TypeError(f"to takes a function from arrays to arrays, such as cupy.asarray; it gave {gave}")
    if made.shape != array.shape or made.dtype != array.dtype:
        raise ValueError(
            f"to moves arrays as they are, but of one of {array.dtype} of shape {array.shape} the function made one of "
            f"{made.dtype} of shape {made.shape}"
        )
    moved: Array = made if getattr(made.flags, "writeable", True) else made.copy()  # which is to be updated
    return moved


lacks(Module, MODEL)


def members(module: Module) -> Iterator[tuple[str, Any, Any, Any]]:
    """(name, holder, key, value) of each Module, Tensor and numeric array in the attributes but what forward keeps."""
    attributes, judged = vars(module), module._before_forward
    for attribute in tuple(attributes):
        for name, holder, key, value in _found(attribute, attributes, attribute):
            if not judged or isinstance(value, Module) or not module._is_kept(name, value):
                yield name, holder, key, value


def places(module: Module) -> list[tuple[str, Any, Any, Any]]:
    """(name, holder, key, value) of each Tensor and numeric array in the attributes, also of what forward keeps."""
    held = vars(module)
    found = [place for attribute in tuple(held) for place in _found(attribute, held, attribute)]
    return [place for place in found if not isinstance(place[3], Module)]


def _found(name: str, holder: Any, key: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    value = holder[key]
    if isinstance(value, Module) or can_be_state(value):
        yield name, holder, key, value
    elif isinstance(value, dict):
        for inner in tuple(value):
            yield from _found(f"{name}.{inner}", value, inner)
    elif isinstance(value, (list, tuple)):
        items = value if isinstance(value, list) else _Items(holder, key)
        for i in range(len(value)):
            yield from _found(f"{name}.{i}", items, i)


class _Items:
    """A tuple in its holder, whose items can be set: a new tuple then takes its place."""

    def __init__(self, holder: Any, key: Any) -> None:
        self.holder, self.key = holder, key

    def __getitem__(self, i: int) -> Any:
        return self.holder[self.key][i]

    def __setitem__(self, i: int, item: Any) -> None:
        old = self.holder[self.key]
        items = (*old[:i], item, *old[i + 1 :])
        self.holder[self.key] = getattr(old, "_make", tuple)(items)  # a named tuple stays one


def _is_parameter(module: Module, full: str, name: str, value: Tensor) -> bool:
    private = name.startswith("_")
    if value.primitive is None:
        return value.requires_grad or not private
    if value.requires_grad and not private:
        advice = f"make it one, write tl.tensor(..., requires_grad=True); if it only keeps a result, call it _{name}."
        if module._was(name) is Was.STATE:
            advice = "keep statistics in it, let forward assign them without their graph: write .detach()."
        warnings.warn(
            f"{full} was computed (by {value.primitive.name}), so it is no parameter and no optimizer trains it. To "
            f"{advice}",
            stacklevel=4,
        )
    return False


def _misfits(own: Mapping[str, Any], given: Mapping[str, Array]) -> list[str]:
    """Sentences on the values that can't be loaded from `given` into `own`."""
    problems = []
    first: dict[int, str] = {}
    for name, old in own.items():
        if name not in given:
            continue
        new = given[name]
        same = first.setdefault(id(old), name)
        if new.dtype.kind not in "biuf" or (new.dtype.kind == "f" and old.dtype.kind != "f"):
            problems.append(f"{name}: dtype {new.dtype} given, {old.dtype} expected")
        elif new.shape != old.shape:
            problems.append(f"{name}: shape {new.shape} given, {old.shape} expected")
        elif not _has_room(old.dtype, new):
            problems.append(f"{name}: numbers of {new.dtype} given that are no {old.dtype}")
        elif same != name and same in given and not np.array_equal(new, given[same], equal_nan=new.dtype.kind == "f"):
            problems.append(f"{name}: the same value as {same} here, but different ones are given")
    return problems


def _wrong_names(loaded: Loaded, own: Iterable[str], given: Iterable[str]) -> list[str]:
    """Sentences on names missing and unexpected; first, if they differ by what they begin with, how to mend that."""
    problems = []
    if prefix := _prefix(loaded.unexpected_keys, own):
        rest = "" if {name.removeprefix(prefix) for name in given} == {*own} else ", strict=False"
        mended = f"{{name.removeprefix({prefix!r}): a for name, a in state.items()}}{rest}"
        problems.append(f"the names given have the prefix {prefix!r}, write model.load_state_dict({mended})")
    elif prefix := _prefix(loaded.missing_keys, given):
        rest = "" if {prefix + name for name in given} == {*own} else ", strict=False"
        mended = f"{{{prefix!r} + name: a for name, a in state.items()}}{rest}"
        problems.append(f"the names given lack the prefix {prefix!r}, write model.load_state_dict({mended})")
    if any(name.removesuffix("_mask") in given for name in loaded.unexpected_keys if name.endswith("_mask")):
        problems.append("the state given is of a pruned model, write tl.compress.prune(model, 0) before loading")
    for label, names in (("missing", loaded.missing_keys), ("unexpected", loaded.unexpected_keys)):
        if names:
            problems.append(f"{label}: {', '.join(names)}")
    return problems


def _prefix(names: Sequence[str], ends: Iterable[str]) -> str:
    """What most of the names have before one of the ends; "" if that is so of less than half."""
    known = set(ends)
    found = Counter(name[: i + 1] for name in names for i, c in enumerate(name) if c == "." and name[i + 1 :] in known)
    prefix, count = found.most_common(1)[0] if found else ("", 0)
    return prefix if 2 * count >= len(names) else ""


def _has_room(dtype: Any, array: Array) -> bool:
    """Whether the numbers survive the cast: integers as they are, finite floats as finite ones."""
    with np.errstate(over="ignore"):
        cast = array.astype(dtype)
    if dtype.kind == "f":
        return np.array_equal(np.isfinite(cast), np.isfinite(array))
    return np.array_equal(cast, array)


def current_path() -> str:
    """Where this thread is: the name and type of the innermost Module whose forward runs, "1 (Linear)"; "" outside."""
    if not running.modules:
        return ""
    path = ".".join(filter(None, (name_in(outer, inner) for outer, inner in pairwise(running.modules))))
    return Scope(len(running.modules), path, type(running.modules[-1]).__name__).title


def _say_where(error: Exception) -> None:
    """Put the path of the layer that raised in front of its message; outer Modules find it said."""
    if not vars(error).get("layer") and len(error.args) <= 1:
        vars(error)["layer"] = path = current_path()
        error.args = (f"in layer {path}: {error}",)
