"""mine.py, the engine that a reader of the lesson `build_it_yourself` writes: each of its checks passes what is right.

What is wrong gets a sentence. In the default suite are a wrong answer to each step, and one right one in other words.
"""

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_lessons import TUTORIALS, cells

STEP = re.compile(r"^(?=# ---- Step \d: )", re.MULTILINE)


def sections_of_mine() -> list[str]:
    """What stands in mine.py before its steps, then each of the eight steps, with its gaps and its check."""
    return STEP.split((TUTORIALS / "mine.py").read_text(encoding="utf-8"))


def sections_with_answers() -> list[str]:
    """The same, with the lesson's answers in the place of the gaps."""
    filled = sections_of_mine()[:1]
    code = [text for is_prose, text in cells(TUTORIALS / "14_build_it_yourself.py") if not is_prose]
    for step in range(1, 9):
        answers = [text for text in code if text.startswith(f"# mine.py, step {step}\n")]
        lines = [line for text in answers for line in text.splitlines()[1:] if line.strip()]
        assert 0 < len(lines) <= 25, "as the lesson says"
        filled.append("\n\n\n".join([f"# ---- Step {step}: ----", *answers, f"check({step}, globals())\n\n"]))
    return filled


def first_of_each_step(rows: list[Any]) -> list[Any]:
    """The rows as parameters; all but the first of each step are for the slow tests."""
    steps = [row[0] for row in rows]
    first = [steps.index(step) for step in steps]
    return [row if i == first[i] else pytest.param(*row, marks=pytest.mark.slow) for i, row in enumerate(rows)]


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, (text.count(old), old)
    return text.replace(old, new)


