"""Circumstances in which test_compile.py compiles a training step: what the step does, and what happens round calls.

INSIDE has the ways to write the step, functions that are given a world and give the functions to compile; BETWEEN has
what happens before, round and after the calls.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from compile_parts import CLASSES, ROWS, VOCABULARY, Follows, changed, defaults

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim

# ---- circumstances: what the function does ----


@dataclass(frozen=True)
class Inside:
    """A way to write the step: it is given a world and gives the functions to compile, called by turns.

    `clears`: an optimizer's step uses up the gradients, and the next call forgets them first, so that `.grad` may be
    None afterwards. `decides`: what the function does depends on values, so that it may run as it stands at any call.
    `itself`: it calls the compiled function, so what is compiled must be this function.
    """

    write: Callable[[Any], Any]
    clears: bool = True
    decides: bool = False
    itself: bool = False


INSIDE: dict[str, Inside] = {}


def inside(**options: Any) -> Callable[[Any], Any]:
    def add(write: Any) -> Any:
        INSIDE[write.__name__] = Inside(write, **options)
        return write

    return add


@inside()
def plain(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


@inside()
def clears_in_the_end(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        model.zero_grad()
        return (loss.item(), [loss])

    return step


@inside(decides=True)
def clips_the_norm(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        model.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        norm = optim.clip_grad_norm(model.parameters(), 0.6)
        optimizer.step()
        return loss, norm

    return step


@inside()
def clips_values(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optim.clip_grad_value(model.parameters(), 0.05)
        optimizer.step()
        return loss.item()

    return step


@inside()
def penalises(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        l1 = sum(np.abs(p).sum() for p in model.parameters())
        l2 = sum((p * p).sum() for p in model.parameters())
        total = loss + 0.01 * l1 + 0.02 * l2
        total.backward()
        optimizer.step()
        return {"loss": loss.detach(), "total": total}

    return step


@inside()
def penalises_the_gradient(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        h = model.front(x)
        slope = tl.grad(lambda h: model.rest(h).sum())(h)
        loss = loss_of(model.rest(h), y) + 0.001 * (slope * slope).mean()
        loss.backward()
        optimizer.step()
        return loss

    return step


@inside()
def differentiates_twice(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward(create_graph=True)
        norm = sum((p.grad * p.grad).sum() for p in model.parameters() if p.grad is not None)
        (1e-4 * norm).backward()
        optimizer.step()
        return loss, norm

    return step


@inside()
def accumulates_inside(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        half = len(x) // 2
        first = loss_of(model(x[:half]), y[:half])
        first.backward()
        second = loss_of(model(x[half:]), y[half:])
        second.backward()
        optimizer.step()
        return first, second

    return step


@inside(clears=False)
def accumulates_over_calls(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def gather(x, y):
        loss = loss_of(model(x), y) / 2
        loss.backward()
        return loss

    def update(x, y):
        loss = loss_of(model(x), y) / 2
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return gather, update


@inside(clears=False)
def updates_apart(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def learn(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        return loss.item()

    def update(x, y):
        norm = optim.clip_grad_norm(model.parameters(), 0.5)
        optimizer.step()
        return norm

    return learn, update


@inside(clears=False)
def never_clears(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


@inside()
def two_backward_passes(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        z = model(x)
        loss, size = loss_of(z, y), 0.1 * (z * z).mean()
        loss.backward()
        size.backward()
        loss.backward(gradient=0.5)
        optimizer.step()
        return [loss, size]

    return step


@inside()
def clips_between_two_passes(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optim.clip_grad_norm(model.parameters(), 0.05)
        clipped = sum((p.grad**2).sum() for p in model.parameters() if p.grad is not None)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss, clipped

    return step


@inside()
def several_optimizers(w):
    model, loss_of = w.model, w.loss_of
    named = [*model.named_parameters()]
    first = w.option.make([(name, p) for name, p in named if name.startswith("front")])
    second = w.option.make([(name, p) for name, p in named if not name.startswith("front")])
    w.optimizers = [first, second]

    def step(x, y):
        first.zero_grad()
        second.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        second.step()
        first.step()
        return loss

    return step


@inside()
def two_steps(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        found = []
        for _ in range(2):
            optimizer.zero_grad()
            found.append(loss_of(model(x), y))
            found[-1].backward()
            optimizer.step()
        return tuple(found)

    return step


@inside()
def measures(w):
    model, optimizer, loss_of, classes = w.model, w.optimizer, w.loss_of, w.situation.loss.classes

    def step(x, y):
        optimizer.zero_grad()
        z = model(x)
        loss = loss_of(z, y)
        loss.backward()
        optimizer.step()
        right = (z.argmax(1) == y).mean() if classes else np.abs(z.detach() - y).max()
        found = {"loss": loss.item(), "right": right, "most": z.argmax(axis=1), "positive": z > 0, "z": z}
        return {**found, "ones": F.one_hot(y % CLASSES, CLASSES)} if classes else found

    return step


@inside(clears=False)
def only_computes(w):
    model, loss_of = w.model, w.loss_of

    @tl.no_grad()
    def look(x, y):
        z = model(x)
        return z, loss_of(z, y), np.exp(z), len(x)

    return look


@inside()
def looks_again_afterwards(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        with tl.no_grad():
            after = model(x)
            return loss, after, loss_of(after, y).item(), [p.detach() for p in model.parameters()]

    return step


@inside()
def calls_another_compiled(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def predict(x):
        with tl.no_grad():
            return model(x)

    compiled = w.compile(predict)

    def step(x, y):
        optimizer.zero_grad()
        before = compiled(x)
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss, before, compiled(x)

    return step


@inside(itself=True)
def calls_itself(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y, once_more=True):
        before = w.compiled[0](x, y, once_more=False) if once_more else None
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss, before

    return step


@inside()
def updates_first(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.step()
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        return loss

    return step


@inside()
def clips_first(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        norm = optim.clip_grad_norm(model.parameters(), 1.0)
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        return loss, norm

    return step


@inside()
def updates_by_hand(w):
    model, loss_of = w.model, w.loss_of

    def step(x, y):
        model.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        with tl.no_grad():
            for p in model.parameters():
                if p.grad is not None:
                    p -= 0.05 * p.grad
        return loss

    return step


@inside()
def prepares_its_arguments(w):
    model, optimizer, loss_of, integers = w.model, w.optimizer, w.loss_of, w.situation.front.integers

    def step(x, y):
        optimizer.zero_grad()
        x, y = x[::-1], y[::-1]
        x = (x + 1) % VOCABULARY if integers else (x - x.mean(axis=0)) / (x.std(axis=0) + 1)
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss, x.mean(axis=0), x.max()

    return step


@inside()
def transforms(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        weight = model.head.weight.detach()
        value, slope = tl.value_and_grad(lambda v: np.tanh(v).sum())(weight)
        return loss, value, slope, tl.jvp(np.tanh, (weight,), (slope,))

    return step


@inside(clears=False)
def gives_gradients(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        return loss, [p.grad for p in model.parameters()], (model.head.weight.grad**2).sum()

    return step


@inside()
def draws_from_its_own_generator(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of
    own = np.random.default_rng(5)
    w.generators.append(own)

    def step(x, y):
        optimizer.zero_grad()
        loss = loss_of(model.rest(F.dropout(model.front(x), 0.2, rng=own)), y)
        loss.backward()
        optimizer.step()
        return loss, F.dropout(loss.detach(), 0.5)

    return step


@inside()
def computes_more_than_it_needs(w):
    model, optimizer, loss_of = w.model, w.optimizer, w.loss_of

    def step(x, y):
        optimizer.zero_grad()
        z = model(x)
        unused = np.sin(z) + model.head.weight.sum()
        loss = loss_of(z, y) + 0 * unused.mean()
        np.tanh(loss)
        loss.backward(retain_grads=True)
        optimizer.step()
        return loss, z.grad, np.concatenate([z, z]).detach(), z.T.detach(), z.detach()[1:]

    return step


# ---- circumstances: what the function is given ----

THIRD = 3  # the call before which something is changed


class Given:
    """How the arguments of a compiled function are given: as arrays."""

    keeps_signature = True  # whether all calls are alike, so that from the second on the program may run

    def made(self, step: Any, compile: Any) -> Any:
        """What is called with a batch."""
        return compile(step)

    def batch(self, w: Any, x: Any, y: Any, call: int) -> Any:
        """The batch, in the form in which it is given."""
        return x, y


class Arrays(Given):
    """New arrays at each call."""


class TheSameArrays(Given):
    """The arguments are the same arrays at each call, with other numbers in them."""

    def batch(self, w, x, y, call):
        held = w.notes.setdefault(x.shape, (x.copy(), y.copy()))
        if held[1].shape != y.shape:
            return x, y
        held[0][...], held[1][...] = x, y
        return held


class Tensors(Given):
    """The arguments are Tensors, which need no gradient."""

    def batch(self, w, x, y, call):
        return tl.tensor(x), tl.tensor(y)


class Nested(Given):
    """The arguments stand in a list, a tuple and a dict, one of them given by its name."""

    def made(self, step, compile):
        def nested(first, *, targets, scale=1.0):
            return step(first[0], targets["y"][1])

        run = compile(nested)
        return lambda x, y: run([x], targets={"n": len(x), "y": (None, y)})


class Strided(Given):
    """The arguments are every other row of an array in Fortran order, and an array that can't be written."""

    def batch(self, w, x, y, call):
        wide = np.asfortranarray(np.repeat(x, 2, axis=0))
        y.flags.writeable = False
        return wide[::2], y


