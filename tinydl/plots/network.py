"""Pictures of a network: what it says where, what its layers hold and pass on, the landscape it descends.

All that is measured is measured on a copy of the model. Stands on nn and on the engine's observers.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import random
from ..engine.arrays import Array
from ..engine.checks import array_of
from ..engine.recording import no_grad, observing
from ..engine.tensor import Tensor, propagate
from ..engine.trace import Trace
from ..nn import Module
from ..optim.optimizer import Optimizer
from .style import ALARM, MARKERS, PALETTE, axes_for, finite_range, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes


Loss = Callable[[Any, Any], Any]


# ---- what it says ----


def decision_boundary(
    model: Module, x: Any, y: Any, ax: Axes | None = None, classes: Sequence[Any] = (), threshold: float = 0.0,
    points: int = 200,
) -> Axes:  # fmt: skip
    """Which class the model says at each point of the plane, and the examples with their own.

    Shapes: x (N, 2); y (N,) or (N, 1), class indices. Outputs (N, K) mean the class with the largest; a single output
    means class 1 above `threshold`, 0 for logits, 0.5 for probabilities. Examples it gets wrong have a black ring.
    Raises ValueError for other shapes.
    """
    x, labels = array_of(x), array_of(y).ravel().astype(int)
    if x.ndim != 2 or x.shape[1] != 2 or len(labels) != len(x) or not len(x):
        raise ValueError(f"decision_boundary takes x (N, 2) and N class indices, not {x.shape} and {np.shape(y)}")
    ax = axes_for(ax, 5, 4.2)
    limits = []
    for column in x.T:
        low, high = finite_range(column)
        limits.append((low - 0.1 * (high - low), high + 0.1 * (high - low)))
    (left, right), (bottom, top) = limits
    across, up = np.meshgrid(np.linspace(left, right, points), np.linspace(bottom, top, points))
    said = _said(model, np.stack([across.ravel(), up.ravel()], axis=1).astype(x.dtype), threshold)
    at_examples = _said(model, x, threshold)
    known = max(len(classes), labels.max(initial=0) + 1, said.max() + 1, 2)
    from matplotlib.colors import ListedColormap

    colours = [PALETTE[k % len(PALETTE)] for k in range(known)]
    ax.imshow(
        np.where(said < 0, np.nan, said).reshape(across.shape), origin="lower", extent=(left, right, bottom, top),
        aspect="auto", alpha=0.3, cmap=ListedColormap(colours), vmin=-0.5, vmax=known - 0.5, interpolation="nearest",
    )  # fmt: skip
    for k in np.unique(labels):
        of_class, wrong = labels == k, at_examples != labels
        name = short(classes[k] if k < len(classes) else f"class {k}", 20)
        edges = ["black" if w else "white" for w in wrong[of_class]]
        marker = MARKERS[k % len(MARKERS)]
        ax.scatter(
            x[of_class, 0],
            x[of_class, 1],
            c=colours[k],
            marker=marker,
            s=22,
            edgecolors=edges,
            linewidths=0.8,
            label=name,
        )
    share = float(np.mean(at_examples == labels))
    ax.set(xlabel="first input", ylabel="second input", title=f"decision boundary: {share:.1%} of {len(x)} right")
    if len(np.unique(labels)) > 4:
        ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    else:
        ax.legend(fontsize=8, loc="best")
    return ax


def _said(model: Module, x: Array, threshold: float) -> Array:
    """The class that the model says at each point; −1 where it gives NaN, which says none."""
    model = _copy(model).eval()
    with no_grad():
        outputs = array_of(model(x))
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        return np.where(np.isnan(outputs).any(1), -1, outputs.argmax(1))
    if outputs.size != len(x):
        raise ValueError(f"the model must give one row of scores per point, not outputs of shape {outputs.shape}")
    scores = outputs.ravel()
    return np.where(np.isnan(scores), -1, scores > threshold)


def images(
    pictures: Any, ax: Axes | None = None, labels: Any = None,
    predictions: Any = None, columns: int = 8,
) -> Axes:  # fmt: skip
    """Grey images in rows of `columns`; above each its label, and in red what was predicted where that is wrong.

    Shape: pictures (N, height, width), the largest number black, as ink on paper; labels and predictions N of
    anything that can be printed. Raises ValueError for other shapes.
    """
    pictures = array_of(pictures)
    for name, given in (("labels", labels), ("predictions", predictions)):
        if given is not None and len(given) != len(pictures):
            raise ValueError(f"images was given {len(pictures)} pictures and {len(given)} {name}")
    if pictures.ndim != 3:
        raise ValueError(f"images takes pictures of shape (N, height, width), not {pictures.shape}")
    titled = 0 if labels is None and predictions is None else 2 if labels is not None and predictions is not None else 1
    ax = _tiles(pictures, ax, columns, "gray_r", titled=titled)
    height, width = pictures.shape[1:]
    figure: Any = ax.figure
    room = 72 * ax.get_window_extent().width / figure.dpi / max(1, min(columns, len(pictures)))  # points for a caption
    for i in range(len(pictures)):
        label = None if labels is None else labels[i]
        said = None if predictions is None else predictions[i]
        right = label is None or said is None or label == said
        lines = [label if label is not None else said] if right else [label, f"said {said}"]
        text = "\n".join(short(line, 14) for line in lines if line is not None)
        row, column = divmod(i, max(1, min(columns, len(pictures))))
        middle, top = column * (width + _gap(width)) + width / 2 - 0.5, row * _pitch(height, titled) - 0.5
        head = room / (width + _gap(width)) * (_pitch(height, titled) - height) / (1.4 * max(titled, 1))
        size = float(np.clip(min(room / max(max(map(len, text.split("\n"))), 5) / 0.62, head), 3, 9))
        style: dict[str, Any] = {"color": "black"} if right else {"color": ALARM, "weight": "bold"}
        ax.text(middle, top - 0.06 * height, text, ha="center", va="bottom", fontsize=size, **style)
        if not np.isfinite(pictures[i]).all():
            ax.text(middle, top + height / 2, "not finite", ha="center", va="center", fontsize=7, color=ALARM)
    return ax


def weights(weight: Any, ax: Axes | None = None, shape: tuple[int, int] | None = None, columns: int = 8) -> Axes:
    """The rows of a weight matrix as images: what each unit looks for. Blue is negative, red positive, white 0.

    Shapes: weight (units, inputs), an array or Tensor; `shape` is that of an image, by default the square of as many
    inputs, or one row. Or the kernels of a convolution, (filters, channels, height, width), one image for each channel
    of each filter, or (filters, channels, length), one for each filter. Raises ValueError if the shape doesn't fit.
    """
    array = array_of(weight)
    if array.ndim in (3, 4) and shape is None:
        array, shape = array.reshape(-1, math.prod(array.shape[-2:])), (array.shape[-2], array.shape[-1])
    if array.ndim != 2:
        raise ValueError(f"weights takes a matrix (units, inputs) or kernels, not shape {array.shape}")
    side = math.isqrt(array.shape[1])
    shape = shape or ((side, side) if side * side == array.shape[1] else (1, array.shape[1]))
    if math.prod(shape) != array.shape[1]:
        raise ValueError(f"{array.shape[1]} inputs don't make images of shape {shape}")
    ax = _tiles(array.reshape(-1, *shape), ax, columns, "RdBu_r", symmetric=True)
    figure: Any = ax.figure
    figure.colorbar(ax.images[0], ax=ax, shrink=0.8, label="weight")
    what = "unit" if array_of(weight).ndim == 2 else "kernel"
    ax.set_title(f"weights of {len(array)} {what}{'s' * (len(array) != 1)}, each {shape[0]} × {shape[1]}")
    return ax


def _gap(width: int) -> int:
    return max(1, round(width / 8))


def _pitch(height: int, titled: int) -> int:
    """From one row of pictures to the next, with so many lines above each."""
    return height + (max(2, round(height * (0.15 + 0.25 * titled))) if titled else _gap(height))


def _tiles(pictures: Array, ax: Axes | None, columns: int, cmap: str, symmetric: bool = False, titled: int = 0) -> Axes:
    """All pictures side by side as one image, NaN between them."""
    n, height, width = pictures.shape
    columns = max(1, min(columns, n))
    rows = max(1, math.ceil(n / columns))
    down, across = _pitch(height, titled), width + _gap(width)
    canvas = np.full((max(1, rows * down - (down - height)), max(1, columns * across - _gap(width))), np.nan)
    for i, picture in enumerate(pictures):
        row, column = divmod(i, columns)
        canvas[row * down : row * down + height, column * across : column * across + width] = picture
    inches = 0.95
    size = (columns * inches + 0.4, max(1.2, rows * inches * down / across + 0.4 + 0.3 * titled))
    ax = axes_for(ax, *size)
    low, high = finite_range(pictures.astype(float), symmetric)
    ax.imshow(canvas, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
    if titled:
        ax.set_ylim(canvas.shape[0] - 0.5, -0.5 - (0.1 + 0.25 * titled) * height)
    ax.axis("off")
    return ax


# ---- what its layers pass on ----


def _layers(model: Module, trace: Trace) -> list[tuple[str, Tensor]]:
    """The model's Modules without Modules inside, in the order in which they ran, with what they returned."""
    innermost = {id(module) for module in model.modules() if sum(1 for _ in module.modules()) == 1}
    calls = [call for call in trace.calls if id(call.module) in innermost and isinstance(call.output, Tensor)]
    return [(call.scope.title, call.output) for call in calls]


