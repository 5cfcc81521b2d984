"""What tinydl.testing offers to test suites: strategies that reach the awkward cases, and mutations to notice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from test_derivatives import assert_first_derivative, assert_second_derivative

import tinydl as tl
from tinydl import testing
from tinydl.checking.samples import SAMPLES, Sample
from tinydl.engine import source
from tinydl.engine.dispatch import primitives

ROOT = Path(__file__).resolve().parent.parent
FEW = settings(max_examples=30, derandomize=True, database=None, deadline=None)


# ---- strategies ----


@FEW
@given(testing.broadcastable_shapes(3, max_ndim=3))
def test_broadcastable_shapes_broadcast(shapes):
    assert len(shapes) == 3
    np.broadcast_shapes(*shapes)


@pytest.mark.parametrize(
    "wanted",
    [
        lambda x: x.ndim == 0,
        lambda x: x.ndim == 4,
        lambda x: x.size == 0,
        lambda x: x.size == 1 and x.ndim == 2,
        lambda x: x.ndim == 2 and x.size > 1 and not x.flags.c_contiguous,
        lambda x: any(stride < 0 for stride in x.strides),
        lambda x: 0 in x and x.size > 1,
        lambda x: x.size > 0 and 0 < np.abs(x).max() < 1e-6,
    ],
    ids=["0-d", "4-d", "empty", "one element", "not contiguous", "reversed", "zeros", "tiny numbers"],
)
def test_arrays_of_every_awkward_kind_are_found(wanted):
    find(testing.arrays(), wanted, settings=settings(FEW, max_examples=5000))


@FEW
@given(testing.arrays(st.just((2, 3)), 0.5, 3.0, avoid=(1.0,), specials=(), dtype=np.float32))
def test_arrays_keep_to_their_range_and_dtype(x):
    assert x.shape == (2, 3) and x.dtype == np.float32
    assert ((x >= 0.5) & (x <= 3) & (np.abs(x - 1) > 0.049)).all()


@FEW
@given(testing.shapes().flatmap(lambda shape: st.tuples(st.just(shape), testing.axes(len(shape)))))
def test_axes_suit_a_reduction(drawn):
    shape, axis = drawn
    np.sum(np.zeros(shape), axis=axis)


def test_a_failing_example_shrinks_to_a_small_one():
    drawn = find(testing.samples("matmul"), lambda s: s.inputs[0].ndim == 3, settings=settings(FEW, max_examples=300))
    assert max(*drawn.inputs[0].shape, *drawn.inputs[1].shape) == 1


def test_samples_of_ones_own_primitive_come_from_ones_own_sampler():
    cube = tl.primitive(lambda x: x**3, lambda g, y, x: 3 * g * x * x, name="cube for a test")
    with pytest.raises(KeyError, match="nobody has said how to sample 'cube for a test'"):
        testing.samples(cube)
    testing.sampler(cube.name)(lambda draw: Sample((draw.array(draw.shape()),)))
    try:
        drawn = find(testing.samples(cube, smooth=True), lambda s: s.inputs[0].size > 2)
        assert tl.gradcheck(cube, *drawn.inputs)
    finally:
        del SAMPLES[cube.name]


# ---- mutations ----


def swish(x):
    """A function to break: the docstring stays."""
    if x is None:
        raise ValueError("x is missing")
    return x / (1 + np.exp(-x))


class Line:
    def __init__(self):
        self.slope = 2.0


class Shifted(Line):
    def __init__(self):
        super().__init__()
        self.shift = 3.0 - 1.0


product = tl.primitive(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, name="product")


@pytest.mark.parametrize("name", sorted(primitives))
def test_every_rule_is_broken_in_more_than_ten_ways(name):
    for position, rule in enumerate(primitives[name].rules):
        if rule is not None:
            found = list(testing.rule_mutations(primitives[name], position))
            assert len(found) >= 10
            assert len({m.description for m in found}) == len(found)


def test_a_mutation_is_in_force_inside_its_block_and_gone_after_it_also_after_an_error():
    x = tl.tensor([2.0, 3.0], requires_grad=True)
    y = product(x, np.array([5.0, 7.0]))
    before = product.rules
    flipped = next(m for m in testing.mutations(product) if "sign" in m.name)
    assert flipped.description == "product[0]: the sign flipped"
    with pytest.raises(ZeroDivisionError), flipped:
        y.sum().backward()
        raise ZeroDivisionError
    np.testing.assert_array_equal(x.grad.data, [-5, -7])
    assert product.rules is before
    x.grad = None
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [5, 7])


def test_the_source_of_a_function_is_broken_in_place_and_restored():
    x = np.array([0.5, -1.0])
    right, original = swish(x), swish.__code__
    found = list(testing.mutations(swish))
    assert {"1 + np.exp(-x) ⇒ 1 - np.exp(-x)", "np.exp(-x) ⇒ np.exp(x)"} <= {m.name for m in found}
    for mutation in found:
        with mutation:
            assert swish.__code__ is not original
            assert not np.array_equal(swish(x), right)
        assert swish.__code__ is original
    assert not any("missing" in m.name or "docstring" in m.name or "is None" in m.name for m in found)
    np.testing.assert_array_equal(swish(x), right)


def test_methods_that_call_super_can_be_broken():
    found = list(testing.mutations(Shifted.__init__))
    assert found
    for mutation in found:
        with mutation:
            assert Shifted().slope == 2.0
    assert Shifted().shift == 2.0


def test_a_function_written_in_c_has_no_source_to_break():
    assert list(testing.mutations(np.add)) == list(testing.mutations(len)) == []


def weak_test():
    x = tl.tensor(np.ones((2, 2)), requires_grad=True)
    product(x, np.ones((2, 2))).sum().backward()
    assert (x.grad.data == 1).all()


def strong_test():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    assert_first_derivative(product, [a, b], [0, 1], rng)
    assert_second_derivative(product, [a, b], [0, 1], rng)


def survivors(test):
    alive = []
    for mutation in testing.mutations(product):
        with mutation:
            try:
                test()
            except Exception:
                continue
        alive.append(mutation.description)
    return alive


def test_mutations_tell_a_good_test_from_one_with_ones_and_squares_only():
    assert survivors(strong_test) == []
    weak = survivors(weak_test)
    assert {"product[0]: transposed", "product[0]: the upstream gradient ignored", "product: g * b ⇒ g"} <= set(weak)
    assert any(description.startswith("product[1]") for description in weak)


@pytest.mark.slow
def test_the_mutation_score_of_a_dozen_rules_is_100_percent():
    command = [sys.executable, str(ROOT / "benchmarks" / "mutation.py"), "--quick"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "100.00 %" in result.stdout


def test_the_source_of_every_rule_of_the_table_is_found():
    rules = [(name, rule) for name, p in primitives.items() for rule in p.rules if isinstance(rule, FunctionType)]
    assert len(rules) > 100
    assert [name for name, rule in rules if source.find(rule.__code__) is None] == []
