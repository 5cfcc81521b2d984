# %% [markdown]
# # 12. Trusting a gradient
#
# Somebody has written a backward pass by hand. It trains: the loss goes down, and in the end 99 % of the training
# points are classified correctly. **Is the gradient right?**
#
# Most people would say yes. We shall plant nine mistakes in such a backward pass, look at how many of them the curve
# gives away, and then build up the tools that find them all: a way of checking, a way of telling a good check from a
# bad one, and a way of measuring a whole test suite.

# %%
import importlib.util
import itertools
import time

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, RED, show

import tinydl as tl
from tinydl import data

spiral = data.spirals(300, noise=0.1, seed=0)  # 2 coordinates, 3 classes: three arms wound about each other
rows = np.eye(3, dtype=np.float32)[spiral.y]  # the labels as rows (1, 0, 0), (0, 1, 0), (0, 0, 1)
batches = [(spiral.x[i : i + 60], rows[i : i + 60]) for i in range(0, 300, 60)]
print(len(batches), "batches of", batches[0][0].shape, batches[0][1].shape)

# %% [markdown]
# ## A network with its backward pass, by hand
#
# Two hidden layers of tanh and a softmax at the end, with the cross-entropy of [lesson 7](07_likelihood.py):
#
# $$ h_1 = \tanh(x W_1 + b_1), \quad h_2 = \tanh(h_1 W_2 + b_2), \quad s = h_2 W_3 + b_3, \quad
# p = \operatorname{softmax}(s), \quad L = -\frac1n \sum_{i} \log p_{i, y_i} . \tag{1} $$


# %%
def forward(x, W1, b1, W2, b2, W3, b3):
    h1 = np.tanh(x @ W1 + b1)
    h2 = np.tanh(h1 @ W2 + b2)
    s = h2 @ W3 + b3
    e = np.exp(s - s.max(axis=1, keepdims=True))  # the same softmax, without overflow
    return h1, h2, e / e.sum(axis=1, keepdims=True)


def loss(batch, *parameters):
    x, Y = batch
    return -np.sum(Y * np.log(forward(x, *parameters)[2])) / len(x)


# %% [markdown]
# And backwards, with $\delta_k$ for the gradient that arrives before the $k$-th layer's activation function, and $Y$
# for the labels as rows of zeros with a single one:
#
# $$ \delta_3 = \frac{p - Y}{n}, \quad \delta_2 = \delta_3 W_3^\top \odot (1 - h_2^2), \quad
# \delta_1 = \delta_2 W_2^\top \odot (1 - h_1^2), \quad
# \frac{\partial L}{\partial W_k} = h_{k-1}^\top \delta_k, \quad
# \frac{\partial L}{\partial b_k} = \sum_i \delta_{k, i} . \tag{2} $$
#
# Each piece of (2) that one can get wrong stands in a dictionary of its own, so that we can exchange it.

# %%
RIGHT = {
    "scores": lambda p, Y: p - Y,
    "slope": lambda h: 1 - h**2,  # of tanh, from its value
    "slope 2": lambda h: 1 - h**2,
    "through W2": lambda d, W: d @ W.T,
    "bias": lambda d: d.sum(axis=0),
    "layer 1": lambda d: d,
    "factor": 1.0,
    "kept": 0.0,  # how much of the last step's gradient is left when a new one comes
}


# %%
def backward(piece, batch, W1, b1, W2, b2, W3, b3):  # formula (2)
    x, Y = batch
    h1, h2, p = forward(x, W1, b1, W2, b2, W3, b3)
    d3 = piece["scores"](p, Y) / len(x)
    d2 = d3 @ W3.T * piece["slope 2"](h2)
    d1 = piece["layer 1"](piece["through W2"](d2, W2) * piece["slope"](h1))
    bias = piece["bias"]
    gradients = x.T @ d1, bias(d1), h1.T @ d2, bias(d2), h2.T @ d3, bias(d3)
    return [piece["factor"] * g for g in gradients]


# %% [markdown]
# Nine mistakes of the kind that people make. In the last one the pieces are right, but nobody calls `zero_grad`.

