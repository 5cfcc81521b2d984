"""Every formula and claim of the source article that a computation can decide, decided.

What holds is checked for all inputs that hypothesis finds; what fails is refuted by a counterexample, found by
gradcheck where it is a gradient, and the corrected formula passes the same test. Nothing here trusts document.py.
"""

import io
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinydl import data, optim, tensor
from tinydl import functional as F
from tinydl.checking.gradcheck import gradcheck
from tinydl.course import document
from tinydl.engine import random

Array = np.ndarray[Any, Any]

MAGNITUDES = st.floats(1e-3, 10, allow_subnormal=False)
NUMBERS = st.just(0.0) | MAGNITUDES | MAGNITUDES.map(lambda v: -v)
SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=25)


def matrices(*shape: int) -> st.SearchStrategy[Array]:
    sides = st.tuples(st.integers(1, 5), st.integers(1, 5)) if not shape else st.just(shape)
    return sides.flatmap(lambda s: hnp.arrays(np.float64, s, elements=NUMBERS))


def is_right(f: Callable[..., Any], *inputs: Any, **rule: Any) -> None:
    gradcheck(f, *inputs, **rule).raise_if_wrong()


def is_wrong(f: Callable[..., Any], *inputs: Any, code: str | None = None, **rule: Any) -> None:
    report = gradcheck(f, *inputs, **rule)
    assert report.verdict == "wrong", report
    assert code is None or code in [c for c, _ in report.causes], report.causes


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


# ---- section 3: linear algebra ----


class TestD1:
    """C = A·B = [a_ij·b_ij]"""

    hadamard = staticmethod(lambda g, a, b: (g * b, a * g))
    true = staticmethod(lambda g, a, b: (g @ b.T, a.T @ g))

    def test_an_entry_of_a_product_is_a_sum_not_one_product(self) -> None:
        a, b = normal(3, 3), normal(3, 3, seed=1)
        by_sums = np.array([[sum(a[i, k] * b[k, j] for k in range(3)) for j in range(3)] for i in range(3)])
        assert np.allclose(a @ b, by_sums, rtol=1e-13)
        assert not np.allclose(a * b, by_sums)

    def test_elementwise_is_undefined_or_of_the_wrong_shape_for_other_shapes(self) -> None:
        with pytest.raises(ValueError):
            normal(2, 3) * normal(3, 4)
        assert (normal(1, 3) * normal(3, 3)).shape == (3, 3) != (normal(1, 3) @ normal(3, 3)).shape  # and no error

    def test_its_gradients_are_wrong(self) -> None:
        is_wrong(np.matmul, normal(3, 3), normal(3, 3, seed=1), vjp=self.hadamard)

    @few
    @given(st.tuples(*[st.integers(1, 4)] * 3), SEEDS)
    def test_the_gradients_of_a_product_are_g_b_transposed_and_a_transposed_g(self, sides: Any, seed: int) -> None:
        m, n, p = sides
        is_right(np.matmul, normal(m, n, seed=seed), normal(n, p, seed=seed + 1), vjp=self.true)

    @given(hnp.arrays(np.float64, (4, 1), elements=NUMBERS), hnp.arrays(np.float64, (1, 3), elements=NUMBERS))
    def test_by_accident_it_is_right_for_one_column_times_one_row(self, a: Array, b: Array) -> None:
        assert np.array_equal(a * b, a @ b)

    @given(hnp.arrays(np.float64, 4, elements=NUMBERS), hnp.arrays(np.float64, 4, elements=NUMBERS))
    def test_by_accident_it_is_right_for_diagonal_matrices(self, a: Array, b: Array) -> None:
        assert np.array_equal(np.diag(a) * np.diag(b), np.diag(a) @ np.diag(b))


class TestD2:
    """f(X)是矩阵X的Frobenius范数, f(X) = ‖X‖²_F = X : X, ∂f/∂X = 2X"""

    norm = staticmethod(lambda x: np.sqrt(np.sum(x * x)))

    @few
    @given(matrices())
    def test_the_squared_norm_has_the_gradient_2x(self, x: Array) -> None:
        is_right(lambda x: np.sum(x * x), x, grad=lambda x: 2 * x)
        assert math.isclose(np.sum(x * x), np.trace(x.T @ x), rel_tol=1e-12, abs_tol=1e-300)

    def test_2x_is_wrong_for_the_norm_itself(self) -> None:
        is_wrong(self.norm, normal(2, 3), grad=lambda x: 2 * x)

    @few
    @given(matrices())
    def test_the_norm_has_the_gradient_x_over_the_norm(self, x: Array) -> None:
        assume(np.any(x))
        is_right(self.norm, x, grad=lambda x: x / np.sqrt(np.sum(x * x)))

    def test_by_accident_2x_is_right_for_the_norm_where_it_is_a_half(self) -> None:
        x = normal(2, 3)
        half = x / (2 * self.norm(x))
        assert np.allclose(2 * half, half / self.norm(half))

    def test_the_norm_has_no_gradient_at_zero(self) -> None:
        ones, h = np.ones((2, 2)), 2.0**-30
        assert self.norm(h * ones) / h == 2 and self.norm(-h * ones) / -h == -2


class TestD3:
    """f(X) = XᵀX, ∂f/∂X = Xᵀ + X, ∇f(X) = [Xᵀ, X]"""

    gram = staticmethod(lambda x: x.T @ x)

    @few
    @given(st.sampled_from([(5, 3), (3, 5), (3, 3), (1, 3), (3, 1)]), SEEDS)
    def test_for_an_upstream_gradient_it_is_x_times_g_plus_g_transposed(self, shape: Any, seed: int) -> None:
        is_right(self.gram, normal(*shape, seed=seed), vjp=lambda g, x: x @ (g + g.T))

    def test_the_articles_is_wrong_for_square_x(self) -> None:
        is_wrong(self.gram, normal(3, 3), vjp=lambda g, x: x.T + x)
        is_wrong(
            lambda x: np.sum(x * x), normal(3, 3), grad=lambda x: x.T + x
        )  # the trace of XᵀX, whose gradient is 2X

    def test_the_articles_does_not_exist_for_other_x(self) -> None:
        with pytest.raises(ValueError):
            normal(5, 3).T + normal(5, 3)
        assert np.hstack([normal(3, 3), normal(3, 3)]).shape == (3, 6)  # [Xᵀ, X], a third thing, not of X's shape

    def test_its_derivative_has_four_indices(self) -> None:
        x, h = normal(4, 3), 1e-3
        exact = np.einsum("il,kj->ijkl", np.eye(3), x) + np.einsum("jl,ki->ijkl", np.eye(3), x)
        for k, l in itertools.product(range(4), range(3)):
            e = np.zeros_like(x)
            e[k, l] = h
            assert np.allclose((self.gram(x + e) - self.gram(x - e)) / (2 * h), exact[:, :, k, l], atol=1e-11)

    @given(hnp.arrays(np.float64, (3, 3), elements=NUMBERS), hnp.arrays(np.float64, (3, 3), elements=NUMBERS))
    def test_x_transposed_plus_x_is_the_derivative_along_the_identity(self, x: Array, v: Array) -> None:
        along = lambda v: (self.gram(x + v) - self.gram(x - v)) / 2  # exact: f is quadratic
        assert np.allclose(along(np.eye(3)), x.T + x, atol=1e-10)
        assert np.allclose(along(v), v.T @ x + x.T @ v, atol=1e-10)

    def test_only_an_upstream_gradient_that_is_not_symmetric_tells_it_from_2xg(self) -> None:
        x, g = normal(5, 3), normal(3, 3, seed=1)
        assert np.allclose(x @ (g + g.T + (g + g.T).T), 2 * x @ (g + g.T))
        is_wrong(self.gram, x, vjp=lambda g, x: 2 * x @ g)

    def test_by_accident_the_articles_is_right_for_one_number_and_for_the_trace_of_symmetric_x(self) -> None:
        s = normal(3, 3)
        is_right(lambda x: np.sum(x * x), s + s.T, grad=lambda x: x.T + x)
        is_right(lambda x: np.sum(x * x), np.array([[0.7]]), grad=lambda x: x.T + x)


