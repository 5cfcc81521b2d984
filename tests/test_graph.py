"""Walking a graph backwards, and applying one rule: what propagate, transforms, strict mode and explanations share."""

import numpy as np
import pytest

import tinydl as tl
from tinydl.engine.dispatch import primitives
from tinydl.engine.graph import ancestors, leading_to, leaves


@pytest.fixture
def graph(rng):
    """x and w want gradients, c is a constant; h is used twice; beside doesn't depend on w."""
    x, w = (tl.tensor(rng.normal(size=shape), requires_grad=True) for shape in ((2, 3), (3, 4)))
    c = tl.tensor(rng.normal(size=4))
    h = x @ w
    scaled, beside = h * c, np.sin(x)
    return {"x": x, "w": w, "c": c, "h": h, "scaled": scaled, "beside": beside, "y": h + scaled}


def test_ancestors_are_the_recorded_operations_the_last_one_first(graph):
    assert ancestors([graph["y"]]) == [graph["y"], graph["scaled"], graph["h"]]
    assert ancestors([graph["h"], graph["beside"]]) == [graph["beside"], graph["h"]]
    assert ancestors([graph["x"]]) == []
    assert ancestors([]) == []


def test_a_value_newer_than_its_use_is_noticed_only_if_that_is_asked(graph):
    graph["w"].data = graph["w"].data * 2
    assert graph["h"] in set(ancestors([graph["y"]]))
    with pytest.raises(LookupError, match="h uses w"):
        ancestors([graph["y"]], lambda node, x: LookupError("h uses w" if x is graph["w"] else f"{node} uses {x}"))


def test_leaves_are_what_no_operation_made_constants_included(graph):
    assert leaves([graph["y"]]) == {graph["x"], graph["w"], graph["c"]}
    assert leaves([graph["beside"], graph["c"]]) == {graph["x"], graph["c"]}


def test_what_leads_to_a_tensor_leaves_out_the_rest(graph):
    nodes = ancestors([graph["y"], graph["beside"]])
    assert leading_to([graph["w"]], nodes) == {graph[n] for n in ("w", "h", "scaled", "y")}
    assert leading_to([graph["scaled"]], nodes) == {graph["scaled"], graph["y"]}


def test_a_long_chain_needs_no_recursion():
    x = y = tl.tensor(1.0, requires_grad=True)
    for _ in range(5000):
        y = y * 1.0
    assert len(ancestors([y])) == 5000
    assert x in leaves([y])


# ---- one rule ----


def test_a_rule_is_pulled_as_it_is_or_in_its_inputs_shape_and_dtype(rng):
    add, g, x, bias = primitives["add"], rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), np.ones(3, np.float32)
    assert add.pull(1, [g, x + bias, x, bias], {}) is g
    fitted = add.pull(1, [g, x + bias, x, bias], {}, bias)
    assert fitted.dtype == np.float32
    np.testing.assert_allclose(fitted, g.sum(0), rtol=1e-6)


def test_a_rule_for_any_number_of_inputs_is_told_the_position(rng):
    join, parts = primitives["concatenate"], [rng.normal(size=(n, 2)) for n in (1, 3)]
    g = rng.normal(size=(4, 2))
    np.testing.assert_array_equal(join.pull(1, [g, np.concatenate(parts), *parts], {"axis": 0}), g[1:])


def test_where_there_is_no_rule_nothing_comes():
    op = tl.primitive(lambda x, k: x * k, lambda g, y, x, k: g * k, None)
    assert op.rule(1) is None
    assert op.pull(1, [1.0, 6.0, 2.0, 3.0], {}, np.ones(())) is None


def test_a_pulled_rule_is_recorded_exactly_if_it_is_given_tensors(rng):
    exp, x = primitives["exp"], tl.tensor(rng.normal(size=3), requires_grad=True)
    y, g = np.exp(x), tl.tensor(rng.normal(size=3), requires_grad=True)
    recorded = exp.pull(0, [g, y, x], {}, x.data)
    assert recorded.primitive is not None
    assert type(exp.pull(0, [g.data, y.data, x.data], {}, x.data)) is np.ndarray