# %%
BUGS = {
    "none": {},
    "W2 not transposed": {"through W2": lambda d, W: d @ W},
    "layer 1 never updated": {"layer 1": lambda d: 0 * d},
    "tanh′ missing in layer 2": {"slope 2": lambda h: 1},
    "tanh′ of the wrong number": dict.fromkeys(["slope", "slope 2"], lambda h: 1 - np.tanh(h) ** 2),
    "bias gradient: mean, not sum": {"bias": lambda d: d.mean(axis=0)},
    "everything twice": {"factor": 2.0},
    "softmax: diagonal only": {"scores": lambda p, Y: -Y * (1 - p)},
    "sign flipped in layer 1": {"layer 1": lambda d: -d},
    "zero_grad forgotten": {"kept": 1.0},
}


# %% [markdown]
# > **Predict.** Which of the nine will the training curve show? Make a list: "still reaches 99 %", or "doesn't". Does a
# > network whose first layer never learns anything stand a chance? One whose tanh has no derivative?


# %%
def start(sizes, seed, dtype):
    rng = np.random.default_rng(seed)
    layers = [[rng.normal(size=(m, n)) / np.sqrt(m), np.zeros(n)] for m, n in itertools.pairwise(sizes)]
    return [array.astype(dtype) for layer in layers for array in layer]


def gradient_of(bug):
    """What the optimizer is given: the backward pass with the bug, and what is kept of the gradient before."""
    piece, last = RIGHT | BUGS[bug], [0.0] * 6

    def gradient(batch, *parameters):
        last[:] = [piece["kept"] * old + g for old, g in zip(last, backward(piece, batch, *parameters), strict=True)]
        return [np.array(g) for g in last]

    return gradient


# %%
def train(bug, steps=1000, rate=0.3):
    gradient, parameters, curve = gradient_of(bug), start((2, 64, 64, 3), seed=1, dtype=np.float32), []
    for step in range(steps):
        for p, g in zip(parameters, gradient(batches[step % 5], *parameters), strict=True):
            p -= np.float32(rate) * g
        if step % 20 == 19:
            curve.append(np.mean(forward(spiral.x, *parameters)[2].argmax(axis=1) == spiral.y))
    return curve


curves = {bug: train(bug) for bug in BUGS}
for bug, curve in curves.items():
    print(f"{bug:30} {curve[-1]:.1%}")

# %%
hidden = [bug for bug in BUGS if bug != "none" and curves[bug][-1] > 0.97]
seen = [bug for bug in BUGS if np.mean(curves[bug][-5:]) < 0.9]
assert curves["none"][-1] > 0.98
assert np.sum(~spiral.x.any(axis=1)) == 3  # points at (0, 0), one of each class
assert hidden == list(BUGS)[1:7]
assert seen == list(BUGS)[7:]

# %% [markdown]
# The right gradient ends at about 99 % (the three arms begin at the same point, so two of the 300 can't be got
# right). **And so do six of the nine wrong ones**, give or take a point. A wrong gradient that still points
# downhill, more or less, gets there. With 64 random numbers per point to start from, the upper layers learn the spiral
# without any help of the first. Only three mistakes are so gross that the curve shows them.
#
# It does harm all the same: you will conclude that your idea is worth 1 % less than it is, that tanh is worse than
# relu, or that three layers are no better than two. The loss going down is not a test.
#
# ## The checker
#
# `tl.gradcheck` compares a gradient with numerical derivatives of formula (1), which know nothing of formula (2). A
# small network is enough, since the code is the same: 2-4-4-3 and ten of the points, in float64. (The step before
# the check is there for the last bug, which needs a gradient to forget.)

# %%
small = spiral.x[::30].astype(float), np.eye(3)[spiral.y[::30]]
reports, began = {}, time.process_time()
for bug in BUGS:
    gradient, parameters = gradient_of(bug), start((2, 4, 4, 3), seed=3, dtype=np.float64)
    gradient(small, *parameters)

    def f(*parameters):
        return loss(small, *parameters)

    def rule(*parameters, gradient=gradient):
        return gradient(small, *parameters)

    reports[bug] = tl.gradcheck(f, *parameters, grad=rule)

# %%
seconds = time.process_time() - began
for bug, report in reports.items():
    cause = ", ".join(code for code, _ in report.causes) or "–"
    print(f"{bug:30} {report.verdict:6} worst relative error {report.worst:7.1e}  cause: {cause}")