# ---- section 3: calculus ----


@few
@given(hnp.arrays(np.float64, st.integers(1, 6), elements=NUMBERS))
def test_d4_a_gradient_is_made_of_partial_derivatives(x: Array) -> None:
    """∇f(x) = [∂f/∂x₁, …, ∂f/∂x_n]"""
    is_right(lambda x: np.sum(x**3), x, grad=lambda x: np.array([3 * v * v for v in x]))


EPS = float(np.finfo(float).eps)
STEPS = st.tuples(st.floats(-5, 5), st.floats(-12, -1).map(lambda e: 10.0**e))
SMOOTH = {  # f, f′, and the largest |f|, |f′|, |f″| on [x, x + h]
    "exp": (math.exp, math.exp, lambda x, h: (math.exp(x + h),) * 3),
    "sin": (math.sin, math.cos, lambda x, h: (1.0, 1.0, 1.0)),
    "square": (lambda x: x * x, lambda x: 2 * x, lambda x, h: (max(x * x, (x + h) ** 2), 2 * (abs(x) + h), 2.0)),
}


class TestD5:
    """∂f/∂x = lim (f(x + h e₁, y) − f(x, y))/h"""

    @pytest.mark.parametrize("name", SMOOTH)
    @given(STEPS)
    def test_the_error_of_a_forward_difference_has_three_parts(self, name: str, xh: tuple[float, float]) -> None:
        (f, slope, largest), (x, h) = SMOOTH[name], xh
        f0, f1, f2 = largest(x, h)
        step = (x + h) - x
        assume(step > 0)
        curved, rounded, moved = h * f2 / 2, 1.1 * EPS * f0 / h, EPS * abs(x + h) * f1 / (2 * h)
        last = 4 * EPS * f1  # of the division, and of the exact slope itself
        assert abs((f(x + h) - f(x)) / h - slope(x)) <= curved + rounded + 1.1 * moved + last
        curved, rounded = step * f2 / 2, 1.1 * EPS * f0 / step
        assert (
            abs((f(x + h) - f(x)) / step - slope(x)) <= curved + rounded + last
        )  # the step really taken: no third part

    def test_without_the_rounding_of_the_step_the_bound_breaks(self) -> None:
        draw = np.random.default_rng(0)
        x, h = draw.uniform(-5, 5, 20_000), 10 ** draw.uniform(-12, -1, 20_000)
        error = np.abs((np.exp(x + h) - np.exp(x)) / h - np.exp(x))
        two = (h / 2 + EPS / h) * np.exp(x + h)
        assert 0.03 < np.mean(error > two) < 0.12 and 1.5 < np.max(error / two) < 4

    def test_forward_is_best_near_1e_8_and_central_near_1e_5(self) -> None:
        x = np.linspace(0.5, 1.5, 101)
        for f, slope in ((np.exp, np.exp(x)), (np.sin, np.cos(x)), (np.tanh, 1 / np.cosh(x) ** 2), (np.log, 1 / x)):
            h = 10.0 ** np.arange(-13, 0)[:, None]
            forward = np.median(np.abs((f(x + h) - f(x)) / h / slope - 1), axis=1)
            central = np.median(np.abs((f(x + h) - f(x - h)) / (2 * h) / slope - 1), axis=1)
            assert 1e-9 <= h[forward.argmin(), 0] <= 1e-7 and 1e-10 < forward.min() < 1e-7
            assert 1e-7 <= h[central.argmin(), 0] <= 1e-4 and 1e-13 < central.min() < 1e-9

    def test_the_usual_step_is_nothing_to_a_large_x(self) -> None:
        x, h = 1e9, EPS**0.5
        assert ((x + h) ** 2 - x**2) / h == 0 != 2 * x

    def test_at_a_kink_the_central_difference_is_confidently_wrong(self) -> None:
        assert [(max(h, 0) - max(-h, 0)) / (2 * h) for h in (1e-3, 1e-6, 1e-9)] == [0.5] * 3
        report = gradcheck(lambda x: np.sum(np.maximum(x, 0)), np.zeros(3), grad=lambda x: np.zeros_like(x))
        assert report.ok and {row.verdict for row in report.rows} == {"kink"}  # the checker isn't


# ---- section 3: probability ----


PROBABILITIES = st.floats(1e-6, 1 - 1e-6)


@given(PROBABILITIES)
def test_d6_binary_cross_entropy_is_bernoullis_negative_log_likelihood(p: float) -> None:
    """P(X=1) = p, P(X=0) = 1 − p"""
    likelihood = {1: p, 0: 1 - p}
    assert sum(likelihood.values()) == 1
    for x, probability in likelihood.items():
        loss = F.binary_cross_entropy(tensor(np.array([p])), np.array([float(x)])).item()
        assert math.isclose(loss, -math.log(probability), rel_tol=1e-12)


class TestD7:
    """多项式分布: P(X = k) = C_n^k p^k (1−p)^(n−k)"""

    @staticmethod
    def binomial(n: int, k: int, p: float) -> float:
        return math.comb(n, k) * p**k * (1 - p) ** (n - k)

    @staticmethod
    def multinomial(k: tuple[int, ...], p: Any) -> float:
        ways = math.factorial(sum(k)) // math.prod(math.factorial(c) for c in k)
        return ways * math.prod(q**c for c, q in zip(k, p, strict=True))

    @staticmethod
    def counts(n: int, categories: int) -> list[tuple[int, ...]]:
        return [k for k in itertools.product(range(n + 1), repeat=categories) if sum(k) == n]

    @given(st.integers(0, 12), PROBABILITIES)
    def test_it_is_the_binomial_a_multinomial_of_two_categories(self, n: int, p: float) -> None:
        assert math.isclose(sum(self.binomial(n, k, p) for k in range(n + 1)), 1, rel_tol=1e-12)
        assert all(math.isclose(self.binomial(n, k, p), self.multinomial((k, n - k), (p, 1 - p))) for k in range(n + 1))

    @given(st.integers(0, 5), st.integers(1, 4), SEEDS)
    def test_the_multinomial_sums_to_one(self, n: int, categories: int, seed: int) -> None:
        p = np.random.default_rng(seed).dirichlet(np.ones(categories))
        assert math.isclose(sum(self.multinomial(k, p) for k in self.counts(n, categories)), 1, rel_tol=1e-12)

    def test_the_articles_formula_per_category_does_not(self) -> None:
        p = (0.2, 0.3, 0.5)
        total = sum(math.prod(self.binomial(5, c, q) for c, q in zip(k, p, strict=True)) for k in self.counts(5, 3))
        assert round(total, 3) == 0.223

    @given(st.integers(1, 5), st.integers(2, 4), SEEDS)
    def test_its_negative_log_likelihood_is_cross_entropy_up_to_a_constant(self, n: int, c: int, seed: int) -> None:
        logits = np.random.default_rng(seed).normal(size=c)
        log_p = logits - np.log(np.sum(np.exp(logits)))
        for i in range(c):  # n = 1: cross-entropy itself
            one_hot = tuple(int(j == i) for j in range(c))
            loss = F.cross_entropy(tensor(logits[None]), np.array([i])).item()
            assert math.isclose(loss, -math.log(self.multinomial(one_hot, np.exp(log_p))), rel_tol=1e-9)
        k = tuple(np.random.default_rng(seed).multinomial(n, np.full(c, 1 / c)))
        constant = [
            -math.log(self.multinomial(k, p)) + np.sum(k * np.log(p)) for p in (np.exp(log_p), np.full(c, 1 / c))
        ]
        assert math.isclose(*constant, rel_tol=1e-9, abs_tol=1e-9)


