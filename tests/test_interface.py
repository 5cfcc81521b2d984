"""The public interface, pinned: every public name with its parameters and their defaults is in public_interface.txt.

A change of it is made on purpose and is seen: ``python tests/test_interface.py`` writes the file anew, and whoever
commits that reads the difference first.
"""

import difflib
import importlib
import inspect
import re
from pathlib import Path

import pytest

from tinydl import Primitive
from tinydl.engine.dispatch import primitives
from tinydl.engine.names import Missing

PINNED = Path(__file__).parent / "public_interface.txt"
ROOMS = (
    "tinydl", "tinydl.functional", "tinydl.nn", "tinydl.nn.init", "tinydl.optim", "tinydl.data", "tinydl.plots",
    "tinydl.testing", "tinydl.derivatives", "tinydl.compress", "tinydl.parallel",
    "tinydl.privacy",
)  # fmt: skip


def parameters(function):
    """(x, axis=-1): names, kinds and defaults; annotations, and where a default lies in memory, are no part of it."""
    if isinstance(function, Primitive):
        taken = ["*inputs"] if function.each else list(function.signature.inputs)
        defaults = function.signature.defaults
        options = [f"{name}={defaults[name]!r}" if name in defaults else name for name in function.signature.options]
        return f"({', '.join(taken + options)})"
    found = inspect.signature(function).parameters.values()
    bare = inspect.Signature([p.replace(annotation=p.empty) for p in found])
    return re.sub(r" at 0x[0-9a-f]+|tinydl(\.\w+)*\.", "", str(bare))


def ours(kind):
    return [c for c in kind.__mro__ if c.__module__.startswith("tinydl")]


def members(kind):
    """The public attributes of a class and, of methods, the parameters."""
    names = {name for c in ours(kind) for name in (*vars(c), *getattr(c, "__dataclass_fields__", ()))}
    found = set()
    for name in names:
        value = inspect.getattr_static(kind, name, None)
        if not name.startswith("_") and not isinstance(value, Missing):
            value = getattr(value, "__func__", value)
            found.add(f".{name}{parameters(value) if inspect.isfunction(value) else ''}")
    return found


def described(name, value):
    """The lines that pin one name. Of what a class shares with one that it is made of, that one's line is enough."""
    if inspect.ismodule(value):
        return [f"{name}: a room"]
    if inspect.isclass(value):
        made = parameters(value) if any("__init__" in vars(c) for c in ours(value)) else ""
        inherited = set().union(*(members(c) for c in ours(value)[1:]))
        return [name + made, *(name + member for member in sorted(members(value) - inherited))]
    return [f"{name}{parameters(value)}" if callable(value) else f"{name}: {type(value).__name__}"]


def interface():
    lines = []
    for room in ROOMS:
        module = importlib.import_module(room)
        for name in sorted(module.__all__):
            lines += described(f"{room}.{name}", getattr(module, name))
    lines += [f"in the table of derivatives: {name}{parameters(p)}" for name, p in sorted(primitives.items())]
    return lines


def test_the_public_interface_is_as_it_was_pinned():
    pinned = PINNED.read_text(encoding="utf-8").splitlines()
    lost, new = sorted(set(pinned) - set(interface())), sorted(set(interface()) - set(pinned))
    assert not lost and not new, "\n".join(difflib.ndiff(lost, new))


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_lists_all_that_it_defines(room):
    module = importlib.import_module(room)
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) == room and callable(value) and not name.startswith("_"):
            assert name in module.__all__, name


if __name__ == "__main__":
    PINNED.write_text("\n".join(interface()) + "\n", encoding="utf-8")
