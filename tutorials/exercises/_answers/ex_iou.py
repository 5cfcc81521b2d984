"""Answers to ex_iou: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "iou"
KIND = "values"
SOLUTION = """import numpy as np


def iou(a, b):
    ax, ay, aw, ah = a.T[:, :, None]
    bx, by, bw, bh = b.T[:, None, :]
    width = np.minimum(ax + aw, bx + bw) - np.maximum(ax, bx)
    height = np.minimum(ay + ah, by + bh) - np.maximum(ay, by)
    both = np.maximum(width, 0) * np.maximum(height, 0)
    return both / (aw * ah + bw * bh - both)
"""
HINTS = (
    "Two loops do, one over a and one over b. Without loops: a[:, None, 0] is a column of x, b[None, :, 0] a row.",
    "The part in both begins at the larger of the two x, and ends at the smaller of the two x + width.",
    "A width below 0 is a gap: make it 0 before you multiply it by the height.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def iou(a, b):
    out = np.zeros((len(a), len(b)))
    for i in range(len(a)):
        for j in range(len(b)):
            x, y, w, h = a[i]
            u, v, p, q = b[j]
            width = max(0, min(x + w, u + p) - max(x, u))
            height = max(0, min(y + h, v + q) - max(y, v))
            out[i, j] = width * height / (w * h + p * q - width * height)
    return out
""",
    """import numpy as np


def iou(a, b):
    first = np.maximum(a[:, None, :2], b[None, :, :2])
    last = np.minimum((a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None])
    both = (last - first).clip(min=0).prod(axis=-1)
    return both / (a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1) - both)
""",
    """def iou(a, b):
    def one(p, q):
        width = min(p[0] + p[2], q[0] + q[2]) - max(p[0], q[0])
        height = min(p[1] + p[3], q[1] + q[3]) - max(p[1], q[1])
        if width <= 0 or height <= 0:
            return 0.0
        return width * height / (p[2] * p[3] + q[2] * q[3] - width * height)
    return [[one(p, q) for q in b] for p in a]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    (
        "wrong_value",
        "np.maximum(width, 0) * np.maximum(height, 0)",
        "width * height",
        "Boxes that lie apart have a width or a height below 0, a gap: make each of them 0 before you multiply.",
    ),
    (
        "wrong_value",
        "np.maximum(width, 0) * np.maximum(height, 0)",
        "np.maximum(width * height, 0)",
        "Boxes apart in both directions have two gaps, and minus times minus is plus: make width and height 0 first.",
    ),
    (
        "wrong_value",
        "np.maximum(width, 0) * np.maximum(height, 0)",
        "abs(width * height)",
        "abs makes an area of the gap between boxes that lie apart; there it should be 0.",
    ),
    (
        "wrong_value",
        "np.maximum(width, 0) * np.maximum(height, 0)",
        "np.maximum(width, 0) * height",
        "The width is never below 0, but the height still is, where one box lies under the other.",
    ),
    (
        "wrong_value",
        "np.maximum(width, 0) * np.maximum(height, 0)",
        "width * np.maximum(height, 0)",
        "The height is never below 0, but the width still is, where the boxes lie side by side.",
    ),
    (
        "wrong_value",
        "(aw * ah + bw * bh - both)",
        "(aw * ah + bw * bh)",
        "The sum of both areas counts the part in both twice: take it away once to get the union.",
    ),
    (
        "wrong_value",
        "(aw * ah + bw * bh - both)",
        "(aw * ah + bw * bh - 2 * both)",
        "The union still has the part in both, once: take it away from the sum once, not twice.",
    ),
    (
        "wrong_value",
        "(aw * ah + bw * bh - both)",
        "aw * ah + bw * bh - both",
        "The union needs brackets: / takes only what stands directly after it.",
    ),
    (
        "factor",
        "both / (aw * ah + bw * bh - both)",
        "100 * both / (aw * ah + bw * bh - both)",
        "That is in percent; a number from 0 to 1 is asked for.",
    ),
    (
        "wrong_value",
        "both / (aw * ah + bw * bh - both)",
        "2 * both / (aw * ah + bw * bh)",
        "Twice the part in both over the sum of the areas is Dice's coefficient; IoU divides by the union.",
    ),
    (
        "wrong_value",
        "(aw * ah + bw * bh - both)",
        "np.minimum(aw * ah, bw * bh)",
        "It divides by the smaller area: a box inside another would get 1. Divide by the union.",
    ),
    (
        "wrong_value",
        "(aw * ah + bw * bh - both)",
        "np.maximum(aw * ah, bw * bh)",
        "It divides by the larger area; the union is larger still, unless one box lies inside the other.",
    ),
    (
        "wrong_value",
        "(aw * ah + bw * bh - both)",
        "(aw * ah)",
        "It divides by the area of the box in a: that is the share of it which is covered. Divide by the union.",
    ),
    (
        "wrong_value",
        "(aw * ah + bw * bh - both)",
        "(bw * bh)",
        "It divides by the area of the box in b: that is the share of it which is covered. Divide by the union.",
    ),
    (
        "wrong_value",
        "(aw * ah + bw * bh - both)",
        "((np.maximum(ax + aw, bx + bw) - np.minimum(ax, bx)) * (np.maximum(ay + ah, by + bh) - np.minimum(ay, by)))",
        "It divides by the smallest box around both, as does the IoU of the widths times that of the heights; some of "
        "it lies in neither. Divide by the union.",
    ),
    ("wrong_value", "both / (aw * ah + bw * bh - both)", "both", "That is the area in both; divide it by the union."),
    (
        "wrong_value",
        "both / (aw * ah + bw * bh - both)",
        "(aw * ah + bw * bh - both)",
        "That is the area of the union; the area in both is to be divided by it.",
    ),
    (
        "wrong_value",
        "both / (aw * ah + bw * bh - both)",
        "1 - both / (aw * ah + bw * bh - both)",
        "That is a distance, 1 - IoU: equal boxes should get 1, and boxes apart 0.",
    ),
    (
        "wrong_value",
        "both / (aw * ah + bw * bh - both)",
        "both / (aw * ah + bw * bh - both) >= 0.5",
        "It says whether the IoU is at least a half; the IoU itself is asked for.",
    ),
    (
        "wrong_value",
        "both / (aw * ah + bw * bh - both)",
        "both // (aw * ah + bw * bh - both)",
        "// cuts off what comes after the point: divide with /.",
    ),
    (
        "wrong_value",
        "np.minimum(ax + aw, bx + bw) - np.maximum(ax, bx)\n    height = np.minimum(ay + ah, by + bh)",
        "np.minimum(aw, bw) - np.maximum(ax, bx)\n    height = np.minimum(ah, bh)",
        "It takes width and height for the right and the lower edge: these lie at x + width and y + height.",
    ),
    (
        "wrong_value",
        "    both = ",
        "    width, height = np.minimum(aw, bw), np.minimum(ah, bh)\n    both = ",
        "It takes the smaller width and height, wherever the boxes lie; x and y have no effect.",
    ),
    (
        "wrong_value",
        "    both = ",
        "    width = np.maximum(ax + aw, bx + bw) - np.minimum(ax, bx)\n"
        "    height = np.maximum(ay + ah, by + bh) - np.minimum(ay, by)\n    both = ",
        "That is the box around both: the part in both begins at the larger x and ends at the smaller right edge.",
    ),
    (
        "wrong_value",
        "np.maximum(ax, bx)\n    height = np.minimum(ay + ah, by + bh) - np.maximum(ay, by)",
        "np.minimum(ax, bx)\n    height = np.minimum(ay + ah, by + bh) - np.minimum(ay, by)",
        "The part in both begins where the later box begins: at the larger of the two x, and of the two y.",
    ),
    (
        "wrong_value",
        "- np.maximum(ax, bx)\n    height = np.minimum(ay + ah, by + bh) - np.maximum(ay, by)",
        "- np.maximum(ax, bx) + 1\n    height = np.minimum(ay + ah, by + bh) - np.maximum(ay, by) + 1",
        "There is a + 1 too much: from x to x + width is just width, and boxes that touch have no area in common.",
    ),
    (
        "wrong_value",
        "    width = ",
        "    ax, ay, bx, by = ax - aw / 2, ay - ah / 2, bx - bw / 2, by - bh / 2\n    width = ",
        "It takes x and y for the centre of a box; here they are its upper left corner.",
    ),
    (
        "wrong_value",
        "ax, ay, aw, ah = a.T[:, :, None]\n    bx, by, bw, bh =",
        "ax, ay, ah, aw = a.T[:, :, None]\n    bx, by, bh, bw =",
        "x goes with the width, y with the height: a row is x, y, width, height.",
    ),
    (
        "wrong_value",
        "np.minimum(ay + ah, by + bh) - np.maximum(ay, by)",
        "np.minimum(ay + ah, by + bh) - np.maximum(ax, bx)",
        "In the height of the part in both there is an x: it goes from the larger y to the smaller y + height.",
    ),
    (
        "wrong_value",
        "both / (aw * ah + bw * bh - both)",
        "np.maximum(width, 0) / (aw + bw - width)",
        "It looks at the widths only: boxes one under the other have no area in common, whatever their widths.",
    ),
    (
        "wrong_value",
        "both / (aw * ah + bw * bh - both)",
        "both / (2 * aw * ah - both)",
        "It takes the box of a for both areas: b's may have another size.",
    ),
    (
        "shape",
        "both / (aw * ah + bw * bh - both)",
        "(both / (aw * ah + bw * bh - both)).T",
        "Row and column are exchanged: row i belongs to a[i], column j to b[j].",
    ),
    (
        "shape",
        "both / (aw * ah + bw * bh - both)",
        "(both / (aw * ah + bw * bh - both)).max(axis=1)",
        "It keeps the largest of each row; all n times m numbers are asked for.",
    ),
    (
        "shape",
        "a.T[:, :, None]",
        "a[:1].T[:, :, None]",
        "Only the first box of a is compared: each row is for another one.",
    ),
    (
        "shape",
        "b.T[:, None, :]",
        "b[:1].T[:, None, :]",
        "Only the first box of b is compared: each column is for another one.",
    ),
    (
        "raises",
        "a.T[:, :, None]\n    bx, by, bw, bh = b.T[:, None, :]",
        "a.T\n    bx, by, bw, bh = b.T",
        "It pairs a[0] with b[0], a[1] with b[1]; but each is to meet each: make a's numbers columns, a[:, :1] for x.",
    ),
    (
        "raises",
        "a.T[:, :, None]\n    bx, by, bw, bh = b.T[:, None, :]",
        "a\n    bx, by, bw, bh = b",
        "It takes boxes apart, a row for each name; x, y, width and height are the columns, a[:, 0] to a[:, 3].",
    ),
    (
        "raises",
        "np.minimum(ax + aw, bx + bw) - np.maximum(ax, bx)",
        "min(ax + aw, bx + bw) - max(ax, bx)",
        "min and max compare whole arrays; np.minimum and np.maximum go number by number.",
    ),
    (
        "raises",
        "np.minimum(ax + aw, bx + bw)",
        "np.min(ax + aw, bx + bw)",
        "np.min looks for the smallest number of one array; np.minimum compares two, number by number.",
    ),
    (
        "raises",
        "np.maximum(width, 0) * np.maximum(height, 0)",
        "np.maximum(width, 0) @ np.maximum(height, 0)",
        "@ is the matrix product; an area is width times height for each pair, with *.",
    ),
)
INSTEAD = (  # what stands where the solution's body does, as in WRONG
    (
        "raises",
        """    (ax, ay, aw, ah), (bx, by, bw, bh) = a.T, b.T
    width = min(ax + aw, bx + bw) - max(ax, bx)
    height = min(ay + ah, by + bh) - max(ay, by)
    both = max(width, 0) * max(height, 0)
    return both / (aw * ah + bw * bh - both)
""",
        "Each name holds a number for every box, and min and max compare two numbers only: loop over the pairs of "
        "boxes, or take np.minimum of a column and a row.",
    ),
)


def cases(rng):
    def boxes(n):
        return np.concatenate([rng.uniform(0, 6, (n, 2)), rng.uniform(2, 9, (n, 2))], axis=1)

    a = np.array([[2.0, 3, 6, 4], [20, 30, 5, 7], [0, 0, 4, 2]])  # the second lies apart from all
    b = np.array([[2.0, 3, 6, 4], [3, 4, 2, 1], [8, 3, 2, 4], [5, 1, 8, 3], [9, 9, 3, 3]])  # equal, in it, touching
    return [(a, b), (boxes(3), boxes(2)), (boxes(4), boxes(6)), (boxes(2), boxes(5)), (boxes(1), boxes(3))]