@few
@given(hnp.arrays(np.float64, 4, elements=NUMBERS), st.floats(0.1, 10))
def test_d8_squared_error_is_the_normals_negative_log_likelihood(m: Array, variance: float) -> None:
    """正态分布"""
    y = normal(4)
    density = lambda m: np.exp(-((y - m) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)
    constant = 0.5 * len(y) * math.log(2 * math.pi * variance)
    assume(np.all(density(m) > 1e-300))
    assert math.isclose(-np.sum(np.log(density(m))), np.sum((y - m) ** 2) / (2 * variance) + constant, rel_tol=1e-9)
    is_right(lambda m: np.sum((y - m) ** 2) / (2 * variance), m, grad=lambda m: (m - y) / variance)


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.floats(1e-6, 1)))
def test_d9_conditioning_divides_the_joint_by_the_marginal(joint: Array) -> None:
    """P(X|Y) = P(X, Y)/P(Y)"""
    joint = joint / joint.sum()
    marginal_x, marginal_y = joint.sum(1), joint.sum(0)
    given_y = joint / marginal_y
    assert np.allclose(given_y.sum(0), 1) and np.allclose(given_y @ marginal_y, marginal_x)


def test_d9_needs_an_event_that_can_happen() -> None:
    joint = np.array([[0.5, 0.0], [0.5, 0.0]])
    with np.errstate(invalid="ignore"):
        assert np.isnan((joint / joint.sum(0))[:, 1]).all()


# ---- section 3: linear regression by gradient descent ----


def line_data(seed: int = 0, n: int = 100, noise: float = 1.0) -> tuple[Array, Array]:
    draw = np.random.RandomState(seed)
    x = draw.rand(n)
    return x, 2 * x + 1 + noise * draw.randn(n)


X, Y = line_data()


def j(w: Any, b: Any) -> Any:
    return 0.5 * np.sum((Y - (w * X + b)) ** 2)


def article_w(w: Any, b: Any) -> Any:
    return np.sum((Y - (w * X + b)) * X)


def article_b(w: Any, b: Any) -> Any:
    return np.sum(Y - (w * X + b))


def descend(
    alpha: float, steps: int, w: float = 0.0, b: float = 0.0, sign_w: int = -1, sign_b: int = -1
) -> list[float]:
    path = [float(j(w, b))]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            w, b = w - alpha * sign_w * article_w(w, b), b - alpha * sign_b * article_b(w, b)
            path.append(float(j(w, b)))
    return path


HESSIAN = np.array([[X @ X, X.sum()], [X.sum(), len(X)]])
SLOW, FAST = np.linalg.eigvalsh(HESSIAN)


class TestD10:
    """均方误差（MSE）: J = ½Σ(y_i − (w x_i + b))²"""

    @given(NUMBERS, NUMBERS)
    def test_it_is_half_the_sum_not_the_mean(self, w: float, b: float) -> None:
        assert math.isclose(j(w, b), 50 * np.mean((Y - (w * X + b)) ** 2), rel_tol=1e-12)

    def test_a_rate_on_the_sum_is_n_over_2_times_that_rate_on_the_mean(self) -> None:
        x, y = line_data(n=128)  # a power of two: the factor costs no rounding, and the paths agree to the last bit
        on_sum, on_mean, alpha = np.zeros(2), np.zeros(2), 0.003
        for _ in range(50):
            r = y - (on_sum[0] * x + on_sum[1])
            on_sum = on_sum + alpha * np.array([np.sum(r * x), np.sum(r)])
            r = y - (on_mean[0] * x + on_mean[1])
            on_mean = on_mean + (alpha * 64) * (2 / 128) * np.array([np.sum(r * x), np.sum(r)])
        assert np.array_equal(on_sum, on_mean)

    def test_it_converges_below_two_over_the_largest_curvature_and_diverges_above(self) -> None:
        assert 6 < SLOW < 7.5 and 115 < FAST < 135 and 15 < FAST / SLOW < 23
        least = np.linalg.lstsq(np.stack([X, np.ones(100)], 1), Y, rcond=None)[1][0] / 2
        assert math.isclose(descend(1.9 / FAST, 2000)[-1], least, rel_tol=1e-9)
        assert descend(2.1 / FAST, 2000)[-1] > 1e10
        assert descend(0.02, 100)[-1] > 1e10 and descend(0.02 / 50, 100)[-1] < descend(0, 0)[0]  # J, and the mean


class TestD11D12:
    """∂J/∂w = Σ(y_i − (w x_i + b))·x_i; ∂J/∂b = Σ(y_i − (w x_i + b))"""

    @few
    @given(NUMBERS, NUMBERS)
    def test_the_sign_is_wrong(self, w: float, b: float) -> None:
        assume(abs(article_w(w, b)) > 1e-2 and abs(article_b(w, b)) > 1e-2)
        at = np.array(w), np.array(b)
        is_wrong(j, *at, grad=lambda w, b: (article_w(w, b), -article_b(w, b)), code="sign")
        is_wrong(j, *at, grad=lambda w, b: (-article_w(w, b), article_b(w, b)), code="sign")
        is_wrong(j, *at, grad=lambda w, b: (article_w(w, b), article_b(w, b)), code="sign")

    @few
    @given(NUMBERS, NUMBERS)
    def test_with_a_minus_it_is_right(self, w: float, b: float) -> None:
        is_right(j, np.array(w), np.array(b), grad=lambda w, b: (-article_w(w, b), -article_b(w, b)))

    @few
    @given(NUMBERS, NUMBERS)
    def test_the_engine_agrees(self, w: float, b: float) -> None:
        tw, tb = tensor(np.array(w), requires_grad=True), tensor(np.array(b), requires_grad=True)
        j(tw, tb).backward()
        exact = -article_w(w, b), -article_b(w, b)
        assert np.allclose((tw.grad.item(), tb.grad.item()), exact, rtol=1e-10, atol=1e-10)


