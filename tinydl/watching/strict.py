"""Strict mode: the mistakes in a training program that raise nothing and only make it learn badly, as sentences.

Each mistake is an observer of the engine (recording.py) that follows what the program does from step to step; what
several need to know is kept by one more, `_Program`. Nothing here runs while no `strict()` is open. diagnose.py, next
door, looks at what came of it.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..engine.checks import array_of, listed
from ..engine.graph import leaves
from ..engine.recording import Observer, observing
from ..engine.tensor import Primitive, Tensor, next_stamp
from ..engine.transforms import nesting
from ..nn.state import remembered
from .lines import is_ours, note, user_line, user_place, warn

_PATIENCE = 20  # so many steps a parameter may wait for its first gradient: tasks may take turns


class StrictError(RuntimeError):
    """A mistake that would have gone unnoticed outside strict mode."""


@contextmanager
def strict() -> Iterator[None]:
    """Within ``with strict():`` mistakes of training that would pass in silence raise StrictError and say what to do.

    They are: softmax (or the sigmoid) applied twice; `backward` without `zero_grad` since the last step; a step
    without `backward`; a Tensor that is trained on but that no optimizer has; a parameter that never receives a
    gradient, because it is unused, used only through `.data`, or because rounding or integer division stands between
    it and the loss; a graph that grows from step to step, or through a transform (``x = x + tl.grad(f)(x)`` with a
    network in f); the two sides of a loss written by hand that broadcast, (N, 1) against (N,); attention whose mask is
    the wrong way round, so that each place looks at later ones alone. What concerns an optimizer is said before it
    changes anything; what only the whole program shows, such as a parameter without any gradient, after 20 steps or
    when the block ends.

    Several backward passes before a step, several optimizers, frozen and shared parameters are no mistakes. `fit`
    watches its own first steps for those of them that are mistakes whatever comes later.
    """
    program = _Program()
    watch = _Watch(
        program, _SoftmaxTwice(program), _SidesBroadcast(program), _LooksAhead(program),
        _GraphGrows(program, rounds=3, unrolled=50),
        _OutOfRhythm(program), _WithoutOptimizer(program), _WithoutGradient(program),
    )  # fmt: skip
    with watch.on():
        yield
    watch.finish()


class FirstSteps:
    """What `fit` watches of its first `steps`: mistakes whatever comes later; they leave all as it was.

    Used as ``with first.watch(): …one step…``. A parameter without a gradient is none of them, for parts of a model
    may take turns: of those a warning tells after these steps and, at `epoch_ended`, of those that still have none.
    """

    def __init__(self, model: Any, optimizer: Any, steps: int) -> None:
        self.taken, self.steps = 0, steps
        self._restore = snapshot(model, optimizer) if steps else lambda: None
        self._program = program = _Program()
        self._cut_off = _CutOff(program)
        self._watch = _Watch(  # a loop through transforms may be meant to be differentiated
            program, _SoftmaxTwice(program), _SidesBroadcast(program), _LooksAhead(program),
            _GraphGrows(program, rounds=2, unrolled=math.inf), _WithoutOptimizer(program, at_once=True), self._cut_off,
        )  # fmt: skip
        self._waiting = [p for p in optimizer.params if p.requires_grad] if steps else []  # for their first gradient

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch one step."""
        self.taken += 1
        if self.taken > self.steps:
            yield
        else:
            try:
                with self._watch.on():
                    yield
            except StrictError:
                self._restore()
                raise
        self._waiting = [p for p in self._waiting if p.grad is None and p.requires_grad]
        if self.taken == self.steps:
            self._restore = lambda: None
            self._warn(
                "Parts of a model may take turns; of what still has none after the first epoch you are told then"
            )

    def epoch_ended(self) -> None:
        """Name the parameters that have had no gradient in the first epoch."""
        if self.taken > self.steps:
            self._warn("A part that is to stay as it is gets .requires_grad = False")
        if self.taken >= self.steps:
            self._waiting = []

    def _warn(self, advice: str) -> None:
        if self._waiting:
            names = [self._program.name_of(p) or f"one of shape {p.shape}" for p in self._waiting]
            warn(
                f"after {self.taken} steps {len(names)} of the optimizer's parameters have no gradient yet: "
                f"{listed(names)}. Of the first of them: {self._cut_off.unused(self._waiting[0])}. "
                f"{advice}; fit(strict=False) says nothing."
            )


