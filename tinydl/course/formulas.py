"""The source article's section 3, its formulas: each judged by gradcheck, or counted out.

A wrong formula is shown as what it is, an error that a check finds. How evidence is given to a row of document.txt
stands here too; document.py, to be read next, measures the article's claims and prints the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from ..checking.gradcheck import gradcheck
from ..engine.arrays import Array

Evidence = Callable[[], str]
measured: dict[str, Evidence] = {}  # row by row, what measures when called the numbers that decide it


def evidence(id: str) -> Callable[[Evidence], Evidence]:
    """Make the function decorated the evidence of a row of document.txt, where its words are."""

    def add(measure: Evidence) -> Evidence:
        measured[id] = measure
        return measure

    return add


def judge(f: Callable[..., Any], *inputs: Any, **rule: Any) -> str:
    """What gradcheck says of a rule, in a few words: "right", or "wrong (sign)"."""
    report = gradcheck(f, *inputs, **rule)
    return str(report.verdict) + (f" ({report.causes[0][0]})" if report.causes else "")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


# ---- section 3: linear algebra ----


@evidence("D1")
def product_of_matrices() -> str:
    a, b = rng().normal(size=(3, 3)), rng(1).normal(size=(3, 3))
    hadamard = judge(np.matmul, a, b, vjp=lambda g, a, b: (g * b, a * g))
    true = judge(np.matmul, a[:2], b, vjp=lambda g, a, b: (g @ b.T, a.T @ g))
    column, line, diagonal = a[:, :1], b[:1], np.diag(a[0])
    return (
        f"3×3: max|A*B − AB| = {np.abs(a * b - a @ b).max():.2f}; gradcheck of its gradients: {hadamard}; of C̄Bᵀ, "
        f"AᵀC̄ on (2,3)(3,3): {true}. Right by accident for n = 1 ({np.array_equal(column * line, column @ line)}) and "
        f"for diagonal matrices ({np.array_equal(diagonal * diagonal, diagonal @ diagonal)})."
    )


@evidence("D2")
def frobenius() -> str:
    x = rng().normal(size=(2, 3))

    def norm(x: Array) -> Any:
        return np.sqrt(np.sum(x * x))

    slopes = [norm(h * np.ones((2, 2))) / h for h in (1e-9, -1e-9)]
    return (
        f"2X for ‖X‖²: {judge(lambda x: np.sum(x * x), x, grad=lambda x: 2 * x)}; 2X for ‖X‖: "
        f"{judge(norm, x, grad=lambda x: 2 * x)}; X/‖X‖: {judge(norm, x, grad=lambda x: x / np.sqrt(np.sum(x * x)))}; "
        f"slopes of ‖X‖ at 0 along the 2×2 of ones: {slopes[0]:+.0f} and {slopes[1]:+.0f}."
    )


@evidence("D3")
def gram() -> str:
    def gram(x: Array) -> Array:
        return x.T @ x

    tall, square = rng().normal(size=(5, 3)), rng().normal(size=(3, 3))
    right = [
        judge(gram, rng().normal(size=s), vjp=lambda g, x: x @ (g + g.T)) for s in ((5, 3), (3, 5), (3, 3), (1, 3))
    ]
    h = 1e-6
    along = (gram(square + h * np.eye(3)) - gram(square - h * np.eye(3))) / (2 * h)
    return (
        f"X(G + Gᵀ) on 5×3, 3×5, 3×3, 1×3: {', '.join(right)}. X + Xᵀ: on 3×3 "
        f"{judge(gram, square, vjp=lambda g, x: x.T + x)}, for tr XᵀX "
        f"{judge(lambda x: np.sum(x * x), square, grad=lambda x: x.T + x)}, for 5×3 undefined; it is only the "
        f"directional derivative along I (difference {np.abs(along - square - square.T).max():.0e}). 2XG, right for "
        f"symmetric G alone: {judge(gram, tall, vjp=lambda g, x: 2 * x @ g)}. [Xᵀ, X] has shape "
        f"{np.hstack([square.T, square]).shape}."
    )


# ---- section 3: calculus ----


@evidence("D4")
def gradient() -> str:
    x = rng().normal(size=4)
    return f"Σ x³, partials 3x²: {judge(lambda x: np.sum(x**3), x, grad=lambda x: np.stack([3 * v * v for v in x]))}."


@evidence("D5")
def difference_quotient() -> str:
    draw, eps = rng(), np.finfo(float).eps
    x, h = draw.uniform(-5, 5, 20_000), 10 ** draw.uniform(-12, -1, 20_000)
    top, step = np.exp(x + h), (x + h) - x
    two = h * top / 2 + eps * top / h
    three = two + eps * np.abs(x + h) * top / (2 * h)
    error, honest = (np.abs((top - np.exp(x)) / d - np.exp(x)) for d in (h, step))
    best = [min(2.0**k for k in range(-48, 0) if quotient_error(2.0**k, c) == best_error(c)) for c in (False, True)]
    square = ((1e9 + eps**0.5) ** 2 - 1e9**2) / eps**0.5
    return (
        f"exp, 20,000 random (x, h): the bound without its third term is broken by {np.mean(error > two):.1%}, up to "
        f"{np.max(error / two):.1f}×; with it by {np.mean(error > three):.1%}; dividing by (x+h)−x by "
        f"{np.mean(honest > two):.1%}. exp at 1: best forward error {best_error(False):.0e} at h = {best[0]:.0e}, "
        f"central {best_error(True):.0e} at {best[1]:.0e}. (x²)′ at 1e9 with h = √ε: {square:.0f}. relu′ at 0, "
        f"central: {(max(1e-6, 0) - max(-1e-6, 0)) / 2e-6}."
    )


def quotient_error(h: float, central: bool) -> float:
    """Relative error of the difference quotient of exp at 1."""
    below = 1 - h if central else 1.0
    return abs((math.exp(1 + h) - math.exp(below)) / ((1 + h) - below) / math.e - 1)


def best_error(central: bool) -> float:
    return min(quotient_error(2.0**k, central) for k in range(-48, 0))


# ---- section 3: probability ----


@evidence("D6")
def bernoulli() -> str:
    z, y = rng().normal(size=5), np.array([0.0, 1, 1, 0, 1])
    loss = lambda z: -np.sum(y * np.log(sigmoid(z)) + (1 - y) * np.log(1 - sigmoid(z)))
    return f"gradient σ(z) − y of −log P: {judge(loss, z, grad=lambda z: sigmoid(z) - y)}."


def binomial(n: int, k: int, p: float) -> float:
    return math.comb(n, k) * p**k * (1 - p) ** (n - k)


def counts(n: int, categories: int) -> list[tuple[int, ...]]:
    """All ways to put n draws into the categories."""
    return [k for k in product(range(n + 1), repeat=categories) if sum(k) == n]


@evidence("D7")
def multinomial() -> str:
    n, p = 5, (0.2, 0.3, 0.5)
    true = article = 0.0
    for k in counts(n, 3):
        pairs = list(zip(k, p, strict=True))
        true += math.factorial(n) * math.prod(q**c / math.factorial(c) for c, q in pairs)
        article += math.prod(binomial(n, c, q) for c, q in pairs)
    return (
        f"n = 5: the formula sums to {sum(binomial(n, k, 0.3) for k in range(n + 1)):.3f} over two categories, and "
        f"used per category, p = (.2, .3, .5), to {article:.3f}; the multinomial to {true:.3f}."
    )


@evidence("D8")
def normal() -> str:
    y, variance = rng().normal(size=5), 4.0
    loss = lambda m: np.sum((y - m) ** 2 / (2 * variance) + 0.5 * np.log(2 * np.pi * variance))
    return f"gradient −(y − m)/σ²: {judge(loss, y[::-1].copy(), grad=lambda m: -(y - m) / variance)}."


@evidence("D9")
def conditional() -> str:
    joint = rng().dirichlet(np.ones(12)).reshape(3, 4)
    given = joint / joint.sum(0)
    return (
        f"random 3×4 table: Σ_X P(X|Y) is 1 to {np.abs(given.sum(0) - 1).max():.0e}, Σ_Y P(X|Y)P(Y) is P(X) to "
        f"{np.abs((given * joint.sum(0)).sum(1) - joint.sum(1)).max():.0e}."
    )


# ---- section 3: linear regression by gradient descent ----


def line_data(seed: int, noise: float = 1.0) -> tuple[Array, Array]:
    """The article's data: 100 points, x uniform in [0, 1), y = 2x + 1 + noise."""
    draw = np.random.RandomState(seed)
    x = draw.rand(100)
    return x, 2 * x + 1 + noise * draw.randn(100)