class TestD13:
    """w_new = w − α ∂J/∂w, b_new = b − α ∂J/∂b"""

    starts = st.tuples(st.floats(-10, 10), st.floats(-10, 10))

    @given(st.floats(-6, 0).map(lambda e: 10.0**e), starts)
    def test_with_the_articles_gradients_the_loss_rises_at_every_step(self, alpha: float, start: Any) -> None:
        assume(math.hypot(article_w(*start), article_b(*start)) > 1)
        assert np.all(np.diff(descend(alpha, 5, *start, sign_w=1, sign_b=1)) > 0)

    @given(st.floats(-6, 0).map(lambda e: 10.0**e), starts)
    def test_with_the_right_ones_it_falls_at_every_rate_below_the_bound(self, fraction: float, start: Any) -> None:
        assume(math.hypot(article_w(*start), article_b(*start)) > 1)
        assert np.diff(descend(1.9 / FAST * fraction, 1, *start))[0] < 0

    def test_the_sign_of_a_tiny_step_proves_it(self) -> None:
        assert round(np.diff(descend(1e-6, 1))[0], 4) == -0.0594
        assert round(np.diff(descend(1e-6, 1, sign_w=1, sign_b=1))[0], 4) == 0.0594

    def test_divergence_alone_does_not(self) -> None:
        wrong, right = descend(0.01, 500, sign_w=1, sign_b=1), descend(0.02, 500)
        assert [round(v) for v in wrong[:2]] == [294, 1256] and not math.isfinite(wrong[440]) and wrong[430] < np.inf
        assert math.isclose(wrong[31] / wrong[30], (1 + 0.01 * FAST) ** 2, rel_tol=1e-6)
        assert right[-1] > 1e100 and round(descend(0.01, 500)[-1], 2) == 49.62

    def test_a_falling_loss_proves_nothing_either(self) -> None:
        saddle = descend(0.001, 400, sign_w=1)  # only D11 wrong
        assert round(saddle[20], 1) == 115.5 and np.all(np.diff(saddle[:21]) < 0) and saddle[-1] > 100 * saddle[0]

    def test_both_steps_are_taken_from_the_old_parameters(self) -> None:
        w = b = 0.0
        at_once = w - 0.01 * -article_w(w, b), b - 0.01 * -article_b(w, b)
        in_turn_b = b - 0.01 * -article_b(at_once[0], b)
        parameters = [tensor(np.zeros(()), requires_grad=True) for _ in range(2)]
        j(*parameters).backward()
        optim.SGD(parameters, lr=0.01).step()
        assert np.allclose([p.item() for p in parameters], at_once) and abs(in_turn_b - at_once[1]) > 0.1


# ---- section 2: the algorithm ----


class TestD14:
    """Sigmoid → (0, 1); Tanh → (−1, 1); ReLU 在输入大于0时输出输入值，否则输出0"""

    @given(st.floats(-7, 7))
    def test_the_ranges_hold_where_numbers_are_dense_enough(self, x: float) -> None:
        for dtype in (np.float32, np.float64):
            v = np.full(3, x, dtype)
            assert np.all((F.sigmoid(v) > 0) & (F.sigmoid(v) < 1)) and np.all(np.abs(np.tanh(v)) < 1)
            assert np.array_equal(F.relu(v), v if v[0] > 0 else 0 * v)

    def test_the_upper_ends_are_reached(self) -> None:
        for dtype, below, above in ((np.float32, 16.6, 16.7), (np.float64, 36.7, 36.8)):
            assert sigmoid(np.array(below, dtype)) < 1 == sigmoid(np.array(above, dtype))
            assert np.tanh(np.full(16, 20, dtype))[0] == 1

    def test_the_lower_end_is_not_symmetric(self) -> None:
        for f in (sigmoid, F.sigmoid):
            low = float(f(np.full(3, -20, np.float32))[0])
            assert math.isclose(low, math.exp(-20), rel_tol=1e-5)
        assert 0.5 * (1 + np.tanh(np.full(16, -20 / 2, np.float64)))[0] > 0
        assert 0.5 * (1 + np.tanh(np.full(16, -40 / 2, np.float32)))[0] == 0
        with np.errstate(over="ignore"):
            assert sigmoid(np.array(-88, np.float32)) > 0 == sigmoid(np.array(-89, np.float32))
            assert sigmoid(np.array(-709.0)) > 0 == sigmoid(np.array(-710.0))

    def test_so_the_slope_is_lost_at_one_end_only(self) -> None:
        high, low = (sigmoid(np.array(v, np.float32)) for v in (20, -20))
        assert high * (1 - high) == 0 and math.isclose(low * (1 - low), 2.06e-9, rel_tol=1e-2)

    def test_cross_entropy_from_the_logit_survives_what_the_probability_does_not(self) -> None:
        with np.errstate(divide="ignore"):
            assert -np.log(1 - sigmoid(np.array(20, np.float32))) == np.inf
        logit, target = tensor(np.array([20.0], np.float32)), np.zeros(1, np.float32)
        assert math.isclose(F.binary_cross_entropy_with_logits(logit, target).item(), 20, rel_tol=1e-6)

    def test_relu_read_literally_hides_nan_and_ours_keeps_it(self) -> None:
        nan = np.array([np.nan])
        assert np.where(nan > 0, nan, 0)[0] == 0 and np.isnan(F.relu(nan))[0]


def train_xor(w1: Array, b1: Array, w2: Array, b2: Array, steps: int = 1500) -> tuple[float, float]:
    """2-8-1 tanh by gradient descent with a backward pass written by hand; the loss and the accuracy."""
    x = np.random.default_rng(7).uniform(-1, 1, (150, 2))
    y = (x[:, :1] * x[:, 1:] > 0).astype(float)
    for _ in range(steps):
        h = np.tanh(x @ w1 + b1)
        e = (sigmoid(h @ w2 + b2) - y) / len(x)
        back = e @ w2.T * (1 - h * h)
        for p, g in ((w1, x.T @ back), (b1, back.sum(0)), (w2, h.T @ e), (b2, e.sum(0))):
            p -= 1.0 * g
    z = np.tanh(x @ w1 + b1) @ w2 + b2
    return float(np.mean(np.logaddexp(0, z) - y * z)), float(np.mean((z > 0) == (y > 0)))


class TestD15:
    """随机初始化网络的权重和偏置"""

    shapes = ((2, 8), (8,), (8, 1), (1,))

    def test_zero_weights_stay_zero(self) -> None:
        w1, b1, w2, b2 = (np.zeros(s) for s in self.shapes)
        loss, _ = train_xor(w1, b1, w2, b2)
        assert not w1.any() and not w2.any() and abs(loss - math.log(2)) < 0.01

    def test_equal_weights_stay_equal(self) -> None:
        w1, b1, w2, b2 = (np.full(s, 0.5) for s in self.shapes)
        _, accuracy = train_xor(w1, b1, w2, b2)
        assert np.allclose(w1, w1[:, :1]) and np.allclose(w2, w2[0]) and accuracy < 0.8

    @pytest.mark.parametrize("random_biases", [False, True])
    def test_random_weights_suffice_with_biases_random_or_zero(self, random_biases: bool) -> None:
        w1, b1, w2, b2 = (
            normal(*s, seed=i) * (1.0 if len(s) == 2 or random_biases else 0.0) for i, s in enumerate(self.shapes)
        )
        assert train_xor(w1, b1, w2, b2)[1] > 0.95


def test_d16_backpropagation_computes_gradients_and_the_optimizer_updates() -> None:
    """通过它能够更新网络参数，以最小化损失函数"""
    w = tensor(normal(3), requires_grad=True)
    before = w.numpy()
    np.sum(w**2).backward()
    assert np.array_equal(w.numpy(), before) and np.allclose(w.grad.numpy(), 2 * before)
    optim.SGD([w], lr=0.1).step()
    assert np.allclose(w.numpy(), before - 0.1 * 2 * before) and np.sum(w.numpy() ** 2) < np.sum(before**2)


# ---- overfitting and the optimizers ----


def powers(x: Array, degree: int) -> Array:
    return np.polynomial.chebyshev.chebvander(x, degree)


