"""The patients of `bug_lab`, and from 21 on of `second_ward`: the line that is right, and what somebody wrote instead.

Guess first: the lessons show all of these lines themselves, each when its time has come.
"""

from __future__ import annotations

import inspect
import linecache
import re
from collections.abc import Callable
from textwrap import indent
from types import SimpleNamespace
from typing import Any

from _lesson import reader_is_ready

OPTIMIZER = "optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)"
ALL_PAIRS = """rows = np.eye(3, dtype=np.float32)[y[:, None]]
return -np.mean(np.sum(rows * F.log_softmax(outputs), axis=-1))"""

LINES = {
    1: ("optimizer.zero_grad()", "# (the line is missing)"),
    2: ("return self.last(h)", "return F.softmax(self.last(h))"),
    3: ("h = self.tanh(self.first(x))", "h = self.tanh(self.first(x).data)"),
    4: (OPTIMIZER, OPTIMIZER + "\nmodel.last = nn.Linear(32, 3)"),
    5: ("return F.cross_entropy(outputs, y)", ALL_PAIRS),
    6: ("model = Net(2, 3)", "model = Net(2, 3)\nfor p in model.parameters():\n    p.data = np.zeros(p.shape)"),
    7: ("h = self.tanh(self.first(x))", "h = np.maximum(self.first(x) - 3, 0)"),
    8: (OPTIMIZER, "optimizer = optim.SGD(model.parameters(), lr=10, momentum=0.9)"),
    9: ("x, y = spiral.x, spiral.y", "x, y = 255 * spiral.x, spiral.y"),
    10: ("order = np.random.default_rng(0).permutation(300)", 'order = np.argsort(y, kind="stable")'),
    11: ("return g * (1 - np.tanh(x) ** 2)", "return g * (1 - np.tanh(y) ** 2)"),
    12: ("self.hidden = [nn.Linear(32, 32), nn.Linear(32, 32)]", "self.hidden = [nn.Linear(32, 32)] * 2"),
    13: ("return x[order], y[order]", "return x[order], y[order - 1]"),
    21: ("state = state.detach()", "# (the line is missing)"),
    22: ("forbidden = ~np.tri(places, dtype=bool)", "forbidden = np.tri(places, dtype=bool)"),
    23: ("return digits.x[:, None], digits.y", "return digits.x[..., None], digits.y"),
}


def plant(number: int, **parts: Callable[..., Any]) -> SimpleNamespace:
    """The program that consists of these functions and classes, with the lines of one patient exchanged; of 0, none.

    It takes the text of all parts, exchanges one line, and runs that text; the parts that come out have the names that
    were given.
    """
    text = "\n\n".join(map(text_of, parts.values()))
    if number:
        right, wrong = LINES[number]
        found = re.findall(rf"^( *){re.escape(right)}.*$", text, re.MULTILINE)
        if len(found) != 1:
            raise ValueError(f"the program has the line {right!r} {len(found)} times, and not once")
        text = re.sub(rf"^ *{re.escape(right)}.*$", lambda _: indent(wrong, found[0]), text, flags=re.MULTILINE)
    name = f"patient_{number}.py"  # as messages name the place
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    space = dict(next(part for part in parts.values() if inspect.isfunction(part)).__globals__)
    exec(compile(text, name, "exec"), space)
    made = {key: space[part.__name__] for key, part in parts.items()}
    space.update(made)  # so that the parts find each other by these names
    return SimpleNamespace(**made)


def reveal(number: int) -> None:
    """Print what stands in the healthy program, and what the patient has instead."""
    for name, lines in zip(("right:", "wrong:"), LINES[number], strict=True):
        print(indent(lines, " " * 7).replace(" " * 7, f"{name} ", 1))


def wait_for_the_guesses() -> None:
    """A line between the symptoms and the answers; in a terminal Enter leads on, Ctrl-C or Ctrl-D ends."""
    print(f"\n{'-' * 30} YOUR GUESSES FIRST {'-' * 30}\n", flush=True)
    if not reader_is_ready("Press Enter when you have your twelve pairs: "):
        raise SystemExit


def text_of(part: Any) -> str:
    """The source of a function or class, also of a class in a notebook, where `inspect` finds only functions."""
    if inspect.isfunction(part):
        return inspect.getsource(part)
    code = part.forward.__code__
    lines = linecache.getlines(code.co_filename)
    before = range(code.co_firstlineno)  # of several classes of this name it is the one that forward stands in
    start = max(i for i in before if re.match(rf"class {part.__name__}\b", lines[i]))
    return "".join(inspect.getblock(lines[start:]))
