"""The exercises and `tinydl learn`: every gap is seen, every solution right, every typical mistake named."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinydl.cli import main
from tinydl.course import answers, exercises, judging, learn, repairs

ROOT = Path(__file__).resolve().parent.parent
NAMES = exercises.names()


def given(name):
    return (exercises.exercises_folder() / f"{name}.py").read_text(encoding="utf-8")


def mistakes(name):
    known = exercises.companion(name)
    for code, old, new, *sentence in known["WRONG"]:
        assert old in known["SOLUTION"]
        yield code, known["SOLUTION"].replace(old, new), "".join(sentence)


def test_there_are_two_to_five_exercises_in_each_lesson_one_in_an_excursion_and_each_says_of_which_it_is():
    lessons, pages = exercises.lessons(), sorted((ROOT / "tutorials").glob("[0-9e][0-9]_*.py"))[1:]
    assert list(lessons) == [page.stem[3:] for page in pages]
    for page in pages:
        assert len(lessons[page.stem[3:]]) in ([1] if page.name.startswith("e") else [2, 3, 4, 5]), page
        assert exercises.numbers()[page.stem[3:]] == page.name[:2].lstrip("0").upper()
    assert len(NAMES) == len(set(NAMES)) >= 49
    for folder in (exercises.exercises_folder(), exercises.exercises_folder() / "_answers"):
        assert {path.stem for path in folder.glob("ex_*.py")} == set(NAMES)
    for lesson, members in lessons.items():
        for name in members:
            assert given(name).startswith(f'"""Lesson {lesson}: '), name
            assert "\nimport numpy as np\n" in given(name), "an answer in NumPy is no NameError"


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_is_not_done_then_done_however_it_is_written(name):
    unsolved = judging.check_text(name, given(name))
    assert unsolved.code == "not_done"
    assert "Traceback" not in unsolved.sentence
    known = exercises.companion(name)
    for right in (known["SOLUTION"], *known["RIGHT"]):
        result = judging.check_text(name, right)
        assert (result.code, result.sentence, result.tried) == ("done", "Right.", ""), right
    assert len(known["HINTS"]) >= 2
    assert known["RIGHT"]


@pytest.mark.parametrize("name", NAMES)
def test_every_typical_mistake_is_named_and_shows_with_what_it_was_tried(name):
    known, typical = exercises.companion(name), list(mistakes(name))
    assert len({text for _, text, _ in typical}) == len(typical) >= 4
    for code, text, sentence in typical:
        result = judging.check_text(name, text)
        assert result.code == code and known["SOLUTION"] != text, (text, result)
        assert result.sentence.endswith(sentence), (text, result)
        assert not result.vague, (text, result)
        assert "\n" not in result.sentence + result.tried
        assert result.tried.startswith("Tried with ") or code == "parameters", (text, result)


def test_an_exercise_doesnt_show_its_solution():
    for name in NAMES:
        body = exercises.companion(name)["SOLUTION"].strip().splitlines()[-1].strip()
        assert body.startswith("return g") or body not in given(name), name


