"""The questions that are asked of what users give: what is taken, what is refused, and with which words."""

import numpy as np
import pytest

import tinydl as tl
from tinydl.engine.checks import array_of, at, first, is_real, is_whole, kind, listed, real, whole


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_integers_of_any_kind_are_whole_numbers(value):
    found = whole("n", value, 3)
    assert type(found) is int
    assert found == 3
    assert is_whole(value, 3)


@pytest.mark.parametrize("value", [3.0, 2.5, "3", None, True, np.True_, [3], np.array([3, 4])])
def test_what_is_no_integer_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"^n must be an integer, not .*; write a whole number ≥ 1$"):
        whole("n", value, 1)


def test_a_whole_number_below_the_least_is_refused_by_name():
    assert whole("n", 0, 0) == 0
    with pytest.raises(ValueError, match=r"^n must be at least 2, not 1$"):
        whole("n", 1, 2)


def test_a_float_may_be_a_whole_number_where_that_is_asked():
    assert [is_whole(x, 1) for x in (1.0, 1.5, 0.0, float("inf"), float("nan"), True)] == [True] + [False] * 5


@pytest.mark.parametrize(("value", "expected"), [(1, 1.0), (0.5, 0.5), (np.float32(0.5), 0.5), (np.int8(-2), -2.0)])
def test_numbers_are_taken_as_floats(value, expected):
    assert is_real(value)
    assert type(real("x", value)) is float
    assert real("x", value) == expected


@pytest.mark.parametrize("value", [True, "1", None, 1j, np.array(1.0), np.complex64(1)])
def test_what_is_no_number_is_refused_by_name(value):
    assert not is_real(value)
    with pytest.raises(TypeError, match=r"^lr must be a number, not "):
        real("lr", value)


@pytest.mark.parametrize("value", [10**400, -(10**400), 10**5000], ids=["large", "negative", "unprintable"])
def test_an_integer_beyond_all_floats_is_refused_by_name_wherever_a_number_is_asked_for(value):
    with pytest.raises(
        ValueError, match=r"^lr is an integer beyond what a float can hold; write a number below 1e308$"
    ):
        real("lr", value)
    assert real("lr", 10**300) == 1e300
    assert whole("n", abs(value), 1) == abs(value)  # where whole numbers are, it is one
    t = tl.tensor([1.0, 2.0], requires_grad=True)
    for f in (lambda: t * value, lambda: value + t, lambda: t**value, lambda: np.maximum(t, value)):
        with pytest.raises(ValueError, match="too large to convert to float"):
            f()


def test_the_array_of_a_tensor_is_its_own_and_of_a_list_a_new_one():
    t = tl.tensor([1.0, 2.0])
    assert array_of(t) is t.data
    np.testing.assert_array_equal(array_of([1, 2]), [1, 2])


def test_the_first_that_is_wrong_is_told_by_its_index():
    assert first(np.array([[False, False, False], [False, True, True]])) == (1, 1)
    assert first(np.array(True)) == ()
    assert [at(()), at((3,)), at((1, 2))] == ["", "[3]", "[1, 2]"]


def test_kinds_and_lists_are_said_in_words():
    assert [kind(x) for x in (1, 1.0, tl.tensor(1.0), None)] == ["an int", "a float", "a Tensor", "a NoneType"]
    assert [listed(list("abcdefg")[:n]) for n in (0, 1, 2, 3)] == ["", "a", "a and b", "a, b and c"]
    assert listed(list("abcdef")) == "a, b, c, d, e and f"
    assert listed(list("abcdefg")) == "a, b, c and 4 more"
    assert listed(list("abcdef"), most=5, shown=4) == "a, b, c, d and 2 more"
