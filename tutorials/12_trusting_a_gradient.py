# %% [markdown]
# # 12. Trusting a gradient
#
# You have written a backward pass by hand, and the loss goes down. Is your gradient right?
#
# Most people would say yes: how could a wrong gradient learn anything? In this lesson you plant mistakes in a backward
# pass, and see how many of them the loss gives away. It is fewer than you think. Then you meet the check that finds
# them all, and you'll know what to ask of any such check before you believe it.
#
# *You need:* the difference quotient of [lesson 1](01_derivatives.py), the rules for arrays and the Jacobian of
# [lesson 4](04_arrays.py), softmax with cross-entropy from [lesson 7](07_likelihood.py). You may skip the section "Who
# tests the tests?", and whatever is marked so.

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, PURPLE, show

import tinydl as tl
from tinydl import data

# %% [markdown]
# ## One wrong line
#
# Take the smallest network there is: one input $x$, one weight $w$, and the answer $p = \tanh(w x)$. There are three
# examples, and the loss is the mean squared error. With the chain rule, and since tanh has the slope $1 - p^2$:
#
# $$ L = \frac13 \sum_i (p_i - y_i)^2, $$
#
# $$ \frac{dL}{dw} = \frac13 \sum_i 2\,(p_i - y_i)\,(1 - p_i^2)\,x_i . \tag{1} $$
#
# Somebody forgets the factor $1 - p^2$. It is one short piece of one line:

# %%
x = np.array([1.0, 2.0, 3.0])
y = np.array([0.9, 0.9, 0.3])


def loss_at(w):
    return np.mean((np.tanh(w * x) - y) ** 2)


def right_gradient(w):
    p = np.tanh(w * x)
    return np.mean(2 * (p - y) * (1 - p**2) * x)


def wrong_gradient(w):
    p = np.tanh(w * x)
    return np.mean(2 * (p - y) * x)


# %% [markdown]
# > **Predict.** Train with the wrong gradient. Does the loss go up, stay, or go down?


# %%
def descend(gradient):
    places = [0.0]  # w at the start, and after each step
    for _ in range(100):
        w = places[-1]
        places.append(w - 0.1 * gradient(w))
    return places


by_wrong, by_right = descend(wrong_gradient), descend(right_gradient)
losses = [loss_at(w) for w in by_wrong]
print("losses:", ", ".join(f"{value:.3f}" for value in losses[:6]), f"… {losses[-1]:.3f}")
assert all(np.diff(losses) < 1e-12)  # no step makes it larger
assert losses[-1] < 0.4 * losses[0]

# %% [markdown]
# It goes down, with every step, by more than half. Anybody would be content. But look where the right gradient leads:

# %%
ws = np.linspace(0, 2, 200)
figure, ax = plt.subplots(figsize=(6.4, 3.4))
ax.plot(ws, [loss_at(w) for w in ws], color=GRAY)
for places, color, marker, name in ((by_wrong, ORANGE, "s", "wrong"), (by_right, BLUE, "o", "right")):
    w = places[-1]
    label = f"{name} gradient, 100 steps: w = {w:.2f}, loss {loss_at(w):.3f}"
    ax.plot(w, loss_at(w), marker, ms=9, color=color, label=label)
ax.set(xlabel="w", ylabel="loss", ylim=(0.1, 0.6), title="Both began at w = 0")
ax.legend(fontsize="small")
show(
    figure,
    "12_trusting_a_gradient_1",
    "The loss over w falls steeply from 0.57 at w = 0, then gently to its minimum near 1.36. The wrong descent stands "
    "at 0.31, on the slope, with a loss of 0.222; the right one at 0.91, with 0.171.",
)

