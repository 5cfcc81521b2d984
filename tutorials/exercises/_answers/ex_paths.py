"""Answers to ex_paths: solution, hints and typical mistakes. Spoilers."""

FUNCTION = "paths"
KIND = "values"
SOLUTION = """import numpy as np


def paths(graph, end, start):
    if end == start:
        return 1
    return sum(paths(graph, node, start) for node in graph[end])
"""
HINTS = (
    "How many paths does each node have that `end` was computed from? Add them up.",
    "The function may call itself; it stops at `start`.",
)
RIGHT = (  # the same, written in other ways
    """def paths(graph, end, start):
    total, waiting = 0, [end]
    while waiting:
        node = waiting.pop()
        if node == start:
            total += 1
        else:
            waiting.extend(graph[node])
    return total
""",
    """def paths(graph, end, start):
    known = {start: 1}
    def count(node):
        if node not in known:
            known[node] = 0
            for source in graph[node]:
                known[node] += count(source)
        return known[node]
    return count(end)
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "graph[end]", "set(graph[end])", "Several edges between the same two nodes are counted as one."),
    ("zero", "return 1", "return 0", "Nothing is ever counted: how many paths are there from a node to itself?"),
    ("wrong_value", "in graph[end])", "in graph[end]) + 1", "It counts too many: each step adds one of its own."),
    (
        "wrong_value",
        "    if end == start:\n        return 1\n    return sum(paths(graph, node, start) for node in graph[end])",
        "    return graph[end].count(start)",
        "It counts direct edges only; a path may go through nodes between.",
    ),
    (
        "wrong_value",
        "end == start",
        "not graph[end]",
        "It counts the paths to every node that has no inputs, where only those to `start` count.",
    ),
    (
        "wrong_value",
        "return sum(paths(graph, node, start) for node in graph[end])",
        "return len(graph[end])",
        "It counts the edges at `end` alone, and not how many paths each of them leads to.",
    ),
    (
        "wrong_value",
        "return sum(paths(graph, node, start) for node in graph[end])",
        "return max([0, *(paths(graph, node, start) for node in graph[end])])",
        "It takes the largest number, or asks whether there is a path: paths by different nodes add "
        "up, as in sum(...).",
    ),
    (
        "wrong_value",
        "return sum(paths(graph, node, start) for node in graph[end])",
        "return 1 + max([0, *(paths(graph, node, start) for node in graph[end])])",
        "That is a path's length; how many paths there are is asked for.",
    ),
    (
        "wrong_value",
        "        return 1\n",
        "        return 0\n    if start in graph[end]:\n        return 1\n",
        "It stops where `start` is reached directly: several edges, and ways around, count too.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    ("wrong_value", "len(graph[end])",
     "It counts the edges at `end` alone, and not how many paths each of them leads to."),
    ("raises", "1 if end == start else max(paths(graph, node, start) for node in graph[end])",
     "It takes the largest of the numbers of paths, where they add up; and a node without inputs has none."),
    ("wrong_value", "1 if start in graph[end] else 0",
     "It asks whether there is a direct edge; how many paths there are is asked for."),
    ("wrong_value", "0 if end == start else sum(1 + paths(graph, node, start) for node in graph[end])",
     "It counts edges; how many paths there are is asked for, and from a node to itself there is 1."),
    ("wrong_value", "1 if end == start else sum(paths(graph, start, node) for node in graph[end])",
     "start and the node are swapped when it calls itself: go on from the node, back to `start`."),
    ("zero", "sum(paths(graph, node, start) for node in graph[end])",
     "Nothing is ever counted: how many paths are there from a node to itself?"),
    ("wrong_value",
     "    if end == start:\n"
     "        return 1\n"
     "    return len([p for p in graph[end] if paths(graph, p, start)])\n",
     "It counts the nodes that lead to start, where the numbers of their paths add up."),
)  # fmt: skip


SQUARES = {"d": ["c", "c"], "c": ["b", "a"], "b": ["a", "a"], "a": []}
DIAMOND = {"out": ["left", "right"], "left": ["in"], "right": ["in", "other"], "in": [], "other": []}


def cases(rng):
    ends = [(SQUARES, node, "a") for node in "abcd"]
    return [*ends, (SQUARES, "d", "b"), (SQUARES, "a", "c"), (DIAMOND, "out", "in"), (DIAMOND, "out", "other")]