@pytest.fixture
def run_mine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., list[str]]:
    """Run a file of these sections as `python mine.py` does, and give the lines that it prints."""
    monkeypatch.syspath_prepend(str(TUTORIALS))

    def run(sections: list[str], ends: bool) -> list[str]:
        file = tmp_path / "mine.py"
        file.write_text("".join(sections), encoding="utf-8")
        if ends:
            with pytest.raises(SystemExit) as end:
                runpy.run_path(str(file), run_name="__main__")
            assert end.value.code == 1
        else:
            runpy.run_path(str(file), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    return run


def test_all_checks_of_mine_pass_with_the_answers_of_the_lesson(run_mine: Callable[..., list[str]]) -> None:
    lines = run_mine(sections_with_answers(), ends=False)
    assert [line[:14] for line in lines] == [f"step {step}: right." for step in range(1, 9)]
    assert "you have written an engine" in lines[-1]


GAPS = [
    "subtract, multiply, divide, matmul, negative, exp, tanh, transpose",
    "Tensor.__init__, remember",
    "push",
    "collect, gradients",
    "sum_to_shape, gradients",
    "Tensor.__sub__, Tensor.__rsub__, Tensor.__mul__, Tensor.__rmul__, Tensor.__truediv__, Tensor.__rtruediv__, "
    "Tensor.__matmul__, Tensor.__rmatmul__, Tensor.__neg__, array_ufunc",
    "sum_tensor, gradients",
    "assign, collect",
]


@pytest.mark.parametrize("step", range(1, 9))
def test_the_gaps_of_a_step_of_mine_come_next_when_those_before_it_are_filled(
    step: int, run_mine: Callable[..., list[str]]
) -> None:
    sections = sections_with_answers()
    sections[step] = sections_of_mine()[step]
    *before, last = run_mine(sections, ends=True)
    assert [line[:14] for line in before] == [f"step {earlier}: right." for earlier in range(1, step)]
    assert last.startswith(f"step {step} comes next: ") and last.endswith(f". Still to write: {GAPS[step - 1]}.")


IN_PLACE = "if x in arrived:\n    arrived[x] += part\nelse:\n    arrived[x] = part".replace("\n", "\n" + 16 * " ")
SUMMED = "sum_to_shape(rule(g, t.data, *values), x.shape)  # new\n                arrived[x] = arrived.get(x, 0) + part"
SHARED = f"""rule(g, t.data, *values)
                if np.shape(part) != x.shape:
                    part = sum_to_shape(part, x.shape)
                {IN_PLACE}"""
WRONG = [
    (1, "g * b, lambda g, y, a, b: g * a", "g * a, lambda g, y, a, b: g * b", "the rule of `multiply` for its first"),
    (1, "a, b: -g)", "a, b: g)", "the rule of `subtract` for its second input is wrong: Your gradient is exactly −1"),
    (1, "-g * y / b", "g * y / b", "`divide` for its second input is wrong: Your gradient is exactly −1 times"),
    (1, "g @ b.T", "g @ b", "`matmul` for its first input stops with ValueError"),
    (1, "g @ b.T", "b.T @ g", "g and inputs of shapes (4, 5), (4, 3), (3, 5)"),
    (1, "g * (1 - y * y)", "1 - y * y", "`tanh` for its only input is wrong"),
    (
        1,
        "g * y)",
        "print(g * y))",
        "`exp` for its only input is wrong: Your rule returned None: is a `return` missing?",
    ),
    (1, ", lambda g, y, a, b: a.T @ g)", ")", "`matmul` has 2 inputs and needs a rule for each, but has 1"),
    (
        1,
        "(1 - y * y)",
        "(1 - y**2)",
        "its only input has the right numbers, but uses more than + - * / @, .T",
    ),
    (1, "(1 - y * y)", "(1 - np.square(y))", "np.exp and np.tanh (np.square isn't among them). In step 7 rules are"),
    (1, "a.T @ g", "np.transpose(a) @ g", "`matmul` for its second input has the right numbers, but uses more than"),
    (1, "lambda g, y, x: -g)", "lambda g, y, x: -g.copy())", "(.copy isn't among them). In step 7"),
    (1, "g * (1 - y * y)", "g - np.einsum('ij,ij,ij->ij', g, y, y)", "the right numbers, but uses more than"),
    (2, "np.asarray(data, dtype=float)", "data", "must be an array of floats"),
    (2, "np.asarray(data, dtype=float)", "np.asarray(data)", "must be an array of floats"),
    (2, "self.stamp = next(stamps)", "self.stamp = stamps", "a stamp must be a number: next(stamps) is the counter's"),
    (2, "self.stamp = next(stamps)", "self.stamp = 0", "a later Tensor must have a larger stamp"),
    (2, "= requires_grad, primitive, inputs", "= True, primitive, inputs", "requires a gradient only if asked to"),
    (2, "return Tensor(value) if tensors else value", "return Tensor(value)", "tanh of an array must give an array"),
    (2, "Tensor(value, True, primitive, inputs)", "value", "must give a Tensor, not ndarray"),
    (2, "Tensor(value, True, primitive, inputs)", "Tensor(value, True)", "must remember its primitive"),
    (2, "Tensor(value, True, primitive, inputs)", "Tensor(value, True, primitive)", "must remember its inputs"),
    (
        2,
        "Tensor(value, True, primitive, inputs)",
        "Tensor(value, False, primitive, inputs)",
        "requires a gradient if one",
    ),
    (2, "if any(x.requires_grad for x in tensors)", "if tensors", "tanh(t) mustn't require a gradient if t doesn't"),
    (2, "Tensor(value) if", "Tensor(value, False, primitive, inputs) if", "mustn't remember anything if t requires no"),
    (3, "found.get(t, 0) + g", "g", "in x·x the leaf is used twice: its gradients add up to 1"),
    (3, "if isinstance(x, Tensor) and x.requires_grad:", "if isinstance(x, Tensor):", "must leave out inputs"),
    (3, "push(x, rule(", "push(t, rule(", "push calls itself without end: call it for the inputs of t"),
    (3, "calls += push", "push", "push must give the number of calls, its own and all that it makes: 15 here, not 1"),
    (3, "rule(g, t.data, *values)", "rule(1.0, t.data, *values)", "the gradient of tanh(3 x) at 0.5 is 0.5421"),
    (
        3,
        "t.data, *values",
        "t.data, values",
        "push calls a rule of multiply with 3 arguments, not with g, y, a and b",
    ),
    (3, "t.data, *values", "t, *t.inputs", "push hands a Tensor to a rule: hand the rule arrays, by array_of"),
    (3, "t.data, *values", "t.data, *t.inputs", "push hands a Tensor to a rule: hand the rule arrays, by array_of"),
    (3, "found.get(t, 0) + g", "found[t] + g", "or not yet (found.get(t, 0) gives 0 for what isn't there)"),
    (3, "calls += push(x, rule(g, t.data, *values), found)", "pass", "push must call the rule of each input"),
    (
        3,
        "found[t] = found.get(t, 0) + g",
        "if t in found:\n            found[t] += g\n        else:\n            found[t] = g",
        "`+=` on an array changes it in place, and the other input holds the same one: write found[t] = found[t] + g.",
    ),
    (4, " and x not in found", "", "collect looks at the inputs of a Tensor again and again, along every path"),
    (4, "reverse=True", "reverse=False", "the order is wrong: collect gives a Tensor before one that was made from it"),
    (4, "waiting.append(x)", "pass", "collect must give the loss itself and all that it depends on, to the leaves"),
    (4, "and x.requires_grad and x not in found", "and x not in found", "collect must leave out Tensors"),
    (
        4,
        "return sorted(",
        "go = lambda n: n and go(n - 1)\n    go(len(found))\n    return sorted(",
        "calls go too deep",
    ),
    (4, "arrived.get(x, 0) + part", "part", "x reaches the loss in two ways, with gradient"),
    (4, "np.ones(loss.shape)", "1.0", "begin with an array of ones that has the shape of the loss"),
    (
        4,
        "        if t.prim",
        "        leaves[t] = g\n        if t.prim",
        "gradients must give the leaves that require a gradient",
    ),
    (
        4,
        "arrived[x] = arrived.get(x, 0) + part",
        IN_PLACE,
        "of q 1; you have [2.0, 2.0] and [2.0, 2.0]. `+=` on an array changes it in place, and the other input",
    ),
    (
        4,
        "if isinstance(x, Tensor) and x.requires_grad and x not in found:",
        "if x not in found and isinstance(x, Tensor) and x.requires_grad:",
        "'numpy.ndarray' (an array can't be looked up in a dict or a set: first ask isinstance(x, Tensor))",
    ),
    (
        4,
        "            if isinstance(x, Tensor) and x.requires_grad:",
        "            if x in set(collect(loss)):",
        "(an array can't be looked up in a dict or a set: first ask isinstance(x, Tensor)) (mine.py, line ",
    ),
    (5, "keepdims=True", "keepdims=False", "to the shape (4, 1) gives the shape"),
    (5, "array = array.sum(axis=axis", "array = array.mean(axis=axis", "gives the right shape, but other numbers"),
    (5, "if length == 1", "if length == 0", "a gradient of shape (4, 3) to the shape (4, 1) gives the shape (4, 3)"),
    (5, "tuple(range(extra))", "None", "sum_to_shape of a gradient of shape (4, 3) to the shape (3,)"),
    (5, "sum_to_shape(rule(g, t.data, *values), x.shape)", "rule(g, t.data, *values)", "call sum_to_shape there"),
    (
        5,
        "arrived.get(x, 0) + part",
        "part",
        "what step 4 checks worked before, and doesn't now: x reaches",
    ),
    (5, SUMMED, SHARED, "what step 4 checks worked before, and doesn't now: in add(add(p, q), p) with arrays"),
    (6, "subtract(b, a)", "subtract(a, b)", "1 - t gives [1.0, 3.0], not [-1.0, -3.0]"),
    (6, "matmul(b, a)", "matmul(a, b)", "list @ m gives"),
    (6, 'method != "__call__" or options', "options", "np.add.outer isn't np.add"),
    (6, 'method != "__call__" or options', 'method != "__call__"', "options such as where= would be lost"),
    (6, " or ufunc not in TABLE", "", "TABLE has no rule for np.floor; raise a TypeError then"),
    (
        6,
        "Tensor.__neg__ = lambda t: negative(t)",
        "Tensor.__neg__ = negative",
        "__neg__ is a Primitive",
    ),
    (
        6,
        "lambda a, b: divide(a, b)",
        "divide",
        "Tensor.__truediv__ is a Primitive, which Python would call without the Tensor",
    ),
    (6, "return TABLE[ufunc](*inputs)", "TABLE[ufunc](*inputs)", "must give a Tensor, not NoneType"),
    (
        6,
        "return TABLE[ufunc](*inputs)",
        "return ufunc(*[array_of(x) for x in inputs])",
        "must give a Tensor, not ndarray",
    ),
    (6, "raise TypeError(", "return print(", "np.floor has no rule here, so array_ufunc must raise a TypeError"),
    (
        7,
        "rule(g, t, *t.inputs)",
        "rule(g, t.data, *[array_of(x) for x in t.inputs])",
        "second derivative of tanh can't",
    ),
    (
        7,
        "return copied_back(gradient)",
        "return Tensor(sum_to_shape(gradient.data, shape))",
        "derivative of tanh can't be taken",
    ),
    (7, "sum_tensor(rule(", "sum_to_shape(rule(", "given a Tensor: in gradients call sum_tensor in its place"),
    (7, "g * np.ones(a.shape)", "g", "summing forwards is copying backwards"),
    (7, "Tensor(np.ones(loss.shape))", "np.ones(loss.shape)", "the ones, too, are a Tensor"),
    (8, "raise RuntimeError(", "print(", "w has changed after the loss was made: raise a RuntimeError that"),
    (8, "next(stamps)", "self.stamp", "a new value needs a new stamp: assign must take next(stamps)"),
    (
        8,
        "and x.stamp > t.stamp",
        "and x.requires_grad and x.stamp > t.stamp",
        "a factor that doesn't require a gradient",
    ),
    (8, "x.stamp > t.stamp", "x.stamp < t.stamp", "your program stopped with RuntimeError"),
    (8, "reverse=True", "reverse=False", "your program stopped with KeyError: what you look up isn't in your dict"),
    (8, " and x not in found", "", "what step 4 checks worked before, and doesn't now: collect looks at the inputs"),
]


@pytest.mark.parametrize(("step", "old", "new", "sentence"), first_of_each_step(WRONG))
def test_a_wrong_answer_in_mine_is_refused_with_a_sentence(
    step: int, old: str, new: str, sentence: str, run_mine: Callable[..., list[str]]
) -> None:
    sections = sections_with_answers()
    sections[step] = replaced(sections[step], old, new)
    for earlier in range(1, step):  # the check of a step looks at what the steps before it have made, too
        sections[earlier] = replaced(sections[earlier], f"check({earlier}, globals())", "")
    last = run_mine(sections[: step + 1], ends=True)[-1]
    assert last.startswith(f"step {step}: ") and sentence in last and last.endswith((".", "?", ")")), last


def test_the_check_of_the_operators_finds_a_gradient_that_was_changed_in_place(
    run_mine: Callable[..., list[str]],
) -> None:
    sections = sections_with_answers()[:7]
    sections[5] = replaced(replaced(sections[5], SUMMED, SHARED), "check(5, globals())", "")
    said = "step 6: what step 4 checks worked before, and doesn't now: in add(add(p, q), p) with arrays"
    assert run_mine(sections, ends=True)[-1].startswith(said)


def test_what_is_still_missing_in_mine_is_named(run_mine: Callable[..., list[str]]) -> None:
    sections = sections_with_answers()
    cases = [
        (4, "    return leaves\n", "    ...\n", "step 4 comes next: every operation once. Still to write: gradients."),
        (
            2,
            "self.stamp = next(stamps)",
            "self.stamp = ...",
            "comes next: an array that remembers. Still to write: Tensor.__init",
        ),
        (3, "def push(", "def pushed(", "step 3 comes next: back along every path. Still to write: push."),
        (1, "lambda g, y, a, b: g / b,", "...,", "before there is an engine. Still to write: divide."),
    ]
    for step, old, new, sentence in cases:
        text = replaced(sections[step], old, new)
        assert sentence in run_mine([*sections[:step], text, *sections[step + 1 :]], ends=True)[-1]


def test_mine_says_in_which_line_an_exception_arose(run_mine: Callable[..., list[str]]) -> None:
    sections = sections_with_answers()
    sections[3] = replaced(sections[3], "t.data, *values", "data, *values")
    line = next(i for i, line in enumerate("".join(sections).splitlines(), 1) if "data, *values" in line)
    said = f"step 3: your program stopped with NameError: name 'data' is not defined (mine.py, line {line}, in push)."
    assert run_mine(sections, ends=True)[-1] == said


def test_mine_as_it_is_handed_out_runs_in_any_terminal(tmp_path: Path) -> None:
    shutil.copy(TUTORIALS / "_mine.py", tmp_path)
    wrong = replaced(sections_with_answers()[1], "-g * y / b", "g * y / b")
    for text, status, said in [
        ((TUTORIALS / "mine.py").read_text(encoding="utf-8"), 1, f"Still to write: {GAPS[0]}."),
        (sections_of_mine()[0] + wrong, 1, "Your gradient is exactly -1 times"),
        ("".join(sections_with_answers()), 0, "step 8: right."),
    ]:
        (tmp_path / "mine.py").write_text(text, encoding="utf-8")
        environment = os.environ | {"PYTHONIOENCODING": "ascii"}
        done = subprocess.run(
            [sys.executable, "mine.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == status and not done.stderr, done.stderr
        assert said in done.stdout.splitlines()[-1]


OTHERS = [
    (1, "exp, lambda g, y, x: g * y", "exp, lambda g, y, x: np.exp(x) * g"),
    (1, "-g * y / b", "-a * g / (b * b)"),
    (1, "lambda g, y, x: -g)", "lambda g, y, x: 0 - g)"),
    (1, "a.T @ g)", "(g.T @ a).T)"),
    (1, "g * (1 - y * y)", "np.subtract(g, g * y * y)"),
    (2, "if any(x.requires_grad for x in tensors)", "if [x for x in tensors if x.requires_grad]"),
    (2, "Tensor(value, True, primitive, inputs)", "Tensor(value, True, primitive, list(inputs))"),
    (3, "found.get(t, 0) + g", "g + found[t] if t in found else g"),
    (4, "sorted(found, key=lambda t: t.stamp, reverse=True)", "sorted(found, key=lambda t: -t.stamp)"),
    (4, "arrived.get(x, 0) + part", "arrived[x] + part if x in arrived else part"),
    (5, "array = array.sum(axis=tuple(range(extra)))", "for _ in range(extra):\n        array = array.sum(axis=0)"),
    (6, "TABLE[ufunc](*inputs)", "remember(TABLE[ufunc], *inputs)"),
    (6, "lambda a, b: subtract(b, a)", "lambda a, b: negative(subtract(a, b))"),
    (7, "g * np.ones(a.shape)", "g + np.zeros(a.shape)"),
    (8, "np.asarray(data, dtype=float), next(stamps)", "np.array(data, float), next(stamps)"),
]


@pytest.mark.parametrize(
    ("step", "old", "new"), [*(pytest.param(*row, marks=pytest.mark.slow) for row in OTHERS[:-1]), OTHERS[-1]]
)
def test_a_right_answer_in_mine_that_is_written_in_another_way_is_accepted(
    step: int, old: str, new: str, run_mine: Callable[..., list[str]]
) -> None:
    sections = sections_with_answers()
    sections[step] = replaced(sections[step], old, new)
    assert run_mine(sections, ends=False)[-1].startswith("step 8: right.")