def half_sum(w: Any, b: Any, x: Array, y: Array) -> Any:
    """J = ½Σ(y − (wx + b))²"""
    return 0.5 * np.sum((y - (w * x + b)) ** 2)


def slopes(w: Any, b: Any, x: Array, y: Array, sign_w: float = -1.0, sign_b: float = -1.0) -> tuple[Any, Any]:
    """∂J/∂w and ∂J/∂b; signs of +1 are the article's."""
    r = y - (w * x + b)
    return sign_w * np.sum(r * x), sign_b * np.sum(r)


def descend(alpha: float, steps: int, *signs: float) -> list[float]:
    """J before and after each step from w = b = 0, on seed 0's data, by the slopes with these signs."""
    (x, y), w, b = line_data(0), 0.0, 0.0
    path = [half_sum(w, b, x, y)]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps):
            dw, db = slopes(w, b, x, y, *signs)
            w, b = w - alpha * dw, b - alpha * db
            path.append(half_sum(w, b, x, y))
    return [float(j) for j in path]


@evidence("D10")
def half_the_sum() -> str:
    x, y = line_data(0)
    low, high = np.linalg.eigvalsh(np.array([[x @ x, x.sum()], [x.sum(), len(x)]]))
    on_mse, on_j = 0.02 / 50, 0.02  # a rate on the MSE of 100 points is 50 times weaker than on J
    return (
        f"100 points: J/MSE = {half_sum(0, 0, x, y) / np.mean(y**2):.0f}. Hessian of J: {low:.2f} and {high:.1f}, "
        f"condition {high / low:.1f}; J converges for α < {2 / high:.4f}, the MSE for α < {100 / high:.3f}. After 100 "
        f"steps at 0.02, from J = {descend(0, 0)[0]:.0f}: {descend(on_mse, 100)[-1]:.0f} on the MSE, "
        f"{descend(on_j, 100)[-1]:.1e} on J."
    )


