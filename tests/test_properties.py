"""Properties of every rule of the table for whatever hypothesis finds, generated from the table and its samples.

A rule is right if its first and second derivatives are the numerical ones wherever they exist, between the one-sided
slopes at kinks, independent of broadcasting, and exact under scaling by powers of two, however large or small the
numbers. A primitive that nobody says how to sample fails here. `-m slow` runs twenty times as many examples.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_derivatives import (
    assert_first_derivative,
    assert_second_derivative,
    differentiable,
    leaves_of,
)

import tinydl as tl
from tinydl import testing
from tinydl.checking.samples import SAMPLES, Draw, sample
from tinydl.engine.dispatch import primitives

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
NAMES = sorted(primitives)
FEW = settings(max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=200)
SEEDS = st.integers(0, 2**32 - 1)


def as_function(name, drawn):
    return lambda *inputs: primitives[name](*inputs, **drawn.options)


def check_both_orders(name, drawn, seed):
    positions, rng = differentiable(name, drawn.inputs), np.random.default_rng(seed)
    if positions:
        assert_first_derivative(as_function(name, drawn), drawn.inputs, positions, rng, drawn)
        assert_second_derivative(as_function(name, drawn), drawn.inputs, positions, rng, drawn)


@pytest.mark.parametrize("name", NAMES)
def test_both_derivatives_are_the_numerical_ones_wherever_hypothesis_looks(name):
    FEW(given(testing.samples(name, smooth=True), SEEDS)(lambda drawn, seed: check_both_orders(name, drawn, seed)))()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_both_derivatives_are_the_numerical_ones_wherever_hypothesis_looks_for_long(name):
    MANY(given(testing.samples(name, smooth=True), SEEDS)(lambda drawn, seed: check_both_orders(name, drawn, seed)))()


class Squares(Draw):
    """Draws arrays of equally long axes where it may, so that a transposed or permuted gradient has the right shape."""

    def shape(self, min_ndim=0, max_ndim=4, min_side=0, max_side=4):
        side = max(min_side, min(max_side, self.integer(2, 3)))
        return (side,) * max(min_ndim, min(max_ndim, self.integer(2, 3)))

    def broadcastable(self, shape):
        return shape


@pytest.mark.parametrize("name", NAMES)
def test_every_element_of_the_gradient_of_square_inputs_is_in_its_place(name, rng):
    found = (sample(name, Squares(seed)) for seed in range(40))
    for drawn in [drawn for drawn in found if drawn.smooth][:3]:
        positions = differentiable(name, drawn.inputs)
        if positions:
            f = as_function(name, drawn)
            assert_first_derivative(f, drawn.inputs, positions, rng, drawn)
            assert_second_derivative(f, drawn.inputs, positions, rng, drawn)


def check_kink(name, drawn, seed):
    """Along any direction the derivative lies between the slopes on both sides of the kink."""
    positions, rng = differentiable(name, drawn.inputs), np.random.default_rng(seed)
    if not positions:
        return
    f, inputs = as_function(name, drawn), drawn.inputs
    leaves = leaves_of(inputs, positions)
    y = f(*leaves)
    if not np.isfinite(y.data).all():
        return
    index = tuple(int(rng.integers(n)) for n in y.shape) if y.size else None
    if index is None:
        return
    g = np.zeros(y.shape)
    g[index] = 1  # one output alone: the sum of several kinks may have its slopes in any order
    y.backward(gradient=g)
    position = positions[int(rng.integers(len(positions)))]
    x = inputs[position]
    if not x.size:
        return
    at = tuple(int(rng.integers(n)) for n in x.shape)

    def moved(h):
        shifted = np.array(x)
        shifted[at] += h
        return float(np.asarray(f(*(shifted if i == position else other for i, other in enumerate(inputs))))[index])

    # near a kink but not on it, a step of 1e-9 stays on one side
    h = 1e-9 if np.any((np.abs(x) > 0) & (np.abs(x) < 1e-6)) else 1e-6
    left, right = (moved(0) - moved(-h)) / h, (moved(h) - moved(0)) / h
    low, high = sorted((left, right))
    slack = 1e-3 + 1e-3 * max(abs(low), abs(high)) + 1e-14 / h * (1 + abs(moved(0)))
    if np.isfinite([low, high]).all():
        assert low - slack <= leaves[position].grad.data[at] <= high + slack, (drawn, at, left, right)


KINKED = """
    absolute fabs maximum minimum fmax fmin hypot clip max min median sort relu leaky_relu elu huber std norm