def snapshot(model: Any, optimizer: Any) -> Callable[[], None]:
    """A function that puts back the model's parameters and buffers, and the optimizer's state, as they are now."""
    parameters = {p: p.data.copy() for p in {*model.parameters(), *optimizer.params}}
    put_back, settings = remembered(model, weights=False), optimizer.state_dict()

    def restore() -> None:
        put_back()
        for p, array in parameters.items():
            p.data = array
        optimizer.load_state_dict(settings)

    return restore


class _Watch:
    """One thread's program, watched for some mistakes; what is asked first comes first."""

    def __init__(self, program: _Program, *mistakes: _Mistake) -> None:
        self.program, self.mistakes = program, mistakes

    @contextmanager
    def on(self) -> Iterator[None]:
        """Within, this thread's program is watched."""
        with ExitStack() as stack:
            for observer in (self.program, *self.mistakes):
                stack.enter_context(observing(observer))
            yield

    def finish(self) -> None:
        """What can only be said when the program, or the watch, is over: first which parameters have no gradient."""
        for mistake in reversed(self.mistakes):
            mistake.finish()


class _Program(Observer):
    """What several mistakes need to know: the names of parameters, the optimizers, how many steps each has made."""

    def __init__(self) -> None:
        self.entered = next_stamp()
        self.names: dict[Tensor, str] = {}
        self.modules: dict[int, Any] = {}  # by id, and kept so that no other gets it
        self.steps: dict[Any, int] = {}  # of each optimizer
        self.round = 0  # the most steps that any has made
        self.running = 0  # how many Modules' forward

    def module_left(self, module: Any, output: Any) -> None:
        self.running -= 1

    def module_entered(self, module: Any) -> None:
        self.running += 1
        if id(module) not in self.modules:
            self.modules[id(module)] = module
            for name, p in module.named_parameters():
                self.names.setdefault(p, name)

    def optimizer_stepping(self, optimizer: Any) -> None:
        self.steps.setdefault(optimizer, 0)

    def optimizer_stepped(self, optimizer: Any) -> None:
        self.steps[optimizer] = self.steps.get(optimizer, 0) + 1
        self.round = max(self.steps.values())

    @property
    def owned(self) -> Iterator[Tensor]:
        """The parameters that optimizers have."""
        return (p for optimizer in self.steps for p in optimizer.params)

    def name_of(self, p: Tensor) -> str | None:
        """What the user calls it, or the model does."""
        return p.name or self.names.get(p)

    def named(self, p: Tensor, optimizer: Any = None) -> str:
        """A parameter as sentences name it, if need be by its place in the optimizer."""
        if name := self.name_of(p):
            return f"the parameter {name} of shape {p.shape}"
        if optimizer is not None:
            number = next((i for i, q in enumerate(optimizer.params) if q is p), "?")  # == compares the elements
            return f"parameter {number} of {type(optimizer).__name__}, of shape {p.shape},"
        return f"a Tensor of shape {p.shape}"


class _Mistake(Observer):
    """Watches for one mistake, and raises StrictError when it is made."""

    def __init__(self, program: _Program) -> None:
        self.program = program
        self.key = f"{type(self).__name__} {program.entered}"  # strict blocks may stand in each other

    def of(self, x: Any) -> Any:
        """What this observer noted about the operation that made x; None if nothing."""
        return x.notes.get(self.key) if isinstance(x, Tensor) and x.notes else None

    def finish(self) -> None:
        """Raise what can only be said when the program is over."""


# ---- softmax, or the sigmoid, applied twice ----

_SHAPES = {
    "reshape", "transpose", "swapaxes", "moveaxis", "squeeze", "expand_dims", "getitem", "cast", "copy",
    "concatenate", "stack", "clip",
}  # fmt: skip


class _Probabilities(NamedTuple):
    """What made probabilities: softmax, its logarithm, the sigmoid or its negative; its axis; its line."""

    by: str
    axis: int | None
    line: str


