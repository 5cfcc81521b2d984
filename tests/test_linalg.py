"""Products and linear algebra by NumPy's names: values are NumPy's, derivatives the numerical ones and PyTorch's."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tinydl as tl
from tinydl.engine.checks import array_of


def numbers(*shape, seed=0, low=-2.0, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, shape)


def regular(*shape, seed=0):
    """Matrices far from singular, with singular values that differ."""
    m, n = shape[-2:]
    return numbers(*shape, seed=seed, low=-0.4, high=0.4) + 2 * np.eye(m, n) * np.arange(1, n + 1)


def symmetric(*shape, seed=0):
    a = regular(*shape, seed=seed)
    return (a + a.mT) / 2


def even(a):
    """What NumPy, which reads one triangle only, must be given to notice a change in the other."""
    return (a + a.mT) / 2


def squares(columns):
    """What doesn't depend on a rotation of the columns among themselves."""
    return columns @ columns.mT


def parts(svd, k):
    """U, S and Vh without what completes the bases."""
    return svd.U[..., :k], svd.S, svd.Vh[..., :k, :]


def all_but_rank(lstsq):
    return lstsq[0], lstsq[1], lstsq[3]


def outputs(y):
    return list(y) if isinstance(y, tuple) else [y]


def gradients(f, arrays, cotangents, create_graph=False):
    """The gradients of Σ cotangent·output over all outputs of f, and the Tensors they belong to."""
    inputs = [tl.tensor(a, requires_grad=True) for a in arrays]
    total = sum((y * g).sum() for y, g in zip(outputs(f(*inputs)), cotangents, strict=True))
    total.backward(create_graph=create_graph)
    return [x.grad for x in inputs], inputs


def second_gradients(f, arrays, cotangents, directions):
    """The gradients of Σ gradient·direction."""
    first, inputs = gradients(f, arrays, cotangents, create_graph=True)
    total = sum((g * h).sum() for g, h in zip(first, directions, strict=True))
    for x in inputs:
        x.grad = None
    if total.requires_grad:
        total.backward()
    return [np.zeros(x.shape) if x.grad is None else x.grad.numpy() for x in inputs]


def numerical(f, arrays):
    """Central differences of the number f(*arrays) for each element of each array, to the fourth order."""
    found = []
    for k, array in enumerate(arrays):
        gradient = np.zeros(array.shape)
        for i in np.ndindex(array.shape):
            values = []
            for step in (1e-4, -1e-4, 2e-4, -2e-4):
                moved = [a.copy() for a in arrays]
                moved[k][i] += step
                values.append(f(*moved))
            gradient[i] = (8 * (values[0] - values[1]) - (values[2] - values[3])) / (12 * 1e-4)
        found.append(gradient)
    return found


def assert_right(f, *arrays, second=True, tolerance=1e-7):
    """f's value is NumPy's, and its first and second derivatives, weighted at random, are the numerical ones."""
    rng = np.random.default_rng(11)
    plain = outputs(f(*arrays))
    made = outputs(f(*(tl.tensor(a) for a in arrays)))
    for ours, numpys in zip(made, plain, strict=True):
        assert isinstance(ours, tl.Tensor)
        assert ours.shape == np.shape(numpys)
        np.testing.assert_allclose(ours.numpy(), numpys, rtol=1e-12, atol=1e-12)
    cotangents = [rng.standard_normal(np.shape(y)) for y in plain]
    directions = [rng.standard_normal(a.shape) for a in arrays]

    def loss(*moved):
        return sum(np.sum(y * g) for y, g in zip(outputs(f(*moved)), cotangents, strict=True))

    def slope(*moved):
        first, _ = gradients(f, moved, cotangents)
        return sum(np.sum(g.numpy() * h) for g, h in zip(first, directions, strict=True))

    first, _ = gradients(f, arrays, cotangents)
    for g, truth in zip(first, numerical(loss, arrays), strict=True):
        np.testing.assert_allclose(g.numpy(), truth, rtol=tolerance, atol=tolerance, err_msg="first derivative")
    if second:
        mine = second_gradients(f, arrays, cotangents, directions)
        for g, truth in zip(mine, numerical(slope, arrays), strict=True):
            np.testing.assert_allclose(g, truth, rtol=tolerance, atol=tolerance, err_msg="second derivative")


# ---- products ----

