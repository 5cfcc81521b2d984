"""Explanations: the steps are the engine's own numbers, the rules are those of the source, the terms make the gradient.

Terms are compared with gradients and path counts with a count by listing; the local derivatives with formulas.
"""

from __future__ import annotations

import ast
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinydl as tl
from tinydl import functional as F
from tinydl import nn
from tinydl.engine import dispatch, source


def leaf(value, name=None):
    return tl.tensor(np.asarray(value, np.float64), requires_grad=True, name=name)


def neuron():
    x, y = np.array([[-1.0], [0.5], [2.0]]), np.array([[0.1], [0.4], [0.9]])
    w, b = leaf([[0.5]], "w"), leaf([0.1], "b")
    return np.mean((F.sigmoid(x @ w + b) - y) ** 2), w, b, x, y


def backward(explanation):
    return {step.label: step for step in explanation.steps if step.phase == "backward"}


def rules(explanation):
    return {(step.operation, s.position): s.rule for step in backward(explanation).values() for s in step.sent}


# ---- steps ----


def test_the_steps_of_a_neuron_are_its_operations_forward_and_then_backward():
    loss, *_ = neuron()
    steps = tl.explain(loss).steps
    operations = ["matmul", "add", "sigmoid", "subtract", "power", "mean"]
    assert [s.operation for s in steps] == [*operations, *reversed(operations)]
    assert [s.number for s in steps] == list(range(1, 13))
    assert [s.phase for s in steps] == ["forward"] * 6 + ["backward"] * 6
    assert steps[1].inputs == ("t1", "b")


def test_the_steps_hold_the_values_and_gradients_of_the_formulas():
    loss, w, b, x, y = neuron()
    e = tl.explain(loss)
    s = 1 / (1 + np.exp(-(x * 0.5 + 0.1)))
    delta = 2 * (s - y) / 3 * s * (1 - s)
    steps = backward(e)
    np.testing.assert_allclose(steps["t2"].gradient, delta, rtol=1e-12)
    np.testing.assert_allclose(steps["t3"].value, s, rtol=1e-12)
    np.testing.assert_allclose(steps["t2"].sent[1].gradient, delta.sum(0), rtol=1e-12)
    gradients = {g.label: g.gradient for g in e.givens}
    np.testing.assert_allclose(gradients["w"], x.T @ delta, rtol=1e-12)
    loss.backward()
    np.testing.assert_array_equal(gradients["w"], w.grad.data)
    np.testing.assert_array_equal(gradients["b"], b.grad.data)


def test_a_sum_over_broadcast_axes_is_named_with_both_shapes():
    e = tl.explain(neuron()[0])
    assert [s.summed_from for s in backward(e)["t2"].sent] == [None, (3, 1)]
    assert "(3, 1) -> (1,)" in str(e)


def test_the_rules_are_shown_as_they_stand_in_the_source():
    found = rules(tl.explain(np.sum(np.tanh(neuron()[0] * 3.0))))
    assert found["tanh", 0] == "g * (1 - y * y)"
    assert found["sigmoid", 0] == "g * y * sigmoid(-x)"
    assert found["matmul", 1] == "a.mT @ g"


@pytest.mark.parametrize(("exponent", "rule"), [(2, "g * 2 * a"), (3, "g * b * a ** (b - 1)")])
def test_of_a_rule_with_cases_the_one_that_applied_is_shown(exponent, rule):
    assert rules(tl.explain(leaf(1.5) ** exponent)) == {("power", 0): rule}


def test_two_rules_on_one_line_are_told_apart():
    a, b = leaf(3.0, "a"), leaf(5.0, "b")
    assert rules(tl.explain(a - b)) == {("subtract", 0): "g", ("subtract", 1): "-g"}
    assert rules(tl.explain(a / b)) == {("divide", 0): "g / b", ("divide", 1): "-g * y / b"}


def test_rules_on_one_line_are_told_apart_by_what_they_close_over_too():
    k, m = 2.0, 3.0
    first, second, third = (lambda g, y, x: g * k), (lambda g, y, x: g * m), lambda g, y, x: sum(g * t for t in (k, m))
    assert [sent_by(rule).rule for rule in (first, second, third)] == ["g * k", "g * m", "sum(g * t for t in (k, m))"]


