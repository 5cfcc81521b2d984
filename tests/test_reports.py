"""What `gradcheck` reports: derivatives one can compute, names one has given, and what kind of wrong a gradient is."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from numerical import draw, softmax

import tinydl as tl
from tinydl import nn
from tinydl.checking.causes import ORDER
from tinydl.checking.report import Report

pytestmark = pytest.mark.usefixtures("quiet")


def elements(report, name=None):
    """Of each element that was checked by itself: what is shown for it."""
    return {row.index: row for row in report.rows if isinstance(row.index, tuple) and name in (None, row.called)}


def cause(report):
    assert report.verdict == "wrong"
    return report.causes[0] if report.causes else ("", report.notes[0])


# ---- a single number's rows are its derivatives ----

SINGLE = {
    "0-d": lambda x: np.sum(x**3),
    "of shape (1,)": lambda x: np.sum(x**3, keepdims=True),
}


@pytest.mark.parametrize("seed", range(4))  # cotangents of both signs among them
@pytest.mark.parametrize("f", SINGLE.values(), ids=SINGLE)
def test_the_rows_of_a_single_number_are_its_derivatives(f, seed):
    x = np.array([1.0, -2.0, 3.0])
    for rule in ({}, {"vjp": lambda g, x: 3 * g * x**2}, {"grad": lambda x: 3 * x**2}):
        rows = elements(tl.gradcheck(f, x, seed=seed, **rule).raise_if_wrong())
        for (k,), row in rows.items():
            assert np.isclose(row.ours, 3 * x[k] ** 2, rtol=1e-14)
            assert abs(row.numerical - 3 * x[k] ** 2) <= row.error_bar < 1e-6 * x[k] ** 2


def test_what_is_claimed_wrongly_is_shown_in_the_same_measure():
    for seed in range(4):
        report = tl.gradcheck(lambda x: np.sum(x**2), np.array([1.0, 3.0]), vjp=lambda g, x: 5 * g * x, seed=seed)
        assert [(round(row.ours, 9), round(row.numerical, 6)) for row in elements(report).values()] == [(5, 2), (15, 6)]
        assert "is 0 everywhere, the numerical one is not (up to 6)" in str(
            tl.gradcheck(lambda x: np.sum(x**2), np.array([1.0, 3.0]), vjp=lambda g, x: 0 * x, seed=seed)
        )


def test_slopes_at_a_kink_are_in_the_same_measure():
    for seed in range(4):
        report = tl.gradcheck(lambda x: np.sum(np.maximum(x, 0.0)), np.array([0.0, 1.0, -2.0]), seed=seed)
        at_0, *others = elements(report).values()
        assert at_0.remark == " (0 on the left, 1 on the right)" and at_0.verdict == "kink"
        assert np.allclose([at_0.ours, *(row.ours for row in others)], [0.5, 1, 0], rtol=1e-14)


def test_of_several_outputs_the_rows_are_those_of_the_random_cotangent():
    (row,) = elements(tl.gradcheck(lambda x: np.stack([x, 2 * x]), 1.0)).values()
    assert abs(row.ours) > 0.1 and abs(row.ours) not in (1, 2, 3)


def test_second_derivatives_of_a_single_number_of_a_single_number_are_that():
    report = tl.gradcheck(lambda x: x**3, 2.0, order=2).raise_if_wrong()
    first, second, _ = (row for row in report.rows if row.index == ())
    assert np.isclose(first.ours, 12, rtol=1e-12) and np.isclose(second.ours, 12, rtol=1e-12)
    second = next(r for r in tl.gradcheck(lambda x: np.sin(x), 1.0, order=2).rows if r.order == 2 and r.input == 0)
    assert np.isclose(second.ours, -np.sin(1.0)) and np.isclose(second.numerical, -np.sin(1.0))


def test_a_modules_rows_are_the_derivatives_of_its_loss():
    model = nn.Linear(3, 1)
    x = draw(4, 3)
    report = tl.gradcheck(model, x, loss=lambda out: np.sum(out)).raise_if_wrong()
    assert np.allclose([row.ours for row in elements(report, "weight").values()], x.sum(0))
    assert np.allclose([row.ours for row in elements(report, "bias").values()], 4)


@pytest.mark.parametrize("seed", range(8))
def test_a_rule_that_passes_for_one_cotangent_of_a_single_number_is_asked_for_another(seed):
    f, slope = lambda x: np.sum(x**3), lambda x: 3 * x**2
    for change in (np.abs, np.ones_like, np.sign, lambda g: np.clip(g, -1, 1), lambda g: np.clip(g, -5, 5),
                   lambda g: np.maximum(g, 0), lambda g: np.minimum(g, 0), lambda g: g * g):  # fmt: skip
        report = tl.gradcheck(f, draw(5), vjp=lambda g, x, change=change: change(g) * slope(x), seed=seed)
        code, sentence = cause(report)
        assert code == ("ignores_upstream" if change is np.ones_like else "not_linear"), report
        assert ("isn't linear in g" in sentence) == (code == "not_linear") and len(report.causes) == 1
    assert tl.gradcheck(f, draw(5), vjp=lambda g, x: g * slope(x), seed=seed).ok


def test_what_overflows_for_a_larger_cotangent_is_no_mistake():
    f = lambda x: np.sum((x.astype(np.float16) * 3000).astype(np.float64) * 1e-3)
    assert tl.gradcheck(
        lambda x: 3 * x, draw(4), vjp=lambda g, x: (3 * 600 * g.astype(np.float16)) / np.float16(600)
    ).ok
    assert tl.gradcheck(lambda x: 3000 * x, draw(3), vjp=lambda g, x: (3000 * g).astype(np.float16)).ok
    assert "not_linear" not in str(tl.gradcheck(f, draw(4)))


def test_clipping_beyond_what_one_cotangent_reaches_is_found_for_arrays_too():
    report = tl.gradcheck(np.sin, draw(6), vjp=lambda g, x: np.clip(g, -3, 3) * np.cos(x))
    assert cause(report)[0] == "not_linear" and report.by_input() == ["input 0: 6 of 6 wrong"]
    for limit in (lambda g: np.minimum(g, 2.0), lambda g: np.maximum(g, -2.0)):
        lossy = tl.primitive(lambda x: np.sin(x), lambda g, y, x, limit=limit: limit(g) * np.cos(x), name="lossy")
        for seed in range(4):
            assert cause(tl.gradcheck(lossy, draw(2), seed=seed))[0] == "not_linear"


# ---- names ----


def norm(x, gamma, beta):
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5) + beta


def norm_vjp(g, x, gamma, beta, constant=""):
    std = np.sqrt(x.var(0) + 1e-5)
    y, u = (x - x.mean(0)) / std, g * gamma / std
    dx = {
        "": u - u.mean(0) - y * (u * y).mean(0), "mean": u - y * (u * y).mean(0), "variance": u - u.mean(0), "both": u,
    }[constant]  # fmt: skip
    return dx, (g * y).sum(0), g.sum(0)


def test_inputs_are_called_what_the_function_calls_them():
    inputs = draw(6, 4), draw(4, seed=1), draw(4, seed=2)
    report = tl.gradcheck(norm, *inputs, vjp=lambda *given: norm_vjp(*given, constant="both"))
    lines = str(report).splitlines()
    assert lines[1].strip() == "x: 24 of 24 wrong; gamma: right; beta: right"
    assert any(line.strip().startswith("x[") for line in lines) and "Your gradient of x" in lines[2]
    assert {row.input for row in report.rows} == {0, 1, 2, "all inputs"}
    assert set(report.errors()) == {"x", "gamma", "beta"}
    right = tl.gradcheck(norm, *inputs, vjp=norm_vjp)
    assert str(right).splitlines()[1].strip() == "x: right; gamma: right; beta: right"


def method_of_an_object():
    class Scale:
        def apply(self, signal, by):
            return signal * by

    return Scale().apply


@pytest.mark.parametrize(
    ("f", "names"),
    [
        (lambda a, w: a * w, ["a", "w"]),
        (lambda a, w=2.0, *, k=1: a * w, ["a", "w"]),
        (lambda *both: both[0] * both[1], ["input 0", "input 1"]),
        (lambda a, *more: a * more[0], ["a", "input 1"]),
        (np.multiply, ["input 0", "input 1"]),
        (np.hypot, ["input 0", "input 1"]),
        (np.outer, ["input 0", "input 1"]),
        (method_of_an_object(), ["signal", "by"]),
        (tl.primitive(lambda p, q: p * q, lambda g, y, p, q: g * q, lambda g, y, p, q: g * p), ["p", "q"]),
        (tl.functional.mse_loss, ["input", "target"]),
    ],
)
def test_where_the_names_come_from(f, names):
    report = tl.gradcheck(f, draw(3), draw(3, seed=1))
    assert list(dict.fromkeys(row.called for row in report.rows)) == [*names, "all inputs"]


def test_a_modules_input_is_called_as_in_forward_and_gives_way_to_a_parameter_of_that_name():
    class Layer(nn.Module):
        def __init__(self):
            self.w = tl.tensor(draw(3), requires_grad=True)

        def forward(self, w):
            return self.w * w

    report = tl.gradcheck(Layer(), draw(3))
    assert list(dict.fromkeys(row.called for row in report.rows)) == ["input 0", "w", "all inputs"]
    assert tl.gradcheck(nn.Linear(2, 2), draw(3, 2)).rows[0].called == "x"
    both = tl.gradcheck(lambda cotangent: cotangent**2, draw(3), order=2)
    assert {row.called for row in both.rows} == {"input 0", "cotangent", "all inputs"}


def test_of_many_inputs_the_wrong_ones_are_named_and_the_right_ones_counted():
    half = tl.primitive(lambda x: x / 2, lambda g, y, x: g, name="half")
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(4)))
    report = tl.gradcheck(lambda x: model(half(x)), draw(3, 2), module=model)
    assert report.by_input() == ["x: 6 of 6 wrong; the other 8 right"]
    assert tl.gradcheck(model, draw(3, 2)).by_input() == ["all 9 right"]


def test_by_input_says_shapes_directions_and_second_derivatives():
    report = tl.gradcheck(lambda x, b: x + b, draw(5, 4), draw(4), vjp=lambda g, x, b: (g, g))
    assert report.by_input() == ["x: right; b: wrong (shape)"]
    tied = tl.gradcheck(lambda x: np.max(x), np.array([1.0, 2.0, 2.0]), vjp=lambda g, x: g * (x == x.max()))
    assert re.fullmatch(r"x: \d of \d directions wrong", tied.by_input()[0])
    cube = tl.primitive(lambda x: x**3, lambda g, y, x: g * 3 * x * (x.data if isinstance(x, tl.Tensor) else x))
    second = tl.gradcheck(cube, draw(4), order=2).by_input()
    assert second == ["x: 4 of 4 wrong; cotangent: right (2nd order)"]
    assert tl.gradcheck(lambda x: x**2, draw(3)).by_input() == []


def test_no_name_makes_the_one_line_too_long():
    f = lambda a_rather_long_name_of_an_input_that_nobody_would_want_to_type_more_than_once_in_a_program: (
        a_rather_long_name_of_an_input_that_nobody_would_want_to_type_more_than_once_in_a_program**2
    )
    for wrong in (lambda g, x: g * x, lambda g, x: np.ones(2), lambda g, x: g * x.mean()):
        line = repr(tl.gradcheck(f, draw(3), vjp=wrong))
        assert len(line) < 200 and "\n" not in line


# ---- a rule that was written or called otherwise than it is asked ----


def test_a_rule_that_returns_none_is_told_so():
    for options in ({"grad": lambda x: None}, {"vjp": lambda g, x: None}):
        assert cause(tl.gradcheck(lambda x: np.sum(x**2), draw(3), **options)) == (
            "returns_nothing", "Your rule returned None: is a `return` missing?")  # fmt: skip
    code, sentence = cause(tl.gradcheck(np.matmul, draw(5, 3), draw(3, 2), vjp=lambda g, x, w: (g @ w.T, None)))
    assert code == "zero" and "of input 1 is None, which counts as 0" in sentence
    with pytest.raises(TypeError, match=r"returned None \(is a `return` missing\?\), but f has 2 inputs"):
        tl.gradcheck(np.matmul, draw(5, 3), draw(3, 2), vjp=lambda g, x, w: None)
    assert tl.gradcheck(lambda x: np.float64(3.0), draw(3), grad=lambda x: None).ok  # of a constant it is right


def without_g(x, scale=1.0):
    return scale * (1 - np.tanh(x) ** 2)


@pytest.mark.parametrize(
    ("f", "options", "words"),
    [
        (lambda z: np.tanh(z), {"vjp": lambda z: z}, r"called as rule\(g, z\), g being .* without g, as rule\(z\)"),
        (lambda z: np.sum(z), {"vjp": lambda z: z}, "pass it as grad="),
        (lambda z: np.sum(z), {"grad": lambda g, z: z}, r"as rule\(z\), without g; yours is rule\(g, z\)"),
        (lambda z: np.sum(z), {"grad": lambda: 1.0}, r"as rule\(z\), with 1 arguments; yours is rule\(\)"),
        (np.tanh, {"vjp": lambda: 1.0}, r"as rule\(g, \*inputs\), with 2 arguments"),
    ],
)
def test_a_rule_of_other_parameters_than_it_is_called_with_is_refused_in_a_sentence(f, options, words):
    with pytest.raises(TypeError, match=words):
        tl.gradcheck(f, draw(3), **options)


def test_a_rule_with_g_last_is_told_so_whether_it_fails_or_not():
    with pytest.raises(TypeError, match=r"rule\(g, x, w\), stopped with ValueError.*as rule\(x, w, g\) it gives"):
        tl.gradcheck(lambda x, w: x @ w, draw(5, 3), draw(3, 2), vjp=lambda x, w, g: (g @ w.T, x.T @ g))
    report = tl.gradcheck(lambda x: np.tanh(x), draw(4), vjp=lambda x, g: g * without_g(x))
    assert cause(report) == (
        "arguments", "Your rule is called as rule(g, x), but it is right as rule(x, g): g comes first.")  # fmt: skip


def test_an_accident_of_a_product_with_itself_is_not_taken_for_a_rule_with_g_last():
    report = tl.gradcheck(lambda x: x @ x, draw(3, 3), vjp=lambda g, x: g.T @ x + x @ g.T)
    assert report.verdict == "wrong" and "arguments" not in [code for code, _ in report.causes]


def test_a_rule_without_g_that_takes_something_else_besides_is_told_so():
    report = tl.gradcheck(lambda x: np.sum(np.tanh(x)), draw(4), vjp=without_g)
    code, sentence = cause(report)
    assert code == "arguments" and "right as rule(x): g is the gradient of f's output" in sentence
    report = tl.gradcheck(lambda x: np.tanh(x), draw(4), vjp=lambda g, scale=1.0: g * 0)
    assert cause(report)[0] == "zero"


def test_what_a_rule_raises_itself_is_raised():
    def broken(g, x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        tl.gradcheck(np.tanh, draw(4), vjp=broken)


# ---- precision ----


def cross_entropy(z):
    return -np.log(softmax(z)[np.arange(len(z)), np.arange(len(z)) % 3]).mean()


def cross_entropy_grad(z):
    return (softmax(z) - np.eye(3, dtype=z.dtype)[np.arange(len(z)) % 3]) / z.dtype.type(len(z))


def layer(x, w, b):
    return np.tanh(x @ w + b)


def layer_vjp(g, x, w, b):
    d = g * (1 - np.tanh(x @ w + b) ** 2)
    return d @ w.T, x.T @ d, d.sum(0)


def narrow(*arrays):
    return [np.asarray(a, np.float32) for a in arrays]


IN_FLOAT32 = {
    "cast at the end": (cross_entropy, {"grad": lambda z: cross_entropy_grad(z).astype(np.float32)}),
    "from the beginning": (cross_entropy, {"grad": lambda z: cross_entropy_grad(z.astype(np.float32))}),
    "and cast back": (cross_entropy, {"grad": lambda z: cross_entropy_grad(z.astype(np.float32)).astype(float)}),
    "but for g": (cross_entropy, {"vjp": lambda g, z: g * cross_entropy_grad(z.astype(np.float32))}),
    "like f": (
        lambda z: cross_entropy(z.astype(np.float32)),
        {"vjp": lambda g, z: np.float32(g) * cross_entropy_grad(z.astype(np.float32))},
    ),
    "of logits that fit": (
        lambda z: cross_entropy(z + 8 * np.eye(6, 3)[np.arange(6) % 3]),
        {"grad": lambda z: cross_entropy_grad((z + 8 * np.eye(6, 3)[np.arange(6) % 3]).astype(np.float32))},
    ),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", IN_FLOAT32)
def test_a_rule_in_float32_is_judged_as_that_and_told_so(name, seed):
    f, rule = IN_FLOAT32[name]
    report = tl.gradcheck(f, draw(6, 3, seed=seed), seed=seed, **rule)
    told = [note for note in report.notes if "computed in float32 and judged as that: it agrees to" in note]
    assert report.verdict == "right" and told and "float64 it can be checked further" in told[0], report
    assert report.worst < 1e-4 and "float32" in str(report)
    for factor in (-1, 1.001, 0):
        wrong = {kind: lambda *given, r=r, c=factor: r(*given) * np.float32(c) for kind, r in rule.items()}
        assert tl.gradcheck(f, draw(6, 3, seed=seed), seed=seed, **wrong).verdict == "wrong"


def test_one_gradient_of_several_may_be_in_float32():
    x, w, b = draw(6, 4), draw(4, 3, seed=1), draw(3, seed=2)
    for rule in (
        lambda *given: layer_vjp(*narrow(*given)),
        lambda g, *given: layer_vjp(g, *narrow(*given)),
    ):
        report = tl.gradcheck(layer, x, w, b, vjp=rule).raise_if_wrong()
        assert "Your gradient is computed in float32" in str(report) and report.worst < 1e-4
    mixed = lambda *given: (*layer_vjp(*given)[:2], layer_vjp(*given)[2].astype(np.float32))
    assert "Your gradient of b is computed in float32" in str(tl.gradcheck(layer, x, w, b, vjp=mixed).raise_if_wrong())
    off = 1 + 1e-5 * (np.arange(12).reshape(4, 3) == 5)
    report = tl.gradcheck(
        layer, x, w, b, vjp=lambda *given: (mixed(*given)[0], mixed(*given)[1] * off, mixed(*given)[2])
    )
    assert report.by_input() == ["x: right; w: 1 of 12 wrong; b: right"]


def test_the_headline_error_has_nothing_of_derivatives_that_are_zero_but_for_rounding():
    x = draw(6, 3)
    report = tl.gradcheck(cross_entropy, x, grad=lambda z: cross_entropy_grad(z).astype(np.float32))
    together = next(row for row in report.rows if row.index == "all together")
    assert abs(together.numerical) < 1e-12 < abs(together.ours) and together.relative_error == 0
    assert report.worst < 1e-5 and "1.0e+00" not in repr(report)


def test_a_constant_gradient_that_has_no_more_digits_than_float32_is_told_so():
    report = tl.gradcheck(lambda x: 3 * x, draw(4), vjp=lambda g, x: (3 * g).astype(np.float32).astype(float))
    assert "computed in float32" in str(report.raise_if_wrong())


@pytest.mark.parametrize("seed", range(6))
def test_rounding_to_fewer_digits_than_float32_has_is_wrong_though_it_looks_like_rounding(seed):
    def rule(g, x):
        mantissa, exponent = np.frexp(g * np.cos(x))
        return np.ldexp(np.round(mantissa * 2**13) / 2**13, exponent)

    assert tl.gradcheck(np.sin, draw(2, seed=seed), vjp=rule, seed=seed).verdict == "wrong"

    def saturated(g, x):
        mantissa, exponent = np.frexp(g * (1 - np.tanh(x) ** 2))
        return np.ldexp(np.round(mantissa * 2**8) / 2**8, exponent)

    assert tl.gradcheck(np.tanh, np.linspace(8, 11, 9), vjp=saturated, seed=seed).verdict == "wrong"


def test_what_is_in_float64_is_not_told_that_it_were_in_float32():
    for f, x, rule in (
        (lambda x: np.sum(x**2), np.array([1.0, 3.0]), {"grad": lambda x: 2 * x}),  # short numbers, by chance
        (lambda x: np.sum(x * np.arange(3.0)), draw(3), {"grad": lambda x: np.arange(3.0)}),
        (lambda x: 3 * x, draw(3), {"vjp": lambda g, x: 3 * g}),
        (np.floor, draw(3), {"vjp": lambda g, x: 0 * g}),
        (np.tanh, draw(3), {"vjp": lambda g, x: g / np.cosh(x) ** 2}),
        (np.tanh, draw(3).astype(np.float32), {}),
    ):
        assert "computed in" not in str(tl.gradcheck(f, x, **rule).raise_if_wrong())


@pytest.mark.parametrize("seed", range(5))
def test_a_result_cut_off_to_float16_is_wrong_unless_it_says_so_itself(seed):
    x = draw(4, 3, seed=seed)
    rule = lambda g, x: g * (1 - np.tanh(x) ** 2)
    cut = lambda g, x: rule(g, x).astype(np.float16)
    assert tl.gradcheck(np.tanh, x, vjp=lambda g, x: cut(g, x).astype(float), seed=seed).verdict == "wrong"
    assert tl.gradcheck(np.tanh, x, vjp=lambda g, x: np.round(rule(g, x), 3), seed=seed).verdict == "wrong"
    assert tl.gradcheck(np.tanh, x, vjp=lambda g, x: rule(cut(g, 0 * x).astype(float), x)).verdict == "wrong"
    report = tl.gradcheck(np.tanh, x, vjp=cut, seed=seed).raise_if_wrong()
    assert "computed in float16 and judged as that" in str(report)
    assert tl.gradcheck(np.tanh, x, vjp=lambda g, x: 1.01 * cut(g, x), seed=seed).verdict == "wrong"


# ---- causes ----


def test_every_cause_has_its_place_and_is_listed():
    listed = re.search(r"The codes: ([^.]*)\.", Report.__doc__)
    assert listed and re.split(r",\s+", listed[1]) == list(ORDER)


@pytest.mark.parametrize("constant", ["mean", "variance", "both"])
def test_a_mean_or_a_variance_treated_as_a_constant_is_named_with_its_axis(constant):
    inputs = draw(6, 4), draw(4, seed=1), draw(4, seed=2)
    code, sentence = cause(tl.gradcheck(norm, *inputs, vjp=lambda *given: norm_vjp(*given, constant=constant)))
    what = {"mean": "a mean over axis 0 is treated as a constant, though it depends on x",
            "variance": "a variance over axis 0 is treated as a constant, though it depends on x",
            "both": "a mean and a variance over axis 0 are treated as constants, though they depend on x"}  # fmt: skip
    assert code == "held_constant" and what[constant] in sentence


def normalised(x, axes):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-3)


HELD = {
    "a layer norm": (lambda x: normalised(x, 1), (3, 5), lambda g, x: g / np.sqrt(x.var(1, keepdims=True) + 1e-3),
                     "a mean and a variance over axis 1"),
    "a batch norm of images": (
        lambda x: normalised(x, (0, 2, 3)), (3, 2, 2, 3),
        lambda g, x: g / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-3),
        "a mean and a variance over axes 0 and 2 and 3"),
    "a mean that is subtracted": (lambda x: x - x.mean(0), (4, 3), lambda g, x: g, "a mean over axis 0"),
    "a mean of everything": (lambda x: x - x.mean(), (4, 3), lambda g, x: g, "a mean over axes 0 and 1"),
    "a standard deviation": (lambda x: x / x.std(1, keepdims=True), (3, 5), lambda g, x: g / x.std(1, keepdims=True),
                             "a variance over axis 1"),
    "softmax": (softmax, (3, 5), lambda g, x: g * softmax(x), "a sum of exponentials over axis 1"),
    "log of softmax": (lambda x: np.log(softmax(x)), (3, 5), lambda g, x: g, "a sum of exponentials over axis 1"),
    "a vector's length": (lambda x: x / np.sqrt((x * x).sum(1, keepdims=True)), (3, 5),
                          lambda g, x: g / np.sqrt((x * x).sum(1, keepdims=True)),
                          "a norm by which f divides over axis 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_what_f_divides_by_or_subtracts_is_named_when_it_was_treated_as_a_constant(name):
    f, shape, rule, words = HELD[name]
    code, sentence = cause(tl.gradcheck(f, draw(*shape), vjp=rule))
    assert code == "held_constant" and words in sentence, sentence


def test_other_mistakes_in_what_is_normalised_are_not_called_constants():
    f = lambda x: normalised(x, 1)
    x = draw(4, 5)

    def right(g, x):
        std, y = np.sqrt(x.var(1, keepdims=True) + 1e-3), normalised(x, 1)
        return (g - g.mean(1, keepdims=True) - y * (g * y).mean(1, keepdims=True)) / std

    assert tl.gradcheck(f, x, vjp=right).ok
    weights = draw(4, 5, seed=1)
    decayed = lambda x: right(weights, x) + 1e-2 * x
    report = tl.gradcheck(lambda x: np.sum(weights * f(x)), x, grad=decayed)
    assert report.verdict == "wrong" and not report.causes
    for wrong in (
        lambda g, x: right(g, x) * (1 + 0.1 * (x > 0)),
        lambda g, x: right(g, x) + 0.01 * draw(4, 5, seed=3),
        lambda g, x: np.tanh(right(g, x)),
    ):
        assert cause(tl.gradcheck(f, x, vjp=wrong))[0] != "held_constant"


def convolve(x, k):
    """What layers call a convolution: x (n, c, h, w), k (o, c, a, b) → (n, o, h − a + 1, w − b + 1)."""
    windows = np.lib.stride_tricks.sliding_window_view(x, k.shape[2:], (2, 3))
    return np.einsum("nchwab,ocab->nohw", windows, k)


def convolve_vjp(g, x, k, mistake=""):
    dx, dk = np.zeros(x.shape), np.zeros(k.shape)
    a, b = k.shape[2:]
    used = k[:, :, ::-1, ::-1] if mistake == "flipped" else k
    for i, j in itertools.product(range(g.shape[2]), range(g.shape[3] - (mistake == "last column lost"))):
        part = np.einsum("no,ocab->ncab", g[:, :, i, j], used)
        dx[:, :, i : i + a, j : j + b] = part + (0 if mistake == "= in dx" else dx[:, :, i : i + a, j : j + b])
        part = np.einsum("no,ncab->ocab", g[:, :, i, j], x[:, :, i : i + a, j : j + b])
        dk = part + (0 if mistake == "= in dk" else dk)
    if mistake == "flipped dk":
        dk = dk[:, :, ::-1, ::-1]
    if mistake == "edge of dx lost":
        dx[..., -1] = 0
    if mistake == "beginning of dx lost":
        dx[:, :, :2] = 0
    if mistake == "channel of dx doubled":
        dx[:, 0] *= 2
    return dx, dk


@pytest.mark.parametrize(
    ("mistake", "code", "words"),
    [
        ("flipped", "flipped", "of x is the numerical one as soon as k is reversed along axes 2 and 3 in the rule"),
        ("flipped dk", "flipped", "of k holds the right numbers in reverse order along axes 2 and 3"),
        ("= in dx", "duplicates", "it counts the last use where it should add them all (+=, or np.add.at"),
        ("= in dk", "duplicates", "it counts the last use where it should add them all (+=, or np.add.at"),
        ("last column lost", "slice", "without the last of the 3 slices along axis 3 of f's output"),
        ("edge of dx lost", "slice", "of x is 0 in x[:, :, :, -1] (16 elements) and right elsewhere"),
        ("beginning of dx lost", "slice", "of x is 0 in x[:, :, :2] (32 elements) and right elsewhere"),
        ("channel of dx doubled", "slice", "of x is wrong in x[:, 0] (32 elements) and right elsewhere"),
    ],
)
def test_what_is_usually_wrong_with_a_convolution_is_named(mistake, code, words):
    x, k = draw(2, 2, 4, 4), draw(2, 2, 2, 2, seed=1)
    assert tl.gradcheck(convolve, x, k, vjp=convolve_vjp).ok
    report = tl.gradcheck(convolve, x, k, vjp=lambda *given: convolve_vjp(*given, mistake=mistake))
    assert cause(report)[0] == code and words in cause(report)[1], report
    assert len(report.causes) == 1


def test_a_cotangent_used_in_reverse_and_a_flip_within_one_axis_are_named():
    f = lambda x, w: np.convolve(x, w, "valid")
    right = lambda g, x, w: (np.convolve(g, w[::-1]), np.convolve(x[::-1], g, "valid"))
    x, w = draw(9), draw(3, seed=1)
    assert tl.gradcheck(f, x, w, vjp=right).ok
    assert "as soon as w is reversed along axis 0" in cause(
        tl.gradcheck(f, x, w, vjp=lambda g, x, w: (np.convolve(g, w), right(g, x, w)[1])))[1]  # fmt: skip
    code, sentence = cause(tl.gradcheck(f, x, w, vjp=lambda g, x, w: (right(g[::-1], x, w)[0], right(g, x, w)[1])))
    assert code == "flipped" and "as soon as the upstream gradient g is reversed along axis 0" in sentence
    code, sentence = cause(tl.gradcheck(f, x, w, vjp=lambda g, x, w: (right(g, x, w)[0], right(g, x, w)[1][::-1])))
    assert code == "permuted" and "in reverse order along axis 0 (flipped)" in sentence


def test_one_use_that_is_counted_where_all_should_be_is_called_first_or_last():
    index = np.array([0, 2, 0, 1, 0])

    def rule(g, x, order):
        out = np.zeros_like(x)
        for k in order:
            out[index[k]] = g[k]
        return out

    for order, words in ((range(5), "the last use"), (range(4, -1, -1), "the first use")):
        code, sentence = cause(tl.gradcheck(lambda x: x[index], draw(4, 2), vjp=lambda g, x, o=order: rule(g, x, o)))
        assert code == "duplicates" and words in sentence


def test_a_single_element_is_named_like_a_slice():
    one = np.array([1.0, 1, 1, 0, 1, 1])
    code, sentence = cause(tl.gradcheck(lambda x: x**2, draw(6), vjp=lambda g, x: 2 * g * x * one))
    assert code == "slice" and "is 0 in x[3] (1 element) and right elsewhere" in sentence
    code, sentence = cause(tl.gradcheck(lambda x: x**2, draw(6, 3), vjp=lambda g, x: 2 * g * x * one[:, None]))
    assert code == "slice" and "is 0 in x[3] (3 elements) and right elsewhere" in sentence


def test_a_part_of_the_cases_that_was_left_out_is_counted():
    labels = np.array([0, 1, 2, 0])
    loss = lambda z: -np.log(softmax(z)[np.arange(4), labels]).mean()
    diagonal = lambda z: (softmax(z) - 1) * np.eye(3)[labels] / 4
    code, sentence = cause(tl.gradcheck(loss, draw(4, 3), grad=diagonal))
    assert code == "left_out" and "is 0 at 8 of 12 elements where the numerical one is not" in sentence


def test_one_mistake_has_one_cause():
    x, w = np.random.default_rng(0).normal(size=(2, 3, 3))
    report = tl.gradcheck(np.matmul, x, w, vjp=lambda g, x, w: (g @ w.T, g.T @ x))
    assert [code for code, _ in report.causes] == ["transposed"]
    report = tl.gradcheck(np.add, draw(5, 4), draw(4), vjp=lambda g, x, b: (g, g))
    assert [code for code, _ in report.causes] == ["not_summed"]
    report = tl.gradcheck(np.add, draw(5, 4), draw(4), vjp=lambda g, x, b: (-g, g.sum(0) / 5))
    assert [code for code, _ in report.causes] == ["sign", "factor"]  # two mistakes, in two inputs


def test_where_no_cause_is_known_the_worst_element_is_named():
    report = tl.gradcheck(lambda x, w: x @ w, draw(3, 4), draw(4, 2),
                          vjp=lambda g, x, w: (g @ w.T, x.T @ g * (1 + 0.1 * draw(4, 2, seed=9))))  # fmt: skip
    assert not report.causes and re.search(r"None of the usual mistakes explains the numbers; worst at w\[\d, \d\]",
                                           report.notes[0])  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_round_numbers_are_no_float32(seed):
    x = np.array([1.0, 3.0])
    for f, rule in [
        (lambda x: (x * x).sum(), lambda g, x: 2 * x),
        (lambda x: x.sum(), lambda g, x: np.ones_like(x)),
        (lambda x: np.maximum(x, 0), lambda g, x: (x > 0) * 1.0),
        (lambda x: x.sum(), lambda g, x: np.sign(g) * np.ones_like(x)),
    ]:
        report = tl.gradcheck(f, x, vjp=rule, seed=seed)
        assert report.verdict == "wrong" and "float32" not in str(report)
    tied = tl.gradcheck(np.max, np.array([1.0, 3.0, 3.0, 2.0]), grad=lambda x: (x == x.max()) / 2, seed=seed)
    assert tied and "float32" not in str(tied)
    narrow = tl.gradcheck(np.tanh, x, vjp=lambda g, x: (g * (1 - np.tanh(x) ** 2)).astype(np.float32).astype(float))
    assert narrow and "float32" in str(narrow)


def test_what_clips_is_not_taken_for_a_rule_with_g_last():
    for seed in range(5):
        x = 0.1 * np.random.default_rng(seed).normal(size=(3, 4))
        report = tl.gradcheck(lambda x: x * x, x, vjp=lambda g, x: np.clip(2 * x * g, -1, 1))
        assert report.causes[0][0] == "not_linear"
        last = tl.gradcheck(lambda x: x**3, x, vjp=lambda x, g: 3 * x**2 * g)
        assert last.causes[0][0] == "arguments" and "rule(x, g)" in last.causes[0][1]


def test_a_single_derivative_is_one_derivative():
    report = tl.gradcheck(np.sin, np.array(0.5))
    assert len(report.rows) == 1 and "(1 derivative, " in repr(report) and "\n  1 derivative compared: " in str(report)
