"""Linear algebra that solves, inverts and takes apart, and the norms.

The formulas are those of M. Giles, Collected Matrix Derivative Results for Forward and Reverse Mode Algorithmic
Differentiation (2008), where no other source is named. Stands on products.py.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..engine.arrays import beside, wide
from ..engine.dispatch import define, form, implements, plain, unwrap
from ..engine.tensor import Primitive
from .elementwise import absolute, floats, in_float32, unrounded
from .indexing import scatter
from .products import matmul
from .reductions import spread
from .shapes import operands


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """The product of n matrices a; for n < 0, of the inverse. For n = 0 it is the identity, a plain array."""
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power: n must be an integer, not {type(n).__name__}")
    if n == 0 or a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        return np.linalg.matrix_power(unwrap(a), n)
    square, n = (a, n) if n > 0 else (inv(a), -n)
    result = None
    while n:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        if n:
            square = matmul(square, square)
    return result * 1 if result is a else result


# ---- solving and inverting ----

inv = define(np.linalg.inv, lambda g, y, a: -(y.mT @ g @ y.mT), name="inv", answers=(np.linalg.inv,))


def _solve_transposed(a: Any, g: Any, vector: bool) -> Any:
    return np.linalg.solve(a.mT, g[..., None])[..., 0] if vector else np.linalg.solve(a.mT, g)


def solve_matrix(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Ā = −A⁻ᵀ X̄ Xᵀ for AX = B."""
    if b.ndim == 1:
        return -_solve_transposed(a, g, True)[..., None] * y[..., None, :]
    return -_solve_transposed(a, g, False) @ y.mT


solve = define(
    np.linalg.solve,
    solve_matrix,
    lambda g, y, a, b: _solve_transposed(a, g, b.ndim == 1),
    name="solve",
    answers=(np.linalg.solve,),
)


def pinv_rule(g: Any, y: Any, a: Any, rcond: Any = None, rtol: Any = None) -> Any:
    """Golub and Pereyra (1973), for a rank that stays: with Y = A⁺,
    Ā = −Yᵀ Ȳ Yᵀ + (I − AY) Ȳᵀ Y Yᵀ + Yᵀ Y Ȳᵀ (I − YA)."""
    left, right = g.mT @ y @ y.mT, y.mT @ y @ g.mT
    return left - a @ (y @ left) + right - right @ y @ a - y.mT @ g @ y.mT


pinv = define(
    lambda a, rcond=None, **rtol: np.linalg.pinv(a, **rtol) if rcond is None else np.linalg.pinv(a, rcond, **rtol),
    pinv_rule,
    name="pinv",
    at_kinks="where the rank changes: as if it stayed",
)


@implements(np.linalg.pinv)
def _np_pinv(a: Any, rcond: Any = None, hermitian: bool = False, **rtol: Any) -> Any:
    """The pseudo-inverse, of the symmetric part of a `hermitian` matrix."""
    return pinv(_symmetric("pinv(hermitian=True)", a) if hermitian else a, rcond=rcond, **rtol)


# ---- determinants ----


