"""Answers to ex_alike: solution, hints and typical mistakes. Spoilers."""

import numpy as np

FUNCTION = "alike"
KIND = "values"
SOLUTION = """import numpy as np


def ranks(v):
    smaller = np.sum(v[:, None] > v, axis=1)
    equal = np.sum(v[:, None] == v, axis=1)
    return smaller + (equal - 1) / 2


def alike(a, b, x):
    ink = x != 0
    r, q = ranks(a[ink]), ranks(b[ink])
    r, q = r - r.mean(), q - q.mean()
    return np.sum(r * q) / np.sqrt(np.sum(r * r) * np.sum(q * q))
"""
HINTS = (
    "First leave out what is blank, a[x != 0]; then the ranks; then the correlation.",
    "The rank of a number: how many are smaller, plus half of how many others are equal to it. v[:, None] > v compares "
    "each with each.",
    "np.corrcoef(r, q)[0, 1] is the correlation; or the formula, with the mean taken off both.",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np


def alike(a, b, x):
    both = []
    for v in (a[x != 0], b[x != 0]):
        both.append([np.mean(np.flatnonzero(np.sort(v) == number)) for number in v])
    return np.corrcoef(both[0], both[1])[0, 1]
""",
    """import numpy as np


def rank(v):
    _, place, count = np.unique(v, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def alike(a, b, x):
    kept = np.flatnonzero(x)
    return float(np.corrcoef(np.stack([rank(a[kept]), rank(b[kept])]))[1, 0])
""",
    """def alike(a, b, x):
    pairs = [(p, q) for p, q, ink in zip(a, b, x) if ink]
    n = len(pairs)
    r = [[sum(other[m] < pair[m] for other in pairs) + sum(other[m] <= pair[m] for other in pairs) for pair in pairs]
         for m in (0, 1)]
    means = [sum(one) / n for one in r]
    def products(i, j):
        return sum((u - means[i]) * (v - means[j]) for u, v in zip(r[i], r[j]))
    return products(0, 1) / (products(0, 0) * products(1, 1)) ** 0.5
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "x != 0", "x == x",
     "The blank inputs are still in it; leave out those where x is 0."),
    ("wrong_value", "x != 0", "x == 0",
     "It keeps the blank inputs and leaves out the ink: x != 0 is meant."),
    ("wrong_value", "x != 0", "x > np.min(x)",
     "It leaves out the smallest of x; blank is where x is 0. (x may be below 0.)"),
    ("wrong_value", "x != 0", "x > 0",
     "Where x is below 0 it isn't blank; x != 0 is meant."),
    ("wrong_value", "x != 0", "(a != 0) & (b != 0)",
     "It leaves out where a map is 0; blank is where the picture x is 0. A share of 0 can lie on ink."),
    ("wrong_value", "x != 0", "x > 0.5",
     "It leaves out light ink; only 0 is blank."),
    ("wrong_value", "ranks(a[ink]), ranks(b[ink])", "ranks(a)[ink], ranks(b)[ink]",
     "The blank inputs are left out too late: they have taken places in the order. Leave them out before ranking."),
    ("wrong_value", "ranks(a[ink]), ranks(b[ink])", "ranks(a * ink), ranks(b * ink)",
     "a * ink makes blank inputs 0 and keeps them; a[ink] leaves them out."),
    ("wrong_value", "ranks(a[ink]), ranks(b[ink])", "a[ink], b[ink]",
     "That is the correlation of the numbers; that of their ranks is asked for."),
    ("wrong_value", "ranks(a[ink]), ranks(b[ink])", "ranks(a[ink]), b[ink]",
     "b's numbers aren't ranked; both maps need ranks."),
    ("wrong_value", "ranks(a[ink]), ranks(b[ink])", "ranks(np.abs(a[ink])), ranks(np.abs(b[ink]))",
     "It ranks the sizes; signs count here: -3 is smaller than 1."),
    ("wrong_value", "ranks(a[ink]), ranks(b[ink])", "np.argsort(a[ink]), np.argsort(b[ink])",
     "np.argsort says which number comes first, which second; it isn't the rank of each number. (A second argsort "
     "would make it that, but for equal numbers.)"),
    ("wrong_value", "smaller + (equal - 1) / 2", "np.argsort(np.argsort(v))",
     "Equal numbers get different ranks there; they should share the mean of their places."),
    ("wrong_value", "smaller + (equal - 1) / 2", "smaller",
     "Equal numbers all get the lowest of their places; they should share the mean: 5, 7, 7 has 0, 1.5, 1.5."),
    ("wrong_value", "smaller + (equal - 1) / 2", "smaller + equal - 1",
     "Equal numbers all get the highest of their places; they should share the mean: 5, 7, 7 has 0, 1.5, 1.5."),
    ("wrong_value", "smaller + (equal - 1) / 2", "smaller + equal",
     "Equal numbers all get the highest of their places; they should share the mean: 5, 7, 7 has 0, 1.5, 1.5."),
    ("wrong_value", "smaller + (equal - 1) / 2", "np.unique(v, return_inverse=True)[1]",
     "Equal numbers take one place together there, so that all that follow move up. 5, 7, 7, 9 has 0, 1.5, 1.5, 3."),
    ("wrong_value", "    r, q = r - r.mean(), q - q.mean()\n", "",
     "The means must be taken off the ranks first."),
    ("wrong_value", "np.sum(r * q) / np.sqrt(np.sum(r * r) * np.sum(q * q))",
     "np.sum(r * q) / np.sum(r * r)",
     "It divides by the sum of one map's squares; the correlation has the root of the product of both."),
    ("wrong_value", "np.sum(r * q) / np.sqrt(np.sum(r * r) * np.sum(q * q))",
     "np.sum(r * q) / (np.sum(r * r) * np.sum(q * q))",
     "The square root is missing below the line."),
    ("wrong_value", "return np.sum(r * q)", "return np.abs(np.sum(r * q))",
     "Its sign is lost: opposite orders have -1."),
    ("wrong_value", "np.sum(r * q) / np.sqrt", "np.mean(r * q) / np.sqrt",
     "A mean above the line and sums below it: all three are sums, or all three are means."),
    ("shape", "np.sum(r * q) / np.sqrt(np.sum(r * r) * np.sum(q * q))", "np.corrcoef(r, q)",
     "np.corrcoef gives a table of four; the correlation of the two is at [0, 1]."),
    ("wrong_value", "np.sum(r * q) / np.sqrt(np.sum(r * r) * np.sum(q * q))", "np.corrcoef(r, q)[0, 0]",
     "[0, 0] is the correlation of r with itself, always 1; [0, 1] is that of the two."),
    ("wrong_value", "np.sum(r * q) / np.sqrt(np.sum(r * r) * np.sum(q * q))", "np.mean(r == q)",
     "It counts equal ranks; a correlation also sees whether ranks are near each other."),
)  # fmt: skip


def cases(rng):
    def one(n, blank):
        x = np.round(rng.uniform(-1, 1, n), 2)
        x[np.abs(x) < 0.05] = 0.3
        x[rng.permutation(n)[:blank]] = 0
        return x

    x, y, z = one(9, 4), one(12, 3), one(10, 4)
    a, b = rng.integers(-3, 4, (2, 12)).astype(float)  # with equal numbers
    c = rng.standard_normal(10)
    return [
        (np.where(x == 0, 0, rng.standard_normal(9)), np.where(x == 0, 0, rng.standard_normal(9)), x),
        (a, b, y),
        (c, -np.exp(c) + 0.4 * rng.standard_normal(10), z),
        (np.array([5.0, 7, 7, 0, 9, -8]), np.array([1.0, -2, 0, 4, 4, -3]), np.array([1.0, 0.2, 0.4, 0, -0.5, 0.9])),
    ]
