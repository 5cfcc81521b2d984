"""Strict mode: the mistakes in a training program that raise nothing and only make it learn badly, as sentences.

An observer of the engine (recording.py) that follows what the program does from step to step; diagnose.py, next door,
looks at what came of it. Nothing here runs while no `strict()` is open.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..engine.arrays import Array
from ..engine.graph import leaves
from ..engine.recording import Observer, observing
from ..engine.tensor import Primitive, Tensor, next_stamp
from ..nn.state import remembered
from .lines import note, user_line

_ROUNDING = {
    "round", "around", "rint", "floor", "ceil", "trunc", "fix", "floor_divide", "astype to integers",
}  # fmt: skip
_SHAPES = {
    "reshape", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "getitem", "cast", "copy",
    "concatenate", "stack", "clip",
}  # fmt: skip
_OF_LOSSES = {"where", "huber", "bounded_log", "softplus", "clip", "relu"}  # elementwise, beside NumPy's ufuncs
_PATIENCE = 20  # so many steps a parameter may wait for its first gradient: tasks may take turns


class StrictError(RuntimeError):
    """A mistake that would have gone unnoticed outside strict mode."""


class _Note:
    """What strict mode remembers about the result of one operation."""

    __slots__ = ("probabilities", "rounded", "rounds", "sides")

    def __init__(self) -> None:
        self.rounds: frozenset[int] = frozenset()  # in which rounds of the optimizers its graph was computed
        self.probabilities: tuple[str, int | None, str] | None = None  # softmax or sigmoid; its axis; its line
        self.sides: tuple[Any, Any, str, bool] | None = None  # shapes that broadcast; the line; whether summed already
        self.rounded: str = ""  # what rounded one of its inputs, and where


_NOTHING = _Note()


class _Strict(Observer):
    """Follows one thread's program. `growth`: of how many rounds a graph may be made before it counts as growing."""

    def __init__(self, growth: int = 3) -> None:
        self.growth = growth
        self.entered = next_stamp()
        self.key = f"strict {self.entered}"
        self.names: dict[Tensor, str] = {}
        self.modules: dict[int, Any] = {}
        self.steps: dict[Any, int] = {}  # of each optimizer
        self.left: dict[Any, dict[Tensor, tuple[Any, ...]]] = {}  # the gradients each optimizer's last step left
        self.stale: set[Tensor] = set()  # whose gradient, as a pass begins, is that of a step gone by
        self.mixed: dict[Tensor, Tensor] = {}  # and what became of it as new gradients were added
        self.received: set[Tensor] = set()
        self.graded: dict[Tensor, int] = {}  # leaves with new gradients, with their stamps
        self.strangers: dict[Tensor, int] = {}  # in how many steps a leaf had a gradient but no optimizer
        self.rounded: deque[tuple[Any, str, Tensor]] = deque(maxlen=100)
        self.raw: dict[int, tuple[Array, str]] = {}  # arrays that operations took as constants
        self.used: set[Tensor] = set()

    @property
    def round(self) -> int:
        return max(self.steps.values(), default=0)

    def of(self, x: Any) -> _Note:
        return x.notes.get(self.key, _NOTHING) if isinstance(x, Tensor) and x.notes else _NOTHING

    # ---- the forward pass ----

    def module_entered(self, module: Any) -> None:
        if id(module) not in self.modules:
            self.modules[id(module)] = module
            for name, p in module.named_parameters():
                self.names.setdefault(p, name)

    def flattened(self, name: str, inputs: Sequence[Any], result: Any) -> None:
        source = inputs[0] if inputs else None
        if name in _ROUNDING and isinstance(source, Tensor) and source.requires_grad:
            self.rounded.append((result, f"{name} ({user_line()})", source))

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        made = _Note()
        made.probabilities = self._probabilities(output, primitive.name, inputs, options)
        made.sides = self._sides(output, primitive, inputs)
        if output.primitive is not None:
            made.rounds = self._rounds(inputs)
            made.rounded = self._rounded(inputs)
            self.used.update(x for x in inputs if isinstance(x, Tensor) and x.primitive is None)
            for x in inputs:
                if isinstance(x, np.ndarray) and x.ndim and len(self.raw) < 10_000:
                    self.raw[id(_memory(x))] = (_memory(x), user_line() if self._is_parameter(x) else "")
        note(output, self.key, made)

    def _is_parameter(self, x: Array) -> bool:
        memory = _memory(x)
        return any(memory is _memory(p.data) for p in self.names) or any(
            memory is _memory(p.data) for optimizer in self.steps for p in optimizer.params
        )

    def _probabilities(self, y: Tensor, name: str, inputs: Sequence[Any], options: Any) -> tuple[Any, ...] | None:
        x = inputs[0]
        before = self.of(x).probabilities
        if name in ("softmax", "log_softmax", "weighted_cross_entropy"):
            axis = int(options.get("axis", -1)) % max(y.ndim, 1) if name != "weighted_cross_entropy" else None
            if before and before[0] == "softmax" and (axis is None or before[1] is None or axis == before[1]):
                what = "cross_entropy" if name == "weighted_cross_entropy" else name
                raise StrictError(
                    f"softmax is applied twice: {what} takes scores and makes probabilities of them itself, but what "
                    f"it is given here are probabilities already, made by softmax at {before[2]}. Give it the scores "
                    "from before that softmax (a network for cross_entropy ends in its last Linear)"
                )
            return (name, axis, user_line()) if name != "weighted_cross_entropy" else None
        if name == "exp" and before and before[0] == "log_softmax":
            return ("softmax", before[1], before[2])
        if name == "sigmoid" or (name == "divide" and _is_sigmoid_by_hand(x, inputs[1])):
            return ("sigmoid", None, user_line())
        if name == "softplus" and before and before[0] == "-sigmoid":
            raise StrictError(
                "the sigmoid is applied twice: binary_cross_entropy_with_logits contains it, but what it is given was "
                f"made by sigmoid at {before[2]}. Give it the scores from before, or use binary_cross_entropy"
            )
        if name == "divide" and _is_softmax_by_hand(x, inputs[1]):
            return ("softmax", None, user_line())
        if before and name == "negative" and before[0] == "sigmoid":
            return ("-sigmoid", None, before[2])
        if before and name in _SHAPES and all(self.of(t).probabilities for t in inputs if isinstance(t, Tensor)):
            return (before[0], None, before[2])
        return None

    def _sides(self, y: Tensor, primitive: Primitive, inputs: Sequence[Any]) -> tuple[Any, ...] | None:
        """Two sides of different ndim and as many numbers, that broadcast to more; then what is computed of them."""
        all_sides = [self.of(x).sides for x in inputs]
        known = next((s for s in all_sides if s is not None), None)
        elementwise = primitive.name != "matmul" and isinstance(getattr(np, primitive.name, None), np.ufunc)
        if known is None:
            if not elementwise or len(inputs) != 2 or not y.requires_grad:
                return None
            a, b = inputs
            (m, n), (dim_a, dim_b) = (np.size(_array(a)), np.size(_array(b))), (np.ndim(_array(a)), np.ndim(_array(b)))
            if m != n or dim_a == dim_b or y.size == m or _is_meant(a) or _is_meant(b):
                return None
            if _is_parameter(a) and _is_parameter(b):  # one number per row and one per column
                return None
            return (np.shape(_array(a)), np.shape(_array(b)), user_line(), False)
        if elementwise and len(inputs) == 2 and not known[3]:
            # x·x + y·y - 2 x @ y.T, or a matrix of targets: what has a number for each pair meets its like
            other = next((x for x, sides in zip(inputs, all_sides, strict=True) if sides is None), None)
            if np.shape(_array(other)) == y.shape and (isinstance(other, Tensor) or primitive.name == "subtract"):
                return None
        if primitive.name in ("sum", "mean"):
            if y.size == 1:
                a, b = known[:2]
                raise StrictError(
                    f"the two sides of a loss broadcast: shape {a} against {b} gives {np.broadcast_shapes(a, b)}, each "
                    f"prediction against every target, at {known[2]}. Write targets.reshape(predictions.shape), or "
                    "predictions.reshape(-1)"
                )
            return (*known[:3], True)
        return known if not known[3] and (elementwise or primitive.name in _OF_LOSSES) else None

    def _rounds(self, inputs: Sequence[Any]) -> frozenset[int]:
        tensors = [x for x in inputs if isinstance(x, Tensor) and x.requires_grad]
        rounds: frozenset[int] = frozenset()
        for x in tensors:
            rounds |= self.of(x).rounds if x.primitive is not None else frozenset([self.round])
        if len(rounds) >= self.growth:
            raise StrictError(
                f"a graph grows from step to step: what is computed at {user_line()} joins the graphs of "
                f"{len(rounds)} steps, and memory and time grow with each. To add up losses write total += "
                "loss.item(); to carry a state on to the next step write state = state.detach()"
            )
        return rounds

    def _rounded(self, inputs: Sequence[Any]) -> str:
        for x in inputs:
            for result, how, source in self.rounded if isinstance(x, (np.ndarray, np.generic)) else ():
                if x is result or (isinstance(x, np.ndarray) and x.base is not None and x.base is result):
                    others = set().union(*(_leaves(t) for t in inputs if isinstance(t, Tensor)))
                    if not others & _leaves(source):  # x - floor(x) has the slope 1, as it should
                        return how
        return ""

    # ---- the backward pass ----

    def backward_started(self, nodes: Sequence[Tensor]) -> None:
        for node in nodes:
            if self.of(node).rounded:
                raise StrictError(_cut_by_rounding("this loss", self.of(node).rounded))
        left = {p: seen for grads in self.left.values() for p, seen in grads.items()}
        self.stale = {p for p, seen in left.items() if _fingerprint(p) == seen and seen[1:] != (0.0, 0.0)}
        for p, grad in list(self.mixed.items()):
            if p.grad is not grad or not grad.data.any():  # zeroed since
                del self.mixed[p]

    def backward_ended(self, leaves: Sequence[Tensor]) -> None:
        self.received.update(leaves)
        for p in leaves:
            self.graded[p] = p.stamp
            if p in self.stale and p.grad is not None:
                self.mixed[p] = p.grad

    # ---- the step ----

    def optimizer_stepping(self, optimizer: Any) -> None:
        kind = type(optimizer).__name__
        trained = [p for p in optimizer.params if p.requires_grad]
        having = [p for p in trained if p.grad is not None]
        if trained and not having:
            raise StrictError(
                f"step without backward: none of {kind}'s {len(trained)} parameters has a gradient, so this step would "
                "change nothing. Call loss.backward() after zero_grad() and before step(); did the model's parameters "
                "change after the optimizer was made?"
            )
        left = self.left.get(optimizer, {})
        if having and all(p in left and _fingerprint(p) == left[p] for p in having):
            raise StrictError(
                f"step without backward: {kind}'s gradients are those of its last step. Compute the loss anew and call "
                "backward() before each step()"
            )
        for p in having:
            if p in self.mixed and self.mixed[p] is p.grad:
                raise StrictError(
                    f"backward without zero_grad: the gradient of {self._named(p, optimizer)} holds that of a step "
                    "gone by as well as the new one. Call optimizer.zero_grad() before each backward(), or after each "
                    "step()"
                )
        self._count_strangers(optimizer)
        self.received.update(having)
        for p in trained:
            if p not in self.received and (why := self._cut(p)):
                raise StrictError(f"{self._named(p, optimizer)} receives no gradient: {why}")
        if self.steps[optimizer] >= _PATIENCE:
            self._check_received(optimizer)

    def _count_strangers(self, optimizer: Any) -> None:
        self.steps.setdefault(optimizer, 0)
        owned = {p for known in self.steps for p in known.params}
        new = {p for p, stamp in self.graded.items() if p.stamp == stamp and p.grad is not None and p.requires_grad}
        self.strangers = {p: n for p, n in self.strangers.items() if p not in owned}
        for p in new - owned:
            self.strangers[p] = self.strangers.get(p, 0) + 1
            if self.strangers[p] >= _PATIENCE:
                raise StrictError(self._stranger(p))

    def optimizer_stepped(self, optimizer: Any) -> None:
        self.left[optimizer] = {p: _fingerprint(p) for p in optimizer.params if p.grad is not None}
        self.steps[optimizer] = self.steps.get(optimizer, 0) + 1
        self.graded.clear()
        self.rounded.clear()
        self.raw.clear()
        for p in optimizer.params:
            self.mixed.pop(p, None)

    def finish(self) -> None:
        """What can only be said when the program, or the watch, is over."""
        for optimizer, steps in self.steps.items():
            if steps:
                self._check_received(optimizer)
        for p, times in self.strangers.items():
            # a leaf made here that had a gradient once may be an input whose gradient was looked at
            if times > 1 or p in self.names or p.stamp < self.entered:
                raise StrictError(self._stranger(p))

    def _check_received(self, optimizer: Any) -> None:
        for p in optimizer.params:
            if p.requires_grad and p not in self.received:
                raise StrictError(
                    f"{self._named(p, optimizer)} never received a gradient in {self.steps[optimizer]} steps: "
                    + (self._cut(p) or self._unused(p))
                )

    # ---- sentences ----

    def _named(self, p: Tensor, optimizer: Any = None) -> str:
        name = p.name or self.names.get(p)
        if name:
            return f"the parameter {name} of shape {p.shape}"
        if optimizer is not None:
            number = next((i for i, q in enumerate(optimizer.params) if q is p), "?")  # == compares the elements
            return f"parameter {number} of {type(optimizer).__name__}, of shape {p.shape},"
        return f"a Tensor of shape {p.shape}"

    def _stranger(self, p: Tensor) -> str:
        return (
            f"{self._named(p)} is trained on but no optimizer has it: it gets gradients and never changes. Give it to "
            "the optimizer (which takes model.parameters() as they are when it is made), or say that it is to stay "
            "with .requires_grad = False"
        )

    def _cut(self, p: Tensor) -> str:
        """Why no gradient can come, where that was seen."""
        for _, how, source in self.rounded:
            if p in _leaves(source):
                return _cut_by_rounding("what is computed from it", how)
        array, line = self.raw.get(id(_memory(p.data)), (None, ""))
        if array is not None and p not in self.used:
            return f"it is used only through .data, a plain array, at {line}. Use the Tensor itself there"
        return ""

    def _unused(self, p: Tensor) -> str:
        if p in self.used:
            return (
                "it was used, but the way from there to the loss is cut, by .detach(), .data, .numpy() or no_grad(), "
                "or the result wasn't used. Keep Tensors all the way to the loss"
            )
        return (
            "no recorded operation used it. Either forward forgets it, or reads it only through .data or .numpy(): "
            "use the Tensor itself; a parameter that is to stay as it is gets .requires_grad = False"
        )