# %%
pulls = 2 * (np.tanh(by_wrong[-1] * x) - y) * x  # of the three examples, without the factor
assert abs(by_wrong[-1] - 0.31) < 0.01 and abs(wrong_gradient(by_wrong[-1])) < 1e-6  # it has stopped
assert abs(by_right[-1] - 0.91) < 0.01 and right_gradient(by_right[-1]) < -0.02  # it goes on
assert abs(loss_at(by_wrong[-1]) - 0.222) < 0.001 and abs(loss_at(by_right[-1]) - 0.171) < 0.001
assert abs(ws[np.argmin([loss_at(w) for w in ws])] - 1.36) < 0.01
assert all(-y * x < 0) and pulls[0] < 0 and pulls[1] < 0 < pulls[2]  # at w = 0, where tanh is 0, and at 0.31

# %% [markdown]
# The wrong descent has stopped on the slope, at a place that isn't a minimum. The right one is still on its way to the
# bottom. Why did the loss fall all the same? The missing factor is positive, so each *single* example still pulls in
# the right direction, only too hard. At $w = 0$ all three pull to the right. Soon the third pulls back, and without its
# factor it pulls far too hard: at 0.31 it balances the two others. Between 0.31 and the bottom the *sum* has the
# wrong sign and leads back, but a descent that begins at 0 never gets there.
#
# Nor do you have the right gradient to compare with. What you do have is the loss itself. Go to such a place, say
# $w = 0.5$, move $w$ a little to both sides, and see how the loss changes:

# %%
w, h = 0.5, 1e-5
numerical = (loss_at(w + h) - loss_at(w - h)) / (2 * h)
print(f"numerical {numerical:.6f}")
print(f"wrong     {wrong_gradient(w):.6f}")
print(f"right     {right_gradient(w):.6f}")
assert abs(numerical - right_gradient(w)) < 1e-8
assert right_gradient(w) < 0 < wrong_gradient(w)

# %% [markdown]
# That is the whole idea, a **gradient check**: three lines, and they know nothing of the chain rule. One look at two
# numbers finds what a hundred steps of training have hidden.
#
# ## Nine wrong lines in a network
#
# Was that bad luck, in a tiny example? Let us try it on a real network. Two hidden layers of tanh, a softmax at the
# end, and the cross-entropy of [lesson 7](07_likelihood.py):
#
# $$
# \begin{aligned}
# h_1 &= \tanh(x W_1 + b_1), \\
# h_2 &= \tanh(h_1 W_2 + b_2), \\
# p &= \operatorname{softmax}(h_2 W_3 + b_3), \\
# L &= -\frac1n \sum_{i} \log p_{i, y_i} .
# \end{aligned} \tag{2}
# $$
#
# Here a weight matrix has a row for each *input*, so that no transpose is needed. The layers of
# [lesson 5](05_layers_and_the_loop.py) have a row for each output, and compute $x W^\top$. You will meet both. The
# network has to tell three arms of a spiral apart, 100 points in each.

# %%
spiral = data.spirals(300, noise=0.1, seed=0)
rows = np.eye(3, dtype=np.float32)[spiral.y]  # the labels as rows: (1, 0, 0), (0, 1, 0) or (0, 0, 1)
batches = [(spiral.x[i : i + 60], rows[i : i + 60]) for i in range(0, 300, 60)]
print(len(batches), "batches of", batches[0][0].shape, "inputs and", batches[0][1].shape, "labels")


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
# Now backwards. $\delta_3$ is the gradient of the scores, $\delta_2$ and $\delta_1$ are the gradients before the two
# tanhs, and $Y$ are the labels as rows. The sign $\odot$ multiplies element by element.
#
# $$
# \begin{aligned}
# \delta_3 &= (p - Y) / n, \\
# \delta_2 &= \delta_3 W_3^\top \odot (1 - h_2^2), \\
# \delta_1 &= \delta_2 W_2^\top \odot (1 - h_1^2) .
# \end{aligned} \tag{3}
# $$
#
# The gradient of $W_k$ is what came into the layer, transposed, times $\delta_k$; that of $b_k$ is the sum of the rows
# of $\delta_k$.
#
# Each piece that one can get wrong has a name in a dictionary, so that you can exchange it. (A `lambda` is a short
# function without a name.)

