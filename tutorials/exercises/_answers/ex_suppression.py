"""Answers to ex_suppression: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "suppress"
KIND = "values"
INTEGERS = True  # what is given are indices
SOLUTION = """import numpy as np


def iou(a, b):
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    width = min(ax + aw, bx + bw) - max(ax, bx)
    height = min(ay + ah, by + bh) - max(ay, by)
    both = max(width, 0) * max(height, 0)
    return both / (aw * ah + bw * bh - both)


def suppress(boxes, sure, most):
    kept = []
    for i in np.argsort(-sure):
        if all(boxes[j, 0] != boxes[i, 0] or iou(boxes[j, 1:], boxes[i, 1:]) <= most for j in kept):
            kept.append(i)
    return kept
"""
HINTS = (
    "np.argsort(-sure) gives the rows' numbers, the surest first.",
    "For each of them look at those already kept: is there one of the same class with an IoU above `most`?",
    "The class is boxes[i, 0], the box for iou is boxes[i, 1:].",
)
HEAD = SOLUTION[: SOLUTION.index("def suppress")]
RIGHT = (  # the same, written in other ways
    HEAD
    + """def suppress(boxes, sure, most):
    left = sorted(range(len(sure)), key=lambda i: sure[i], reverse=True)
    kept = []
    while left:
        best, *others = left
        kept.append(best)
        left = []
        for i in others:
            doubles = boxes[i][0] == boxes[best][0] and iou(boxes[i][1:], boxes[best][1:]) > most
            if not doubles:
                left.append(i)
    return kept