def _cofactors(a: Any) -> Any:
    """cof A = det U · det V · U diag(Πⱼ≠ᵢ sⱼ) Vᵀ for A = U diag(s) Vᵀ: nothing is divided, so A may be singular."""
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    rest = np.where(np.eye(n, dtype=bool, like=s), 1, s[..., None, :]).prod(-1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return ((u * (rest * sign[..., None])[..., None, :]) @ vh).astype(a.dtype, copy=False)


def cofactors_rule(g: Any, y: Any, a: Any) -> Any:
    """With A⁻¹: Ā = ⟨C̄, C⟩ A⁻ᵀ − A⁻ᵀ C̄ᵀ C. Near a singular A, each cofactor as what it is: ± a smaller determinant."""
    n = a.shape[-1]
    if n <= 1:
        return np.zeros_like(unwrap(a))
    values = np.linalg.svd(unwrap(a), compute_uv=False)
    if np.all(values[..., -1] > 1e-3 * values[..., 0]):
        inverse = np.linalg.inv(a).mT
        return np.sum(g * y, axis=(-2, -1), keepdims=True) * inverse - inverse @ g.mT @ y
    others = np.array([[j for j in range(n) if j != i] for i in range(n)])
    index = (..., others[:, None, :, None], others[None, :, None, :])
    sign = beside(np.where((np.arange(n)[:, None] + np.arange(n)) % 2, -1, 1), unwrap(g), g.dtype)
    return scatter(cofactors(a[index]) * (g * sign)[..., None, None], index, a.shape)


cofactors: Primitive = define(_cofactors, cofactors_rule, name="cofactors")
det = define(np.linalg.det, lambda g, y, a: g[..., None, None] * cofactors(a), name="det", answers=(np.linalg.det,))

# ---- functions with several outputs: one node holds them all in one axis, and they are cut out of it ----


def _pack(*parts: Any) -> Any:
    return np.concatenate([np.ravel(part) for part in parts])


def _unpack(packed: Any, *shapes: tuple[int, ...]) -> list[Any]:
    starts = [0]
    for shape in shapes:
        starts.append(starts[-1] + math.prod(shape))
    return [packed[i:j].reshape(shape) for i, j, shape in zip(starts, starts[1:], shapes, strict=False)]


def _square_shape(name: str, a: Any) -> tuple[tuple[int, ...], int]:
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ValueError(f"linalg.{name} needs square matrices, (…, N, N), not shape {a.shape}")
    return a.shape[:-2], a.shape[-1]


def slogdet_rule(g: Any, y: Any, a: Any) -> Any:
    """∂log|det A|/∂A = A⁻ᵀ; the sign is flat."""
    _, g = _unpack(g, a.shape[:-2], a.shape[:-2])
    return g[..., None, None] * np.linalg.inv(a).mT


packed_slogdet = define(lambda a: _pack(*np.linalg.slogdet(a)), slogdet_rule, name="slogdet")
_SlogdetResult, _EighResult = type(np.linalg.slogdet(np.eye(1))), type(np.linalg.eigh(np.eye(1)))
_SVDResult, _QRResult = type(np.linalg.svd(np.eye(1))), type(np.linalg.qr(np.eye(1)))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """The sign of the determinant and the logarithm of its absolute value."""
    batch, _ = _square_shape("slogdet", a)
    return _SlogdetResult(*_unpack(packed_slogdet(a), batch, batch))


def _size(x: Any, axis: int | None = None) -> Any:
    """The largest absolute value, 0 of none."""
    sizes = np.abs(unwrap(x))
    return sizes.max(axis) if sizes.size else sizes.sum(axis)


def _symmetric(name: str, a: Any) -> Any:
    """½(A + Aᵀ). NumPy reads one triangle only, which would make the other's gradient 0; A must be symmetric anyway."""
    a = floats(a)
    difference = _size(a - a.mT)
    if difference > 0.01 * _size(a):
        raise ValueError(
            f"linalg.{name} needs a symmetric matrix; this one differs from its transpose by {difference:.3g}"
        )
    return (a + a.mT) / 2


def _cholesky(a: Any, upper: bool = False) -> Any:
    lower = np.linalg.cholesky(_symmetric("cholesky", a))
    return lower.mT if upper else lower


def cholesky_rule(g: Any, y: Any, a: Any, upper: bool = False) -> Any:
    """Ā = ½(S + Sᵀ), S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, where Φ takes the lower triangle and halves the diagonal (I. Murray,
    Differentiation of the Cholesky decomposition, arXiv:1602.07527, 2016)."""
    lower, g = (y.mT, g.mT) if upper else (y, g)
    ones = np.ones_like(unwrap(y))
    half = (lower.mT @ g) * ((np.tril(ones) + np.tril(ones, -1)) / 2)
    s = np.linalg.solve(lower.mT, np.linalg.solve(lower.mT, half).mT).mT
    return (s + s.mT) / 2


cholesky = define(_cholesky, cholesky_rule, name="cholesky", answers=(np.linalg.cholesky,))


def _inverse_differences(name: str, x: Any, wanted: Any) -> Any:
    """1/(xⱼ − xᵢ) off the diagonal, 0 on it. Equal x have no determined vectors; the gradient `wanted` must be 0."""
    difference = x[..., None, :] - x[..., :, None]
    size = np.abs(unwrap(difference))
    n = size.shape[-1]
    equal = size <= 8 * n * np.finfo(size.dtype).eps * _size(x, -1)[..., None, None]
    if np.any(equal & ~np.eye(n, dtype=bool, like=equal) & (unwrap(wanted) != 0)):
        raise ValueError(
            f"linalg.{name}: two of the values are equal, so their vectors aren't determined, and neither is the "
            "gradient that flows back through them. The values alone can be differentiated"
        )
    return np.where(equal, 0, 1 / np.where(equal, 1, difference))


def eigh_rule(g: Any, y: Any, a: Any, UPLO: str = "L") -> Any:
    """Ā = V (diag(w̄) + F∘(Vᵀ V̄)) Vᵀ, Fᵢⱼ = 1/(wⱼ − wᵢ), made symmetric."""
    shapes = a.shape[:-1], a.shape
    (w, v), (gw, gv) = _unpack(y, *shapes), _unpack(g, *shapes)
    inner = v.mT @ gv
    eye = np.eye(a.shape[-1], dtype=a.dtype, like=unwrap(a))
    inner = inner * _inverse_differences("eigh", w, inner) + gw[..., None] * eye
    s = v @ inner @ v.mT
    return (s + s.mT) / 2


packed_eigh = define(
    lambda a, UPLO="L": _pack(*np.linalg.eigh(_symmetric("eigh", a), UPLO)),
    eigh_rule,
    name="eigh",
    at_kinks="equal eigenvalues: their vectors' gradient raises",
)


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues, ascending, and eigenvectors, as columns, of a symmetric matrix.

    Which triangle of it LAPACK reads, UPLO, matters for the vectors' signs alone, which are NumPy's.
    """
    _square_shape("eigh", a)
    if str(UPLO).upper() not in ("L", "U"):
        raise ValueError(f"linalg.eigh: UPLO is 'L' or 'U', not {UPLO!r}")
    return _EighResult(*_unpack(packed_eigh(a, UPLO=UPLO), a.shape[:-1], a.shape))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """The eigenvalues, ascending, of a symmetric matrix."""
    return eigh(a, UPLO).eigenvalues


def _vanishes(values: Any) -> bool:
    """Whether some of the values along the last axis is 0 but for rounding."""
    sizes = np.abs(unwrap(values))
    return bool(np.any(sizes <= 8 * sizes.shape[-1] * np.finfo(sizes.dtype).eps * _size(values, -1)[..., None]))


def completed(name: str, g: Any, beyond_g: Any, u: Any, beyond: Any) -> Any:
    """The gradient of orthonormal columns u: g, and what comes through those `beyond` that complete them to a basis.

    Those are determined up to a rotation Ω among themselves, and move along: d(beyond) = −u (duᵀ beyond) + beyond Ω. If
    beyondᵀ ḡ isn't symmetric, the gradient depends on Ω, which nobody knows, and ValueError is raised. (A single one
    has no Ω.)
    """
    if not np.any(unwrap(beyond_g)):
        return g
    turn = unwrap(beyond).mT @ unwrap(beyond_g)
    rounding = 100 * u.shape[-2] * np.finfo(turn.dtype).eps * np.abs(unwrap(beyond_g)).max()
    if np.any(np.abs(turn - turn.mT) > rounding):
        raise ValueError(
            f"linalg.{name}: the columns that complete a basis aren't determined, and neither is the gradient that "
            "flows back through them; what doesn't depend on which they are can be differentiated, as N @ N.T can. "
            "Without them: " + ('mode="reduced"' if name == "qr" else "full_matrices=False")
        )
    return g - beyond @ (beyond_g.mT @ u)


def _svd_shapes(a: Any, full_matrices: bool) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    *batch, m, n = a.shape
    k = min(m, n)
    return (*batch, m, m if full_matrices else k), (*batch, k), (*batch, n if full_matrices else k, n)


def svd_rule(g: Any, y: Any, a: Any, full_matrices: bool = False) -> Any:
    """For A = U S Vᵀ with Fᵢⱼ = 1/(sⱼ² − sᵢ²): Ā = U ((F∘(UᵀŪ − ŪᵀU)) S + S (F∘(VᵀV̄ − V̄ᵀV)) + diag(s̄)) Vᵀ
    + (I − UUᵀ) Ū S⁻¹ Vᵀ + U S⁻¹ V̄ᵀ (I − VVᵀ) (J. Townsend, Differentiating the singular value decomposition, 2016)."""
    shapes, k = _svd_shapes(a, full_matrices), min(a.shape[-2:])
    (u, s, vt), (gu, gs, gvt) = _unpack(y, *shapes), _unpack(g, *shapes)
    if full_matrices:
        gu = completed("svd", gu[..., :k], gu[..., k:], u[..., :k], u[..., k:])
        gvt = completed("svd", gvt[..., :k, :].mT, gvt[..., k:, :].mT, vt[..., :k, :].mT, vt[..., k:, :].mT).mT
        u, vt = u[..., :k], vt[..., :k, :]
    of_u, of_v = u.mT @ gu, vt @ gvt.mT
    skew_u, skew_v = of_u - of_u.mT, of_v - of_v.mT
    either = np.abs(unwrap(of_u)) + np.abs(unwrap(of_v))
    f = _inverse_differences("svd", s * s, either + either.mT)
    middle = (f * skew_u) * s[..., None, :] + s[..., None] * (f * skew_v)
    middle = middle + gs[..., None] * np.eye(s.shape[-1], dtype=a.dtype, like=unwrap(a))
    result = u @ middle @ vt
    m, n = a.shape[-2:]
    beyond = gu - u @ of_u if m > n else gvt - of_v.mT @ vt  # what the vectors' gradient has outside of their span
    if m == n or not np.any(unwrap(beyond)):
        return result
    if _vanishes(s):
        raise ValueError(
            "linalg.svd: a singular value is 0, so its vectors aren't determined, and neither is the gradient that "
            "flows back through them. The values alone can be differentiated"
        )
    return result + ((beyond / s[..., None, :]) @ vt if m > n else u @ (beyond / s[..., None]))


packed_svd = define(
    lambda a, full_matrices=False: _pack(*np.linalg.svd(a, full_matrices=full_matrices)),
    svd_rule,
    name="svd",
    at_kinks="equal singular values: their vectors' gradient raises",
)


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular value decomposition A = U diag(S) Vh, S descending; with compute_uv=False, S alone."""
    if a.ndim < 2:
        raise ValueError(f"linalg.svd needs matrices, (…, M, N), not shape {a.shape}")
    full_matrices = full_matrices and compute_uv and a.shape[-1] != a.shape[-2]
    parts = _SVDResult(*_unpack(packed_svd(a, full_matrices=full_matrices), *_svd_shapes(a, full_matrices)))
    return parts if compute_uv else parts.S