class SharedMemory(Given):
    """Two arguments are one array, but not at the third call, and views of one at the fourth."""

    keeps_signature = False

    def made(self, step, compile):
        def with_another(x, y, z):
            return step(np.maximum(x, z), y)

        run, turn = compile(with_another), itertools.count(1)

        def called(x, y):
            call = next(turn)
            return run(x, y, x[::-1].copy() if call == THIRD else x[::-1] if call == 4 else x)

        return called


class Numbers(Given):
    """An argument is a number, another one at the third call."""

    keeps_signature = False

    def made(self, step, compile):
        def scaled(x, y, factor, deep):
            return step(x * factor if deep else x, y)

        run, turn = compile(scaled), itertools.count(1)

        def called(x, y):
            call = next(turn)
            return run(x, y, 1 if call < THIRD else 2 if x.dtype.kind == "f" else 1, call != 4)

        return called


class ClosureNumber(Given):
    """A number that the function reads by its name is another one from the third call on."""

    keeps_signature = False

    def made(self, step, compile):
        half, turn = False, itertools.count(1)

        def halving(x, y):
            return step(x[::2], y[::2]) if half else step(x, y)

        run = compile(halving)

        def called(x, y):
            nonlocal half
            half = next(turn) >= THIRD
            return run(x, y)

        return called