# %%
RIGHT = {
    "scores": lambda p, Y: p - Y,
    "slope 1": lambda h: 1 - h**2,  # the slope of tanh, from its value
    "slope 2": lambda h: 1 - h**2,
    "back through W2": lambda d, W: d @ W.T,
    "bias": lambda d: d.sum(axis=0),
    "delta 1": lambda d: d,
    "factor": 1.0,
    "zero_grad": True,  # is the last step's gradient cleared before the new one comes?
}


# %%
def backward(piece, batch, W1, b1, W2, b2, W3, b3):  # formula (3)
    x, Y = batch
    h1, h2, p = forward(x, W1, b1, W2, b2, W3, b3)
    d3 = piece["scores"](p, Y) / len(x)
    d2 = d3 @ W3.T * piece["slope 2"](h2)
    d1 = piece["delta 1"](piece["back through W2"](d2, W2) * piece["slope 1"](h1))
    bias = piece["bias"]
    gradients = x.T @ d1, bias(d1), h1.T @ d2, bias(d2), h2.T @ d3, bias(d3)
    return [piece["factor"] * g for g in gradients]


# %% [markdown]
# And these are nine mistakes, of the kind that people make:
#
# | Mistake | Right | Wrong |
# |---|---|---|
# | W2 not transposed | `d @ W.T` | `d @ W` |
# | layer 1 never updated | `d` | `0 * d` |
# | no tanh′ in layer 2 | `1 - h**2` | `1` |
# | tanh′ of the wrong number | `1 - h**2` | `1 - np.tanh(h) ** 2` |
# | bias: mean, not sum | `d.sum(axis=0)` | `d.mean(axis=0)` |
# | everything twice | `1.0` | `2.0` |
# | softmax: diagonal only | `p - Y` | `-Y * (1 - p)` |
# | sign flipped in layer 1 | `d` | `-d` |
# | zero_grad forgotten | `True` | `False` |
#
# (The diagonal of softmax's Jacobian is $p\,(1 - p)$. Times the slope of the loss, $-Y / p$, this gives
# $-Y (1 - p)$: what you get if you forget that a probability depends on the other scores, too.)

# %%
BUGS = {
    "right": {},
    "W2 not transposed": {"back through W2": lambda d, W: d @ W},
    "layer 1 never updated": {"delta 1": lambda d: 0 * d},
    "no tanh′ in layer 2": {"slope 2": lambda h: 1},
    "tanh′ of the wrong number": {
        "slope 1": lambda h: 1 - np.tanh(h) ** 2,
        "slope 2": lambda h: 1 - np.tanh(h) ** 2,
    },
    "bias: mean, not sum": {"bias": lambda d: d.mean(axis=0)},
    "everything twice": {"factor": 2.0},
    "softmax: diagonal only": {"scores": lambda p, Y: -Y * (1 - p)},
    "sign flipped in layer 1": {"delta 1": lambda d: -d},
    "zero_grad forgotten": {"zero_grad": False},
}


# %% [markdown]
# > **Predict.** Which of the nine will the training curve show? Make a list: "still reaches 99 %", or "doesn't". Can a
# > network succeed whose first layer never learns anything? One whose tanh has no derivative?
#
# The next cells make the parameters of a network of any size, put a mistake into the backward pass, and train with it.
# `RIGHT | BUGS[bug]` is a dictionary with the entries of both; where both have the same name, the second one's counts.


# %%
def start(sizes, seed, dtype):
    rng = np.random.default_rng(seed)
    parameters = []
    for inputs, outputs in sizes:
        W = rng.normal(size=(inputs, outputs)) / np.sqrt(inputs)
        parameters += [W.astype(dtype), np.zeros(outputs, dtype)]
    return parameters