class TestD17:
    """L1, L2, 交叉验证, 以评估模型的泛化性能"""

    test = np.linspace(-0.95, 0.95, 191)

    @staticmethod
    def draw(seed: int) -> tuple[Array, Array]:
        r = np.random.default_rng(1000 + seed)
        x = r.uniform(-1, 1, 14)
        return x, np.cos(2.5 * x) + 0.3 * r.normal(size=14)

    @staticmethod
    def fit(x: Array, y: Array, degree: int = 11, l2: float = 1e-9) -> Array:
        a = powers(x, degree)
        w: Array = np.linalg.solve(a.T @ a + l2 * np.eye(degree + 1), a.T @ y)
        return w

    @staticmethod
    def fit_l1(x: Array, y: Array, l1: float = 0.4) -> Array:
        a, w = powers(x, 11), np.zeros(12)
        for _ in range(400):  # one coordinate at a time
            for k in range(12):
                c = a[:, k] @ (y - a @ w + a[:, k] * w[k])
                w[k] = math.copysign(max(abs(c) - l1, 0), c) / (a[:, k] @ a[:, k])
        return w

    def error(self, w: Array) -> float:
        return float(np.mean((powers(self.test, len(w) - 1) @ w - np.cos(2.5 * self.test)) ** 2))

    def medians(self, fit: Callable[[Array, Array], Array], runs: int = 15) -> tuple[float, float]:
        train, test = [], []
        for seed in range(runs):
            x, y = self.draw(seed)
            w = fit(x, y)
            train.append(np.mean((powers(x, len(w) - 1) @ w - y) ** 2))
            test.append(self.error(w))
        return float(np.median(train)), float(np.median(test))

    def test_l1_l2_augmentation_and_a_simpler_model_each_reduce_overfitting(self) -> None:
        train, test = self.medians(self.fit)
        assert test > 10 * train  # it overfits
        remedies = {
            "L2": lambda x, y: self.fit(x, y, l2=0.1),
            "L1": self.fit_l1,
            "simpler": lambda x, y: self.fit(x, y, degree=3),
            "mirrored": lambda x, y: self.fit(np.append(x, -x), np.append(y, y)),
        }
        for name, fit in remedies.items():
            fitted, unseen = self.medians(fit)
            assert fitted > train and unseen < 0.2 < test, name

    def test_augmentation_must_keep_the_label(self) -> None:
        keeps = self.medians(lambda x, y: self.fit(np.append(x, -x), np.append(y, y)))
        changes = self.medians(lambda x, y: self.fit(np.append(x, -x), np.append(y, -y)))
        assert changes[1] > 3 * keeps[1]

    def test_cross_validation_prevents_nothing_by_itself_but_guides_a_choice(self) -> None:
        def validated(x: Array, y: Array, l2: float) -> float:
            folds = [np.arange(len(x)) % 7 == k for k in range(7)]
            held_out = (powers(x[k], 11) @ self.fit(x[~k], y[~k], l2=l2) - y[k] for k in folds)
            return float(np.mean(np.concatenate(list(held_out)) ** 2))

        grid, plain, chosen = [1e-9, 1e-3, 1e-2, 1e-1, 1.0], [], []
        for seed in range(15):
            x, y = self.draw(seed)
            before = self.fit(x, y)
            scores = [validated(x, y, l2) for l2 in grid]
            assert np.array_equal(self.fit(x, y), before)  # the model is as overfitted as it was
            assert scores[0] > np.mean((powers(x, 11) @ before - y) ** 2)  # which the measure reveals
            plain.append(self.error(before))
            chosen.append(self.error(self.fit(x, y, l2=grid[int(np.argmin(scores))])))
        assert np.median(chosen) < np.median(plain) / 2


METHODS: dict[str, Callable[..., Any]] = {
    "SGD": optim.SGD,
    "AdaGrad": optim.Adagrad,
    "RMSprop": optim.RMSprop,
    "Adam": optim.Adam,
    "Adadelta": optim.Adadelta,
}


class Contest:
    """Logistic regression, two passes in batches of 32; the test loss of each method at its best rate of the grid."""

    def __init__(self, kind: str, seed: int, n: int, features: int, rates: dict[str, list[float]]) -> None:
        r, self.rates = np.random.default_rng(seed), rates
        if kind == "sparse":
            p = 1 / np.arange(1, features + 1)
            x, true = r.multinomial(17, p / p.sum(), n).astype(float), r.normal(size=features)
        else:
            scales = np.logspace(0, -2, features) if kind == "scaled" else np.ones(features)
            x, true = r.normal(size=(n, features)) * scales, 1.5 * r.normal(size=features) / scales / features**0.5
        z = x @ true
        self.x, self.y = np.hstack([x, np.ones((n, 1))]), (r.random(n) < sigmoid(z - z.mean())).astype(float)
        self.cut = n * 4 // 5

    def loss(self, method: str, lr: float, batch: int = 32) -> float:
        w = tensor(np.zeros(self.x.shape[1]), requires_grad=True)
        optimizer, r = METHODS[method]([w], lr=lr), np.random.default_rng(1)
        for _ in range(2):
            order = r.permutation(self.cut)
            for k in range(0, self.cut, batch):
                x, y = self.x[order[k : k + batch]], self.y[order[k : k + batch]]
                w.grad = tensor((sigmoid(x @ w.data) - y) @ x / len(y))
                optimizer.step()
        z = self.x[self.cut :] @ w.data
        return float(np.mean(np.logaddexp(0, z) - self.y[self.cut :] * z))

    def best(self, method: str, batch: int = 32, more: tuple[float, ...] = ()) -> float:
        return min(self.loss(method, lr, batch) for lr in [*self.rates[method], *more])


def decide_the_optimizers(seed: int, n: int, sparse: int, dense: int, rates: dict[str, list[float]]) -> None:
    rare, even, scaled = (
        Contest(kind, seed, n, f, rates) for kind, f in (("sparse", sparse), ("dense", dense), ("scaled", dense))
    )
    # D25, SGD 适用于小数据集: what makes it stochastic is what makes it fit for large data
    sgd, adam = rare.best("SGD"), rare.best("Adam")
    assert rare.best("SGD", batch=n, more=(10,)) > sgd + 0.05
    # D25, 收敛速度较慢: on ill-conditioned data, not on well-conditioned. D26, Adam … 稠密: density isn't what it needs
    assert abs(even.best("SGD") - even.best("Adam")) < 0.01
    assert adam < sgd - 0.02 and scaled.best("Adam") < scaled.best("SGD") - 0.02
    # D27, RMSprop … 稀疏, against Adam … 稠密: the two don't differ on sparse data, and AdaGrad is as good or better
    rmsprop, adagrad = rare.best("RMSprop"), rare.best("AdaGrad")
    assert abs(rmsprop - adam) < 0.015 and adagrad < min(rmsprop, adam) + 0.01
    # D28, Adadelta … 可以处理极端稀疏问题: AdaGrad does that
    assert adagrad < rare.best("Adadelta") - 0.01
    assert abs(rare.loss("Adadelta", 0.001) - math.log(2)) < 0.01 < rare.loss("Adadelta", 1.0) - adagrad - 0.05


def test_d18_d25_to_d28_none_of_the_recommendations_for_optimizers_stands() -> None:
    """SGD 适用于小数据集和简单模型; Adam 稠密; RMSprop 稀疏; Adadelta 极端稀疏问题"""
    rates = {
        "SGD": [0.1, 0.3, 1],
        "AdaGrad": [0.1, 0.3],
        "RMSprop": [0.003, 0.03],
        "Adam": [0.01, 0.03],
        "Adadelta": [10, 30],
    }
    decide_the_optimizers(1, 5000, 500, 50, rates)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_d18_d25_to_d28_the_same_on_more_data_with_a_wider_grid(seed: int) -> None:
    fine = [0.0003, 0.001, 0.003, 0.01, 0.03]
    coarse = [0.01, 0.03, 0.1, 0.3, 1, 3]
    rates = {"SGD": coarse, "AdaGrad": coarse, "RMSprop": fine, "Adam": fine, "Adadelta": [0.3, 1, 3, 10, 30]}
    decide_the_optimizers(seed, 10_000, 800, 100, rates)


