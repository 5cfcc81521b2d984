"""Steps as the lines of a function, written as a hand would write them.

What is used once stands where it is used, as long as a line can take it; arrays that aren't needed any more give their
names to new ones, so that a chain of layers is one of ``h = …``. Read standalone.py next.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from .steps import RESERVED, Filled, Part, Ref, Rows, Step, Steps, references

WIDTH = 120
_LONG = 92  # characters of a statement, beyond which a part of it gets a line of its own
_PART = 72  # and of such a part
_INNER = "abcdefgpqrstuvwyz"  # names of arrays within a layer
_OPERATORS = {"matmul": ("@", 7.5), "multiply": ("*", 7), "divide": ("/", 7), "add": ("+", 6), "subtract": ("-", 6),
              "bitwise_and": ("&", 4), "bitwise_xor": ("^", 3), "bitwise_or": ("|", 2), "less": ("<", 1),
              "less_equal": ("<=", 1), "greater": (">", 1), "greater_equal": (">=", 1), "equal": ("==", 1),
              "not_equal": ("!=", 1)}  # fmt: skip
_SIGNS = {"negative": "-", "invert": "~"}
_REDUCTIONS = {"np.add.reduce": "sum", "np.maximum.reduce": "max", "np.minimum.reduce": "min"}
_ATOM, _UNARY, _NOTHING = 10, 8, -1


class Text(NamedTuple):
    """An expression: its text, how strongly it holds together, and the arrays whose names stand in it."""

    text: str
    strength: float = _ATOM
    uses: tuple[Ref, ...] = ()

    def within(self, strength: float) -> str:
        """It as an operand of an operator."""
        return self.text if self.strength >= strength else f"({self.text})"


class Lines:
    """The lines of a function of x that does the steps. `function_name` says what a function is called there."""

    def __init__(self, steps: Steps, function_name: Callable[[Any, str], str]) -> None:
        self.steps, self.function_name = steps.steps, function_name
        self.lines: list[str] = []
        self.counts_rows = False
        self.taken = {*RESERVED, *steps.arrays}
        self.names: dict[Ref, str] = {Ref(name): name for name in ("x", *steps.arrays)}
        self.left = Counter(r for s in self.steps for r in references((s.args, s.options, s.into)))
        self.left[steps.result] += 1
        self.users: dict[Ref, list[Step | None]] = {steps.result: [None]}
        for step in self.steps:
            for r in references((step.args, step.options, step.into)):
                self.users.setdefault(r, []).append(step)
        self.parts: dict[Ref, Text] = {}  # what will stand in the line of another
        self.scope = ""
        self.errors: Any = ()
        for i, step in enumerate(self.steps):
            self._add(i, step)
        self._enter("", ())
        self.lines.append(f"return {self.read(steps.result).text}")

    # ---- lines ----

    def line(self, text: str) -> None:
        """One more, in the block of warnings that is open."""
        indent = 4 if self.errors else 0
        self.lines += [" " * indent + part for part in folded(text, WIDTH - 4 - indent)]

    def _within(self, scope: str) -> None:
        """Name the layer from which the next lines are."""
        if scope and scope != self.scope:
            self.errors = ()
            self.line(f"# {scope}")
            self.scope = scope

    def _enter(self, scope: str, errors: Any) -> None:
        self._within(scope)
        if errors != self.errors:
            self.errors = ()
            if errors:
                self.line(f"with np.errstate({', '.join(f'{key}={quoted(how)}' for key, how in errors)}):")
            self.errors = errors

    def _add(self, i: int, step: Step) -> None:
        """A line of its own, or a part of another one."""
        users = self.users.get(Ref(i), [])
        used_here = len(users) == 1 and users[0] is not None and users[0].scope == step.scope
        if not step.fixed and (used_here or _is_light(step)):
            self._within(step.scope)
            made = self._shortened(self.expression(step), step, 0)
            if len(made.text) <= _PART:
                self.parts[Ref(i)] = made
                return
        self._statement(i, step)

    def _statement(self, i: int, step: Step) -> None:
        self._within(step.scope)
        made = self._shortened(self.expression(step), step, len("h = "))
        self._enter(step.scope, step.errors)
        if step.kind == "decide":
            self._decision(step, made)
            return
        if step.kind == "set":
            target, index, item = step.args
            parts = [self.read(target), self.index(index), self.read(item)]
            self._done(f"{parts[0].within(_ATOM)}[{parts[1].text}] = {parts[2].text}", parts)
            return
        if step.into or not step.outputs:
            self._done(made.text, [made])
            return
        self._spend(made)
        names = [self._name(Ref(i, k), step) for k in range(step.outputs)]
        target = names[0] if step.outputs == 1 else ", ".join(names)
        self.line(f"{target} = {made.text}")

    def _decision(self, step: Step, condition: Text) -> None:
        self._spend(condition)
        text = f"not {condition.within(1)}" if step.truth else condition.text
        said = "for such numbers the model does something else than what was written down; ask it with tl.predict"
        self.line(f"if {text}:")
        self.line(f'    raise ValueError("{said}")')

    def _done(self, text: str, parts: list[Text]) -> None:
        for part in parts:
            self._spend(part)
        self.line(text)

    def _spend(self, made: Text) -> None:
        for r in made.uses:
            self.left[r] -= 1
            if not self.left[r] and isinstance(r.step, int):
                del self.names[r]

    def _name(self, ref: Ref, step: Step) -> str:
        """A name for what a step makes, one that nothing else needs any more."""
        users = self.users.get(ref, [])
        passed_on = any(user is None or user.scope != step.scope for user in users)
        busy = {name for r, name in self.names.items() if isinstance(r.step, str) or self.left[r]}
        pool = ["h"] if passed_on else list(_INNER)
        numbered = (f"{pool[0]}_{k}" for k in range(2, 10**6))
        name = next(name for names in (pool, numbered) for name in names if name not in busy and name not in self.taken)
        self.names[ref] = name
        return name

    # ---- expressions ----

    def read(self, x: Any) -> Text:
        """How something that a step takes stands in its line."""
        if x.__class__ is Ref:
            return self.parts[x] if x in self.parts else Text(self.names[x], _ATOM, (x,))
        return self.value(x)

    def _shortened(self, made: Text, step: Step, before: int) -> Text:
        """The same with its longest parts on lines of their own, until it isn't too long."""
        while 4 * bool(step.errors) + before + len(made.text) > _LONG:
            parts = [r for r in references((step.args, step.options)) if r in self.parts and not self._is_light(r)]
            longest = max(parts, key=lambda r: len(self.parts[r].text), default=None)
            if longest is None or len(self.parts[longest].text) < 12:
                break
            part = self.parts.pop(longest)
            self._spend(part)
            self._enter(step.scope, ())
            assert isinstance(longest.step, int)
            self.line(f"{self._name(longest, self.steps[longest.step])} = {part.text}")
            made = self.expression(step)
        return made

    def _is_light(self, ref: Ref) -> bool:
        return isinstance(ref.step, int) and _is_light(self.steps[ref.step])

    def expression(self, step: Step) -> Text:
        """What a step computes."""
        name, args = step.name, step.args
        if step.kind == "make":
            return self.filled(args[0])
        if step.kind == "decide" and name == "bool":
            return self.read(args[0])
        if step.kind == "set":
            return Text("")
        short = name.removeprefix("np.")
        if step.kind == "ufunc" and not step.into and step.operators and not step.options:
            if short in _OPERATORS and len(args) == 2:
                return self._operation(*_OPERATORS[short], self.read(args[0]), self.read(args[1]))
            if short in _SIGNS and not (x := self.read(args[0])).text.startswith(_SIGNS[short]):
                return Text(f"{_SIGNS[short]}{x.within(_UNARY + 1)}", _UNARY, x.uses)
        if name == "[]":
            x, index = self.read(args[0]), self.index(args[1])
            return Text(f"{x.within(_ATOM)}[{index.text}]", _ATOM, x.uses + index.uses)
        if name in (".T", ".mT") or (name == "np.transpose" and args[1:] in ((), (None,)) and not step.options):
            x = self.read(args[0])
            return Text(f"{x.within(_ATOM)}{'.mT' if name == '.mT' else '.T'}", _ATOM, x.uses)
        if (as_method := _as_method(step)) is not None:
            this, method, others, options = as_method
            x, call = self.read(this), self._arguments(others, options, ())
            return Text(f"{x.within(_ATOM)}.{method}({call.text})", _ATOM, x.uses + call.uses)
        call = self._arguments(args, step.options, step.into)
        return Text(f"{self._called(step)}({call.text})", _ATOM, call.uses)

    @staticmethod
    def _operation(sign: str, strength: float, a: Text, b: Text) -> Text:
        left = strength if strength > 1 else 2  # a < b < c is something else
        return Text(f"{a.within(left)} {sign} {b.within(strength + 1)}", strength, a.uses + b.uses)

    def _called(self, step: Step) -> str:
        if step.kind == "at":
            return step.name
        if step.kind == "call" or not step.name.startswith("np."):
            return self.function_name(step.function, step.name)
        if step.name == "np.absolute":
            return "np.abs"
        return step.name if numpys(step.name) is step.function else self.function_name(step.function, step.name)

    def _arguments(self, args: Iterable[Any], options: dict[str, Any], into: tuple[Ref, ...]) -> Text:
        parts = [("", self.read(x)) for x in args] + [(f"{key}=", self.read(x)) for key, x in options.items()]
        if into:
            parts.append(("out=", self.read(into[0] if len(into) == 1 else into)))
        return Text(", ".join(key + part.text for key, part in parts), _NOTHING, _uses(part for _, part in parts))

    def index(self, x: Any) -> Text:
        """What stands in brackets."""
        if x.__class__ is tuple and x:
            parts = [self._index_part(item) for item in x]
            return Text(", ".join(p.text for p in parts) + "," * (len(x) == 1), _NOTHING, _uses(parts))
        return self._index_part(x)

    def _index_part(self, x: Any) -> Text:
        if x.__class__ is not Part:
            return self.read(x)
        parts = [None if item is None else self.read(item) for item in (x.start, x.stop, x.step)]
        return Text(sliced([None if p is None else p.text for p in parts]), _NOTHING, _uses(p for p in parts if p))

    def value(self, x: Any) -> Text:
        """What is no array."""
        kind = x.__class__
        if kind is Rows:
            return self._rows(x)
        if kind is Filled:
            return self.filled(x)
        if kind in (tuple, list):
            parts = [self.read(item) for item in x]
            text = ", ".join(p.text for p in parts)
            text = f"[{text}]" if kind is list else f"({text}{',' * (len(x) == 1)})"
            return Text(text, _ATOM, _uses(parts))
        if kind is Part:
            inner = ", ".join(self.read(item).text for item in x)
            return Text(f"slice({inner})")
        if x is Ellipsis:
            return Text("...")
        if kind is str:
            return Text(quoted(x))
        if isinstance(x, (np.dtype, type)):
            return Text(dtype_text(x))
        if isinstance(x, float) and not np.isfinite(x):
            return Text("np.nan" if np.isnan(x) else "np.inf" if x > 0 else "-np.inf", _ATOM if x > 0 else _UNARY)
        if x is None or isinstance(x, (bool, int, float, np.generic)):
            return Text(repr(x), _UNARY if repr(x).startswith("-") else _ATOM)
        return Text(self.function_name(x, getattr(x, "__name__", type(x).__name__)))

    def _rows(self, x: Rows) -> Text:
        self.counts_rows = True
        text, strength = ("n", _ATOM) if x.times == 1 else (f"{x.times} * n", 7)
        if x.plus:
            return Text(f"{text} {'+' if x.plus > 0 else '-'} {abs(x.plus)}", 6)
        return Text(text, strength)

    def filled(self, x: Filled) -> Text:
        """An array of one number."""
        if x.number == "range":
            return Text(f"np.arange({self.read(x.shape[0]).text})")
        shape = self.read(x.shape if len(x.shape) != 1 else x.shape[0]).text
        dtype = dtype_text(x.dtype)
        plain = {None: "empty", 0: "zeros", 1: "ones"}.get(x.number)
        if plain is None or str(x.number).startswith("-"):  # -0.0 is no 0
            return Text(f"np.full({shape}, {self.read(x.number).text}, {dtype})")
        return Text(f"np.{plain}({shape}, {dtype})")