def activations(model: Module, x: Any, ax: Axes | None = None) -> Axes:
    """How the outputs of each layer are distributed for the inputs `x`, the first layer on top.

    One curve per layer, a histogram of all its outputs for these inputs; beside it their standard deviation and,
    where there are some, the share that is exactly 0. The model runs on a copy, in train mode.
    """
    run = _copy(model).train()
    trace = Trace()
    with random.seeded(0), observing(trace):
        run(x)
    arrays = [(name, np.asarray(output.data, float).ravel()) for name, output in _layers(run, trace)]
    return _ridges(arrays, ax, "output of the layer", "activations, layer by layer")


def gradients(model: Module, batch: Any, loss: Loss, ax: Axes | None = None) -> Axes:
    """How large the gradients of the loss by each layer's outputs are, log₁₀|∂L/∂h|, the first layer on top.

    `batch` is a pair (x, y). A layer whose curve lies far to the left of those below it learns much more slowly.
    Gradients of exactly 0 (behind a relu) have no logarithm: their share is written beside the curve.
    """
    x, y = batch
    run = _copy(model).train()
    trace = Trace()
    with random.seeded(0), observing(trace):
        value = loss(run(x), y)
    found, _ = propagate([value], [np.ones_like(value.data)], keep_all=True)
    arrays = []
    for name, output in _layers(run, trace):
        if output in found:
            arrays.append((name, np.abs(np.asarray(array_of(found[output]), float).ravel())))
    return _ridges(
        arrays, ax, "log₁₀ |∂L/∂h|, h the output of the layer", "gradients, layer by layer", logarithmic=True
    )