print(f"{seconds:.1f} s of computing for all ten")
assert [bug for bug, report in reports.items() if report] == ["none"]
assert all(reports[bug].verdict == "wrong" for bug in list(BUGS)[1:])
assert reports["none"].worst < 1e-6 and min(reports[bug].worst for bug in list(BUGS)[1:]) > 1e-2
assert seconds < 10 * len(BUGS)  # on a quiet machine well below a second each

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), width_ratios=(1, 1.1))
steps = 20 * np.arange(1, 51)
for bug, curve in curves.items():
    color, width = (BLUE, 2.5) if bug == "none" else (ORANGE if bug in hidden else RED, 1.1)
    label = {"none": "right", hidden[0]: "six wrong", seen[0]: "three more"}.get(bug)
    left.plot(steps, curve, color=color, lw=width, label=label, zorder=3 if bug == "none" else 2)
left.set(xlabel="step", ylabel="training accuracy", ylim=(0, 1.03), title="What the curve says")
left.legend(fontsize="small", loc="lower center", ncols=3)
colors = [BLUE if b == "none" else ORANGE if b in hidden else RED for b in BUGS]
right.barh(list(BUGS), [max(reports[b].worst, 1e-16) for b in BUGS], left=1e-16, color=colors)
right.set(xscale="log", xlim=(1e-16, 1e3), xlabel="worst relative error", title="What the checker says")
right.invert_yaxis()
show(figure, "12_trusting_a_gradient_1")

# %% [markdown]
# The worst relative error of the right gradient is below one in a million, that of every wrong one above one in a
# hundred: there is no room for taste between the two groups. And where a mistake has a known shape, the report names
# it. Here is one in full:

# %%
print(reports["everything twice"].table(limit=3))
assert reports["everything twice"].causes[0][0] == "factor"
assert reports["layer 1 never updated"].causes[0][0] == "zero"
assert reports["sign flipped in layer 1"].causes[0][0] == "sign"
assert reports["bias gradient: mean, not sum"].causes[0][0] == "factor"
print("the mean of 10 rows:", reports["bias gradient: mean, not sum"].causes[0][1])

# %% [markdown]
# > **What goes wrong.** Had $W_2$ been 64 × 48, "not transposed" would have raised an error at once. Square matrices
# > hide that mistake, so don't test with any. (Here we had to, to let the bug live.)
#
# ## How checkers fail
#
# "Compare with a difference quotient" is quickly written. This is how many test suites do it: differentiate the
# *sum* of the outputs, every element, and compare within fixed tolerances.


# %%
def naive(f, rule, x, h=1e-4, rtol=1e-4, atol=1e-5):
    numerical = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        with np.errstate(invalid="ignore"):  # it may leave the domain of f
            numerical[i] = (f(x + step).sum() - f(x - step).sum()) / (2 * h)
    ours = rule(np.ones_like(f(x)), x)  # the gradient of a sum: every upstream gradient is 1
    return np.allclose(ours, numerical, rtol=rtol, atol=atol)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# %% [markdown]
# We put four wrong rules and four right ones before it. A rule gets the upstream gradient `g` and the input `x`.

# %%
x = np.random.default_rng(2).normal(size=(3, 5))
WRONG = {
    "softmax: 0": (softmax, lambda g, x: 0 * x, x),
    "x − mean(x): 0": (lambda x: x - x.mean(-1, keepdims=True), lambda g, x: 0 * x, x),
    "tanh without g": (np.tanh, lambda g, x: 1 - np.tanh(x) ** 2, x),
    "1e-8 · sin x: 0": (lambda x: 1e-8 * np.sin(x), lambda g, x: 0 * x, x),
}
CORRECT = {
    "relu at 0": (lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0), np.array([1.0, 0.0, -2.0])),
    "x² near 1e8": (lambda x: x**2, lambda g, x: 2 * g * x, 1e8 * x),
    "sqrt near 1e-6": (np.sqrt, lambda g, x: g / (2 * np.sqrt(x)), 1e-6 * (1 + x**2)),
    "x + 1e10": (lambda x: x + 1e10, lambda g, x: g, x),
}

# %% [markdown]
# > **Predict.** Which of the four wrong rules does `naive` accept, and which of the right ones does it reject?

# %%
print(f"{'':18} {'naive':8} tl.gradcheck")
for name, (f, rule, at) in (WRONG | CORRECT).items():
    report = tl.gradcheck(f, at, vjp=rule)
    print(f"{name:18} {'right' if naive(f, rule, at) else 'wrong':8} {report!r}")
    assert naive(f, rule, at) == (name in WRONG)
    assert (report.verdict == "wrong") == (name in WRONG)