# %%
def gradient_of(bug):
    piece = RIGHT | BUGS[bug]  # the right pieces, some of them exchanged
    total = [0.0] * 6  # as in p.grad: each backward pass adds to what is there

    def gradient(batch, *parameters):
        new = backward(piece, batch, *parameters)
        for k in range(6):
            if piece["zero_grad"]:
                total[k] = 0.0
            total[k] = total[k] + new[k]
        return list(total)

    return gradient


# %%
def train(bug, steps=1000, rate=0.3):
    gradient = gradient_of(bug)
    parameters = start([(2, 64), (64, 64), (64, 3)], seed=1, dtype=np.float32)
    curve = []
    for step in range(steps):
        gradients = gradient(batches[step % 5], *parameters)
        for k in range(6):
            parameters[k] -= np.float32(rate) * gradients[k]
        if step % 20 == 19:
            p = forward(spiral.x, *parameters)[2]
            curve.append(np.mean(p.argmax(axis=1) == spiral.y))
    return curve


curves = {bug: train(bug) for bug in BUGS}
for bug, curve in curves.items():
    print(f"{bug:26} {curve[-1]:.1%}")

# %%
hidden = [bug for bug in BUGS if bug != "right" and curves[bug][-1] > 0.97]
seen = [bug for bug in BUGS if np.mean(curves[bug][-5:]) < 0.9]
assert curves["right"][-1] > 0.98
assert hidden == list(BUGS)[1:7]
assert seen == list(BUGS)[7:]
assert np.sum(np.all(spiral.x == 0, axis=1)) == 3  # points at (0, 0), one of each class
better = [bug for bug in hidden if curves[bug][-1] > curves["right"][-1] + 0.001]
assert better == [*list(BUGS)[1:3], "bias: mean, not sum"]
assert np.allclose([300 * (curves[bug][-1] - curves["right"][-1]) for bug in better], 2)

# %% [markdown]
# The right gradient ends at about 99 %. (More isn't possible: the three arms begin at the same point, so two of the 300
# points can't be told from a third.) **And so do six of the nine wrong ones.** Three even end above it, by two of the
# 300 points, which is no merit: differences of 1 % come and go with the data and the first weights. A wrong gradient
# that still points downhill, more or less, gets there. The first layer need not even learn: it gives 64 random numbers
# for each point, and from these the upper layers learn the spiral alone. Only three mistakes are so gross that the
# curve shows them.
#
# > **What goes wrong.** On this task the six did no harm that you could see. On another they will: remember the small
# > example, where the wrong gradient stopped at a loss of 0.222, and the right one had 0.171 and went on. It
# > happens in silence, and you blame the network or the data. How to notice it? Not by the loss: a loss that goes down
# > is no test. Check the gradient itself.
#
# ## The check that finds all nine
#
# You could do for each parameter what we did for $w$ above. `tl.gradcheck` does it for you. You give it the function,
# the point and your gradient, and it compares the gradient with numerical derivatives of formula (2), which know
# nothing of formula (3). A small network is enough, since the code is the same: ten points, and layers of four units.
# The numbers are float64 here, with 16 digits instead of 7, since a difference quotient loses many of them
# ([lesson 1](01_derivatives.py)).

# %%
small = spiral.x[::30].astype(np.float64), rows[::30].astype(np.float64)


def small_loss(W1, b1, W2, b2, W3, b3):
    return loss(small, W1, b1, W2, b2, W3, b3)


def check(bug):
    gradient = gradient_of(bug)
    parameters = start([(2, 4), (4, 4), (4, 3)], seed=3, dtype=np.float64)
    gradient(small, *parameters)  # a step before, so that the last bug has a gradient to keep
    return tl.gradcheck(small_loss, *parameters, grad=lambda *now: gradient(small, *now))


reports = {bug: check(bug) for bug in BUGS}
for bug, report in reports.items():
    print(f"{bug:26} {report.verdict:6} worst relative error {report.worst:.1e}")

