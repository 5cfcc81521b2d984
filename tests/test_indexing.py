"""Picking elements out of one array again and again: what the backward pass adds up, and how much work that is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tinydl as tl
from tinydl.engine.dispatch import primitives
from tinydl.engine.recording import Observer, observing

Array = NDArray[Any]
Uses = list[Callable[[Any], Any]]

MASK = np.random.default_rng(5).random((6, 4)) < 0.5
# each picks something from an array of shape (6, 4, 5); where an index names an element twice, it must count twice
PICKS: dict[str, Callable[[Any], Any]] = {
    "x[2]": lambda x: x[2],
    "x[-1]": lambda x: x[-1],
    "x[1, 2, 3]": lambda x: x[1, 2, 3],
    "x[1:5:2, None, ::-1]": lambda x: x[1:5:2, None, ::-1],
    "x[..., 0]": lambda x: x[..., 0],
    "x[mask]": lambda x: x[MASK],
    "x[[1, 1, -5]]": lambda x: x[[1, 1, -5]],
    "x[array]": lambda x: x[np.array([[0, 3], [3, 3]])],
    "x[0-d array]": lambda x: x[np.array(4)],
    "x[array, array]": lambda x: x[np.array([0, 0, 5]), np.array([1, 1, 2])],
    "x[:, array]": lambda x: x[:, np.array([3, 3, 0])],
    "x[array, :, 1]": lambda x: x[np.array([0, 2, 2]), :, 1],
    "take, one": lambda x: np.take(x, 3, 0),
    "take, twice": lambda x: np.take(x, [1, 1, 3], 1),
    "take, flat": lambda x: np.take(x, [7, -7, 7, 119]),
    "take, wrapped": lambda x: np.take(x, [9, 3], 0, mode="wrap"),
    "take_along_axis": lambda x: np.take_along_axis(x, np.full((6, 1, 5), 2), 1),
    "split": lambda x: np.split(x, 3)[1],
    "unpacked": lambda x: (lambda a, *rest: a)(*x),
    "transposed": lambda x: np.swapaxes(x, 0, 2)[1],
}
OTHERS: dict[str, Callable[[Any], Any]] = {
    "x * 1.5": lambda x: x * 1.5,
    "x.T": lambda x: x.T,
    "sum": lambda x: np.sum(x, 1),
    "relu": lambda x: x.relu(),
}
SHAPE = (6, 4, 5)


def draw(seed: int, dtype: Any = np.float64) -> tuple[Array, Uses, list[Array]]:
    """Values, a dozen uses of them in some order, and a cotangent for each, −0.0 among its numbers."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=SHAPE).astype(dtype)
    uses = [*PICKS.values(), *OTHERS.values()]
    chosen = [uses[i] for i in rng.integers(0, len(uses), 12)]
    cotangents = []
    for use in chosen:
        g = rng.normal(size=np.shape(use(tl.tensor(x)))).astype(dtype)
        cotangents.append(np.where(rng.random(g.shape) < 0.3, np.asarray(-0.0, dtype), g))
    return x, chosen, cotangents


def leaf(x: Array, through: bool) -> tuple[tl.Tensor, Any]:
    """A leaf, and what is picked from: itself, or a value that was computed from it."""
    made = tl.tensor(x, requires_grad=True)
    return made, np.multiply(made, 1.25) if through else made


def gradient(x: Array, uses: Uses, cotangents: list[Array], through: bool, create_graph: bool = False) -> Array:
    made, source = leaf(x, through)
    results = [use(source) for use in uses]
    sum((np.sum(r * g) for r, g in zip(results, cotangents, strict=True)), start=tl.tensor(0.0)).backward(
        create_graph=create_graph
    )
    assert made.grad is not None
    return made.grad.data


class Watch(Observer):
    def __init__(self) -> None:
        self.told: list[tuple[str, Array]] = []

    def gradient_computed(self, node: Any, position: int, g: Any, gradient: Any) -> None:
        self.told.append((node.primitive.name, np.array(gradient)))


