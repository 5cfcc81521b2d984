"""A function's text, found by its code; what its names stand for; and its code compiled anew."""

import ast
import importlib.util
import sys

import numpy as np
import pytest

from tinydl.engine import source

TEXT = '''\
import numpy as np

pair = (lambda g, y, x: g * y), (lambda g, y, x: g + y)


def outer(k):
    def rule(g, y, *inputs, axis=-1):
        """Says."""
        return np.exp(g) * k
    return rule


def annotated(x):
    def inner(t: float, *more: int) -> float:
        return t * len(more)
    return inner(x)


class Child(dict):
    def forward(self, x):
        return super().get(x, 0) + 1
'''


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "written_here.py"
    path.write_text(TEXT)
    spec = importlib.util.spec_from_file_location("written_here", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def test_two_lambdas_of_one_line_are_told_apart(module):
    first, second = (source.find(f.__code__) for f in module.pair)
    assert ast.unparse(first.node) == "lambda g, y, x: g * y"
    assert ast.unparse(second.node) == "lambda g, y, x: g + y"
    assert first.text == TEXT


def test_inner_functions_and_methods_are_found(module):
    assert source.find(module.outer(2).__code__).node.name == "rule"
    assert source.find(module.Child.forward.__code__).node.name == "forward"


def test_a_function_is_found_in_a_file_that_evaluates_its_annotations(module):
    assert source.find(module.annotated.__code__).node.name == "annotated"


def test_what_was_edited_since_or_has_no_file_is_not_found(tmp_path, module):
    other = importlib.util.spec_from_file_location("written_here", tmp_path / "written_here.py")
    made = importlib.util.module_from_spec(other)
    (tmp_path / "written_here.py").write_text(TEXT.replace("np.exp(g) * k", "np.log(g) * k"))
    other.loader.exec_module(made)
    rule = made.outer(2)
    code = rule.__code__.replace(co_consts=(*rule.__code__.co_consts, "changed"))
    assert source.find(rule.__code__) is not None
    assert source.find(code) is None
    assert source.find(eval("lambda x: x").__code__) is None


@pytest.mark.parametrize("change", [("Mult", ast.Add), ("Add", ast.Sub)])
def test_a_changed_function_runs_in_the_place_of_the_old_one(module, change):
    rule, child = module.outer(3.0), module.Child(a=5)
    function, arguments = (rule, (0.0, 0.0)) if change[0] == "Mult" else (module.Child.forward, (child, "a"))
    node = source.find(function.__code__).node
    for part in ast.walk(node):
        if isinstance(part, ast.BinOp):
            part.op = change[1]()
    function.__code__ = source.compiled(node, function.__code__)
    assert function(*arguments) == 4.0  # exp(0) + 3, and 5 - 1


def test_names_stand_for_what_is_given(module):
    rule = module.outer(3.0)
    given, options = source.bound(rule, ["g", "y", "a", "b"], {"axis": 0})
    assert given == {"g": "g", "y": "y", "inputs": ("a", "b")}
    assert options == {"axis": 0}
    assert source.bound(rule, ["g", "y"], {}) == ({"g": "g", "y": "y", "inputs": ()}, {"axis": -1})
    assert source.closed_over(rule) == {"k": 3.0}
    assert source.closed_over(np.exp) == {}


def test_it_knows_nothing_of_the_engine():
    assert not any(name.startswith("tinydl") for name in vars(source))
    assert "tinydl.engine.source" in sys.modules