SHAPES_OF_MATMUL = [
    ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((3,), (2, 3, 4)), ((2, 4, 3), (3,)),
    ((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((2, 1, 2, 3), (3, 3, 1)), ((1, 2, 3), (4, 3, 2)),
    ((0, 3), (3, 2)), ((2, 0), (0, 3)), ((0, 2, 3), (3, 2)), ((2, 3, 0), (0, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SHAPES_OF_MATMUL)
def test_matmul_is_right_for_vectors_matrices_stacks_and_stacks_that_broadcast(left, right):
    assert_right(np.matmul, numbers(*left), numbers(*right, seed=1))
    assert_right(lambda a, b: a @ b, numbers(*left), numbers(*right, seed=1), second=False)


PRODUCTS = {
    "dot of numbers": (np.dot, [(), (2, 3)]),
    "dot of vectors": (np.dot, [(3,), (3,)]),
    "dot of matrices": (np.dot, [(2, 3), (3, 4)]),
    "dot of a stack and a vector": (np.dot, [(2, 2, 3), (3,)]),
    "dot of stacks": (np.dot, [(2, 3), (4, 3, 2)]),
    "vdot": (np.vdot, [(2, 3), (3, 2)]),
    "inner of vectors": (np.inner, [(3,), (3,)]),
    "inner of stacks": (np.inner, [(2, 3), (4, 2, 3)]),
    "inner of a number": (np.inner, [(), (3,)]),
    "outer": (np.outer, [(3,), (2, 2)]),
    "linalg.outer": (np.linalg.outer, [(3,), (2,)]),
    "kron": (np.kron, [(2, 3), (3, 2)]),
    "kron of different axes": (np.kron, [(2,), (2, 1, 3)]),
    "cross": (np.cross, [(2, 3), (2, 3)]),
    "cross that broadcasts": (np.cross, [(3,), (2, 3)]),
    "cross along other axes": (lambda a, b: np.cross(a, b, axisa=0, axisb=1, axisc=0), [(3, 2), (2, 3)]),
    "cross along one axis": (lambda a, b: np.cross(a, b, axis=0), [(3, 2), (3, 2)]),
    "linalg.cross": (lambda a, b: np.linalg.cross(a, b, axis=0), [(3, 2), (3, 2)]),
    "tensordot": (np.tensordot, [(2, 3, 4), (3, 4, 2)]),
    "tensordot over no axis": (lambda a, b: np.tensordot(a, b, 0), [(2,), (3, 2)]),
    "tensordot over lists": (lambda a, b: np.tensordot(a, b, ([0, -1], [2, 0])), [(2, 3, 4), (4, 3, 2)]),
    "tensordot over one axis each": (lambda a, b: np.tensordot(a, b, axes=(1, 0)), [(2, 3), (3, 4)]),
    "linalg.tensordot": (lambda a, b: np.linalg.tensordot(a, b, axes=1), [(2, 3), (3, 4)]),
    "vecdot": (np.vecdot, [(2, 3), (3,)]),
    "vecdot along an axis": (lambda a, b: np.vecdot(a, b, axis=0), [(3, 2), (3, 2)]),
    "linalg.vecdot": (lambda a, b: np.linalg.vecdot(a, b, axis=-2), [(3, 2), (3, 2)]),
    "linalg.matmul": (np.linalg.matmul, [(2, 3), (3, 2)]),
    "multi_dot": (lambda a, b, c: np.linalg.multi_dot([a, b, c]), [(2, 3), (3, 4), (4, 2)]),
    "multi_dot between vectors": (lambda a, b, c, d: np.linalg.multi_dot([a, b, c, d]), [(2,), (2, 3), (3, 4), (4,)]),
    "trace": (np.trace, [(3, 4)]),
    "trace of a stack": (lambda a: np.trace(a, 1, 2, 0), [(3, 2, 4)]),
    "linalg.trace": (lambda a: np.linalg.trace(a, offset=-1), [(2, 3, 3)]),
    "linalg.diagonal": (lambda a: np.linalg.diagonal(a, offset=1), [(2, 3, 3)]),
    "matrix_transpose": (np.matrix_transpose, [(2, 3, 4)]),
    "linalg.matrix_transpose": (np.linalg.matrix_transpose, [(3, 4)]),
    "x.dot": (lambda a, b: a.dot(b), [(2, 3), (3, 4)]),
}  # fmt: skip
if hasattr(np, "matvec"):
    PRODUCTS["matvec"] = (np.matvec, [(2, 3, 4), (4,)])
    PRODUCTS["vecmat"] = (np.vecmat, [(3,), (2, 3, 4)])


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_are_right(name):
    f, shapes = PRODUCTS[name]
    assert_right(f, *(numbers(*shape, seed=i) for i, shape in enumerate(shapes)))


def test_products_take_arrays_and_lists_on_either_side():
    t, a = tl.tensor(numbers(3, 3), requires_grad=True), [[1.0, 2, 3], [4, 5, 6], [7, 8, 10]]
    for f in (np.dot, np.inner, np.outer, np.kron, np.vdot, np.matmul, np.tensordot, np.cross, np.vecdot):
        for given in (a, np.array(a)):
            np.testing.assert_allclose(f(given, t).numpy(), f(a, t.numpy()))
            np.testing.assert_allclose(f(t, given).numpy(), f(t.numpy(), a))
    np.testing.assert_allclose(np.einsum("ij,jk", a, t).numpy(), a @ t.numpy())


EINSUMS = [
    ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ba", (2, 3)), ("ij->", (2, 3)), ("ii", (3, 3)),
    ("ii->i", (3, 3)), ("iij->j", (3, 3, 2)), ("iii->i", (3, 3, 3)), ("iijj->ij", (2, 2, 3, 3)),
    ("i,j->ij", (2,), (3,)), ("i,i", (3,), (3,)), ("i,i,i->i", (3,), (3,), (3,)),
    ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), ("ij,kl->jl", (2, 3), (3, 2)),
    ("...ij,...jk->...ik", (2, 2, 3), (3, 2)), ("...ij,...jk", (2, 1, 2, 3), (3, 3, 2)), ("...i->...", (2, 3)),
    ("i...->i...", (2, 3)), ("...,...", (2, 3), (3,)), ("ij...,j->i...", (2, 3, 2), (3,)),
    ("ij , jk -> ki", (2, 3), (3, 4)), ("ij,jk,kl->il", (2, 3), (3, 2), (2, 3)), (",ij->j", (), (2, 3)),
    ("ij,jk->ik", (2, 1), (3, 4)), ("ij,ij->i", (1, 3), (2, 3)), ("ii,ij->j", (3, 3), (3, 2)),
    ("...ii->...i", (2, 3, 3)),
]  # fmt: skip


@pytest.mark.parametrize("case", EINSUMS, ids=lambda case: case[0])
@pytest.mark.parametrize("optimize", [False, True, "greedy"])
def test_einsum_is_right_for_explicit_and_implicit_outputs_ellipses_diagonals_and_broadcasting(case, optimize):
    subscripts, *shapes = case
    arrays = [numbers(*shape, seed=i) for i, shape in enumerate(shapes)]
    assert_right(lambda *xs: np.einsum(subscripts, *xs, optimize=optimize), *arrays, second=optimize is False)


def test_einsum_takes_lists_of_axes():
    arrays = [numbers(2, 3), numbers(3, 4, seed=1)]
    assert_right(lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), *arrays)
    assert_right(lambda a, b: np.einsum(a, [0, 1], b, [1, 2]), *arrays)
    assert_right(lambda a, b: np.einsum(a, [..., 1], b, [1, 2], [..., 2]), *arrays)


def test_einsum_says_what_is_wrong_with_subscripts():
    t = tl.tensor(numbers(2, 3), requires_grad=True)
    for subscripts, operands, sentence in (
        ("ij,jk->ik", (t,), "is for 2 operands, but 1 are given"),
        ("ijk->i", (t,), "doesn't fit an operand of 2 axes"),
        ("i->i", (t,), "doesn't fit an operand of 2 axes"),
        ("...i->i", (t,), "needs a '...'"),
        ("ii->i", (t,), "einsum of shape"),
    ):
        with pytest.raises(ValueError, match=sentence):
            np.einsum(subscripts, *operands)
    with pytest.raises(TypeError):
        np.einsum("ij->j", t, dtype=np.float32)


def test_shapes_that_do_not_match_are_both_named():
    a, b = tl.tensor(numbers(2, 3), requires_grad=True), tl.tensor(numbers(2, 3))
    with pytest.raises(
        ValueError, match=r"matmul: the last axis of x \(2, 3\).*\(2, 3\): 3 ≠ 2. Did you mean x @ w.T\?"
    ):
        a @ b
    with pytest.raises(ValueError, match=r"tensordot: shapes \(2, 3\) and \(2, 3\)"):
        np.tensordot(a, b, 1)
    with pytest.raises(ValueError, match="axis"):
        np.tensordot(a, b, ([2], [0]))
    with pytest.raises(ValueError, match="3 elements"):
        np.cross(a[:, :2], b[:, :2])
    with pytest.raises(ValueError, match="two vectors"):
        np.linalg.outer(a, b)


# ---- linear algebra ----

ALGEBRA = {
    "inv": (np.linalg.inv, [regular(3, 3)]),
    "inv of a stack": (np.linalg.inv, [regular(2, 1, 3, 3)]),
    "solve a vector": (np.linalg.solve, [regular(3, 3), numbers(3)]),
    "solve a matrix": (np.linalg.solve, [regular(3, 3), numbers(3, 2)]),
    "solve a stack": (np.linalg.solve, [regular(2, 3, 3), numbers(3, 2)]),
    "solve a stack with a vector": (np.linalg.solve, [regular(2, 3, 3), numbers(3)]),
    "solve stacks that broadcast": (np.linalg.solve, [regular(2, 1, 3, 3), numbers(4, 3, 1)]),
    "det": (np.linalg.det, [regular(3, 3)]),
    "det of 1×1": (np.linalg.det, [regular(2, 1, 1)]),
    "det of a stack": (np.linalg.det, [regular(2, 2, 2)]),
    "slogdet": (np.linalg.slogdet, [regular(3, 3)]),
    "slogdet of negative determinants": (np.linalg.slogdet, [regular(2, 3, 3) * np.array([-1, 1, 1])]),
    "cholesky": (lambda a: np.linalg.cholesky(even(a)), [symmetric(3, 3)]),
    "cholesky of a stack": (lambda a: np.linalg.cholesky(even(a)), [symmetric(2, 3, 3)]),
    "upper cholesky": (lambda a: np.linalg.cholesky(even(a), upper=True), [symmetric(3, 3)]),
    "pinv of a tall matrix": (np.linalg.pinv, [regular(4, 2)]),
    "pinv of a wide matrix": (np.linalg.pinv, [regular(2, 2, 4)]),
    "pinv with a limit": (lambda a: np.linalg.pinv(a, rcond=1e-10), [regular(3, 3)]),
    "eigh": (lambda a: np.linalg.eigh(even(a)), [symmetric(3, 3)]),
    "eigh of a stack": (lambda a: np.linalg.eigh(even(a)), [symmetric(2, 3, 3)]),
    "eigvalsh": (lambda a: np.linalg.eigvalsh(even(a), UPLO="U"), [symmetric(4, 4)]),
    "svd of a tall matrix": (lambda a: np.linalg.svd(a, full_matrices=False), [regular(4, 2)]),
    "svd of a wide matrix": (lambda a: np.linalg.svd(a, full_matrices=False), [regular(2, 2, 3)]),
    "svd of a square matrix": (np.linalg.svd, [regular(3, 3)]),
    "singular values": (lambda a: np.linalg.svd(a, compute_uv=False), [regular(3, 4)]),
    "svdvals": (np.linalg.svdvals, [regular(4, 3)]),
    "qr of a tall matrix": (np.linalg.qr, [regular(4, 2)]),
    "qr of a wide matrix": (np.linalg.qr, [regular(2, 2, 4)]),
    "qr of a square matrix": (lambda a: np.linalg.qr(a, "complete"), [regular(3, 3)]),
    "qr of a stack": (np.linalg.qr, [regular(2, 1, 4, 3)]),
    "the triangle of qr": (lambda a: np.linalg.qr(a, mode="r"), [regular(4, 3)]),
    "the triangle of a complete qr": (lambda a: np.linalg.qr(a, mode="complete").R, [regular(4, 2)]),
    "the columns of a complete qr": (lambda a: np.linalg.qr(a, "complete").Q[..., :2], [regular(2, 4, 2)]),
    "what completes qr": (lambda a: squares(np.linalg.qr(a, "complete").Q[:, 2:]), [numbers(5, 2)]),
    "svd of a tall matrix with full_matrices": (lambda a: parts(np.linalg.svd(a), 2), [regular(4, 2)]),
    "svd of a wide matrix with full_matrices": (lambda a: parts(np.linalg.svd(a), 2), [regular(2, 2, 4)]),
    "svd of a stack of one": (lambda a: parts(np.linalg.svd(a), 3), [regular(1, 3, 4)]),
    "what completes the left of svd": (lambda a: squares(np.linalg.svd(a).U[..., 2:]), [numbers(2, 5, 2)]),
    "what completes the right of svd": (lambda a: squares(np.linalg.svd(a).Vh[2:].mT), [numbers(2, 5)]),
    "the one column that completes svd": (lambda a: np.linalg.svd(a).U, [regular(4, 3)]),
    "the one column that completes qr": (lambda a: np.linalg.qr(a, "complete").Q, [regular(2, 4, 3)]),
    "both, and the singular values": (
        lambda a: squares(np.linalg.svd(a).U[:, 2:]) * np.linalg.svd(a).U[0, 0] ** 2 + np.linalg.svd(a).S[0],
        [numbers(5, 2, seed=1)],
    ),
    "lstsq of more equations": (lambda a, b: all_but_rank(np.linalg.lstsq(a, b)), [numbers(5, 3), numbers(5, seed=1)]),
    "lstsq of several columns": (
        lambda a, b: all_but_rank(np.linalg.lstsq(a, b)),
        [numbers(5, 3), numbers(5, 2, seed=1)],
    ),
    "lstsq of fewer equations": (lambda a, b: np.linalg.lstsq(a, b)[0], [numbers(2, 4), numbers(2, 3, seed=1)]),
    "lstsq of a square matrix": (lambda a, b: np.linalg.lstsq(a, b)[::3], [regular(3, 3), numbers(3, seed=1)]),
    "matrix_power 1": (lambda a: np.linalg.matrix_power(a, 1), [regular(3, 3)]),
    "matrix_power 5": (lambda a: np.linalg.matrix_power(a, 5), [numbers(3, 3) / 2]),
    "matrix_power 6": (lambda a: np.linalg.matrix_power(a, 6), [numbers(2, 3, 3) / 2]),
    "matrix_power -3": (lambda a: np.linalg.matrix_power(a, -3), [regular(3, 3)]),
}


@pytest.mark.parametrize("name", ALGEBRA)
def test_linear_algebra_is_right(name):
    f, arrays = ALGEBRA[name]
    assert_right(f, *arrays, tolerance=1e-6)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_det_has_the_cofactors_as_its_gradient_whatever_the_rank(rank):
    a = numbers(4, rank, seed=3) @ numbers(rank, 4, seed=4)
    assert_right(np.linalg.det, a, tolerance=1e-6)
    assert_right(np.linalg.det, np.stack([a, regular(4, 4)]), tolerance=1e-6)


def test_functions_with_several_outputs_give_numpys_named_tuples():
    a = tl.tensor(symmetric(3, 3), requires_grad=True)
    sign, logabsdet = np.linalg.slogdet(a)
    assert (sign.shape, logabsdet.shape) == ((), ())
    assert np.linalg.slogdet(a).logabsdet.item() == logabsdet.item()
    assert type(np.linalg.slogdet(a)) is type(np.linalg.slogdet(np.eye(2)))
    values, vectors = np.linalg.eigh(a)
    np.testing.assert_allclose(((vectors * values) @ vectors.T).numpy(), a.numpy(), atol=1e-12)
    assert np.linalg.eigh(a).eigenvectors.shape == (3, 3)
    assert np.linalg.svd(a).Vh.shape == (3, 3)
    (logabsdet + values.sum()).backward()
    np.testing.assert_allclose(a.grad.numpy(), np.linalg.inv(a.numpy()).T + np.eye(3), atol=1e-12)


def test_linear_algebra_agrees_with_torch():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    square, sym, tall = regular(2, 3, 3), symmetric(2, 3, 3), regular(4, 3)
    for name, a, theirs in (
        ("inv", square, torch.linalg.inv), ("det", square, torch.linalg.det), ("pinv", tall, torch.linalg.pinv),
        ("cholesky", sym, torch.linalg.cholesky), ("eigvalsh", sym, torch.linalg.eigvalsh),
        ("svdvals", tall, torch.linalg.svdvals),
    ):  # fmt: skip
        x, t = tl.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
        y, z = getattr(np.linalg, name)(x), theirs(t)
        g = numbers(*y.shape, seed=5)
        y.backward(gradient=g)
        z.backward(torch.tensor(g))
        np.testing.assert_allclose(y.numpy(), z.detach().numpy(), atol=1e-12, err_msg=name)
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), atol=1e-10, err_msg=name)


