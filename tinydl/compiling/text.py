"""The program as text: what is made once, then a function that does the step, line by line, with comments.

`Text` is a pretty printer of a Plan. Each call of the plan is a line; what is kept is written to by out=, and views of
it are made once. Read program.py next, which runs it.
"""

from __future__ import annotations

import builtins
import keyword
import re
from typing import Any

import numpy as np

from ..engine.tensor import next_stamp, wrap
from .plan import GIVEN, Plan
from .settings import Row
from .tape import Op, Storage, Symbol, Value
from .updates import BLOCK, Together, Update

_VIEWS = {".T": "T", ".mT": "mT", ".reshape": "rows", ".transpose": "turned", ".swapaxes": "turned", "[]": "part",
          ".ravel": "flat", ".squeeze": "squeezed", ".view": "view"}  # fmt: skip


class Text:
    """The source of a program, and what its names stand for."""

    def __init__(self, plan: Plan, arguments: list[str]) -> None:
        self.plan, self.arguments = plan, arguments
        self.scope: dict[str, Any] = {"np": np}
        self.names: dict[Any, str] = {}
        self.once: list[str] = []  # lines that make what is made once
        self.loads: list[str] = []  # lines that fetch what objects hold
        self.lines: list[str] = []
        self.first_change = 0  # how many lines run before what the caller can see is changed in place
        self.ops: list[Op | None] = []  # which call each line is
        self.symbols: dict[str, str] = {}
        self.errors: tuple[Any, ...] = ()
        self._taken = {"np", "wrap", "diverge", "step", "memory", "next_stamp", *keyword.kwlist, *dir(builtins), *arguments}
        self._note = ""
        for value, name in zip(plan.recording.arguments, arguments, strict=True):
            self.names.setdefault(value.storage, name)
        self._make()

    # ---- names ----

    def fresh(self, wanted: str) -> str:
        """A name that nothing else has."""
        base = re.sub(r"\W", "_", wanted).strip("_") or "value"
        base = f"_{base}" if base[0].isdigit() else base
        name, n = base, 2
        while name in self._taken:
            name, n = f"{base}_{n}", n + 1
        self._taken.add(name)
        return name

    def thing(self, x: Any, wanted: str) -> str:
        """The name of an object that the program uses."""
        key = ("thing", id(x))
        if key not in self.names:
            self.names[key] = name = self.fresh(wanted)
            self.scope[name] = x
        return self.names[key]

    def name(self, value: Value) -> str:
        """What an array is called, which is made or given before it is used."""
        if value in self.names:
            return self.names[value]
        if value.maker is None:
            return self.storage(value.storage)
        name = self.names[value] = self._view(value)
        return name

    def storage(self, storage: Storage) -> str:
        """The name of a whole array; where it is a constant or given from outside, it is brought in."""
        if storage in self.names:
            return self.names[storage]
        array = storage.array
        if storage.kind == "constant" and not array.ndim and not storage.changed and array.dtype.kind in "fiub":
            if np.isfinite(array):
                self.names[storage] = name = self._number(array.item(), array.dtype)
                return name
        name = self.names[storage] = self.fresh(storage.name or ("constant" if storage.kind == "constant" else "a"))
        if storage.kind in ("parameter", "state"):
            self.scope[name] = array
        elif storage.source:
            self.loads.append(f"    {name} = {self._source(storage.source)}")
        elif storage.kind == "constant":
            self.scope[name] = array.copy() if storage.changed else array
        elif storage in self.plan.updates.flat:
            group, role, start = self.plan.updates.flat[storage]
            flat = self._flat(group, role)
            shape = f".reshape{array.shape}" if array.ndim != 1 else ""
            self.once.append(f"{name} = {flat}[{start}:{start + array.size}]{shape}")
        elif storage in self.plan.places:
            place = self.plan.places[storage]
            strides = "" if array.flags.c_contiguous else f", {array.strides}"
            self.once.append(
                f"{name} = np.ndarray({array.shape}, np.{array.dtype.name}, memory, {place.start}{strides})"
            )
        return name

    def _flat(self, group: Together, role: tuple[Any, ...]) -> str:
        key = (id(group), role)
        if key not in self.names:
            wanted = {"g": "gradients", "scratch": "scratch"}.get(role[0], f"all_{role[-1]}")
            self.names[key] = name = self.fresh(wanted)
            array = group.flats[role]
            if role[0] == "state":
                self.scope[name] = array
            else:
                self.once.append(f"{name} = np.empty({array.size}, np.{array.dtype.name})")
        return self.names[key]

    def _view(self, value: Value) -> str:
        """A view: made once where what it is a view of stays where it is."""
        op = value.maker
        assert op is not None
        name = self.fresh(f"{self._base_name(value)}_{_VIEWS.get(op.name, 'view')}")
        self.names[value] = name
        if self._once(value):
            self.once.append(f"{name} = {self._call(op)}")
        return name

    def _base_name(self, value: Value) -> str:
        return self.storage(value.storage)

    def _once(self, value: Value) -> bool:
        op = value.maker
        if op is None:
            return value.storage in self.plan.updates.flat or self.plan.is_made_once(value)
        if op.kind != "view" or _has_symbols((op.args, op.options)):
            return False
        return all(self._once(v) for v in op.values())

    # ---- the program ----

    def _make(self) -> None:
        for op in self.plan.ops:
            if op not in self.plan.updates.handled:
                self._op(op)
        self._end()
        if self.plan.bytes:
            self.once.insert(0, f"memory = np.empty({self.plan.bytes}, np.uint8)")
        top = ["# made once: arrays that are written anew at each call, and views", *self.once, ""] if self.once else []
        head = [*top, f"def step({', '.join(self.arguments)}):", *self.loads]
        self.ops = [None] * len(head) + self.ops
        self.first_change = len(head) + (self.first_change or len(self.lines))
        self.source = "\n".join([*head, *self.lines, ""])

    def line(self, text: str, op: Op | None = None) -> None:
        """One line of the function."""
        indent = "        " if self.errors else "    "
        self.lines.append(indent + text if text else "")
        self.ops.append(op)

    def comment(self, text: str) -> None:
        """A comment on what follows."""
        self.line(f"# {text}")

    def _op(self, op: Op) -> None:
        if any(v.storage.kind in GIVEN for v in op.into) or op.kind == "write":
            self.first_change = self.first_change or len(self.lines)
        if op.kind == "note":
            self._section(op)
        elif op.kind == "forget":
            if op.args:
                name = self.fresh("parameters")
                self.scope[name] = op.args
                self.line(f"for p in {name}:", op)
                self.line("    p.grad = None", op)
        elif op.kind == "write":
            self._write(op)
        elif op.kind == "view" and all(self._once(v) or v not in self._needed_views() for v in _arrays(op.outputs)):
            pass  # made once, or where it is used
        else:
            self._remark(op)
            self._within_errors(op)
            self._statement(op)

    def _needed_views(self) -> set[Value]:
        if not hasattr(self, "_used"):
            used = {v for op in self.plan.ops for v in [*op.values(), *op.into]}
            self._used = used | set(self.plan.results)
        return self._used

    def _section(self, op: Op) -> None:
        self._within_errors(None)
        if op.name == "stepped":
            step = [s for s in self.plan.recording.optimizers if s in self.plan.updates.of][self._steps_done()]
            self._update(self.plan.updates.of[step])
            return
        if op.note:
            self.line("")
            self.comment(op.note)

    def _steps_done(self) -> int:
        self._done = getattr(self, "_done", -1) + 1
        return self._done

    def _remark(self, op: Op) -> None:
        where = f"{op.scope}: {op.note}" if op.scope and op.note else op.scope or op.note
        if where and where != self._note:
            self._within_errors(op)
            self.comment(where)
        self._note = where

    def _within_errors(self, op: Op | None) -> None:
        """What ran where NumPy's warnings were set otherwise, runs so here."""
        errors = op.errors if op is not None else ()
        if errors != self.errors:
            self.errors = ()
            if errors:
                self.line(f"with np.errstate({', '.join(f'{k}={v!r}' for k, v in errors if k != 'call')}):")
            self.errors = errors

    def _statement(self, op: Op) -> None:
        for text in self._scalars((op.args, op.options)):
            self.line(text, op)
        if op.kind == "decide":
            call = self._call(op) if op.name != "bool" else self.text(op.args[0])
            self.line(f"if {'not ' if op.outputs[0] else ''}{call}: diverge()", op)
        elif op.kind == "set":
            target, index, item = op.args
            self.line(f"{self.text(target)}[{self._index(index)}] = {self.text(item)}", op)
        elif op.kind == "like":
            self._like(op)
        elif op.into and op.kind in ("ufunc", "reduce", "function") and op.outputs:
            into = ", ".join(self.name(v) for v in op.into)
            self.line(self._call(op, into if len(op.into) == 1 else f"({into})"), op)
        elif len(op.outputs) == 1 and op.outputs[0].__class__ is Value and self._is_kept(op.outputs[0], op):
            self._into_kept(op, op.outputs[0])
        else:
            self._assignment(op)

    def _is_kept(self, value: Value, op: Op) -> bool:
        storage = value.storage
        return storage.maker is op and (storage in self.plan.places or storage in self.plan.updates.flat)

    def _into_kept(self, op: Op, value: Value) -> None:
        name = self.name(value)
        if op.kind == "method":
            casting = ', casting="unsafe"' if op.name == ".astype" else ""
            self.line(f"np.copyto({name}, {self.text(op.args[0])}{casting})", op)
        else:
            self.line(self._call(op, name), op)

    def _like(self, op: Op) -> None:
        (fill,), value = op.args, op.outputs[0]
        if self._is_kept(value, op):
            if fill is not None:
                self.line(f"{self.name(value)}.fill({fill})", op)
            else:
                self.name(value)
            return
        array = value.array
        made = {None: "empty", 0: "zeros", 1: "ones"}[fill]
        self.line(f"{self.name(value)} = np.{made}({array.shape}, np.{array.dtype.name})", op)

    def _assignment(self, op: Op) -> None:
        outputs = op.outputs
        call = self._call(op)
        names, checks = [], []
        for x in outputs:
            if x.__class__ is Value:
                names.append(self.name(x))
                if op.many and op.effect:
                    checks.append(f"if {names[-1]} is None: diverge()")
            elif x.__class__ is Symbol:
                self.symbols[x.text] = name = self.fresh(x.text)
                names.append(name)
            else:
                names.append(name := self.fresh("flag"))
                checks.append(f"if {name} is not {x!r}: diverge()" if x is None or isinstance(x, bool) else
                              f"if {name} != {self.text(x)}: diverge()")  # fmt: skip
        if not outputs or (len(outputs) == 1 and outputs[0] is None and op.effect):
            self.line(call, op)
            return
        storage = outputs[0].storage if len(outputs) == 1 and outputs[0].__class__ is Value else None
        if storage is not None and storage.changed and not storage.array.ndim and op.kind in ("ufunc", "reduce"):
            call = self._call(op, f"np.empty((), np.{storage.array.dtype.name})")  # as a number it couldn't be changed
        self.line(f"{', '.join(names)}{',' if op.many and len(names) == 1 else ''} = {call}", op)
        for check in checks:
            self.line(check, op)

    # ---- expressions ----

    def _call(self, op: Op, into: str = "") -> str:
        args = [self.text(x) for x in op.args]
        options = [f"{key}={self.text(x)}" for key, x in op.options.items()]
        if op.kind in ("method", "view") and op.name.startswith((".", "[")):
            this, *rest = op.args
            base = self.text(this)
            if op.name == "[]":
                return f"{base}[{self._index(rest[0])}]"
            if op.name in (".T", ".mT"):
                return f"{base}{op.name}"
            return f"{base}{op.name}({', '.join([*map(self.text, rest), *options])})"
        if op.kind == "ufunc" and not into and (scalar := self._of_scalars(op)):
            return scalar
        if op.kind == "ufunc":
            args = [self._operand(op, x) for x in op.args]
        name = op.name
        if not name.startswith("np."):
            name = self.thing(op.function, name.lstrip("_"))
        elif op.kind in ("function", "view", "decide") and _of_numpy(name) is not op.function:
            name = self.thing(op.function, name.rpartition(".")[2])
        return f"{name}({', '.join([*args, *options, *([f'out={into}'] if into else [])])})"

    def _of_scalars(self, op: Op) -> str:
        """An operation on numbers alone, which NumPy does ten times as fast by its sign; "" if it isn't one."""
        if op.function not in _SIGNS or len(op.args) != 2 or op.options:
            return ""
        kinds = {v.array.dtype for v in op.values()}
        texts = []
        for x in op.args:
            if x.__class__ is Value and x.storage.kind == "constant" and not x.array.ndim and len(kinds) == 1:
                texts.append(repr(x.array.item()))
            elif x.__class__ is Value and self._is_number(x):
                texts.append(self.name(x))
            elif x.__class__ in (int, float) and np.isfinite(x):
                texts.append(repr(x))
            else:
                return ""
        return f" {_SIGNS[op.function]} ".join(texts)

    def _is_number(self, x: Value) -> bool:
        """Whether the program has it as a number rather than as an array without axes."""
        maker, storage = x.storage.maker, x.storage
        made = storage.kind == "made" and not storage.changed and maker is not None and maker.kind in ("ufunc", "reduce")
        return made and not x.array.ndim and x.whole and storage not in self.plan.places

    def _operand(self, op: Op, x: Any) -> str:
        """What goes into an elementwise call, in the form in which that is quickest."""
        out = op.outputs[0].array if op.outputs and op.outputs[0].__class__ is Value else None
        kinds = {v.array.dtype for v in op.values()}
        if out is None or op.function.signature is not None:
            return self.text(x)
        if x.__class__ in (int, float) and len(kinds) == 1 and op.function in _ALIKE and out.ndim:
            (kind,) = kinds
            if kind.kind == "f" and np.isfinite(x):
                return self._number(x, kind)
        if x.__class__ is not Value:
            return self.text(x)
        array, alike = x.array, x.array.size == out.size and x.array.shape != out.shape and out.ndim
        if alike and array.flags.c_contiguous and out.flags.c_contiguous and self._once(x) and array.ndim:
            key = (x, out.shape)
            if key not in self.names:
                name = self.name(x)
                self.names[key] = self.fresh(f"{name}_rows")
                self.once.append(f"{self.names[key]} = {name}.reshape({out.shape})")
            return self.names[key]
        return self.text(x)

    def _number(self, x: Any, kind: np.dtype[Any]) -> str:
        """A constant as an array without axes, made once: a Python number costs a small operation as much as itself."""
        key = ("number", repr(float(x)), kind)
        if key not in self.names:
            self.names[key] = self.fresh(_NUMBERS.get(float(x), f"number_{x:g}".replace("-", "minus_")))
            self.once.append(f"{self.names[key]} = np.array({x!r}, np.{kind.name})")
        return self.names[key]

    def _index(self, index: Any) -> str:
        if index.__class__ is tuple and index:
            return ", ".join(map(self._index_part, index)) + ("," if len(index) == 1 else "")
        return self._index_part(index)

    def _index_part(self, x: Any) -> str:
        if x.__class__ is slice:
            parts = ["" if part is None else self.text(part) for part in (x.start, x.stop, x.step)]
            return ":".join(parts[:2] if parts[2] == "" else parts)
        return self.text(x)

    def text(self, x: Any) -> str:
        """How something stands in the program."""
        if x.__class__ is Value:
            return self.name(x)
        if x.__class__ is Symbol:
            return self.symbols.get(x.text, x.text)
        if x.__class__ is tuple:
            return f"({', '.join(map(self.text, x))}{',' if len(x) == 1 else ''})"
        if x.__class__ is list:
            return f"[{', '.join(map(self.text, x))}]"
        if x is Ellipsis:
            return "..."
        if x.__class__ is slice:
            return f"slice({self.text(x.start)}, {self.text(x.stop)}, {self.text(x.step)})"
        if isinstance(x, float) and not np.isfinite(x):
            return f"-np.{abs(x)}" if x < 0 else f"np.{x}"
        if isinstance(x, np.dtype) and x.name in ("float32", "float64", "int64", "bool", "float16"):
            return f"np.{x.name}"
        if isinstance(x, type) and issubclass(x, np.generic):
            return f"np.{x.__name__}"
        if x is None or isinstance(x, (bool, int, float, str)) or isinstance(x, np.generic):
            return repr(x)
        return self.thing(x, type(x).__name__.lower())

    def _scalars(self, x: Any) -> list[str]:
        """Lines that compute the numbers that a call needs and that don't have a name yet."""
        if x.__class__ is Symbol:
            return self._scalar(x)
        if x.__class__ in (tuple, list):
            return [line for item in x for line in self._scalars(item)]
        if x.__class__ is dict:
            return [line for item in x.values() for line in self._scalars(item)]
        return []

    def _scalar(self, x: Symbol) -> list[str]:
        lines = []
        numbers = self.plan.recording.tape.numbers
        for word in re.findall(r"[A-Za-z_]\w*", x.text):
            if word in numbers and word not in self.symbols:
                self.symbols[word] = self.fresh(word)
                lines.append(f"{self.symbols[word]} = {self._source(numbers[word])}")
        if x.text not in self.symbols:
            text = re.sub(r"[A-Za-z_]\w*", lambda found: self.symbols.get(found[0], found[0]), x.text)
            self.symbols[x.text] = name = self.fresh("rate")
            lines.append(f"{name} = {text}")
        return lines

    def _source(self, source: str) -> str:
        """How the program gets at a number or array of an object: the object is brought in by its name."""
        name = re.match(r"\w+", source)
        assert name is not None
        own = self.plan.recording.objects[name[0]]
        return self.thing(own, name[0]) + source[name.end() :]

    # ---- the update ----

    def _write(self, op: Op) -> None:
        symbol, memories = op.args
        for text in self._scalars(symbol):
            self.line(text, op)
        name = self.thing(memories, "memories")
        self.line(f"for m in {name}:", op)
        self.line(f"    m[{op.name!r}] = {self.text(symbol)}", op)

    def _update(self, update: Update) -> None:
        self.first_change = self.first_change or len(self.lines)
        for group in update.together:
            self._together(group)
        for row, ops in update.blocks:
            self._blocks(row, ops)

    def _together(self, group: Together) -> None:
        for row, start in zip(group.rows, group.offsets, strict=False):
            if row.g.storage.kind == "gradient":  # from outside: copied to where the others are
                name, end = self.fresh(f"copy_of_{row.g.storage.name}"), start + row.p.array.size
                self.once.append(f"{name} = {self._flat(group, ('g',))}[{start}:{end}].reshape{row.p.array.shape}")
                self.line(f"np.copyto({name}, {self.name(row.g)})", group.ops[0][0])
        for k, op in enumerate(group.ops[0]):
            for text in self._scalars((op.args, op.options)):
                self.line(text, op)
            if any(v.storage is group.rows[0].p.storage for v in [*op.values(), *op.into]):
                for ops in group.ops:
                    self.line(self._call(ops[k], self.name(ops[k].into[0])), ops[k])
            else:
                self.line(self._flat_call(group, op), op)

    def _flat_call(self, group: Together, op: Op) -> str:
        roles = {v.storage: role for role, v in _roles_of(group.rows[0]).items()}
        args = [
            self._flat(group, roles[x.storage]) if x.__class__ is Value and x.storage in roles else self.text(x)
            for x in op.args
        ]
        options = [f"{key}={self.text(x)}" for key, x in op.options.items()]
        return f"{op.name}({', '.join([*args, *options, 'out=' + self._flat(group, roles[op.into[0].storage])])})"

    def _blocks(self, row: Row, ops: list[Op]) -> None:
        """The update of a large parameter, a block that fits the cache after the other."""
        for op in ops:
            for text in self._scalars((op.args, op.options)):
                self.line(text, op)
        roles = _roles_of(row)
        used = {v.storage for op in ops for v in [*op.values(), *op.into]}
        short = {role: value for role, value in roles.items() if value.storage in used}
        names = {value.storage: self.fresh(_SHORT.get(role[0], role[-1])) for role, value in short.items()}
        own = self.name(row.p)
        blocks = self.fresh(f"blocks_of_{own}")
        size = row.p.array.size
        outside = row.g.storage.kind == "gradient"  # then it is another array in each call
        first = self.fresh("i") if outside else ""
        flat = [
            "i"
            if v.storage.kind == "gradient"
            else f"{self._block(v)}[: min({BLOCK}, {size} - i)]"
            if v.storage.kind == "scratch"
            else f"{self.name(v)}.reshape(-1)[i : i + {BLOCK}]"
            for v in short.values()
        ]
        self.once.append(f"{blocks} = [({', '.join(flat)}) for i in range(0, {size}, {BLOCK})]")
        if outside:
            whole = self.fresh("whole_gradient")
            self.line(f"{whole} = {self.name(row.g)}.reshape(-1)", ops[0])
        taken = [first if v.storage.kind == "gradient" else names[v.storage] for v in short.values()]
        self.line(f"for {', '.join(taken)} in {blocks}:", ops[0])
        if outside:
            self.line(f"    {names[row.g.storage]} = {whole}[{first} : {first} + {BLOCK}]", ops[0])
        for op in ops:
            args = [names.get(x.storage, "") or self.text(x) if x.__class__ is Value else self.text(x) for x in op.args]
            options = [f"{key}={self.text(x)}" for key, x in op.options.items()]
            into = names[op.into[0].storage]
            self.line(f"    {op.name}({', '.join([*args, *options, f'out={into}'])})", op)

    def _block(self, value: Value) -> str:
        """The scratch array that serves all blocks, one for each of an update's two and each dtype."""
        key = (value.storage.role, value.array.dtype)
        if key not in self.names:
            self.names[key] = name = self.fresh(f"scratch_{value.storage.role[1]}")
            self.once.append(f"{name} = np.empty({BLOCK}, np.{value.array.dtype.name})")
        return self.names[key]

    # ---- the end ----

    def _end(self) -> None:
        self._within_errors(None)
        recording = self.plan.recording
        changed = [p for p, value in recording.parameters.items() if value.storage.changed]
        left = [(p, g) for p, g in self.plan.gradients]
        if changed or left or recording.assigned:
            self.line("")
            self.comment("what the step leaves behind")
        kept = {p for p, g in left if g is not None}
        none = tuple(p for p, g in left if g is None and p not in recording.cleared)
        if none:
            self.line(f"for p in {self.thing(none, 'without_gradient')}:")
            self.line("    p.grad = None")
        for p, g in left:
            if g is not None and p in kept and g.storage.kind != "gradient":
                copy = ".copy()" if g.storage.kind not in ("made",) or g.maker is not None else ""
                own = self.thing(p, f"{recording.names.get(id(p), 'leaf')}_tensor")
                self.scope["wrap"] = wrap
                self.line(f"{own}.grad = wrap({self.name(g)}{copy})")
        for holder, key, form in recording.assigned:
            own = self.thing(vars(holder) if hasattr(holder, "forward") else holder, type(holder).__name__.lower())
            self.line(f"{own}[{key!r}] = {self._form(form)}")
        if changed:
            self.scope["next_stamp"] = next_stamp
            self.line(f"for p in {self.thing(tuple(changed), 'updated')}:")
            self.line("    p.stamp = next_stamp()")
        self.line(f"return {self._form(recording.result)}")

    def _form(self, form: Any) -> str:
        kind, what, *rest = form if form.__class__ is tuple else ("dict", form)
        if kind == "tensor":
            self.scope["wrap"] = wrap
            return f"wrap({self._fresh_value(what)})"
        if kind == "array":
            return f"{self._fresh_value(what)}{'' if what.array.ndim else '[()]'}"
        if kind == "ndarray":
            return self._fresh_value(what) if what.array.ndim else f"np.asarray({self._fresh_value(what)})"
        if kind == "argument":
            return self.name(what)
        if kind == "number":
            return f"{self.text(what)}.item()" if what.__class__ is Value else self.text(what)
        if kind == "float":
            return f"float({self.text(what)})"
        if kind == "copy":
            return f"{self.thing(what, 'constant')}.copy()"
        if kind == "items":
            items = ", ".join(map(self._form, rest[0]))
            if what is list:
                return f"[{items}]"
            made = f"({items}{',' if len(rest[0]) == 1 else ''})"
            return made if what is tuple else f"{self.thing(what, what.__name__)}._make({made})"
        if kind == "dict":
            return "{" + ", ".join(f"{self.text(k)}: {self._form(f)}" for k, f in what.items()) + "}"
        return self.text(what)

    def _fresh_value(self, value: Value) -> str:
        """An array that the caller may keep and change."""
        own = value.storage.kind == "made"
        return self.name(value) + ("" if own else '.copy("K")')


_SHORT = {"p": "p", "g": "g"}
_SIGNS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.less: "<", np.less_equal: "<=",
          np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!="}  # fmt: skip
_ALIKE = {*_SIGNS, np.maximum, np.minimum, np.power}  # whose operands are of one dtype
_NUMBERS = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half", -1.0: "minus_one"}


def _roles_of(row: Row) -> dict[tuple[Any, ...], Value]:
    named = {("state", name): value for name, value in row.state.items()}
    return {("p",): row.p, ("g",): row.g, **named, ("scratch", "a"): row.scratch[0], ("scratch", "b"): row.scratch[1]}


def _arrays(xs: list[Any]) -> list[Value]:
    return [x for x in xs if x.__class__ is Value]


def _has_symbols(x: Any) -> bool:
    if x.__class__ in (tuple, list):
        return any(map(_has_symbols, x))
    if x.__class__ is dict:
        return any(map(_has_symbols, x.values()))
    return x.__class__ is Symbol


def _of_numpy(name: str) -> Any:
    found: Any = np
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found