@pytest.mark.parametrize(
    ("code", "text", "says"),
    [
        ("syntax", "def slope(f, x, h)\n    return 1", "line 1"),
        ("syntax", "return 1", "line 1"),
        ("missing", "def incline(f, x, h):\n    return 1", "slope"),
        ("raises", "def slope(f, x, h):\n    return f(x) / 0", "ZeroDivisionError in line 2"),
        ("raises", "def slope(f, x):\n    return 1", "TypeError"),
        ("raises", "def slope(f, x, h):\n    return f(x) ^ 2.0", "^ is no power in Python: write **"),
        ("raises", "def slope(f, x, h):\n    return h ^ 2", "^ is no power in Python: write **"),
        ("wrong_value", "def slope(f, x, h):\n    return (f(x + h) - f(x - h)) / 2*h", "write / (2 * h)"),
        ("raises", "def slope(f, x, h):\n    return slope(f, x, h)", "RecursionError"),
        ("raises", "raise SystemExit", "SystemExit"),
        ("raises", "import numppy", "line 1: No module named"),
        ("returns_nothing", "def slope(f, x, h):\n    f(x)", "return"),
        ("prints", "def slope(f, x, h):\n    print((f(x + h) - f(x - h)) / 2 / h)", "instead of `print`"),
        ("type", "def slope(f, x, h):\n    return '1'", "str"),
        ("shape", "def slope(f, x, h):\n    return [f(x), f(h)]", "shape (2,)"),
        ("not_finite", "def slope(f, x, h):\n    return float('nan')", "NaN"),
        ("not_done", "def slope(f, x, h):\n    return (f(x + h) - ...) / h", "line 2"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(code, text, says):
    result = judging.check_text("ex_slope", text)
    assert (result.code, says in result.sentence, "Traceback" in result.sentence) == (code, True, False), result


@pytest.mark.parametrize(
    ("name", "code", "text", "says"),
    [
        ("ex_slope", "one_sided", "def slope(f, x, h):\n    return (f(x + h) - f(x)) / h", "shrinks like h,"),
        ("ex_slope", "one_sided", "def slope(f, x, h):\n    return -(f(x - h) - f(x)) / h", "one side of x"),
        ("ex_slope", "wrong_value", "def slope(f, x, h):\n    return f(x) * h", "the first of them is off by 0."),
        ("ex_neuron", "other_function",
         "def neuron(w, x, b):\n    import math\n    return 1 / (1 + math.exp(-(w @ x + b)))", "tanh is asked for"),
        ("ex_neuron", "wrong_value", "import numpy as np\ndef neuron(w, x, b):\n    return np.tanh(w @ x)", "bias"),
        ("ex_relu", "raises", "def relu_vjp(g, x):\n    return g if x > 0 else 0", "np.where(condition, a, b)"),
        ("ex_relu", "raises", "def relu_vjp(g, x):\n    return max(x, 0)", "comparisons such as x > 0 go through all"),
        ("ex_minibatches", "count", "def minibatches(order, size):\n    return order", "cut into batches"),
        ("ex_minibatches", "count", "def minibatches(order, size):\n    for k in range(len(order) // size):\n"
         "        yield order[k * size : (k + 1) * size]", "the last one may be smaller"),
        ("ex_xavier", "shape", "def xavier_bound(shape):\n    a = (6 / sum(shape)) ** 0.5\n    return [-a, a]",
         "both ends"),
        ("ex_complex_step", "type", "def complex_step(f, x, h):\n    return f(x + h * 1j) / h",
         "real ones are asked for"),
    ],
)  # fmt: skip
def test_a_typical_mistake_is_known_by_its_numbers_however_it_is_written(name, code, text, says):
    result = judging.check_text(name, text)
    assert (result.code, says in result.sentence) == (code, True), result


@pytest.mark.parametrize(("got", "expected", "code", "says"), [
    ([[2.0, 4.0], [6.0]], [[1.0, 2.0], [3.0]], "factor", "2 times the right one everywhere: a factor 2 too much"),
    ([[-1.0, -2.0], [-3.0]], [[1.0, 2.0], [3.0]], "sign", "exactly −1 times the right one everywhere"),
    ([[0.0, 0.0], [0.0]], [[1.0, 2.0], [3.0]], "zero", "The result is 0 everywhere, the right one is not"),
    ([[3.0, 2.0, 1.5], [7.0]], [[1.5, 2.0, 3.0], [7.0]], "permuted", "the right numbers in reverse order along axis 0"),
    ([[2.0, 3.0, 1.0]], [[1.0, 2.0, 3.0]], "permuted", "shifted by -1 along axis 0: an index is off"),
    ([[1.0, 3.0], [2.0]], [[1.0, 2.0], [3.0]], "wrong_value", "2 of the 2 results tried are wrong"),
    ([2.0], [1.0], "wrong_value", "The result is wrong; it is off by 1."),
    ([[2.0, np.inf]], [[1.0, np.inf]], "factor", "2 times the right one"),
])  # fmt: skip
def test_results_are_wrong_in_the_ways_and_words_of_gradcheck(got, expected, code, says):
    with pytest.raises(answers.Mistake) as mistake:
        answers._compare([(np.array(a), np.array(b)) for a, b in zip(got, expected, strict=True)])
    assert (mistake.value.code, says in str(mistake.value)) == (code, True), mistake.value
    assert "gradient" not in str(mistake.value) and "numerical" not in str(mistake.value)


GRADIENT = "import numpy as np\ndef {0}\n    return {1}\n"


@pytest.mark.parametrize(("name", "code", "text", "says"), [
    ("ex_chain", "wrong_gradient", GRADIENT.format("chain_vjp(g, x):", "np.cos(x) * (x + x) * g"), "taken at x, where"),
    ("ex_length", "wrong_gradient", GRADIENT.format("length_vjp(u, x):", "np.array([2 * a * b for a, b in zip(u, x)])"),
     "The root isn't differentiated"),
    ("ex_yes_or_no", "wrong_gradient",
     GRADIENT.format("binary_grad(z, y):", "0.5 + 0.5 * np.tanh(z / 2)"), "The answers y have no effect"),
    ("ex_layer_norm", "held_constant",
     GRADIENT.format("normalise_vjp(g, x):", "(g.T / x.std(1)).T"), "forgets that mean and std depend on x"),
    ("ex_softmax_vjp", "wrong_gradient", GRADIENT.format("softmax_vjp(g, x):",
     "(lambda y: y * (g - (g * y).sum(1)[:, None]))(np.exp(x) / sum(np.exp(x)))"), "goes down the columns"),
])  # fmt: skip
def test_a_typical_mistake_in_a_gradient_is_known_by_its_numbers_however_it_is_written(name, code, text, says):
    result = judging.check_text(name, text)
    assert (result.code, says in result.sentence) == (code, True), result


@pytest.mark.parametrize(("name", "text", "tried"), [
    ("ex_slope", "def slope(f, at, h):\n    return 7.0",
     "Tried with f = sin, at = 0.7, h = 0.0009766: it gave 7, where 0.7648 is right."),
    ("ex_slope", "def slope(f, x, h):\n    raise ValueError", "Tried with f = sin, x = 0.7, h = 0.0009766."),
    ("ex_softmax", "import numpy as np\ndef softmax(z):\n    e = np.exp(z)\n    return e / e.sum(1, keepdims=True)",
     "Tried with z = [[1000, 999, 997], [-1, 0, 1]]: at index [0, 0] it gave nan, where 0.7054 is right."),
    ("ex_matmul", "def matmul_vjp(g, a, b):\n    return g @ b, a @ g", "Tried with g (2, 5), a (2, 3), b (3, 5)."),
    ("ex_row_sums", "def row_sums_vjp(*given):\n    return given[0]",
     "Tried with g (4,), x (4, 3): it gave the shape (4,), where (4, 3) is right."),
    ("ex_l1", "import numpy as np\ndef l1_grad(w, lam):\n    return lam * np.sign(w) * (1 + 1e-6)",
     "lam = 0.2: it gave [0, 0.2000002, -0.2000002], where [0, 0.2, -0.2] is right."),
    ("ex_paths", "def paths(graph, end, start):\n    return 9",
     "Tried with graph = {'d': ['c', 'c'], 'c': ['b', 'a'], 'b': ['a', 'a'], 'a': []}, end = 'a', start = 'a': "
     "it gave 9, where 1 is right."),
    ("ex_linear_layer", "class Linear:\n    def __init__(self, inputs, outputs):\n        pass", ""),
])  # fmt: skip
def test_the_input_is_shown_with_what_came_out_and_what_is_right(name, text, tried):
    result = judging.check_text(name, text)
    assert not result
    assert result.tried.endswith(tried) and (tried or not result.tried), result


def test_results_may_come_from_a_generator():
    text = "def squared_error_grad(p, y):\n    for sign in (1, -1):\n        yield sign * 2 * (p - y) / len(p)\n"
    assert judging.check_text("ex_squared_error", text)
    assert judging.check_text("ex_squared_error", text.replace("(1, -1)", "(1, 1)")).code == "sign"
    text = "def training_indices(n, k, i):\n    return (j for j in range(n) if j % k != i)\n"
    assert judging.check_text("ex_fold", text)


def test_a_caret_is_no_power_for_arrays_either():
    text = "import numpy as np\ndef chain_vjp(g, x):\n    return g * np.cos(x^2) * 2 * x\n"
    assert "^ is no power in Python: write **" in judging.check_text("ex_chain", text).sentence
    assert not any("^" in given(name).replace("^T", "") for name in NAMES)


def test_a_tuple_where_one_result_is_asked_for_and_an_array_where_several_are():
    text = "import numpy as np\ndef least_squares(x, y):\n    return np.linalg.lstsq(x, y, rcond=None)\n"
    result = judging.check_text("ex_normal_equations", text)
    assert result.sentence == "It returns a tuple of 4 things, where one result is asked for."
    text = "import numpy as np\ndef product_vjp(g, a, b):\n    return np.array([g * (b + 1), g * (a + 2 * b + 1)])\n"
    assert judging.check_text("ex_product", text)
    result = judging.check_text("ex_product", text.replace(", g * (a + 2 * b + 1)", ""))
    assert result.sentence == "It should return 2 gradients in a tuple, not an array alone."


def constants(tree):
    """The floating constants of a solution, each dropped and changed; a power's exponent is one of them."""
    numbers = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) in (int, float)]
    axes = {id(n) for k in ast.walk(tree) if isinstance(k, ast.keyword) for n in ast.walk(k.value)}
    for node in (n for n in numbers if type(n.value) is float and id(n) not in axes):
        kept = node.value
        for other in (0.0, kept / 100, kept * 100, kept * 1.01):
            node.value = other
            yield ast.unparse(tree)
        node.value = kept


def beside_nothing(tree):
    """A small number added to what is divided by, and to what a root or logarithm is taken of."""
    inside = ("sqrt", "log", "std", "var")
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            field, kept = "right", node.right
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in inside
            and node.args
        ):
            field, kept = "args", node.args
        else:
            continue
        value = kept if field == "right" else kept[0]
        more = ast.BinOp(value, ast.Add(), ast.Constant(1e-8))
        setattr(node, field, more if field == "right" else [more, *kept[1:]])
        yield ast.unparse(ast.fix_missing_locations(tree))
        setattr(node, field, kept)