def _ridges(
    arrays: Sequence[tuple[str, Array]], ax: Axes | None, xlabel: str, title: str, logarithmic: bool = False
) -> Axes:
    if not arrays:
        raise ValueError("no layer inside of this model gave a Tensor; are its layers Modules, and called?")
    ax = axes_for(ax, 6, 1.2 + 0.55 * len(arrays))
    drawn = []
    for _, values in arrays:
        values = values[np.isfinite(values)]
        drawn.append(np.log10(values[values > 0]) if logarithmic else values)
    every = np.concatenate([np.quantile(v, [0.005, 0.995]) for v in drawn if v.size] or [np.zeros(1)])
    low, high = finite_range(every)
    margin = 0.05 * (high - low)
    edges = np.linspace(low - margin, high + margin, 61)
    middles = (edges[1:] + edges[:-1]) / 2
    for i, ((name, values), shown) in enumerate(zip(arrays, drawn, strict=True)):
        counts = np.histogram(np.clip(shown, edges[0], edges[-1]), edges)[0]
        height = 0.85 * counts / max(counts.max(), 1)
        colour, base = PALETTE[0] if i % 2 == 0 else PALETTE[5], len(arrays) - 1 - i
        ax.fill_between(middles, base, base + height, color=colour, alpha=0.35, step="mid", linewidth=0)
        ax.plot(middles, base + height, color=colour, drawstyle="steps-mid", linewidth=1, label=name)
        bad, zeros = np.mean(~np.isfinite(values)) if values.size else 0, np.mean(values == 0) if values.size else 0
        notes = (
            [f"sd {shown.std():.2g}" if not logarithmic else f"median {10 ** np.median(shown):.1e}"]
            if shown.size
            else []
        )
        notes += [f"{zeros:.0%} zero"] if zeros >= 0.005 else []
        notes += [f"{bad:.0%} not finite"] if bad else []
        ax.text(1.01, base + 0.3, ", ".join(notes), transform=ax.get_yaxis_transform(), fontsize=8, va="center")
    ax.set_yticks(range(len(arrays)), [short(name, 28) for name, _ in reversed(arrays)], va="bottom")
    ax.set(xlabel=xlabel, title=title, xlim=(edges[0], edges[-1]), ylim=(-0.1, len(arrays)))
    ax.grid(axis="x", alpha=0.3)
    return ax


