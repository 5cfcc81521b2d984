"""Functions from functions: grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp, and how they nest."""

import collections
import copy
import inspect
import math
import pickle
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import tinydl as tl

A = np.random.default_rng(3).normal(size=(2, 3))


def f(x):
    """A function from 3 numbers to 2."""
    return np.tanh(A @ x) * np.array([1.0, -2.0])


def jacobian_by_formula(x):
    return (1 - np.tanh(A @ x) ** 2)[:, None] * A * np.array([[1.0], [-2.0]])


def quartic(x):
    return np.sum(x**4) + x[0] * x[1] ** 2 * x[2]


def quartic_hessian(x):
    h = np.diag(12 * x**2)
    a, b, c = x
    return h + np.array([[0, 2 * b * c, b**2], [2 * b * c, 2 * a * c, 2 * a * b], [b**2, 2 * a * b, 0]])


X = np.array([0.3, -0.7, 1.1])


def test_grad_gives_back_the_type_it_was_given():
    assert tl.grad(lambda x: x**3)(2.0) == 12.0 and type(tl.grad(lambda x: x**3)(2.0)) is float
    array = tl.grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0], np.float32))
    assert type(array) is np.ndarray and array.dtype == np.float32 and np.allclose(array, [3, 12])
    t = tl.grad(lambda x: np.sum(x**3))(tl.tensor([1.0, 2.0]))
    assert isinstance(t, tl.Tensor) and not t.requires_grad


def test_a_python_float_is_computed_in_float64():
    assert tl.grad(lambda x: np.sin(x))(0.1) == pytest.approx(np.cos(0.1), rel=1e-15)


def test_derivatives_nest_to_any_depth():
    d = np.sin
    for k, expected in enumerate([np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin, np.cos], 1):
        d = tl.grad(d)
        assert d(0.4) == pytest.approx(expected(0.4), rel=1e-12), k


def test_a_derivative_that_vanishes_is_zero_and_no_error():
    assert tl.grad(tl.grad(lambda x: 3 * x))(1.0) == 0.0
    assert tl.grad(lambda x: tl.tensor(2.0) * 3)(1.0) == 0.0
    assert np.array_equal(tl.jacobian(lambda x: tl.tensor([1.0, 2.0]))(X), np.zeros((2, 3)))


def test_the_inner_of_two_transforms_sees_what_it_closes_over():
    assert tl.grad(lambda x: tl.grad(lambda y: x * y**2)(3.0))(2.0) == 6.0
    assert tl.grad(lambda x: x * tl.grad(lambda y: x + y)(1.0))(1.0) == 1.0  # no perturbation confusion
    assert tl.grad(lambda x: x * tl.grad(lambda y: x * y)(2.0))(3.0) == 6.0


def test_value_and_grad_argnums_and_keywords():
    def loss(a, b, c=1.0):
        return np.sum(a * b) * c

    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    value, (ga, gb) = tl.value_and_grad(loss, argnums=(0, 1))(a, b, c=2.0)
    assert value == 22.0 and np.array_equal(ga, 2 * b) and np.array_equal(gb, 2 * a)
    assert np.array_equal(tl.grad(loss, argnums=-1)(a, b), a)


def test_transforms_touch_no_grad_and_compute_only_what_was_asked():
    w, calls = tl.tensor([2.0, 3.0], requires_grad=True), []
    product = tl.primitive(lambda x, w: x * w, lambda g, y, x, w: g * w, lambda g, y, x, w: calls.append(1) or g * x)
    g = tl.grad(lambda x: np.sum(product(x, w)))(np.array([1.0, 5.0]))
    assert isinstance(g, tl.Tensor) and np.array_equal(g.data, [2.0, 3.0])  # a Tensor, since it is w
    assert w.grad is None and calls == []


def test_a_gradient_penalty_reaches_the_parameters():
    w = tl.tensor([1.0, 2.0], requires_grad=True, dtype=np.float64)
    g = tl.grad(lambda x: np.sum(w * x**2))(tl.tensor(np.array([1.0, 3.0])))
    np.sum(g**2).backward()  # g = 2 w x
    assert np.allclose(w.grad.data, 8 * w.data * np.array([1.0, 9.0]))