def test_no_constant_of_an_optimizer_may_be_another():
    for name in ("ex_momentum", "ex_adagrad", "ex_adam"):
        tree = ast.parse(exercises.companion(name)["SOLUTION"])
        for text in (*constants(tree), *(beside_nothing(tree) if name != "ex_adam" else ())):
            assert not judging.check_text(name, text), text


@pytest.mark.parametrize(
    ("name", "old", "new", "code", "says"),
    [
        ("ex_adam", "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)", "np.sqrt(v / (1 - 0.999**t) + 1e-8)", "wrong_value",
         "eps belongs outside the root"),
        ("ex_adam", "(np.sqrt(v / (1 - 0.999**t)) + 1e-8)", "np.sqrt(v / (1 - 0.999**t))", "not_finite",
         "eps is missing"),
        ("ex_adam", "1e-8", "1e-6", "wrong_value", "eps is 1e-6, where the task has 1e-8"),
        ("ex_adagrad", "(np.sqrt(s) + 1e-10)", "np.sqrt(s + 1e-10)", "wrong_value", "eps belongs outside the root"),
        ("ex_adagrad", "(np.sqrt(s) + 1e-10)", "np.sqrt(s)", "not_finite", "eps is missing"),
        ("ex_relative_error", "abs(a), abs(b)", "a, abs(b)", "wrong_value", "off"),
        ("ex_standardise", "np.where(std > 0, std, 1)", "(std + 1e-8)", "wrong_value",
         "only one that is 0 is replaced"),
        ("ex_length", "(x**2).sum(axis=1)", "(x**2).sum(axis=1) + 1e-8", "wrong_gradient",
         "added under the root, which changes short rows"),
        ("ex_cube_root", "** 2)", "** 2 + 1e-8)", "wrong_gradient", "added below the line, which changes small x"),
        ("ex_l1", "np.sign(w)", "w / abs(w)", "not_finite", "0 / 0"),
        ("ex_linear_layer", "dtype=np.float32, requires_grad=True)\n\n", "dtype=np.float32)\n\n", "parameters",
         "bias gets no gradient: write requires_grad=True"),
    ],
)  # fmt: skip
def test_what_only_special_inputs_show_is_wrong(name, old, new, code, says):
    solution = exercises.companion(name)["SOLUTION"]
    assert old in solution
    result = judging.check_text(name, solution.replace(old, new))
    assert result.code == code and says in result.sentence, result