def test_a_function_of_a_symmetric_matrix_through_its_eigenvectors_is_right():
    def logarithm(a):
        values, vectors = np.linalg.eigh(even(a))
        return (vectors * np.log(values)) @ vectors.mT

    a = symmetric(3, 3)
    assert_right(logarithm, a, tolerance=1e-6)


def test_vectors_of_equal_values_are_refused_and_their_values_are_not():
    for a in (np.eye(3), np.diag([1.0, 2.0, 2.0])):
        x = tl.tensor(a, requires_grad=True)
        np.linalg.eigh(x).eigenvalues.sum().backward()
        np.testing.assert_allclose(x.grad.numpy(), np.eye(3), atol=1e-12)
        with pytest.raises(ValueError, match="two of the values are equal"):
            (np.linalg.eigh(x).eigenvectors * numbers(3, 3)).sum().backward()
        with pytest.raises(ValueError, match="two of the values are equal"):
            (np.linalg.svd(x).U * numbers(3, 3)).sum().backward()
    x = tl.tensor(numbers(4, 1) @ numbers(1, 2), requires_grad=True)
    np.linalg.svdvals(x)[0].backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_mistakes_with_linear_algebra_are_told_with_the_fix():
    t = tl.tensor(numbers(2, 3), requires_grad=True)
    s = tl.tensor(numbers(3, 3), requires_grad=True)
    for mistake, error, sentence in (
        (lambda: np.linalg.svd(t[:1]).Vh.sum().backward(), ValueError, "full_matrices=False"),
        (lambda: (np.linalg.svd(t[:1].T).U * numbers(3, 3)).sum().backward(), ValueError, "full_matrices=False"),
        (lambda: np.linalg.qr(t[:1].T, "complete").Q.sum().backward(), ValueError, 'linalg.qr.*mode="reduced"'),
        (lambda: np.linalg.svd(t[0]), ValueError, "needs matrices"),
        (lambda: np.linalg.slogdet(t), ValueError, "needs square matrices"),
        (lambda: np.linalg.eigh(t), ValueError, "needs square matrices"),
        (lambda: np.linalg.eigh(s), ValueError, "needs a symmetric matrix"),
        (lambda: np.linalg.cholesky(s), ValueError, "needs a symmetric matrix"),
        (lambda: np.linalg.inv(t), np.linalg.LinAlgError, r"inv of shape \(2, 3\)"),
        (lambda: np.linalg.inv(s * 0), np.linalg.LinAlgError, "Singular"),
        (lambda: np.linalg.matrix_power(s, 0.5), TypeError, "must be an integer"),
        (lambda: np.linalg.qr(s, "raw"), ValueError, 'takes mode="reduced", "complete" or "r"'),
        (lambda: np.linalg.qr(t[0]), np.linalg.LinAlgError, "needs matrices"),
        (lambda: np.linalg.qr(s * 0).R.sum().backward(), ValueError, "columns depend on each other"),
        (lambda: np.linalg.lstsq(s, t), np.linalg.LinAlgError, "Incompatible dimensions"),
        (lambda: np.linalg.lstsq(t[0], t[0]), np.linalg.LinAlgError, "1-dimensional array given"),
        (lambda: np.linalg.norm(t, "fro", axis=0), ValueError, "is for matrices"),
        (lambda: np.linalg.norm(t, 3), ValueError, "a matrix has ord"),
        (lambda: np.linalg.norm(t[None], 2), ValueError, "needs axis="),
        (lambda: np.linalg.norm(t, axis=(0, 0)), ValueError, "neither one axis"),
        (lambda: np.linalg.multi_dot([t]), ValueError, "two matrices"),
    ):
        with pytest.raises(error, match=sentence):
            mistake()


