"""Every primitive of the table against numerical differentiation, once and twice, and every NumPy name against NumPy.

The inputs come from tinydl.derivatives.samples. A derivative along a random direction of all inputs at once, weighted
with a random cotangent, misses no wrong entry (but with probability 0) and costs eight evaluations.
"""

from __future__ import annotations

import warnings
import zlib

import numpy as np
import pytest
from numerical import numerical_directional, numerical_vjp

import tinydl as tl
from tinydl.derivatives.samples import SAMPLES, Draw, sample
from tinydl.dispatch import kinks, primitives, table

NAMES = sorted(primitives)
DRAWS = 12  # samples of each primitive


def seed_of(name: str) -> int:
    return zlib.crc32(name.encode())


def samples_of(name: str, count: int = DRAWS, smooth: bool = True):
    """Samples with something in them, seeded by the primitive's name."""
    for seed in range(seed_of(name), seed_of(name) + count):
        drawn = sample(name, Draw(seed))
        if drawn.smooth or not smooth:
            yield drawn, np.random.default_rng(seed)


def differentiable(name: str, inputs) -> list[int]:
    """The positions of the inputs that have a rule and can take a gradient."""
    rules = primitives[name].rules
    return [
        i
        for i, x in enumerate(inputs)
        if (primitives[name].each or rules[i] is not None) and np.asarray(x).dtype.kind == "f" and not np.isscalar(x)
    ]


def as_leaves(inputs, positions):
    return [tl.tensor(np.asarray(x), requires_grad=True) if i in positions else x for i, x in enumerate(inputs)]


def dot(a, b) -> float:
    return float(np.sum(np.asarray(a, np.float64) * np.asarray(b, np.float64)))


def close(ours, theirs, error, scale=1.0, rtol=1e-6):
    return abs(ours - theirs) <= rtol * (abs(theirs) + scale) + 10 * error


def test_every_primitive_has_a_sample_and_every_sample_a_primitive():
    assert set(SAMPLES) == set(primitives)


def test_a_sample_is_the_same_for_the_same_seed():
    for name in NAMES:
        one, two = sample(name, Draw(7)), sample(name, Draw(7))
        assert repr(one.options) == repr(two.options)
        for x, y in zip(one.inputs, two.inputs, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NAMES)
def test_a_primitive_called_with_arrays_is_its_forward_function_and_with_tensors_gives_the_same_value(name):
    for drawn, _ in samples_of(name, 6, smooth=False):
        expected = primitives[name].forward(*drawn.inputs, **drawn.options)
        plain = primitives[name](*drawn.inputs, **drawn.options)
        assert not isinstance(plain, tl.Tensor)
        np.testing.assert_array_equal(plain, expected)
        positions = differentiable(name, drawn.inputs)
        if positions:
            y = primitives[name](*as_leaves(drawn.inputs, positions), **drawn.options)
            np.testing.assert_array_equal(y.data, expected)
            assert y.dtype == np.asarray(expected).dtype


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NAMES)
def test_the_first_derivative_of_every_primitive_is_the_numerical_one(name):
    f, checked = primitives[name], 0
    for drawn, rng in samples_of(name):
        positions = differentiable(name, drawn.inputs)
        if not positions:
            continue
        leaves = as_leaves(drawn.inputs, positions)
        y = f(*leaves, **drawn.options)
        g = rng.normal(size=y.shape)
        y.backward(gradient=g)
        directions = [rng.normal(size=np.shape(x)) if i in positions else None for i, x in enumerate(drawn.inputs)]
        slope, error = numerical_directional(
            lambda *xs, g=g, o=drawn.options: np.sum(g * f(*xs, **o)), drawn.inputs, directions
        )
        ours = sum(dot(leaves[i].grad.data, directions[i]) for i in positions)
        assert close(ours, slope, error), (drawn, ours, slope, error)
        for i in positions:
            assert leaves[i].grad.shape == leaves[i].shape
            assert leaves[i].grad.dtype == leaves[i].dtype
            checked += leaves[i].size > 0
    assert checked >= 2, "the samples are too seldom smooth, or empty"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", NAMES)
def test_the_second_derivative_of_every_primitive_is_the_numerical_derivative_of_the_first(name):
    f = primitives[name]

    def first(inputs, positions, g, options, create_graph):
        leaves = as_leaves(inputs, positions)
        cotangent = tl.tensor(g, requires_grad=True)
        f(*leaves, **options).backward(gradient=cotangent, create_graph=create_graph)
        return leaves, cotangent

    for drawn, rng in samples_of(name, 8):
        positions = differentiable(name, drawn.inputs)
        if not positions:
            continue
        g = rng.normal(size=np.shape(f(*drawn.inputs, **drawn.options)))
        weights = [rng.normal(size=np.shape(x)) for x in drawn.inputs]
        directions = [rng.normal(size=np.shape(x)) if i in positions else None for i, x in enumerate(drawn.inputs)]
        g_direction = rng.normal(size=g.shape)

        leaves, cotangent = first(drawn.inputs, positions, g, drawn.options, True)
        total = sum((leaves[i].grad * weights[i]).sum() for i in positions)
        gradients = [leaves[i].grad for i in positions]
        for i in positions:
            leaves[i].grad = None
        cotangent.grad = None
        if not total.requires_grad:
            raise AssertionError(f"the gradient of {name} doesn't depend on the cotangent")
        total.backward()
        ours = sum(dot(leaves[i].grad.data, directions[i]) for i in positions if leaves[i].grad is not None)
        ours += dot(cotangent.grad.data, g_direction)

        def weighted(*moved, positions=positions, weights=weights, options=drawn.options):
            *inputs, g = moved
            found, _ = first(inputs, positions, g, options, False)
            return sum(dot(found[i].grad.data, weights[i]) for i in positions)

        slope, error = numerical_directional(weighted, [*drawn.inputs, g], [*directions, g_direction])
        assert close(ours, slope, error, rtol=1e-5), (drawn, ours, slope, error)
        for i, gradient in zip(positions, gradients, strict=True):
            again, _ = first(drawn.inputs, positions, g, drawn.options, False)
            np.testing.assert_allclose(gradient.data, again[i].grad.data, rtol=1e-9, atol=1e-12)