# %% [markdown]
# All eight times it is the other way round. (They are chosen for that, of course; but each of them is of a
# kind that one meets.) There are three reasons.
#
# **Ones are the worst upstream gradient of all.** A row of softmax always sums to 1, whatever the input. So the
# derivative of the sum *is* 0, and a rule that says 0 is right about the one thing that was asked. The same is true
# of everything that subtracts a mean, batch and layer normalisation included. And a rule that forgets `g` can't be
# told from a right one when `g` is 1. What has to be asked is $v^\top J$ for a *random* $v$:

# %%
y = softmax(x[0])
J = np.diag(y) - np.outer(y, y)  # the Jacobian ∂yᵢ/∂xⱼ of softmax, from lesson 7
v = np.random.default_rng(3).normal(size=5)
print("1ᵀJ:", np.ones(5) @ J)
print("vᵀJ:", (v @ J).round(3))
assert np.abs(np.ones(5) @ J).max() < 1e-15
assert np.abs(v @ J).max() > 0.1

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.6))
image = left.imshow(J, cmap="RdBu_r", vmin=-0.25, vmax=0.25)
left.set(xlabel="input j", ylabel="output i", title="softmax: ∂yᵢ/∂xⱼ")
figure.colorbar(image, ax=left)
right.bar(np.arange(5), v @ J, 0.4, color=BLUE, label="with a random v")
right.plot(np.ones(5) @ J, "o", color=ORANGE, label="with ones: 0 everywhere")
right.axhline(0, color=GRAY, lw=0.8)
right.set(xlabel="input j", ylabel="what a test sees of it", title="columns, added up")
right.legend(fontsize="small")
show(figure, "12_trusting_a_gradient_2")

# %% [markdown]
# **A fixed tolerance is too large for some and too small for others.** A gradient of $10^{-8}$ disappears in an
# absolute tolerance of $10^{-5}$. At $10^8$, on the other hand, $f$ is $10^{16}$, where floating-point numbers are 2
# apart: each value is off by up to 1, and dividing that by $2h$ makes it up to 5000. And one step size isn't right
# for all: with $h = 10^{-4}$, $x - h$ is negative for the square root near $10^{-6}$. `tl.gradcheck` measures how
# good each of its numerical derivatives is, chooses the step for that, and shows it as the error bar.
#
# **At a kink there is no derivative.** relu has the slope 0 on the left of 0 and 1 on the right; a central
# difference says ½, which no sensible rule gives. The checker looks at both sides, and accepts what lies between:


# %%
assert np.spacing(1e16) == 2 and np.isclose(1 / 2e-4, 5000)


def relu(x):
    return np.maximum(x, 0)


for slope in (0.0, 0.5, 1.0, 1.5):
    report = tl.gradcheck(relu, np.zeros(1), vjp=lambda g, x, slope=slope: slope * g)
    print(f"slope {slope} at 0: {report.verdict:6} {[row.verdict for row in report.rows][:1]}")
    assert (report.verdict == "right") == (slope <= 1)

# %% [markdown]
# ## Who tests the tests?
#
# A check that passes tells you something only if it would have failed otherwise. So break the code on purpose, in
# all the ways people do, and count how often the tests notice. That is *mutation testing*, and the share of mutants
# that are noticed ("killed") is the **mutation score**. The right rule for softmax is
#
# $$ \bar x = y \odot \Bigl(g - \sum_k g_k y_k\Bigr), \tag{3} $$
#
# and these are ten ways to get it wrong:


# %%
def right_rule(g, x):
    y = softmax(x)
    return y * (g - np.sum(g * y, axis=-1, keepdims=True))  # formula (3)


# %%
MUTANTS = {
    "sign": lambda g, x: -right_rule(g, x),
    "twice": lambda g, x: 2 * right_rule(g, x),
    "1.0005 times": lambda g, x: 1.0005 * right_rule(g, x),
    "zero": lambda g, x: 0 * x,
    "without g": lambda g, x: right_rule(np.ones_like(g), x),
    "neighbour's": lambda g, x: np.roll(right_rule(g, x), 1, axis=-1),
    "diagonal only": lambda g, x: g * softmax(x) * (1 - softmax(x)),
    "no sum": lambda g, x: softmax(x) * g,
    "mean, not sum": lambda g, x: softmax(x) * (g - np.mean(g * softmax(x), axis=-1, keepdims=True)),
    "wrong axis": lambda g, x: softmax(x) * (g - np.sum(g * softmax(x), axis=0, keepdims=True)),
}