class _SoftmaxTwice(_Mistake):
    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        made = self._made(output, primitive.name, inputs, options)
        if made:
            note(output, self.key, made)

    def _made(self, y: Tensor, name: str, inputs: Sequence[Any], options: dict[str, Any]) -> _Probabilities | None:
        x = inputs[0]
        before: _Probabilities | None = self.of(x)
        if name in ("softmax", "log_softmax", "weighted_cross_entropy"):
            axis = int(options.get("axis", -1)) % max(y.ndim, 1) if name != "weighted_cross_entropy" else None
            if before and before.by == "softmax" and (axis is None or before.axis is None or axis == before.axis):
                what = "cross_entropy" if name == "weighted_cross_entropy" else name
                raise StrictError(
                    f"softmax is applied twice: {what} takes scores and makes probabilities of them itself, but what "
                    f"it is given here are probabilities already, made by softmax at {before.line}. Give it the scores "
                    "from before that softmax (a network for cross_entropy ends in its last Linear)"
                )
            return _Probabilities(name, axis, user_place()) if name != "weighted_cross_entropy" else None
        if name == "sigmoid" or (name == "divide" and _is_sigmoid_by_hand(x, inputs[1])):
            return _Probabilities("sigmoid", None, user_place())
        if name == "divide" and _is_softmax_by_hand(x, inputs[1]):
            return _Probabilities("softmax", None, user_place())
        if not before:
            return None
        if name == "softplus" and before.by == "-sigmoid":
            raise StrictError(
                "the sigmoid is applied twice: binary_cross_entropy_with_logits contains it, but what it is given was "
                f"made by sigmoid at {before.line}. Give it the scores from before, or use binary_cross_entropy"
            )
        if name == "exp" and before.by == "log_softmax":
            return before._replace(by="softmax")
        if name == "negative" and before.by == "sigmoid":
            return _Probabilities("-sigmoid", None, before.line)
        if name in _SHAPES and all(self.of(t) for t in inputs if isinstance(t, Tensor)):
            return before._replace(axis=None)
        return None


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


# ---- the two sides of a loss broadcast ----

_OF_LOSSES = {"where", "huber", "bounded_log", "softplus", "clip", "relu"}  # elementwise, beside NumPy's ufuncs


class _Sides(NamedTuple):
    """Two shapes that broadcast, where, and whether what came of it has been summed over one axis already."""

    a: tuple[int, ...]
    b: tuple[int, ...]
    line: str
    summed: bool = False


class _SidesBroadcast(_Mistake):
    """Two sides of different ndim and as many numbers that broadcast to more; then what is computed of them."""

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        before = [self.of(x) for x in inputs]
        known: _Sides | None = next((sides for sides in before if sides), None)
        name = primitive.name
        elementwise = name != "matmul" and isinstance(getattr(np, name, None), np.ufunc)
        pair = inputs if elementwise and len(inputs) == 2 else ()
        if known is None:
            if pair and output.requires_grad:
                self._meet(output, *pair)
        elif name in ("sum", "mean"):
            self._sum(output, known)
        elif not known.summed and (elementwise or name in _OF_LOSSES):
            # x·x + y·y - 2 x @ y.T, or a matrix of targets: what has a number for each pair meets its like
            others = (x for x, sides in zip(pair, before, strict=False) if sides is None)
            other = next((x for x in others if isinstance(x, Tensor) or name == "subtract"), None)
            if other is None or array_of(other).shape != output.shape:
                note(output, self.key, known)

    def _meet(self, y: Tensor, a: Any, b: Any) -> None:
        one, other = array_of(a), array_of(b)
        if one.ndim == other.ndim or one.size != other.size or y.size == one.size or _is_meant(a) or _is_meant(b):
            return
        meant = _is_prediction(a) and _is_prediction(b)  # each against every other, or a number per row and column
        if not meant and not np.array_equal(one.ravel(), other.ravel()):  # equal: predictions against detached ones
            note(y, self.key, _Sides(one.shape, other.shape, user_place()))

    def _sum(self, y: Tensor, known: _Sides) -> None:
        if y.size == 1:
            a, b = known.a, known.b
            raise StrictError(
                f"the two sides of a loss broadcast: shape {a} against {b} gives {np.broadcast_shapes(a, b)}, each "
                f"prediction against every target, at {known.line}. Write targets.reshape(predictions.shape), or "
                "predictions.reshape(-1)"
            )
        note(y, self.key, known._replace(summed=True))


