"""How things stand in a program: names of arrays, what is made once, calls as text.

`Phrases` knows what each value of a Plan is called, and brings in what the program needs from outside. Read text.py
next, whose statements are made of these.
"""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
import textwrap
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.tensor import Tensor
from ..nn.module import Module
from ..optim.optimizer import Optimizer
from .plan import Plan, rounded
from .tape import Op, Storage, Symbol, Value, has_symbols
from .updates import Together

_VIEWS = {".T": "T", ".mT": "mT", ".reshape": "shaped", ".transpose": "turned", ".swapaxes": "turned", "[]": "part",
          ".ravel": "flat", ".squeeze": "squeezed", ".view": "bits"}  # fmt: skip


class Phrases:
    """The names of a program, the lines that make what is made once, and those that fetch what objects hold."""

    def __init__(self, plan: Plan, arguments: list[str], title: str) -> None:
        self.plan, self.arguments = plan, arguments
        self.bytes = plan.bytes  # of all arrays that are kept
        self.scope: dict[str, Any] = {"np": np}
        self.names: dict[Any, str] = {}
        self.constants: list[str] = []  # lines that make what is made once: these,
        self.once: list[str] = []  # kept arrays,
        self.views: list[str] = []  # and views of them and of what is given
        self.loads: list[str] = []
        self.remarks: list[str] = []  # what is to be said above the next line
        self.symbols: dict[str, str] = {}
        self._taken = {*RESERVED, title, *keyword.kwlist, *dir(builtins), *arguments}
        for value, name in zip(plan.recording.arguments, arguments, strict=True):
            self.names.setdefault(value.storage, name)

    # ---- names ----

    def fresh(self, wanted: str) -> str:
        """A name that nothing else has."""
        base = re.sub(r"[^A-Za-z0-9_]", "_", wanted).strip("_") or "value"
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
            own = self.storage(value.storage)
            if value.alias and value.storage in self.plan.places:
                own, kept = self.fresh(value.alias), own
                self.once.append(f"{own} = {kept}")
                self.remarks.append(f"from here on {kept} is called {own}")
                self.names[value] = own
            return own
        name = self.names[value] = self._view(value)
        return name

    def storage(self, storage: Storage) -> str:
        """The name of a whole array; where it is a constant or given from outside, it is brought in."""
        if storage in self.names:
            return self.names[storage]
        array = storage.array
        single = storage.kind == "constant" and not array.ndim and not storage.changed
        if single and array.dtype.kind in "fiub" and np.isfinite(array):
            self.names[storage] = name = self._number(array.item(), array.dtype)
            return name
        if storage.kind == "constant":
            content = array.tobytes() if array.nbytes <= _SMALL else id(array)
            key = ("constant", array.shape, array.strides, array.dtype, content)
            if key not in self.names:
                self.names[key] = self.fresh("rows" if _is_range(array) else storage.name or "constant")
                self._constant(self.names[key], array)
            self.names[storage] = self.names[key]
            return self.names[key]
        name = self.names[storage] = self.fresh(storage.name or self._by_what_made(storage))
        if storage.kind in ("parameter", "state"):
            self.scope[name] = array
        elif storage.source:
            self.loads.append(f"    {name} = {self._source(storage.source)}")
        elif storage in self.plan.updates.flat:
            group, role, start = self.plan.updates.flat[storage]
            flat = self._flat(group, role)
            shape = f".reshape{array.shape or '(())'}" if array.ndim != 1 else ""
            self.once.append(f"{name} = {flat}[{start}:{start + array.size}]{shape}")
        elif storage in self.plan.places:
            place = self.plan.places[storage]
            more = "" if array.flags.c_contiguous else f", strides={array.strides}"
            offset = f"offset={place.start}{more}"
            self.once.append(f"{name} = np.ndarray({array.shape}, np.{array.dtype.name}, memory, {offset})")
        return name

    @staticmethod
    def _by_what_made(storage: Storage) -> str:
        """A name for what no formula names: the function that made it."""
        op = storage.maker
        if op is None:
            return "scratch"
        if op.function in _OF_0 and _is_0(op.args[-1]):
            return _OF_0[op.function]
        name = op.name.removeprefix("np.").strip(".[]_") or "picked"
        return _MADE.get(name, name.rpartition("_" if op.kind == "call" else ".")[2])

    def _constant(self, name: str, array: Array) -> None:
        """Bring in an array that is the same at each call: by its text, if that is short."""
        if _is_range(array):
            self.constants.append(f"{name} = np.arange({len(array)})")
        elif (
            0 < array.size <= 8
            and array.dtype.kind in "fiub"
            and array.dtype.isnative
            and np.isfinite(array).all()
            and array.flags.c_contiguous
        ):
            self.constants.append(f"{name} = np.array({array.tolist()}, np.{array.dtype.name})")
        else:
            self.scope[name] = array

    def given(self, lines: list[str]) -> list[str]:
        """Comments on these lines: what they are for, what they are given, and what their helpers do."""
        inputs = [_shown(self.text(v), v.array) for v in dict.fromkeys(self.plan.recording.arguments)]
        arrays = [_shown(name, x) for name, x in self.scope.items() if isinstance(x, np.ndarray)]
        objects = [name for name, x in self.scope.items() if isinstance(x, (Optimizer, Module))]
        lists = [name for name, x in self.scope.items() if x.__class__ is tuple and x[0].__class__ is Tensor]
        kept = {id(row.memory) for step in self.plan.recording.optimizers for row in step.rows}
        memories = [name for name, x in self.scope.items() if id(x[0] if x.__class__ is tuple else x) in kept]
        text = "\n".join(lines)
        helpers = [name for name in _HELPERS if name in text]
        said = [f"for {'; '.join(inputs)}"] if inputs else []
        said += [f"given: {'; '.join(arrays + objects)}"] if arrays or objects else []
        said += [f"{', '.join(lists)}: lists of Tensors, whose arrays are those above"] if lists else []
        said += [f"{', '.join(memories)}: what the optimizer keeps for a parameter, or for each"] if memories else []
        said += [
            "checked before each call: types, shapes and addresses of all these, and settings that stand here as "
            "numbers; if one is another than when this was recorded, another program is"
        ]
        said += [f"{name.strip('_#, ')}: {_HELPERS[name]}" for name in helpers]
        return [f"# {part}" for line in said for part in textwrap.wrap(line, 110, subsequent_indent="  ")]

    def _flat(self, group: Together, role: tuple[Any, ...]) -> str:
        if group.spent and role == ("scratch", "a"):
            role = ("g",)
        key = (id(group), role)
        if key not in self.names:
            wanted = {"g": "gradients", "scratch": "scratch"}.get(role[0], f"all_{role[-1]}")
            self.names[key] = name = self.fresh(wanted)
            array = group.flats[role]
            if role[0] == "state":
                self.scope[name] = array
            else:
                self.keep(name, array.size, array.dtype)
        return self.names[key]

    def keep(self, name: str, size: int, dtype: np.dtype[Any]) -> None:
        """Let an array that nothing else lies over have its place in the memory."""
        self.once.append(f"{name} = np.ndarray({size}, np.{dtype.name}, memory, offset={self.bytes})")
        self.bytes += rounded(size * dtype.itemsize)

    def _view(self, value: Value) -> str:
        """A view: made once where what it is a view of stays where it is."""
        op = value.maker
        assert op is not None
        base = self.text(op.args[0]) if op.args and op.args[0].__class__ is Value else self.storage(value.storage)
        form = _VIEWS.get(op.name, "view")
        name = self.fresh(f"{base}_{'flat' if form == 'shaped' and value.array.ndim == 1 else form}")
        self.names[value] = name
        if self._once(value):
            self.views.append(f"{name} = {self._call(op)}")
        return name

    def _once(self, value: Value) -> bool:
        op = value.maker
        if op is None:
            return value.storage in self.plan.updates.flat or self.plan.is_made_once(value)
        if op.kind != "view" or has_symbols((op.args, op.options)):
            return False
        return all(self._once(v) for v in op.values())

    # ---- expressions ----

    def _call(self, op: Op, into: str = "") -> str:
        if op.kind == "ufunc" and not into and (scalar := self._of_scalars(op)):
            return scalar
        args = [self._operand(op, x) if op.kind == "ufunc" else self.text(x) for x in op.args]
        options = [f"{key}={self.text(x)}" for key, x in sorted(op.options.items())]
        if op.kind in ("method", "view") and op.name.startswith((".", "[")):
            this, *rest = op.args
            base = self.text(this)
            if op.name == "[]":
                return f"{base}[{self._index(rest[0])}]"
            if op.name in (".T", ".mT"):
                return f"{base}{op.name}"
            return f"{base}{op.name}({', '.join([*map(self.text, rest), *options])})"
        name = op.name
        if not name.startswith("np."):
            name = self.thing(op.function, name.lstrip("_"))
            args = self._by_names(op, args)
        elif op.kind in ("ufunc", "function", "view", "decide") and _of_numpy(name) is not op.function:
            name = self.thing(op.function, name.rpartition(".")[2])
        return f"{name}({', '.join([*args, *options, *([f'out={into}'] if into else [])])})"

    def _by_names(self, op: Op, args: list[str]) -> list[str]:
        """The arguments of a helper, from the first that is no array on with the names of its parameters."""
        try:
            signature = inspect.signature(op.function)
            names = [*signature.bind(*op.args).arguments]
        except (TypeError, ValueError):
            return args
        if any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
            return args
        first = next((i for i, x in enumerate(op.args) if x.__class__ is not Value), len(args))
        named = [f"{name}={x}" for name, x in zip(names, args, strict=False)]
        return [*args[:first], *named[first:]] if len(names) == len(args) else args

    def _of_scalars(self, op: Op) -> str:
        """An operation on numbers alone, which NumPy does ten times as fast by its sign; "" if it isn't one."""
        if op.function not in _SIGNS or len(op.args) != 2 or op.options:
            return ""
        kinds = {v.array.dtype for v in op.values()}
        if any(kind.kind != "f" for kind in kinds):
            return ""  # of whole numbers signs warn of an overflow, where NumPy's functions don't
        texts = []
        for x in op.args:
            constant = x.__class__ is Value and x.storage.kind == "constant" and not x.array.ndim
            if constant and len(kinds) == 1 and np.isfinite(x.array):
                texts.append(repr(x.array.item()))
            elif x.__class__ is Value and self._is_number(x):
                texts.append(self.name(x))
            elif x.__class__ in (int, float) and abs(x) < 2**53:  # and not NaN
                texts.append(repr(x))
            else:
                return ""
        return f" {_SIGNS[op.function]} ".join(texts)

    def _is_number(self, x: Value) -> bool:
        """Whether the program has it as a number rather than as an array without axes."""
        maker, storage = x.storage.maker, x.storage
        made = (
            storage.kind == "made"
            and not storage.changed
            and maker is not None
            and maker.kind in ("ufunc", "reduce", "function")
        )
        return made and not x.array.ndim and x.whole and storage not in self.plan.places

    def _operand(self, op: Op, x: Any) -> str:
        """What goes into an elementwise call, in the form in which that is quickest."""
        out = op.outputs[0].array if op.outputs and op.outputs[0].__class__ is Value else None
        kinds = {v.array.dtype for v in op.values()}
        if out is None or op.function.signature is not None:
            return self.text(x)
        plain = op.function in _ALIKE and "dtype" not in op.options and out.ndim and len(kinds) == 1
        if op.function is np.power and x.__class__ is Value and x.array.ndim:
            plain = False  # of an array power has other bits than of a number: there it knows squares and roots
        if plain and (number := _one_number(x, kind := kinds.pop())) is not None:
            lies = any(_lies_as(v, out) and _one_number(v, kind) is None for v in op.values() if v is not x)
            shape = _shape_of_alike(out) if lies and op.function in (np.maximum, np.minimum) else ()
            if shape:
                return self._full(number, kind, shape)
            if lies or x.__class__ is not Value or not x.array.ndim:
                return self._number(number, kind)
        if x.__class__ is not Value:
            return self.text(x)
        array, alike = x.array, x.array.size == out.size > 0 and x.array.shape != out.shape and out.ndim
        if alike and array.flags.c_contiguous and out.flags.c_contiguous and self._once(x) and array.ndim:
            key = (x, out.shape)
            if key not in self.names:
                name = self.name(x)
                self.names[key] = self.fresh(f"{name}_{'flat' if len(out.shape) == 1 else 'row'}")
                self.views.append(f"{self.names[key]} = {name}.reshape({out.shape})")
            return self.names[key]
        return self.text(x)

    def _number(self, x: Any, kind: np.dtype[Any]) -> str:
        """A constant as an array without axes, made once: a Python number costs a small operation as much as itself."""
        key = ("number", np.asarray(x, kind).tobytes(), kind)
        if key not in self.names:
            self.names[key] = self.fresh(
                _NUMBERS.get(float(x), f"number_{shortest(x, kind)}".replace("-", "minus_").replace("+", ""))
            )
            self.constants.append(f"{self.names[key]} = np.array({shortest(x, kind)}, np.{kind.name})")
        return self.names[key]

    def _full(self, x: Any, kind: np.dtype[Any], shape: tuple[int, ...]) -> str:
        """An array with one number everywhere, with which NumPy's maximum and minimum take a third of the time that
        they take with the number."""
        key = ("full", np.asarray(x, kind).tobytes(), kind, shape)
        if key not in self.names:
            self.names[key] = self.fresh("zeros" if x == 0 else "full")
            self.constants.append(f"{self.names[key]} = np.full({shape}, {shortest(x, kind)}, np.{kind.name})")
        return self.names[key]

    def _index(self, index: Any) -> str:
        if index.__class__ is tuple and index:
            return ", ".join(map(self._index_part, index)) + ("," if len(index) == 1 else "")
        return self._index_part(index)

    def _index_part(self, x: Any) -> str:
        if x.__class__ is slice:
            parts = ["" if part is None else self.text(part) for part in (x.start, x.stop, x.step)]
            return ":".join(parts[:2] if parts[2] == "" else parts)
        if x.__class__ is Value and not x.array.ndim:  # of a number NumPy would make a view
            return f"np.asarray({self.text(x)})"
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
        if isinstance(x, (float, np.floating)) and not np.isfinite(x):
            number = f"-np.{abs(x)}" if x < 0 else f"np.{x}"
            return f"np.{x.dtype.name}({number})" if isinstance(x, np.floating) else number
        if isinstance(x, np.dtype) and x.kind in "biufc" and x.isnative and getattr(np, x.name, None) is x.type:
            return f"np.{x.name}"
        if isinstance(x, type) and issubclass(x, np.generic):
            return f"np.{x.__name__}"
        if x is None or isinstance(x, (bool, int, float, str, np.generic)):
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
            text = x.text
            for known in sorted((k for k in self.symbols if not k.isidentifier()), key=len, reverse=True):
                text = text.replace(known, self.symbols[known])
            text = re.sub(r"[A-Za-z_]\w*", lambda found: self.symbols.get(found[0], found[0]), text)
            words = set(re.findall(r"[A-Za-z_]\w*", x.text))
            about = next((word for word in ("lr", "eps", "t") if word in words), "")
            wanted = f"{about}_now" if about else "factor"
            self.symbols[x.text] = name = self.fresh(wanted)
            lines.append(f"{name} = {text[1:-1] if text[0] == '(' and text.find(')') == len(text) - 1 else text}")
        return lines

    def _source(self, source: str) -> str:
        """How the program gets at a number or array of an object: the object is brought in by its name."""
        name = re.match(r"\w+", source)
        assert name is not None
        own = self.plan.recording.objects[name[0]]
        return self.thing(own, name[0]) + source[name.end() :]