# %%
wrong_ones = [report for bug, report in reports.items() if bug != "right"]
assert reports["right"].verdict == "right" and reports["right"].worst < 1e-6
assert all(report.verdict == "wrong" and report.worst > 1e-2 for report in wrong_ones)

# %% [markdown]
# The *relative error* is the difference between the two numbers, divided by the larger of them. For the right gradient
# it is below one in a million, for every wrong one above one in a hundred. Nothing lies between, so you can't take one
# for the other.


# %%
def color_of(bug):
    return BLUE if bug == "right" else ORANGE if bug in hidden else PURPLE


def draw_curves(ax):
    label = {"right": "right", hidden[0]: "six wrong ones", seen[0]: "three wrong ones"}
    for bug in [*hidden, *seen, "right"]:
        style, width = ("--", 1.4) if bug in seen else ("-", 2.6 if bug == "right" else 1.2)
        ax.plot(range(20, 1001, 20), curves[bug], style, color=color_of(bug), lw=width, label=label.get(bug))
    ax.set(xlabel="step", ylabel="accuracy on the training points", ylim=(0, 1.03), title="What the curve says")
    ax.legend(fontsize="small", loc="lower right")


# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), width_ratios=(1, 1.1))
draw_curves(left)
for bug, report in reports.items():
    right.barh(bug, report.worst, left=1e-16, color=color_of(bug))
right.set(xscale="log", xlim=(1e-16, 1e3), xlabel="worst relative error", title="What the check says")
right.invert_yaxis()
show(
    figure,
    "12_trusting_a_gradient_2",
    "Left: accuracy over 1000 steps. The right gradient and six wrong ones all climb to about 99 %; three wrong ones "
    "fall to a third. Right: the worst relative error, on a logarithmic scale. For the right gradient it is about "
    "1e-8, for each of the nine wrong ones between 0.5 and 2.",
)

# %% [markdown]
# On the left, blue ends in the midst of the orange curves; some of them are even faster. On the right it is millions of
# times smaller than all others.
#
# ### How to read a report
#
# Print a report, and you see what was compared. Here is one, with its three worst lines:

# %%
report = reports["everything twice"]
print(report.table(limit=3))
assert report.causes[0][0] == "factor" and "W1" in report.causes[0][1]
assert [row.where for row in report.rows if row.verdict == "right"] == ["W3 all together", "b3 all together"]

# %% [markdown]
# - The second line says in which inputs of the function the gradient is wrong, by their names.
# - The **likely cause** comes next. If a known mistake turns the right numbers into yours, the report names it: here a
#   factor of 2. The same cause in several inputs is said once, for the first of them.
# - Then some of the derivatives. `W2[0, 1]` is one element, moved alone, as we moved $w$. A **direction** moves all
#   elements of an input at once, each by a random amount: one number in which every element has a part, so that
#   a mistake anywhere shows.
# - `ours` is what your gradient says, `numerical` is what the function says, and the **error bar** how well that is
#   known.
# - Why are two derivatives right? Further down all elements of `W3` move by the same amount, and then all of `b3`. That
#   adds the same to all scores, which doesn't change a softmax. Both derivatives are 0, and twice 0 is 0.
#
# Which mistakes are named, and which are only found?

# %%
for bug, report in reports.items():
    print(f"{bug:26} {', '.join(code for code, _ in report.causes) or '–'}")
print(reports["bias: mean, not sum"].causes[0][1])
assert reports["layer 1 never updated"].causes[0][0] == "zero"
assert reports["sign flipped in layer 1"].causes[0][0] == "sign"
assert reports["bias: mean, not sum"].causes[0][0] == "factor"
assert not reports["W2 not transposed"].causes