def test_least_squares_have_numpys_residuals_rank_and_cut_off():
    a, b = numbers(5, 3), numbers(5, 2, seed=1)
    lower = a.copy()
    lower[:, 2] = a[:, 0] - a[:, 1]  # rank 2, so that there are no residuals
    nearly = lower + 1e-9 * numbers(5, 3, seed=2)
    for x, y, rcond in (
        (a, b, None), (a, b[:, 0], None), (a[:2], b[:2], None), (lower, b, None), (lower, b[:, 1], 1e-7),
        (nearly, b, None), (nearly, b, 1e-7), (nearly, b, -1), (a[:3], b[:3], None), (a.astype(np.float32), b, None),
        (a, b[:, :0], None), (np.arange(15).reshape(5, 3) % 4, b, None),
    ):  # fmt: skip
        ours = np.linalg.lstsq(tl.tensor(x), tl.tensor(y, requires_grad=True), rcond)
        for made, numpys in zip(ours, np.linalg.lstsq(x, y, rcond), strict=True):
            made = array_of(made)
            assert np.shape(made) == np.shape(numpys)
            assert np.asarray(made).dtype == np.asarray(numpys).dtype or made.dtype.kind == numpys.dtype.kind == "i"
            np.testing.assert_allclose(made, numpys, rtol=1e-5, atol=1e-7 * np.max(np.abs(numpys), initial=1))


