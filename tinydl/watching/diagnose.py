"""Why a network doesn't learn: plain verdicts, each with the number behind it and with what to try.

`diagnose` runs a copy of the model on one batch and takes a few steps with a copy of the optimizer (measured.py), reads
the history of `fit`, and compares with what healthy runs show; how that is said stands in verdicts.py. The thresholds
stand at the top with their reasons. Mistakes in the program itself are strict mode's: read strict.py next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import cleandoc
from typing import Any

import numpy as np

from ..engine import random
from ..engine.arrays import Array, euclidean_norm
from ..engine.checks import array_of, listed, refuse_foreign
from ..engine.tensor import Tensor
from ..engine.trace import Operation
from ..nn import Module
from ..nn.init import fans
from ..optim.optimizer import Optimizer
from .measured import CONVOLUTIONS, RESHAPING, Run, columns
from .verdicts import CODES, NAMED, Diagnosis, Verdict, verdict, worst_of_each

# Logits of spread s cost s²/2 more than guessing: 2 more means a spread of 2, where freshly made networks have 0.5. A
# linear model on unscaled inputs begins there too, but unlearns it at once; in it only what is far beyond counts.
EXCESS_LOSS = 2.0
# A layer of relus in PyTorch's default initialisation passes 0.41 of a gradient on, of tanhs 0.58, of sigmoids 0.15:
# below this lie more than 8 layers of the first kind, 14 of the second, 4 of the third.
VANISHING = 3e-4
EXPLODING = 1e3  # a factor 2.2 per layer over ten layers; healthy ones stay below 1
COLLAPSED = 1e-4  # spread of outputs over spread of inputs: ten default layers of relus are just above
# One step that changes a weight matrix by more than it is can't be a correction. Healthy steps are about 1e-3
# (Karpathy, CS231n); Adam's first, of lr per element whatever the gradient, are up to 0.7 in small networks.
LARGE_UPDATE = 1.0
SMALL_UPDATE = 1e-6  # a million such steps to renew a weight; float32 loses what is below 6e-8
SLOW_UPDATE = 2e-4  # a fifth of what is usual: slow if the loss hardly moves either
DEAD, SATURATED = 0.8, 0.8  # fractions; trained healthy networks reach 0.5
FLAT_TANH = 0.99  # where its slope is 0.02
LARGE_INPUT, SMALL_INPUT = 10.0, 0.02  # root mean square of a feature; initialisations assume 1
LARGE_TARGET = 10.0  # root mean square; a network's first outputs are below 1
BALANCED = 0.6  # how far the largest class's share may lie from 1/K on the way to 1
FEW_LABELS = 16  # below, chance unbalances
MANY_LABELS = 5  # labels per class: then chance leaves out one class in 150, and never half of them
OUT_OF_REACH = 0.1  # part of the loss of guessing that no outputs within the last activation's range can undo
CHANNELS = (1, 3, 4)  # of images in files: grey, colours, colours and opacity
OVERFIT = 1.3  # validation loss at the end over its least: a third of what was gained …
RISE = 0.1  # part of the loss of guessing: a rise by more matters wherever the run began
STEPS = 10  # on the same batch, to see what the learning rate does
FASTER = [x * 10.0**k for k in range(1, 13) for x in (1, 3)]  # times the rate, to see if it is too low
HARDLY = 1e-3  # less than this part of the loss goes in those steps: thousands of them are needed


def diagnose(model: Module, batch: Any, loss: Any = None, optimizer: Any = None, history: Any = None) -> Diagnosis:
    """Say in plain words what keeps a model from learning; a verdict needs its evidence, so give what there is.

    batch: a pair (x, y) or a Dataset, at best some 50 examples or more, as they go into training.
    loss(outputs, y): with it, the loss against that of guessing (ln K for K classes, the variance of targets), and
        the gradients layer by layer.
    optimizer: with it, ten steps on the batch show whether the learning rate is too high or low, how large updates
        are beside their weights (healthy: about 1e-3), and which parameters never change.
    history: what `fit` returned; with it, overfitting, and the same of the run that was.

    The verdicts come in this order, causes before what comes of them. Each code comes at most once, with the worst
    layer's number, and names the other layers too; the thresholds are the constants of watching/diagnose.py.

    {codes}

    All is measured on copies: model, optimizer and random state stay as they are. Raises TypeError for what is no
    Module, optimizer or batch, ValueError for a loss that isn't a single number.
    """
    x, y = _checked(model, batch, optimizer)
    with _undisturbed():
        run = Run(model, loss, optimizer, x, y)
        found = list(_of_forward(run))
        if loss is not None and not any(v.code == "not_finite" for v in found):
            found += _of_backward(run)
            if optimizer is not None:
                found += _of_steps(run, {v.code for v in found})
    if history is not None:
        found += _of_history(run, history, {v.code for v in found})
    return Diagnosis(worst_of_each([*found, *_of_unmoved(run)]))


# the table of findings is where the codes stand; without docstrings (python -OO) there is none to complete
diagnose.__doc__ = cleandoc(diagnose.__doc__ or "").replace(
    "{codes}", "\n".join(f"{code}: {meaning}." for code, meaning in CODES.items())
)


def _checked(model: Any, batch: Any, optimizer: Any) -> tuple[Any, Any]:
    if not isinstance(model, Module):
        raise TypeError(f"diagnose takes a Module, not a {type(model).__name__}")
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an optimizer of tinydl.optim, not a {type(optimizer).__name__}")
    try:
        x, y = batch
    except (TypeError, ValueError):
        raise TypeError(f"batch must be a pair (x, y) or a Dataset, not {type(batch).__name__}") from None
    refuse_foreign("diagnose", x, y, *model.parameters())
    if not array_of(x).size:
        raise ValueError("batch has no examples")
    return x, array_of(y)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Within, random numbers come from elsewhere, and NumPy is silent about what is about to be found."""
    drawn = np.random.get_state()
    try:
        with random.seeded(0), np.errstate(all="ignore"):
            yield
    finally:
        np.random.set_state(drawn)