@implements(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    """The singular values, descending."""
    return svd(x, compute_uv=False)


def _qr_shapes(a: Any, complete: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
    *batch, m, n = a.shape
    k = m if complete else min(m, n)
    return (*batch, m, k), (*batch, k, n)


def qr_rule(g: Any, y: Any, a: Any, mode: str = "reduced") -> Any:
    """For A = QR, M = R R̄ᵀ − Q̄ᵀ Q: Ā = (Q̄ + Q (L + Lᵀ)) R⁻ᵀ, where L is M's lower triangle, its diagonal halved.

    A wide A = [B C] has R = [S T] with B = QS and T = QᵀC: C̄ = Q T̄, and C T̄ᵀ is added to Q̄ (S. Walter and L. Lehmann,
    Algorithmic differentiation of linear algebra functions, 2010; D. and L. Roberts, arXiv:2009.10071, 2020).
    """
    shapes, k = _qr_shapes(a, mode == "complete"), min(a.shape[-2:])
    (q, r), (gq, gr) = _unpack(y, *shapes), _unpack(g, *shapes)
    if mode == "complete":
        gq = completed("qr", gq[..., :k], gq[..., k:], q[..., :k], q[..., k:])
        q, r, gr = q[..., :k], r[..., :k, :], gr[..., :k, :]
    if _vanishes(np.diagonal(r, 0, -2, -1)):
        raise ValueError(
            "linalg.qr: the columns depend on each other, so that Q isn't determined and has no derivative"
        )
    square, beyond = r[..., :k], gr[..., k:]
    gq = gq + a[..., k:] @ beyond.mT
    moved = square @ gr[..., :k].mT - gq.mT @ q
    ones = np.ones_like(unwrap(moved))
    lower = moved * ((np.tril(ones) + np.tril(ones, -1)) / 2)
    return np.concatenate([np.linalg.solve(square, (gq + q @ (lower + lower.mT)).mT).mT, q @ beyond], axis=-1)


packed_qr = define(lambda a, mode="reduced": _pack(*np.linalg.qr(a, mode)), qr_rule, name="qr")


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Orthonormal columns Q and an upper triangle R with A = QR; with mode="r", R alone.

    Columns of a tall A that depend on each other, or do nearly, have no derivative: ValueError where R has a 0 there.
    """
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f'linalg.qr of Tensors takes mode="reduced", "complete" or "r", not {mode!r}')
    if a.ndim < 2:
        raise np.linalg.LinAlgError(f"linalg.qr needs matrices, (…, M, N), not shape {a.shape}")
    whole = mode == "complete"
    parts = _QRResult(*_unpack(packed_qr(a, mode="complete" if whole else "reduced"), *_qr_shapes(a, whole)))
    return parts.R if mode == "r" else parts


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """The shortest x with the least ‖Ax − b‖²; these squares, one for each column of b, if A has full rank and more
    rows than columns; A's rank and singular values. Those up to `rcond` times the largest count as 0.

    x is A⁺b, whose derivatives are those for a rank that stays.
    """
    a, b = map(floats, operands(a, b))
    np.linalg.lstsq(np.zeros_like(form(a)), form(b), 0)  # raises for shapes and dtypes that don't fit
    dtype = np.result_type(a.dtype, b.dtype)
    a, b, (m, n), eps = a.astype(dtype), b.astype(dtype), a.shape, float(np.finfo(dtype).eps)
    rcond = eps * max(m, n) if rcond is None else eps if rcond < 0 else rcond
    x, s = matmul(pinv(a, rcond=rcond), b), svdvals(a)
    rank = int(np.count_nonzero(unwrap(s) > rcond * _size(s)))
    residuals = unwrap(s)[:0]
    if rank == n < m:
        residuals = np.sum(np.square(b - a @ x), axis=0).reshape(b.shape[1:] or (1,))
    return x, residuals, rank, s


# ---- norms ----


def _euclidean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sqrt(np.sum(x * x, axis=axis, keepdims=keepdims))


def euclidean_rule(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """∂‖x‖/∂x = x/‖x‖, and 0 at x = 0."""
    x = wide(x)
    y = spread(unrounded(y, euclidean, x, axis=axis, keepdims=keepdims), x, axis, keepdims)
    return spread(g, x, axis, keepdims) * np.where(y == 0, 0, x / np.where(y == 0, 1, y))


euclidean: Primitive = define(in_float32(_euclidean), euclidean_rule, name="norm", at_kinks="at 0: 0")


def _power_norm(x: Any, p: float, axis: Any = None, keepdims: bool = False) -> Any:
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


def power_norm_rule(g: Any, y: Any, x: Any, p: float, axis: Any = None, keepdims: bool = False) -> Any:
    """∂‖x‖ₚ/∂x = sign(x)·(|x|/‖x‖ₚ)ᵖ⁻¹, and 0 where x is 0."""
    x = wide(x)
    y = spread(unrounded(y, power_norm, x, p=p, axis=axis, keepdims=keepdims), x, axis, keepdims)
    flat = (x == 0) | (y == 0)
    return spread(g, x, axis, keepdims) * np.where(
        flat, 0, np.sign(x) * np.where(flat, 1, np.abs(x) / np.where(y == 0, 1, y)) ** (p - 1)
    )


power_norm: Primitive = define(in_float32(_power_norm), power_norm_rule, name="power_norm", at_kinks="where x is 0: 0")


def _largest(sizes: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """The maximum of what is never below 0; of nothing it is 0 since NumPy 2.4, and before that an error."""
    if sizes.size or all(sizes.shape[i] for i in axis):
        return np.max(sizes, axis=axis, keepdims=keepdims)
    np.linalg.norm(np.zeros(0), math.inf)  # which is then NumPy's own
    return np.sum(sizes, axis=axis, keepdims=keepdims)


def _vector_norm(x: Any, p: Any, axis: Any, keepdims: bool) -> Any:
    axis = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if p is None or p == 2:
        return euclidean(x, axis=axis, keepdims=keepdims)
    if isinstance(p, str):
        raise ValueError(f"linalg.norm: ord={p!r} is for matrices; a vector's is a number, inf or -inf")
    if p == 0:
        return np.sum(x != 0, axis=axis, keepdims=keepdims).astype(x.dtype)
    if p in (math.inf, -math.inf):
        return (_largest if p > 0 else np.min)(absolute(x), axis=axis, keepdims=keepdims)
    if p == 1:
        return np.sum(absolute(x), axis=axis, keepdims=keepdims)
    return power_norm(x, float(p), axis=axis, keepdims=keepdims)


def _matrix_norm(x: Any, p: Any, rows: int, columns: int, keepdims: bool) -> Any:
    if p is None or p == "fro":
        return euclidean(x, axis=(rows, columns), keepdims=keepdims)
    if p in ("nuc", 2, -2):
        s = absolute(svdvals(np.moveaxis(x, (rows, columns), (-2, -1))))  # |s|, so that the gradient at s = 0 is 0
        y = np.sum(s, axis=-1) if p == "nuc" else (_largest if p == 2 else np.min)(s, axis=(-1,))
        return np.expand_dims(y, tuple(sorted(i % x.ndim for i in (rows, columns)))) if keepdims else y
    if p not in (1, -1, math.inf, -math.inf):
        raise ValueError(f"linalg.norm: a matrix has ord 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, not {p!r}")
    summed, other = (rows, columns) if p in (1, -1) else (columns, rows)
    sums = np.sum(absolute(x), axis=summed, keepdims=True)
    y = (_largest if p > 0 else np.min)(sums, axis=(other,), keepdims=True)
    return y if keepdims else np.squeeze(y, (rows, columns))


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """A vector's or a matrix's norm, as NumPy's: by default the root of the sum of all squares."""
    x = floats(x)
    if axis is None and ord is None:
        return euclidean(x, keepdims=keepdims)
    if axis is None:
        if x.ndim not in (1, 2):
            raise ValueError(f"linalg.norm: with ord={ord!r} shape {x.shape} needs axis=, one or two axes")
        axis = tuple(range(x.ndim))
    axes = normalize_axis_tuple(axis, x.ndim, allow_duplicate=True)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise ValueError(f"linalg.norm: axis={axis} is neither one axis (of vectors) nor two (of matrices)")
    return _matrix_norm(x, ord, axes[0], axes[1], keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """The norm of the elements along the axes (all of them by default) as one vector."""
    return _vector_norm(floats(x), ord, axis, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """The norm of the matrices in the last two axes."""
    if x.ndim < 2:
        raise ValueError(f"linalg.matrix_norm needs matrices, (…, M, N), not shape {x.shape}")
    return _matrix_norm(floats(x), ord, -2, -1, keepdims)


plain(np.linalg.matrix_rank)