def test_every_rule_of_the_table_has_a_text():
    texts = {}
    for name, primitive in dispatch.primitives.items():
        for rule in filter(None, primitive.rules):
            written = source.find(rule.__code__).node
            texts[name, rule] = written and ast.unparse(written)
    assert len(texts) >= 140
    assert [name for (name, _), text in texts.items() if not text] == []
    shown = {name: text for (name, _), text in texts.items() if text.startswith("lambda")}
    assert shown["cos"] == "lambda g, y, x: -g * np.sin(x)"
    assert shown["log10"] == "lambda g, y, x: g / (x * math.log(10))"
    assert texts["hypot", dispatch.primitives["hypot"].rules[1]].endswith("over_length(b, y)")


def test_a_rule_of_ones_own_is_shown_too():
    def slope(g, y, x):
        """∂/∂x of x³ is 3x²."""
        third = 3 * x
        return g * third * x

    cube = tl.primitive(lambda x: x**3, slope, name="cube")
    (sent,) = tl.explain(cube(leaf(2.0))).steps[-1].sent
    assert (sent.rule, sent.where, sent.says) == ("g * third * x", ("third = 3 * x",), "∂/∂x of x³ is 3x².")


def test_a_rule_without_source_is_said_to_have_none():
    code = "import tinydl as tl\nop = tl.primitive(lambda x: x * 2, lambda g, y, x: g * 2)"
    names = {}
    exec(code, names)
    text = str(tl.explain(names["op"](leaf(1.5))))
    assert "the source of this rule is not at hand" in text


def sent_by(rule, x=2.0, forward=lambda x: 3.0 * x, **options):
    return tl.explain(tl.primitive(forward, rule, name="own")(leaf(x, "x"), **options)).steps[-1].sent[0]


def test_a_letter_that_the_rule_gives_a_new_value_is_said_to_have_one():
    def slope(g, y, x):
        g = g * 2
        x += 0.0
        return g * x

    sent = sent_by(slope)
    assert (sent.rule, sent.where, sent.numbers) == ("g * x", ("x += 0.0", "g = g * 2"), "")
    assert "_, g = _unpack(" in str(tl.explain(np.linalg.slogdet(leaf([[2.0, 1.0], [0.5, 3.0]]))[1]))


def test_of_assignments_under_a_condition_those_that_were_made_are_shown():
    def slope(g, y, x, axis=None):
        if axis is None:
            n = 3
        elif axis > 0:
            n = 4
        if axis == 7:
            n = 5
            return g / n
        return g * n

    assert sent_by(slope).where == ("n = 3",)
    own = tl.primitive(lambda x, axis=None: 3 * x, slope, name="own")
    assert tl.explain(own(leaf(2.0), axis=1)).steps[-1].sent[0].where == ("n = 4",)
    assert tl.explain(own(leaf(2.0), axis=7)).steps[-1].sent[0].where == ("n = 5",)


def test_an_assignment_that_may_have_been_made_is_shown_with_its_condition():
    def slope(g, y, x):
        n = 0 * g
        for i in range(2):
            n = n + i
        positive = x.sum() > 0
        if positive:
            n = 3 * n
        return g * n

    assert sent_by(slope).where == ("if positive: n = 3 * n", "for i in range(2): n = n + i", "n = 0 * g")


def test_the_numbers_of_a_rule_leave_no_letter_that_has_a_value():
    assert sent_by(lambda g, y, x: g.sum() * x).numbers == ""
    assert sent_by(lambda g, y, x: np.sum(g) * x).numbers == "np.sum(1) * 2"
    assert sent_by(lambda g, y, x: sum(g for g in (g, x))).numbers == ""


def test_what_a_rule_closes_over_is_read_anew():
    factor = 2.0
    rule = lambda g, y, x: g * factor if factor < 10 else g / factor
    assert (sent_by(rule).rule, sent_by(rule).numbers) == ("g * factor", "1 * 2")
    factor = 20.0
    assert (sent_by(rule).rule, sent_by(rule).numbers) == ("g / factor", "1 / 20")


@pytest.mark.parametrize("now", ["g * 5 + y", "g / 3", "g * 3.0"])
@pytest.mark.parametrize("text", ["def rule(g, y, x):\n    return {}\n", "rule = lambda g, y, x: {}\n"])
def test_of_a_file_that_was_changed_since_no_rule_is_shown(tmp_path, text, now):
    path, names = tmp_path / "rules_of_mine.py", {}
    path.write_text(text.format("g * 3"))
    exec(compile(path.read_text(), str(path), "exec"), names)
    path.write_text(text.format(now))
    assert sent_by(names["rule"]).rule == ""