def test_qr_and_lstsq_agree_with_torch():
    torch = pytest.importorskip("torch")
    for shape in ((4, 3), (3, 3), (2, 3, 5)):
        a = regular(*shape)
        x, t = tl.tensor(a, requires_grad=True), torch.tensor(a, requires_grad=True)
        ours, theirs = np.linalg.qr(x), torch.linalg.qr(t)
        gs = [numbers(*y.shape, seed=6 + i) for i, y in enumerate(ours)]
        sum((y * g).sum() for y, g in zip(ours, gs, strict=True)).backward()
        sum((y * torch.tensor(g)).sum() for y, g in zip(theirs, gs, strict=True)).backward()
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), atol=1e-10)
    inputs = numbers(5, 3), numbers(5, 2, seed=1)
    ours, theirs = [[make(v, requires_grad=True) for v in inputs] for make in (tl.tensor, torch.tensor)]
    g = numbers(3, 2, seed=2)
    np.linalg.lstsq(*ours)[0].backward(gradient=g)
    torch.linalg.lstsq(*theirs).solution.backward(torch.tensor(g))
    for x, t in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), atol=1e-10)


def test_the_zeroth_power_of_a_matrix_is_a_plain_identity():
    power = np.linalg.matrix_power(tl.tensor(regular(3, 3), requires_grad=True), 0)
    assert type(power) is np.ndarray
    assert (power == np.eye(3)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_algebra_keeps_the_dtype_in_value_and_gradient(dtype):
    a = symmetric(3, 3).astype(dtype)
    for f in (
        np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.pinv, np.linalg.eigvalsh, np.linalg.norm,
        lambda x: np.linalg.svd(x).U, lambda x: np.linalg.slogdet(x).logabsdet, lambda x: np.linalg.norm(x, 3, axis=0),
        lambda x: np.linalg.norm(x, "nuc"), lambda x: np.einsum("ii->i", x), lambda x: np.linalg.matrix_power(x, -2),
        lambda x: np.linalg.qr(x).Q, lambda x: np.linalg.qr(x[:2], "r"), lambda x: np.linalg.lstsq(x, x[0])[0],
        lambda x: np.linalg.lstsq(x[:, :2], x[0])[1], lambda x: squares(np.linalg.svd(x[:, :2]).U[:, 2:]),
        lambda x: squares(np.linalg.qr(x[:, :1], "complete").Q[:, 1:]),
    ):  # fmt: skip
        x = tl.tensor(a, requires_grad=True)
        y = f(x)
        y.backward(gradient=np.ones(y.shape))
        assert y.dtype == x.grad.dtype == dtype


# ---- norms ----

INF = np.inf


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("order", [None, 1, 2, 3, 0.5, -1, -2, 1.5, INF, -INF])
def test_vector_norms_are_right(order, keepdims):
    x = numbers(2, 3, 2, low=0.2) * np.where(numbers(2, 3, 2, seed=1) > 0, 1, -1)
    assert_right(lambda t: np.linalg.norm(t, order, axis=1, keepdims=keepdims), x)
    assert_right(lambda t: np.linalg.norm(t, order, keepdims=keepdims), x[0, 1])
    if order is not None:
        for axis in (None, -1, (0, 2)):
            assert_right(lambda t, axis=axis: np.linalg.vector_norm(t, axis=axis, keepdims=keepdims, ord=order), x)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3), (0, 0)])