def _is_meant(x: Any) -> bool:
    """Whether an axis was put in on purpose: t[:, None], np.expand_dims."""
    operation = x.primitive if isinstance(x, Tensor) else None
    return operation is not None and operation.name in ("getitem", "expand_dims") and x.ndim > x.inputs[0].ndim


def _is_prediction(x: Any) -> bool:
    """Whether it is a trained leaf or came out of a layer, whose weight has two axes: no target, be it scaled."""
    if not isinstance(x, Tensor) or not x.requires_grad:
        return False
    return x.primitive is None or any(leaf.ndim > 1 for leaf in _leaves(x))


# ---- attention that looks ahead alone ----

_HIDDEN = -1e3  # scores that aren't to count are less, by −∞, −1e9 or −1e4


class _LooksAhead(_Mistake):
    """A mask, of a layer or by hand, that shows each query the keys behind it in the sequence and none before."""

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        if primitive.name not in ("softmax", "masked_softmax"):
            return
        looks = array_of(inputs[-1]) > _HIDDEN  # the mask, or masked scores
        if looks.ndim < 2 or looks.shape[-2] != looks.shape[-1]:
            return
        ahead = np.triu(np.ones_like(looks), 1)
        keys = np.logical_or.reduce(looks, axis=-2, keepdims=True)  # that some query sees; a single one says nothing
        if keys[..., 1:].sum(axis=-1).max(initial=0) > 1 and np.array_equal(looks & (ahead | ahead.mT), ahead & keys):
            raise StrictError(
                f"attention at {user_line()} looks ahead: its mask lets each place see what comes after it and nothing "
                "before, so it is the wrong way round. True means *may look* in F.scaled_dot_product_attention, and "
                "may *not* in nn.MultiheadAttention and nn.TransformerEncoder: write ~mask, or is_causal=True without "
                "a mask. A model that is to read backwards gets its sequences turned round"
            )


# ---- a graph grows from step to step ----


class _Grown(NamedTuple):
    """In which rounds of the optimizers a graph was computed, and how many transforms stand in it behind each other."""

    rounds: frozenset[int] = frozenset()
    transforms: int = 0
    last: str = ""  # of the transforms


class _GraphGrows(_Mistake):
    """Notes of a graph how it grows: over the steps of optimizers, or through transforms of what transforms gave."""

    def __init__(self, program: _Program, rounds: int, unrolled: float) -> None:
        """It grows once it is of so many rounds, or of more transforms of one another's results than `unrolled`."""
        super().__init__(program)
        self.rounds, self.unrolled = rounds, unrolled

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        if output.primitive is None:
            return
        rounds, transforms, last = frozenset[int](), 0, ""
        for x in inputs:
            if isinstance(x, Tensor) and x.requires_grad:
                before: _Grown = self.of(x) or _Grown()
                rounds |= frozenset([self.program.round]) if x.primitive is None else before.rounds
                through = (x.notes or {}).get("transform")
                if before.transforms + bool(through) >= transforms:
                    transforms, last = before.transforms + bool(through), through or before.last
        # the next transform begins with `positive`; within another one, or its backward pass, all this is meant
        if transforms > self.unrolled and primitive.name == "positive" and not nesting.depth:
            raise StrictError(_grows_through(last, transforms))
        if len(rounds) >= self.rounds:
            raise StrictError(
                f"a graph grows from step to step: what is computed at {user_line()} joins the graphs of "
                f"{len(rounds)} steps, and memory and time grow with each. To add up losses write total += "
                "loss.item(); to carry a state on to the next step write state = state.detach()"
            )
        note(output, self.key, _Grown(rounds, transforms, last))


def _grows_through(transform: str, depth: int) -> str:
    return (
        f"a graph grows through tl.{transform}: what it is called with at {user_line()} depends on the results of "
        f"{depth} calls before, because they ran through Tensors that require a gradient; memory and time grow with "
        f"each. If the loop isn't differentiated, write `with tl.no_grad(): g = tl.{transform}(...)`, or "
        "x = x.detach() at the end of each round; if it is, do it outside of strict()"
    )


# ---- backward without zero_grad, a step without backward ----


