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
WRONG = (  # what is changed in the solution, and the kind of wrong that it is
    ("wrong_value", "graph[end]", "set(graph[end])", "Several edges between the same two nodes are counted as one."),
    ("zero", "return 1", "return 0"),
    ("wrong_value", "in graph[end])", "in graph[end]) + 1", "It counts too many: each step adds one of its own."),
)


def cases(rng):
    return [({"d": ["c", "c"], "c": ["b", "a"], "b": ["a", "a"], "a": []}, node, "a") for node in "abcd"]