def test_an_option_that_was_left_out_is_shown_with_its_default():
    first = tl.primitive(lambda *xs, k=2: k * xs[0], lambda g, y, i, *xs, k=2: g * k * (i == 0), each=True, name="own")
    x = leaf(3.0, "x")
    sent = tl.explain(first(x, x)).steps[-1].sent[1]
    assert (sent.letters, sent.numbers) == ({"i": "1", "k": "2"}, "1 * 2 * (1 == 0)")
    assert sent_by(lambda g, y, x, k=3: g * k).letters == {"k": "3"}


def test_no_line_of_the_text_is_made_of_spaces():
    x = leaf(np.linspace(0.123456, 9.876543, 12).reshape(3, 4), "a rather long name for a leaf")
    text = str(tl.explain(np.sum(np.sin(x @ x.T + 1.5) * np.cos(x @ x.T))))
    assert not any(line.isspace() for line in text.splitlines())


def test_numbers_stand_for_letters_where_all_are_single_numbers():
    a, b = leaf(2.0, "a"), leaf(-3.0, "b")
    first, second = tl.explain(a * b).steps[-1].sent
    assert (first.numbers, second.numbers) == ("1 * -3", "1 * 2")
    (sent,) = tl.explain(np.tanh(a)).steps[-1].sent
    assert sent.numbers == "1 * (1 - 0.964 * 0.964)"
    assert tl.explain(np.sum(leaf([1.0, 2.0]) * 3)).steps[-1].sent[0].numbers == ""


def test_contributions_that_are_added_up_are_named():
    a = leaf(1.5, "a")
    h = np.exp(a)
    e = tl.explain(h * np.sin(h) + a * a)
    h_step = next(s for s in backward(e).values() if s.operation == "exp")
    sources = [s.operation for n in h_step.arrived_from for s in e.steps if s.number == n]
    assert sorted(sources) == ["multiply", "sin"]
    (given_a,) = [g for g in e.givens if g.label == "a"]
    assert len(given_a.arrived_from) == 3  # exp, and both sides of a * a
    assert "the sum of what came from steps" in str(e)
    assert "came from step 4 twice)" in str(tl.explain((a * a) * 2.0))


def test_leaves_are_called_by_their_names_and_parameters_by_their_modules():
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
    with tl.source_lines():
        loss = F.mse_loss(model(np.ones((4, 3))), np.zeros((4, 1)))
    e = tl.explain(loss)
    assert {g.label for g in e.givens if g.kind == "leaf"} == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert [s.modules[-1].title for s in e.steps[:3]] == ["0 (Linear)", "1 (Tanh)", "2 (Linear)"]
    assert "in 1 (Tanh)" in str(e)


def test_equal_names_are_told_apart():
    e = tl.explain(leaf(1.0, "w") * leaf(2.0, "w") * leaf(3.0, "t1"))
    assert len({g.label for g in e.givens} | {s.label for s in e.steps}) == 5


def test_lines_are_shown_where_they_were_recorded_and_else_it_is_said_how_to_get_them():
    a = leaf(1.5, "a")
    with tl.source_lines():
        loss = np.exp(a) * 2.0  # the line
    e = tl.explain(loss)
    assert "# the line" in e.steps[0].line
    assert "test_explain.py" in str(e)
    assert "source_lines" not in str(e)
    assert str(tl.explain(np.exp(a))).count("tl.source_lines()") == 1
    assert str(tl.explain(np.exp(a), a)).count("tl.source_lines()") == 1


def test_the_neuron_fits_a_screen():
    loss, w, *_ = neuron()
    lines = str(tl.explain(loss)).splitlines()
    assert len(lines) <= 45
    assert max(map(len, lines)) <= 110
    assert len(str(tl.explain(loss, w)).splitlines()) <= 10


def test_explaining_changes_nothing():
    loss, w, b, *_ = neuron()
    loss.backward()
    grads, stamps = (w.grad.numpy(), b.grad.numpy()), (w.stamp, b.stamp)
    tl.explain(loss)
    tl.explain(loss, w)
    np.testing.assert_array_equal(w.grad.data, grads[0])
    np.testing.assert_array_equal(b.grad.data, grads[1])
    assert stamps == (w.stamp, b.stamp)
    before = w.data.copy()
    e = tl.explain(loss)
    with tl.no_grad():
        w -= 1.0
    np.testing.assert_array_equal(next(g for g in e.givens if g.label == "w").value, before)