# %% [markdown]
# The ten that is missing from the bias is the number of points in the batch: a mean instead of a sum.
#
# Had $W_2$ been of shape 64 × 48, "not transposed" would have raised an error at once. Square matrices hide that
# mistake, so don't test with any. (Here we had to, to let the bug live.)
#
# ## How a check can fail
#
# "Compare with a difference quotient" is quickly written, and quickly written badly. This is how many test suites do
# it. The function has many outputs, so they differentiate the *sum* of the outputs. They do it for every element of the
# input, and compare within fixed tolerances.


# %%
def naive(f, rule, x, h=1e-4):
    numerical = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        with np.errstate(invalid="ignore"):  # no warning where x - h isn't allowed
            numerical[i] = (f(x + step).sum() - f(x - step).sum()) / (2 * h)
    ours = rule(np.ones_like(f(x)), x)  # the derivative of a sum by each of its terms is 1
    return np.allclose(ours, numerical, rtol=1e-4, atol=1e-5)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# %% [markdown]
# Let us put four wrong rules and four right ones before it. As in [lesson 4](04_arrays.py), a rule is given `g`, the
# gradient that arrives from above, and the input `x`. Each line has the function, the rule, and the point.

# %%
x = np.random.default_rng(2).normal(size=(3, 5))
WRONG = {
    "softmax: 0": (softmax, lambda g, x: 0 * x, x),
    "x − mean(x): 0": (lambda x: x - x.mean(axis=-1, keepdims=True), lambda g, x: 0 * x, x),
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
# > **Predict.** Which of the four wrong rules does `naive` accept? Which of the right ones does it reject?

# %%
print(f"{'':18} {'naive says':12} tl.gradcheck says")
for name, (f, rule, at) in (WRONG | CORRECT).items():
    report = tl.gradcheck(f, at, vjp=rule)
    print(f"{name:18} {'right' if naive(f, rule, at) else 'wrong':12} {report.verdict}")
    assert naive(f, rule, at) == (name in WRONG)
    assert (report.verdict == "wrong") == (name in WRONG)

# %% [markdown]
# All eight times `naive` says the opposite of what is true. (The eight are chosen for that, of course; but you can meet
# each of them in practice.) There are three reasons.
#
# **First, ones are the worst weights of all.** A row of softmax always sums to 1, whatever the input. So the derivative
# of the sum *is* 0, and a rule that says 0 is right about the only thing that was asked. The same is true of everything
# that subtracts a mean. And a rule that forgets `g` can't be told from a right one when `g` is 1.
#
# The way out: ask for the derivative of a sum with *random weights*, $v_1 y_1 + v_2 y_2 + \dots$ With the Jacobian
# $J_{ij} = \partial y_i / \partial x_j$ of [lesson 4](04_arrays.py) that is $v^\top J$. For softmax the Jacobian is, on
# the diagonal and off it ([lesson 7](07_likelihood.py)),
#
# $$ J_{ii} = y_i (1 - y_i), \qquad J_{ij} = -y_i y_j . \tag{4} $$
#
# The weights $v$ are called a **cotangent**. They take the place of `g`, the gradient that arrives from above. What
# comes out is a *vector–Jacobian product*, and this is what `vjp=` stands for. In code both cases of (4) are one line:
# a diagonal of $y_i$, minus all products $y_i y_j$.

# %%
y = softmax(x[0])
J = np.diag(y) - np.outer(y, y)  # formula (4)
v = np.random.default_rng(3).normal(size=5)
print("with ones:    ", " ".join(f"{number:6.3f}" for number in abs(np.ones(5) @ J)))
print("with random v:", " ".join(f"{number:6.3f}" for number in v @ J))
assert np.abs(np.ones(5) @ J).max() < 1e-15
assert np.abs(v @ J).max() > 0.1

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.8))
image = left.imshow(J, cmap="RdBu_r", vmin=-0.25, vmax=0.25)
left.set(xlabel="input j", ylabel="output i", title="softmax: ∂yᵢ/∂xⱼ")
figure.colorbar(image, ax=left)
right.bar(range(5), v @ J, 0.4, color=BLUE, label="with random weights")
right.plot(range(5), np.ones(5) @ J, "o", color=ORANGE, label="with ones: 0 everywhere")
right.axhline(0, color=GRAY, lw=0.8)
right.set(xlabel="input j", ylabel="what a test sees of it", title="columns, added up", ylim=(-0.25, 0.5))
right.legend(fontsize="small", loc="upper right")
show(
    figure,
    "12_trusting_a_gradient_3",
    "Left: the Jacobian of softmax as a 5 by 5 table of colours, positive on the diagonal, negative elsewhere; each "
    "column adds up to 0. Right: its columns added up. With ones all five sums are 0, with random weights up to 0.3.",
)

