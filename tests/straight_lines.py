"""Random straight-line functions of arrays, as text: what a program must do as the function does, whatever stands next
to what. Views that outlive others, parameters that change in place, results that are views of each other."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinydl as tl

# forms of an expression, parted by semicolons, whose operands are {0} and {1}
UNARY = """
    np.exp(-{0}*{0}); np.sin({0}); -{0}; {0} * {0}; np.tanh({0}); np.abs({0}); np.square({0}); np.sqrt({0} *
    {0} + 1); {0} * 0.5; 1 - {0}; {0} + 0; np.copy({0}[None]); np.positive({0}); np.cumsum({0}, -1); np.maximum({0},
    0); F.relu({0}); np.sign({0}); np.floor({0})
"""
BINARY = """
    {0} + {1}; {0} - {1}; {0} * {1}; np.maximum({0}, {1}); np.hypot({0}, {1}); np.where({0} > {1}, {0}, {1});
    np.where({1} < 0, 0, {0}); ({0} != {1}) * {0}; np.minimum({0}, {1} + {0})
"""
VIEWS = """
    {0}.T; {0}[::-1]; {0}[1:]; {0}[:, ::2]; {0}[:, 1]; {0}[0]; {0}.reshape(-1); {0}[None]; {0}[..., 0];
    np.broadcast_to({0}, (2, *{0}.shape)); np.swapaxes({0}, 0, -1); {0}[1, 1]
"""
OTHERS = """
    np.sum({0}, 0); np.sum({0}); np.mean({0}, -1, keepdims=True); np.max({0}, 0); {0}[i]; np.take({0}, i, 0);
    np.concatenate([{0}, {0}]); np.stack([{0}, {0}], 1); {0}.std(); np.sort({0}, -1); {0} @ {0}.T;
    np.argmax({0}, -1); {0}.astype(np.float32); np.clip({0}, -0.5, 0.5); np.roll({0}, 1, 0);
    np.zeros_like({0}) + 1; np.prod({0}, 0); np.einsum('...i,...i->...', {0}, {0})
"""
CHANGES = """
    p -= 0.1 * {0}; p[1:] = {0}[:2] * 0.5; p *= 0.9; p[i] = {0}[i]; p[0] = 1; q += {0}; p[:, 0] = q[:, 1]
"""
KINDS = [[" ".join(form.split()) for form in forms.split(";")] for forms in (UNARY, BINARY, VIEWS, OTHERS, CHANGES)]
SHAPE = (3, 4)


class Straight:
    """A function of (x, y, i) and of two parameters p and q that it changes; `source` is its text."""

    def __init__(self, seed: int, length: int = 14) -> None:
        rng = np.random.default_rng(seed)
        self.seed, self.lines, names = seed, [], ["x", "y"]
        inputs = inputs_of(seed)
        made: dict[str, Any] = {"x": inputs[0], "y": inputs[1], "i": inputs[2], "np": np, "tl": tl, "F": tl.functional}
        made |= {name: parameter(seed + k) for k, name in enumerate("pq")}
        for k in range(length):
            first, second = (str(rng.choice([*names[-5:], *rng.choice(names, 2), "p", "q"])) for _ in range(2))
            forms = KINDS[rng.choice(5, p=[0.27, 0.25, 0.2, 0.15, 0.13])]
            text = str(rng.choice(forms)).format(first, second)
            if ("[i]" in text or ", i, 0" in text) and np.shape(made[first])[:1] in ((), (1,)):
                continue  # which raises for some i, and needn't where nobody uses what it gives
            if rng.random() < 0.15 and len(self.lines) > 2:  # the same once more
                text = str(
                    rng.choice([line.split(" = ", 1)[1] for line in self.lines if line.startswith("v")] or [text])
                )
            line = (
                f"with tl.no_grad(): {text}"
                if forms is KINDS[-1] and "{" not in text and text[:1] in "pq"
                else f"v{k} = {text}"
            )
            if forms is KINDS[-1] and not line.startswith("with"):
                continue
            try:
                with np.errstate(all="ignore"):
                    exec(line, made)
            except (ValueError, IndexError, TypeError, RuntimeError):
                continue
            if line.startswith("v") and np.size(made[f"v{k}"]) > 300:
                continue
            self.lines.append(line)
            if line.startswith("v"):
                names.append(f"v{k}")
        given = [name for name in dict.fromkeys(rng.choice(names, 4)) if name not in ("x", "y", "i")]
        slopes = [n for n in names if isinstance(made[n], tl.Tensor) and made[n].requires_grad]
        self.lines.append("p.grad = q.grad = None")
        for name in slopes[-1:]:
            self.lines.append(f"np.sum(np.sin({name}) * {name}).backward()")
            if not self._runs():  # for p was changed after it was used
                self.lines.pop()
        self.lines.append(f"return ({', '.join([detached(n, made) for n in given] + ['p.grad', 'q.grad'])},)")

    def _runs(self) -> bool:
        try:
            with np.errstate(all="ignore"):
                self.made()[0](*inputs_of(self.seed))
        except (RuntimeError, ValueError):
            return False
        return True

    @property
    def source(self) -> str:
        return "def function(x, y, i):\n    global p, q\n" + "".join(f"    {line}\n" for line in self.lines)

    def made(self) -> tuple[Any, dict[str, Any]]:
        """The function, and what it reads."""
        scope: dict[str, Any] = {"np": np, "tl": tl, "F": tl.functional}
        scope |= {name: parameter(self.seed + k) for k, name in enumerate("pq")}
        exec(self.source, scope)
        return scope["function"], scope


def detached(name: str, made: dict[str, Any]) -> str:
    return f"{name}.detach()" if isinstance(made[name], tl.Tensor) and made[name].requires_grad else name


def parameter(seed: int) -> tl.Tensor:
    return tl.tensor(np.random.default_rng(seed).normal(size=SHAPE), requires_grad=True)


def inputs_of(seed: int) -> list[Any]:
    """(x, y, i), of which some numbers are equal, zero or negative."""
    rng = np.random.default_rng(seed)
    x, y = (np.round(rng.normal(size=SHAPE) * 4) / 4 for _ in range(2))
    return [x, y, rng.integers(0, 2, 2)]