def _is_range(array: Array) -> bool:
    return array.ndim == 1 and array.dtype == np.intp and np.array_equal(array, np.arange(len(array)))


def shortest(x: Any, kind: np.dtype[Any]) -> str:
    """The shortest text of a number that means the same in this dtype: 0.9, not 0.8999999761581421."""
    text = str(kind.type(x)) if kind.kind == "f" else repr(x)
    return text if kind.type(text) == kind.type(x) else repr(x)


def _is_0(x: Any) -> bool:
    if x.__class__ is Value:
        return x.storage.kind == "constant" and not x.array.any()
    return x.__class__ in (int, float) and x == 0


def _one_number(x: Any, kind: np.dtype[Any]) -> int | float | None:
    """The number, finite in this dtype of floats, that it is or that a constant array holds everywhere."""
    if kind.kind != "f":
        return None
    if x.__class__ in (int, float):
        return x if abs(x) < min(2**53, float(np.finfo(kind).max)) else None  # nor NaN
    if x.__class__ is not Value or x.storage.kind != "constant" or x.storage.changed or not x.array.size:
        return None
    array, first = x.array, x.array.flat[0]
    alike = np.isfinite(first) and array.tobytes() == first.tobytes() * array.size
    return float(first) if alike else None


def _shape_of_alike(out: Array) -> tuple[int, ...]:
    """The shape of an array of one number with which a result is made quicker than with the number; () if none is."""
    if not out.flags.c_contiguous or out.size < _MANY:
        return ()
    if out.size <= _TOO_MANY:
        return out.shape
    return out.shape[-1:] if out.shape[-1] >= _ROW else ()