@pytest.mark.slow
def test_no_constant_of_any_solution_may_be_another():
    unseen = []
    for name in NAMES:
        tree = ast.parse(exercises.companion(name)["SOLUTION"])
        unseen += [(name, text) for text in constants(tree) if judging.check_text(name, text)]
    assert unseen == []


@pytest.mark.parametrize("name", ["ex_softmax_cross_entropy", "ex_matmul", "ex_squared_error",
                                  "ex_softmax_vjp", "ex_softmax", "ex_standardise"])  # fmt: skip
def test_a_right_answer_in_float32_is_right_and_told_so(name):
    known = exercises.companion(name)
    function = known["FUNCTION"]
    wrapped = f"""
def narrow(value):
    return value.astype(np.float32) if getattr(value, "dtype", None) == np.float64 else value
right_{function} = {function}
def {function}(*given):
    given = [narrow(value) for value in given]
    return SCALE * right_{function}(*given)
"""
    if "import numpy" not in known["SOLUTION"]:
        wrapped = "import numpy as np\n" + wrapped
    if name in ("ex_matmul", "ex_squared_error"):
        wrapped = wrapped.replace("SCALE * right", "(lambda r: tuple(SCALE * g for g in r))(right", 1)
        wrapped = wrapped.rstrip() + ")\n"
    result = judging.check_text(name, known["SOLUTION"] + wrapped.replace("SCALE", "np.float32(1)"))
    assert result and result.sentence.startswith("Right. It is computed in float32 and was judged as that;"), result
    result = judging.check_text(name, known["SOLUTION"] + wrapped.replace("SCALE", "np.float32(1.0001)"))
    assert not result


def test_float32_may_be_off_by_its_own_rounding_and_float16_by_its():
    text = "import numpy as np\ndef best_step(eps, x):\n    return {0}(eps) ** {0}(1 / 3) * {0}(max(1, abs(x)))\n"
    result = judging.check_text("ex_best_step", text.format("np.float32"))
    assert result and result.sentence.startswith("Right. It is computed in float32")
    assert not judging.check_text("ex_best_step", text.format("np.float32").replace("1 / 3", "0.33333"))
    solution = exercises.companion("ex_softmax_cross_entropy")["SOLUTION"]
    half = solution.replace("return (p - np.eye(z.shape[1])[y]) / len(y)",
                            "return ((p - np.eye(z.shape[1])[y]) / len(y)).astype(np.float16)")  # fmt: skip
    result = judging.check_text("ex_softmax_cross_entropy", half)
    assert result and result.sentence.startswith("Right. It is computed in float16")


def test_an_argument_is_called_what_the_answer_calls_it():
    text = exercises.companion("ex_adagrad")["SOLUTION"].replace("s = s + g**2", "s += g**2")
    assert judging.check_text("ex_adagrad", text).sentence == "It changes its argument s in place; make a new one."
    text = "def adagrad(*given):\n    given[1][:] += given[2] ** 2\n    return given[0], given[1]\n"
    assert "its argument number 2 in place" in judging.check_text("ex_adagrad", text).sentence
    text = exercises.companion("ex_convolution")["SOLUTION"].replace("return dx, dw", "return dx, -dw")
    assert "Your gradient of w is exactly −1 times" in judging.check_text("ex_convolution", text).sentence
    text = exercises.companion("ex_linear_regression")["SOLUTION"].replace("error.mean()", "-error.mean()")
    assert "Your gradient of b is exactly −1 times" in judging.check_text("ex_linear_regression", text).sentence


FILLED = """import numpy as np
from numpy import empty
def {0}:
    out = {1}
    {2}
    return out
"""


