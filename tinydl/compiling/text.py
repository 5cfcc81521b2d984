"""The program as text: what is made once, then a function that does the step, line by line, with comments.

`Text` is a pretty printer of a Plan. Each call of the plan is a line; what is kept is written to by out=, and views of
it are made once. Read program.py next, which runs it.
"""

from __future__ import annotations

from typing import Any

from ..derivatives.elementwise import masked
from ..derivatives.normalising import root_mean_square, without_mean
from ..engine.tensor import next_stamp, wrap
from .phrases import Phrases
from .plan import ALIGNED, GIVEN, Plan
from .settings import Row
from .tape import Op, Symbol, Value
from .updates import BLOCK, Together, Update, roles_of


class Text(Phrases):
    """The source of a program, and what its names stand for."""

    def __init__(self, plan: Plan, arguments: list[str], title: str) -> None:
        super().__init__(plan, arguments, title)
        self.title = title
        self.each = self.fresh("p")  # in loops
        self.lines: list[str] = []
        self.first_change = -1  # how many lines run before what the caller can see is changed in place; −1: none is yet
        self.checks_late = False  # whether it can turn out after that that the program can't go on
        self.errors: tuple[Any, ...] = ()
        self._note = ""
        self._steps = iter(plan.recording.optimizers)
        self._used = {v for op in plan.ops for v in [*op.values(), *op.into]} | set(plan.results)
        self._make()

    # ---- the program ----

    def _make(self) -> None:
        for op in self.plan.ops:
            if op not in self.plan.updates.handled:
                self._op(op)
        self._end()
        if self.bytes:
            begin = f"memory = memory[-memory.ctypes.data % {ALIGNED} :]  # from a multiple of {ALIGNED} on: quicker"
            self.once[:0] = [f"memory = np.empty({self.bytes + ALIGNED}, np.uint8)", begin]
        top = [
            line
            for title, lines in (
                ("constants", self.constants),
                ("made once, and written anew at each call", self.once),
                ("views of these, and of what is given", self.views),
            )
            if lines
            for line in (f"# {title}", *lines, "")
        ]
        given = self.given(self.lines)
        head = [*given, *([""] if given else []), *top, f"def {self.title}({', '.join(self.arguments)}):", *self.loads]
        self._changes()  # or nothing has
        self.first_change += len(head)
        self.source = "\n".join([*head, *self.lines, ""])

    def line(self, text: str) -> None:
        """One line of the function."""
        indent = "        " if self.errors else "    "
        remarks, self.remarks = self.remarks, []
        self.lines += [f"{indent}# {remark}" for remark in remarks]
        self.lines.append(indent + text if text else "")

    def _changes(self) -> None:
        """What follows changes what the caller can see."""
        if self.first_change < 0:
            self.first_change = len(self.lines)

    def comment(self, text: str) -> None:
        """A comment on what follows."""
        self.line(f"# {text}")

    def _op(self, op: Op) -> None:
        self.checks_late = self.checks_late or (self.first_change >= 0 and _can_fail(op))
        if any(v.storage.kind in GIVEN for v in op.into) or op.kind == "write":
            self._changes()
        if op.kind == "note":
            self._section(op)
        elif op.kind == "forget":
            if op.args:
                name = self.fresh("parameters")
                self.scope[name] = op.args
                self.line(f"for {self.each} in {name}:  # as the optimizer's zero_grad does")
                self.line(f"    {self.each}.grad = None")
        elif op.kind == "write":
            self._write(op)
        elif op.kind == "view" and all(self._once(v) or v not in self._used for v in _arrays(op.outputs)):
            pass  # made once, or where it is used
        else:
            self._remark(op)
            self._within_errors(op)
            self._statement(op)

    def _section(self, op: Op) -> None:
        self._within_errors(None)
        if op.name == "stepped":
            self._update(self.plan.updates.of[next(self._steps)])
            return
        if op.note:
            self.line("")
            self.comment(op.note)

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
            self.line(text)
        if op.kind == "decide":
            call = self._call(op) if op.name != "bool" else self.text(op.args[0])
            self.line(f"if {'not ' if op.outputs[0] else ''}{call}: run_the_function()")
        elif op.kind == "set":
            target, index, item = op.args
            self.line(f"{self.text(target)}[{self._index(index)}] = {self.text(item)}")
        elif op.kind == "like":
            self._like(op)
        elif op.into and op.kind in ("ufunc", "reduce", "function") and op.outputs:
            into = ", ".join(self.name(v) for v in op.into)
            self.line(self._call(op, into if len(op.into) == 1 else f"({into})"))
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
            self.line(f"np.copyto({name}, {self.text(op.args[0])}{casting})")
        else:
            old = self.plan.heirs.get(value.storage)
            self.line(self._call(op, name) + (f"  # over {self.storage(old)}" if old is not None else ""))

    def _like(self, op: Op) -> None:
        (fill,), value = op.args, op.outputs[0]
        if self._is_kept(value, op):
            if fill is not None:
                self.line(f"{self.name(value)}.fill({fill})")
            else:
                self.name(value)
            return
        array = value.array
        made = {None: "empty", 0: "zeros", 1: "ones"}[fill]
        self.line(f"{self.name(value)} = np.{made}({array.shape}, {self.text(array.dtype)})")

    def _assignment(self, op: Op) -> None:
        outputs = op.outputs
        call = f"np.intp({self._call(op)})" if op.plain else self._call(op)
        names, checks = [], []
        for x in outputs:
            if x.__class__ is Value:
                known = any(x is v for v in op.values())  # what goes in as it comes out keeps its name
                names.append(self.fresh(f"{self.name(x)}_checked") if known else self.name(x))
                if op.many and op.effect:
                    checks.append(f"{names[-1]} is None")
            elif x.__class__ is Symbol:
                self.symbols[x.text] = name = self.fresh(x.text)
                names.append(name)
            else:
                names.append(name := self.fresh("flag"))
                alike = f"is not {x!r}" if x is None or isinstance(x, bool) else f"!= {self.text(x)}"
                checks.append(f"{name} {alike}")
        if not outputs or (len(outputs) == 1 and outputs[0] is None and op.effect):
            self.line(call)
            return
        storage = outputs[0].storage if len(outputs) == 1 and outputs[0].__class__ is Value else None
        if storage is not None and storage.changed and not storage.array.ndim:  # as a number it couldn't be changed
            empty = f"np.empty((), np.{storage.array.dtype.name})"
            call = self._call(op, empty) if op.kind in ("ufunc", "reduce") else f"np.array({call})"
        self.line(f"{', '.join(names)}{',' if op.many and len(names) == 1 else ''} = {call}")
        if op.sized:
            checks += [f"{self.name(x)}.shape != {x.array.shape}" for x in outputs if x.__class__ is Value]
        if checks:
            self.line(f"if {' or '.join(checks)}: run_the_function()")

    # ---- the update ----

    def _write(self, op: Op) -> None:
        symbol, memories = op.args
        for text in self._scalars(symbol):
            self.line(text)
        name = self.thing(memories, "states")
        own = self.fresh("state")
        self.line(f"for {own} in {name}:  # one for each parameter")
        self.line(f"    {own}[{op.name!r}] = {self.text(symbol)}")

    def _update(self, update: Update) -> None:
        self._changes()
        for group in update.together:
            self._together(group)
        for row, ops in update.blocks:
            self._blocks(row, ops)

    def _together(self, group: Together) -> None:
        for row, start in zip(group.rows, group.offsets, strict=False):
            if row.g.storage.kind == "gradient":  # from outside: copied to where the others are
                name, end = self.fresh(f"copy_of_{row.g.storage.name}"), start + row.p.array.size
                shape = row.p.array.shape or "(())"
                self.once.append(f"{name} = {self._flat(group, ('g',))}[{start}:{end}].reshape{shape}")
                self.line(f"np.copyto({name}, {self.name(row.g)})")
        for k, op in enumerate(group.ops[0]):
            for text in self._scalars((op.args, op.options)):
                self.line(text)
            if any(v.storage is group.rows[0].p.storage for v in [*op.values(), *op.into]):
                for ops in group.ops:
                    self.line(self._call(ops[k], self.name(ops[k].into[0])))
            else:
                self.line(self._flat_call(group, op))

    def _flat_call(self, group: Together, op: Op) -> str:
        roles = {v.storage: role for role, v in roles_of(group.rows[0]).items()}
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
                self.line(text)
        roles = roles_of(row)
        used = {row.g.storage, *(v.storage for op in ops for v in [*op.values(), *op.into])}
        short = {role: value for role, value in roles.items() if value.storage in used}
        names = {value.storage: self.fresh(_SHORT.get(role[0], role[-1])) for role, value in short.items()}
        if row.scratch[0].storage in self.plan.updates.spent and row.g.storage.kind != "gradient":
            names[row.scratch[0].storage] = names[row.g.storage]
            short.pop(("scratch", "a"), None)
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
        self.views.append(f"{blocks} = [({', '.join(flat)}) for i in range(0, {size}, {BLOCK})]")
        if outside:
            whole = self.fresh("whole_gradient")
            self.line(f"{whole} = {self.name(row.g)}.reshape(-1)")
        taken = [first if v.storage.kind == "gradient" else names[v.storage] for v in short.values()]
        self.line(f"for {', '.join(taken)} in {blocks}:")
        if outside:
            self.line(f"    {names[row.g.storage]} = {whole}[{first} : {first} + {BLOCK}]")
        for op in ops:
            args = [names.get(x.storage, "") or self.text(x) if x.__class__ is Value else self.text(x) for x in op.args]
            options = [f"{key}={self.text(x)}" for key, x in op.options.items()]
            into = names[op.into[0].storage]
            self.line(f"    {op.name}({', '.join([*args, *options, f'out={into}'])})")

    def _block(self, value: Value) -> str:
        """The scratch array that serves all blocks, one for each of an update's two and each dtype."""
        key = (value.storage.role, value.array.dtype)
        if key not in self.names:
            self.names[key] = name = self.fresh(f"scratch_{value.storage.role[1]}")
            self.keep(name, BLOCK, value.array.dtype)
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
            self.line(f"for {self.each} in {self.thing(none, 'without_gradient')}:")
            self.line(f"    {self.each}.grad = None")
        for p, g in left:
            if g is not None and p in kept and g.storage.kind != "gradient":
                is_ours = g.storage.kind == "made" and g.maker is None and g.storage not in self.plan.returned
                copy = "" if is_ours else ".copy()"
                own = self.thing(p, f"{recording.names.get(id(p), 'leaf')}_tensor")
                self.scope["as_tensor"] = wrap
                self.line(f"{own}.grad = as_tensor({self.name(g)}{copy})")
        for holder, key, form in recording.assigned:
            own = self.thing(vars(holder) if hasattr(holder, "forward") else holder, type(holder).__name__.lower())
            self.line(f"{own}[{key!r}] = {self._form(form)}")
        if any(g is None and p in recording.cleared & recording.consumed for p, g in left):
            self.comment(".grad is left None: used up by the update, cleared by the next call (unless keep_grads=True)")
        if changed:
            self.scope["next_stamp"] = next_stamp
            self.line(f"for {self.each} in {self.thing(tuple(changed), 'updated')}:  # so that older graphs notice")
            self.line(f"    {self.each}.stamp = next_stamp()")
        self.line(f"return {self._form(recording.result)}")

    def _form(self, form: Any) -> str:
        kind, what, *rest = form if form.__class__ is tuple else ("dict", form)
        if kind == "tensor":
            self.scope["as_tensor"] = wrap
            return f"as_tensor({self._fresh_value(what)})"
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


def _can_fail(op: Op) -> bool:
    """Whether it depends on numbers whether the program can go on after it."""
    if op.sized or op.errors or op.kind in ("decide", "set", "at"):
        return True
    if op.kind == "call":
        return op.function not in (masked, root_mean_square, without_mean)
    return op.kind in ("function", "method") and ("linalg" in op.name or op.name.rpartition(".")[2] in _CAN_FAIL)


_CAN_FAIL = {"[]", "take", "take_along_axis", "put_along_axis", "choose", "bincount", "repeat", "digitize"}
_SHORT = {"p": "p", "g": "g"}


def _arrays(xs: list[Any]) -> list[Value]:
    return [x for x in xs if x.__class__ is Value]