def test_the_norm_of_nothing_is_what_this_numpy_says(shape):
    x = np.zeros(shape, np.float32)
    norms = [lambda x, p=p: np.linalg.vector_norm(x, ord=p) for p in (0, 1, 2, 3, INF, -INF)]
    norms += [lambda x, p=p: np.linalg.vector_norm(x, ord=p, axis=-1, keepdims=True) for p in (1, INF, -INF)]
    norms += [lambda x, p=p: np.linalg.norm(x, p) for p in (None, 1, 2, INF, -INF)]
    norms += [lambda x, p=p: np.linalg.matrix_norm(x, ord=p) for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)]
    for f in norms:
        t = tl.tensor(x, requires_grad=True)
        try:
            expected = f(x)
        except ValueError:
            with pytest.raises(ValueError):
                f(t)
            continue
        y = f(t)
        assert y.dtype == np.asarray(expected).dtype
        np.testing.assert_array_equal(array_of(y), expected)
        if isinstance(y, tl.Tensor):  # the number of elements that aren't 0 is a constant
            y.sum().backward()
            assert t.grad.shape == shape


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("order", [None, "fro", "nuc", 1, -1, 2, -2, INF, -INF])
def test_matrix_norms_are_right(order, keepdims):
    x = regular(2, 3, 2)
    assert_right(lambda t: np.linalg.norm(t, order, axis=(1, 2), keepdims=keepdims), x, tolerance=1e-6)
    assert_right(lambda t: np.linalg.norm(t, order, axis=(-1, 0), keepdims=keepdims), x, tolerance=1e-6)
    assert_right(lambda t: np.linalg.norm(t, order, keepdims=keepdims), x[0], tolerance=1e-6)
    if order is not None:
        assert_right(lambda t: np.linalg.matrix_norm(t, ord=order, keepdims=keepdims), x, tolerance=1e-6)


def test_norm_without_ord_flattens_any_number_of_axes_and_ord_0_is_flat():
    assert_right(np.linalg.norm, numbers(2, 3, 2))
    assert_right(lambda t: np.linalg.norm(t, keepdims=True), numbers(2, 3, 2))
    assert np.linalg.norm(tl.tensor([3.0, 0.0, 4.0], requires_grad=True), 0) == 2


def test_all_norms_have_gradient_zero_at_zero():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for f in (
            np.linalg.norm,
            *(lambda t, p=p: np.linalg.norm(t, p, axis=0).sum() for p in (1, 2, 3, 0.5, 1.5, INF, -INF)),
            *(lambda t, p=p: np.linalg.norm(t, p) for p in ("fro", "nuc", 2, -2, 1, -1, INF, -INF)),
        ):  # fmt: skip
            x = tl.tensor(np.zeros((3, 2)), requires_grad=True)
            f(x).backward()
            assert (x.grad.numpy() == 0).all()


# ---- what mutations of the rules have shown to be worth a test ----


@pytest.mark.parametrize("f", [np.linalg.eigh, np.linalg.cholesky, np.linalg.inv, np.linalg.slogdet, np.linalg.det])
def test_matrices_may_be_stacked_along_two_axes(f):
    assert_right(lambda a: f(even(a)), symmetric(3, 1, 2, 2), second=False, tolerance=1e-6)