@pytest.mark.parametrize("made", ["np.empty(x.shape)", "empty(x.shape)", "np.empty_like(x)"])
@pytest.mark.parametrize(("name", "head", "body"), [
    ("ex_dropout", "dropout(x, keep, p)", "out[keep] = x[keep] / (1 - p)"),
    ("ex_relu", "relu_vjp(g, x)", "out[x > 0] = g[x > 0]"),
    ("ex_l1", "l1_grad(x, lam)", "out[x > 0] = lam; out[x < 0] = -lam"),
])  # fmt: skip
def test_memory_that_is_not_filled_never_passes_for_zeros(name, head, body, made):
    result = judging.check_text(name, FILLED.format(head, made, body))
    assert not result and result.sentence == repairs.EMPTY, result
    assert judging.check_text(name, FILLED.format(head, "np.zeros(x.shape)", body))
    assert judging.check_text(name, FILLED.format(head, made, f"out[:] = 0; {body}"))
    assert np.empty.__module__ == np.empty_like.__module__ == "numpy"


@pytest.mark.parametrize(("name", "head", "made", "body"), [
    ("ex_one_hot", "one_hot(labels, classes)", "np.empty((len(labels), classes))",
     "out[range(len(labels)), labels] = 1"),
    ("ex_one_hot", "one_hot(labels, classes)", "np.empty((len(labels), classes), int)",
     "out[range(len(labels)), labels] = 1"),
    ("ex_embedding", "rows_vjp(g, table, index)", "np.empty(table.shape)", "np.add.at(out, index, g)"),
])  # fmt: skip
def test_memory_that_is_not_filled_is_named(name, head, made, body):
    result = judging.check_text(name, FILLED.format(head, made, body))
    assert not result and result.sentence == repairs.EMPTY, result
    assert judging.check_text(name, FILLED.format(head, made.replace("empty", "zeros"), body))


def test_where_without_out_leaves_memory_unfilled():
    text = FILLED.format("relative_error(a, b)", "np.maximum(abs(a), abs(b))",
                         "out = np.divide(abs(a - b), out, MORE where=out > 0)")  # fmt: skip
    result = judging.check_text("ex_relative_error", text.replace("MORE", ""))
    assert not result and result.sentence == repairs.WHERE, result
    assert judging.check_text("ex_relative_error", text.replace("MORE", "out=np.zeros(a.shape),"))
    text = text.replace("    return out", "    return np.where((a == 0) & (b == 0), 0, out)")
    assert judging.check_text("ex_relative_error", text.replace("MORE", ""))


def test_the_model_that_is_given_is_trained_and_no_copy_of_it():
    solution = exercises.companion("ex_training_loop")["SOLUTION"]
    first = "    optimizer = tl.optim"
    result = judging.check_text("ex_training_loop", solution.replace(
        first, "    import copy\n    model = copy.deepcopy(model)\n" + first))  # fmt: skip
    assert result.code == "untrained" and "no copy of it" in result.sentence, result


@pytest.mark.parametrize(("name", "code", "text", "says"), [
    ("ex_fold", "type",
     "training_indices(n, k, i):\n    return np.array([j for j in range(n) if j % k != i], dtype=float)",
     "whole numbers"),
    ("ex_normal_equations", "wrong_value",
     "least_squares(x, y):\n    return np.linalg.solve(x.T @ x + 1e-8 * np.eye(x.shape[1]), x.T @ y)",
     "added to x^T x"),
    ("ex_normal_equations", "wrong_value", "least_squares(x, y):\n    return np.linalg.pinv(x, rcond=1e-3) @ y", ""),
    ("ex_accuracy", "wrong_value", "accuracy(scores, labels):\n"
     "    return round(float(np.mean(scores.argmax(axis=1) == labels)), 2)", "round"),
    ("ex_slope", "shape", "slope(f, x, h):\n    return [(f(x + h) - f(x - h)) / (2 * h)]", "(1,)"),
    ("ex_cross_entropy", "not_finite", "cross_entropy(p, y):\n"
     "    return -np.log(p[np.arange(len(y)), y].prod()) / len(y)", "product"),
    ("ex_sigmoid_vjp", "shape", "sigmoid_vjp(g, x):\n"
     "    return np.array([a / (1 + np.exp(-b)) / (1 + np.exp(b)) for a, b in zip(g[:3], x[:3])])", "(5,)"),
    ("ex_softmax", "wrong_value", "softmax(z):\n    e = np.exp(z - z.max(axis=1, keepdims=True))\n"
     "    return e / (e.sum(axis=1, keepdims=True) + 1e-8)", "added below the line"),
    ("ex_softmax", "wrong_value", "softmax(z):\n    e = np.exp(z - z.max(axis=1, keepdims=True)) + 1e-9\n"
     "    return e / e.sum(axis=1, keepdims=True)", "added"),
])  # fmt: skip
def test_what_is_nearly_right_is_wrong(name, code, text, says):
    result = judging.check_text(name, f"import numpy as np\ndef {text}\n")
    assert result.code == code and says in result.sentence, result


