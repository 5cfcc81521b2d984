"""What `fit`, `evaluate` and `predict` are given, and what a user's functions give them: checked, in sentences.

Arguments are refused before anything runs, for it is a pity to learn after an epoch that a folder doesn't exist. Each
`check_…` gives what it has checked, in the form in which fit.py uses it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..data import Batches, Dataset, as_dataset
from ..data.dataset import check_array
from ..engine.arrays import Array, is_array
from ..engine.checks import array_of, kind, real, whole
from ..engine.tensor import Tensor
from ..nn import Module
from ..optim.optimizer import Optimizer
from ..optim.schedules import Schedule
from .history import History
from .saving import format_of

Loss = Callable[[Any, Any], Any]
Metric = Callable[[Array, Array], Any]
Callback = Callable[[int, History], Any]
Data = Dataset | tuple[Any, Any]


# ---- what is given ----


def check_model(model: Any) -> Module:
    """A Module, not a class of them."""
    if not isinstance(model, Module):
        hint = "; write tl.nn.Linear(…), not tl.nn.Linear" if isinstance(model, type) else ""
        raise TypeError(f"the model must be a Module (tinydl.nn), not {model if hint else type(model).__name__}{hint}")
    return model


def check_data(given: Any, name: str) -> Dataset:
    """A Dataset, or a pair (x, y), with at least one example."""
    if _is_two_pairs(given):
        batches = "[(x, y), (x, y)], a list of tuples" if name == "train" else "(np.concatenate(…), np.concatenate(…))"
        raise ValueError(
            f"{name} is two pairs of arrays: two batches, or two examples and their targets? For batches write "
            f"{batches}; for examples (np.stack([x, x]), np.stack([y, y]))"
        )
    try:
        data = as_dataset(given)
    except (TypeError, ValueError) as error:
        advice = "; tl.data.split makes two Datasets of one" if isinstance(given, float) else ""
        if name == "train" and isinstance(given, (tuple, list)) and len(given) == 3:
            advice = "; weights of examples are given as sample_weight="
        raise type(error)(f"{name}: {error}{advice}") from None
    if not len(data):
        raise ValueError(f"{name} holds no examples" + ("; leave validation=None" if name == "validation" else ""))
    return data


def _is_two_pairs(given: Any) -> bool:
    """Whether it would be read as two examples and two targets, but may be two batches."""
    pairs = isinstance(given, (tuple, list)) and len(given) == 2
    if not pairs or not all(isinstance(item, (tuple, list)) and len(item) == 2 for item in given):
        return False
    return all(getattr(part, "shape", ()) for item in given for part in item)  # of a single number it is ()


def check_metrics(metrics: Mapping[str, Metric] | None) -> Mapping[str, Metric]:
    """Functions by name, of names that the history leaves free; None is none of them."""
    if metrics is None:
        return {}
    if not isinstance(metrics, Mapping) or not all(callable(metric) for metric in metrics.values()):
        raise TypeError('metrics must be a dict of names and functions, like {"accuracy": tl.accuracy}')
    for name in metrics:
        if name in ("loss", "lr") or str(name).startswith("val_"):
            raise ValueError(f"a metric can't be called {name!r}: the history uses that name itself")
    return metrics


def check_callbacks(callbacks: Iterable[Callback]) -> list[Callback]:
    """Functions, in an iterable that may be used up by looking at it."""
    if not isinstance(callbacks, Iterable) or not all(map(callable, found := list(callbacks))):
        raise TypeError("callbacks must be a list of functions callback(epoch, history)")
    return found


def check_run(model: Any, loss: Any, optimizer: Any, l1: Any, l2: Any, clip_norm: Any) -> None:
    """What says how a step is made."""
    check_model(model)
    if not callable(loss):
        raise TypeError(f"loss must be a function of outputs and targets, like F.cross_entropy, not {loss!r}")
    if not isinstance(optimizer, Optimizer):
        hint = "; write tl.optim.Adam(model.parameters(), lr=…)" if isinstance(optimizer, (type, str)) else ""
        raise TypeError(f"optimizer must be an optimizer of tinydl.optim, not {optimizer!r}{hint}")
    if not {id(p) for p in model.parameters()} & {id(p) for p in optimizer.params}:
        raise ValueError(
            "the optimizer holds none of the model's parameters, so nothing would be trained; make it with "
            "model.parameters() of this very model"
        )
    for name, strength in (("l1", l1), ("l2", l2)):
        if not 0 <= real(name, strength) < math.inf:
            raise ValueError(f"{name} must be a finite number ≥ 0, not {strength}")
    if clip_norm is not None and not real("clip_norm", clip_norm) > 0:
        raise ValueError(f"clip_norm must be a number > 0, not {clip_norm}")


def check_plan(
    epochs: Any,
    batch_size: Any,
    patience: Any,
    validation: Any,
    schedule: Any,
    optimizer: Optimizer,
    progress: Any,
) -> tuple[Schedule, ...]:
    """What says how long a run is and what happens beside its steps; gives its schedules: none, one or several."""
    if not isinstance(progress, (bool, np.bool_)) and progress != "lines":
        raise ValueError(f"progress is True (a bar), False (nothing) or 'lines' (a line per epoch), not {progress!r}")
    whole("epochs", epochs, 0)
    whole("batch_size", batch_size, 1)
    if patience is not None:
        whole("patience", patience, 1)
        if validation is None:
            raise ValueError("patience watches val_loss, so it needs validation=, a set that isn't trained on")
    schedules = () if schedule is None else tuple(schedule) if isinstance(schedule, (list, tuple)) else (schedule,)
    for one in schedules:
        if not isinstance(one, Schedule):
            raise TypeError(f"schedule must be a learning-rate schedule of tinydl.optim, not {one!r}")
        if one.optimizer is not optimizer:
            raise ValueError("the schedule was made with another optimizer, so it would never change this one's lr")
    if len({id(one) for one in schedules}) < len(schedules):
        raise ValueError("the same schedule is there twice, and would go on twice as fast")
    return schedules


def check_files(**files: Any) -> None:
    """Those that a run writes, by the names of their arguments; None is none."""
    paths = {name: format_of(path)[0] for name, path in files.items() if path is not None}
    for name, file in paths.items():
        if not file.parent.is_dir():
            raise FileNotFoundError(f"{name}={str(file)!r}: there is no folder {str(file.parent)!r}")
        if file.is_dir():
            raise IsADirectoryError(f"{name}={str(file)!r} is a folder; give the path of a file to write")
    if len({file.resolve() for file in paths.values()}) < len(paths):
        raise ValueError(f"{' and '.join(paths)} are one file; the second would replace what the first wrote")


def check_inputs(x: Any) -> Array:
    """What `predict` is given, as an array of numbers with one row per example."""
    given = array_of(x) if isinstance(x, (Tensor, list, tuple)) else x
    if np.isscalar(given) or getattr(given, "ndim", None) == 0:
        raise ValueError("predict needs inputs with one row per example, not a single number; write x[None]")
    return check_array("x", given)


def is_one_example(model: Module, x: Array) -> bool:
    """Whether a model that can't take x as rows takes it as one of them."""
    try:
        return len(check_outputs(model(x[None].copy()), x[None])) == 1
    except Exception:  # of a user's model, which may raise anything for what it isn't made for
        return False