# %% [markdown]
# **Second, one tolerance and one step don't fit all numbers.** (You may skip this paragraph, up to "Third".) A gradient
# of $10^{-8}$ disappears in a tolerance of $10^{-5}$. Near $x = 10^8$, on the other hand, the 15 squares add up to $1.4
# \cdot 10^{17}$. There floating-point numbers lie 16 apart, so two such sums differ by a multiple of 16. Divided by
# $2h$ that is a multiple of 80,000. A slope of $4 \cdot 10^7$ can't be measured better, and the tolerance allows 4,000.
# With $x + 10^{10}$ it is the same: the quotient comes in steps of 0.15, so for the slope 1 it gives 0.92 or 1.07. And
# for the square root near $10^{-6}$, $x - h$ is negative. `tl.gradcheck` measures how well it knows each numerical
# derivative, and chooses the step for that. This is what its error bars show.

# %%
for name, total in (("x² near 1e8", np.sum((1e8 * x) ** 2)), ("x + 1e10", np.sum(x + 1e10))):
    apart = np.spacing(total)  # the distance to the next floating-point number
    print(f"{name:12} sum {total:.1e}, numbers {apart:.2g} apart, quotients in steps of {apart / (2 * 1e-4):,.2f}")
assert np.spacing(np.sum((1e8 * x) ** 2)) == 16 and np.isclose(16 / (2 * 1e-4), 80_000)
assert 3.7e7 < np.abs(2 * 1e8 * x).min() < 4e7
assert np.allclose(np.array([6, 7]) * apart / (2 * 1e-4), [0.92, 1.07], atol=0.01)

# %% [markdown]
# **Third, at a kink there is no derivative.** A **kink** is a place where the slope jumps. relu has the slope 0 on the
# left of 0 and 1 on the right, and a difference quotient over both sides says ½, which no sensible rule gives.
# `tl.gradcheck` looks at both sides, and accepts what lies between:


# %%
def relu(x):
    return np.maximum(x, 0)


def rule_with(slope):  # the rule of somebody who says that this is the slope at 0
    return lambda g, x: slope * g


for slope in (0.0, 0.5, 1.0, 1.5):
    report = tl.gradcheck(relu, np.zeros(1), vjp=rule_with(slope))
    print(f"slope {slope} at 0: {report.verdict:6} the first line of the report says: {report.rows[0].verdict}")
    assert (report.verdict == "right") == (slope <= 1)

# %% [markdown]
# ## Who tests the tests?
#
# *You may skip this section, up to "What a check can't tell you".* A check that passes tells you something only if it
# would have failed otherwise. How do you know? Break the code on purpose, and see whether the tests notice. That is
# **mutation testing**: each broken version is a *mutant*, and a test that notices it *kills* it. Here is the right rule
# of softmax,
#
# $$ \bar x = y \odot \Bigl(g - \sum_k g_k y_k\Bigr), \tag{5} $$
#
# and five mutants of it:


# %%
def right_rule(g, x):
    y = softmax(x)
    return y * (g - np.sum(g * y, axis=-1, keepdims=True))  # formula (5)