class ToAMethod(Given):
    """What is compiled is a method."""

    def made(self, step, compile):
        class Trainer:
            def run(self, x, y):
                return step(x, y)

            run = compile(run)

        return Trainer().run


class FromAnotherThread(Given):
    """The third call comes from another thread."""

    keeps_signature = False

    def made(self, step, compile):
        run, turn = compile(step), itertools.count(1)
        return lambda x, y: in_a_thread(run, x, y) if next(turn) == THIRD else run(x, y)


def in_a_thread(function: Any, *args: Any) -> Any:
    """What the function gives or raises, run in a thread of its own."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append((function(*args), None))
        except Exception as error:
            found.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    ((result, error),) = found
    if error is not None:
        raise error
    return result


GIVEN = {kind.__name__: kind() for kind in Given.__subclasses__()}


# ---- circumstances: what happens round the calls ----


class Between:
    """What happens before, round and after the calls of a compiled function, counted from 1. This: nothing."""

    calls = 5
    dtype: Any = np.float32
    options: dict[str, Any] = {}  # noqa: RUF012
    keeps_signature = True  # whether all calls are alike, so that from the second on the program may run

    def begin(self, w: Any) -> None:
        """When the world has been made."""

    def rows(self, call: int) -> int:
        return ROWS

    def before(self, w: Any, call: int) -> None:
        """Before a call."""

    def batch(self, w: Any, x: Any, y: Any, call: int) -> Any:
        """Other numbers in the batch, perhaps."""
        return x, y

    def around(self, call: int) -> AbstractContextManager[Any]:
        return nullcontext()

    def looks_on(self, call: int) -> bool:
        """Whether an observer is open, so that the function runs, and gives what it gives."""
        return False

    def raises(self, call: int) -> bool:
        return False

    def after(self, w: Any, call: int, result: Any) -> None:
        """After a call, when the worlds have been compared."""


class Nothing(Between):
    """All calls are alike."""


class Schedule(Between):
    """The rate changes after each call."""

    def begin(self, w):
        w.schedules = [optim.CosineAnnealingLR(optimizer, 4) for optimizer in w.optimizers]

    def after(self, w, call, result):
        for schedule in w.schedules:
            schedule.step()


class Warmup(Between):
    """The rate rises at the first calls, and then falls with the loss."""

    def begin(self, w):
        w.schedules = [optim.LinearWarmup(optimizer, 3, per="step") for optimizer in w.optimizers]

    def after(self, w, call, result):
        for schedule in w.schedules:
            schedule.step()
        if call == THIRD:
            w.schedules = [optim.StepLR(optimizer, 1, 0.5) for optimizer in w.optimizers]


class RatesAssigned(Between):
    """Somebody assigns rates, to the optimizer and to its last group."""

    def before(self, w, call):
        for optimizer in w.optimizers:
            if call == THIRD:
                optimizer.lr = 0.01
            if call == 4:
                optimizer.groups[-1]["lr"] = 0.03


class UnevenBatches(Between):
    """Batches of two sizes."""

    calls = 8
    keeps_signature = False

    def rows(self, call):
        return ROWS if call % 2 else 5


class LargeBatches(Between):
    """Batches so large that masks and sums are computed as of large arrays."""

    def rows(self, call):
        return 200


class TooManySignatures(Between):
    """Batches of more sizes than there is room for programs."""

    calls = 8
    options = {"programs": 2}  # noqa: RUF012
    keeps_signature = False

    def rows(self, call):
        return (8, 6, 4, 6)[call % 4]


class Frozen(Between):
    """A parameter is frozen from the beginning on, and another for a while."""

    calls = 6
    keeps_signature = False

    def begin(self, w):
        next(w.model.parameters()).requires_grad = False

    def before(self, w, call):
        if call in (THIRD, 5):
            w.model.head.bias.requires_grad = call == 5


class Float64(Between):
    """Everything in float64."""

    dtype = np.float64


DECIDE_SHAPES = {"stride", "padding", "output_padding", "dilation", "groups"}


class LayerSettings(Between):
    """Each number and switch of each layer becomes another one at the third call."""

    keeps_signature = False

    def before(self, w, call):
        if call == THIRD:
            for module in w.model.modules():
                settings = {} if type(module).__init__ is object.__init__ else defaults(type(module))
                if isinstance(module, Follows):
                    module.scale, module.rate = 0.7, 0.4
                for name, value in settings.items():
                    if name in DECIDE_SHAPES:
                        continue
                    plain = isinstance(vars(module).get(name), (int, float, str)) and not isinstance(value, bool)
                    if plain and type(module).__module__.startswith("tinydl") and not isinstance(module, nn.Flatten):
                        setattr(module, name, changed(name, getattr(module, name)))


class OptimizerNumbers(Between):
    """Each number among the settings of an optimizer becomes another one at the third call."""

    keeps_signature = False

    def before(self, w, call):
        if call == THIRD:
            for optimizer in w.optimizers:
                for group in optimizer.groups:
                    for name, value in group.items():
                        if name not in ("params", "initial_accumulator_value") and not isinstance(value, bool):
                            group[name] = changed(name, value)
                    if group.get("nesterov"):
                        group["dampening"] = 0.0


class OptimizerSwitches(Between):
    """Each switch among the settings of an optimizer is turned at the third call."""

    keeps_signature = False

    def before(self, w, call):
        if call == THIRD:
            for optimizer in w.optimizers:
                for group in optimizer.groups:
                    for name, value in group.items():
                        if isinstance(value, bool):
                            group[name] = not value
                    if group.get("nesterov"):
                        group["dampening"], group["momentum"] = 0.0, 0.7


class OptimizerAttributes(Between):
    """A setting is assigned as an attribute of the optimizer: of all groups at once."""

    keeps_signature = False

    def before(self, w, call):
        for optimizer in w.optimizers:
            if call == THIRD:
                optimizer.weight_decay = 0.03
            if call == 5 and hasattr(type(optimizer), "eps"):
                optimizer.eps = 1e-2


class EvalForAWhile(Between):
    """The model is in eval mode at the third and the fourth call."""

    calls = 6
    keeps_signature = False

    def before(self, w, call):
        if call in (THIRD, 5):
            w.model.train(call == 5)


class ResultsOverwritten(Between):
    """Whoever called writes into what was given back, and into the gradients."""

    def after(self, w, call, result):
        for array in arrays_in([result, [p.grad for p in w.model.parameters()]]):
            array[...] = 0 if array.dtype == bool else 7


class StateLoaded(Between):
    """The model gets the state back that it had at the beginning."""

    def begin(self, w):
        w.notes["state"] = w.model.state_dict()

    def before(self, w, call):
        if call == THIRD:
            w.model.load_state_dict(w.notes["state"])


class OptimizerStateLoaded(Between):
    """Each optimizer gets the state back that it had after the first call."""

    calls = 6
    keeps_signature = False

    def before(self, w, call):
        if call == 2:
            w.notes["states"] = [optimizer.state_dict() for optimizer in w.optimizers]
        if call == 4:
            for optimizer, state in zip(w.optimizers, w.notes["states"], strict=True):
                optimizer.load_state_dict(state)


class DataAssigned(Between):
    """Parameters get other arrays, and are changed in place."""

    keeps_signature = False

    def before(self, w, call):
        if call == THIRD:
            for p in w.model.parameters():
                p.data = p.data * 0.5
        if call == 4:
            w.model.head.weight.data[0] = 0.25
        if call == 5:
            with tl.no_grad():
                w.model.head.weight *= 0.9


class GradientsKept(Between):
    """`keep_grads` leaves all gradients where eager code leaves them."""

    options = {"keep_grads": True}  # noqa: RUF012


class GradientsLeftByOthers(Between):
    """Between the calls somebody else runs a backward pass, which leaves gradients."""

    keeps_signature = False

    def before(self, w, call):
        for p in w.model.parameters():
            if call == 4 and p.requires_grad:  # parameters() gives Tensors that a model keeps as statistics, too
                p.grad = tl.tensor(np.full_like(p.data, 0.1))
            if call == 5:
                p.grad = None


class TargetsRefused(Between):
    """The fourth call gets targets that the loss refuses."""

    calls = 6
    keeps_signature = False

    def batch(self, w, x, y, call):
        return x, w.situation.loss.refused(y) if call == 4 else y

    def raises(self, call):
        return call == 4


class OldGraph(Between):
    """A graph that was computed before a call notices that the parameters have changed since."""

    def before(self, w, call):
        weight = w.model.head.weight
        w.notes["graph"] = (weight * weight).sum()

    def after(self, w, call, result):
        try:
            w.notes["graph"].backward(gradient=0.0)
            w.notes["noticed"] = False
        except tl.ChangedValueError:
            w.notes["noticed"] = True


class SeededAnew(Between):
    """The default generator begins anew at the third call."""

    def before(self, w, call):
        if call == THIRD:
            tl.manual_seed(11)


class AnomalyDetected(Between):
    """At the third call somebody looks on."""

    keeps_signature = False

    def around(self, call):
        return tl.detect_anomaly() if call == THIRD else nullcontext()

    def looks_on(self, call):
        return call == THIRD


class OtherDefaultDtype(Between):
    """At the third call the default dtype is another one."""

    keeps_signature = False

    def around(self, call):
        return tl.default_dtype(np.float64) if call == THIRD else nullcontext()


def arrays_in(value: Any) -> Iterator[np.ndarray]:
    """Every array in a value, those of Tensors included."""
    if isinstance(value, tl.Tensor):
        yield value._data
    elif isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays_in(item)


BETWEEN = {kind.__name__: kind() for kind in Between.__subclasses__()}
