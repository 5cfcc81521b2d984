"""Arrays that are followed: what is computed of them, also outside of all primitives, is known to depend on them.

While a model is run to be exported, the arrays beneath its Tensors are of a class that says it is np.ndarray, so that
no line of the engine takes another path. What NumPy's functions make of them is followed, too, and remembers how it
came about; a primitive's result begins anew. Read runs.py next, which uses it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..compiling.tape import CompileError
from ..engine.arrays import Array
from ..engine.tensor import Tensor

_NOT_THE_USERS = (str(Path(__file__).parent.parent), str(Path(np.__file__).parent))
OF_SHAPES = {"zeros_like", "ones_like", "full_like", "shape", "ndim", "size", "result_type",
              "broadcast_shapes", "may_share_memory", "shares_memory"}  # fmt: skip


class _Now(threading.local):
    on = False  # whether a model is being run: what it keeps of a run is an array like others afterwards


following = _Now()


class Origin(NamedTuple):
    """How an array was computed outside of all primitives: by which function, of what."""

    name: str
    inputs: tuple[Any, ...]
    options: dict[str, Any]


class _Following(np.ndarray):
    """A view of an array; `origin` is None where nothing more is known than that it depends on what the model got."""

    origin: Origin | None = None

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        if any(x.__class__ is Tensor for x in inputs):
            return NotImplemented
        given = {} if out is None else {"out": plain(out)}
        made = getattr(ufunc, method)(*plain(inputs), **plain(options), **given)
        if out is not None:
            return out[0] if len(out) == 1 else out
        return follow(made, Origin(ufunc.__name__, inputs, options) if method == "__call__" else None)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Mapping[str, Any]) -> Any:
        if any(issubclass(kind, Tensor) for kind in types):
            return NotImplemented
        made = function(*plain(args), **plain(dict(options)))
        if function.__name__ in OF_SHAPES:
            return made
        return follow(made, Origin("where", args, {}) if function is np.where and len(args) == 3 else None)

    def __getitem__(self, index: Any) -> Any:
        return follow(plain(self)[plain(index)], Origin("getitem", (self,), {"index": index}))

    def __setitem__(self, index: Any, item: Any) -> None:
        item = item._data if item.__class__ is Tensor else item
        plain(self)[plain(index)] = plain(item)

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        """In another dtype."""
        made = plain(self).astype(dtype, *args, **options)
        return self if made is plain(self) else follow(made, Origin("cast", (self,), {"dtype": made.dtype}))

    # ---- what takes a value out ----

    def __bool__(self) -> bool:
        return bool(self._asked("bool()"))

    def __float__(self) -> float:
        return float(self._asked("float()"))

    def __int__(self) -> int:
        return int(self._asked("int()"))

    def __index__(self) -> int:
        return int(self._asked("an index").__index__())

    def item(self, *place: Any) -> Any:
        """A Python number."""
        return self._asked(".item()").item(*place)

    def tolist(self) -> Any:
        """Nested lists."""
        return self._asked(".tolist()").tolist()

    def _asked(self, what: str) -> Array:
        if following.on and not sys._getframe(2).f_code.co_filename.startswith(_NOT_THE_USERS):
            raise CompileError(reads(what, self.shape))
        made: Array = plain(self)
        return made


def reads(what: str, shape: tuple[int, ...]) -> str:
    """What is wrong with taking a value out."""
    return (
        f"the model reads the values of an array of shape {shape}, by {what}, and what it then does could not stand in "
        "the file; compute with Tensors, and decide by np.where"
    )


def is_followed(x: Any) -> bool:
    """Whether this array depends on what the model was given."""
    return type(x) is Followed


def plain(x: Any) -> Any:
    """The array itself; also inside of lists, tuples and dicts."""
    kind = type(x)
    if kind is Followed:
        return np.ndarray.view(x, np.ndarray)
    if kind is tuple or kind is list:
        return kind(map(plain, x))
    if kind is slice:
        return slice(plain(x.start), plain(x.stop), plain(x.step))
    return {key: plain(item) for key, item in x.items()} if kind is dict else x


def follow(x: Any, origin: Origin | None = None) -> Any:
    """Arrays and NumPy's numbers, also inside of tuples and lists, as arrays that are followed."""
    if isinstance(x, (tuple, list)):
        items = [follow(item, None) for item in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if not isinstance(x, (np.ndarray, np.generic)) or type(x) is Followed:
        return x
    made = np.asarray(x).view(Followed)
    made.origin = origin
    return made


def _method(name: str) -> Callable[..., Any]:
    whole: Any = getattr(np.ndarray, name)

    def call(self: Any, *args: Any, **options: Any) -> Any:
        return follow(whole(plain(self), *plain(args), **plain(options)))

    return call


for _name in ("argmax", "argmin", "argsort", "nonzero", "searchsorted", "take", "repeat", "round", "dot", "trace",
              "cumsum", "cumprod", "compress", "choose", "diagonal", "tobytes"):  # fmt: skip
    setattr(_Following, _name, _method(_name))
Followed: Any = type("Followed", (_Following,), {"__class__": property(lambda self: np.ndarray)})