MUTANTS = {
    "sign": lambda g, x: -right_rule(g, x),
    "twice": lambda g, x: 2 * right_rule(g, x),
    "without g": lambda g, x: right_rule(np.ones_like(g), x),
    "neighbour's": lambda g, x: np.roll(right_rule(g, x), 1, axis=-1),
    "no sum": lambda g, x: softmax(x) * g,
}
by_naive = [name for name, rule in MUTANTS.items() if not naive(softmax, rule, x)]
by_ours = [name for name, rule in MUTANTS.items() if not tl.gradcheck(softmax, x, vjp=rule)]
print(f"naive kills {len(by_naive)} of {len(MUTANTS)}, tl.gradcheck kills {len(by_ours)}")
assert by_naive == ["no sum"] and by_ours == list(MUTANTS)

# %% [markdown]
# One of five, against five of five. With `g` all ones the bracket in (5) is 0, so whatever you do to the result, you do
# it to zeros. Even a flipped sign goes unnoticed.
#
# You needn't write mutants yourself: `tinydl.testing.mutations` breaks any rule of the engine in dozens of ways, and
# `python benchmarks/mutation.py tanh`, in the clone, takes minutes and shows what becomes of them. Look at each
# survivor, and say why it lives. It is either a gap in the tests, or no mistake: with `axis=1` in place of `axis=-1`
# the sum in (5) is the same for every array of two axes, so no test with such arrays can notice it.
#
# ## What a check can't tell you
#
# `tl.gradcheck` says whether the backward pass is the derivative of the forward pass. If the forward pass is wrong (the
# wrong loss, labels that belong to other examples, a softmax too many), the derivative of the wrong thing can be
# perfectly right. [Lesson 13](13_bug_lab.py) is about those.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_relative_error`, `ex_numerical_gradient`,
# `ex_direction`.
#
# 1. Plant a tenth bug of your own in `BUGS`: one that reaches 98 % on the curve. Does `tl.gradcheck` find it? Does
#    it name a cause?
# 2. Repair `naive` with one change: random weights instead of ones, for the sum and for `g`. Run the table of eight
#    again. Which does it get right now? Which of the others could a better tolerance cure, and which could none?
# 3. Write the backward rule of a layer that subtracts from each row its mean, $y = x - \bar x$, as `rule(g, x)`, and
#    check it with `tl.gradcheck(f, x, vjp=rule)`. Then break it in three ways. Does the check notice each?
#
# <details><summary>What you should find</summary>
#
# **1.** Without the tanh′ of layer 1, `{"slope 1": lambda h: 1}`, the curve ends at 98 %. The check finds it, and names
# no cause. With `{"factor": 0.5}` it names one: a factor 2 is missing.
#
# **2.** The first three wrong rules are found now. $10^{-8} \sin x$ needs an `atol` below $10^{-8}$. $x^2$ passes,
# mostly, with an `rtol` of 5 %. No tolerance cures the last three: relu's ½ stays ½, the square root stays "not a
# number", and for $x + 10^{10}$ you would have to allow 10 % of error and more, which lets wrong rules pass.
#
# **3.** The rule is `g - g.mean(axis=-1, keepdims=True)`. The check notices `g` alone, `axis=0` and a flipped sign, and
# names the cause each time.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/checking/gradcheck.py`: `gradcheck`, its three forms (`f` alone, `vjp=`, `grad=`) and the `Report`.
# - `tinydl/checking/numerical.py`: how a step is chosen, where the error bar comes from, how a kink is seen.
# - `tinydl/checking/causes.py`: each cause is a transformation that turns the wrong gradient into the right one.
# - `tinydl/testing.py`: `mutations` (they are in `tinydl/checking/mutations.py`), and hypothesis strategies for your
#   own tests. `benchmarks/mutation.py` breaks every rule of tinydl in this way.
# - `benchmarks/checkers.py`: the methods of other projects against ours, on right and wrong rules.
#
# Next: [lesson 13](13_bug_lab.py): a dozen programs that learn badly, and what is wrong with each.