def cubic(w):
    """w·x³ summed, as a function of x alone: what it gives to transforms depends on w, which they aren't told of."""
    return lambda x: np.sum(w * x**3)


V, C = np.array([0.5, -2.0, 3.0]), np.array([1.0, 2.0, 3.0])
EVERY = {  # each transform on plain arrays, and the gradient by w of c·(what it gives), c = C
    "grad": (lambda w: tl.grad(cubic(w))(X), C * 3 * X**2),
    "value": (lambda w: tl.value_and_grad(cubic(w))(X)[0], 6 * X**3),
    "value_and_grad": (lambda w: tl.value_and_grad(cubic(w))(X)[1], C * 3 * X**2),
    "argnums": (lambda w: tl.grad(lambda a, b: np.sum(w * a * b), (0, 1))(V, X)[1], C * V),
    "vjp value": (lambda w: tl.vjp(lambda x: w * x, X)[0], C * X),
    "vjp": (lambda w: tl.vjp(lambda x: w * x, X)[1](V)[0], C * V),
    "jvp": (lambda w: tl.jvp(lambda x: w * x**2, X, V)[1], C * 2 * X * V),
    "jacobian": (lambda w: tl.jacobian(lambda x: w * x**2)(X).sum(1), C * 2 * X),
    "hessian": (lambda w: tl.hessian(cubic(w))(X).sum(1), C * 6 * X),
    "hvp": (lambda w: tl.hvp(cubic(w))(X, V), C * 6 * X * V),
    "float": (lambda w: tl.grad(lambda x: np.sum(w * x**2))(0.5), [6, 6, 6]),  # 2x for each of w, c summed
}


@pytest.mark.parametrize("name", EVERY)
def test_a_transform_of_arrays_reaches_the_parameters_that_its_function_closes_over(name):
    transform, expected = EVERY[name]
    w = tl.tensor(np.array([1.0, -2.0, 0.5]), requires_grad=True)
    (transform(w) * C).sum().backward()
    assert np.allclose(w.grad.data, expected)
    enclosing = tl.grad(lambda w: (transform(w) * C).sum())(w.numpy())
    assert type(enclosing) is np.ndarray and np.allclose(enclosing, expected)


@pytest.mark.parametrize("name", EVERY)
def test_under_no_grad_and_for_frozen_parameters_transforms_give_what_they_were_given(name):
    w = tl.tensor(np.array([1.0, -2.0, 0.5]), requires_grad=True)
    recorded = EVERY[name][0](w)
    with tl.no_grad():
        plain = EVERY[name][0](w)
    w.requires_grad = False
    frozen = EVERY[name][0](w)
    assert isinstance(recorded, tl.Tensor) and type(plain) is type(frozen) is (float if name == "float" else np.ndarray)
    assert np.array_equal(plain, recorded.data) and np.array_equal(plain, frozen)


def test_tensors_get_a_constant_tensor_under_no_grad():
    w, x = tl.tensor([1.0, -2.0, 0.5], requires_grad=True), tl.tensor(X, requires_grad=True)
    with tl.no_grad():
        results = [
            tl.grad(cubic(w))(x),
            *tl.value_and_grad(cubic(w))(x),
            *tl.jvp(cubic(w), x, w),
            tl.hvp(cubic(w))(x, w),
        ]
    assert all(isinstance(r, tl.Tensor) and not r.requires_grad for r in results)


def test_a_result_that_no_parameter_is_in_comes_as_it_was_given():
    w = tl.tensor(3.0, requires_grad=True)
    value, slope = tl.value_and_grad(lambda x: x**2 + w)(2.0)
    assert isinstance(value, tl.Tensor) and value.requires_grad and type(slope) is float and slope == 4.0
    assert type(tl.jacobian(lambda x: 2 * x + w)(X)) is np.ndarray
    assert tl.grad(lambda w: tl.grad(lambda x: x**2 + w)(2.0))(1.0) == 0.0  # an enclosing one finds a Tensor