class _OutOfRhythm(_Mistake):
    def __init__(self, program: _Program) -> None:
        super().__init__(program)
        self.left: dict[Any, dict[Tensor, tuple[Any, ...]]] = {}  # the gradients each optimizer's last step left
        self.stale: set[Tensor] = set()  # whose gradient, as a pass begins, is that of a step gone by
        self.mixed: dict[Tensor, Tensor] = {}  # and what became of it as new gradients were added

    def backward_started(self, nodes: Sequence[Tensor]) -> None:
        left = {p: seen for grads in self.left.values() for p, seen in grads.items()}
        self.stale = {p for p, seen in left.items() if _fingerprint(p) == seen and seen[1:] != (0.0, 0.0)}
        for p, grad in list(self.mixed.items()):
            if p.grad is not grad or not grad.data.any():  # zeroed since
                del self.mixed[p]

    def backward_ended(self, leaves: Sequence[Tensor]) -> None:
        for p in leaves:
            if p in self.stale and p.grad is not None:
                self.mixed[p] = p.grad

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
                    f"backward without zero_grad: the gradient of {self.program.named(p, optimizer)} holds that of a "
                    "step gone by as well as the new one. Call optimizer.zero_grad() before each backward(), or after "
                    "each step()"
                )

    def optimizer_stepped(self, optimizer: Any) -> None:
        self.left[optimizer] = {p: _fingerprint(p) for p in optimizer.params if p.grad is not None}
        for p in optimizer.params:
            self.mixed.pop(p, None)


def _fingerprint(p: Tensor) -> tuple[Any, ...]:
    """By which to recognise that nobody has touched the gradient: when it was made, and what numbers it holds."""
    if p.grad is None:
        return ()
    flat = p.grad.data.ravel()
    return p.grad.stamp, float(flat.sum()), float(np.dot(flat, flat))


# ---- a Tensor is trained on, but no optimizer has it ----


class _WithoutOptimizer(_Mistake):
    def __init__(self, program: _Program, at_once: bool = False) -> None:
        """With `at_once` there is one optimizer alone, so that nobody need wait for others."""
        super().__init__(program)
        self.at_once = at_once
        self.graded: dict[Tensor, int] = {}  # leaves with new gradients, with their stamps
        self.strangers: dict[Tensor, int] = {}  # in how many steps a leaf had a gradient but no optimizer

    def backward_ended(self, leaves: Sequence[Tensor]) -> None:
        for p in leaves:
            self.graded[p] = p.stamp

    def optimizer_stepping(self, optimizer: Any) -> None:
        owned = set(self.program.owned)
        self.strangers = {p: n for p, n in self.strangers.items() if p not in owned}
        for p, stamp in self.graded.items():
            if p not in owned and p.stamp == stamp and p.grad is not None and p.requires_grad:
                self.strangers[p] = self.strangers.get(p, 0) + 1
                if self.strangers[p] >= _PATIENCE:
                    raise StrictError(self._sentence(p))
        if self.at_once:
            self.finish()

    def optimizer_stepped(self, optimizer: Any) -> None:
        self.graded.clear()

    def finish(self) -> None:
        for p, times in self.strangers.items():
            # a leaf made here that had a gradient once may be an input whose gradient was looked at
            if times > 1 or p in self.program.names or p.stamp < self.program.entered:
                raise StrictError(self._sentence(p))

    def _sentence(self, p: Tensor) -> str:
        return (
            f"{self.program.named(p)} is trained on but no optimizer has it: it gets gradients and never changes. Give "
            "it to the optimizer (which takes model.parameters() as they are when it is made), or say that it is to "
            "stay with .requires_grad = False"
        )


# ---- a parameter never receives a gradient ----

_ROUNDING = {
    "round", "around", "rint", "floor", "ceil", "trunc", "fix", "floor_divide", "astype to integers",
}  # fmt: skip


