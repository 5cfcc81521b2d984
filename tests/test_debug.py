"""detect_anomaly and source_lines."""

import warnings

import numpy as np
import pytest

import tinydl as tl


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def leaf(values):
    return tl.tensor(np.array(values), requires_grad=True)


def test_the_first_operation_that_makes_a_nan_is_named_with_its_line():
    x = leaf([[1.0, 2.0, 3.0], [4.0, -5.0, 6.0]])
    with (
        tl.detect_anomaly(),
        pytest.raises(FloatingPointError, match=r"sqrt gave nan at index \(1, 1\).*-5.*test_debug"),
    ):
        np.sum(np.sqrt(x - 0.0) * 2)


def test_infinity_counts_and_constants_do_too():
    with tl.detect_anomaly(), pytest.raises(FloatingPointError, match="log gave -inf at index 1"):
        np.log(tl.tensor([1.0, 0.0]))


def test_a_rule_that_makes_a_nan_in_the_backward_pass_is_named():
    x = leaf([4.0, 0.0, 9.0])
    with tl.detect_anomaly():
        loss = np.sum(np.sqrt(x) * np.array([1.0, 2.0, 3.0]))
        with pytest.raises(
            FloatingPointError, match=r"backward pass.*sqrt gave inf for input 0 at index 1.*test_debug"
        ):
            loss.backward()
    assert x.grad is None


def test_values_that_were_infinite_already_are_nobody_s_fault():
    x = leaf([1.0, 2.0])
    with tl.detect_anomaly():
        y = np.maximum(x, np.array([-np.inf, np.inf]))
        np.sum(y * np.array([1.0, 0.5])[:1]).backward()


def changed_constant(x):
    c = np.array([2.0, 3.0, 4.0])
    loss = np.sum(x * c)
    c[1] = 30.0
    return loss


def changed_data(x):
    loss = np.sum(x * x)
    x.data[1] = 30.0
    return loss


def changed_output(x):
    y = np.exp(x)
    loss = np.sum(y)
    y.data[1] = 30.0
    return loss


def changed_index(x):
    index = np.array([0, 0, 2])
    loss = np.sum(x[index] * x)
    index[1] = 30.0
    return loss


def changed_through_a_view(x):
    y = (x * 1).reshape(3, 1)
    loss = np.sum(y * y)
    y.data.base[1] = 30.0
    return loss


@pytest.mark.parametrize(
    ("make", "operation"),
    [
        (changed_constant, "multiply"),
        (changed_data, "multiply"),
        (changed_output, "exp"),
        (changed_index, "getitem"),
        (changed_through_a_view, "multiply"),
    ],
)
def test_a_saved_array_that_was_changed_is_found_with_index_old_and_new_value(make, operation):
    x = leaf([1.0, 2.0, 3.0])
    with tl.detect_anomaly():
        loss = make(x)
        with pytest.raises(tl.ChangedValueError, match=rf"{operation} saved.*test_debug.*index .*1.* was .* is 30\b"):
            loss.backward()
    assert x.grad is None


def test_a_clean_pass_is_left_alone():
    x = leaf([1.0, np.nan, 3.0])
    with tl.detect_anomaly():
        np.sum(x * x).backward()
        y = leaf([1.0, 2.0])
        np.sum(np.tanh(y) @ np.ones(2)).backward()
    assert y.grad is not None


def test_source_lines_are_remembered_only_inside_the_context():
    x = leaf([1.0, 2.0])
    with tl.source_lines():
        y = np.tanh(x)
    assert "test_debug.py" in y.notes["line"] and "np.tanh(x)" in y.notes["line"]
    assert np.tanh(x).notes is None