def test_a_value_that_is_an_inputs_very_array_does_not_follow_its_updates():
    w = leaf([1.0, 2.0], "w")
    same = tl.primitive(lambda x: x, lambda g, y, x: g, name="same")
    e = tl.explain(np.sum(same(w)))
    with tl.no_grad():
        w -= 1.0
    np.testing.assert_array_equal(e.steps[0].value, [1.0, 2.0])


def test_a_large_value_is_abbreviated_and_one_that_is_not_finite_says_so():
    x = leaf(np.r_[np.linspace(-2, 5, 99), np.nan], "x")
    assert "[-2, -1.929, -1.857, ...] 100 numbers, -2 to 5, 1 not finite" in str(tl.explain(np.sum(x)))


def test_where_no_gradient_flows_it_says_so():
    gate = tl.primitive(lambda c, a: a * (c > 0), None, lambda g, y, c, a: g * (c > 0), name="gate")
    a, c = leaf(2.0, "a"), leaf(1.0, "c")
    loss = gate(np.exp(c), a)
    e = tl.explain(loss)
    assert next(g for g in e.givens if g.label == "c").gradient is None
    assert "none: no gradient flows there" in str(e)
    assert [s.operation for s in e.steps] == ["exp", "gate", "gate"]
    found = tl.explain(loss, c)
    assert (found.paths, found.terms, found.gradient) == (0, (), 0.0)
    assert "No gradient flows" in str(found)
    between = np.exp(c)
    assert tl.explain(gate(between, a), between).paths == 0  # though it is in the graph


# ---- paths ----


def check(loss, w, index, limit):
    """The terms add up to the gradient, the listed ones descend, and they are as many as can be."""
    e = tl.explain(loss, w, index, limit)
    (expected,) = (w.grad.data[index] for _ in [loss.backward()])
    w.grad = None
    scale = max(sum(abs(t.value) for t in e.terms), 1e-300)
    assert abs(sum(t.value for t in e.terms) - expected) <= 1e-9 * scale
    listed = [t for t in e.terms if t.path is not None]
    assert len(listed) == min(limit, e.paths)
    assert sum(t.count for t in e.terms) == e.paths
    sizes = [abs(t.value) for t in listed]
    assert sizes == sorted(sizes, reverse=True)
    return e