def test_singular_vectors_may_be_stacked_along_two_axes():
    assert_right(lambda a: np.linalg.svd(a, full_matrices=False), regular(3, 1, 2, 2), second=False, tolerance=1e-6)


@pytest.mark.parametrize(
    ("of_u", "of_v"),
    [
        ([[0, 1], [0, 0]], 0), ([[0, -1], [0, 0]], 0), ([[0, 0], [1, 0]], 0), (0, [[0, 1], [0, 0]]),
        (0, [[0, 0], [-1, 0]]), ([[0, 1], [0, 0]], [[0, 1], [0, 0]]), ([[0, 1], [0, 0]], [[0, -1], [0, 0]]),
        ([[0, -1], [0, 0]], [[0, 1], [0, 0]]), ([[0, 1], [1, 0]], 0),
    ],
)  # fmt: skip
def test_any_gradient_of_singular_vectors_of_equal_values_is_refused(of_u, of_v):
    x = tl.tensor(np.eye(2), requires_grad=True)
    u, _, vh = np.linalg.svd(x)
    gradient_u, gradient_v = u.data @ np.broadcast_to(of_u, (2, 2)), vh.data.T @ np.broadcast_to(of_v, (2, 2))
    with pytest.raises(ValueError, match="two of the values are equal"):
        ((u * gradient_u).sum() + (vh * gradient_v.T).sum()).backward()


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1.0, 1e10, -1e10, -1.0])
def test_what_counts_as_equal_eigenvalues_depends_on_their_size(scale):
    turn = np.linalg.qr(numbers(3, 3))[0]

    def gradient(values):
        a = (turn * (np.array(values) * scale)) @ turn.T
        x = tl.tensor((a + a.T) / 2, requires_grad=True)
        (np.linalg.eigh(x).eigenvectors * numbers(3, 3)).sum().backward()
        return x.grad.numpy()

    with pytest.raises(ValueError, match="two of the values are equal"):
        gradient([1.0, 1.0, 3.0])
    assert np.isfinite(gradient([1.0, 1.001, 3.0])).all()


def test_a_small_matrix_beside_a_large_one_has_eigenvalues_of_its_own():
    a = np.stack([symmetric(3, 3), 1e-20 * symmetric(3, 3)])
    x = tl.tensor(a, requires_grad=True)
    (np.linalg.eigh(x).eigenvectors * numbers(2, 3, 3)).sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("triangle", ["L", "U", "l", "u"])
def test_eigenvectors_have_the_signs_that_numpy_gives_them_for_either_triangle(triangle):
    for seed in range(20):
        for n in (2, 3, 5):
            a = symmetric(2, n, n, seed=seed)
            for ours, theirs in zip(np.linalg.eigh(tl.tensor(a), triangle), np.linalg.eigh(a, triangle), strict=True):
                np.testing.assert_array_equal(ours.data, theirs)
            values = np.linalg.eigvalsh(tl.tensor(a), UPLO=triangle).data
            np.testing.assert_allclose(values, np.linalg.eigvalsh(a, triangle), rtol=1e-12, atol=1e-13)
    assert_right(lambda a: np.linalg.eigh(even(a), triangle).eigenvectors, symmetric(3, 3), tolerance=1e-6)


def test_an_eigenvector_problem_without_rows_has_a_gradient_without_rows():
    x = tl.tensor(np.zeros((2, 0, 0)), requires_grad=True)
    values, vectors = np.linalg.eigh(x)
    (values.sum() + vectors.sum()).backward()
    assert x.grad.shape == (2, 0, 0)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8, np.int64])
def test_norms_and_eigenvalues_of_integers_and_booleans_are_numpys_in_value_and_dtype(dtype):
    a = np.array([[100, 100], [100, 90]]).astype(dtype)
    functions = [
        np.linalg.eigvalsh, lambda x: np.linalg.eigh(x).eigenvectors, lambda x: np.linalg.norm(x, axis=(0, 1)),
        lambda x: np.linalg.vecdot(x, x), lambda x: np.vecdot(x, x, axis=0), lambda x: np.vecdot(x, [[2.5, 1.5]]),
        lambda x: np.linalg.cholesky(x + 100 * np.eye(2, dtype=dtype)),
    ]  # fmt: skip
    functions += [lambda x, p=p: np.linalg.norm(x, p) for p in (None, "fro", "nuc", 1, -1, 2, -2, INF, -INF)]
    functions += [lambda x, p=p: np.linalg.matrix_norm(x, ord=p) for p in ("fro", "nuc", 1, -1, 2, INF, -INF)]
    for p in (0, 1, 2, 3, -1, INF, -INF):
        functions += [lambda x, p=p: np.linalg.norm(x, p, axis=0), lambda x, p=p: np.linalg.vector_norm(x, ord=p)]
    for i, f in enumerate(functions):
        try:
            expected = f(a)
        except (ValueError, np.linalg.LinAlgError) as error:
            with pytest.raises(type(error)):
                f(tl.tensor(a))
            continue
        ours = f(tl.tensor(a))
        assert np.asarray(getattr(ours, "data", ours)).dtype == expected.dtype, i
        np.testing.assert_allclose(getattr(ours, "data", ours), expected, rtol=1e-13, atol=1e-13, err_msg=str(i))