def _cut_by_rounding(what: str, how: str) -> str:
    return (
        f"{what} goes through {how}: rounding and integer division are flat, so no gradient passes. Round only what is "
        "reported, not what is trained on, and divide with / instead of //"
    )


def _array(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def _memory(x: Array) -> Any:
    return x if x.base is None else x.base


def _is_meant(x: Any) -> bool:
    """Whether an axis was put in on purpose: t[:, None], np.expand_dims."""
    operation = x.primitive if isinstance(x, Tensor) else None
    return operation is not None and operation.name in ("getitem", "expand_dims") and x.ndim > x.inputs[0].ndim


def _is_parameter(x: Any) -> bool:
    return isinstance(x, Tensor) and x.primitive is None and x.requires_grad


def _is_made_by(name: str, x: Any) -> bool:
    return isinstance(x, Tensor) and x.primitive is not None and x.primitive.name == name


def _is_softmax_by_hand(a: Any, b: Any) -> bool:
    return _is_made_by("exp", a) and _is_made_by("sum", b) and b.inputs[0] is a


def _is_sigmoid_by_hand(a: Any, b: Any) -> bool:
    """1 / (1 + exp(-z))."""

    def is_one(x: Any) -> bool:
        return not isinstance(x, Tensor) and np.ndim(x) == 0 and x == 1

    exps = [x for x in b.inputs if _is_made_by("exp", x)] if _is_made_by("add", b) else []
    return is_one(a) and len(exps) == 1 and any(is_one(x) for x in b.inputs)


def _leaves(t: Tensor) -> set[Tensor]:
    """The leaves that require a gradient and that t was computed from."""
    return {x for x in leaves([t]) if x.requires_grad}


def _fingerprint(p: Tensor) -> tuple[Any, ...]:
    """By which to recognise that nobody has touched the gradient: when it was made, and what numbers it holds."""
    if p.grad is None:
        return ()
    flat = p.grad.data.ravel()
    return p.grad.stamp, float(flat.sum()), float(np.dot(flat, flat))


@contextmanager
def strict() -> Iterator[None]:
    """Within ``with strict():`` mistakes of training that would pass in silence raise StrictError and say what to do.

    They are: softmax (or the sigmoid) applied twice; `backward` without `zero_grad` since the last step; a step
    without `backward`; a Tensor that is trained on but that no optimizer has; a parameter that never receives a
    gradient, because it is unused, used only through `.data`, or because rounding or integer division stands between
    it and the loss; a graph that grows from step to step; the two sides of a loss written by hand that broadcast,
    (N, 1) against (N,). What concerns an optimizer is said before it changes anything; what only the whole program
    shows, such as a parameter without any gradient, after 20 steps or when the block ends.

    Several backward passes before a step, several optimizers, frozen and shared parameters are no mistakes. `fit`
    watches its own first two steps in this way.
    """
    watch = _Strict()
    with observing(watch):
        yield
    watch.finish()


class FirstSteps:
    """Strict mode for the first steps of a training loop; a StrictError there leaves model and optimizer as they were.

    Used as ``with first.watch(): …one step…``; after `steps` of them it does nothing.
    """

    def __init__(self, model: Any, optimizer: Any, steps: int) -> None:
        self.left, self._restore = steps, _snapshot(model, optimizer) if steps else lambda: None
        self._strict = _Strict(growth=2)

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch one step."""
        if not self.left:
            yield
            return
        self.left -= 1
        try:
            with observing(self._strict):
                yield
            if not self.left:
                self._strict.finish()
        except StrictError:
            self._restore()
            raise
        if not self.left:
            self._strict, self._restore = _Strict(), lambda: None


def _snapshot(model: Any, optimizer: Any) -> Callable[[], None]:
    parameters = {p: p.data.copy() for p in {*model.parameters(), *optimizer.params}}
    put_back, settings = remembered(model, weights=False), optimizer.state_dict()

    def restore() -> None:
        put_back()
        for p, array in parameters.items():
            p.data = array
        optimizer.load_state_dict(settings)

    return restore
