"""What the gradient is where there is none: kinks, ties, edges, and points where a formula says 0·∞.

Each convention of the contract has a test of its own; where torch has the function and gives a finite number, ours is
torch's. Where a derivative exists although the usual formula for it fails, it must be right.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinydl as tl
from tinydl import functional as F
from tinydl.checking.samples import Draw, sample
from tinydl.derivatives.elementwise import masked, sinc_derivative
from tinydl.engine.dispatch import kinks, primitives

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
INF, NAN = np.inf, np.nan


def gradients(f, *inputs, g=None, dtype=np.float64):
    """The gradients of Σ g·f by all inputs; g is 3, 4, 5, … so that no element's share is taken for another's."""
    leaves = [tl.tensor(np.asarray(x, dtype), requires_grad=True) for x in inputs]
    y = f(*leaves)
    g = np.arange(3, 3 + y.size).reshape(y.shape) if g is None else g
    y.backward(gradient=np.asarray(g, dtype))
    found = [x.grad.data for x in leaves]
    return found[0] if len(found) == 1 else found


def derivatives(f, x, order):
    """The first `order` derivatives of an elementwise function at the points x."""
    x = tl.tensor(np.asarray(x, np.float64), requires_grad=True)
    y, found = f(x), []
    for _ in range(order):
        if not y.requires_grad:
            found.append(np.zeros(x.shape))
            continue
        y.sum().backward(create_graph=True)
        y, x.grad = x.grad, None
        found.append(y.data)
    return found


def equal(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)


# ---- one input ----


@pytest.mark.parametrize("f", [np.absolute, np.fabs, abs])
def test_the_slope_of_the_absolute_value_is_0_at_0(f):
    equal(gradients(f, [-2.0, 0.0, -0.0, 3.0]), [-3, 0, 0, 6])


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["integer", "float", "array", "0-d array"])
def test_whole_powers_have_all_their_derivatives_at_0(n, kind):
    exponent = {"integer": n, "float": float(n), "array": np.full(3, float(n)), "0-d array": np.array(float(n))}[kind]
    expected = []
    x = np.array([0.0, 2.0, -3.0])
    c = 1.0
    for k in range(1, 6):
        c *= n - k + 1
        expected.append(c * x ** max(n - k, 0) if n >= k else 0 * x)
    for ours, theirs in zip(derivatives(lambda x: x**exponent, x, 5), expected, strict=True):
        equal(ours, theirs)


def test_0_to_the_power_0_has_slope_0_in_both_arguments():
    da, db = gradients(np.power, [0.0, 0.0, 2.0], [0.0, 2.0, 0.0])
    equal(da, [0, 0, 0])
    equal(db, [0, 0, 5 * np.log(2)])


def test_the_mixed_second_derivative_of_a_power_is_right_at_exponent_0():
    a = tl.tensor(np.array([2.0, 3.0]), requires_grad=True)
    b = tl.tensor(np.array([0.0, 2.0]), requires_grad=True)
    (a**b).sum().backward(create_graph=True)
    da, db = a.grad, b.grad
    a.grad = b.grad = None
    da.sum().backward()
    by_a = 1 / a.data * a.data**b.data * (1 + b.data * np.log(a.data))  # ∂/∂b of b·aᵇ⁻¹
    equal(b.grad.data, by_a)
    a.grad = b.grad = None
    db.sum().backward()
    equal(a.grad.data, by_a)


def test_the_slope_of_x_to_the_power_0_is_0_where_1_over_x_overflows():
    for dtype, tiny in ((np.float16, 1e-7), (np.float32, 1e-45), (np.float64, 5e-324)):
        for exponent in (0, 0.0, np.zeros(1, dtype)):
            assert gradients(lambda x, e=exponent: x**e, [tiny], dtype=dtype) == 0


def test_the_slope_of_x_to_the_power_0_is_0_for_a_nan_and_an_infinity_too_however_the_0_is_written():
    zeros = [np.zeros(3, dtype) for dtype in (np.float64, np.uint8, np.uint16, np.uint64, np.int8, bool, np.longdouble)]
    for exponent in (0, 0.0, False, np.False_, np.uint8(0), np.float16(0), np.array(0), tl.tensor(0.0), *zeros):
        g = gradients(lambda x, e=exponent: x**e, [NAN, INF, -2.0])
        np.testing.assert_array_equal(g, [0, 0, 0])
    da, db = gradients(np.power, [NAN], [0.0])  # the slope of the exponent there is log NaN
    equal(da, [0])
    assert np.isnan(db).all()


def test_the_infinite_slopes_of_roots_at_0_are_infinite():
    assert gradients(np.sqrt, [0.0]) == INF
    assert gradients(np.cbrt, [0.0]) == INF
    assert gradients(lambda x: x**0.5, [0.0]) == INF


def test_a_masked_branch_gives_no_nan_even_where_its_slope_is_infinite():
    f = lambda x: np.sqrt(np.where(x > 0, x, 0)) + np.sqrt(np.maximum(x, 0)) + np.sqrt(np.clip(x, 0, None))
    for n in (1, 5000):
        x = np.tile([-1.0, 4.0], n)
        g = gradients(f, x, g=np.ones(2 * n))
        equal(g[:2], [0, 0.75])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("n", [1, 5000])  # large arrays take another way
def test_relu_hands_on_nothing_where_it_is_0_even_of_an_infinite_or_undefined_gradient(n, dtype):
    x, slopes = np.tile([-1.0, 4.0, -0.0, 9.0], n), np.tile([0, 0.25, 0, 1 / 6], n)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "divide by zero")  # of the root's slope at 0, which is infinite
        for create_graph in (False, True):
            t = tl.tensor(x, requires_grad=True, dtype=dtype)
            np.sqrt(F.relu(t)).backward(gradient=np.ones(4 * n), create_graph=create_graph)
            np.testing.assert_allclose(t.grad.data, slopes, rtol=1e-3)
        given = gradients(F.relu, x, g=np.tile([NAN, 1, -INF, INF], n), dtype=dtype)
    np.testing.assert_array_equal(given, np.tile([0, 1, 0, INF], n))


def test_the_root_of_relu_has_torchs_slope():
    torch = pytest.importorskip("torch")
    for n in (1, 5000):
        x = np.tile([-1.0, 4.0, 0.0], n)
        theirs = torch.tensor(x, requires_grad=True)
        torch.sqrt(torch.relu(theirs)).sum().backward()
        ours = gradients(lambda t: np.sqrt(F.relu(t)), x, g=np.ones(3 * n))
        np.testing.assert_array_equal(ours, theirs.grad.numpy())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_masking_gives_what_where_gives_for_every_size_layout_and_shape(dtype):
    rng = np.random.default_rng(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for shape in ((), (5,), (64, 48), (1024,), (3, 1023)):
            g, mask = rng.normal(size=shape).astype(dtype), rng.random(shape) < 0.5
            special = np.where(rng.random(shape) < 0.3, rng.choice([INF, -INF, NAN, 3e4], shape), g).astype(dtype)
            for values in (g, special, special.T.copy().T, np.broadcast_to(special[..., :1] if shape else g, shape)):
                for made in (masked(values, mask), masked(tl.tensor(values), mask).data):
                    assert made.dtype == dtype and made.shape == shape
                    np.testing.assert_array_equal(made, np.where(mask, values, dtype(0)))
        column = rng.normal(size=(64, 1)).astype(dtype)
        np.testing.assert_array_equal(masked(column, mask[:1, :64]), np.where(mask[:1, :64], column, dtype(0)))


def test_sinc_has_all_its_derivatives_at_0_and_near_it():
    (first, second, third, fourth) = derivatives(np.sinc, [0.0, 1e-9, 1e-3, 0.4, 1.0], 4)
    p = np.pi
    x = np.array([0.0, 1e-9, 1e-3])
    equal(first[:3], -(p**2) * x / 3 + p**4 * x**3 / 30)
    np.testing.assert_allclose(second[:3], -(p**2) / 3 + p**4 * x**2 / 10, rtol=1e-10)
    np.testing.assert_allclose(third[:3], p**4 * x / 5, rtol=1e-5)
    np.testing.assert_allclose(fourth[:3], p**4 / 5, rtol=1e-4)
    np.testing.assert_allclose(first[4], -1, rtol=1e-14)
    np.testing.assert_allclose(second[4], 2, rtol=1e-13)
    u = p * 0.4
    np.testing.assert_allclose(first[3], p * (np.cos(u) / u - np.sin(u) / u**2), rtol=1e-13)


def test_functions_of_large_numbers_keep_their_small_slopes():
    equal(gradients(np.expm1, [-40.0], g=[1.0]) / np.exp(-40), [1])
    x32 = gradients(np.arcsinh, [1e30], g=[1.0], dtype=np.float32)
    np.testing.assert_allclose(x32, 1e-30, rtol=1e-6)
    da, db = gradients(np.arctan2, [1e-30], [1e-30], g=[1.0], dtype=np.float32)
    np.testing.assert_allclose([da, db], [[5e29], [-5e29]], rtol=1e-6)
    sides = gradients(np.hypot, [3e-30], [4e-30], g=[1.0], dtype=np.float32)
    np.testing.assert_allclose(sides, [[0.6], [0.8]], rtol=1e-6)


def test_nan_to_num_hands_on_nothing_where_it_replaced():
    equal(gradients(np.nan_to_num, [1.0, NAN, INF, -INF]), [3, 0, 0, 0])


def test_flat_functions_give_plain_arrays():
    x = tl.tensor([1.5, -0.5], requires_grad=True)
    for f in (np.floor, np.ceil, np.round, np.around, np.trunc, np.rint, np.sign, np.isnan, np.isfinite,
              np.argmax, np.argmin, np.argsort, np.signbit, np.logical_not, np.any, np.all, np.nonzero,
              np.count_nonzero):  # fmt: skip
        assert not isinstance(f(x), tl.Tensor)
        np.testing.assert_array_equal(f(x), f(x.data))
    assert type(x > 0) is np.ndarray and type(x == x) is np.ndarray
    np.testing.assert_array_equal(np.floor_divide(x, 0.4), np.floor_divide(x.data, 0.4))


# ---- two inputs ----


@pytest.mark.parametrize("f", [np.maximum, np.minimum, np.fmax, np.fmin])
@pytest.mark.parametrize("copies", [1, 3000])  # large arrays take another way
def test_the_sides_of_a_tie_have_half_the_gradient_each(f, copies):
    a, b = np.tile([1.0, 2.0, 0.0, 5.0], copies), np.tile([1.0, 3.0, -0.0, 4.0], copies)
    da, db = (x[:4] for x in gradients(f, a, b, g=np.tile([3.0, 4.0, 5.0, 6.0], copies)))
    larger = f in (np.maximum, np.fmax)
    equal(da, [1.5, 0, 2.5, 6] if larger else [1.5, 4, 2.5, 0])
    equal(db, [1.5, 4, 2.5, 0] if larger else [1.5, 0, 2.5, 6])


def test_a_tie_with_oneself_and_with_a_number_is_a_tie():
    equal(gradients(lambda x: np.maximum(x, x), [2.0]), [3])
    equal(gradients(lambda x: np.maximum(x, 0), [0.0, -1.0]), [1.5, 0])
    equal(gradients(lambda x: np.minimum(0.0, x), [0.0, -1.0]), [1.5, 4])


@pytest.mark.parametrize("f", [np.fmax, np.fmin])
def test_beside_a_nan_the_number_has_the_whole_gradient(f):
    da, db = gradients(f, [NAN, 1.0, NAN], [2.0, NAN, NAN])
    equal(da, [0, 4, 2.5])
    equal(db, [3, 0, 2.5])


@pytest.mark.parametrize("f", [np.maximum, np.minimum])
@pytest.mark.parametrize("copies", [1, 3000])
def test_a_nan_beside_a_number_has_the_whole_gradient_and_two_share_it(f, copies):
    a, b = np.tile([NAN, 1.0, NAN, 7.0, 2.0], copies), np.tile([2.0, NAN, NAN, 7.0, -INF], copies)
    da, db = (x[:5] for x in gradients(f, a, b, g=np.tile([3.0, 4.0, 5.0, 6.0, 7.0], copies)))
    equal(da, [3, 0, 2.5, 3, 7 if f is np.maximum else 0])
    equal(db, [0, 4, 2.5, 3, 0 if f is np.maximum else 7])
    equal(gradients(lambda x: f(x, 0.0), [NAN, NAN]), [3, 4])
    a, b = (tl.tensor(x, requires_grad=True) for x in ([NAN, 1.0], [2.0, 3.0]))
    f(a * 1, b * 1).sum().backward(create_graph=True)  # the rule on Tensors
    equal(a.grad.data + b.grad.data, [1, 1])
    assert a.grad.data[0] == 1


def test_the_gradient_of_a_nan_passes_through_relu_as_torchs_does():
    for n in (1, 3000):
        x, g = np.tile([NAN, -1.0, 0.0, -0.0, 2.0], n), np.tile([3.0, 4.0, 5.0, 6.0, 7.0], n)
        equal(gradients(F.relu, x, g=g), np.tile([3, 0, 0, 0, 7], n))
    torch = pytest.importorskip("torch")
    theirs = torch.tensor(x, requires_grad=True)
    torch.relu(theirs).backward(torch.tensor(g))
    equal(gradients(F.relu, x, g=g), theirs.grad.numpy())


def test_no_function_but_clip_and_nan_to_num_hides_a_nan_by_a_gradient_of_0():
    hidden = {}
    for name, f in primitives.items():
        for seed in range(25):
            drawn, rng = sample(name, Draw(seed)), np.random.default_rng(seed)
            for i, x in enumerate(drawn.inputs):
                if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or not x.size or f.rule(i) is None:
                    continue
                place, inputs = rng.integers(x.size), list(drawn.inputs)
                inputs[i] = tl.tensor(x, requires_grad=True)
                inputs[i].data.flat[place] = NAN
                try:
                    y, number = f(*inputs, **drawn.options), f(*drawn.inputs, **drawn.options)
                    g = rng.uniform(1, 2, y.shape) * (np.isnan(y.data) & ~np.isnan(number))
                    y.backward(gradient=g)
                except np.linalg.LinAlgError:  # LAPACK doesn't converge
                    continue
                factors = [np.asarray(k) for j, k in enumerate(drawn.inputs) if j != i]
                # multiplied by a 0 that is no convention, of an argument or of a convolution's padding
                flat = any((k == 0).any() for k in (x, *factors)) or np.any(drawn.options.get("how", [0, 0])[1])
                if g.any() and inputs[i].grad.data.flat[place] == 0 and not flat:
                    hidden[name] = i
    assert set(hidden) <= {"clip", "weighted_cross_entropy"}, hidden  # of a weight the gradient may be −log 1 = 0


def test_arctan2_and_hypot_have_slope_0_at_the_origin_also_their_second_derivatives():
    for f in (np.arctan2, np.hypot):
        da, db = gradients(f, [0.0, 0.0, -0.0], [0.0, 2.0, 0.0])
        assert da[0] == db[0] == da[2] == db[2] == 0
        a, b = (tl.tensor(np.zeros(2), requires_grad=True) for _ in range(2))
        f(a, b).sum().backward(create_graph=True)
        total = (a.grad * 2 + b.grad).sum()
        a.grad = b.grad = None
        total.backward()
        equal(a.grad.data, [0, 0])
        equal(b.grad.data, [0, 0])


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
def test_infinite_logarithms_share_as_the_maximum_does(f):
    da, db = gradients(f, [-INF, -INF, INF, 1.0, 2.0], [-INF, 0.0, INF, INF, 2.0])
    equal(da, [1.5, 0, 2.5, 0, 3.5])
    equal(db, [1.5, 4, 2.5, 6, 3.5])


@pytest.mark.parametrize("f", [np.logaddexp, np.logaddexp2])
@pytest.mark.parametrize(
    ("dtype", "sizes"), [(np.float16, [6e4]), (np.float32, [1e4, 1e7, 1e38]), (float, [1e16, 1e300])]
)
def test_the_slopes_of_large_logarithms_add_up_to_1(f, dtype, sizes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for size in [*sizes, *(-s for s in sizes), INF, -INF]:
            equal(gradients(f, [size], [size], dtype=dtype), [[1.5], [1.5]])
            equal(
                gradients(f, [size, 1.0], [1.0, size], dtype=dtype), [[3, 0], [0, 4]] if size > 0 else [[0, 4], [3, 0]]
            )


def test_the_slopes_of_a_sum_of_exponentials_are_exact_also_far_from_a_tie():
    a = np.array([0.0, 1.0, -3.0, 20.0, 1e6, 1e6 + 0.5], np.float32)
    b = np.array([0.0, 2.0, 4.0, -20.0, 1e6 + 1, 1e6], np.float32)
    for f, base in ((np.logaddexp, np.e), (np.logaddexp2, 2.0)):
        exact = 1 / (1 + base ** (b.astype(np.float64) - a))
        da, db = gradients(f, a, b, g=np.full(6, 2.0), dtype=np.float32)
        np.testing.assert_allclose(da, 2 * exact, rtol=1e-6)
        np.testing.assert_allclose(db, 2 / (1 + base ** (a.astype(np.float64) - b)), rtol=1e-6)


def test_clip_has_slope_1_on_its_bounds_and_the_bounds_have_0_there():
    a, low, high = gradients(np.clip, [-1.0, 1.0, -2.0, 2.0, 0.0], [-1.0] * 5, [1.0] * 5)
    equal(a, [3, 4, 0, 0, 7])
    equal(low, [0, 0, 5, 0, 0])
    equal(high, [0, 0, 0, 6, 0])
    equal(gradients(lambda x: np.clip(x, 0, None), [0.0, -1.0]), [3, 0])
    equal(gradients(lambda x: np.clip(x, None, 0), [0.0, -1.0]), [3, 4])


def test_what_clip_makes_of_nan_has_no_gradient_as_torchs():
    for inputs in (([NAN, 0.0, 0.0], [-1.0] * 3, [1.0] * 3), ([0.0] * 3, [NAN, -1.0, NAN], [1.0, NAN, NAN])):
        a, low, high = gradients(np.clip, *inputs)
        equal([a, low, high], [[0, 4, 5], [0] * 3, [0] * 3] if np.isnan(inputs[0][0]) else np.zeros((3, 3)))


def test_clip_between_bounds_in_the_wrong_order_is_the_upper_bound():
    a, low, high = gradients(np.clip, [-3.0, 0.0, 3.0], [1.0] * 3, [-1.0] * 3)
    equal([a, low], np.zeros((2, 3)))
    equal(high, [3, 4, 5])


def test_where_takes_a_tensor_as_its_condition_and_sends_it_no_gradient():
    x = tl.tensor([0.0, 2.0, -1.0], requires_grad=True)
    np.where(x, x * x, 3 * x).backward(gradient=np.array([1.0, 1.0, 1.0]))
    equal(x.grad.data, [3, 4, -2])
    c = tl.tensor([0.0, 2.0], requires_grad=True)
    y = np.where(c, tl.tensor([1.0, 2.0], requires_grad=True), 0)
    y.sum().backward()
    assert c.grad is None
    np.testing.assert_array_equal(np.where(c)[0], [1])


def test_remainder_has_the_slopes_of_floor_divide_also_at_multiples():
    da, db = gradients(np.remainder, [4.0, -3.0, 5.0], [2.0, 2.0, -3.0])
    equal(da, [3, 4, 5])
    equal(db, [-6, 8, 10])


# ---- reductions ----


@pytest.mark.parametrize("f", [np.max, np.amax, np.min, np.amin])
def test_elements_that_tie_for_the_extreme_share_the_gradient_equally(f):
    sign = 1 if f in (np.max, np.amax) else -1
    equal(gradients(lambda x: f(x, axis=1), np.array([[1.0, 3, 3], [2, 2, 2], [5, 4, 1]]) * sign),
          [[0, 1.5, 1.5], [4 / 3] * 3, [5, 0, 0]])  # fmt: skip
    equal(gradients(f, [[1.0, sign * 7], [sign * 7, 1]], g=6.0), [[0, 3], [3, 0]])


def test_a_nan_that_is_the_extreme_has_the_gradient():
    equal(gradients(np.max, [1.0, NAN, 3.0]), [0, 3, 0])
    equal(gradients(np.median, [1.0, NAN, 3.0, NAN]), [0, 1.5, 0, 1.5])


def test_ptp_shares_at_both_ends_and_is_flat_for_equal_values():
    equal(gradients(np.ptp, [1.0, 5, 5, 1, 3]), [-1.5, 1.5, 1.5, -1.5, 0])
    equal(gradients(np.ptp, [2.0, 2, 2]), [0, 0, 0])


def test_the_median_shares_between_ties_and_gives_each_middle_value_of_an_even_count_half():
    equal(gradients(np.median, [5.0, 1, 3]), [0, 0, 3])
    equal(gradients(np.median, [4.0, 1, 3, 9]), [1.5, 0, 1.5, 0])
    equal(gradients(np.median, [2.0, 2, 1, 5, 3]), [1.5, 1.5, 0, 0, 0])
    equal(gradients(np.median, [2.0, 2, 3, 4]), [0.75, 0.75, 1.5, 0])
    equal(gradients(np.median, [1.0, 2, 2, 2, 3, 9]), [0, 1, 1, 1, 0, 0])
    equal(gradients(lambda x: np.median(x, axis=(0, 2)), [[[1.0, 2], [5, 6]], [[3, 4], [7, 7]]]),
          [[[0, 1.5], [0, 2]], [[1.5, 0], [1, 1]]])  # fmt: skip


def test_a_quantile_shares_each_of_its_two_values_between_those_that_have_it():
    equal(gradients(lambda x: np.quantile(x, 0.25), [3.0, 1, 2, 2]), [0, 3 / 4, 9 / 8, 9 / 8])  # 1 and 2, ¼ and ¾
    equal(gradients(lambda x: np.quantile(x, [0.25, 0.5, 1]), [1.0, 2, 2, 4]), [3 / 4, 9 / 8 + 2, 9 / 8 + 2, 5])
    equal(gradients(lambda x: np.quantile(x, 0.3, method="lower"), [5.0, 1, 5, 1]), [0, 1.5, 0, 1.5])
    equal(gradients(lambda x: np.percentile(x, 50, axis=(0, 2)), [[[1.0, 2], [5, 6]], [[3, 4], [7, 7]]]),
          [[[0, 1.5], [0, 2]], [[1.5, 0], [1, 1]]])  # fmt: skip
    equal(gradients(lambda x: np.quantile(x, np.zeros(0)), [3.0, 1]), [0, 0])
    equal(gradients(lambda x: np.quantile(x, [0, 1]), [1.0, NAN, 3.0, NAN]), [0, 3.5, 0, 3.5])


@pytest.mark.parametrize("f", [np.max, np.min, np.nanmax, np.nanmin])
def test_extremes_of_chosen_elements_share_between_them_alone_and_with_the_initial_number(f):
    sign, chosen = 1 if "max" in f.__name__ else -1, np.array([[True, True, False, True], [False, True, True, True]])
    values = np.array([[3.0, 3, 3, 1], [9, 2, 2, 1]]) * sign
    for lowest in (-9.0, -INF):
        equal(gradients(lambda x, i=lowest * sign: f(x, axis=1, where=chosen, initial=i), values),
              [[1.5, 1.5, 0, 0], [0, 2, 2, 0]])  # fmt: skip
    x, i = gradients(lambda x, i: f(x, axis=1, where=chosen, initial=i), values, sign * 3.0)
    equal(x, [[1, 1, 0, 0], [0, 0, 0, 0]])
    equal(i, 1 + 4)
    equal(gradients(lambda x: f(x, initial=sign * 2.0), [[1.0 * sign], [2.0 * sign]]), [[0], [1.5]])
    infinite = [[-INF * sign, -INF * sign, NAN, -INF * sign]]
    if f in (np.nanmax, np.nanmin):
        equal(gradients(lambda x: f(x, 1), infinite), [[1, 1, 0, 1]])
    equal(
        gradients(lambda x: f(x, where=chosen[1], initial=-INF * sign), np.array(infinite)[0, [2, 0, 1, 3]]),
        [0, *[0.75] * 3],
    )


def test_a_nan_has_no_part_in_what_leaves_nans_out_and_all_of_the_extreme_of_nans():
    x = [1.0, NAN, 3.0]
    equal(gradients(np.nansum, x), [3, 0, 3])
    equal(gradients(np.nanprod, x), [9, 0, 3])
    equal(gradients(np.nanmean, x), [1.5, 0, 1.5])
    equal(gradients(np.nanvar, x), [-3, 0, 3])
    equal(gradients(np.nanstd, x), [-1.5, 0, 1.5])
    equal(gradients(np.nancumsum, x), [12, 0, 5])
    equal(gradients(np.nanmax, x), [0, 0, 3])
    f = eval(compile("lambda x: np.nanmin(x, 0)", "the line that called", "eval"))
    with pytest.warns(RuntimeWarning, match="All-NaN slice") as told:
        equal(gradients(f, [[NAN, 1.0], [NAN, NAN]]), [[1.5, 4], [1.5, 0]])
    assert told[0].filename == "the line that called"
    equal(gradients(np.nansum, [NAN, NAN]), [0, 0])
    equal(gradients(np.nanmean, [NAN, NAN]), [0, 0])  # whose value is NaN


def test_what_isnt_chosen_has_gradient_0_even_where_it_is_infinite_or_nan():
    x, chosen = [[INF, 2.0, NAN], [1.0, 4.0, -INF]], np.array([[False, True, False], [True, True, False]])
    for f, slopes in (
        (np.sum, [[0, 3, 0], [4, 4, 0]]), (np.mean, [[0, 3, 0], [2, 2, 0]]), (np.prod, [[0, 3, 0], [16, 4, 0]]),
        (np.var, [[0, 0, 0], [-6, 6, 0]]), (np.std, [[0, 0, 0], [-2, 2, 0]]),
    ):  # fmt: skip
        equal(gradients(lambda x, f=f: f(x, axis=1, where=chosen), x), slopes)


@pytest.mark.parametrize("f", [lambda x: np.std(x, 1, where=[True, True, False]), lambda x: np.nanstd(x, 1)])
def test_the_deviation_of_equal_chosen_values_has_slope_0_also_in_its_second_derivatives(f):
    x = tl.tensor(np.array([[0.1, 0.1, NAN], [1.0, 3.0, NAN], [0.0, 0.0, NAN]]), requires_grad=True)
    g = tl.tensor(np.array([3.0, 4.0, 5.0]), requires_grad=True)
    f(x).backward(gradient=g, create_graph=True)
    first, x.grad = x.grad, None
    equal(first.data, [[0, 0, 0], [-2, 2, 0], [0, 0, 0]])
    (first * np.arange(9.0).reshape(3, 3)).sum().backward()
    equal(x.grad.data, np.zeros((3, 3)))
    equal(g.grad.data, [0, 0.5, 0])


def test_the_deviation_of_equal_chosen_values_is_the_root_of_their_variance_and_without_freedom_nan():
    x, chosen = np.array([0.1, 0.1, 0.1, 5.0]), np.array([True, True, True, False])
    t = tl.tensor(x, requires_grad=True)
    s = np.std(t, where=chosen).data
    assert 0 < s < 1e-15 and s == np.sqrt(np.var(t, where=chosen).data)
    for f in (lambda x: np.std(x, where=[False, True], ddof=1), lambda x: np.nanstd(x, ddof=1, where=[False, True])):
        slope = gradients(f, [2.0, 3.0])
        assert np.isnan(slope[1]) and slope[0] == 0


def test_what_interpolates_has_the_slope_to_the_right_of_a_point_and_none_outside():
    x, y = gradients(lambda x, y: np.interp(x, [0.0, 1, 3], y), [0.0, 1, 3, -1, 4], [0.0, 2, 8])
    equal(x, [3 * 2, 4 * 3, 5 * 3, 0, 0])
    equal(y, [3 + 6, 4, 5 + 7])


def test_coordinates_at_equal_distances_have_the_gradient_of_any_others():
    y, w = np.array([1.0, 4, 2, 8]), np.arange(3.0, 7)
    for order in (1, 2):
        x = gradients(lambda x, o=order: np.gradient(y, x, edge_order=o), np.arange(4.0))
        moved = [np.arange(4.0) + h * np.eye(4)[i] for i in range(4) for h in (1e-5, -1e-5)]
        up, down = (np.array([np.gradient(y, m, edge_order=order) @ w for m in moved[k::2]]) for k in (0, 1))
        np.testing.assert_allclose(x, (up - down) / 2e-5, rtol=1e-7)


def test_partitioned_elements_get_back_what_flows_to_their_places():
    x = np.array([5.0, 1, 3, 3, 2])
    made = np.partition(tl.tensor(x), (1, 3)).data
    assert made[1] == 2 and made[3] == 3 and sorted(made) == sorted(x)
    assert (made[:1] <= 2).all() and (made[2:3] <= 3).all() and made[4] == 5
    g = gradients(lambda x: np.partition(x, (1, 3)), x)
    equal(g[[1, 4, 0]], [3, 4, 7])
    equal(sorted(g[[2, 3]]), [5, 6])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e30, -7.3])
@pytest.mark.parametrize("ddof", [0, 1])
def test_the_standard_deviation_of_equal_values_has_slope_0(value, ddof):
    x = np.full((3, 3), value)
    x[1] = [0, 1, 2]
    slope = gradients(lambda x: np.std(x, axis=1, ddof=ddof), x)
    equal(slope[[0, 2]], np.zeros((2, 3)))
    s = np.std(x[1], ddof=ddof)
    equal(slope[1], 4 * (x[1] - 1) / ((3 - ddof) * s))


def test_second_derivatives_of_std_are_finite_at_its_kink_and_right_beside_it():
    x = tl.tensor(np.array([[1.0, 1.0], [1.0, 3.0]]), requires_grad=True)
    np.std(x, axis=1).sum().backward(create_graph=True)
    total = (x.grad * np.array([[1.0, 2.0], [3.0, 4.0]])).sum()
    x.grad = None
    total.backward()
    equal(x.grad.data, np.zeros((2, 2)))  # of two values, std is |a - b|/2


def test_the_variance_of_one_value_is_flat_and_without_degrees_of_freedom_nan():
    equal(gradients(lambda x: np.var(x, axis=1), [[2.0], [3.0]]), [[0], [0]])
    equal(gradients(lambda x: np.std(x, axis=1), [[2.0], [3.0]]), [[0], [0]])
    assert np.isnan(gradients(lambda x: np.var(x, ddof=1), [2.0])).all()
    assert np.isnan(gradients(lambda x: np.std(x, ddof=1), [2.0])).all()


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_products_with_zeros_have_their_first_second_and_third_derivatives(zeros):
    x = np.array([2.0, 3.0, 5.0, 7.0])
    x[:zeros] = 0
    w, v = np.array([1.0, -2.0, 3.0, 0.5]), np.array([0.3, 1.0, -1.0, 2.0])

    def others(*left_out):
        return np.prod([x[i] for i in range(4) if i not in left_out]) if len(set(left_out)) == len(left_out) else 0.0

    t = tl.tensor(x, requires_grad=True)
    np.prod(t).backward(create_graph=True)
    first, t.grad = t.grad, None
    equal(first.data, [others(i) for i in range(4)])
    (first * w).sum().backward(create_graph=True)
    second, t.grad = t.grad, None
    equal(second.data, [sum(w[i] * others(i, k) for i in range(4)) for k in range(4)])
    (second * v).sum().backward()
    third = [sum(w[i] * v[k] * others(i, k, j) for i in range(4) for k in range(4)) for j in range(4)]
    equal(t.grad.data, third)


@pytest.mark.parametrize("x", [[2.0, 0, 3, 5], [0.0, 2, 0, 5], [2.0, 3, 4, 0], [0.0, 0, 0, 0]])
def test_running_products_with_zeros_have_their_first_and_second_derivatives(x):
    x, g, w = np.array(x), np.array([1.0, -2.0, 3.0, 0.5]), np.array([0.3, 1.0, -1.0, 2.0])

    def others(k, *left_out):
        inside = max(left_out) <= k and len(set(left_out)) == len(left_out)
        return np.prod([x[i] for i in range(k + 1) if i not in left_out]) if inside else 0.0

    t = tl.tensor(x, requires_grad=True)
    np.cumprod(t).backward(gradient=g, create_graph=True)
    first, t.grad = t.grad, None
    equal(first.data, [sum(g[k] * others(k, i) for k in range(4)) for i in range(4)])
    (first * w).sum().backward()
    equal(t.grad.data, [sum(g[k] * w[i] * others(k, i, j) for k in range(4) for i in range(4)) for j in range(4)])


def test_a_product_that_underflows_keeps_the_slopes_of_its_factors():
    np.testing.assert_allclose(gradients(np.prod, [1e-30, 1e-30], dtype=np.float32), [3e-30, 3e-30], rtol=1e-6)


def test_sorted_ties_keep_their_order():
    equal(gradients(np.sort, [2.0, 1, 2, 1]), [5, 3, 6, 4])
    many = gradients(np.sort, np.tile([1.0, 0.0], 500), g=np.arange(1000.0))
    equal(many[1::2], np.arange(500))
    equal(many[::2], np.arange(500, 1000))


def test_an_element_taken_twice_gets_both_gradients():
    equal(gradients(lambda x: x[[0, 2, 0, 0]], [1.0, 2, 3]), [3 + 5 + 6, 0, 4])
    equal(gradients(lambda x: np.take(x, [[0, 2], [-3, 0]]), [1.0, 2, 3]), [3 + 5 + 6, 0, 4])


# ---- nothing ----


@pytest.mark.parametrize("f", [
    np.sum, np.mean, np.var, np.std, np.prod, np.median, np.cumsum, np.cumprod, np.sort, np.exp, np.ravel, np.flip,
    lambda x: np.sum(x, axis=0), lambda x: np.max(x, axis=1), lambda x: np.mean(x, 0), lambda x: np.prod(x, axis=-2),
    lambda x: np.std(x, axis=1), lambda x: np.median(x, axis=1), lambda x: np.cumprod(x, axis=1),
    lambda x: np.concatenate([x, x], 1), lambda x: np.tile(x, 2), lambda x: np.repeat(x, 2), lambda x: x[:, [0, 0]],
    lambda x: np.maximum(x, 0), lambda x: np.clip(x, 0, 1), lambda x: np.diff(x, axis=1), lambda x: np.pad(x, 1),
    lambda x: np.where(x > 0, x, 0), lambda x: np.min(x, axis=-1, keepdims=True),
    np.nansum, np.nanmean, np.nancumsum, lambda x: np.max(x, initial=1, where=x > 0), lambda x: np.std(x, where=x > 0),
    lambda x: np.quantile(x, 0.3, axis=1), lambda x: np.block([[x], [x]]), lambda x: np.insert(x, 1, 2, axis=1),
    lambda x: np.delete(x, 1, 1), lambda x: np.append(x, x, 0), lambda x: np.select([x > 0], [x]), np.real,
    lambda x: np.linspace(x, 1, 4), lambda x: np.trapezoid(x), lambda x: np.gradient(x, axis=1), np.ediff1d,
    lambda x: np.meshgrid(x, x)[1], lambda x: np.partition(x, 1), lambda x: np.interp(x, [0, 1], [1, 2]),
])  # fmt: skip
def test_arrays_without_elements_have_gradients_without_elements(f):
    x = tl.tensor(np.zeros((0, 3)), requires_grad=True)
    y = f(x)
    np.testing.assert_array_equal(y.data, f(x.data))
    y.backward(gradient=np.ones(y.shape), create_graph=True)
    assert x.grad.shape == (0, 3)


def test_every_stated_convention_is_one_of_those_tested_here_or_with_its_family():
    ours = "power remainder absolute fabs maximum minimum fmax fmin clip arctan2 hypot logaddexp logaddexp2 nan_to_num"
    assert {*ours.split(), "std", "max", "min", "median", "quantile", "sort"} <= set(kinks)


# ---- what mutations of the rules have shown to be worth a test ----


def test_a_negative_power_of_0_has_infinite_slopes_in_its_base_and_its_exponent():
    da, db = gradients(np.power, [0.0, 0.0], [-1.0, 2.0])
    equal(da, [-INF, 0])
    equal(db, [-INF, 0])


def test_bounds_of_clip_that_are_tensors_have_their_gradient_alone_and_where_they_are_equal():
    a, low = gradients(lambda x, low: np.clip(x, low, None), [-2.0, 0.0], [-1.0, -1.0])
    equal([a, low], [[0, 4], [3, 0]])
    a, high = gradients(lambda x, high: np.clip(x, None, high), [2.0, 0.0], [1.0, 1.0])
    equal([a, high], [[0, 4], [3, 0]])
    a, low, high = gradients(np.clip, [-2.0, 1.0, 2.0], [1.0] * 3, [1.0] * 3)
    equal([a, low, high], [[0, 4, 0], [0, 0, 0], [0, 0, 5]])


def test_repetitions_given_as_an_array_are_added_up():
    equal(gradients(lambda x: np.repeat(x, np.array([2, 0, 3])), [1.0, 2.0, 3.0]), [3 + 4, 0, 5 + 6 + 7])
    equal(gradients(lambda x: np.repeat(x, np.array([2])), [1.0, 2.0]), [3 + 4, 5 + 6])


def test_elements_in_either_order_are_those_of_numpy_and_their_gradients_go_back():
    x = np.arange(6.0).reshape(2, 3)
    ravelled = [lambda t, order=order: t.T.ravel(order=order) for order in "CF"]
    reshaped = [lambda t, order=order: t.T.reshape((6,), order=order) for order in "CF"]
    for f in ravelled + reshaped:
        np.testing.assert_array_equal(f(tl.tensor(x)).data, f(x))
        equal(gradients(f, x), 3 + np.argsort(f(x)).reshape(2, 3))


def test_reshaping_takes_lists_and_the_old_name_of_its_shape():
    from tinydl.derivatives import shapes

    made = shapes.reshape([1.0, 2.0], newshape=(2, 1))
    assert type(made) is np.ndarray and made.shape == (2, 1)
    assert shapes.atleast_2d([1.0, 2.0]).shape == (1, 2)


def test_a_row_with_nan_does_not_change_the_gradient_of_the_others():
    x = [[1.0, NAN, 0.0], [3.0, 2.0, 4.0]]
    equal(gradients(lambda x: np.max(x, axis=1), x), [[0, 3, 0], [0, 0, 4]])
    equal(gradients(lambda x: np.min(x, axis=1), x), [[0, 3, 0], [0, 4, 0]])
    equal(gradients(lambda x: np.median(x, axis=1), x), [[0, 3, 0], [4, 0, 0]])


def test_an_origin_does_not_change_the_gradient_of_arctan2_elsewhere():
    da, db = gradients(np.arctan2, [0.0, 1.0], [0.0, 2.0])
    equal(da, [0, 4 * 2 / 5])
    equal(db, [0, -4 / 5])


def test_the_second_derivatives_of_infinite_logarithms_are_0_and_those_beside_them_right():
    for f, base in ((np.logaddexp, np.e), (np.logaddexp2, 2.0)):
        b = np.array([-INF, 0.0, 2.0])
        (second,) = derivatives(lambda a, f=f, b=b: f(a, b), [-INF, INF, 1.0], 2)[1:]
        share = 1 / (1 + base)
        equal(second, [0, 0, share * (1 - share) * np.log(base)])


def test_all_derivatives_of_sinc_are_those_of_its_integral():
    nodes, weights = np.polynomial.legendre.leggauss(80)
    t, w = (nodes + 1) / 2, weights / 2  # sin(u)/u is the integral of cos(ut) for t from 0 to 1
    x = np.linspace(-3, 3, 2401)
    for n in range(7):
        integral = np.sum(w * t**n * np.cos(np.pi * x[:, None] * t + n * np.pi / 2), axis=1)
        np.testing.assert_allclose(sinc_derivative(x, n=n), np.pi**n * integral, rtol=0, atol=1e-13 * np.pi**n)


def test_the_second_derivatives_of_a_norm_at_0_are_0_as_its_first():
    for f in (np.linalg.norm, lambda x: np.linalg.norm(x, 3.0), lambda x: np.linalg.norm(x, 1.5)):
        x = tl.tensor(np.zeros(3), requires_grad=True)
        f(x).backward(create_graph=True)
        first, x.grad = x.grad, None
        equal(first.data, 0)
        (first * np.array([1.0, 2.0, 3.0])).sum().backward()
        equal(x.grad.data, 0)


def test_a_power_norm_is_flat_in_elements_that_are_0_beside_others_that_are_not():
    for p in (0.5, 1.5, 3.0):
        g = gradients(lambda x, p=p: np.linalg.norm(x, p), [0.0, 2.0, -1.0], g=1.0)
        size = (2**p + 1) ** (1 / p)
        equal(g, [0, (2 / size) ** (p - 1), -((1 / size) ** (p - 1))])


# ---- torch's conventions ----


@pytest.mark.parametrize(
    ("ours", "torchs", "inputs"),
    [
        (np.absolute, "abs", ([-1.0, 0.0, 2.0],)),
        (np.maximum, "maximum", ([1.0, 2.0, 0.0], [1.0, 3.0, 0.0])),
        (np.minimum, "minimum", ([1.0, 2.0, 0.0], [1.0, 3.0, 0.0])),
        (np.power, "pow", ([0.0, 0.0, 2.0, 0.0], [0.0, 2.0, 0.0, 1.0])),
        (np.arctan2, "atan2", ([0.0, 0.0, 1.0], [0.0, 1.0, 0.0])),
        (np.clip, "clamp", ([-1.0, 0.0, 1.0, -2.0, 3.0], [-1.0] * 5, [1.0] * 5)),
        (np.clip, "clamp", ([-1.0, 1.0, 2.0, NAN], [1.0] * 4, [1.0] * 4)),
        (F.relu, "relu", ([-1.0, 0.0, 1.0, NAN],)),
        (np.max, "amax", ([1.0, 3.0, 3.0],)),
        (np.min, "amin", ([1.0, 1.0, 3.0],)),
        (np.std, "std", ([2.0, 2.0, 2.0],)),
        (np.prod, "prod", ([0.0, 2.0, 0.0],)),
        (np.prod, "prod", ([0.0, 2.0, 3.0],)),
        (np.nan_to_num, "nan_to_num", ([0.0, NAN, INF],)),
        (np.logaddexp, "logaddexp", ([1.0, -INF, 1e300], [1.0, 0.0, 1e300])),
        (np.logaddexp2, "logaddexp2", ([1.0, -INF], [1.0, 0.0])),
        (np.remainder, "remainder", ([4.0, -3.0, 5.0], [2.0, 2.0, -3.0])),
        (np.sinc, "sinc", ([0.0, 1.0, 0.5],)),
    ],
)
def test_the_convention_is_torchs_where_torch_gives_a_finite_number(ours, torchs, inputs):
    torch = pytest.importorskip("torch")
    theirs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
    z = getattr(torch, torchs)(*theirs)
    z.backward(gradient=torch.arange(3, 3 + z.numel(), dtype=torch.float64).reshape(z.shape))
    found = gradients(ours, *inputs)
    for a, x in zip(found if len(inputs) > 1 else [found], theirs, strict=True):
        b = x.grad.numpy()
        assert np.isfinite(b).all()
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_the_layout_of_an_input_in_memory_changes_no_value():
    a, w = np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0)
    for order, value in (("C", 55), ("F", 50)):
        for layout in (a, np.ascontiguousarray(a)):
            f = lambda t, order=order: (np.ravel(t, order=order) * w).sum()
            assert f(layout) == value and tl.value_and_grad(f)(layout)[0] == value
    np.testing.assert_array_equal(np.copy(tl.tensor(a)).data, a)
    np.testing.assert_array_equal(np.copy(tl.tensor(a), order="K").data, a)


def test_elu_is_straight_at_0_as_torchs():
    torch = pytest.importorskip("torch")
    for alpha in (1.0, 0.7):
        x = np.array([-1.0, 0.0, 2.0])
        theirs = torch.tensor(x, requires_grad=True)
        (first,) = torch.autograd.grad(torch.nn.functional.elu(theirs, alpha).sum(), theirs, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), theirs)
        ours = derivatives(lambda x, alpha=alpha: F.elu(x, alpha), x, 2)
        equal(ours[0], first.detach().numpy())
        equal(ours[1], second.numpy())
        equal(ours[1][1:], 0)


def test_the_second_derivative_of_elu_at_0_is_that_of_its_right_side():
    equal(derivatives(lambda x: F.elu(x, 0.7), [-1.0, 0.0, 2.0], 2)[1], [0.7 * np.exp(-1.0), 0, 0])