@pytest.mark.parametrize("name", ["ex_bias", "ex_product", "ex_matmul", "ex_neuron_vjp", "ex_linear_regression"])
def test_results_may_be_tensors(name):
    known = exercises.companion(name)
    function = known["FUNCTION"]
    wrapped = f"""
import tinydl as tl
plain = {function}
def {function}(*given):
    return tuple(tl.tensor(one) for one in plain(*given))
"""
    assert judging.check_text(name, known["SOLUTION"] + wrapped)


@pytest.mark.parametrize(("name", "text", "says"), [
    ("ex_dropout", "dropout(x, keep, p):\n    return x * (np.random.random(x.shape) > p) / (1 - p)", "each time"),
    ("ex_best_step", "best_step(eps, x):\n    return eps ** (1 // 3) * max(1, abs(x))", "// in line 3 rounds down"),
    ("ex_momentum", "momentum(w, v, g, lr, mu):\n    v = lr * v + g\n    return w - mu * v, v",
     "lr and mu are swapped"),
    ("ex_embedding", "rows_vjp(g, table, index):\n    d = np.zeros(table.shape)\n    return np.add.at(d, index, g)",
     "np.add.at changes an array or list and gives None"),
    ("ex_softmax", "softmax(z):\n    e = np.exp(z - z.max(axis=1, keepdims=True))\n"
     "    return np.round(e / e.sum(axis=1, keepdims=True), 6)", "round(...) changes the number"),
    ("ex_slope", "slope(f, x, h):\n    return slope(f, x, h)", "calls itself again and again"),
    ("ex_complex_step", "complex_step(f, x, h):\n    return np.imag(f(x + h * j)) / h", "1j"),
])  # fmt: skip
def test_a_mistake_of_any_exercise_is_named(name, text, says):
    result = judging.check_text(name, f"import numpy as np\ndef {text}\n")
    assert not result and says in result.sentence, result


@pytest.mark.parametrize(("body", "code", "says", "tried"), [
    ("a = g @ w", "unwritten", "It leaves its argument a as it was. `a = ...` would only give", "a (4, 3)"),
    ("np.matmul(g, w, out=a); np.matmul(g.T, x, out=b); return g.sum(0)", "unwritten", "its argument c as", "c (2,)"),
    ("np.matmul(g, w, out=x)", "changes_inputs", "It changes its argument x in place; it is only to be read", "x (4"),
    ("a[:], b[:], c[:] = g @ w, g.T @ x * 1.001, g.sum(0)", "wrong_value", "2 of the 6 results tried are wrong",
     "it gave in its argument b "),
    ("a[:], b[:], c[:] = 2 * g @ w, 2 * g.T @ x, 2 * g.sum(0)", "factor", "a factor 2 too much", "in its argument a "),
])  # fmt: skip
def test_an_answer_writes_into_the_arguments_that_are_to_be_written_to(body, code, says, tried):
    text = f"import numpy as np\ndef linear_backward(g, x, w, a, b, c):\n    {body}\n"
    result = judging.check_text("ex_linear_into", text)
    assert result.code == code and says in result.sentence and tried in result.tried, result


def test_an_answer_in_place_makes_no_array_and_may_use_the_scratch_array():
    solution = exercises.companion("ex_adam_in_place")["SOLUTION"]
    assert judging.check_text("ex_adam_in_place", solution)
    result = judging.check_text("ex_adam_in_place", solution.replace("w -= s", "w -= 1 * s"))
    assert result.code == "memory" and "bytes at once" in result.sentence, result
    result = judging.check_text("ex_adam_in_place", solution.replace("np.square(g, out=s)", "np.square(g, out=g)"))
    assert result.code == "changes_inputs" and "argument g" in result.sentence, result
    assert not tracemalloc.is_tracing()


def test_the_progress_says_what_its_marks_mean(folder, capsys):
    main(["learn"])
    assert "# done, . to do" in capsys.readouterr().out


def test_an_ellipsis_as_an_index_is_no_gap():
    text = exercises.companion("ex_row_sums")["SOLUTION"].replace("g[:, None]", "g[..., None]")
    assert judging.check_text("ex_row_sums", text)


def test_what_an_answer_prints_is_shown_shortened():
    text = exercises.companion("ex_slope")["SOLUTION"].replace("    return", "    print('here' * 999)\n    return")
    result = judging.check_text("ex_slope", text)
    assert result
    assert result.printed.startswith("herehere")
    assert len(result.printed) < 700


def test_an_answer_runs_in_a_process_of_its_own_that_may_not_run_forever(tmp_path):
    file = tmp_path / "an answer.py"
    file.write_text("def slope(f, x, h):\n    while True:\n        print(x)\n")
    assert judging.check_file("ex_slope", file, 2).code == "endless"
    file.write_text("import os\nos._exit(0)\n")
    assert judging.check_file("ex_slope", file).code == "ended"


def solve(folder, name):
    (folder / f"{name}.py").write_text(exercises.companion(name)["SOLUTION"], encoding="utf-8")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(learn, "check_file", lambda name, path: judging.check_text(name, path.read_text("utf-8")))
    return tmp_path / "tinydl-exercises"