def _rms(x: Array, axis: Any = None) -> Any:
    return np.sqrt(np.mean(np.square(x, dtype=np.float64), axis=axis))


# ---- verdicts from the forward pass ----


def _of_forward(run: Run) -> Iterator[Verdict]:
    yield from _not_finite(run)
    yield from _inputs(run)
    yield from _channels(run)
    yield from _labels(run)
    yield from _activations(run)
    yield from _first_loss(run)
    yield from _limited(run)


def _not_finite(run: Run) -> Iterator[Verdict]:
    if run.value is None or math.isfinite(run.value.item()):
        return
    for operation in (*run.operations, *run.of_loss):
        arrays = [array_of(x) for x in operation.inputs if isinstance(x, (Tensor, np.ndarray))]
        wrong = next((a for a in arrays if a.dtype.kind == "f" and not np.isfinite(a).all()), None)
        made = not np.isfinite(operation.output.data).all()
        if wrong is not None or made:
            yield verdict(
                "not_finite", operation.layer, run.value.item(),
                operation=operation.name + (f" in {operation.layer}" if operation.layer else ""),
                what="got numbers that aren't finite" if wrong is not None else "made one of finite numbers",
            )  # fmt: skip
            return


def _inputs(run: Run) -> Iterator[Verdict]:
    """What the first operation with a parameter is given, so that scaling inside of the model counts."""
    operation = next((o for o in run.operations if any(run.is_weight(x) for x in o.inputs)), None)
    given = [x for x in operation.inputs if isinstance(x, (Tensor, np.ndarray))] if operation is not None else []
    data = [array_of(x) for x in given if not (run.is_weight(x) or (isinstance(x, Tensor) and x.requires_grad))]
    array = next((a for a in data if a.ndim >= 2 and a.dtype.kind == "f" and len(a) == len(array_of(run.x))), None)
    if operation is None or array is None:
        return
    scales = _rms(columns(array, operation.name in CONVOLUTIONS), 0)
    scales = scales[np.isfinite(scales)]
    largest = float(scales.max(initial=0))
    if largest > LARGE_INPUT or 0 < largest < SMALL_INPUT:
        size, middle = "large" if largest > 1 else "small", np.median(scales)
        yield verdict("inputs_not_scaled", operation.layer, largest, size=size, middle=middle)
    elif len(array) >= FEW_LABELS and np.all(array == array[:1]):
        yield verdict("equal_inputs", operation.layer, len(array))


def _channels(run: Run) -> Iterator[Verdict]:
    """Square images with 1, 3 or 4 channels on the last axis, as files have them, where a convolution wants them first.

    Only of what comes from outside: maps within a network may have any shape.
    """
    for operation in run.operations:
        x = operation.inputs[0]
        shape = array_of(x).shape if operation.name == "conv" else ()
        from_outside = not (isinstance(x, Tensor) and x.requires_grad)
        if from_outside and len(shape) == 4 and shape[1] == shape[2] > shape[3] and shape[3] in CHANNELS:
            yield verdict("channels_last", operation.layer, shape[1], shape=shape, channels=shape[3])