def check_feed(feed: Batches) -> Batches:
    """At least one batch."""
    if not len(feed):
        n = len(feed.examples)
        raise ValueError(f"drop_last leaves no batch: train has {n} examples, fewer than batch_size={feed.batch_size}")
    return feed


# ---- what the user's functions give ----


def check_outputs(outputs: Any, x: Array) -> Any:
    """What a model gave for `x`: one row per example."""
    if not isinstance(outputs, Tensor) and not is_array(outputs):
        raise TypeError(f"the model must give one Tensor of outputs, but its forward gave {kind(outputs)}")
    if not outputs.ndim or len(outputs) != len(x):
        advice = "; of a single example write x[None]" if x.ndim == outputs.ndim == 1 else ""
        raise ValueError(
            f"the model must give one row per example, but for inputs {x.shape} it gave {outputs.shape}{advice}"
        )
    return outputs


def check_loss(loss: Any) -> Tensor:
    """What a loss gave for a batch: a single number that gradients can flow back from."""
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"loss must return a Tensor, so that gradients can flow back from it; it gave {kind(loss)}. "
            "Use tinydl.functional or NumPy's functions on the outputs, without .item(), .numpy() or float()"
        )
    if loss.size != 1:
        raise ValueError(
            f"loss must return a single number for a batch, not a Tensor of shape {loss.shape}; "
            'write reduction="mean", or .mean() at its end'
        )
    if not loss.requires_grad:
        raise ValueError(
            "the loss doesn't depend on any parameter that requires a gradient: are all of them frozen, or does "
            "the model leave the graph (.detach(), .numpy(), no_grad) on the way?"
        )
    return loss


def check_number(value: Any, name: str) -> float:
    """What a loss or metric gave for a whole set: a single number."""
    array = array_of(value)
    if array.size != 1 or array.dtype.kind not in "fiub":
        raise ValueError(f"{name} of a whole set must be one number, not {type(value).__name__} of shape {array.shape}")
    return float(array.reshape(()))