def test_progress_check_and_hints(folder, capsys):
    assert main(["learn"]) == 0
    said = capsys.readouterr().out
    assert f"0 of {len(NAMES)}" in said
    assert "tinydl learn check ex_slope" in said
    assert not list(folder.glob("_answers*"))
    assert main(["learn", "check"]) == 1
    assert "not done" in capsys.readouterr().out
    solution = exercises.companion("ex_slope")["SOLUTION"].strip()
    for number in range(1, 5):
        assert main(["learn", "hint", "slope"]) == 0
        assert (solution in capsys.readouterr().out) == (number >= 3)
    solve(folder, "ex_slope")
    assert main(["learn", "check", "slope"]) == 0
    assert "ex_best_step" in capsys.readouterr().out
    assert main(["learn", "check", "--all"]) == 1
    assert f"1 of {len(NAMES)}" in capsys.readouterr().out


def test_the_next_exercise_is_the_first_that_isnt_done_after_the_one_solved_last(folder, capsys):
    def next_after(*names):
        for name in names:
            solve(folder, name)
        main(["learn", "check", names[-1]])
        said = capsys.readouterr().out.split("Next: ")[1].strip()
        main(["learn"])
        assert f"Next: {said}\n" in capsys.readouterr().out
        main(["learn", "check"])
        assert f"{Path(said).stem}: not done" in capsys.readouterr().out
        main(["learn", "hint"])
        assert f"{Path(said).stem}, hint 1 of" in capsys.readouterr().out
        return Path(said).stem

    main(["learn"])
    capsys.readouterr()
    assert next_after("ex_matmul") == "ex_bias"
    assert next_after("ex_chain") == "ex_neuron_vjp"
    assert next_after("ex_mean") == "ex_linear_layer"
    main(["learn", "check", "--all"])
    main(["learn", "check", "ex_step"])  # not done, which changes nothing
    capsys.readouterr()
    main(["learn"])
    assert "ex_linear_layer.py" in capsys.readouterr().out.split("Next: ")[1]
    assert next_after(NAMES[-1]) == "ex_slope"
    (folder / f"{NAMES[-1]}.py").write_text("# begun anew\n")
    main(["learn"])
    assert "ex_slope.py" in capsys.readouterr().out.split("Next: ")[1]
    (folder / f"{NAMES[0]}.py").write_text("# mine\n")
    state = json.loads((folder / learn.STATE).read_text())
    del state["last"]  # as it was written before this was remembered
    (folder / learn.STATE).write_text(json.dumps(state))
    main(["learn"])
    said = capsys.readouterr().out
    assert "3 of" in said and "couldn't be read" not in said


def test_an_answer_that_was_edited_after_it_was_right_counts_as_not_done(folder, capsys):
    main(["learn"])
    solve(folder, "ex_slope")
    main(["learn", "check"])
    (folder / "ex_slope.py").write_text("def slope(f, x, h):\n    return 0.0\n")
    capsys.readouterr()
    main(["learn"])
    assert f"0 of {len(NAMES)}" in capsys.readouterr().out


def test_all_done_is_said(folder, capsys):
    main(["learn"])
    for name in NAMES:
        solve(folder, name)
    state = json.loads((folder / learn.STATE).read_text())
    state["done"] = {name: learn.digest(folder / f"{name}.py") for name in NAMES}
    (folder / learn.STATE).write_text(json.dumps(state))
    assert main(["learn", "check"]) == 0
    assert "All" in capsys.readouterr().out


def test_an_upgrade_adds_and_renews_exercises_but_leaves_edited_ones(tmp_path, monkeypatch):
    source = tmp_path / "source"
    shutil.copytree(exercises.exercises_folder(), source)
    for module in (exercises, learn):
        monkeypatch.setattr(module, "exercises_folder", lambda: source)
    mine = tmp_path / "mine"
    learn.Course(mine)
    (mine / "ex_slope.py").write_text("# mine\n")
    (mine / "ex_z_own.py").write_text("# also mine\n")
    order = source / "order.txt"
    order.write_text(order.read_text() + "another_lesson: new, z_own\n")
    for name in ("ex_slope", "ex_best_step", "ex_z_own", "ex_new"):
        (source / f"{name}.py").write_text("# theirs\n")
    learn.Course(mine)
    texts = {path.stem: path.read_text() for path in mine.glob("*.py")}
    assert texts["ex_slope"] == "# mine\n"
    assert texts["ex_z_own"] == "# also mine\n"
    assert texts["ex_best_step"] == texts["ex_new"] == "# theirs\n"


@pytest.fixture
def by_number(folder):
    """A folder that the first edition's `tinydl learn` made: 5 answers right (one with \r\n), one begun, two hints."""
    with zipfile.ZipFile(ROOT / "tests" / "data" / "exercises_by_number.zip") as archive:
        archive.extractall(folder)
    return folder


KEPT = ["slope", "squared_error", "linear_regression", "linear_layer", "residual"]  # right answers in it