def _labels(run: Run) -> Iterator[Verdict]:
    y, outputs = run.y, run.outputs
    classes = outputs.shape[-1] if outputs.ndim == 2 else 0
    if y.dtype.kind == "f" and y.ndim == 2 and classes > 1 and y.shape == outputs.shape:
        y = y.argmax(1) if np.isin(y, (0, 1)).all() and (y.sum(1) == 1).all() else y
    if y.dtype.kind in "iub" and classes > 1 and y.ndim == 1:
        counts = np.bincount(y[y >= 0].astype(int), minlength=classes)
    elif y.size and np.isin(y, (0, 1)).all() and y.size == len(y):
        classes, counts = 2, np.bincount(y.ravel().astype(int), minlength=2)
    else:
        return
    share, absent = counts.max() / max(counts.sum(), 1), int((counts == 0).sum())
    if counts.sum() >= FEW_LABELS and share > 1 / classes + BALANCED * (1 - 1 / classes):
        yield verdict("unbalanced_labels", "", share, label=counts.argmax(), labels=counts.sum())
    elif counts.sum() >= MANY_LABELS * classes and absent > classes / 2 and _aims(run, run.guessing()[0]):
        labels = counts.sum()
        yield verdict("unbalanced_labels, absent classes", "", share, classes=classes, absent=absent, labels=labels)


def _activations(run: Run) -> Iterator[Verdict]:
    last = max((i for i, o in enumerate(run.operations) if any(run.is_weight(x) for x in o.inputs)), default=0)
    for i, operation in enumerate(run.operations):
        y = operation.output.data
        if not y.ndim:
            continue
        rows = run.rows(operation.output)
        if len(rows) < 8:  # too few examples to say anything of a unit
            continue
        if operation.name == "relu" or (operation.name == "maximum" and _has_zero(operation)):
            dead = float((rows <= 0).all(0).mean())
            if dead >= (DEAD if rows.shape[1] >= 4 else 1.0):
                where = operation.layer or "a relu"
                yield verdict("dead_relus", operation.layer, dead, where=where, units=rows.shape[1])
        elif operation.name in ("tanh", "sigmoid") and i < last and not _is_gate(operation, run):
            slope_left = np.abs(rows if operation.name == "tanh" else 2 * rows - 1) <= FLAT_TANH
            flat = float(1 - slope_left.mean())
            if flat >= SATURATED:
                where = operation.layer or operation.name
                yield verdict("saturated", operation.layer, flat, where=where, operation=operation.name)


def _has_zero(operation: Operation) -> bool:
    return any(not isinstance(x, Tensor) and np.ndim(x) == 0 and x == 0 for x in operation.inputs)


def _is_gate(operation: Operation, run: Run) -> bool:
    """Whether it multiplies something else, as in an LSTM or in silu, where 0 and 1 are answers like others."""
    return any(
        o.name == "multiply"
        and any(x is operation.output for x in o.inputs)
        and all(isinstance(x, Tensor) and x.requires_grad for x in o.inputs)
        for o in run.operations
    )


def _first_loss(run: Run) -> Iterator[Verdict]:
    kind, guess = run.guessing()
    if run.value is None or not kind or not math.isfinite(run.value.item()) or not guess > 0:
        return
    now = run.value.item()
    if kind != "numbers":
        classes = run.outputs.shape[-1] if kind == "classes" and run.outputs.ndim == 2 else 2
        if (now - guess) / guess * math.log(classes) > EXCESS_LOSS * (4 if len(run.layers) == 1 else 1):
            yield verdict("initial_loss", "", now, classes=classes, guess=guess)
        return
    scale, zero = float(_rms(run.y)), run.loss_of(np.zeros(run.outputs.shape, run.outputs.dtype))
    if now > 10 * max(guess, zero):
        yield verdict("initial_loss, numbers", "", now, guess=guess, zero=zero)
    elif now > guess / 2 and scale > LARGE_TARGET and (now > 10 * guess or scale > 10 * LARGE_TARGET):
        yield verdict("targets_not_scaled", "", scale, loss=now, guess=guess)