def test_the_arguments_of_pinv_stand_where_numpy_has_them():
    a, s = regular(2, 4, 3), symmetric(2, 3, 3)
    for f in (
        lambda x: np.linalg.pinv(x, 1e-10), lambda x: np.linalg.pinv(x, rtol=1e-10),
        lambda x: np.linalg.pinv(x, rtol=None), lambda x: np.linalg.pinv(x, np.array([1e-9, 1e-10])),
        lambda x: np.linalg.pinv(x, None, False),
    ):  # fmt: skip
        assert_right(f, a, tolerance=1e-6)
    assert_right(lambda x: np.linalg.pinv(even(x), 1e-15, True), s, tolerance=1e-6)
    assert_right(lambda x: np.linalg.pinv(even(x), hermitian=True), s, tolerance=1e-6)
    x, g = tl.tensor(s, requires_grad=True), numbers(2, 3, 3, seed=4)
    np.linalg.pinv(x, hermitian=True).backward(gradient=g)
    inverse = np.linalg.inv(s)
    full = -inverse @ g @ inverse
    np.testing.assert_allclose(x.grad.numpy(), even(full), atol=1e-12)
    near = tl.tensor(np.diag([1.0, 1e-8, 1e-3]), requires_grad=True)
    for limit in ({"rtol": None}, {}, {"rcond": 1e-5}, {"rtol": 1e-5}):
        np.testing.assert_allclose(np.linalg.pinv(near, **limit).data, np.linalg.pinv(near.data, **limit))


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda a: np.vecdot(a, a[:, :1]), ValueError),
        (lambda a: np.linalg.vecdot(a, a[:, :1]), ValueError),
        (lambda a: np.vecdot(a[0, 0], a), ValueError),
        (lambda a: np.linalg.multi_dot([a[None], a.T, a]), np.linalg.LinAlgError),
        (lambda a: np.linalg.multi_dot([a, a[0], a]), np.linalg.LinAlgError),
        (lambda a: np.linalg.multi_dot([a, a.T, a[None]]), np.linalg.LinAlgError),
        (lambda a: np.linalg.eigh(a[:3], UPLO="X"), ValueError),
        (lambda a: np.linalg.eigvalsh(a[:3], UPLO="X"), ValueError),
        (lambda a: np.sort(a, kind="bad"), ValueError),
        (lambda a: np.sort(a, kind="stable", stable=True), ValueError),
        (lambda a: np.reshape(a, (3, 4), order="K"), (ValueError, TypeError)),
        (lambda a: np.linalg.pinv(a, 1e-15, rtol=1e-3), ValueError),
        *([(lambda a: np.matvec(a[0], a[0]), ValueError), (lambda a: np.matvec(a, a[0, 0]), ValueError),
           (lambda a: np.vecmat(a[0], a[0]), ValueError), (lambda a: np.vecmat(a[0, 0], a), ValueError),
           (lambda a: np.vecmat(a[0], a[0]), ValueError)] if hasattr(np, "matvec") else []),
    ],
)  # fmt: skip
def test_what_numpy_refuses_is_refused(call, error):
    a = numbers(4, 3)
    a[:3] += a[:3].T.copy()
    with pytest.raises(error):
        call(a)
    with pytest.raises(error):
        call(tl.tensor(a, requires_grad=True))


def test_multi_dot_of_two_is_dot():
    assert_right(lambda a, b: np.linalg.multi_dot([a, b]), numbers(2, 2, 3), numbers(3, 2), second=False)
    assert_right(lambda a, b: np.linalg.multi_dot([a, b]), numbers(3), numbers(3))


def test_the_determinant_of_one_number_is_that_number_also_if_it_is_0():
    x = tl.tensor(np.array([[[0.0]], [[3.0]]]), requires_grad=True)
    np.linalg.det(x).backward(gradient=np.array([2.0, 3.0]), create_graph=True)
    first, x.grad = x.grad, None
    np.testing.assert_array_equal(first.data.ravel(), [2, 3])
    first.sum().backward()
    np.testing.assert_array_equal(x.grad.data.ravel(), [0, 0])


def test_a_matrix_without_rows_has_a_determinant_with_all_its_derivatives():
    x = tl.tensor(np.zeros((2, 0, 0)), requires_grad=True)
    np.linalg.det(x).backward(gradient=np.array([2.0, 3.0]), create_graph=True)
    first, x.grad = x.grad, None
    first.sum().backward()
    assert first.shape == x.grad.shape == (2, 0, 0)


def test_an_output_that_einsum_isnt_told_has_its_letters_in_the_order_of_the_alphabet(rng):
    x = rng.normal(size=(2, 1, 3, 1, 2, 1, 2, 3))  # of eight letters, no other order comes out right by chance
    t = tl.tensor(x, requires_grad=True)
    y = np.einsum("hbgcfdea", t)
    np.testing.assert_array_equal(y.data, np.einsum("hbgcfdea", x))
    upstream = rng.normal(size=y.shape)
    y.backward(upstream)
    np.testing.assert_array_equal(t.grad.data, np.einsum("abcdefgh->hbgcfdea", upstream))


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e8])
def test_columns_that_depend_on_each_other_but_for_rounding_have_no_gradient(scale):
    a = scale * np.outer([1.0, 2, 3], [1, 3.7])
    g = np.array([[1.0, 2], [3, 4], [5, 7]])
    with pytest.raises(ValueError, match="depend on each other"):
        tl.grad(lambda a: np.sum(np.linalg.qr(a)[0] * g))(a)
    with pytest.raises(ValueError, match="a singular value is 0"):
        tl.grad(lambda a: np.sum(np.linalg.svd(a, full_matrices=False)[0] * g))(a)
    independent = a + scale * 1e-6 * np.array([[1.0, 0], [0, 1], [0, 0]])
    assert np.isfinite(tl.grad(lambda a: np.sum(np.linalg.qr(a)[0] * g))(independent)).all()