def test_a_folder_from_when_exercises_had_numbers_keeps_its_answers_and_its_progress(by_number, capsys):
    before = {path.name.split("_", 2)[2]: path.read_bytes() for path in by_number.glob("ex_*.py")}
    assert main(["learn"]) == 0
    said = capsys.readouterr().out
    assert "named by what they are about now: 49 files" in said and f"5 of {len(NAMES)}" in said
    assert {path.stem for path in by_number.glob("*.py")} == set(NAMES)
    for topic in (*KEPT, "adam"):
        assert (by_number / f"ex_{topic}.py").read_bytes() == before[f"{topic}.py"]
    assert (by_number / "ex_twice.py").read_text() == given("ex_twice")  # nobody had touched it
    main(["learn"])
    said = capsys.readouterr().out
    assert "named by" not in said and f"5 of {len(NAMES)}" in said
    assert main(["learn", "check", "--all"]) == 1
    assert capsys.readouterr().out.count(": right") == 5
    main(["learn", "hint", "02b"])
    assert "ex_sigmoid_vjp, hint 3 of" in capsys.readouterr().out


@pytest.mark.parametrize("wanted", ["05a", "ex_05a_squared_error", "05a_squared_error", "ex_05a_squared_error.py",
                                    "squared_error", "ex_squared_error", "squared"])  # fmt: skip
def test_an_exercise_is_found_by_its_former_names(wanted, by_number, capsys):
    assert main(["learn", "check", wanted]) == 0
    assert "ex_squared_error: right" in capsys.readouterr().out


def test_two_answers_to_one_exercise_under_both_names_are_both_kept(folder, capsys):
    main(["learn"])
    (folder / "ex_01a_slope.py").write_text("# older\n")
    (folder / "ex_slope.py").write_text("# newer\n")
    (folder / "ex_01b_best_step.py").write_text("# older, and the exercise untouched\n")
    capsys.readouterr()
    main(["learn"])
    said = " ".join(capsys.readouterr().out.split())
    assert "are the same exercise; the second one counts" in said and "1 file got its new name" in said
    assert (folder / "ex_01a_slope.py").read_text() == "# older\n"
    assert (folder / "ex_slope.py").read_text() == "# newer\n"
    assert (folder / "ex_best_step.py").read_text() == "# older, and the exercise untouched\n"


def test_a_renaming_that_was_interrupted_is_finished(by_number, capsys):
    (by_number / "ex_05a_squared_error.py").rename(by_number / "ex_squared_error.py")
    main(["learn"])
    assert f"5 of {len(NAMES)}" in capsys.readouterr().out


def test_a_broken_state_loses_no_answer(folder, capsys):
    main(["learn"])
    solve(folder, "ex_slope")
    for broken in ("{", "[]", '{"done": 1}', '{"done": {}, "hints": {"ex_slope": "x"}, "given": {}}'):
        (folder / learn.STATE).write_text(broken)
        assert main(["learn", "hint", "slope"]) == 0
    assert (folder / "ex_slope.py").read_text() == exercises.companion("ex_slope")["SOLUTION"]


def test_inside_the_folder_no_other_is_made(folder, monkeypatch):
    main(["learn"])
    monkeypatch.chdir(folder)
    main(["learn"])
    assert not (folder / "tinydl-exercises").exists()


@pytest.mark.parametrize("arguments", [["check", "slap"], ["hint", "b"], ["--all"], ["check", "slope", "--all"]])
def test_what_cant_be_meant_is_one_line_and_status_2(arguments, folder, capsys):
    assert main(["learn", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("tinydl: ")


def test_a_folder_that_cant_be_used_is_status_2(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["learn", "--folder", str(tmp_path / "file")]) == 2
    assert main(["learn", "--folder", str(exercises.exercises_folder())]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_an_ascii_terminal_can_show_everything(tmp_path):
    learn.Course(tmp_path)
    wrong = {code: text for code, text, _ in mistakes("ex_bias")}["not_summed"]
    (tmp_path / "ex_bias.py").write_text(wrong + "\nprint('\u03bb')\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0"}
    command = [sys.executable, "-c", "from tinydl.cli import main; raise SystemExit(main())", "learn"]
    command += ["check", "bias", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "not_summed" in done.stdout
    assert not done.stderr


@pytest.mark.slow
def test_a_wheel_installed_elsewhere_has_the_exercises_and_checks_one(tmp_path):
    def run(*command, status=0, **options):
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    clone = tmp_path / "clone"
    for part in ("tinydl", "tutorials/exercises"):
        shutil.copytree(ROOT / part, clone / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, clone / part)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, clone)
    wheel = next(tmp_path.glob("tinydl-*.whl"))
    shutil.rmtree(clone)
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    scripts = tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")
    run(scripts / "python", "-m", "pip", "install", "--quiet", wheel)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    tinydl = scripts / "tinydl"
    assert "ex_slope" in run(tinydl, "learn", cwd=elsewhere, env=environment)
    run(tinydl, "learn", "check", "slope", cwd=elsewhere, env=environment, status=1)
    solve(elsewhere / "tinydl-exercises", "ex_slope")
    assert "right" in run(tinydl, "learn", "check", "slope", cwd=elsewhere, env=environment)
    solve(elsewhere / "tinydl-exercises", "ex_bias")
    run(tinydl, "learn", "check", "bias", cwd=elsewhere, env=environment)