_RANGES = {"relu": (0.0, math.inf), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softmax": (0.0, 1.0)}


def _limited(run: Run) -> Iterator[Verdict]:
    """How low the loss can get within the range of the activation that made the outputs, and how low it should."""
    kind, guess = run.guessing()
    made = _before_reshaping(run.outputs)
    name = made.primitive.name if made.primitive is not None else ""
    operation = next((o for o in run.operations if o.output is made), None)
    if name == "maximum" and operation is not None and _has_zero(operation):
        name = "relu"
    if kind == "classes" and _are_probabilities(run.outputs.data):
        name = "softmax"
    aims = _aims(run, kind) if name in _RANGES and guess > 0 else []
    if not aims or operation is None:
        return
    low, high = _RANGES[name]
    free = min(run.loss_of(aim) for aim in aims)
    best = min(run.loss_of(np.clip(aim, low, high)) for aim in aims)
    end = name + (f" ({operation.layer})" if operation.layer else "")
    span = "never below 0" if name == "relu" else f"between {low:g} and {high:g}"
    span += "" if kind == "numbers" else ", but this loss takes scores of any sign and size"
    if best - free > OUT_OF_REACH * guess:
        yield verdict("outputs_limited", operation.layer, best, end=end, range=span, free=free)
    elif name == "relu" and kind == "classes":
        yield verdict("outputs_limited, scores at 0", operation.layer, best, end=end, range=span)


def _aims(run: Run, kind: str) -> list[Array]:
    """Outputs that a model would like to give; none where the loss isn't applied to the outputs themselves."""
    y, shape, dtype = run.y, run.outputs.shape, run.outputs.dtype
    if kind == "numbers":
        return [y.astype(dtype)]
    takers = {"classes": {"weighted_cross_entropy", "log_softmax"}, "yes or no": {"softplus"}}.get(kind, set())
    fed = [o.inputs[0] for o in run.of_loss if o.name in takers]
    if kind == "yes or no":
        fed = [x.inputs[0] if x.primitive is not None and x.primitive.name == "negative" else x for x in fed]
    if not any(_before_reshaping(x) is _before_reshaping(run.outputs) for x in fed):
        return []
    if y.dtype.kind in "iu" and y.ndim == 1 and len(shape) == 2 and 0 <= y.min() <= y.max() < shape[1]:
        y = y[:, None] == np.arange(shape[1])
    if y.shape != shape or not np.isin(y, (0, 1)).all():
        return []
    return [(size * (2.0 * y - 1)).astype(dtype) for size in (0.25, 0.5, 1, 2, 4, 8, 16)]


def _are_probabilities(x: Array) -> bool:
    """Whether each of several rows is made of numbers that add up to 1, by softmax or by hand."""
    return x.ndim == 2 and min(x.shape) > 1 and bool((x >= 0).all() and np.allclose(x.sum(1), 1, atol=1e-4))


def _before_reshaping(x: Any) -> Any:
    while isinstance(x, Tensor) and x.primitive is not None and x.primitive.name in RESHAPING:
        x = x.inputs[0]
    return x


# ---- verdicts from the backward pass ----


def _of_backward(run: Run) -> Iterator[Verdict]:
    arrived = run.gradients
    for p, name in run.trained.items():
        if p not in arrived:
            run.unmoved[name] = "no gradient arrives, since the loss doesn't depend on it"
    sizes = [float(np.abs(np.asarray(arrived[p])).max(initial=0)) for p, _ in run.layers if p in arrived]
    alike, largest = False, max(sizes, default=0.0)
    for p, operation in run.layers:
        g = arrived.get(p)
        if g is None or len(p) < 2 or not (p.ndim == 2 or operation.name == "conv"):
            continue
        if not _equal_rows(p.data) or not _equal_rows(np.asarray(g), largest):
            continue
        alike = True
        yield verdict("identical_units", run.layer(p), len(p))
    if not alike:
        yield from _along_depth(run)


def _equal_rows(x: Array, size: float = 0.0) -> bool:
    """Up to rounding, which is relative to `size` where large terms cancel: softmax's gradients add up to 0, so equal
    weights behind it leave of a gradient nothing but rounding."""
    return bool((np.abs(x - x[:1]) <= 1e-5 * max(float(np.abs(x).max(initial=0)), size)).all())


def _along_depth(run: Run) -> Iterator[Verdict]:
    """Gradients at the layers' outputs, the first layer's against the others'; at maps those of all places together,
    since pooling shares a gradient among places or gives it to one of them.

    Where layers are normalised, the gradient is multiplied by the size of what it is the gradient of, since
    normalising makes up for any scale.
    """
    sizes = []
    for p, operation in run.layers:
        g = run.gradients.get(operation.output)
        if g is not None:
            places = math.prod(g.shape[2:]) if operation.output in run.maps else 1
            size = float(_rms(np.asarray(g))) * math.sqrt(places)
            sizes.append((p, size * (float(_rms(operation.output.data)) if run.normalised else 1.0)))
    if len(sizes) < 2 or not all(size > 0 for _, size in sizes):
        return
    (first, size), (last, at_end) = sizes[0], sizes[-1]
    largest = max(size for _, size in sizes)
    if size < VANISHING * largest:
        yield verdict("vanishing_gradients", run.layer(first), size / largest)
    elif size > EXPLODING * at_end:
        yield verdict("exploding_gradients", run.layer(first), size / at_end, last=run.layer(last))
    else:
        yield from _collapsed(run)


def _collapsed(run: Run) -> Iterator[Verdict]:
    (_, first), (p, _) = run.layers[0], run.layers[-1]
    given = next((array_of(x) for x in first.inputs if not run.is_weight(x) and array_of(x).ndim >= 2), None)
    if given is None or run.normalised or not p.data.any() or len(given) < 4 or run.outputs.ndim < 2:
        return
    into, out = (float(np.sqrt(a.astype(np.float64).var(0).mean())) for a in (given, run.outputs.data))
    if into > 0 and 0 < out < COLLAPSED * into:
        yield verdict("vanishing_activations", run.layer(p), out / into)


def _of_unmoved(run: Run) -> Iterator[Verdict]:
    """One verdict on all parameters that don't change, by their reasons."""
    if not run.unmoved:
        return
    groups: dict[str, list[str]] = {}
    for name, why in run.unmoved.items():
        groups.setdefault(why, []).append(name)
    reasons = "; ".join(f"{listed(names, NAMED + 1, NAMED)} ({why})" for why, names in groups.items())
    n, first = len(run.unmoved), next(iter(run.unmoved))
    who = "One parameter doesn't" if n == 1 else f"{n} of the {len(run.trained)} parameters don't"
    yield verdict("unchanged", run.layer_of(first), n, parameters=who, reasons=reasons)


# ---- verdicts from a few steps ----


def _of_steps(run: Run, known: set[str]) -> Iterator[Verdict]:
    optimizer = run.original[2]
    rates = {p: group["lr"] for group in optimizer.groups for p in group["params"]}
    given = dict(run.original[0].named_parameters())
    lacking = {n for n, p in given.items() if p not in rates and p.requires_grad}
    losses, moved, unchanged = run.steps(STEPS)
    by_name = {name: p for p, name in run.trained.items()}
    stuck = bool(known & {"dead_relus", "saturated", "identical_units", "equal_inputs"})
    for name, p in by_name.items():
        if name not in unchanged or name in run.unmoved:
            continue
        if name in lacking:
            run.unmoved[name] = "not in the optimizer"
        elif rates.get(given[name]) != 0 and p in run.gradients and not np.any(run.gradients[p]) and not stuck:
            run.unmoved[name] = "the gradient is exactly 0 on this batch"
    yield from _rate(run, losses, moved, known)


def _rate(run: Run, losses: list[float], moved: dict[str, float], known: set[str]) -> Iterator[Verdict]:
    rate = next((group["lr"] for group in run.original[2].groups if group["lr"]), 0.0)
    _, guess = run.guessing()
    start, end = losses[0], losses[-1]
    scale = guess if math.isfinite(guess) and guess > 0 else abs(start)
    peak = max(losses) if math.isfinite(end) else math.inf
    rises = min(losses[-2:]) > start + 0.5 * scale or peak > start + scale
    weights = {run.names[p]: p for p, _ in run.layers if p.size >= 16 and run.names[p] in moved}
    # layers that begin at or near 0 on purpose are compared with what initialisations give
    fan_in = {p: fans(p)[0] if o.name in ("linear", *CONVOLUTIONS) else p.shape[-2] for p, o in run.layers}
    usual = {run.names[p]: math.sqrt(p.size / 3 / n) for p, n in fan_in.items()}
    relative = {name: moved[name] / max(euclidean_norm(p.data), usual[name]) for name, p in weights.items()}
    largest = max(relative.values(), default=0.0)
    if rises:
        last = end if end >= peak or not math.isfinite(end) else peak
        yield verdict("learning_rate_too_high", "", rate, steps=len(losses) - 1, start=start, end=last)
    elif largest > LARGE_UPDATE:
        for name in (name for name in weights if relative[name] > LARGE_UPDATE):
            layer = run.layer_of(name)
            yield verdict("large_updates", layer, relative[name], parameter=name, rate=rate)
    named = known & {"targets_not_scaled", "identical_units", "equal_inputs"}  # no rate can make up for these
    if rises or named or rate == 0 or not start > 0.5 * scale:
        return
    fallen = (start - end) / abs(start)
    if fallen > HARDLY and (fallen > 5 * HARDLY or not 0 < largest < SLOW_UPDATE):
        return
    faster = next((f for f in FASTER if _falls(run.steps(STEPS, f)[0])), None)
    if faster is None or largest > SLOW_UPDATE * faster:
        return
    smallest = min(weights, key=lambda name: relative[name], default="")
    ratio = f" (a step changes {smallest} by {relative[smallest]:.1g} of its size)" if smallest else ""
    yield verdict(
        "learning_rate_too_low", "", rate, steps=STEPS, fall=f"{max(fallen, 0):.1g} of itself{ratio}",
        faster=faster, tenfold=10 * rate, hundredfold=100 * rate,
    )  # fmt: skip


def _falls(losses: list[float]) -> bool:
    return math.isfinite(losses[-1]) and losses[-1] < 0.95 * losses[0]


# ---- verdicts from the history ----


def _of_history(run: Run, history: Any, known: set[str]) -> Iterator[Verdict]:
    curve = list(history["loss"]) if "loss" in history else []
    learned = len(curve) > 1 and curve[-1] < 0.9 * curve[0]
    trained = {name: p for p, name in run.trained.items()}
    large: list[tuple[float, str]] = []
    small: list[tuple[float, str]] = []
    for name, norms in history.norms.items():
        if name not in trained or len(norms["update"]) < 2:
            continue
        if not any(norms["update"]):
            run.unmoved.setdefault(name, f"not moved by the last step of any of {len(norms['update'])} epochs")
        ratios = [u / w for u, w in zip(norms["update"], norms["weight"], strict=True) if w > 0]
        if ratios and trained[name].ndim >= 2 and trained[name].size >= 16:
            large.append((float(np.median(ratios)), name))
            small.append((max(ratios), name))
    too_high = bool(known & {"learning_rate_too_high", "large_updates"})
    _, guess = run.guessing()
    half = curve[len(curve) // 2 :]
    # where it had learned already before, as in a run that goes on, what counts is what there was to learn
    late, little = (max(half, default=0.0), RISE * guess) if guess > 0 else (float(np.median(half or 0.0)), 0.0)
    if len(curve) >= 4 and late > 1.2 * curve[0] and late > curve[0] + little and not too_high:
        yield verdict("learning_rate_too_high, in the run", "", late / curve[0], first=curve[0], late=late)
    elif large and max(large)[0] > 0.5 and not too_high:
        value, name = max(large)
        yield verdict("large_updates, in the run", run.layer_of(name), value, parameter=name)
    value, name = max(small, default=(0.0, ""))
    if 0 < value < SMALL_UPDATE and not learned and "learning_rate_too_low" not in known:
        yield verdict("small_updates", run.layer_of(name), value, parameter=name)
    yield from _overfitting(history, curve, guess)


def _overfitting(history: Any, curve: list[float], guess: float) -> Iterator[Verdict]:
    if "val_loss" not in history or len(curve) < 5 or history.stopped == "early stopping":
        return
    held_out = list(history["val_loss"])
    best = int(np.argmin(held_out))
    rise, gained = held_out[-1] - held_out[best], max(curve[0], held_out[0]) - held_out[best]
    falls = curve[-1] < curve[best] and curve[-1] < held_out[-1]
    apart = curve[-1] < curve[best] / 2 and rise > RISE * guess > 0
    much = held_out[-1] > OVERFIT * held_out[best] or apart
    if best < len(curve) - 2 and falls and much and rise > max(gained, 0) / 3:
        yield verdict(
            "overfitting", "", held_out[-1] / held_out[best], epoch=best + 1,
            least=held_out[best], end=held_out[-1], before=curve[best], after=curve[-1],
        )  # fmt: skip