def _as_method(step: Step) -> Any:
    """(array, method, arguments, options) of what is shorter as a method of its first argument."""
    name, (this, *others), options = step.name, step.args or (None,), step.options
    if name in _REDUCTIONS and len(others) < 3 and "where" not in options:
        axis, dtype = [*others, None, None][:2] if others else (options.get("axis", 0), options.get("dtype"))
        given = {"axis": axis, **({} if dtype is None else {"dtype": dtype})}
        return this, _REDUCTIONS[name], (), {**given, **{k: x for k, x in options.items() if k not in given}}
    if name == "np.reshape" and len(others) in (1, 2) and others[1:] in ([], ["C"]) and not options:
        shape = others[0] if isinstance(others[0], (tuple, list)) and others[0].__class__ is not Rows else (others[0],)
        return this, "reshape", tuple(shape), {}
    if name == ".reshape" and len(others) == 1 and others[0].__class__ in (tuple, list):
        return this, "reshape", tuple(others[0]), options
    if name.startswith(".") and step.kind in ("method", "view"):
        return this, name[1:], others, options
    return None


def _is_light(step: Step) -> bool:
    """Whether a step costs nothing and is short, so that it may stand in several places."""
    of_given = step.args and step.args[0].__class__ is Ref and isinstance(step.args[0].step, str)
    return step.kind == "view" and not step.fixed and of_given and step.args[0] != Ref("x") and step.outputs == 1