def _lies_as(x: Value, out: Array) -> bool:
    return x.array.shape == out.shape and x.array.strides == out.strides


def _shown(name: str, array: Array) -> str:
    return f"{name} {array.shape}" + ("" if array.dtype == np.float32 else f" {array.dtype}")


def _of_numpy(name: str) -> Any:
    found: Any = np
    for part in name.split(".")[1:]:
        found = getattr(found, part, None)
    return found


_SIGNS = {np.add: "+", np.subtract: "-", np.multiply: "*", np.divide: "/", np.less: "<", np.less_equal: "<=",
          np.greater: ">", np.greater_equal: ">=", np.equal: "==", np.not_equal: "!="}  # fmt: skip
_OF_0 = {np.equal: "is_zero", np.not_equal: "is_nonzero"}
_ALIKE = {*_SIGNS, np.maximum, np.minimum, np.power}  # whose operands are of one dtype
RESERVED = {"np", "as_tensor", "run_the_function", "memory", "next_stamp", *dir(builtins), *keyword.kwlist}
_MADE = {"maximum.reduce": "peak", "add.reduce": "total", "subtract": "difference", "multiply": "product",
         "divide": "quotient", "equal": "is_equal", "not_equal": "differs", "[": "picked", "": "picked",
         "square": "squares", "empty_like": "work", "true_divide": "quotient"}  # fmt: skip