def judged_slopes(*signs: float) -> str:
    x, y = line_data(0)

    def verdict(*signs: float) -> str:
        j, rule = (lambda w, b: half_sum(w, b, x, y)), (lambda w, b: slopes(w, b, x, y, *signs))
        return judge(j, np.array(0.3), np.array(-0.2), grad=rule)

    return f"gradcheck: the article's {verdict(*signs)}; with the minus {verdict()}."


@evidence("D11")
def slope_in_w() -> str:
    return judged_slopes(+1, -1)


@evidence("D12")
def slope_in_b() -> str:
    return judged_slopes(-1, +1)


@evidence("D13")
def step() -> str:
    wrong, saddle = descend(0.01, 500, 1, 1), descend(0.001, 400, 1, -1)
    return (
        f"α = 0.01, article: {wrong[0]:.1f} → {wrong[1]:.0f} → … ×{wrong[11] / wrong[10]:.2f} a step, inf at step "
        f"{next(i for i, j in enumerate(wrong) if not math.isfinite(j))}; right: → {descend(0.01, 500)[-1]:.2f}. "
        f"α = 0.02, right: {descend(0.02, 20)[-1]:.1e} after 20 steps. α = 1e-6: ΔJ = "
        f"{np.diff(descend(1e-6, 1))[0]:+.4f} (right), {np.diff(descend(1e-6, 1, 1, 1))[0]:+.4f} (article). Only D11 "
        f"wrong, α = 0.001: first down to {min(saddle):.1f}, then {saddle[-1]:.1e}."
    )