@pytest.mark.slow
def test_the_rates_that_document_py_uses_are_the_best_of_a_grid() -> None:
    factors = (0.1, 0.3, 1, 3, 10)
    for method, rates in document.RATES.items():
        for kind, lr in rates.items():
            losses = {f: document.held_out_nll(kind, method, lr * f) for f in factors}
            assert losses[1] < min(losses.values()) + 0.003, (method, kind, losses)


@given(st.integers(1, 60), SEEDS)
def test_d27_rmsprop_is_adam_without_momentum_and_bias_correction(steps: int, seed: int) -> None:
    """RMSprop 类似于Adam，但在学习率自适应方面有所不同"""
    gradients = np.random.default_rng(seed).normal(size=(steps, 4))
    a, r = (tensor(np.zeros(4), requires_grad=True) for _ in range(2))
    adam = optim.Adam([a], lr=0.01, betas=(0.0, 0.99), eps=0.0)
    rmsprop = optim.RMSprop([r], lr=0.01, alpha=0.99, eps=0.0)
    for t, g in enumerate(gradients, 1):
        before = a.numpy(), r.numpy()
        a.grad, r.grad = tensor(g), tensor(g)
        adam.step(), rmsprop.step()
        correction = math.sqrt(1 - 0.99**t)
        assert np.allclose(a.numpy() - before[0], (r.numpy() - before[1]) * correction, rtol=1e-7, atol=1e-12)


def test_d26_adam_has_momentum_and_adapts_its_rate() -> None:
    """结合了动量项和自适应学习率"""
    w = tensor(np.zeros(2), requires_grad=True)
    adam = optim.Adam([w], lr=0.01)
    w.grad = tensor(np.array([1e-3, 1e3]))
    adam.step()
    first = w.numpy()
    assert np.allclose(first, -0.01, rtol=1e-4)  # a million times the gradient, the same step
    w.grad = tensor(np.zeros(2))
    adam.step()
    assert np.all(w.numpy() < first)  # no gradient any more, and it moves on


@pytest.mark.parametrize("n", [1_000, 100_000])
def test_d25_the_cost_of_a_step_does_not_depend_on_the_size_of_the_data(n: int) -> None:
    """SGD 适用于小数据集"""
    x = np.ones((n, 3))
    batch = next(iter(data.batches(data.Dataset(x, x[:, 0]), 32, seed=0)))
    assert batch[0].shape == (32, 3)  # what a step multiplies; the full batch has n rows


# ---- sections 1, 2 and 4: neurons and the two programs ----


@given(st.lists(st.integers(1, 6), min_size=5, max_size=5), SEEDS)
def test_d29_layers_without_activations_are_one_affine_map(widths: list[int], seed: int) -> None:
    """用于引入非线性变换"""
    r = np.random.default_rng(seed)
    layers = [(r.normal(size=s), r.normal(size=s[1])) for s in itertools.pairwise(widths)]

    def network(x: Array, activation: Callable[[Array], Array]) -> Array:
        for w, b in layers:
            x = activation(x @ w + b)
        return x

    x, zero, eye = r.normal(size=(7, widths[0])), np.zeros((1, widths[0])), np.eye(widths[0])
    b = network(zero, lambda z: z)
    w = network(eye, lambda z: z) - b
    assert np.allclose(network(x, lambda z: z), x @ w + b, atol=1e-9 * (1 + np.abs(w).max()))
    layers = [(w / 2, b / 2) for w, b in [(normal(3, 4), normal(4)), (normal(4, 2), normal(2))]]
    x, zero, eye = normal(7, 3), np.zeros((1, 3)), np.eye(3)
    b = network(zero, np.tanh)
    assert not np.allclose(network(x, np.tanh), x @ (network(eye, np.tanh) - b) + b, atol=1e-2)


@given(hnp.arrays(np.float64, 3, elements=NUMBERS))
def test_d30_without_a_bias_a_neuron_gives_a_half_at_zero(w: Array) -> None:
    """每个神经元接收多个输入信号，通过加权求和后经过一个激活函数输出一个结果"""
    assert F.sigmoid(np.zeros((1, 3)) @ w)[0] == 0.5
    assert F.sigmoid(np.zeros((1, 3)) @ w + 1.0)[0] > 0.7


def test_d32_a_gradient_written_as_a_row_makes_a_matrix_of_a_column() -> None:
    """∇f(x) = [∂f/∂x₁, …, ∂f/∂x_n]"""
    x, row = np.ones((3, 1)), np.ones((1, 3))
    assert (x - 0.1 * row).shape == (3, 3)
    report = gradcheck(lambda x: np.sum(x * x), x, grad=lambda x: 2 * x.T)
    assert report.verdict == "wrong" and "shape" in [code for code, _ in report.causes]
    is_right(lambda x: np.sum(x * x), x, grad=lambda x: 2 * x)


GRID = np.linspace(-3, 3, 50)
TARGET = sigmoid(2 * GRID - 1)


def neurons(lr: float, w: Array, b: Array, steps: int = 1000) -> tuple[Array, Array, Array]:
    """Program 1 in plain NumPy, for many starts at once: σ(wx + b), MSE, Adam as its paper writes it."""
    m, v, p = np.zeros((2, len(w))), np.zeros((2, len(w))), np.stack([w, b])
    for t in range(1, steps + 1):
        s = sigmoid(p[0][:, None] * GRID + p[1][:, None])
        e = 2 * (s - TARGET) * s * (1 - s)
        g = np.stack([np.mean(e * GRID, 1), np.mean(e, 1)])
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return p[0], p[1], np.mean((sigmoid(p[0][:, None] * GRID + p[1][:, None]) - TARGET) ** 2, axis=1)


class TestD33:
    """直到达到预设的训练目标"""

    def test_1000_steps_at_adams_default_rate_reach_no_goal(self) -> None:
        w, b = np.random.default_rng(5).standard_normal(200), np.zeros(200)
        end_w, end_b, loss = neurons(0.001, w, b)
        assert max(np.abs(end_w - w).max(), np.abs(end_b - b).max()) < 1.6
        assert np.abs(end_w - 2).min() > 0.1 and 0.05 < loss.mean() < 0.09 and 0.01 < np.median(loss) < 0.05
        assert neurons(0.05, w, b)[2].max() < 1e-6

    def test_tinydls_program_takes_the_same_path(self) -> None:
        w, b = tensor(np.array([0.5]), requires_grad=True), tensor(np.zeros(1), requires_grad=True)
        adam = optim.Adam([w, b], lr=0.001)
        for _ in range(1000):
            adam.zero_grad()
            F.mse_loss(F.sigmoid(w * GRID + b), TARGET).backward()
            adam.step()
        assert (round(w.item(), 5), round(b.item(), 5)) == (1.14039, -0.51708)
        ours = neurons(0.001, np.array([0.5]), np.zeros(1))
        assert np.allclose([w.item(), b.item()], [ours[0][0], ours[1][0]], rtol=1e-9)

    def test_a_column_of_predictions_and_flat_targets_learn_the_mean(self) -> None:
        w, b = 0.5, 0.0
        for _ in range(4000):  # every prediction against every target: as if nothing were known of x
            s = sigmoid(w * GRID + b)[:, None]
            e = np.mean(2 * (s - TARGET), axis=1) * (s * (1 - s))[:, 0]
            w, b = w - 0.5 * np.mean(e * GRID), b - 0.5 * np.mean(e)
        spread = (sigmoid(w * GRID + b)[:, None] - TARGET) ** 2
        assert spread.shape == (50, 50) and abs(w) < 1e-6 and math.isclose(np.mean(spread), TARGET.var(), rel_tol=1e-9)
        with pytest.raises(ValueError):
            F.mse_loss(tensor(TARGET[:, None]), TARGET)