def test_a_physics_informed_loss_trains_its_network():
    """u' = 2, u(0) = 1: the gradient of the whole loss by central differences."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=shape) for shape in ((1, 3), (3,), (3, 1))]
    points = rng.normal(size=(5, 1))

    def loss(a, b, c):
        def u(x):
            return np.tanh(x @ a + b) @ c

        slope = tl.grad(lambda x: u(x).sum())(points)
        return np.mean((slope - 2) ** 2) + np.mean((u(np.zeros((1, 1))) - 1) ** 2)

    tensors = [tl.tensor(w, requires_grad=True) for w in weights]
    loss(*tensors).backward()
    for k, w in enumerate(weights):
        for index in np.ndindex(w.shape):
            ends = []
            for h in (1e-6, -1e-6):
                moved = [v.copy() for v in weights]
                moved[k][index] += h
                with tl.no_grad():
                    ends.append(float(loss(*moved)))
            assert tensors[k].grad.data[index] == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(
    "leave",
    [
        float,
        np.asarray,
        lambda g: float(g * 2 + 1),
        lambda g: copy.copy(g * 1),
        lambda g: np.ones(()).__iadd__(g),
        lambda g: np.add(1.0, g, out=np.ones(())),
    ],
)
def test_a_refused_exit_names_the_transform_and_what_made_it_record(leave):
    w = tl.tensor(3.0, requires_grad=True, name="weight")
    b = tl.tensor(np.ones((2, 3)), requires_grad=True)
    g = tl.grad(lambda x: w * x**2 * np.prod(b))(2.0)
    with pytest.raises(TypeError, match=r"tl.grad ran through .*'weight' and one of shape \(2, 3\).*tl.no_grad\(\)"):
        leave(g)
    with pytest.raises(TypeError) as other:
        leave(w * 2.0)
    assert "tl.grad" not in str(other.value)


def test_a_tensor_of_the_users_own_is_not_taken_for_a_transforms_result():
    own = 2 * tl.tensor(3.0, requires_grad=True)
    value, _ = tl.value_and_grad(lambda x: own)(1.0)
    assert value is own
    with pytest.raises(TypeError) as refused:
        float(own)
    assert "value_and_grad" not in str(refused.value)


def test_transforms_work_inside_no_grad_and_record_nothing_outside():
    w = tl.tensor([1.0, 2.0], requires_grad=True)
    with tl.no_grad():
        g = tl.grad(lambda x: np.sum(w * x**2))(tl.tensor([1.0, 3.0]))
    assert np.allclose(g.data, [2.0, 12.0]) and not g.requires_grad


def test_vjp_and_jvp_agree_with_the_jacobian():
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=2), rng.normal(size=3)
    value, pullback = tl.vjp(f, X)
    assert np.allclose(value, np.tanh(A @ X) * [1, -2])
    assert np.allclose(pullback(u)[0], u @ jacobian_by_formula(X))
    assert np.allclose(pullback(2 * u)[0], 2 * u @ jacobian_by_formula(X))
    value, tangent = tl.jvp(f, X, v)
    assert np.allclose(tangent, jacobian_by_formula(X) @ v) and type(tangent) is np.ndarray
    _, tangent = tl.jvp(lambda a, b: a * b, (2.0, 3.0), (1.0, 10.0))
    assert tangent == 23.0 and type(tangent) is float


def test_jacobian_and_hessian_have_the_shapes_and_values_of_the_definition():
    assert np.allclose(tl.jacobian(f)(X), jacobian_by_formula(X))
    matrix = np.arange(6.0).reshape(2, 3)
    j = tl.jacobian(lambda x: x.T * 2)(matrix)
    assert j.shape == (3, 2, 2, 3)
    assert all(j[i, k, k, i] == 2 for i in range(3) for k in range(2)) and j.sum() == 12
    assert np.allclose(tl.hessian(quartic)(X), quartic_hessian(X))
    assert tl.hessian(lambda x: x**3)(2.0) == 12.0
    assert tl.jacobian(lambda x: x[:0])(X).shape == (0, 3)


def test_hvp_is_the_hessian_times_a_vector():
    v = np.array([1.0, -2.0, 0.5])
    assert np.allclose(tl.hvp(quartic)(X, v), quartic_hessian(X) @ v)


def test_the_cotangent_of_a_vjp_and_the_vector_of_an_hvp_get_their_gradients():
    x, w = tl.tensor(np.array([1.0, 2.0])), tl.tensor(np.array([2.0, 3.0]), requires_grad=True)
    _, pull = tl.vjp(lambda x: x**3, x)
    (pull(w)[0] ** 2).sum().backward()
    assert np.allclose(w.grad.data, 2 * w.data * (3 * x.data**2) ** 2)
    w.grad = None
    (tl.hvp(lambda x: (x**3).sum())(x, w) ** 2).sum().backward()
    assert np.allclose(w.grad.data, 2 * w.data * (6 * x.data) ** 2)
    found = tl.grad(lambda u: (tl.vjp(lambda x: x**3, x.data)[1](u)[0] ** 2).sum())(np.array([1.0, 2.0]))
    assert np.allclose(found, 2 * np.array([1.0, 2.0]) * (3 * x.data**2) ** 2)
    with tl.no_grad():
        assert not pull(w)[0].requires_grad


def test_hessian_and_hvp_are_of_one_argument():
    for transform in (tl.hessian, tl.hvp):
        with pytest.raises(TypeError, match="argnums is an integer"):
            transform(lambda a, b: (a * b).sum(), (0, 1))


def test_a_jvp_can_itself_be_differentiated():
    assert tl.grad(lambda x: tl.jvp(lambda z: z**3, x, 1.0)[1])(2.0) == pytest.approx(12.0)


def test_results_own_their_memory():
    x = np.array([1.0, 2.0])
    g = tl.grad(lambda a: a.sum())(x)
    g[:] = 5.0
    value, pullback = tl.vjp(lambda a: a.reshape(2, 1), x)
    value[:] = 9.0
    (back,) = pullback(np.array([[1.0], [2.0]]))
    back[:] = 7.0
    assert np.array_equal(x, [1.0, 2.0])


# ---- dicts, lists and tuples ----

W = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])  # (2, 3)
B = np.array([0.1, -0.2])
PULL = np.array([3.0, -5.0])
Pair = namedtuple("Pair", ["weight", "bias"])


def energy(w, b):
    """Σ c · (w x + b)²; by the formula ∂/∂w = 2 c y xᵀ, ∂/∂b = 2 c y."""
    return np.sum(PULL * (w @ X + b) ** 2)


BY_B = 2 * PULL * (W @ X + B)
BY_W = BY_B[:, None] * X
FORMS = {
    "list": (lambda p: energy(*p), lambda w, b: [w, b]),
    "tuple": (lambda p: energy(p[0], p[1]), lambda w, b: (w, b)),
    "dict": (lambda p: energy(**p), lambda w, b: {"b": b, "w": w}),
    "ordered dict": (lambda p: energy(p["w"], p["b"]), lambda w, b: OrderedDict(w=w, b=b)),
    "named tuple": (lambda p: energy(p.weight, p.bias), lambda w, b: Pair(w, b)),
    "nested": (lambda p: energy(p[0]["w"], p[1][0][0]), lambda w, b: [{"w": w, "none": None}, ([b], [], {})]),
}


def same(found, expected):
    """Of the same form, and the numbers equal but for rounding."""
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for pair in zip(found, expected, strict=True):
            same(*pair)
    elif expected is not None:
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_a_gradient_by_a_dict_list_or_tuple_is_one_like_it(form):
    f, made = FORMS[form]
    same(tl.grad(f)(made(W, B)), made(BY_W, BY_B))
    value, gradient = tl.value_and_grad(f)(made(W, B))
    same((value, gradient), (np.array(energy(W, B)), made(BY_W, BY_B)))
    value, pullback = tl.vjp(f, made(W, B))
    same(pullback(2.0), (made(2 * BY_W, 2 * BY_B),))
    tensors = tl.grad(f)(made(tl.tensor(W), tl.tensor(B)))
    same(tensors, made(tl.tensor(BY_W), tl.tensor(BY_B)))


@pytest.mark.parametrize("form", FORMS)
def test_directions_and_second_derivatives_by_a_dict_list_or_tuple(form):
    f, made = FORMS[form]
    v, u = np.array([[1.0, -2.0, 0.5], [0.3, 0.7, -1.1]]), np.array([2.0, -0.4])
    _, tangent = tl.jvp(f, (made(W, B),), (made(v, u),))
    same(tangent, np.array(np.sum(v * BY_W) + np.sum(u * BY_B)))
    change = 2 * PULL * (v @ X + u)
    same(tl.hvp(f)(made(W, B), made(v, u)), made(change[:, None] * X, change))
    by_bb = np.diag(2 * PULL)
    by_bw = by_bb[:, :, None] * X  # (2, 2, 3)
    by_wb, by_ww = by_bw.transpose(1, 2, 0), by_bb[:, None, :, None] * X[None, :, None, None] * X
    same(tl.hessian(f)(made(W, B)), made(made(by_ww, by_wb), made(by_bw, by_bb)))
    outputs = tl.jacobian(lambda p: {"y": f(p) * PULL, "z": f(p)})(made(W, B))
    by_w, by_b = PULL[:, None, None] * BY_W, PULL[:, None] * BY_B
    same(outputs, {"y": made(by_w, by_b), "z": made(BY_W, BY_B)})


def test_several_arguments_may_be_dicts_and_lists():
    def f(p, x, q):
        return np.sum(p["w"] @ x * q[0]) + q[1]

    x, q = X.astype(np.float32), [PULL, 0.5]
    found = tl.grad(f, (2, 0, 1))({"w": W}, x, q)
    same(found[:2], ([W @ x, 1.0], {"w": PULL[:, None] * x}))
    assert found[2].dtype == np.float32 and found[0][1].__class__ is float
    np.testing.assert_allclose(found[2], PULL @ W, rtol=1e-6)


def test_a_list_of_numbers_is_one_tensor_to_the_function_and_comes_back_as_a_list():
    def f(p):
        a, b = p
        return np.sum(p**3) + a * b

    same(tl.grad(f)([2.0, 3]), [12 + 3.0, 27 + 2.0])
    same(tl.grad(f)((2.0, 3)), (15.0, 29.0))
    value, gradient = tl.value_and_grad(lambda p: np.sum(np.sin(p)))([[0.1, 0.2, 0.3], [1, 2, 3]])
    same(gradient, [[math.cos(0.1), math.cos(0.2), math.cos(0.3)], [math.cos(1.0), math.cos(2.0), math.cos(3.0)]])
    assert type(value) is float and type(gradient[0][0]) is float
    same(tl.hessian(f)([2.0, 3.0]), np.array([[12.0, 1.0], [1.0, 18.0]]))
    same(tl.grad(lambda p: p[0][1] * p[1][0])([[1.0, 2.0], [3.0]]), [[0.0, 3.0], [2.0]])  # of unequal lengths


def test_a_gradient_by_a_dict_reaches_the_parameters_that_its_function_closes_over():
    w = tl.tensor(np.array([2.0, -1.0]), requires_grad=True)
    gradient = tl.grad(lambda p: np.sum(w * p["x"] ** 2))({"x": np.array([3.0, 5.0])})
    (gradient["x"] * np.array([1.0, 10.0])).sum().backward()
    assert w.grad.tolist() == [6, 100]
    with tl.no_grad():
        assert type(tl.grad(lambda p: np.sum(w * p["x"] ** 2))({"x": np.ones(2)})["x"]) is np.ndarray


def test_what_has_nothing_to_differentiate_by_has_an_empty_gradient():
    assert tl.grad(lambda p: tl.tensor(2.0) * 3)({}) == {} and tl.grad(lambda p: tl.tensor(1.0))([None]) == [None]
    w = tl.tensor(np.array([2.0, 3.0]), requires_grad=True)
    value, gradient = tl.value_and_grad(lambda p: np.sum(w**2))({})
    value.backward()
    assert gradient == {} and w.grad.tolist() == [4, 6]


class Physics:
    def potential(self, x):
        return np.sum(x**2) * self.strength

    strength = 3.0
    force = tl.grad(potential, argnums=1)


@pytest.mark.parametrize("transform", [tl.grad, tl.value_and_grad, tl.jacobian, tl.hessian])
def test_what_a_transform_gives_can_be_pickled_if_its_function_can(transform):
    for g in (pickle.loads(pickle.dumps(transform(quartic))), copy.deepcopy(transform(quartic))):
        np.testing.assert_array_equal(g(X)[-1], transform(quartic)(X)[-1])
    g = pickle.loads(pickle.dumps(tl.hvp(quartic)))
    np.testing.assert_allclose(g(X, PULL[[0, 1, 0]]), quartic_hessian(X) @ PULL[[0, 1, 0]], rtol=1e-12)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(transform(lambda x: x))


def test_what_a_transform_gives_is_a_method_where_it_stands_in_a_class():
    assert Physics().force(X).tolist() == (2 * X * 3).tolist()
    assert str(inspect.signature(Physics.force)) == str(inspect.signature(tl.hessian(quartic))) == "(*args, **options)"


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: tl.hvp(FORMS["dict"][0])({"w": W, "b": B}, {"w": W}), ValueError, "the vector.*'w', 'b'.*keys 'w'$"),
        (lambda: tl.jvp(FORMS["list"][0], ([W, B],), ([W],)), ValueError, "a tangent .*a list of 2.*a list of 1"),
        (lambda: tl.vjp(lambda p: (p, p), X)[1](X), ValueError, "the cotangent .*a tuple of 2.*not a ndarray"),
        (lambda: tl.grad(lambda p: [p[0]])([W]), ValueError, "a single number, but this one returned list"),
        (lambda: tl.grad(lambda p: p["n"])({"n": np.array(3)}), TypeError, "astype"),
        (lambda: tl.grad(lambda p: p["n"])({"n": "three"}), TypeError, "real numbers"),
        (lambda: tl.vjp(lambda p: (p[0], 1.0), [W]), TypeError, "returned tuple, not a Tensor"),
        (lambda: tl.grad(lambda x: x * 2)(np.ones(3)), ValueError, r"single number.*\(3,\)"),
        (lambda: tl.grad(lambda x: float(x.data))(1.0), TypeError, "returned float, not a Tensor"),
        (lambda: tl.grad(lambda x: x)(np.array(3)), TypeError, "astype"),
        (lambda: tl.grad(lambda x: x)(tl.tensor(3)), TypeError, "astype"),
        (lambda: tl.grad(lambda x: x, argnums=1)(3.0), ValueError, "argnums=1"),
        (lambda: tl.grad(lambda x, y: x, argnums=(0, 0))(3.0, 1.0), ValueError, "twice"),
        (lambda: tl.jvp(f, X, np.ones(2)), ValueError, "tangent"),
        (lambda: tl.jvp(f, (X,), ()), ValueError, "one tangent per input"),
        (lambda: tl.vjp(f, X)[1](np.ones(3)), ValueError, r"\(3,\).*\(2,\)"),
    ],
)
def test_misuse_is_explained(call, error, match):
    with pytest.raises(error, match=match):
        call()


def test_a_dict_with_an_update_of_its_own_keeps_its_numbers():
    """A Counter's update adds."""
    found = tl.grad(lambda p: p["a"] ** 2 + 5 * p["b"])(collections.Counter(a=3.0, b=1.0))
    assert found == {"a": 6.0, "b": 5.0} and type(found) is collections.Counter


def test_what_is_no_function_is_refused_when_a_transform_is_made_of_it():
    for make in (lambda: tl.grad(3.0), lambda: tl.jacobian(tl.tensor([1.0])), lambda: tl.grad(lambda x: x, 3.0)):
        with pytest.raises(TypeError, match=r"write tl\.\w+\(f\)\(x\)"):
            make()