@pytest.mark.parametrize("through", [False, True])
@pytest.mark.parametrize("seed", range(36))
def test_a_plain_an_observed_and_a_recorded_backward_pass_give_the_same_bits(seed: int, through: bool) -> None:
    x, uses, cotangents = draw(seed, [np.float64, np.float32, np.float16][seed % 3])
    plain = gradient(x, uses, cotangents, through)
    with observing(Watch()):
        observed = gradient(x, uses, cotangents, through)
    recorded = gradient(x, uses, cotangents, through, create_graph=True)
    assert plain.tobytes() == observed.tobytes() == recorded.tobytes()
    assert plain.flags.c_contiguous and plain.flags.owndata


@pytest.mark.parametrize("name", PICKS)
def test_what_is_picked_many_times_gets_the_sum_of_what_each_use_would_give(name: str) -> None:
    rng, pick = np.random.default_rng(1), PICKS[name]
    x = rng.normal(size=SHAPE)
    places = pick(tl.tensor(np.arange(x.size).reshape(SHAPE), dtype=np.float64)).data.astype(int)
    cotangents = [rng.normal(size=places.shape) for _ in range(4)]
    expected = np.zeros(x.size)
    for g in cotangents:
        for place, value in zip(np.ravel(places), np.ravel(g), strict=True):
            expected[place] += value
    found = gradient(x, [pick] * 4, cotangents, through=False)
    np.testing.assert_allclose(found, expected.reshape(SHAPE), rtol=1e-13, atol=1e-13)
    turned = rng.normal(size=SHAPE[::-1])  # whose gradient comes first, and lies in memory the other way round
    found = gradient(x, [*[pick] * 4, lambda x: x.T], [*cotangents, turned], through=False)
    np.testing.assert_allclose(found, expected.reshape(SHAPE) + turned.T, rtol=1e-13, atol=1e-13)


def test_halves_added_many_times_over_are_rounded_once() -> None:
    x = tl.tensor(np.zeros(3, np.float16), requires_grad=True)
    (np.sum(x[np.zeros(100, int)] * np.float16(0.3)) + 1000 * x[0]).backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.data, np.array([1000 + 100 * float(np.float16(0.3)), 0, 0]).astype(np.float16))