def test_d34_a_weighted_sum_is_a_matrix_product() -> None:
    """输入数据通过一个权重和偏置进行加权求和"""
    x, w = normal(5, 3), normal(3, 1, seed=1)
    assert (w[:, 0] * x).shape == (5, 3) and (x @ w).shape == (5, 1)
    assert np.allclose(x @ w, (w[:, 0] * x).sum(1, keepdims=True))
    assert np.array_equal(w[0] * x[:, :1], x[:, :1] @ w[:1])  # one input hides the difference


class TestD35:
    """我们使用均方误差作为损失函数"""

    @given(st.floats(-30, 30), st.floats(-10, 10))
    def test_cross_entropy_is_convex_in_the_weight(self, w: float, b: float) -> None:
        s = sigmoid(w * GRID + b)
        assert np.mean(GRID**2 * s * (1 - s)) >= 0
        bce = lambda w: np.mean(np.logaddexp(0, w * GRID + b) - TARGET * (w * GRID + b))
        assert bce(w + 0.5) - 2 * bce(w) + bce(w - 0.5) >= -1e-12

    def test_squared_error_is_not_and_is_flat_where_the_neuron_is_wrong(self) -> None:
        mse = lambda w: np.mean((sigmoid(w * GRID) - TARGET) ** 2)
        bce = lambda w: np.mean(np.logaddexp(0, w * GRID) - TARGET * w * GRID)
        h = 1e-3
        assert (mse(-1 + h) - 2 * mse(-1) + mse(-1 - h)) / h**2 < -0.2
        slopes = [abs(f(-8 + h) - f(-8 - h)) / (2 * h) for f in (mse, bce)]
        assert slopes[0] < 0.01 and slopes[1] > 1

    @given(st.floats(-700, 700), st.floats(1.01, 10))
    def test_targets_outside_0_to_1_cannot_be_fitted(self, z: float, target: float) -> None:
        assert (sigmoid(z) - target) ** 2 >= (1 - target) ** 2 and (sigmoid(z) - (1 - target)) ** 2 >= (1 - target) ** 2


PRINTED = 0.0005564296807308625


def least_squares(x: Array, y: Array) -> tuple[Array, float]:
    a = np.stack([x, np.ones_like(x)], 1)
    line = np.linalg.lstsq(a, y, rcond=None)[0]
    return line, float(np.mean((a @ line - y) ** 2))


def keras_program(x: Array, y: Array, w: float, seed: int, epochs: int = 100) -> tuple[float, float]:
    """Program 2 in plain NumPy: SGD(0.01) on the MSE of batches of 10, shuffled every epoch, the bias from 0."""
    r, b = np.random.default_rng(seed), 0.0
    for _ in range(epochs):
        order = r.permutation(100)
        for k in range(0, 100, 10):
            xb, yb = x[order[k : k + 10]], y[order[k : k + 10]]
            e = w * xb + b - yb
            w, b = w - 0.01 * 2 * float(e @ xb) / 10, b - 0.01 * 2 * float(e.sum()) / 10
    return w, b


@pytest.fixture(scope="module")
def runs() -> list[dict[str, float]]:
    found = []
    for seed in range(40):
        x, y = line_data(seed)
        w, b = keras_program(x, y, float(np.random.default_rng(seed).uniform(-(3**0.5), 3**0.5)), seed)
        apart = np.abs(w * x + b - y)
        (slope, _), least = least_squares(x, y)
        half, one = float(np.mean(apart > 0.5)), float(np.mean(apart > 1))
        found.append(
            {"w": w, "b": b, "mse": float(np.mean(apart**2)), "least": least, "half": half, "one": one, "slope": slope}
            | {"r2": float(1 - np.mean(apart**2) / y.var()), "best_r2": float(1 - least / y.var())}
        )
    return found


def mean(runs: list[dict[str, float]], name: str) -> float:
    return float(np.mean([r[name] for r in runs]))


class TestD22:
    """最终损失：0.0005564296807308625"""

    @given(st.integers(0, 199), NUMBERS, NUMBERS)
    def test_no_line_does_better_than_least_squares(self, seed: int, w: float, b: float) -> None:
        x, y = line_data(seed)
        assert np.mean((w * x + b - y) ** 2) >= least_squares(x, y)[1] > 0.5 > PRINTED

    def test_the_least_mse_is_chi_squared_of_98_over_100(self) -> None:
        least = np.array([least_squares(*line_data(seed))[1] for seed in range(1000)])
        assert abs(least.mean() - 0.98) < 4 * 0.14 / 1000**0.5 and abs(least.std() - 0.14) < 0.014
        residual = np.array([least_squares(line_data(3)[0], noise)[1] for noise in normal(1000, 100)])
        assert abs(residual.mean() - 0.98) < 0.02  # whatever the line is, only the noise matters

    def test_the_printed_number_is_impossible(self) -> None:
        v = 100 * PRINTED  # P(χ²₉₈ ≤ v) = e^(−v/2)·Σ_{i≥49} (v/2)^i/i!, within a factor of e^(v/2) of its first term
        first = (49 * math.log(v / 2) - math.lgamma(50)) / math.log(10)
        assert -140 < first - v / 2 / math.log(10) < first < -138

    def test_nor_could_keras_return_it_as_a_float32(self) -> None:
        assert float(np.float32(PRINTED)) != PRINTED and float(np.float32(PRINTED)) == 0.0005564296734519303

    def test_training_ends_just_above_the_least(self, runs: list[dict[str, float]]) -> None:
        assert all(r["mse"] > r["least"] > 0.5 for r in runs)
        assert 0.005 < mean(runs, "mse") - mean(runs, "least") < 0.03

    def test_without_the_noise_it_could_be(self) -> None:
        losses = []
        for seed in range(30):
            x, y = line_data(seed, noise=0.0)
            w, b = keras_program(x, y, float(np.random.default_rng(seed).uniform(-(3**0.5), 3**0.5)), seed)
            losses.append(np.mean((w * x + b - y) ** 2))
        assert 0.004 < np.mean(losses) < 0.03 and 0 < np.mean(np.array(losses) <= PRINTED) < 0.5


class TestD23:
    """模型预测的数据点与实际数据点非常接近"""

    def test_most_points_are_far_from_the_line(self, runs: list[dict[str, float]]) -> None:
        assert 0.57 < mean(runs, "half") < 0.67 and 0.27 < mean(runs, "one") < 0.37
        assert 0.18 < mean(runs, "r2") < mean(runs, "best_r2") < 0.32  # ¼ in the population: 1 − 1/(4/12 + 1)

    def test_nor_is_the_line_close_to_the_true_one(self, runs: list[dict[str, float]]) -> None:
        assert 1.5 < mean(runs, "w") < 1.9 and 1.05 < mean(runs, "b") < 1.3 and mean(runs, "slope") > 1.85

    def test_because_the_slow_mode_keeps_a_quarter_of_its_error(self) -> None:
        left = (1 - 0.01 * 2 * SLOW / 100) ** 1000
        assert 0.2 < left < 0.35

    def test_tinydls_program_takes_the_same_path(self) -> None:
        w, b = tensor(np.array(0.4), requires_grad=True), tensor(np.zeros(()), requires_grad=True)
        optimizer, r = optim.SGD([w, b], lr=0.01), np.random.default_rng(0)
        for _ in range(10):
            order = r.permutation(100)
            for k in range(0, 100, 10):
                i = order[k : k + 10]
                optimizer.zero_grad()
                F.mse_loss(w * X[i] + b, Y[i]).backward()
                optimizer.step()
        assert np.allclose([w.item(), b.item()], keras_program(X, Y, 0.4, 0, epochs=10), rtol=1e-12)