# ---- the landscape ----


def loss_surface(
    model: Module, batch: Any, loss: Loss, ax: Axes | None = None, path: Sequence[Mapping[str, Any]] = (),
    span: float = 1.0, points: int = 25, seed: int = 0,
) -> Axes:  # fmt: skip
    r"""The loss on a plane through the model's parameters θ: :math:`L(\theta + a\,d_1 + b\,d_2)` as a map of a and b.

    Without a path, the directions are random and each row of a weight's is as long as that row of the weight (Li et
    al. 2018), a and b going from −span to span. With a `path`, state_dicts from along the training (a callback can
    collect ``model.state_dict()``), they are the two in which the path is longest (its principal components), the map
    is as large as the path, and a and b are distances. The path is drawn on it, the model itself a star.

    `batch` is a pair (x, y); the model runs in eval mode on a copy. Values that aren't finite stay white.
    """
    x, y = batch
    run = _copy(model).eval()
    named = {name: p for name, p in run.named_parameters() if p.requires_grad}
    if not named:
        raise ValueError("no parameter of this model requires a gradient, so there is no loss surface to show")
    start = _vector({name: p.data for name, p in named.items()}, named)
    walked = np.array([_vector(state, named) for state in path]).reshape(-1, start.size) - start
    rng = np.random.default_rng(seed)
    if np.abs(walked).max(initial=0) > 0:
        d1, d2 = _principal(walked, rng)
        a, b = _reach(walked @ d1), _reach(walked @ d2)
        (a, b) = (_wider(a, b), _wider(b, a))
    else:
        d1, d2 = (_like_rows(named, rng) for _ in range(2))
        a = b = (-span, span)
    across, up = np.linspace(*a, points), np.linspace(*b, points)
    values = np.empty((points, points))
    with no_grad(), np.errstate(all="ignore"):
        for (i, j), _ in np.ndenumerate(values):
            _place(named, start + across[j] * d1 + up[i] * d2)
            with random.seeded(0):
                values[i, j] = float(array_of(loss(run(x), y)).reshape(()))
    values[~np.isfinite(values)] = np.nan
    return _map(values, across, up, walked @ d1, walked @ d2, ax, bool(len(walked)))


