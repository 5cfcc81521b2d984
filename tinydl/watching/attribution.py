"""Which inputs a model's answer hangs on: saliency, integrated gradients, occlusion and Grad-CAM.

Each is a few lines on a `_Question`: the score of one class for each row, as a function of the inputs or of what a
layer makes of them. What they give is an array that knows how it was made, so that it can be put beside its controls,
which stand in controls.py: a map that looks right may show the input, and nothing that was learned.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..engine.arrays import Array
from ..engine.checks import array_of, first, kind, listed, refuse_foreign, whole
from ..engine.graph import ancestors, leading_to
from ..engine.random import seeded
from ..engine.recording import no_grad
from ..engine.tensor import Tensor, wrap
from ..engine.transforms import grad
from ..nn.convolution import Conv1d, Conv2d
from ..nn.embedding import Embedding
from ..nn.module import Module
from .controls import ORDERS, OWN, PRODUCT, RANDOM, Controls, deletion, rank_correlation, untrained
from .modes import mode

BATCH = 256  # rows that are computed at a time
MISSED = 0.05  # of the mean difference of scores; relus on digits and 20 nodes miss 0.01 of it
Layer: TypeAlias = "str | Module | None"


# ---- the score, as a function ----


class _Question:
    """The score f(a) of each row's class, a (N, …) being x or, with a `layer`, what that makes of x.

    All is computed in float64: a sum over a path is then as exact as its nodes are, whatever the weights' dtype.
    """

    def __init__(self, method: str, model: Any, x: Any, target: Any, layer: Layer) -> None:
        self.method, self.model = method, _checked_model(method, model)
        self.name: str | None = None
        self.layer: Module | None = None
        if layer is not None:
            self.name, self.layer = _found(method, self.model, layer)
        self.x = self._inputs(x)
        outputs, made = zip(*(self._asked(self.x[rows]) for rows in self._batches()), strict=True)
        scores = np.concatenate(outputs)
        self.classes, self.outputs = _classes(target, scores), scores.shape[1]
        self.a = self.x if self.layer is None else np.concatenate(made)
        self.score = self.scores(self.a)
        if not np.isfinite(self.score).all():
            row = first(~np.isfinite(self.score))[0]
            raise FloatingPointError(
                f"{method}: the score of row {row} is {self.score[row]}, so no map can say what it hangs on; "
                "with tl.detect_anomaly(): model(x) names where that began"
            )
        self._refuse_mixed_rows(scores)

    def _inputs(self, x: Any) -> Array:
        refuse_foreign(self.method, x, *self.model.parameters())
        try:
            array = array_of(x)
        except ValueError:
            array = np.zeros((), object)
        if array.dtype.kind not in "fiub":
            hint = "; of a Dataset give test.x" if hasattr(x, "x") or isinstance(x, tuple) else ""
            given = f"one of {array.dtype}" if isinstance(x, np.ndarray) else kind(x)
            raise TypeError(f"{self.method} takes inputs x, an array of real numbers (N, …), not {given}{hint}")
        if not array.ndim or not array.size:
            raise ValueError(f"{self.method} takes one row per example, (N, …), not x of shape {array.shape}")
        if array.dtype.kind == "f":
            return array.astype(np.float64)  # a copy of its own
        if self.layer is None:
            name = next((n for n, module in self.model.named_modules() if isinstance(module, Embedding) and n), None)
            raise TypeError(
                f"{self.method} asks for the slope or the absence of each input, and integers that are numbers of "
                f"words have neither; begin at what the embedding makes of them: layer={name!r}"
                if name
                else f"{self.method} takes inputs of floats, not of {array.dtype}; write x.astype(np.float32)"
            )
        return array.copy()

    def _batches(self) -> Iterator[slice]:
        return (slice(i, i + BATCH) for i in range(0, len(self.x), BATCH))

    def _asked(self, x: Array) -> tuple[Array, Array]:
        """The model's outputs (n, K) for these rows, and what the layer made of them."""
        seen: list[Any] = []
        with no_grad(), _still(self.model):
            if self.layer is None:
                return _rows_of_scores(self.method, self.model(_given(x)), len(x)).data, x
            forward = self.layer.forward

            def listening(*inputs: Any, **options: Any) -> Any:
                seen.append(forward(*inputs, **options))
                return seen[-1]

            with _forward(self.layer, listening):
                outputs = _rows_of_scores(self.method, self.model(_given(x)), len(x)).data
        return outputs, self._one(seen, len(x))

    def _one(self, seen: list[Any], n: int) -> Array:
        """What the layer gave, if it is an array of a row for each of n."""
        if len(seen) != 1:
            times = f"{len(seen)} times" if seen else "never"
            raise ValueError(f"{self.method}: the layer {self.name!r} runs {times} in a forward pass, it must run once")
        if not isinstance(seen[0], Tensor) or seen[0].dtype.kind != "f" or not seen[0].ndim or len(seen[0]) != n:
            gave = f"shape {seen[0].shape}" if isinstance(seen[0], Tensor) else kind(seen[0])
            raise ValueError(f"{self.method}: the layer {self.name!r} must give a Tensor with {n} rows, not {gave}")
        return seen[0].data.astype(np.float64)

    def _scores(self, a: Any, rows: slice) -> Tensor:
        """f of these rows; what is given a Tensor of floats gives one that can be differentiated."""
        classes = self.classes[rows]
        with _still(self.model), ExitStack() as stack:
            if self.layer is None:
                outputs = self.model(a)
            else:
                stack.enter_context(_forward(self.layer, lambda *inputs, **options: a))
                outputs = self.model(_given(self.x[rows]))
        picked: Tensor = _rows_of_scores(self.method, outputs, len(classes))[np.arange(len(classes)), classes]
        return picked

    def scores(self, a: Array) -> Array:
        """f(a), (N,)."""
        with no_grad():
            return np.concatenate([self._scores(wrap(a[rows]), rows).data for rows in self._batches()])

    def gradient(self, a: Array) -> Array:
        """∂f/∂a, of a's shape: no row's score depends on another row."""

        def total(part: Tensor, rows: slice) -> Tensor:
            scores = self._scores(part, rows)
            if scores not in leading_to([part], ancestors([scores])):
                what = "x" if self.name is None else f"what the layer {self.name!r} gives"
                raise ValueError(
                    f"{self.method}: the score isn't computed from {what} by recorded operations, so it has no slope; "
                    "leave out .detach(), .data and no_grad in forward, or take tl.occlusion"
                )
            whole_score: Tensor = scores.sum()
            return whole_score

        with no_grad():  # what comes of it is for nobody to differentiate
            return np.concatenate([grad(total)(a[rows], rows) for rows in self._batches()])

    def baseline(self, given: Any) -> Array:
        """Where a path begins: zeros, or what was given; with a layer, what that makes of what was given."""
        if given is None:
            return np.zeros_like(self.a)
        array = array_of(given)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"{self.method}: the baseline has {array[first(~np.isfinite(array))]} in it")
        kinds = "f" if self.layer is None else self.x.dtype.kind
        if array.dtype.kind not in "fiu" or (kinds != "f" and array.dtype.kind == "f"):
            raise TypeError(f"{self.method}: the baseline is an input as x is, of {self.x.dtype}, not {kind(given)}")
        try:
            array = np.broadcast_to(array, self.x.shape).astype(self.x.dtype)
        except ValueError:
            raise ValueError(
                f"{self.method}: the baseline must have x's shape {self.x.shape}, or one that can be broadcast to it, "
                f"not {array.shape}"
            ) from None
        return array if self.layer is None else np.concatenate([self._asked(array[r])[1] for r in self._batches()])

    def _refuse_mixed_rows(self, scores: Array) -> None:
        """The first row, the last of a whole batch and one between are asked for alone, and must give the same."""
        n = len(scores)
        whole_batch = n if n <= BATCH else n - n % BATCH
        for row in sorted({0, whole_batch // 2, whole_batch - 1}):
            alone = self._asked(self.x[row : row + 1])[0][0]
            if not np.allclose(alone, scores[row], rtol=1e-3, atol=1e-3 * float(np.abs(scores).max())):
                what = "the other rows, or on chance," if n > 1 else "chance, or on what it was asked before,"
                then = "; give each row alone, x[i : i + 1]" if n > 1 else ""
                raise ValueError(
                    f"{self.method}: what the model gives a row hangs on {what} even in eval mode, so no map of one "
                    f"row can be made of a batch{then}"
                )


def _given(x: Array) -> Any:
    """Floats as a Tensor, which keeps its dtype; integers as they are, as an Embedding takes them."""
    return wrap(x) if x.dtype.kind == "f" else x


def _checked_model(method: str, model: Any) -> Module:
    if not isinstance(model, Module):
        raise TypeError(
            f"{method} takes a Module, not {kind(model)}; put a function into the forward of one, and of what "
            "tl.compile gave take the model itself"
        )
    return model


def _found(method: str, model: Module, layer: Any) -> tuple[str, Module]:
    """A layer of the model by its name, or the layer itself; both are given back."""
    named = {name: module for name, module in model.named_modules() if name}
    if isinstance(layer, Module):
        name = next((name for name, module in named.items() if module is layer), None)
    else:
        name = layer if isinstance(layer, str) and layer in named else None
    if name is None:
        said = f"a {type(layer).__name__} that isn't part of it" if isinstance(layer, Module) else repr(layer)
        there = listed([*map(repr, named)], 12, 10) or "of which there are none"
        raise ValueError(f"{method}: layer is one of those inside the model, {there}; not {said}")
    return name, named[name]


@contextmanager
def _still(model: Module) -> Iterator[None]:
    """Within, the model is in eval mode and draws the same numbers each time; afterwards all is as it was."""
    with mode(model, False), seeded(0):
        yield


@contextmanager
def _forward(layer: Module, function: Callable[..., Any]) -> Iterator[None]:
    """Within, this function is the layer's forward."""
    held = vars(layer)
    before = held.get("forward")
    held["forward"] = function
    try:
        yield
    finally:
        if before is None:
            del held["forward"]
        else:
            held["forward"] = before


def _rows_of_scores(method: str, outputs: Any, n: int) -> Tensor:
    """Outputs as (N, K); a single score of each row as K = 1."""
    scores = isinstance(outputs, Tensor) and outputs.dtype.kind == "f" and outputs.size and outputs.ndim in (1, 2)
    if scores and len(outputs) == n:
        rows: Tensor = outputs if outputs.ndim == 2 else outputs.reshape(n, 1)
        return rows
    gave = f"a Tensor of shape {outputs.shape}" if isinstance(outputs, Tensor) else kind(outputs)
    raise ValueError(
        f"{method}: the model must give each of {n} rows its scores, (N, K) or (N,), not {gave}. If x is one example, "
        "write x[None]; if there is more than one answer, wrap the model in a Module that picks one"
    )


def _classes(target: Any, scores: Array) -> Array:
    """The class of each row, (N,): the targets, or the model's own answers."""
    n, k = scores.shape
    if target is None:
        own: Array = scores.argmax(1)
        return own
    classes = array_of(target)
    if classes.dtype.kind not in "iu":
        raise TypeError(f"target is the number of a class, or one for each row, integers, not {classes.dtype}")
    if classes.shape not in ((), (n,)):
        raise ValueError(f"target is one class or one for each of {n} rows, ({n},), not of shape {classes.shape}")
    if not 0 <= classes.min() <= classes.max() < k:
        raise ValueError(
            f"target must be within 0 … {k - 1}, the model's classes, not {classes.min()} … {classes.max()}"
        )
    rows: Array = np.broadcast_to(classes, n).astype(np.intp)
    return rows


# ---- what is given ----


@dataclass(eq=False)
class Made:
    """How a map was made: the question; `again`, the same of another model; what takes the place of an input that is
    taken away; `order`, which makes of a map one number for each thing that is taken away together."""

    question: _Question
    again: Callable[[Module], Array]
    without: Array
    order: Callable[[Array], Array]
    completeness: float | None = None


class Attribution(np.ndarray[Any, np.dtype[Any]]):
    """A map of importance, an array of float64 that knows how it was made; what is computed from it is a plain one."""

    _made: Made | None = None

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
        plain = [np.asarray(x) if isinstance(x, Attribution) else x for x in inputs]
        if out is not None:
            options["out"] = tuple(np.asarray(x) if isinstance(x, Attribution) else x for x in out)
        return getattr(ufunc, method)(*plain, **options)

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self)[index]

    @property
    def completeness(self) -> float:
        r"""Of integrated gradients, the largest :math:`|\sum_i \text{map}_i - (f(x) - f(x_0))|` of all rows."""
        if self._made is None:
            raise AttributeError("a copy or a part of a map no longer knows how it was made")
        if self._made.completeness is None:
            raise AttributeError(f"{self._made.question.method} promises no sum; only integrated_gradients does")
        return self._made.completeness

    def controls(self, shuffled: Module | None = None, seed: int = 0) -> Controls:
        """Put the map beside its controls; ``print(maps.controls())`` says what came out, in sentences.

        The same map is made of a copy that has learned nothing (its layers drawn anew from `seed`) and, if there is
        one, of `shuffled`, a network of the same layers trained on shuffled labels (``rng.permutation(train.y)``). Then
        inputs are taken away in the map's order, the largest first, in random orders and in that of gradient × input:
        set to 0, to integrated_gradients' baseline, of an Embedding whole tokens. It takes the map twice, and 112
        forward passes. Raises TypeError for a copy or a part of a map, ValueError if the model has changed since, or if
        `shuffled` gives no such map. Source: Adebayo et al., Sanity checks for saliency maps (2018).
        """
        made = made_of(self)
        question, values = made.question, np.asarray(self)
        n = len(values)
        if not np.allclose(question.scores(question.a), question.score, 1e-6, 1e-9 * np.abs(question.score).max()):
            raise ValueError("the model has changed since this map was made, so its controls would be another's")
        order = made.order(values)
        sized = _collected(np.abs(question.a - made.without), order.shape)
        product = _collected(question.gradient(question.a) * (question.a - made.without), order.shape)

        def in_size(other: Array) -> float:
            return rank_correlation(np.abs(order).reshape(n, -1), np.abs(other).reshape(n, -1))

        def of(model: Module) -> tuple[float, float | None]:
            other = made.order(np.asarray(made.again(model)))
            if other.shape != order.shape:
                raise ValueError(f"its map has the shape {other.shape}, where this one has {order.shape}")
            if (order >= 0).all():
                return in_size(other), None
            shown = (sized > 0).reshape(n, -1)
            return in_size(other), rank_correlation(order.reshape(n, -1), other.reshape(n, -1), shown)

        rng = np.random.default_rng(seed)

        def falls(order: Array) -> Array:
            return deletion(question.scores, question.a, made.without, order, rng)

        chance = np.mean([falls(np.zeros(order.shape)) for _ in range(ORDERS)], axis=0)
        learned_nothing, signed = of(untrained(question.model, seed))
        try:
            learned_nonsense, signed_nonsense = (None, None) if shuffled is None else of(shuffled)
        except (TypeError, ValueError) as error:
            raise type(error)(f"`shuffled` must be a network of the same layers: {error}") from error
        return Controls(
            question.method, n, learned_nothing, learned_nonsense, in_size(sized),
            {OWN: falls(order), PRODUCT: falls(product), RANDOM: chance}, signed, signed_nonsense,
            int((values.reshape(n, -1) == 0).all(1).sum()),
        )  # fmt: skip


def made_of(maps: Any) -> Made:
    """How a map was made. TypeError for what doesn't know."""
    made = maps._made if isinstance(maps, Attribution) else None
    if made is None:
        raise TypeError(
            "only a map as tl.saliency, integrated_gradients, occlusion or grad_cam gave it knows how it was made; a "
            f"copy, a part or what is computed from one doesn't: {kind(maps)}"
        )
    return made


def _collected(values: Array, shape: tuple[int, ...]) -> Array:
    """Summed over the axes on which what is taken away together lies."""
    axes = tuple(i for i, (n, m) in enumerate(zip(values.shape, shape, strict=True)) if m == 1 < n)
    collected: Array = values.sum(axes, keepdims=True)
    return collected


def _attribution(values: Array, question: _Question, again: Callable[[Module], Array], **known: Any) -> Attribution:
    if not np.isfinite(values).all():
        index = first(~np.isfinite(values))
        raise FloatingPointError(
            f"{question.method}: the score is finite, but the map is {values[index]} at {[*index]}: some slope has no "
            "finite value there, as that of sqrt at 0"
        )
    maps = values.view(Attribution)
    tokens = isinstance(question.layer, Embedding)
    order = (lambda m: m.sum(-1, keepdims=True)) if tokens else lambda m: m
    maps._made = Made(question, again, **{"without": np.zeros_like(question.a), "order": order, **known})
    return maps


# ---- the methods ----


def saliency(model: Module, x: Any, target: Any = None, *, layer: Layer = None) -> Attribution:
    r"""How steeply the score depends on each input, :math:`|\partial f / \partial x|`.

    f is the model's output for the class `target`, before any softmax that isn't part of the model. Shapes: x (N, …) →
    x's; target one class, or one for each row, or None, the model's own answer; the model gives (N, K), or (N,) or
    (N, 1), of which the only score is meant. With `layer`, a name or Module, x is what that layer gives, and so is the
    shape of the map: tokens of a text are looked at from the Embedding on, ``layer="letter"``.

    The model runs in eval mode; its modes, gradients and weights, and the default Generator, are left as they were
    (what a forward of one's own writes down, stays written); all is computed in float64. ``print(maps.controls())``
    says what the map is worth, `tl.plots.attribution(maps)` draws it. Raises TypeError for integers, which have no
    slope, and for what is no Module or array; ValueError for other shapes, classes and layers, and for a model whose
    rows hang together; FloatingPointError for a score that isn't finite. Source: Simonyan et al., Deep inside
    convolutional networks (2014).
    """
    question = _Question("saliency", model, x, target, layer)
    values = np.abs(question.gradient(question.a))
    return _attribution(values, question, lambda m: saliency(m, question.x, question.classes, layer=question.name))


def integrated_gradients(
    model: Module, x: Any, baseline: Any = None, target: Any = None, nodes: int = 20, *, layer: Layer = None
) -> Attribution:
    r"""What each input adds to the score on the straight way from a baseline:
    :math:`(x - x_0) \int_0^1 \nabla f(x_0 + t\,(x - x_0))\, dt`.

    The sum over a row is :math:`f(x) - f(x_0)`; ``maps.completeness`` says by how much it isn't. The integral is taken
    at `nodes` Gauss-Legendre nodes instead of the paper's equal steps: of small tanh networks 20 make it exact to
    1e-12; the kinks of relus leave about a hundredth of the difference. A way that is steep leaves more, as of a
    trained GRU, or where a LayerNorm divides by nearly nothing, and wants more nodes; what misses a twentieth of the
    mean difference or more is said in a warning. On one hidden layer the map is hardly more than gradient × input.

    `baseline`, x₀: an input like x, or what can be broadcast to its shape, by default zeros; with a `layer`, what that
    makes of the baseline, by default zeros of its output, and whatever leads around the layer stays as it is.

    Shapes, `target`, `layer`, what is left as it was and what is raised: as for `saliency`; besides, TypeError for a
    baseline of another kind than x, ValueError for one of another shape and for ``nodes < 1``. Source: Sundararajan et
    al., Axiomatic attribution for deep networks (2017).
    """
    question = _Question("integrated_gradients", model, x, target, layer)
    given = array_of(baseline).copy() if isinstance(baseline, (np.ndarray, Tensor, list)) else baseline
    start = question.baseline(given)
    values = _integrated(question, start, whole("nodes", nodes, 1))
    difference = question.score - question.scores(start)
    missed = float(np.abs(values.reshape(len(values), -1).sum(1) - difference).max())
    if missed > MISSED * (size := float(np.abs(difference).mean())):
        warnings.warn(
            f"integrated_gradients misses f(x) − f(x₀), which is {size:.2g} on average, by up to {missed:.2g}. "
            f"The way from the baseline is steep, or has kinks; write nodes={4 * nodes}, or another baseline",
            stacklevel=2,
        )

    def again(other: Module) -> Array:
        asked = _Question("integrated_gradients", other, question.x, question.classes, question.name)
        return _integrated(asked, asked.baseline(given), nodes)

    return _attribution(values, question, again, without=start, completeness=missed)


def _integrated(question: _Question, start: Array, nodes: int) -> Array:
    """(a − a₀) · ∫₀¹ ∇f(a₀ + t (a − a₀)) dt."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    path, total = question.a - start, np.zeros_like(question.a)
    for t, weight in zip((places + 1) / 2, weights / 2, strict=True):
        total += weight * question.gradient(start + t * path)
    return path * total


def occlusion(
    model: Module, x: Any, size: int | Sequence[int], target: Any = None, *, layer: Layer = None
) -> Attribution:
    r"""By how much the score falls when a window is set to 0, the mean over all windows that cover an input.

    `size` is the window's, on the last axes of x; the axes before them, such as an image's channels, are hidden whole.
    One number is meant for a table's only axis, for both of an image's, (N, height, width) or (N, C, height, width),
    and for tokens where `layer` is an Embedding; else write a tuple: (3,) of sequences (N, C, length). Windows stand at
    every place within x, so an image takes about as many forward passes as it has pixels.

    Shapes, `target`, `layer`, what is left as it was and what is raised: as for `saliency`; besides, ValueError for a
    window larger than x. Source: Zeiler and Fergus, Visualizing and understanding convolutional networks (2014).
    """
    question = _Question("occlusion", model, x, target, layer)
    window = _window(size, question)
    total, count = np.zeros_like(question.a), np.zeros_like(question.a[:1])
    spans = question.a.shape[question.a.ndim - len(window) :]
    for place in itertools.product(*(range(n - w + 1) for n, w in zip(spans, window, strict=True))):
        at: Any = (..., *(slice(i, i + w) for i, w in zip(place, window, strict=True)))
        hidden = question.a.copy()
        hidden[at] = 0
        fall = question.score - question.scores(hidden)
        total[at] += fall.reshape(-1, *[1] * (total.ndim - 1))
        count[at] += 1
    return _attribution(
        total / count, question, lambda m: occlusion(m, question.x, window, question.classes, layer=question.name)
    )


def _window(size: Any, question: _Question) -> tuple[int, ...]:
    """The window's size on the last axes."""
    shape = question.a.shape
    if len(shape) < 2:
        raise ValueError(f"occlusion hides a part of each row, so it takes x (N, …), not of shape {shape}")
    if not isinstance(size, (tuple, list)):
        number = whole("size", size, 1)
        size = (number, shape[-1]) if isinstance(question.layer, Embedding) else (number,) * min(len(shape) - 1, 2)
    window = tuple(whole("size", n, 1) for n in size)
    if not 0 < len(window) < len(shape) or any(w > n for w, n in zip(window[::-1], shape[::-1], strict=False)):
        raise ValueError(f"a window of {window} doesn't fit on the last axes of {shape}; the first is that of rows")
    return window


def grad_cam(model: Module, layer: Any, x: Any, target: Any = None) -> Attribution:
    r"""Where a convolution's channels speak for the class: :math:`\operatorname{relu}\left(\sum_k \bar g_k A_k\right)`,
    :math:`\bar g_k` the mean over all places of :math:`\partial f / \partial A_k`.

    `layer`, a name or Module, gives the maps A (N, C, height, width), and what is given has their (N, height, width);
    of (N, C, length) it is (N, length). It is as coarse as they are: the last layer before maps are flattened or
    averaged is usual. `controls` takes away the pixels below each place where x has the layout of the maps, which an
    `nn.Conv2d` or `nn.Conv1d` that takes x shows, and else the places of the maps themselves.

    Shapes of x, `target`, what is left as it was and what is raised: as for `saliency`; besides, ValueError for a layer
    that gives no maps. Source: Selvaraju et al., Grad-CAM (2017).
    """
    if layer is None:
        raise ValueError('grad_cam looks at the maps of a layer, its name or the Module: grad_cam(model, "2", x)')
    question = _Question("grad_cam", model, x, target, layer)
    maps = question.a
    if maps.ndim < 3:
        raise ValueError(
            f"grad_cam: the layer {question.name!r} gives {maps.shape}, no maps (N, C, height, width); name a "
            "convolution, or what follows it before Flatten"
        )
    weights = question.gradient(maps).mean(tuple(range(2, maps.ndim)), keepdims=True)
    values = np.maximum((weights * maps).sum(1), 0)
    name, classes = question.name, question.classes
    below = question
    if question.x.ndim == maps.ndim and _has_channels_first(question):
        below = _Question("grad_cam", model, question.x, classes, None)
    shape = below.a.shape[2:]
    return _attribution(
        values, below, lambda m: grad_cam(m, name, question.x, classes), order=lambda m: _stretched(m, shape)[:, None]
    )


def _has_channels_first(question: _Question) -> bool:
    """Whether a convolution takes x as it is, or what has its shape where no axes can have been exchanged."""
    x, taken = question.x[:1], []
    with no_grad(), _still(question.model), ExitStack() as stack:
        for layer in question.model.modules():
            if isinstance(layer, (Conv1d, Conv2d)):

                def listening(a: Any, forward: Callable[[Any], Any] = layer.forward) -> Any:
                    taken.append(array_of(a))
                    return forward(a)

                stack.enter_context(_forward(layer, listening))
        question.model(_given(x))
    sure = len(set(x.shape[1:])) == x.ndim - 1
    return any(a.shape == x.shape and (sure or np.array_equal(a, x)) for a in taken)


def _stretched(maps: Array, shape: tuple[int, ...]) -> Array:
    """Maps (N, …) as (N, *shape): each place has the number of the place that it lies in."""
    for axis, n in enumerate(shape, 1):
        maps = maps.take((2 * np.arange(n) + 1) * maps.shape[axis] // (2 * n), axis)
    return maps
