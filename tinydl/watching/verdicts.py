"""What `diagnose` may say: the table of its findings, and a verdict, which is one of them with its numbers filled in.

Nothing is measured here: diagnose.py, which one reads next, decides when a finding holds. Verdicts are given in the
order of the table. Stands on nothing but the engine's checks.py and terminal.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ..engine.checks import listed
from ..engine.terminal import shown

NAMED = 4  # so many layers are named one by one


class Finding(NamedTuple):
    """What it is about, and with the numbers left open the sentence to say and what to try."""

    meaning: str
    sentence: str
    advice: str


_NO_ACTIVATION = (
    "end the model in its last Linear; softmax and sigmoid are part of the losses that take scores, and numbers of any "
    "size need no activation"
)
# Causes before what comes of them. What a code says in another case follows it, after a comma.
FINDINGS = {
    "not_finite": Finding("the loss on the batch is NaN or infinite",
        "The loss on this batch is {value}: {operation} {what}.",
        "look at the inputs and parameters for NaN and infinity, lower the learning rate, and run under "
        "tl.detect_anomaly() for the line"),
    "equal_inputs": Finding("all examples of the batch are the same",
        "All {value:.0f} examples of this batch are the same: there is nothing to tell them apart by.",
        "look at what x holds after loading and preprocessing, and print a few of its rows"),
    "inputs_not_scaled": Finding("a feature of the inputs is far larger, or all are far smaller, than 1",
        "The inputs are {size}: a feature's root mean square is {value:.3g}, the middle one's {middle:.3g}. Initial "
        "weights are made for inputs of about 1.",
        "subtract each feature's mean and divide by its standard deviation, both of the training set (pixels: divide "
        "by their largest value)"),
    "channels_last": Finding("a convolution takes the rows of images for their channels",
        "{layer} takes the {value:.0f} rows of the images for their channels: it is given the shape {shape}, whose "
        "last axis looks like the channels. So it has weights of its own for each row, and nothing learned in one row "
        "helps in another.",
        "bring the axis of channels to the front, np.moveaxis(x, -1, 1), and give the layer in_channels={channels}"),
    "targets_not_scaled": Finding("the targets are far larger than a network's first outputs",
        "The targets' root mean square is {value:.3g}, a network's first outputs are about 1: the loss is {loss:.3g}, "
        "and saying the mean of the targets always would have {guess:.3g}.",
        "subtract the targets' mean and divide by their standard deviation, and undo it in predictions"),
    "unbalanced_labels": Finding("one class has nearly all of the batch's labels",
        "Class {label} has {value:.0%} of this batch's {labels} labels: always saying it is right that often, and "
        "little is left to learn the others from.",
        "shuffle, if the data is sorted by class; weight the classes (cross_entropy's weight=), or draw rare ones more "
        "often; judge by the accuracy of each class"),
    "unbalanced_labels, absent classes": Finding("more than half of the classes have no label",
        "Of the model's {classes} classes, {absent} have none of this batch's {labels} labels.",
        "shuffle, if the data is sorted by class; give the last layer as many outputs as there are classes"),
    "outputs_limited": Finding("the range of the model's last activation keeps the loss from falling",
        "The model ends in {end}, whose outputs are {range}: on this batch the loss can't fall below {value:.3g}; for "
        "outputs of any size it could reach {free:.2g}.",
        _NO_ACTIVATION),
    "outputs_limited, scores at 0": Finding("a relu's scores of 0 get no gradient",
        "The model ends in {end}, whose outputs are {range}: a score at 0 gets no gradient, and its class can't be "
        "made less likely.",
        _NO_ACTIVATION),
    "unchanged": Finding("parameters don't change, by their reasons",
        "{parameters} change: {reasons}.",
        "give the optimizer model.parameters() of this very model, use the parameter in forward without .data, "
        ".detach() or rounding, raise a learning rate whose steps are lost in rounding, or freeze it with "
        "requires_grad = False if that is meant"),
    "identical_units": Finding("all units of a layer have the same weights and gradients",
        "All {value:.0f} units of {layer} are the same, weights and gradients: they will stay the same and are worth "
        "one.",
        "start from random weights (a layer's own, or nn.init), not from zeros or another constant"),
    "dead_relus": Finding("relus give 0 for every example",
        "In {where} {value:.0%} of the {units} units are 0 for every example of this batch: no gradient passes through "
        "them.",
        "lower the learning rate, start anew with smaller biases and scaled inputs, or use leaky_relu"),
    "saturated": Finding("outputs of tanh or sigmoid lie where it is flat",
        "In {where} {value:.0%} of the {operation} outputs lie where it is flat: hardly any gradient passes.",
        "scale the inputs, start with smaller weights (nn.init.xavier_uniform_), or lower the learning rate"),
    "initial_loss": Finding("the loss is far above that of equal probabilities",
        "The loss on this batch is {value:.3g}, but giving all {classes} classes the same probability would have "
        "{guess:.3g}: the model is sure, and wrong.",
        "start with smaller weights in the last layer, scale the inputs, and check that labels belong to their "
        "examples; if the model has been trained, lower the learning rate"),
    "initial_loss, numbers": Finding("the loss is far above that of saying the mean always",
        "The loss on this batch is {value:.3g}; saying the mean of the targets always would have {guess:.3g} (their "
        "variance, for the squared error), and 0 always {zero:.3g}: the outputs are far too large.",
        "start with smaller weights, scale the inputs; if the model has been trained, lower the learning rate"),
    "exploding_gradients": Finding("the gradient grows on its way from the last layer to the first",
        "The gradient explodes on its way back: at {layer} it is {value:.1e} times that at {last}.",
        "smaller initial weights (nn.init.kaiming_normal_, xavier_uniform_), BatchNorm1d, BatchNorm2d or LayerNorm "
        "between layers, clip_norm in fit"),
    "vanishing_gradients": Finding("the gradient shrinks on its way from the last layer to the first",
        "The gradient vanishes on its way back: at {layer} it is {value:.1e} of the largest.",
        "relu or tanh instead of sigmoid, kaiming or xavier initialisation (nn.init), BatchNorm1d, BatchNorm2d or "
        "LayerNorm between layers, fewer layers, or connections that skip some"),
    "vanishing_activations": Finding("the outputs hardly differ from example to example",
        "The outputs hardly depend on the inputs: from example to example they differ {value:.1e} times as much. So do "
        "the gradients.",
        "larger initial weights (a layer's own, or nn.init.kaiming_normal_, xavier_uniform_)"),
    "learning_rate_too_high": Finding("in a few steps on the batch the loss rises",
        "The learning rate {value:g} is too high: in {steps} steps on this same batch the loss went from {start:.3g} "
        "to {end:.3g}.",
        "a tenth of it, and again; clip_norm in fit against single large gradients"),
    "learning_rate_too_high, in the run": Finding("the loss of the run rose",
        "The loss went up: {first:.3g} in the first epoch, {late:.3g} in a late one.",
        "a tenth of the learning rate, and again; clip_norm in fit against single large gradients"),
    "large_updates": Finding("the first step changes weights by more than their size",
        "One step changes {parameter} by {value:.2g} times the size of such weights; about 0.001 is usual.",
        "a smaller learning rate than {rate:g}"),
    "large_updates, in the run": Finding("late in the run steps change weights by half their size",
        "Late in training a step still changes {parameter} by {value:.2g} of its size; about 0.001 is usual.",
        "a smaller learning rate, or a schedule that lowers it"),
    "learning_rate_too_low": Finding("in a few steps on the batch the loss hardly falls, and with larger ones it does",
        "The learning rate {value:g} is too low: in {steps} steps on this same batch the loss fell by {fall}; with "
        "{faster:g} times the rate it falls fast.",
        "{tenfold:g}, {hundredfold:g} and so on, up to where the loss begins to jump"),
    "small_updates": Finding("even the largest update of the run is less than a millionth of its weight",
        "Even the largest update, of {parameter}, is {value:.1g} of its weight; about 0.001 is usual.",
        "a learning rate ten or a hundred times as high"),
    "overfitting": Finding("the validation loss rises while the training loss falls",
        "Overfitting: since epoch {epoch} the validation loss rose from {least:.3g} to {end:.3g}, while the training "
        "loss fell from {before:.3g} to {after:.3g}.",
        "patience= in fit, which stops there; more data or augmentation; nn.Dropout, l2=, a smaller network"),
}  # fmt: skip


def code_of(finding: str) -> str:
    """The code, without the case."""
    return finding.partition(",")[0]


# what each code means, in the order of the table
CODES = {
    code: "; ".join(finding.meaning for name, finding in FINDINGS.items() if code_of(name) == code)
    for code in map(code_of, FINDINGS)
}


@dataclass
class Verdict:
    """One finding: `code` for programs, the `layer` or "", the number `value` behind it, what it means, what to try."""

    code: str
    layer: str
    value: float
    sentence: str
    advice: str

    def __str__(self) -> str:
        return shown(f"{self.sentence}\n  Try: {self.advice}")


class Diagnosis(list[Verdict]):
    """The verdicts, causes before what comes of them; empty, so false, when all is well. Print it."""

    def __str__(self) -> str:
        return "\n".join(str(verdict) for verdict in self) or "Nothing stands out."


def verdict(finding: str, layer: str, value: float, **numbers: Any) -> Verdict:
    """The finding of that name, with the layer, the value and the other numbers that its texts leave open."""
    _, sentence, advice = FINDINGS[finding]
    known = {"layer": layer, "value": float(value), **numbers}
    return Verdict(code_of(finding), layer, float(value), sentence.format(**known), advice.format(**known))


def worst_of_each(found: Sequence[Verdict]) -> Iterator[Verdict]:
    """One verdict per code, that of the layer with the largest value, which names the others, worst first."""
    for code in sorted({v.code for v in found}, key=list(CODES).index):
        worst, *others = sorted((v for v in found if v.code == code), key=lambda v: -v.value)
        layers = [layer for layer in dict.fromkeys(v.layer for v in others) if layer != worst.layer]
        if layers:
            worst = replace(worst, sentence=f"{worst.sentence} So it is in {listed(layers, NAMED + 1, NAMED)}.")
        yield worst