def _uses(parts: Iterable[Any]) -> tuple[Ref, ...]:
    return tuple(r for part in parts for r in part.uses)


def sliced(parts: list[str | None]) -> str:
    """start:stop:step as formatters have it: with spaces around a colon where an end is more than a name."""
    shown = parts[:2] if parts[2] is None else parts
    gap = " " if any(p and not p.lstrip("-").replace("_", "").isalnum() for p in shown) else ""
    return f"{gap}:{gap}".join(p or "" for p in shown).strip()


def quoted(text: str) -> str:
    """A string in double quotes."""
    return json.dumps(text, ensure_ascii=False) if "\\" not in text and '"' not in text else repr(text)


def dtype_text(x: Any) -> str:
    """A dtype, or a type that stands for one."""
    if x in (float, int, bool) and isinstance(x, type):
        return str(x.__name__)
    return f"np.{np.dtype(x).name}" if np.dtype(x).name != "bool" else "np.bool_"


def numpys(name: str) -> Any:
    """What NumPy has under a dotted name; None if nothing."""
    found: Any = np
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found


def folded(line: str, width: int) -> list[str]:
    """A line, or several where it is too long: the arguments of its last call below each other."""
    if len(line) <= width or line.lstrip().startswith("#"):
        return [line]
    start = _bracket(line)
    if start is None:
        return [line]
    indent = len(line) - len(line.lstrip())
    head, inner, tail = line[: start + 1], line[start + 1 : -1], line[-1]
    if indent + 4 + len(inner) <= width and line[start] == "(":
        return [head, " " * (indent + 4) + inner, " " * indent + tail]
    parts = [" " * (indent + 4) + part + "," for part in _split(inner)]
    return [head, *(piece for part in parts for piece in _folded_part(part, width)), " " * indent + tail]


def _folded_part(part: str, width: int) -> list[str]:
    if len(part) <= width:
        return [part]
    *first, last = folded(part[:-1], width)
    return [*first, last + ","]


def _bracket(line: str) -> int | None:
    """Where the bracket opens that the line's last character closes."""
    if line[-1] not in ")]":
        return None
    depth = 0
    for i in reversed(range(len(line))):
        depth += (line[i] in ")]") - (line[i] in "([")
        if not depth:
            return i
    return None


def _split(inner: str) -> list[str]:
    parts, depth, start = [], 0, 0
    for i, c in enumerate(inner):
        depth += (c in "([") - (c in ")]")
        if c == "," and not depth:
            parts.append(inner[start:i].strip())
            start = i + 1
    return [*parts, inner[start:].strip()] if inner[start:].strip() else parts