def random_graph(data, shape):
    """A loss with shared subexpressions, broadcasting, products, reductions, repeats and concatenation."""
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6), label="seed"))
    w = leaf(rng.normal(size=shape), "w")
    pool = [w, leaf(rng.normal(size=shape[-1:]), "v")]
    n = shape[-1]
    square = rng.normal(size=(n, n)) / n
    moves = [
        lambda a, b: a + b,
        lambda a, b: a * b,
        lambda a, b: a - np.tanh(b),
        lambda a, b: np.tanh(a) @ square,
        lambda a, b: a * a,
        lambda a, b: np.sum(a, axis=-1, keepdims=True) * b,
        lambda a, b: np.concatenate([a, b, a], axis=-1)[..., :n] if a.shape == b.shape else a,
        lambda a, b: np.stack([a, a * 0.5]).mean(0),
        lambda a, b: a / (1 + b * b),
        lambda a, b: np.maximum(a, b),
    ]
    for _ in range(data.draw(st.integers(1, 7), label="operations")):
        move = moves[data.draw(st.integers(0, len(moves) - 1))]
        a, b = (pool[data.draw(st.integers(0, len(pool) - 1))] for _ in range(2))
        pool.append(move(a, b))
    last = pool[-1]
    return np.sum(last * rng.normal(size=last.shape)) + 0.3 * np.sum(pool[len(pool) // 2]), w


def all_terms(loss, w, index):
    """Every path by recursion, each edge's vjp by the engine: the independent account."""
    found = []

    def walk(x, g):
        if x is w:
            found.append(float(g[index]))
        elif x.primitive is not None:
            arrays = [i.data if isinstance(i, tl.Tensor) else i for i in x.inputs]
            for k, given in enumerate(x.inputs):
                rule = x.primitive.rules[0 if x.primitive.each else k]
                if isinstance(given, tl.Tensor) and given.requires_grad and rule is not None:
                    made = np.asarray(rule(g, x.data, *([k] if x.primitive.each else []), *arrays, **x.options))
                    extra = made.ndim - given.ndim
                    made = made.sum(tuple(range(extra)))
                    ones = tuple(i for i, n in enumerate(given.shape) if n == 1 and made.shape[i] != 1)
                    walk(given, made.sum(ones, keepdims=True))

    walk(loss, np.ones(()))
    return found


@settings(max_examples=60)
@given(st.data())
def test_the_terms_of_random_graphs_add_up_and_are_those_of_all_paths(data):
    shape = data.draw(st.sampled_from([(3,), (2, 3), (1, 4), (3, 1)]))
    loss, w = random_graph(data, shape)
    index = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    limit = data.draw(st.sampled_from([0, 1, 3, 20]))
    terms = all_terms(loss, w, index)
    if not terms:
        with pytest.raises(ValueError, match="isn't among"):
            tl.explain(loss, w, index, limit)
        return
    e = check(loss, w, index, limit)
    assert e.paths == len(terms)
    best = sorted(map(abs, terms), reverse=True)[:limit]
    np.testing.assert_allclose([abs(t.value) for t in e.terms if t.path is not None], best, rtol=1e-9, atol=1e-300)


def test_the_local_derivatives_of_single_numbers_are_given():
    a, b = leaf(2.0, "a"), leaf(-3.0, "b")
    c = a * b
    d = c + a
    e = check(c * d, a, (), 20)
    # c·d with c = ab, d = ab + a: ∂/∂a along c is b·d, along d through c is b·c, along d at once c
    assert sorted(t.value for t in e.terms) == sorted([-3 * -4.0, -3 * -6.0, -6.0])
    for term in e.terms:
        assert math.prod(h.derivative for h in term.path) == pytest.approx(term.value, rel=1e-12)
    assert [h.operation for h in e.terms[0].path] == ["multiply", "add", "multiply"]
    assert "-3 * 1 * -6" in str(e)


def test_a_tensor_at_two_inputs_of_one_operation_begins_two_paths():
    a = leaf(3.0, "a")
    e = check(a * a, a, (), 20)
    assert [(t.value, t.path[0].position) for t in e.terms] == [(3.0, 0), (3.0, 1)]
    assert "input 1" in str(e)


def test_a_million_million_paths_are_counted_and_the_rest_is_one_term():
    a = leaf(1.5, "a")
    h = a
    for _ in range(40):
        h = h + 0.5 * h
    e = check(h, a, (), 3)
    assert e.paths == 2**40
    assert e.exact
    np.testing.assert_allclose([t.value for t in e.terms], [1, 0.5, 0.5, 1.5**40 - 2], rtol=1e-12)
    assert e.terms[-1].count == 2**40 - 3
    assert f"{2**40 - 3:,}" in str(e)


def test_the_largest_of_very_many_paths_of_numbers_are_found():
    rng = np.random.default_rng(0)
    a = leaf(0.7, "a")
    h, factors = a, []
    for u, v in rng.normal(size=(12, 2)):
        h = u * h + v * h
        factors.append((abs(u), abs(v)))
    products = sorted((math.prod(p) for p in itertools.product(*factors)), reverse=True)
    e = check(h, a, (), 50)
    np.testing.assert_allclose([abs(t.value) for t in e.terms[:50]], products[:50], rtol=1e-9)


def test_the_largest_of_very_many_paths_of_small_arrays_are_found():
    v = leaf([0.3, -1.2, 0.8], "v")
    u = np.random.default_rng(1).normal(size=(16, 2, 3))
    h = v
    for one, two in u:
        h = h * one + h * two
    e = check(np.sum(h), v, (1,), 10)
    assert e.paths == 2**16
    assert e.exact
    sizes = np.ones(1)
    for pair in np.abs(u[:, :, 1]):
        sizes = np.concatenate([sizes * pair[0], sizes * pair[1]])
    np.testing.assert_allclose([abs(t.value) for t in e.terms[:10]], np.sort(sizes)[::-1][:10], rtol=1e-9)


def test_of_too_many_paths_through_large_arrays_it_says_that_the_largest_are_not_sure():
    v = leaf(np.random.default_rng(2).normal(size=(70, 80)), "v")
    h = v
    for _ in range(40):
        h = np.tanh(0.6 * h + np.sin(h) * 0.5)
    e = check(np.sum(h), v, (3, 5), 4)
    assert e.paths == 2**40
    assert not e.exact
    assert "too many paths" in str(e)


def test_large_arrays_are_not_walked_path_by_path():
    calls = []
    count = lambda g, y, a, b: calls.append(g.shape) or g
    add = tl.primitive(lambda a, b: a + b, count, count, name="add")
    v = leaf(np.ones(100_000), "v")
    h = v
    for _ in range(11):
        h = add(h, h)
    e = check(np.sum(h), v, (3,), 1)
    assert (e.paths, e.exact, e.terms[0].value) == (2**11, False, 1.0)
    assert len(calls) < 500


def test_deep_graphs_are_explained_without_recursion():
    a, v = leaf(1.2, "a"), leaf([1.0, 2.0], "v")
    h, k = a, v
    for _ in range(3000):
        h = h * 0.999 + h * 0.0005
        k = k * 0.9995
    e = check(h, a, (), 2)
    assert e.paths == 2**3000
    assert "about 10^903 paths" in str(e)
    assert check(np.sum(k), v, (1,), 2).paths == 1
    text = str(tl.explain(h))
    assert "steps more, which .steps has" in text
    assert len(text) < 60_000


def test_a_computed_tensor_and_the_loss_itself_can_be_asked_for():
    a = leaf(0.5, "a")
    h = np.exp(a)
    e = tl.explain(h * h, h)
    assert sum(t.value for t in e.terms) == pytest.approx(2 * math.exp(0.5))
    assert [t.value for t in tl.explain(h, h).terms] == [1.0]
    assert tl.explain(a, a).paths == 1
    assert "1" in str(tl.explain(a))


@pytest.mark.filterwarnings("error")
def test_the_search_for_paths_gives_no_warnings_of_its_own():
    v = leaf([0.0, 1.0, 2.0], "v")
    infinite = tl.primitive(lambda x: 3 * x, lambda g, y, x: np.where(x > 0, g, np.inf), name="infinite")
    h = v
    for _ in range(14):
        h = 0.5 * h + h * np.array([0.5, 2.0, -1.0])
    e = tl.explain(np.sum(infinite(h)), v, (1,), 5)
    assert (e.paths, e.exact, e.terms[0].value) == (2**14, True, 2.0**14)
    e = tl.explain(np.sum(infinite(h)), v, (0,), 5)  # where all terms are infinite
    assert (e.paths, e.exact, e.terms[0].value) == (2**14, False, math.inf)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_terms_that_are_not_finite_come_first():
    a = leaf(0.0, "a")
    e = tl.explain(np.log(a) * 0.0 + a * 2, a)
    assert math.isnan(e.terms[0].value) or math.isinf(e.terms[0].value)
    assert e.terms[1].value == 2.0


def test_float32_stays_float32():
    w = tl.tensor([[1.0, 2.0]], requires_grad=True)
    e = tl.explain(np.sum(np.tanh(w * 0.3)), w, (0, 1))
    assert all(s.value.dtype == np.float32 for s in e.steps)
    (w.grad,) = (None,)
    np.sum(np.tanh(w * 0.3)).backward()
    assert e.terms[0].value == w.grad.data[0, 1]


# ---- what can't be explained ----


def test_what_cannot_be_explained_is_refused_with_a_sentence():
    loss = neuron()[0]
    x = leaf(np.ones((2, 3)), "x")
    total = np.sum(x)
    for call, error, words in [
        (lambda: tl.explain(3.0), TypeError, "not a float"),
        (lambda: tl.explain(x), ValueError, r"explain\(t.sum\(\)\)"),
        (lambda: tl.explain(tl.tensor(1.0)), ValueError, "requires a gradient"),
        (lambda: tl.explain(loss, x, (0, 0)), ValueError, "isn't among"),
        (lambda: tl.explain(loss, tl.tensor([[1.0]])), ValueError, "doesn't require a gradient"),
        (lambda: tl.explain(loss, np.ones(1)), TypeError, "takes the Tensor w itself"),
        (lambda: tl.explain(total, x), ValueError, r"index=\(0, 0\)"),
        (lambda: tl.explain(total, leaf(np.ones((0, 3)))), ValueError, "no element"),
        (lambda: tl.explain(total, x, (2, 0)), ValueError, r"\(2, 3\)"),
        (lambda: tl.explain(total, x, 0), ValueError, r"\(2, 3\)"),
        (lambda: tl.explain(total, x, (slice(None), 0)), TypeError, "by integers"),
        (lambda: tl.explain(total, x, (0, 0), limit=-1), ValueError, "limit"),
        (lambda: tl.explain(total, x, (0, 0), limit=2.5), TypeError, "limit"),
        (lambda: tl.explain(total, index=(0, 0)), TypeError, "whose element"),
    ]:
        with pytest.raises(error, match=words):
            call()
    assert tl.explain(total, x, (-1, -1)).index == (1, 2)


def test_a_value_changed_since_is_noticed():
    loss, w, *_ = neuron()
    with tl.no_grad():
        w -= 0.1
    with pytest.raises(tl.ChangedValueError, match="'w'"):
        tl.explain(loss)