def _map(
    values: Array, across: Array, up: Array, walked_a: Array, walked_b: Array, ax: Axes | None, with_path: bool
) -> Axes:
    from matplotlib.colors import LogNorm, Normalize

    ax = axes_for(ax, 5.6, 4.4)
    low, high = finite_range(values)
    logarithmic = low > 0 and high > 20 * low
    norm = LogNorm(low, high) if logarithmic else Normalize(low, high)
    half_a, half_b = (across[1] - across[0]) / 2, (up[1] - up[0]) / 2
    extent = (across[0] - half_a, across[-1] + half_a, up[0] - half_b, up[-1] + half_b)
    image = ax.imshow(values, origin="lower", extent=extent, aspect="auto", cmap="cividis", norm=norm)
    if np.isfinite(values).all() and values.min() < values.max():
        levels = np.geomspace(low, high, 12) if logarithmic else np.linspace(low, high, 12)
        ax.contour(across, up, values, levels=levels[1:-1], colors="white", linewidths=0.5, alpha=0.7)
    else:
        some = "" if np.isfinite(values).any() else "no value is finite"
        ax.text(0.5, 0.4, some, transform=ax.transAxes, ha="center")
    figure: Any = ax.figure
    figure.colorbar(image, ax=ax, label="loss")
    if with_path:
        ax.plot(walked_a, walked_b, "-o", color=PALETTE[1], markersize=3, linewidth=1.2, label="path of the optimizer")
        ax.plot(walked_a[:1], walked_b[:1], "s", color="white", markeredgecolor="black", label="start")
    ax.plot([0], [0], "*", color="white", markeredgecolor="black", markersize=11, label="the model")
    ax.legend(fontsize=7, loc="best", framealpha=0.8)
    unit = "distance in parameter space" if with_path else "in lengths of the weights"
    ax.set(xlabel=f"along d₁ ({unit})", ylabel=f"along d₂ ({unit})", title="loss surface")
    ax.set(xlim=extent[:2], ylim=extent[2:])
    return ax


def _vector(state: Mapping[str, Any], named: Mapping[str, Tensor]) -> Array:
    missing = [name for name in named if name not in state or np.shape(array_of(state[name])) != named[name].shape]
    if missing:
        raise ValueError(f"a state of the path lacks {missing[0]}, or has it in another shape: is it of this model?")
    return np.concatenate([np.asarray(array_of(state[name]), float).ravel() for name in named])


def _place(named: Mapping[str, Tensor], vector: Array) -> None:
    begin = 0
    for p in named.values():
        p.data = vector[begin : begin + p.size].reshape(p.shape)
        begin += p.size


def _like_rows(named: Mapping[str, Tensor], rng: np.random.Generator) -> Array:
    parts = []
    for p in named.values():
        d, rows = rng.normal(size=p.shape), p.shape[0] if p.ndim >= 2 else 1
        d, w = d.reshape(rows, -1), np.asarray(p.data, float).reshape(rows, -1)
        lengths = np.linalg.norm(w, axis=1, keepdims=True)
        parts.append((d / np.maximum(np.linalg.norm(d, axis=1, keepdims=True), 1e-12) * lengths).ravel())
    together = np.concatenate(parts)
    return together if together.any() else rng.normal(size=together.shape)


