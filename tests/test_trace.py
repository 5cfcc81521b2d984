"""A run written down: operations and Module calls, in order, with where they happened and what came out."""

import numpy as np
import pytest

import tinydl as tl
from tinydl import nn
from tinydl.engine.recording import observing
from tinydl.engine.trace import Trace


class Twice(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(3, 3)
        self.blocks = [nn.Sequential(nn.Tanh())]

    def forward(self, x):
        return self.blocks[0](self.layer(self.layer(x))) * 2.0


def traced(run):
    trace = Trace()
    with observing(trace):
        run()
    return trace


def test_operations_come_in_order_with_the_layer_they_were_computed_in(rng):
    x = tl.tensor(rng.normal(size=(2, 3)).astype(np.float32), requires_grad=True)
    trace = traced(lambda: Twice()(x).sum())
    assert [(operation.name, operation.layer) for operation in trace.operations] == [
        ("linear", "layer (Linear)"), ("linear", "layer (Linear)"), ("tanh", "blocks.0.0 (Tanh)"),
        ("multiply", "Twice"), ("sum", ""),
    ]  # fmt: skip
    first, second = trace.operations[:2]
    assert first.inputs[0] is x
    assert second.inputs[0] is first.output
    assert [scope.call for scope in second.scopes] == [1, 3]


def test_calls_come_in_the_order_of_entering_with_what_they_gave(rng):
    trace = traced(lambda: Twice()(rng.normal(size=(2, 3))))
    assert [(call.scope.title, call.depth) for call in trace.calls] == [
        ("Twice", 0), ("layer (Linear)", 1), ("layer (Linear)", 1), ("blocks.0 (Sequential)", 1),
        ("blocks.0.0 (Tanh)", 2),
    ]  # fmt: skip
    assert trace.calls[3].output is trace.calls[4].output
    np.testing.assert_array_equal(trace.calls[0].output.data, 2 * trace.calls[4].output.data)


def test_a_call_that_raises_gave_nothing_and_is_left_all_the_same(rng):
    model, trace = Twice(), Trace()
    with observing(trace):
        with pytest.raises(ValueError):
            model(rng.normal(size=(2, 4)))
        model(rng.normal(size=(2, 3)))
    assert [call.output is None for call in trace.calls] == [True, True] + [False] * 5
    assert [call.depth for call in trace.calls] == [0, 1, 0, 1, 1, 1, 2]


def test_nothing_recorded_is_traced_too_with_its_options(rng):
    with tl.no_grad():
        trace = traced(lambda: np.sum(tl.tensor(rng.normal(size=(2, 3)), requires_grad=True), axis=1))
    (operation,) = trace.operations
    assert operation.output.primitive is None
    assert operation.options == {"axis": 1}