class _CutOff(_Mistake):
    """Rounding or a plain array stands between a parameter and the loss, or something between all of them and it."""

    def __init__(self, program: _Program) -> None:
        super().__init__(program)
        self.received: set[Tensor] = set()
        self.used: set[Tensor] = set()
        self.taken: dict[Tensor, str] = {}  # taken as a plain array in this step, and at which line
        self.rounded: deque[tuple[Any, str, Tensor]] = deque(maxlen=100)  # the result, how and where, of what

    def flattened(self, name: str, inputs: Sequence[Any], result: Any) -> None:
        source = inputs[0] if inputs else None
        if name in _ROUNDING and isinstance(source, Tensor) and source.requires_grad:
            self.rounded.append((result, f"{name} ({user_place()})", source))

    def read(self, tensor: Tensor) -> None:
        wanted = tensor.primitive is None and tensor.requires_grad
        if self.program.running and wanted and not is_ours(sys._getframe(3)):  # outside of forward one may look at it
            self.taken.setdefault(tensor, user_line())

    def computed(self, output: Tensor, primitive: Primitive, inputs: Sequence[Any], options: dict[str, Any]) -> None:
        self.used.update(x for x in inputs if isinstance(x, Tensor) and x.primitive is None)
        if output.primitive is not None and self.rounded and (how := self._rounding(inputs)):
            note(output, self.key, how)

    def _rounding(self, inputs: Sequence[Any]) -> str:
        for x in inputs:
            for result, how, source in self.rounded if isinstance(x, (np.ndarray, np.generic)) else ():
                if x is result or (isinstance(x, np.ndarray) and x.base is not None and x.base is result):
                    others = set().union(*(_leaves(t) for t in inputs if isinstance(t, Tensor)))
                    if not others & _leaves(source):  # x - floor(x) has the slope 1, as it should
                        return how
        return ""

    def backward_started(self, nodes: Sequence[Tensor]) -> None:
        for node in nodes:
            if how := self.of(node):
                raise StrictError(_cut_by_rounding("this loss", how))

    def backward_ended(self, leaves: Sequence[Tensor]) -> None:
        self.received.update(leaves)

    def optimizer_stepping(self, optimizer: Any) -> None:
        trained = [p for p in optimizer.params if p.requires_grad]
        self.received.update(p for p in trained if p.grad is not None)
        for p in trained:
            if p not in self.received and (why := self.cut(p)):
                raise StrictError(f"{self.program.named(p, optimizer)} receives no gradient: {why}")
        if trained and self.received.isdisjoint(trained):
            raise StrictError(
                f"none of the {len(trained)} parameters that {type(optimizer).__name__} has receives a gradient, so "
                f"nothing would be learned. Of the first of them: {self.unused(trained[0])}"
            )

    def optimizer_stepped(self, optimizer: Any) -> None:
        self.rounded.clear()
        self.taken.clear()

    def cut(self, p: Tensor) -> str:
        """Why no gradient can come, where that was seen."""
        for _, how, source in self.rounded:
            if p in _leaves(source):
                return _cut_by_rounding("what is computed from it", how)
        if p in self.taken and p not in self.used:
            return (
                "it is used only through .data, .numpy() or .item(), as a plain array or number, at "
                f"{self.taken[p]}. Use the Tensor itself there; to look at it only, do so outside of forward"
            )
        return ""

    def unused(self, p: Tensor) -> str:
        """What is known where that wasn't seen."""
        if p in self.used:
            return (
                "it was used, but the way from there to the loss is cut, by .detach(), .data, .numpy() or no_grad(), "
                "or the result wasn't used. Keep Tensors all the way to the loss"
            )
        return (
            "no recorded operation used it. Either forward forgets it, or reads it only through .data or .numpy(): "
            "use the Tensor itself; a parameter that is to stay as it is gets .requires_grad = False"
        )


class _WithoutGradient(_CutOff):
    """And a parameter that never receives one, whatever the reason."""

    def optimizer_stepping(self, optimizer: Any) -> None:
        super().optimizer_stepping(optimizer)
        if self.program.steps[optimizer] >= _PATIENCE:
            self._check(optimizer)

    def finish(self) -> None:
        for optimizer, steps in self.program.steps.items():
            if steps:
                self._check(optimizer)

    def _check(self, optimizer: Any) -> None:
        for p in optimizer.params:
            if p.requires_grad and p not in self.received:
                raise StrictError(
                    f"{self.program.named(p, optimizer)} never received a gradient in {self.program.steps[optimizer]} "
                    f"steps: {self.cut(p) or self.unused(p)}"
                )


def _cut_by_rounding(what: str, how: str) -> str:
    return (
        f"{what} goes through {how}: rounding and integer division are flat, so no gradient passes. Round only what is "
        "reported, not what is trained on, and divide with / instead of //"
    )


def _leaves(t: Tensor) -> set[Tensor]:
    """The leaves that require a gradient and that t was computed from."""
    return {x for x in leaves([t]) if x.requires_grad}
