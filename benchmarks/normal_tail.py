"""The coefficients in tinydl/derivatives/special.py, derived anew in decimal arithmetic; a test compares them.

1 − Φ(z) = e^(−z²/2)·M(z), where Mills' ratio M falls from ½ to 1/(z√(2π)) without a bend. A quotient of polynomials
that equals M at Chebyshev's points in t = k/(z + k), which runs from 1 towards 0 as z grows, is everywhere within a
fifth of a unit of the last place. All its coefficients are positive, so that no digits are lost in computing it.

    python benchmarks/normal_tail.py
"""

from __future__ import annotations

import decimal
import math
from decimal import Decimal

decimal.getcontext().prec = 60
ROOT_TWO_PI = Decimal("2.50662827463100050241576528481104525300698674060994")
FORMS = {"f": (4, 3, 15), "d": (9, 4, 39)}  # the degree above, which is one less than below; k; the largest z


def mills(z: Decimal) -> Decimal:
    """(1 − Φ(z))·e^(z²/2) for z ≥ 0: by Σ z^(2n+1)/(1·3·…·(2n+1)) near 0, by Laplace's continued fraction beyond."""
    if z < 3:
        term = total = z
        for n in range(1, 120):
            term *= z * z / (2 * n + 1)
            total += term
        return (z * z / 2).exp() / 2 - total / ROOT_TWO_PI
    below = z
    for n in range(400, 0, -1):
        below = z + n / below
    return 1 / (below * ROOT_TWO_PI)


def quotient(degree: int, k: int, largest: int) -> tuple[list[float], list[float]]:
    """The coefficients above and below, the highest power first; the last one below is 1."""
    n, least = 2 * degree + 2, k / (largest + k)
    places = [Decimal((1 + least) / 2 + (1 - least) / 2 * math.cos(math.pi * (i + 0.5) / n)) for i in range(n)]
    rows = []  # of equations Σ pᵢ zⁱ − M(z)·Σ qⱼ zʲ = M(z)
    for z in (k / t - k for t in places):
        m = mills(z)
        rows.append([*(z**i for i in range(degree + 1)), *(-m * z**j for j in range(1, degree + 2)), m])
    solved = _solved(rows)
    return [float(p) for p in solved[degree::-1]], [float(q) for q in [*solved[:degree:-1], 1]]


def _solved(rows: list[list[Decimal]]) -> list[Decimal]:
    """What solves these equations, each with its right side last: Gauß and Jordan's elimination."""
    for i in range(len(rows)):
        largest = max(range(i, len(rows)), key=lambda r: abs(rows[r][i]))
        rows[i], rows[largest] = rows[largest], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for r, row in enumerate(rows):
            if r != i:
                rows[r] = [x - row[i] * y for x, y in zip(row, rows[i], strict=True)]
    return [row[-1] for row in rows]


if __name__ == "__main__":
    for name, form in FORMS.items():
        print(name, *quotient(*form), sep="\n  ")