"""


@pytest.mark.parametrize("name", KINKED.split())
def test_at_kinks_and_ties_the_gradient_lies_between_the_slopes_on_both_sides(name):
    many = settings(FEW, max_examples=12)
    many(given(testing.samples(name, smooth=False), SEEDS)(lambda drawn, seed: check_kink(name, drawn, seed)))()


# name → by which power the output grows with all inputs; scaling by 2ᵏ is then exact in floating point
DEGREES = {
    "negative": 1, "positive": 1, "absolute": 1, "fabs": 1, "add": 1, "subtract": 1, "multiply": 2, "divide": 0,
    "square": 2, "reciprocal": -1, "sqrt": 0.5, "cbrt": 1 / 3, "hypot": 1, "maximum": 1, "minimum": 1, "fmax": 1,
    "fmin": 1, "arctan2": 0, "sum": 1, "mean": 1, "var": 2, "std": 1, "max": 1, "min": 1, "median": 1, "cumsum": 1,
    "sort": 1, "reshape": 1, "flip": 1, "tile": 1, "getitem": 1, "take": 1, "scatter": 1, "matmul": 2, "inv": -1,
    "norm": 1, "relu": 1, "leaky_relu": 1, "stack": 1, "concatenate": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(DEGREES))
def test_gradients_of_huge_and_tiny_numbers_are_those_of_ordinary_ones_scaled(name):
    degree = DEGREES[name]

    def check(drawn, exponent, seed):
        positions = differentiable(name, drawn.inputs)
        if name == "norm" and drawn.options.get("axis", None) == ():
            return
        found = []
        for k in (0, exponent):
            leaves = leaves_of([np.ldexp(x, k) if i in positions else x for i, x in enumerate(drawn.inputs)], positions)
            y = as_function(name, drawn)(*leaves)
            if not isinstance(y, tl.Tensor):
                return
            y.backward(gradient=np.random.default_rng(seed).normal(size=y.shape))
            found.append([np.ldexp(leaves[i].grad.data, round(k * (1 - degree))) for i in positions])
        for ordinary, scaled in zip(*found, strict=True):
            np.testing.assert_allclose(scaled, ordinary, rtol=1e-9, atol=1e-13)

    FEW(given(testing.samples(name), st.sampled_from([-120, -60, 60, 120]), SEEDS)(check))()


@FEW
@given(testing.broadcastable_shapes(3), SEEDS)
def test_broadcasting_sums_the_gradient_over_every_place_an_element_went_to(shapes, seed):
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in shapes]
    whole = np.broadcast_shapes(*shapes)
    a, b, c = (tl.tensor(x, requires_grad=True) for x in arrays)
    stretched = [tl.tensor(np.broadcast_to(x, whole), requires_grad=True) for x in arrays]
    g = rng.normal(size=whole)
    (a * b + c).backward(gradient=g)
    (stretched[0] * stretched[1] + stretched[2]).backward(gradient=g)
    for x, full in zip((a, b, c), stretched, strict=True):
        axes = tuple(range(g.ndim - x.ndim))
        summed = full.grad.data.sum(axes)
        kept = tuple(i for i, n in enumerate(x.shape) if n == 1)
        expected = summed.sum(kept, keepdims=True).reshape(x.shape)
        np.testing.assert_allclose(x.grad.data, expected, rtol=1e-12, atol=1e-12)


def test_a_primitive_that_nobody_says_how_to_sample_is_noticed():
    assert set(SAMPLES) == set(primitives)
    with pytest.raises(KeyError, match="nobody has said how to sample 'cube'"):
        testing.samples("cube")
