r"""Training that can't tell whether one was among its examples, to within ε: DP-SGD, what `tinydl.privacy` gives.

Each example's gradient is clipped, noise is added to the sum, and an accountant says what a run of such steps has given
away (Abadi et al., arXiv:1607.00133, 2016). Clipping needs each example's norm, and that of its own, which is what goes
wrong in silence; so what two backward passes find is checked at each call. How they find it is in ghost.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import Dataset
from ..engine import random
from ..engine.arrays import Array
from ..engine.checks import array_of, kind, listed, real, refuse_foreign, whole
from ..engine.graph import ancestors, leaves
from ..engine.recording import enable_grad, no_grad
from ..engine.tensor import Tensor, propagate, wrap
from ..nn import Module
from ..nn.normalization import BatchNorm
from .apart import FEW, KEEPS, MIXES, State, generator_at, is_near, refuse_what_isnt_apart, same_buffers
from .ghost import LOOP, Use, find_uses, row_norms, squared_norms

# Rounding of float32 along a deep network is 10⁻⁵ of a row; what another row adds to it, or a wrong axis, is more.
APART = 1e-3
CUT = (
    "private_gradients: there is nothing to differentiate: what the model gives depends on none of its parameters. Was "
    "it made from .data, .numpy(), .item() or .detach()?"
)
MANY = 10**8  # steps, for which dp-accounting takes a minute
GRID = 2e5  # steps of the privacy loss; more would be finer, and with little noise take minutes
ROUNDED = 1e-14  # what is left of 1 − softmax in float64 where a network is sure
NOISE_OF_ROUNDING = 1e-4  # of the largest row: where a row's gradient cancels, only rounding is left of it


def private_gradients(
    model: Module,
    x: Any,
    y: Any,
    *,
    loss: Callable[[Any, Any], Any],
    clip: float,
    noise: float,
    lot: float,
    rng: np.random.Generator,
    loop: bool = False,
) -> Array:
    r"""Put into each ``p.grad`` a step's gradient that hides each single example; give the norms of those drawn.

    .. math:: \tilde g = \frac{1}{L} \Big( \sum_{i \in S} g_i \min\big(1, \tfrac{C}{\lVert g_i \rVert}\big)
        + \mathcal N(0, \sigma^2 C^2) \Big)

    with :math:`g_i` the gradient of example i's own loss by all parameters together, C the `clip`, σ the `noise`, L the
    `lot`. x and y are **all** examples: the lot S is drawn here, each example with the probability ``rate = lot /
    len(x)``, for that is what `epsilon` counts on; so lots vary in size, and an empty one gives noise alone. A `.grad`
    from before is replaced. `rng` is a Generator that lives as long as the run.

    `loss(outputs, y)` is a mean or a sum over rows, as `F.cross_entropy` is, or gives a loss for each row. The norms,
    (len(S),), in the order of the rows, are those of the gradients before clipping: a good `clip` is about their
    median. **They are not private**, nor is a loss that is printed: look at them on data that may be known.

    It takes one forward and two backward passes, 2 to 4 ordinary passes of forward and backward
    (benchmarks/privacy.py). In the first 8 calls with a model and each fourth from then on, up to 16 examples are
    asked together, in another order and alone, in float64 (apart.py); and each time what arrives at each parameter in
    the second backward pass must be, row by row, what arrived in the first times its scale. So a layer by which
    examples see each other is found where that shows in these numbers. Of a model that draws random numbers, as with a
    Dropout, that is in eval mode: see to it that it does nothing else by the batch in training.

    Refused by TypeError are a parameter that takes part twice (tied, shared, recurrent), operations on parameters that
    ghost.py doesn't know, and float16; ``loop=True`` takes the examples one by one instead, which does all that and
    takes 30 to 200 ordinary passes; it doesn't look for rows that see each other, since none has a neighbour there.
    Refused by ValueError are BatchNorm while training, what else mixes rows or hangs on a row's place or on how many
    there are, what keeps something of the examples (buffers, parameters, what the first pass makes), a loss that isn't
    a sum or mean over rows, a `clip` that isn't above 0, `noise` below 0, a `lot` that isn't above 0 and at most
    len(x). FloatingPointError for a loss or norm that isn't finite. When it raises, no `.grad` has changed.

    What is protected is that a row was there, once: of what is published of the run, only the weights, and only
    through these gradients. Not protected: statistics that the data were scaled by, hyperparameters chosen by results
    on the same data, several rows of one person. The noise is of floating-point numbers of a Generator that isn't
    cryptographic, whose seed must stay secret: against somebody who reads the last bits (Mironov, CCS 2012) nothing is
    promised.

    >>> rng = np.random.default_rng()
    >>> for step in range(steps):
    ...     private_gradients(model, x, y, loss=F.cross_entropy, clip=1.0, noise=1.0, lot=64, rng=rng)
    ...     optimizer.step()
    >>> epsilon(noise=1.0, rate=64 / len(x), steps=steps, delta=1e-5)
    """
    parameters, x, y = _checked(model, x, y, loss, rng, loop)
    clip, noise, lot = _numbers(clip, noise, lot, len(x))
    drawn = np.flatnonzero(rng.random(len(x)) < lot / len(x))
    lot_of = Lot(model, parameters, loss, x[drawn], y[drawn], clip, rng)
    alone = loop or len(drawn) < 2
    with enable_grad(), same_buffers(model):
        draws, in_rows, asked = refuse_what_isnt_apart(model, loss, x, y, alone=loop)
        norms, sums = lot_of.by_loop() if alone else lot_of.by_two_passes(draws, in_rows, asked)
    noisy = []
    for p, total in zip(parameters.values(), sums, strict=True):
        drawn_noise = rng.standard_normal(p.shape, np.float64 if p.dtype == np.float64 else np.float32)
        noisy.append(wrap(np.asarray((total + drawn_noise * (noise * clip)) / lot, p.dtype)))
    for p, g in zip(parameters.values(), noisy, strict=True):
        p.grad = g
    return norms


def epsilon(noise: float, rate: float, steps: int, delta: float) -> float:
    r"""What `steps` steps of `private_gradients` give away at most: ε, so that for any set of outcomes A

    .. math:: P(A \mid \text{with the example}) \le e^\varepsilon\, P(A \mid \text{without}) + \delta

    and the other way round. `noise` is σ, `rate` the probability by which an example is drawn, lot / len(x), `delta`
    usually below 1 / len(x). ε adds up over all steps on the same data, also those of runs that were thrown away.
    Neighbours differ by one example that is there or not. Computed from the distribution of the privacy loss (Koskela
    et al., arXiv:1906.03049, 2020), by the package dp-accounting: its pessimistic estimate, an upper bound.

    Without noise it is ∞, without steps 0, and ∞ as well for a delta below some 10⁻¹⁵, to which tails are computed.
    Raises ValueError for noise below 0, a rate outside of 0 … 1, a delta that isn't between 0 and 1, and for what
    dp-accounting can't follow; ImportError without dp-accounting.
    """
    noise, rate, delta, steps = _deviation(noise), real("rate", rate), real("delta", delta), whole("steps", steps, 0)
    if not 0 <= rate <= 1:
        raise ValueError(f"rate is the probability by which an example is drawn, lot / len(x), in 0 … 1, not {rate}")
    if not 0 < delta < 1:
        raise ValueError(f"delta must be between 0 and 1, at best below 1 / len(x), not {delta}")
    if not steps or not rate:
        return 0.0
    if not noise:
        return math.inf
    try:
        import dp_accounting
        from dp_accounting import pld
    except ImportError as error:
        raise ImportError(
            'epsilon needs the package dp-accounting; in the clone of tinydl write python -m pip install ".[privacy]"'
        ) from error
    largest = 0.5 / noise**2 + 10 / noise  # about as much as one step can give away, which GRID places have to hold
    accountant = pld.PLDAccountant(value_discretization_interval=max(1e-4, largest / GRID))
    step = dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise))
    try:
        if steps > MANY:
            raise OverflowError(f"more than {MANY:.0e} steps")
        accountant.compose(dp_accounting.SelfComposedDpEvent(step, steps))
        return float(accountant.get_epsilon(delta))
    except (ArithmeticError, MemoryError, ValueError) as error:
        raise ValueError(
            f"dp-accounting can't follow {steps:.3g} steps with noise {noise:.3g} at a rate of {rate:.3g}: {error}; "
            "give more noise, or fewer steps"
        ) from error


# ---- what is asked of what is given ----


def _checked(model: Any, x: Any, y: Any, loss: Any, rng: Any, loop: bool) -> tuple[dict[str, Tensor], Array, Array]:
    """The parameters that are trained, by name; x and y as arrays."""
    if not isinstance(model, Module):
        raise TypeError(f"private_gradients takes a Module, not {kind(model)}")
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"rng must be a Generator, not {rng!r:.40}: a seed would draw the same lot and the same noise at every "
            "step, and noise that is known hides nothing. Write rng = np.random.default_rng() once, before the loop"
        )
    parameters = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not parameters:
        raise ValueError("private_gradients: no parameter of the model requires a gradient")
    refuse_foreign("private_gradients", x, y, *parameters.values())
    small = [name for name, p in parameters.items() if p.dtype.itemsize < 4]
    if small and not loop:
        raise TypeError(
            f"private_gradients compares what arrives in two passes, for which {small[0]!r}, of "
            f"{parameters[small[0]].dtype}, has too few digits; keep parameters in float32, or pass loop=True"
        )
    if not callable(loss):
        raise TypeError(f"loss is a function of the outputs and y, such as F.cross_entropy, not {loss!r}")
    if isinstance(x, Dataset):
        raise TypeError("x and y are two arrays, not a Dataset; write private_gradients(model, *train, …)")
    x, y = array_of(x), array_of(y)
    if not x.ndim or not y.ndim or len(x) != len(y) or not len(x):
        raise ValueError(f"x and y are all examples, a row for each, not arrays of shapes {x.shape} and {y.shape}")
    for name, module in model.named_modules():
        if isinstance(module, BatchNorm) and module.training:
            raise ValueError(
                f"{name or 'the model'} ({type(module).__name__}) normalises each example by its neighbours, so that "
                "no example has a gradient of its own: write nn.GroupNorm or nn.LayerNorm in its place, or call its "
                "eval() if its running statistics are of public data"
            )
    return parameters, x, y


def _numbers(clip: Any, noise: Any, lot: Any, examples: int) -> tuple[float, float, float]:
    clip, noise, lot = real("clip", clip), _deviation(noise), real("lot", lot)
    if not 0 < clip < math.inf:
        raise ValueError(f"clip, the largest norm that an example's gradient may have, must be above 0, not {clip}")
    if not 0 < lot <= examples:
        raise ValueError(
            f"lot, how many of the {examples} examples are drawn in the mean, must be above 0 and at most {examples}, "
            f"not {lot}; x and y are all examples, from which private_gradients draws"
        )
    return clip, noise, lot


def _deviation(noise: Any) -> float:
    """In clips, a finite number ≥ 0."""
    sigma: float = real("noise", noise)
    if not 0 <= sigma < math.inf:
        raise ValueError(f"noise must be a finite number ≥ 0, the standard deviation in clips, not {sigma}")
    return sigma


# ---- the gradients of a lot ----


@dataclass
class Lot:
    """The examples that were drawn, and what is done with them: `by_loop`, or `by_two_passes`."""

    model: Module
    parameters: dict[str, Tensor]
    loss: Callable[[Any, Any], Any]
    x: Array
    y: Array
    clip: float
    rng: np.random.Generator

    def by_loop(self) -> tuple[Array, list[Array]]:
        """The examples one by one: their norms, and the sum of their clipped gradients."""
        wanted = list(self.parameters.values())
        sums: list[Array] = [np.zeros(p.shape, p.dtype) for p in wanted]
        norms, drawn, losses = np.zeros(len(self.x)), random.generator().bit_generator.state, list[float]()
        for i in range(len(self.x)):
            loss = self._of_one(i)
            losses.append(loss.item())
            found, _ = propagate([loss], [None], wanted=wanted)
            norms[i] = _norm(found)
            scale = self._scales(norms[i : i + 1])[0]
            for total, p in zip(sums, wanted, strict=True):
                if p in found:
                    total += found[p] * total.dtype.type(scale)
        if losses:
            with no_grad(), generator_at(drawn):
                again = self._of_one(0, recorded=False).item()
            if not math.isclose(again, losses[0], rel_tol=1e-5, abs_tol=1e-6):
                raise ValueError(
                    f"the first example's loss was {losses[0]:.6g}, and is {again:.6g} after the others: {KEEPS}"
                )
        return norms, sums

    def by_two_passes(self, draws: bool, in_rows: bool, asked: bool) -> tuple[Array, list[Array]]:
        """The same from one graph: first the norms, then the sum of the losses by their scales.

        The first pass weighs the examples by random numbers. If they are apart, each one's part of every gradient in
        the second pass is that of the first times the quotient of its weights.
        """
        drawn = random.generator().bit_generator.state
        outputs = self.model(self.x)
        root, seeds = self._apart(outputs, in_rows)
        if not root._requires_grad:
            raise ValueError(CUT)
        if draws:
            self._refuse_mixed_rows(outputs, root, drawn)
        n = len(self.x)
        nodes = ancestors([root])
        uses = find_uses(nodes, self.parameters)
        places = list({use.node: None for use in uses})
        weights = self.rng.uniform(0.5, 2, n)
        first, _ = propagate([root], [_rowwise(seeds, weights)], wanted=places)
        self._find_axes(uses, root, seeds)
        squares, by_place = np.zeros(n), dict[Tensor, Array]()
        for use in uses:
            if use.node in first:
                found = squared_norms(use, first[use.node])
                squares += found
                by_place[use.node] = by_place.get(use.node, 0) + found
        norms = np.sqrt(squares) / weights
        if asked and not draws:
            self._refuse_other_alone(outputs, root, seeds, norms, {*np.argsort(weights)[:2], norms.argmax()})
        scales = self._scales(norms)
        wanted = list(self.parameters.values())
        second, _ = propagate([root], [_rowwise(seeds, scales)], wanted=[*wanted, *places])
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = {place: np.sqrt(part / squares) for place, part in by_place.items()}
        self._refuse_other_parts(uses, first, second, scales / weights, shares)
        return norms, [second[p] if p in second else np.zeros(p.shape, p.dtype) for p in wanted]

    def _scales(self, norms: Array) -> Array:
        self._refuse_not_finite(norms, "gradient")
        return np.minimum(1, self.clip / np.maximum(norms, self.clip))

    @staticmethod
    def _refuse_not_finite(values: Array, what: str) -> None:
        if not np.isfinite(values).all():
            raise FloatingPointError(
                f"private_gradients: the {what} of an example isn't finite; run the model under tl.detect_anomaly(), "
                "which names the operation. No .grad has changed"
            )

    # ---- each row's own loss ----

    def _of_one(self, i: int, recorded: bool = True) -> Tensor:
        loss = self.loss(self.model(self.x[i : i + 1]), self.y[i : i + 1])
        if not isinstance(loss, Tensor) or loss.size != 1:
            shown = f"shape {loss.shape}" if isinstance(loss, Tensor) else kind(loss)
            raise ValueError(f"loss must give one number for an example, a Tensor, not {shown}")
        if not loss._requires_grad and recorded:
            raise ValueError(CUT)
        return loss

    def _apart(self, outputs: Any, in_rows: bool) -> tuple[Tensor, Array]:
        """From where both passes start, and with which gradient each row does: the outputs, with what each row's own
        loss makes of them or, where they are no Tensor with a row for each example, the losses, with ones.

        The former is computed in float64: where a network is sure of all its answers, what is left of 1 − softmax in
        float32 is rounding, and differs from row to batch.
        """
        n, rows = len(self.x), in_rows and isinstance(outputs, Tensor) and outputs.shape[:1] == (len(self.x),)
        z = wrap(outputs._data.astype(np.float64), True) if rows else outputs
        total = self.loss(z, self.y)
        if not isinstance(total, Tensor) or total.shape not in ((), (n,)):
            shown = f"one of shape {total.shape}" if isinstance(total, Tensor) else kind(total)
            raise ValueError(
                f"loss must give a Tensor with one number, the mean or the sum over the {n} rows, or with one for each "
                f"row, not {shown}; write .reshape(len(y), -1).mean(axis=1) to have one for each"
            )
        self._refuse_not_finite(total._data, "loss")
        if total.shape == (n,) and not rows:
            return total, np.ones(n, total.dtype)
        if not rows:
            shown = f"shape {outputs.shape}" if isinstance(outputs, Tensor) else kind(outputs)
            raise ValueError(
                f"a loss that is one number needs outputs with the examples along the first axis, not {shown}; write a "
                "loss that gives one number for each row"
            )
        also = {x for x in leaves([total]) if x._requires_grad} - {z}
        if also:
            names = [name for name, p in self.parameters.items() if p in also] or ["something else that is trained"]
            raise ValueError(
                f"the loss depends on {listed(names)} not only through the outputs: leave penalties out, and write "
                "optim.SGD(…, weight_decay=…), which needs no example"
            )
        return outputs, self._of_rows(z, total).astype(outputs.dtype)

    def _of_rows(self, z: Tensor, total: Tensor) -> Array:
        """∂ each row's own loss / ∂ its outputs, of losses or of a sum or a mean over rows, as parts of them show."""
        n, order = len(self.x), self.rng.permutation(len(self.x))
        of_all, parts = _slope(total, z), [np.sort(order[: min(n // 2, FEW)]), order[-1:]]
        of_parts = [self._slope_of(z._data[part], part) for part in parts]
        size = max(np.abs(g).max(initial=0) for g in of_parts)
        near = 1e-9 if total.dtype == np.float64 else 1e-4
        for each, counts in ((1, (1, 1)), (n, (len(parts[0]), 1)))[: 1 if total.ndim else 2]:
            if all(
                is_near(of_all[part] * each, g * count, near, (near * size + ROUNDED) * count)
                for part, g, count in zip(parts, of_parts, counts, strict=True)
            ):
                return of_all * each
        raise ValueError(
            "the loss is neither the sum nor the mean of what each row's loss is by itself, as where it is divided by "
            "the sum of class weights or compares rows: no example has a gradient of its own. Write one that gives a "
            'loss for each row, such as lambda z, y: F.cross_entropy(z, y, weight=w, reduction="none")'
        )

    def _slope_of(self, outputs: Array, part: Array) -> Array:
        z = wrap(outputs, True)
        return _slope(self.loss(z, self.y[part]), z)

    # ---- whether rows are apart ----

    def _refuse_mixed_rows(self, outputs: Any, root: Tensor, drawn: Any) -> None:
        """ValueError if what one half of the lot gives depends on the other half, where other examples now stand: of a
        model that draws random numbers, and the same ones only for a lot that is as large."""
        n, size = len(self.x), 0.0
        half = np.sort(self.rng.permutation(n)[: (n + 1) // 2])
        rows = self.rng.choice(half, n)
        rows[half] = half
        with no_grad(), generator_at(drawn):
            now = self.model(self.x[rows])
            pairs = [(outputs, now)] if isinstance(outputs, Tensor) and len(outputs) == n else []
            pairs += [] if root is outputs else [(root, self.loss(now, self.y[rows]))]
        for before, after in pairs:
            a, b = before._data[half], array_of(after)[half]
            size = max(size, np.abs(a[np.isfinite(a)]).max(initial=0))  # a loss has the rounding of its logits
            if not is_near(a, b, 1e-5, 1e-5 * size):
                raise ValueError(MIXES)

    def _refuse_other_alone(self, outputs: Any, root: Tensor, seeds: Array, norms: Array, some: set[Any]) -> None:
        """ValueError if some examples of the lot, alone, get another output or have another norm. What this can't tell
        from rounding in float32 is below a hundredth."""
        wanted, state = list(self.parameters.values()), State(self.model)
        for i in some:
            alone = self.model(self.x[i : i + 1])
            state.put_back()
            other = alone if root is outputs else self.loss(alone, self.y[i : i + 1])
            found, _ = propagate([other], [seeds[i : i + 1].reshape(other.shape)], wanted=wanted)
            norm = _norm(found)
            a, b = root._data[i : i + 1], array_of(other).reshape(seeds[i : i + 1].shape)
            size = np.abs(a[np.isfinite(a) & (a != b)]).max(initial=0) if a.shape == b.shape else 0
            if not is_near(a, b, 1e-2, 1e-2 * size):
                raise ValueError(MIXES)
            if abs(norm - norms[i]) > 1e-2 * max(norm, norms[i], self.clip):
                raise ValueError(
                    f"the gradient of an example has the norm {norms[i]:.4g} in the lot and {norm:.4g} alone, so what "
                    "arrives at some parameter isn't, row by row, that of one example: on the way rows are mixed, or a "
                    f"parameter is used for all of them at once. {LOOP}"
                )

    def _find_axes(self, uses: Sequence[Use], root: Tensor, seeds: Array) -> None:
        """Along which axis of each operation the examples lie; where two are as long, along which what arrives has the
        weights of the examples."""
        n, weights = len(self.x), self.rng.uniform(0.5, 2, len(self.x))
        unsure = list({use.node: None for use in uses if len(use.axes(n)) > 1})
        one: dict[Tensor, Any] = {}
        weighted: dict[Tensor, Any] = {}
        if unsure:
            one, _ = propagate([root], [seeds], wanted=unsure)
            weighted, _ = propagate([root], [_rowwise(seeds, weights)], wanted=unsure)
        for use in uses:
            axes = use.axes(n)
            if use.node in one:
                misses = []
                for use.axis in axes:
                    expected, found = row_norms(use, one[use.node]) * weights, row_norms(use, weighted[use.node])
                    misses.append(float(np.abs(found - expected).sum()))
                axes = [axes[int(np.argmin(misses))]]
            if not axes:
                raise TypeError(
                    f"the {n} examples of the lot lie along neither of the first two axes where {use.title} gives "
                    f"shape {use.node.shape}, so their norms can't be told apart there. {LOOP}"
                )
            use.axis = axes[0]

    def _refuse_other_parts(self, uses: Sequence[Use], first: Any, second: Any, quotient: Array, shares: Any) -> None:
        """ValueError if what arrives at an operation isn't, row by row, what its own example sends.

        What rounding leaves of a gradient that cancels, as before a LayerNorm of two numbers, differs as it likes: it
        counts by the share that it has in the norm of the example.
        """
        for use in {use.node: use for use in uses if use.node in first}.values():
            expected, found = row_norms(use, first[use.node]) * quotient, row_norms(use, second[use.node])
            off = np.abs(found - expected) * np.nan_to_num(shares[use.node])
            limit = NOISE_OF_ROUNDING * expected.max(initial=0) + float(np.finfo(second[use.node].dtype).tiny) / APART
            if not (off <= APART * expected + limit).all():
                raise ValueError(
                    f"the gradient that arrives at {use.title} isn't, row by row, that of one example: on the way rows "
                    f"are mixed, or a parameter is used for all of them at once. {LOOP}"
                )


def _norm(gradients: Mapping[Tensor, Array]) -> float:
    """Of all gradients together."""
    return math.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in gradients.values()))


def _slope(loss: Tensor, outputs: Tensor) -> Array:
    """∂ the loss, or the sum of the losses, / ∂ the outputs they were computed from."""
    found: Any = propagate([loss], [np.ones(loss.shape)], wanted=[outputs])[0].get(outputs)
    if found is None:
        raise ValueError("the loss depends on the outputs by nothing that has a gradient")
    return np.asarray(found)


def _rowwise(seeds: Array, weights: Array) -> Array:
    rows: Array = seeds * weights.reshape(-1, *(1,) * (seeds.ndim - 1)).astype(seeds.dtype)
    return rows
