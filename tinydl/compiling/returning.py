"""Whether a number that a function makes is only given back, as far as its text tells.

`float(loss)` must give a float of Python's own, which can't refuse to be computed with as a `Number` does; so it is
looked up what becomes of it.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import FrameType

_GIVEN_BACK = (ast.Tuple, ast.List, ast.Dict, ast.Return)


def is_only_returned(frame: FrameType, name: str) -> bool:
    """Whether each call of `name` in the line that runs stands in what the function returns, or in a variable there.

    False where the source isn't at hand.
    """
    try:
        lines, first = inspect.getsourcelines(frame.f_code)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return False
    line = frame.f_lineno - max(first, 1) + 1
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == name
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return bool(calls) and all(_is_given_back(call, parents, tree) for call in calls)


def _is_given_back(node: ast.AST, parents: dict[ast.AST, ast.AST], tree: ast.AST) -> bool:
    above = parents.get(node)
    while isinstance(above, (ast.Tuple, ast.List, ast.Dict)):
        node, above = above, parents.get(above)
    if isinstance(above, ast.Return) or (isinstance(above, ast.Lambda) and above.body is node):
        return True
    if not isinstance(above, ast.Assign) or not all(isinstance(target, ast.Name) for target in above.targets):
        return False
    names = {target.id for target in above.targets if isinstance(target, ast.Name)}
    if any(
        isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name) and n.target.id in names for n in ast.walk(tree)
    ):
        return False
    loads = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names and isinstance(n.ctx, ast.Load)]
    return all(_stands_in_return(n, parents) for n in loads)


def _stands_in_return(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    above = parents.get(node)
    while isinstance(above, _GIVEN_BACK[:3]):
        above = parents.get(above)
    return isinstance(above, ast.Return)