def _principal(walked: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    _, sizes, directions = np.linalg.svd(walked, full_matrices=False)
    d1 = directions[0]
    if len(sizes) > 1 and sizes[1] > 1e-6 * sizes[0]:
        return d1, directions[1]
    d2 = rng.normal(size=d1.shape)  # a straight path has one direction; any other serves for the second
    d2 -= (d2 @ d1) * d1
    length = np.linalg.norm(d2)
    return d1, d2 / length if length > 1e-9 else np.zeros_like(d1)


def _reach(along: Array) -> tuple[float, float]:
    low, high = min(0.0, float(along.min())), max(0.0, float(along.max()))
    margin = 0.25 * (high - low)
    return low - margin, high + margin


def _wider(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """a, made at least a third as wide as b."""
    lack = (b[1] - b[0]) / 3 - (a[1] - a[0])
    return (a[0] - lack / 2, a[1] + lack / 2) if lack > 0 else a


def learning_rate_sweep(
    model: Module, train: Any, loss: Loss, optimizer: Optimizer, ax: Axes | None = None, lowest: float = 1e-6,
    highest: float = 10.0, steps: int = 80, batch_size: int = 32,
) -> Axes:  # fmt: skip
    """The loss while the learning rate grows from step to step, from `lowest` to `highest` (Smith 2017).

    On copies of model and optimizer, batch after batch of `train`. Where the curve falls the rate is right; the line
    marks where the smoothed loss falls fastest. It ends early once the loss is four times its first value, or not
    finite.
    """
    from ..data import as_dataset, batches

    if not 0 < lowest < highest or steps < 2:
        raise ValueError(
            f"learning_rate_sweep needs 0 < lowest < highest and 2 steps, not {lowest}, {highest}, {steps}"
        )
    data, (run, adjusted) = as_dataset(train), copy.deepcopy((model, optimizer))
    run.train()
    rates = np.geomspace(lowest, highest, steps)
    losses: list[float] = []
    with random.seeded(0), np.errstate(all="ignore"):
        ahead: Iterator[Any] = iter(())
        for rate in rates:
            batch = next(ahead, None)
            if batch is None:
                ahead = iter(batches(data, batch_size, shuffle=True))
                batch = next(ahead)
            adjusted.lr = float(rate)
            adjusted.zero_grad()
            value = loss(run(batch[0]), batch[1])
            losses.append(float(value.data.reshape(())))
            if not math.isfinite(losses[-1]) or losses[-1] > 4 * abs(losses[0]) + 1e-12:
                break
            value.backward()
            adjusted.step()
    found = np.array(losses)
    kept = np.isfinite(found)
    rates, found = rates[: len(found)][kept], found[kept]
    return _sweep(rates, found, axes_for(ax, 5.5, 3.6))


def _sweep(rates: Array, losses: Array, ax: Axes) -> Axes:
    ax.plot(rates, losses, ".", color=PALETTE[4], markersize=4, label="loss of each batch")
    smooth, average = [], 0.0
    for i, value in enumerate(losses, 1):
        average = 0.8 * average + 0.2 * value
        smooth.append(average / (1 - 0.8**i))
    ax.plot(rates, smooth, color=PALETTE[0], label="smoothed")
    title = "learning-rate sweep"
    apart = max(1, len(smooth) // 10)  # wide enough that the batches' chance doesn't look like a slope
    falls = np.array(smooth[2 * apart :]) - np.array(smooth[: -2 * apart])
    if len(smooth) > 5 and falls.min() < 0:
        fastest = rates[apart + int(np.argmin(falls))]
        ax.axvline(fastest, color=PALETTE[5], linestyle="--", label=f"falls fastest at {fastest:.2g}")
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss", title=title)
    if len(losses):
        low, start = float(min(losses.min(), min(smooth))), float(smooth[0])
        above = max(0.5 * (start - low), 0.15 * abs(start), 1e-9)  # where the loss explodes it may leave the picture
        ax.set_ylim(low - 0.1 * above, start + above)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize=8)
    return ax


def _copy(model: Module) -> Module:
    if not isinstance(model, Module):
        raise TypeError(f"the model must be a Module (tinydl.nn), not a {type(model).__name__}")
    return copy.deepcopy(model)