_HELPERS = {
    "run_the_function": "raises: all is put back as it was, and the function that was recorded runs instead",
    "as_tensor": "makes a Tensor of an array",
    "next_stamp": "a new version number: a graph recorded before refuses to go backward through what has changed",
    "class_labels": "checks the labels, and raises what the function would; gives them, or None if they are of another "
    "kind than those recorded, and a mask of those to be ignored, or None if there are none",
    "distribution_function": "Φ, of the normal distribution",
    "of_past": "a mask: 0 where a query may look, at keys up to its own, else −∞",
    "of_booleans": "a mask: 0 where a query may look, else −∞",
    "dropout_mask": "draws a mask: 0 with probability p, else 1/(1 − p)",
    "without_mean": "x − mean along the axis",
    "root_mean_square": "√(mean of x² + eps) along the axis",
    "_bits,": "the same memory as whole numbers, where NaN and infinity times 0 are 0 too",
    "  # over ": "what is named there is written over, since nothing needs it any more; so are inputs named by out=",
}  # fmt: skip
_MANY = 256  # elements, from which on an array of one number is worth its making,
_TOO_MANY = 2**13  # and up to which its memory
_ROW = 64  # elements of a row, from which on a row of one number is quicker than the number
_SMALL = 4096  # bytes of constants that are compared, so that equal ones have one name
_NUMBERS = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "half", -1.0: "minus_one"}