# %% [markdown]
# > **Predict.** How many of the ten does `naive` kill? What does (3) give when $g$ is all ones?

# %%
assert naive(softmax, right_rule, x) and tl.gradcheck(softmax, x, vjp=right_rule)
by_naive = [name for name, rule in MUTANTS.items() if not naive(softmax, rule, x)]
by_ours = [name for name, rule in MUTANTS.items() if tl.gradcheck(softmax, x, vjp=rule).verdict == "wrong"]
print(f"naive kills {len(by_naive)} of {len(MUTANTS)}: {', '.join(by_naive)}")
print(f"tl.gradcheck kills {len(by_ours)} of {len(MUTANTS)}")
assert by_naive == ["diagonal only", "no sum", "mean, not sum", "wrong axis"]
assert by_ours == list(MUTANTS)

# %% [markdown]
# Four of ten against ten of ten; and a softmax with a flipped sign is not among the four. When $g$ is all ones the
# bracket in (3) is 0, so whatever is done to the result of (3) is done to zeros.
#
# `tinydl.testing.mutations` makes such mutants of any primitive by itself: it changes what a rule gives, what it is
# given, and its source. (It needs hypothesis: `python -m pip install ".[test]"` in the clone; without it the next cell
# does nothing.)

# %%
my_softmax = tl.primitive(softmax, lambda g, y, x: y * (g - np.sum(g * y, axis=-1, keepdims=True)), name="my_softmax")
killed, survivors = 0, []
if importlib.util.find_spec("hypothesis"):
    from tinydl.testing import mutations

    for mutation in mutations(my_softmax):
        with mutation:
            try:
                noticed = not tl.gradcheck(my_softmax, x, order=2)
            except Exception:  # a rule that crashes is noticed, too
                noticed = True
        killed += noticed
        survivors += [] if noticed else [mutation.name]
    print(f"{killed} of {killed + len(survivors)} mutants killed; survivors: {survivors}")
    assert all(name == "transposed" or "axis=1" in name for name in survivors) and killed >= 15

# %% [markdown]
# The survivors: "transposed" transposes square gradients only, and ours is 3 × 5, so this mutant does nothing at
# all; and `axis=1` in place of `axis=-1` is the same for an array of two axes. Such *equivalent* mutants are no gap
# in the test; whoever reports a mutation score has to look at each survivor and say why. (Had the input been 5 × 5,
# the first would have been killed; had it been 2 × 3 × 5, the second.)
#
# The rules of tinydl are tested in this way too: `python benchmarks/mutation.py` breaks every one of them, one
# mutation at a time, and runs the tests until one fails.
#
# ## What a check can't tell you
#
# `tl.gradcheck` says whether the backward pass is the derivative of the forward pass. If the forward pass is wrong
# (the wrong loss, labels that belong to other examples, a softmax too many), the derivative of the wrong thing can
# be perfectly right. [Lesson 12](13_bug_lab.py) is about those.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_relative_error`, `ex_numerical_gradient`,
# `ex_direction`.
#
# 1. Plant a tenth bug of your own in `BUGS`: one that reaches 99 % on the curve. Does `tl.gradcheck` find it? Does
#    it name a cause?
# 2. Repair `naive` with one change, a random upstream gradient, and run both tables again. Which of the eight cases
#    does it get right now, and what is its mutation score on softmax? Which cases need a change of the tolerance?
# 3. Write the backward rule of layer normalisation without scale and shift, $y = (x - \bar x) / \sigma_x$ for each
#    row, as `rule(g, x)`, and check it with `tl.gradcheck(f, x, vjp=rule)`. Then write five mutants of it, and kill
#    them.
#
# ## Where this lives in tinydl
#
# - `tinydl/checking/gradcheck.py`: `gradcheck`, its three forms (`f` alone, `vjp=`, `grad=`) and the `Report`.
# - `tinydl/checking/numerical.py`: how a step is chosen, where the error bar comes from, how a kink is seen.
# - `tinydl/checking/causes.py`: each cause is a transformation that turns the wrong gradient into the right one.
# - `tinydl/testing.py`: `mutations` (they are in `tinydl/checking/mutations.py`), and hypothesis strategies for your
#   own tests; `benchmarks/mutation.py` for tinydl's.
# - `benchmarks/checkers.py`: the methods of other projects against ours, on right and wrong rules.
#
# Next: [lesson 13](13_bug_lab.py): a dozen bugs that no gradient check can see, or only it.