""",
    HEAD
    + """def suppress(boxes, sure, most):
    order = np.argsort(sure)[::-1]
    alive = np.ones(len(sure), dtype=bool)
    for k, i in enumerate(order):
        for j in order[k + 1:]:
            if alive[i] and boxes[i, 0] == boxes[j, 0] and iou(boxes[i, 1:], boxes[j, 1:]) > most:
                alive[j] = False
    return np.array([i for i in order if alive[i]])
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "shape",
        "boxes[j, 0] != boxes[i, 0] or ",
        "",
        "It drops boxes of another class, too: ask first whether both classes are the same.",
    ),
    (
        "shape",
        "boxes[j, 0] != boxes[i, 0] or ",
        "boxes[j, 0] == boxes[i, 0] or ",
        "It drops boxes of other classes, and never one of the same class: == and != are exchanged.",
    ),
    (
        "shape",
        "boxes[j, 0] != boxes[i, 0] or iou",
        "boxes[j, 0] != boxes[i, 0] and iou",
        "A box may stay if the class is another, *or* if it overlaps little; one of both is enough.",
    ),
    (
        "shape",
        "iou(boxes[j, 1:], boxes[i, 1:]) <= most",
        "False",
        "It keeps one box of each class: a class may be in the picture twice, so ask for the IoU.",
    ),
    (
        "shape",
        "np.argsort(-sure)",
        "np.argsort(sure)",
        "It begins with the least sure: np.argsort puts the smallest first.",
    ),
    (
        "shape",
        "np.argsort(-sure)",
        "range(len(sure))",
        "It goes through the rows as they stand: begin with the surest.",
    ),
    (
        "permuted",
        "return kept",
        "return sorted(kept)",
        "The right boxes, but in the order of their rows: the surest is to come first.",
    ),
    (
        "permuted",
        "return kept",
        "return kept[::-1]",
        "The right boxes, but the least sure comes first.",
    ),
    (
        "shape",
        "<= most for",
        "< most for",
        "A box whose IoU is just `most` stays: only more than that is too much.",
    ),
    (
        "shape",
        "<= most for",
        "> most for",
        "It keeps what overlaps and drops what doesn't: the comparison is the wrong way round.",
    ),
    (
        "shape",
        "if all(",
        "if not kept or any(",
        "A box must pass beside every kept one of its class, not beside some: all, not any.",
    ),
    (
        "shape",
        "for j in kept)",
        "for j in kept[-1:])",
        "It looks only at the box that was kept last: compare with all that are kept.",
    ),
    (
        "shape",
        "for j in kept)",
        "for j in kept[:1])",
        "It looks only at the surest box: compare with all that are kept.",
    ),
    (
        "shape",
        "for j in kept)",
        "for j in range(len(sure)) if sure[j] > sure[i])",
        "It compares with dropped boxes, too: a box that was dropped drops no other.",
    ),
    (
        "shape",
        "for j in kept)",
        "for j in range(len(sure)) if j != i)",
        "It compares with all boxes, the less sure ones, too: then both of a pair go. Compare with those kept.",
    ),
    (
        "shape",
        "for j in kept)",
        "for j in range(len(sure)))",
        "It compares a box with itself, too, an IoU of 1: then hardly any is left. Compare with those kept.",
    ),
    (
        "shape",
        "<= most for",
        "<= 0.3 for",
        "`most` has no effect: 0.3 stands there instead.",
    ),
    (
        "shape",
        "<= most for",
        "<= 1 - most for",
        "It compares with 1 - most; the IoU itself may be `most` at most.",
    ),
    (
        "shape",
        "iou(boxes[j, 1:], boxes[i, 1:])",
        "iou(boxes[j, :4], boxes[i, :4])",
        "It takes the class for x: a box is boxes[i, 1:], without the class.",
    ),
    (
        "shape",
        "return kept",
        "return boxes[kept]",
        "It gives the boxes themselves: give the numbers of their rows.",
    ),
    (
        "shape",
        "return kept",
        "return sure[kept]",
        "It gives how sure the kept boxes are: give the numbers of their rows.",
    ),
    (
        "shape",
        "return kept",
        "return len(kept)",
        "It gives how many are kept: give the list of their rows' numbers.",
    ),
    (
        "shape",
        "return kept",
        "return [i for i in range(len(sure)) if i not in kept]",
        "It gives the boxes that are dropped: give those that are kept.",
    ),
    (
        "shape",
        "return kept",
        "return [i in kept for i in range(len(sure))]",
        "It gives yes or no for each row: give the numbers of the rows that are kept.",
    ),
    (
        "shape",
        "kept.append(i)\n    return kept",
        "kept.append(i)\n        return kept",
        "It returns within the loop, after the first box: return stands after the loop.",
    ),
    (
        "shape",
        "kept.append(i)\n    return kept",
        "kept.append(i)\n        else:\n            break\n    return kept",
        "It stops at the first box that is dropped: go on with the next.",
    ),
    (
        "wrong_value",
        "    kept = []\n    for i in np.argsort(-sure):",
        "    kept = []\n    boxes = boxes[np.argsort(-sure)]\n    for i in range(len(boxes)):",
        "The boxes were sorted, and these are numbers of the sorted rows: give those of the rows as they were given.",
    ),
    (
        "raises",
        "iou(boxes[j, 1:], boxes[i, 1:])",
        "iou(boxes[j], boxes[i])",
        "iou takes four numbers of each box; a row has five, the first is the class: boxes[i, 1:].",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    (
        "shape",
        "list(np.argsort(-sure))",
        "It sorts and drops none: leave out what overlaps a kept box of its class.",
    ),
    (
        "shape",
        """    kept = list(np.argsort(-sure))
    for i in kept:
        for j in kept:
            if i != j and boxes[j, 0] == boxes[i, 0] and iou(boxes[j, 1:], boxes[i, 1:]) > most:
                kept.remove(j)
    return kept
""",
        "It removes from the list that it goes through, so the loop jumps over some: make a new list of those kept.",
    ),
    (
        "shape",
        """    order = np.argsort(-sure)
    return [order[0]] + [i for k, i in zip(order, order[1:])
                         if boxes[k, 0] != boxes[i, 0] or iou(boxes[k, 1:], boxes[i, 1:]) <= most]
""",
        "It compares each box with the one before it only: compare it with all that are kept.",
    ),
)


def cases(rng):
    row = np.array([[7.0, 0, 0, 8, 8], [7, 3, 0, 8, 8], [7, 6, 0, 8, 8], [3, 1, 0, 8, 8], [3, 20, 20, 8, 8]])
    chain = (row, np.array([0.9, 0.8, 0.7, 0.6, 0.5]), 0.3)  # the second drops out, and so doesn't drop the third
    half = np.array([[1.0, 0, 0, 2, 2], [1, 0, 0, 2, 1], [1, 9, 9, 2, 2], [2, 0, 0, 2, 2], [1, 9, 9, 2, 2.5]])
    exact = (half, np.array([0.4, 0.7, 0.1, 0.8, 0.3]), 0.5)  # an IoU of just a half stays

    def drawn(n, most):
        boxes = np.concatenate(
            [rng.integers(0, 2, (n, 1)), rng.uniform(0, 9, (n, 2)), rng.uniform(5, 9, (n, 2))], axis=1
        )
        return boxes, rng.permutation(n) / n, most

    return [chain, exact, drawn(12, 0.2), drawn(15, 0.4), drawn(9, 0.6)]