@pytest.mark.parametrize("seed", range(20))
def test_second_derivatives_through_many_uses_are_the_numerical_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    uses, x = [list(PICKS.values())[i] for i in rng.integers(0, len(PICKS), 4)], rng.uniform(0.5, 1.5, SHAPE)

    def f(x: Any) -> Any:
        return sum((np.prod(np.sin(use(x).reshape(-1)[:3])) for use in uses), start=np.sum(x[0]))

    direction = rng.normal(size=SHAPE)
    found = tl.grad(lambda x: np.sum(tl.grad(f)(x) * direction))(x)
    h = 1e-5
    numerical = (tl.grad(f)(x + h * direction) - tl.grad(f)(x - h * direction)) / (2 * h)
    np.testing.assert_allclose(found, numerical, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("pick", [lambda x, t: x[t], lambda x, t: np.take(x, t, 0), lambda x, t: x[[t, t]].sum(0)])
def test_a_loop_over_the_first_axis_makes_few_arrays_of_the_whole(pick: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, forward = [], primitives["scatter"].forward
    monkeypatch.setattr(primitives["scatter"], "forward", lambda *a, **k: made.append(1) or forward(*a, **k))
    x = tl.tensor(np.random.default_rng(0).normal(size=(50, 3)), requires_grad=True)
    h: Any = np.zeros(3)
    for t in range(50):
        h = np.tanh(pick(x, t) + h)
    np.sum(h * [1.0, 2.0, 3.0]).backward()
    assert len(made) == 1


def test_what_observers_are_told_is_what_each_rule_gave() -> None:
    x = tl.tensor(np.arange(6.0), requires_grad=True)
    with observing(watch := Watch()):
        (2 * x[1] + 3 * x[4]).backward()
    told = [g.tolist() for name, g in watch.told if name == "getitem"]
    assert sorted(told) == [[0, 0, 0, 0, 3, 0], [0, 2, 0, 0, 0, 0]]


def test_adding_into_a_total_leaves_gradients_that_others_hold_alone() -> None:
    """The cotangent goes to both inputs of y + z as it is; into one of them more is added."""
    y, z = (tl.tensor(np.zeros((3, 2)), requires_grad=True) for _ in range(2))
    given = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    a, b = y * 1.0, z * 1.0
    out = np.add(a, b)
    (np.sum(out * given) + 10 * a[0].sum() + 100 * a[0, 1]).backward()
    assert y.grad is not None and z.grad is not None
    np.testing.assert_array_equal(y.grad.data, given + np.array([[10, 110], [0, 0], [0, 0]]))
    np.testing.assert_array_equal(z.grad.data, given)


@pytest.mark.parametrize("n", [64, 257, 400])
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("join", [np.stack, np.concatenate])
def test_many_arrays_are_joined_as_few_are(join: Any, axis: int, n: int) -> None:
    rng = np.random.default_rng(n)
    arrays = [rng.normal(size=(2, 3)) for _ in range(n)]
    parts = [tl.tensor(a, requires_grad=i % 3 > 0) for i, a in enumerate(arrays)]
    joined, expected = join(parts, axis), join(arrays, axis)
    np.testing.assert_array_equal(joined.data, expected)
    g = rng.normal(size=expected.shape)
    np.sum(joined * g).backward()
    pieces = np.moveaxis(g, axis, 0) if join is np.stack else np.split(g, n, axis)
    for i, (part, piece) in enumerate(zip(parts, pieces, strict=True)):
        assert (part.grad is None) if i % 3 == 0 else np.array_equal(part.grad.data, piece)


def test_no_rule_of_a_join_is_given_thousands_of_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else each of n inputs would cost n, whose rule is told all of them."""
    most = []
    for name in ("concatenate", "stack"):
        (rule,) = primitives[name].rules
        assert rule is not None
        watched = lambda g, y, i, *xs, rule=rule, **o: most.append(len(xs)) or rule(g, y, i, *xs, **o)
        monkeypatch.setattr(primitives[name], "rules", (watched,))
    rows = [tl.tensor(np.ones(2), requires_grad=True) for _ in range(3000)]
    for join in (np.stack, np.concatenate, np.vstack, np.hstack, np.column_stack):
        np.sum(join(rows) * 2.0).backward()
    assert max(most) <= 64


@pytest.mark.parametrize("join", [np.stack, np.concatenate])
def test_many_arrays_of_several_dtypes_have_the_dtype_that_numpy_gives_them_together(join: Any) -> None:
    """Which may be another than that of their parts: of int16 and uint16 alone it is int32, with float32 float64."""
    arrays = [*[np.ones(1, np.int16)] * 300, *[np.full(1, 2, np.uint16)] * 300, np.full(1, 3, np.float32)]
    joined = join([*arrays[:-1], tl.tensor(arrays[-1], requires_grad=True)])
    assert joined.dtype == join(arrays).dtype == np.float32
    np.testing.assert_array_equal(joined.data, join(arrays))


def test_many_arrays_that_are_not_recorded_are_joined_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, forward = [], primitives["concatenate"].forward
    monkeypatch.setattr(primitives["concatenate"], "forward", lambda *a, **k: made.append(1) or forward(*a, **k))
    with tl.no_grad():
        np.concatenate([tl.tensor(np.ones(2), requires_grad=True)] * 1000)
    np.concatenate([tl.tensor(np.ones(2))] * 1000)
    np.concatenate([tl.tensor(np.ones(2), requires_grad=True)] * 200)
    assert len(made) == 3


@pytest.mark.parametrize("index", [np.array([2, 2, -1]), np.array([[0, 3], [3, -4]])])
def test_halves_picked_by_rows_touch_these_rows_alone(index: Any) -> None:
    x = tl.tensor(np.zeros((4, 3), np.float16), requires_grad=True)
    g = np.random.default_rng(0).normal(size=(*index.shape, 3)).astype(np.float16)
    (np.sum(x[index] * g) + np.sum(x * 1.5)).backward()  # the latter comes first
    expected = np.full((4, 3), 1.5)
    np.add.at(expected, index, g.astype(np.float64))
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.data, expected, rtol=2e-3)


def test_an_error_of_many_arrays_names_a_few_shapes() -> None:
    parts = [tl.tensor(np.ones((2, 3))) for _ in range(50)]
    with pytest.raises(ValueError, match=r"shape \(2, 3\) and 47 others") as raised:
        np.concatenate([*parts, tl.tensor(np.ones((2, 4)))])
    assert len(str(raised.value)) < 400
