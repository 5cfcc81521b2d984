"""Runs a function once, with watched arrays beneath its Tensors, and keeps what became of everything it touched.

`Recorder` is the observer that sees parameters, buffers, gradients and optimizers on their way in and puts back what
was theirs when the run is over. What it leaves is a `Recording`: the calls, in order, and what the step gives. Stands
on watched.py; plan.py makes a program of it.
"""

from __future__ import annotations

import inspect
import re
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine import random
from ..engine.arrays import Array
from ..engine.dispatch import unwrap
from ..engine.recording import AsOne, Observer, observing
from ..engine.tensor import Primitive, Tensor, next_stamp, wrap
from ..engine.trace import name_in
from ..nn.module import Module, places
from .asking import Number, asked_by_user, is_of_stand_in, is_stand_in, line_of, taken_out, users_frame, users_place
from .forms import Forms
from .gradients import seen_by
from .reading import Place, Reads, is_same, is_users
from .recording import Recording
from .returning import is_only_returned
from .settings import Kept, Lists, OptimizerStep, Setting, changed_setting, leaves_of, numbers_of, there
from .tape import CompileError, Foreign, Op, Symbol, Tape, Value
from .watched import Watched, plain_value, refuse_varying, unwatched, value_of, watch


class Recorder(Observer):
    """The observer of one run."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.tape = Tape(watch)
        self.began = next_stamp()
        self.parameters: dict[Tensor, Value] = {}
        self.originals: dict[Tensor, tuple[Array, Any]] = {}  # of Tensors: their array, and the watched one
        self.modules: dict[int, tuple[Module, dict[str, Any]]] = {}  # by id those entered, with their settings then
        self.lists: list[Lists] = []  # that they hold
        self.held: list[tuple[Any, Any, Any, Any]] = []  # (holder, key, what was there, what is there now, watched)
        self.made: list[Any] = []  # weak references to the Tensors that operations made
        self.held_values: list[Value] = []
        self.attributes: dict[tuple[int, Any], tuple[Any, Any, Tensor, str]] = {}  # where Modules hold Tensors
        self.entry_gradients: dict[Tensor, Array] = {}
        self.running: list[tuple[Module, str]] = []
        self.names: dict[int, str] = {}
        self.objects: dict[str, Any] = {}
        self.scope_of: dict[Tensor, str] = {}  # the layer in which a node was computed
        self.visited: set[Tensor] = set()  # nodes that a backward pass went through
        self.forms = Forms(self.parameters, self.visited, self.see)
        self.cleared: set[Tensor] = set()
        self.before: dict[int, dict[str, Any]] = {}  # the numbers of Modules that are read by name, by id
        self.looked_at: set[Tensor] = set()  # at whose gradient from before the step the function looked
        self.whose: dict[Tensor, Tensor] = {}  # and whose they were
        self.had: dict[Tensor, Any] = {}  # the gradients that there were before the step
        self.without: set[Tensor] = set()  # parameters that had no gradient when one was asked for
        self.consumed: set[Tensor] = set()
        self.leaves: dict[Tensor, None] = {}  # in the order in which gradients were written
        self.steps: list[OptimizerStep] = []
        self.phase = "forward"
        self.marked = 0
        self.kept: list[Any] = []

    # ---- the run ----

    def run(self, flat: list[Any], again: Callable[[list[Any]], Any]) -> Recording:
        """Run the function on stand-ins for its array arguments; `again` puts them where `flat` has the arrays."""
        arguments, stand_ins = self._arguments(flat)
        args, options = again(stand_ins)
        kept = Kept(self.function)
        self.before = {id(module): numbers for _, module, numbers in kept.modules}
        try:
            self.had = {p: p.grad for p in leaves_of(self.function)}
            self.whose = {grad: p for p, grad in self.had.items() if grad.__class__ is Tensor}
            with observing(self), seen_by(self):
                returned = self.function(*args, **options)
            result, given = self.forms.form(returned)
            assigned = self._assigned()
            gradients = self._gradients()
            if name := kept.changed():
                raise CompileError(changed_setting(name))
        except CompileError as error:
            self._close()
            raise CompileError(f"{error}{line_of(error)}") from None
        except (TypeError, RuntimeError, AttributeError) as error:
            self._close()
            if is_of_stand_in(error):
                raise CompileError(
                    f"while a step is recorded its arrays are Tensors, and this can't be done to one: {error} Do it "
                    f"before the call, and pass what it gives{line_of(error)}"
                ) from error
            raise
        except BaseException:
            self._close()
            raise
        self._close()
        forwards = Reads(m.forward for m, _ in self.modules.values() if is_users(m.forward))
        return Recording(
            tape=self.tape,
            arguments=arguments,
            result=result,
            assigned=assigned,
            gradients=gradients,
            parameters=self.parameters,
            names=self.names,
            objects=self.objects,
            optimizers=self.steps,
            modules=[module for module, _ in self.modules.values()],
            settings=self._settings(kept, forwards),
            places=self._places(kept, forwards),
            returned=given,
            consumed=self.consumed,
            cleared=self.cleared,
            without=self.without,
            entry_gradients=self.entry_gradients,
            had={p: self.had[p] is not None for p in self.looked_at},
            held=self.held_values,
            attributes=list(self.attributes.values()),
        )

    def _arguments(self, flat: list[Any]) -> tuple[list[Value], list[Any]]:
        arguments, stand_ins = list[Value](), list[Any]()
        seen: dict[int, Any] = {}
        for i, x in enumerate(flat):
            if id(x) not in seen:
                array = self.tape.give(x._data if x.__class__ is Tensor else x, "argument", name=f"x{i}")
                seen[id(x)] = stand_in = wrap(array)
                if x.__class__ is not Tensor:
                    stand_in.notes = {"array": True}
            stand_ins.append(seen[id(x)])
            arguments.append(seen[id(x)]._data.watched[1])
        return arguments, stand_ins

    def _close(self) -> None:
        """Put back what was there, and give everybody the plain arrays that are to stay."""
        self.tape.open = False
        del self.forms  # which knows this recorder
        for step in self.steps:
            step.put_back()
        for t, (array, watched) in self.originals.items():
            t._data = array if t._data is watched else unwatched(t._data)
        for made in self.made:
            if (kept := made()) is not None:  # somebody has it, or the graph that it is in
                kept._data = unwatched(kept._data)
        for t in [*self.leaves, *self.parameters]:
            if t.grad is not None:
                t.grad._data = unwatched(t.grad._data)
        for holder, key, before, now in self.held:
            if there(holder, key) is now:
                holder[key] = before
        for module, _ in self.modules.values():
            for _, holder, key, value in places(module):
                plain = plain_value(value)
                if is_stand_in(value) and not (plain.ndim or self._held_array(holder, key)):
                    plain = plain[()]
                holder[key] = plain

    # ---- what comes in ----

    def see(self, t: Tensor) -> None:
        """Watch the array of a leaf that the step uses and that is not from here."""
        if isinstance(t._data, Watched) and t._data.watched is not None and t._data.watched[0] is self.tape:
            return
        if t in self.whose:
            self.see_gradient(self.whose[t], t)
            return
        if t.primitive is not None and t.stamp < self.began and t._requires_grad:
            raise CompileError(
                f"a Tensor of shape {t.shape} that was computed before, and requires a gradient, is used in a compiled "
                "function; compile the whole step, or pass it as an argument with .detach()"
            )
        array = t._data
        if not isinstance(array, np.ndarray):
            raise Foreign
        if t.stamp > self.began or t.primitive is not None:
            watched = self.tape.give(unwatched(array), "constant")
        else:
            name = self.names.get(id(t)) or self._name(t, t.name or ("parameter" if t._requires_grad else "held"))
            watched = self.tape.give(array, "parameter", name=name)
            self.parameters[t] = watched.watched[1]
        self.originals[t] = (array, watched)
        t._data = watched

    def _name(self, thing: Any, wanted: str) -> str:
        """A name for an object, an identifier that nobody else has."""
        parts = re.sub(r"[^A-Za-z0-9_]", "_", wanted).strip("_").split("_")
        while parts and parts[0].isdigit():
            parts = [*parts[1:], parts[0]] if any(not p.isdigit() for p in parts) else ["layer", *parts]
        base = name = "_".join(parts) or "value"
        taken, n = set(self.names.values()), 2
        while name in taken:
            name, n = f"{base}_{n}", n + 1
        self.names[id(thing)] = name
        self.kept.append(thing)
        return name

    def see_gradient(self, p: Tensor, grad: Any) -> None:
        """Watch the gradient that a parameter has, or had, from before the step."""
        if grad.__class__ is Tensor and grad not in self.originals and not isinstance(grad._data, Watched):
            self.see(p)
            name = self._name(grad, f"grad_of_{self.names.get(id(p), 'parameter')}")
            watched = self.tape.give(grad._data, "gradient", name=name, source=f"{self._object(p)}.grad._data")
            self.originals[grad] = (grad._data, watched)
            grad._data = watched
            if p not in self.cleared:
                self.entry_gradients[p] = self.originals[grad][0]
                self.leaves[p] = None

    def _object(self, thing: Any) -> str:
        """The name under which the program finds an object."""
        known = self.names.get(-id(thing))
        if known is None:
            kind = type(thing).__name__
            base = f"{self.names[id(thing)]}_tensor" if id(thing) in self.names else kind.lower()
            known = self._name((thing,), base)
            self.names[-id(thing)] = known
            self.objects[known] = thing
        return known

    # ---- Modules ----

    def module_entered(self, module: Any) -> None:
        path = ""
        if self.running:
            outer, above = self.running[-1]
            path = ".".join(filter(None, (above, name_in(outer, module))))
        self.running.append((module, path))  # first, for it is left also where what follows raises
        if id(module) not in self.modules:
            if len(self.running) == 1:
                for name, p in module.named_parameters():
                    if id(p) not in self.names and p.stamp < self.began:
                        self._name(p, name)
            self.modules[id(module)] = module, self.before.get(id(module)) or numbers_of(module)
            self.lists.append(Lists(module))
            for name, holder, key, value in places(module):
                self._watch_held(module, path, name, holder, key, value)
        self.tape.scope = f"{path} ({type(module).__name__})" if path else type(module).__name__

    def module_left(self, module: Any, output: Any) -> None:
        self.running.pop()
        self.tape.scope = ""
        if not self.running and output.__class__ is Tensor and output._data.dtype.kind == "f":
            output.notes = None  # the outermost Module gives a Tensor, also of an array
        if self.running:
            outer, path = self.running[-1]
            self.tape.scope = f"{path} ({type(outer).__name__})" if path else type(outer).__name__

    def _watch_held(self, module: Module, path: str, name: str, holder: Any, key: Any, value: Any) -> None:
        is_leaf = isinstance(value, Tensor) and value.primitive is None
        if is_leaf and (value._requires_grad or not module._is_kept(name, value)):
            if value.stamp < self.began:
                self.see(value)
                owner = self._object(module if holder is vars(module) else holder)
                source = f"{owner}.{key}._data" if holder is vars(module) else f"{owner}[{key!r}]._data"
                self.attributes[id(holder), key] = holder, key, value, source
            return
        if isinstance(value, Tensor) and (value._requires_grad or isinstance(value._data, Watched)):
            return  # what was kept with its graph: `see` refuses it where it is used
        array = value._data if isinstance(value, Tensor) else value
        if type(array) is not np.ndarray:
            return
        owner = self._object(module)
        source = f"{owner}.{key}" if holder is vars(module) else f"{self._object(holder)}[{key!r}]"
        known = self._name(array, ".".join(filter(None, (path, name))))
        watched = self.tape.give(array, "held", name=known, source=source + ("._data" if array is not value else ""))
        now = wrap(watched) if isinstance(value, Tensor) else watched
        holder[key] = now
        self.held.append((holder, key, value, now))
        self.held_values.append(watched.watched[1])

    # ---- operations ----

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        if options:
            refuse_varying(primitive, options)
        tensors = [x for x in inputs if x.__class__ is Tensor]
        unseen = [x for x in tensors if not isinstance(x._data, Watched)]
        for x in unseen:
            self.see(x)
        if unseen:
            self._again(output, primitive, inputs, options)
        plain = [x for x in tensors if x.notes is not None and "array" in x.notes]
        if len(plain) == len(tensors) and not output._requires_grad:
            output.notes = {"array": True}
        self._note(output, primitive)

    def _again(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        """Compute once more what was computed with an array that wasn't watched yet."""
        arrays = [x._data if x.__class__ is Tensor else x for x in inputs]
        try:
            value = primitive.forward(*arrays, **options)
        except AsOne as asked:
            value = asked.call(primitive.name, primitive.forward, arrays, options)
        if output.primitive is None and any(x._requires_grad for x in inputs if x.__class__ is Tensor):
            value = value.copy() if value.base is not None else value
        output._data = value

    def _note(self, output: Tensor, primitive: Primitive) -> None:
        ops, self.marked = self.tape.ops[self.marked :], len(self.tape.ops)
        where = users_place()
        for op in ops:
            op.note, op.line = op.note or primitive.name, where
        self.made.append(weakref.ref(output))
        made = output._data
        if output.primitive is not None and self.tape.scope:
            self.scope_of[output] = self.tape.scope
        if isinstance(made, Watched) and made.watched is not None:
            value = made.watched[1]
            if value.whole and value.storage.kind == "made" and not value.storage.name:
                layer = self.tape.scope.partition(" (")[0] if "(" in self.tape.scope else ""
                value.storage.name = f"{primitive.name}_{layer}" if layer else primitive.name

    def gradient_computed(self, node: Tensor, position: int, g: Any, gradient: Any) -> None:
        ops, self.marked = self.tape.ops[self.marked :], len(self.tape.ops)
        x = node.inputs[position]
        name = self.names.get(id(x)) or self._named(x)
        where = self.scope_of.get(node, "") or (node.primitive.name if node.primitive else "")
        line = users_place()
        for op in ops:
            op.note, op.scope, op.line = op.note or f"∂loss/∂{name or 'input'}", op.scope or where, line
        made = gradient._data if gradient.__class__ is Tensor else gradient
        if isinstance(made, Watched) and made.watched is not None and name:
            value = made.watched[1]
            if value.whole and value.storage.kind == "made" and not value.storage.name:
                value.storage.name = f"d_{name}"

    def _named(self, x: Tensor) -> str:
        return value_of(x._data).storage.name if isinstance(x._data, Watched) else ""

    def flattened(self, name: str, inputs: Sequence[Any], result: Any) -> Any:
        if not (isinstance(result, (Watched, tuple)) and asked_by_user(answered=True)):
            return None
        value = value_of(result) if isinstance(result, Watched) else None
        if value is not None and value.storage.maker is not None and value.storage.maker.plain:
            return Number(value.array.item(), value, self.tape)
        return self._stand_in(result, bool(inputs))

    def _stand_in(self, result: Any, number: bool) -> Any:
        """A Tensor in the place of what eager code would have as an array or, where it has no axes, as a number."""
        if isinstance(result, tuple):
            return tuple(self._stand_in(item, number) for item in result)
        if not isinstance(result, Watched):
            return result
        made = wrap(result)
        made.notes = {"array": number}
        return made

    def read(self, tensor: Tensor) -> None:
        if asked_by_user() and (isinstance(tensor._data, Watched) or tensor._requires_grad):
            update = ". To update a parameter write `with tl.no_grad(): p -= lr * p.grad`"
            update = update if tensor in self.parameters else ""
            if tensor._data.dtype.kind in "iu":
                update = "; to pick rows of a table by an argument write tl.tensor(table)[y], or F.one_hot(y, classes)"
            raise CompileError(taken_out("a plain array, number or text made of a Tensor") + update)

    def detached(self, tensor: Tensor, made: Tensor) -> None:
        if not isinstance(tensor._data, Watched):
            self.see(tensor)
            made._data = tensor._data.copy()

    def touched(self, tensor: Tensor, replaced: bool) -> None:
        if not replaced:
            self.see(tensor)
        elif tensor in self.parameters or tensor.stamp < self.began:
            raise CompileError(
                f"the function gives a Tensor of shape {tensor.shape} another array, which the program would not do; "
                "write its numbers into the one that it has: `with tl.no_grad(): p[...] = value`"
            )

    def written(self, tensor: Tensor, ufunc: Any, other: Any) -> Any:
        made: Any = tensor._data
        if not (is_stand_in(tensor) and isinstance(made, Watched)):
            return None
        self.tape.refuse_to_write(value_of(made))
        if not (made.ndim or value_of(made).boxed) or getattr(other, "_requires_grad", False):
            return None  # of a number it means the same in eager code
        ufunc(made, unwrap(other), out=made, casting="same_kind")
        return tensor

    def number(self, value: Any) -> Any:
        if not asked_by_user():
            return None
        if value.__class__ is Symbol:
            return Number(value.value, value, self.tape)
        if value.__class__ is Tensor:
            if not isinstance(value._data, Watched):
                self.see(value)
            made: Any = value._data
            return Number(made.watched[1].array.item(), made.watched[1], self.tape)
        return None

    def as_float(self, tensor: Tensor) -> Any:
        made: Any = tensor._data
        if not isinstance(made, Watched) or made.size != 1:
            return None
        frame = users_frame()
        own = inspect.unwrap(getattr(self.function, "__func__", self.function))
        if frame is None or frame.f_code is not getattr(own, "__code__", None) or not is_only_returned(frame, "float"):
            raise CompileError(taken_out("float() of what the function doesn't only return"))
        found = float(unwatched(made))
        self.forms.floats[id(found)] = found, made.watched[1]
        return found

    def plainly(self, function: Callable[..., Any], inputs: Sequence[Any], changed: Sequence[Any]) -> Any:
        drawn = [random.generator(), *(x for x in inputs if isinstance(x, np.random.Generator))]
        before = [g.bit_generator.state for g in drawn]
        made = self.tape.call(function.__name__, function, inputs, {}, changed)
        op = self.tape.ops[-1]
        op.effect, op.draws = True, [g.bit_generator.state for g in drawn] != before
        return (made,)

    def as_one(self, function: Callable[..., Any], inputs: Sequence[Any]) -> Any:
        if any(hasattr(x, "Allreduce") for x in inputs):
            raise CompileError(
                "a sum over several processes can't be in a program: it is compared with its function, and made anew, "
                "not when theirs are. Leave compile out, or the layers that add up over processes, nn.SyncBatchNorm"
            )
        if any(x.__class__ is Tensor for x in inputs) or not any(isinstance(x, Watched) for x in inputs):
            return None
        return (self.tape.call(function.__name__, function, inputs, {}),)

    # ---- gradients and steps ----

    def backward_started(self, nodes: Sequence[Tensor]) -> None:
        self.visited.update(nodes)
        for node in nodes:
            for x in node.inputs:
                if x.__class__ is Tensor and x.primitive is None and x._requires_grad:
                    if x.grad is not None:
                        self.see_gradient(x, x.grad)
                    else:
                        self._is_without(x)
        self.tape.add(Op("note", "backward", None, (), {}, note="backward"))

    def _is_without(self, x: Tensor) -> None:
        """It has no gradient, which counts: there was none before the step, or one that the step has cleared, which
        is noted if it isn't yet."""
        if self.is_settled(x):
            return
        if self.had.get(x) is not None:
            self.forgotten([x])
        elif self.is_from_before(x):
            self.without.add(x)

    def is_settled(self, x: Tensor) -> bool:
        """Whether the step has already cleared, read or made its gradient."""
        return x in self.cleared or x in self.leaves

    def is_from_before(self, x: Tensor) -> bool:
        """Whether it was there before the step."""
        return x.stamp <= self.began or x in self.parameters

    def backward_ended(self, leaves: Sequence[Tensor]) -> None:
        self.marked = len(self.tape.ops)
        for x in leaves:
            self.leaves[x] = None
            self.consumed.discard(x)
            value = value_of(x.grad._data) if x.grad is not None and isinstance(x.grad._data, Watched) else None
            if value is not None and value.whole and value.storage.kind == "made" and not value.storage.name:
                name = self.names.get(id(x), "leaf")
                value.storage.name, maker = f"d_{name}", value.storage.maker
                if maker is not None:
                    maker.note = maker.note or f"∂loss/∂{name}"

    def gradients_used(self, parameters: Sequence[Any]) -> None:
        for p in parameters:
            if p.__class__ is Tensor and p.grad is not None:
                self.see_gradient(p, p.grad)
            elif p.__class__ is Tensor:
                self._is_without(p)

    def forgotten(self, parameters: Sequence[Tensor]) -> None:
        for p in parameters:
            if p not in self.entry_gradients and p not in self.without:
                self.cleared.add(p)
            self.leaves[p] = None
        tensors = [p for p in parameters if p.stamp < self.began or p in self.originals]
        self.tape.add(Op("forget", "", None, tuple(tensors), {}, effect=True))

    def schedule_stepping(self, schedule: Any) -> None:
        raise CompileError(
            f"a {type(schedule).__name__} goes on inside of the compiled function, and the program would not count "
            "with it; write schedule.step() after the call: the learning rate is read anew at each call"
        )

    def optimizer_stepping(self, optimizer: Any) -> None:
        self.tape.add(Op("note", "step", None, (), {}, note=f"{type(optimizer).__name__}'s step"))
        for p in optimizer.params:
            if p.grad is not None:
                self.see(p)
                self.see_gradient(p, p.grad)
            elif p._requires_grad:
                self._is_without(p)
        step = OptimizerStep(optimizer, self.tape, self._object(optimizer), self.objects)
        self.steps.append(step)
        step.begin()

    def optimizer_stepped(self, optimizer: Any) -> None:
        self.steps[-1].end()
        self.consumed.update(p for p in optimizer.params if p._requires_grad)
        self.tape.add(Op("note", "stepped", None, (), {}))

    # ---- what comes out ----

    def _assigned(self) -> list[tuple[Any, Any, Any]]:
        """What forwards left in their Modules. CompileError for a number that they changed."""
        made = []
        ours = {id(now) for _, _, _, now in self.held}
        for lists in self.lists:
            lists.check()
        for module, numbers in self.modules.values():
            now = numbers_of(module)
            for key, x in now.items():
                if key not in numbers or not is_same(x, numbers[key]):
                    raise CompileError(changed_setting(f"{type(module).__name__}.{key}"))
            for _, holder, key, value in places(module):
                array = value._data if isinstance(value, Tensor) else value
                if (
                    not isinstance(array, Watched)
                    or id(value) in ours
                    or (array is not value and value in self.parameters)
                ):
                    continue
                self._object(module if holder is vars(module) else holder)
                if (known := self.attributes.pop((id(holder), key), None)) is not None:
                    _, _, t, source = known  # a Tensor that each step replaces is read from where it is
                    seen = self.parameters.pop(t)
                    seen.storage.kind, seen.storage.source = "held", source
                    self.held_values.append(seen)
                kind, *form = (
                    self.forms.of_tensor(value, True) if value.__class__ is Tensor else self.forms.form(value)
                )[0]
                if not (is_stand_in(value) and (array.ndim or not self._held_array(holder, key))):
                    kind = _KEPT.get(kind, kind)
                made.append((module if holder is vars(module) else holder, key, (kind, *form)))
        return made

    def _held_array(self, holder: Any, key: Any) -> bool:
        """Whether an array was there before: a Module then makes one of a number, too."""
        return any(holder is h and key == k and isinstance(before, np.ndarray) for h, k, before, _ in self.held)

    def _gradients(self) -> list[tuple[Tensor, Value | None]]:
        for p, grad in self.had.items():
            if grad is not None and p.grad is None and p not in self.leaves:
                self.forgotten([p])
        left = [p for p in self.leaves if self.is_from_before(p)]
        for p in left:  # so that each has a name
            self._object(p)
        given = [(p, getattr(p.grad, "_data", None)) for p in left]
        return [(p, None if g is None else value_of(g)) for p, g in given if g is None or isinstance(g, Watched)]

    def _settings(self, kept: Kept, forwards: Reads) -> list[Setting]:
        attributes = kept.reads.attributes | forwards.attributes
        found = [Setting("module", module, numbers) for module, numbers in self.modules.values()]
        found += kept.rates([step.optimizer for step in self.steps], attributes)
        return [*found, *(s for step in self.steps for s in step.settings())]

    def _places(self, kept: Kept, forwards: Reads) -> list[Place]:
        both = {**forwards.places, **kept.reads.places}
        return [place for place in both.values() if id(place.holder) not in self.modules]  # which are looked at anyway


_KEPT = {"array": "ndarray", "argument": "ndarray"}  # forwards keep arrays, not numbers