class TestD24:
    """tf.random.set_seed(42): 设置随机种子，保证实验可复现"""

    def test_seeding_one_generator_leaves_the_others_as_they_are(self) -> None:
        draws, before = [], np.random.get_state()
        try:
            np.random.seed(None)
            for _ in range(2):
                with random.seeded(42):
                    draws.append((random.generator().random(), np.random.rand()))
        finally:
            np.random.set_state(before)
        assert draws[0][0] == draws[1][0] and draws[0][1] != draws[1][1]

    def test_fixed_data_alone_do_not_fix_the_result_and_fixed_weights_do(self) -> None:
        final = lambda w: np.mean((np.stack(keras_program(X, Y, w, 0)) @ np.stack([X, np.ones(100)]) - Y) ** 2)
        assert abs(final(0.402) - final(-1.2)) > 1e-3 and final(0.402) == final(0.402)


def test_d36_a_loss_on_the_training_data_is_not_one_on_test_data() -> None:
    """模型在测试数据集上的最终损失"""
    train, test = [], []
    for seed in range(300):
        (w, b), least = least_squares(*line_data(seed))
        x, y = line_data(10_000 + seed)
        train.append(least)
        test.append(np.mean((w * x + b - y) ** 2))
    assert abs(np.mean(train) - 0.98) < 0.03 and abs(np.mean(test) - 1.02) < 0.03 and np.mean(train) < np.mean(test)


def test_d37_100_epochs_are_1000_iterations() -> None:
    """训练的迭代次数（epochs）"""
    examples = data.Dataset(X[:, None], Y)
    assert sum(1 for epoch in range(100) for _ in data.batches(examples, 10, seed=epoch)) == 1000


@given(st.floats(1e-3, 1e3))
def test_d38_an_mse_means_something_only_beside_a_baseline(unit: float) -> None:
    """这个损失值表示模型在训练过程中达到了较好的拟合效果"""
    (_, plain), (_, scaled) = least_squares(X, Y), least_squares(X, unit * Y)
    assert math.isclose(scaled, unit**2 * plain, rel_tol=1e-9)  # any number one likes
    assert math.isclose(1 - scaled / (unit * Y).var(), 1 - plain / Y.var(), rel_tol=1e-9)


def test_d38_the_constant_predictor_has_four_thirds() -> None:
    variances = [line_data(seed)[1].var() for seed in range(500)]
    assert abs(np.mean(variances) - (4 / 12 + 1) * 99 / 100) < 0.03


# ---- claims about models and their use ----


def compressed(w: Array) -> tuple[Array, Array, Array]:
    rows, columns = np.nonzero(w)
    starts = np.searchsorted(rows, np.arange(len(w) + 1)).astype(np.int32)
    return w[rows, columns], columns.astype(np.int32), starts


class TestD46:
    """模型剪枝、量化、知识蒸馏等方法，减少模型大小，提高推理速度"""

    @staticmethod
    def pruned(zeros: float, n: int = 400) -> Array:
        r = np.random.default_rng(0)
        w: Array = np.where(r.random((n, n)) < zeros, 0, r.normal(size=(n, n))).astype(np.float32)
        return w

    def test_zeros_in_a_dense_matrix_save_neither_bytes_nor_operations(self) -> None:
        assert self.pruned(0.9).nbytes == self.pruned(0.0).nbytes == 400 * 400 * 4
        assert self.pruned(0.9).size == self.pruned(0.0).size  # the products of w @ x

    def test_a_sparse_format_saves_both_once_there_are_enough_zeros(self) -> None:
        for zeros, share in ((0.4, 1.2), (0.9, 0.2), (0.99, 0.02)):
            w = self.pruned(zeros)
            values, columns, starts = compressed(w)
            size = sum(part.nbytes for part in (values, columns, starts))
            assert abs(size / w.nbytes - share) < 0.02 and abs(len(values) / w.size - (1 - zeros)) < 0.01
            assert size == document.sparse_bytes(len(values), 400)
            x, rows = normal(400), np.repeat(np.arange(400), np.diff(starts))
            assert np.allclose(np.bincount(rows, values * x[columns], 400), w @ x, atol=1e-4)

    def test_quantisation_quarters_the_bytes_and_keeps_the_number_of_operations(self) -> None:
        w = self.pruned(0.0)
        scale = np.abs(w).max() / 127
        q = np.round(w / scale).astype(np.int8)
        assert q.nbytes * 4 == w.nbytes and q.size == w.size and np.abs(q * scale - w).max() <= scale / 2 * 1.001


class TestD47:
    """将大模型拆分成多个小模型，并行执行，可以加速推理过程"""

    stages = st.lists(st.integers(1, 50), min_size=1, max_size=6)

    @given(stages, st.integers(0, 20), st.integers(1, 30))
    def test_a_pipeline_multiplies_throughput_but_no_request_is_faster(self, t: list[int], c: int, n: int) -> None:
        done = document.pipeline([float(v) for v in t], float(c), n)
        latency = sum(t) + c * (len(t) - 1)
        assert done == [latency + r * max(t) for r in range(n)]  # of the closed form for a line of machines
        assert latency >= sum(t)  # one machine's answer to one request

    @given(st.integers(2, 8), st.integers(10, 50))
    def test_splitting_inside_the_layers_can_cut_latency(self, machines: int, t: int) -> None:
        layers, transfer = 4, 0.1
        assert layers * (t / machines + transfer) < layers * t


# ---- the table ----


def printed(encoding: str, *ids: str) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict", write_through=True)
    document.print_table(ids, file)
    return raw.getvalue().decode(encoding)


def test_the_table_has_every_row_once_in_order() -> None:
    assert [r.id for r in document.ROWS] == [f"D{i}" for i in range(1, 54)]
    assert all(r.quote and r.gloss and r.verdict and r.truth for r in document.ROWS)


def test_every_row_that_a_computation_can_decide_has_evidence() -> None:
    prose = {"D19", "D20", "D21", "D31", "D39", "D40", "D41", "D43", "D44", "D45", *(f"D{i}" for i in range(48, 54))}
    assert {r.id for r in document.ROWS if r.evidence is None} == prose


SLOWER = {"D15", "D17", "D18", "D25", "D26", "D27", "D28"}


@pytest.mark.parametrize("left_out", [SLOWER, pytest.param(set(), marks=pytest.mark.slow)])
def test_the_whole_table_prints_on_an_ascii_terminal(left_out: set[str]) -> None:
    ids = [r.id for r in document.ROWS if r.id not in left_out]
    text = printed("ascii", *ids)
    assert text.count("\n  measured ") == len(ids) and text.count("not decided by a computation") == 16
    assert "dJ/dw" in text and "nan" not in text.replace("ReLU(NaN)", "").replace("np.maximum: nan", "")


def test_rows_are_chosen_by_id_in_any_case() -> None:
    text = printed("utf-8", "d12", "D11")
    assert text.index("D11  FAILS") < text.index("D12  FAILS") and "∂J/∂w = Σ(y_i − (w x_i + b))·x_i" in text
    assert text.count("wrong (sign)") == 2 and "D13" not in text


def test_an_unknown_id_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no row D99; its rows are D1 to D53"):
        printed("utf-8", "D99")
