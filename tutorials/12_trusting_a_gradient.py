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
# [lesson 4](04_arrays.py), softmax with cross-entropy from [lesson 7](07_likelihood.py). From "How a check can fail"
# on you may skip everything up to "What a check can't tell you" at a first reading. (The bug lab needs formula (5).)

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
# Somebody forgets the factor $1 - p^2$, one short piece of one line:

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
assert all(np.diff(losses) < 1e-12) and losses[-1] < 0.4 * losses[0]  # no step makes it larger

# %% [markdown]
# It goes down, with every step, by more than half. Anybody would be content. But look where the right gradient leads:

# %%
ws = np.linspace(0, 2, 201)
heights = np.array([loss_at(w) for w in ws])
bottom, stops, still_going = ws[heights.argmin()], by_wrong[-1], by_right[-1]
found = [stops, still_going, bottom, loss_at(stops), loss_at(still_going)]
assert np.allclose(found, [0.31, 0.91, 1.36, 0.222, 0.171], atol=[0.01, 0.01, 0.01, 0.001, 0.001])
assert abs(wrong_gradient(stops)) < 1e-6 and right_gradient(still_going) < -0.02  # one has stopped, one goes on
assert all(wrong_gradient(w) > 0 > right_gradient(w) for w in (0.33, 0.6, 0.9, 1.2, 1.34))

# %%
figure, ax = plt.subplots(figsize=(6.4, 3.4))
ax.plot(ws, heights, color=GRAY)
ax.axvspan(stops, bottom, color=ORANGE, alpha=0.15, label="here the wrong gradient leads back")
ax.plot(stops, loss_at(stops), "s", ms=9, color=ORANGE, label="wrong gradient, 100 steps")
ax.plot(still_going, loss_at(still_going), "o", ms=9, color=BLUE, label="right gradient, 100 steps")
ax.plot(bottom, heights.min(), "^", ms=9, color=PURPLE, label="the bottom")
ax.set(xlabel="w", ylabel="loss", ylim=(0.1, 0.6), title="Both began at w = 0")
ax.legend(fontsize="small")
show(
    figure,
    "12_trusting_a_gradient_1",
    "The loss over w falls from 0.57 at w = 0 to its bottom at 1.36. The wrong descent stands on the slope, at 0.31 "
    "with a loss of 0.222, the right one at 0.91 with 0.171. From 0.31 to 1.36 it is shaded.",
)

# %% [markdown]
# The wrong descent has stopped on the slope, with a loss of 0.222. The right one has 0.171, and is still on its way to
# the bottom. Why did the loss fall all the same? The missing factor is positive, so each *single* example still pulls
# in the right direction, only too hard. At first all three pull to the right. Then the third pulls back, and at 0.31 it
# balances the two others. In the shaded stretch the *sum* has the wrong sign and leads back.
#
# In practice you have no right gradient to compare with. But you do have the loss itself. Go to a place in that
# stretch, say $w = 0.5$, move $w$ a little to both sides, and see how the loss changes:

# %%
w, h = 0.5, 1e-5
numerical = (loss_at(w + h) - loss_at(w - h)) / (2 * h)
print(f"numerical {numerical:.6f}, right {right_gradient(w):.6f}, wrong {wrong_gradient(w):.6f}")
assert abs(numerical - right_gradient(w)) < 1e-8 and right_gradient(w) < 0 < wrong_gradient(w)

# %% [markdown]
# That is a **gradient check**. Its two lines know nothing of the chain rule, and find what a hundred steps have hidden.
#
# ## Nine wrong lines in a network
#
# Was that bad luck? Try a real network: two layers of tanh, softmax, and [lesson 7](07_likelihood.py)'s cross-entropy:
#
# $$ \begin{aligned}
# h_1 &= \tanh(x W_1 + b_1), \\
# h_2 &= \tanh(h_1 W_2 + b_2), \\
# p &= \operatorname{softmax}(h_2 W_3 + b_3), \\
# L &= -\frac1n \sum_{i} \log p_{i, y_i} .
# \end{aligned} \tag{2} $$
#
# A weight matrix has a row for each *input* here, and for each output in [lesson 5](05_layers_and_the_loop.py). The
# network has to tell three arms of a spiral apart, 100 points in each.

# %%
spiral = data.spirals(300, noise=0.1, seed=0)
rows = np.eye(3, dtype=np.float32)[spiral.y]  # the labels as rows: (1, 0, 0), (0, 1, 0) or (0, 0, 1)
batches = [(spiral.x[i : i + 60], rows[i : i + 60]) for i in range(0, 300, 60)]
print(len(batches), "batches of", batches[0][0].shape, "inputs and", batches[0][1].shape, "labels")


def softmax(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))  # without overflow
    return e / e.sum(axis=-1, keepdims=True)


def forward(x, W1, b1, W2, b2, W3, b3):
    h1 = np.tanh(x @ W1 + b1)
    h2 = np.tanh(h1 @ W2 + b2)
    return h1, h2, softmax(h2 @ W3 + b3)


def loss(batch, *parameters):
    x, Y = batch
    return -np.sum(Y * np.log(forward(x, *parameters)[2])) / len(x)


# %% [markdown]
# Now backwards. $\delta_3$ is the gradient of the scores, $\delta_2$ and $\delta_1$ are the gradients before the two
# tanhs, and $Y$ are the labels as rows. The sign $\odot$ multiplies element by element.
#
# $$ \begin{aligned}
# \delta_3 &= (p - Y) / n, \\
# \delta_2 &= \delta_3 W_3^\top \odot (1 - h_2^2), \\
# \delta_1 &= \delta_2 W_2^\top \odot (1 - h_1^2) .
# \end{aligned} \tag{3} $$
#
# The gradient of $W_k$ is what came into the layer, transposed, times $\delta_k$; that of $b_k$ is the sum of its rows.
#
# Each piece that one can get wrong stands under a name in a dictionary, and `backward` asks for it by that name:
# `piece["slope 1"](h1)` is $1 - h_1^2$. So a mistake is planted by exchanging one entry, and `backward` itself stays as
# it is. (A `lambda` is a short function without a name.)

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
# These are nine mistakes that people make. Compare each with the right piece above. "diagonal only" takes the diagonal
# of softmax's Jacobian, $p\,(1 - p)$, times the slope of the loss, $-Y / p$: it forgets that a probability depends on
# the other scores, too. (`dict.fromkeys` gives two pieces the same function.)

# %%
BUGS = {
    "right": {},
    "W2 not transposed": {"back through W2": lambda d, W: d @ W},
    "layer 1 never updated": {"delta 1": lambda d: 0 * d},
    "no tanh′ in layer 2": {"slope 2": lambda h: 1},
    "tanh′ of the wrong number": dict.fromkeys(("slope 1", "slope 2"), lambda h: 1 - np.tanh(h) ** 2),
    "bias: mean, not sum": {"bias": lambda d: d.mean(axis=0)},
    "everything twice": {"factor": 2.0},
    "softmax: diagonal only": {"scores": lambda p, Y: -Y * (1 - p)},
    "sign flipped in layer 1": {"delta 1": lambda d: -d},
    "zero_grad forgotten": {"zero_grad": False},
}


# %% [markdown]
# > **Predict.** Which of the nine will the training curve show? Make a list: "still reaches 98 %", or "doesn't". Can a
# > network succeed whose first layer never learns anything? One whose tanh has no derivative?
#
# The next cells make the parameters, put a mistake into the backward pass, and train. `RIGHT | BUGS[bug]` has the
# entries of both dictionaries; of two with the same name the second counts. `gradient_of` gives back a function with a
# memory: `total` stays from one call to the next, as `p.grad` does, unless `zero_grad` clears it.


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
        for k, new in enumerate(backward(piece, batch, *parameters)):
            total[k] = new if piece["zero_grad"] else total[k] + new
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
            curve.append(np.mean(forward(spiral.x, *parameters)[2].argmax(axis=1) == spiral.y))
    return curve, parameters


curves, trained = {}, {}
for bug in BUGS:
    curves[bug], trained[bug] = train(bug)
    print(f"{bug:26} {curves[bug][-1]:.1%}")

# %% [markdown]
# The right gradient ends at about 99 %. (No network gets 100 %: in the centre one point of each arm lies at the same
# place.) **And so do six of the nine wrong ones.** Three end even above it, on the points they trained on: that is no
# test of a gradient.
#
# **Why did a wrong factor ruin the first example, with its one weight, and does nothing here?** "no tanh′ in layer 2"
# forgets the very factor of our first example. But there no $w$ makes all three answers right. The examples pull
# against each other for ever, descent stops where their pulls *balance*, and wrong factors move that place. On the
# spiral nearly all answers can become right at once. Then each example's own error $p - Y$ goes to 0, and its pull with
# it; and where each pull is 0, it doesn't matter by what you multiply it, as long as no sign turns and you get there.
# ("everything twice" and "bias: mean" are just another learning rate.)
#
# **Layer 1 may go astray; why may it not climb?** It need not learn: it gives 64 random numbers for each point, and
# from these the upper layers learn the spiral alone. So its gradient may be 0. With "W2 not transposed" it isn't 0, but
# has next to nothing to do with the right one. Such a step leads *across* the slope, neither up nor down by much, and
# the upper layers make up for it. Test that: if it led down, it would lead up with a minus before it.

# %%
BUGS["with a minus"] = {"back through W2": lambda d, W: -d @ W}
with_minus = train("with a minus")[0][-1]
del BUGS["with a minus"]
print(f"W2 not transposed: {curves['W2 not transposed'][-1]:.1%}, and with a minus: {with_minus:.1%}")
hidden = [bug for bug in BUGS if bug != "right" and curves[bug][-1] > 0.97]
seen = [bug for bug in BUGS if np.mean(curves[bug][-5:]) < 0.9]
assert with_minus > 0.98 and curves["right"][-1] > 0.98 and hidden == list(BUGS)[1:7] and seen == list(BUGS)[7:]
assert [bug for bug in hidden if curves[bug][-1] > curves["right"][-1]] == [*list(BUGS)[1:3], "bias: mean, not sum"]
assert np.sum(np.all(spiral.x == 0, axis=1)) == 3  # points at (0, 0), one of each class
assert np.quantile(np.sum(forward(spiral.x, *trained["no tanh′ in layer 2"])[2] * rows, axis=1), 0.1) > 0.95
assert np.abs(trained["zero_grad forgotten"][0]).max() > 100 * np.abs(trained["right"][0]).max()
_, h2, p = forward(spiral.x, *trained["softmax: diagonal only"])
assert np.abs(h2).min() > 0.999 and np.ptp(h2, axis=0).max() < 0.001 and np.ptp(p, axis=0).max() < 0.001

# %% [markdown]
# Both succeed. Three of the nine fail:
#
# - **sign flipped**: here the minus does harm, as it stands before the *right* gradient: the steepest way up. Each
#   step of layer 1 climbs, and undoes what the two others learn.
# - **zero_grad forgotten**: each step goes along the *sum* of all gradients so far, and the steps grow.
# - **diagonal only**: only the right class gets a gradient, so scores are pushed up and never down. All three go up
#   alike, which changes no probability, so it never ends. At last each tanh of layer 2 is the same, −1 or 1, for all.
#
# > **What goes wrong.** On this task the six did no harm that you could see. On another they will, as in the small
# > example, and you blame the network or the data. How to notice it? Not by the loss or the accuracy, even if they get
# > better: that is no test. Check the gradient itself.
#
# ## The check that finds all nine
#
# `tl.gradcheck` does for each parameter what we did for $w$ above. You give it the function, the point and your
# gradient, and it compares that with numerical derivatives of formula (2), which know nothing of formula (3). A small
# network is enough, since the code is the same: ten points, and layers of four units. The numbers are float64 here,
# since a difference quotient loses many digits ([lesson 1](01_derivatives.py)).

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
    cause = ", ".join(code for code, _ in report.causes) or "–"
    print(f"{bug:26} {report.verdict:6} worst relative error {report.worst:.1e}, likely cause: {cause}")
    assert report.verdict == "right" and report.worst < 1e-6 if bug == "right" else 0.49 < report.worst < 2.01

# %% [markdown]
# The *relative error* of two numbers is $|a - b| / \max(|a|, |b|)$: 0.5 for 1 and 2, and 2 for 1 and −1. For the right
# gradient it is below one in a million, for the wrong ones between 0.5 and 2. You can't take one for the other.

# %%
colors = {"right": BLUE} | dict.fromkeys(hidden, ORANGE) | dict.fromkeys(seen, PURPLE)
styles = dict(zip(seen, ("-.", ":", "--"), strict=True))  # those of the three that fail
labels = dict.fromkeys(hidden[1:], "") | {hidden[0]: "six wrong ones"}
assert abs(curves["everything twice"][4] - 0.80) < 0.05 and abs(curves["no tanh′ in layer 2"][9] - 0.68) < 0.1
assert curves["zero_grad forgotten"][3] > 0.85 and curves["right"][3] < 0.75  # after 80 steps
assert abs(curves["sign flipped in layer 1"][7] - 0.80) < 0.06 and max(curves["softmax: diagonal only"][1:]) < 0.34

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.2), width_ratios=(1, 1.1))
for bug in [*hidden, *seen, "right"]:
    look = {"ls": styles.get(bug, "-"), "lw": 2.6 if bug == "right" else 1.3, "label": labels.get(bug, bug)}
    left.plot(range(20, 1001, 20), curves[bug], color=colors[bug], **look)
    right.barh(bug, reports[bug].worst, left=1e-16, color=colors[bug])
left.set(xlabel="step", ylabel="accuracy on the training points", ylim=(0, 1.03), title="What the curve says")
left.legend(fontsize="small", loc="lower right")
right.set(xscale="log", xlim=(1e-16, 1e3), xlabel="worst relative error", title="What the check says")
show(
    figure,
    "12_trusting_a_gradient_2",
    "Left: accuracy over 1000 steps. The right gradient and six wrong ones climb to about 99 %. Three fall to a third, "
    "two of them after early peaks. Right: worst relative error, about 1e-8 if right, else 0.5 to 2.",
)

# %% [markdown]
# On the left, the six orange curves can't be told apart, and needn't be: blue ends in their midst. Two crash on the way
# and recover, "everything twice" (about 80 % at step 100) and "no tanh′ in layer 2" (about 70 % at step 200). Two
# purple ones begin well: after 80 steps "zero_grad forgotten" is above 90 %, far *ahead* of the right gradient, and the
# flipped sign climbs to about 80 %. Only then do they fall. On the right there is no doubt: the blue bar ends far from
# all others.
#
# ### How to read a report
#
# Print a report, and you see what was compared. Here are three lines of one, and what it finds right:

# %%
report = reports["everything twice"]
print(report.table(limit=3))
right_rows = [row.where for row in report.rows if row.verdict == "right"]
print("right:", ", ".join(right_rows))
assert right_rows == ["W3 all together", "b3 all together"] and len(report.rows) == 92
assert [sum(row.where.startswith(name) for row in report.rows) for name in ("W3", "b3", "all inputs")] == [19, 10, 3]
causes = [reports[bug].causes[0][1] for bug in ("bias: mean, not sum", "everything twice", "zero_grad forgotten")]
assert "factor 10 is missing" in causes[0] and "2 times" in causes[1] and "2 times" in causes[2]

# %% [markdown]
# - If a known mistake turns the right numbers into yours, it is the **likely cause**. Here it is a factor of 2: `ours`,
#   what your gradient says, is twice `numerical`, what the function says. The **error bar** is how well that is known.
# - `W2[0, 1]` is one element, moved alone, as we moved $w$. A **direction** moves all elements of an input at once,
#   each by a random amount: one number in which every element has a part, so that a mistake anywhere shows.
# - Why 92 derivatives? There are 47 elements. Each of the six inputs is moved along six random directions, too, and
#   along one that moves its elements alike, "all together". Three more move all inputs at once: 47 + 6 · 7 + 3 = 92.
#   ($w$ and $b$ of [lesson 2](02_one_neuron.py) have one element, so no directions of their own: 2 + 3 = 5.)
# - Why are two right? If all of `W3`, or all of `b3`, moves alike, that adds the same to all scores, and the softmax
#   doesn't change. Both derivatives are 0, and twice 0 is 0.
#
# In the table of nine, "bias: mean, not sum" has the factor 10, the number of points, and "zero_grad forgotten" looks
# like a factor 2, since the step before it had the same gradient. Four have no cause: the checker tries known mistakes
# on the *final* numbers, and a mistake in the middle of the chain, as a missing transpose of $W_2$, turns them into
# anything. (That one could only live because $W_2$ is square: with 64 × 48 it is an error at once. So test with shapes
# that aren't square.)
#
# ## How a check can fail
#
# This is how many test suites compare with a difference quotient. The function has many outputs, so they differentiate
# their *sum*, by every element of the input. The allowed difference is `atol` + `rtol` · |numerical|.


# %%
def naive(f, rule, x, h=1e-4):
    numerical = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = h
        numerical[i] = (f(x + step).sum() - f(x - step).sum()) / (2 * h)
    ours = rule(np.ones_like(f(x)), x)  # the derivative of a sum by each of its terms is 1
    return np.allclose(ours, numerical, rtol=1e-4, atol=1e-5)


# %% [markdown]
# Try it on four wrong rules and two right ones. As in [lesson 4](04_arrays.py), a rule is given `g`, the gradient that
# arrives from above, and the input `x`. Each line has the function, the rule, and the point.
#
# > **Predict.** Which of the four wrong rules does `naive` accept? Does it accept the right ones?

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
    "x + 1e10": (lambda x: x + 1e10, lambda g, x: g, x),
}
for name, (f, rule, at) in (WRONG | CORRECT).items():
    report = tl.gradcheck(f, at, vjp=rule)
    print(f"{name:16} naive says {'right' if naive(f, rule, at) else 'wrong'}, tl.gradcheck says {report.verdict}")
    assert naive(f, rule, at) == (report.verdict == "wrong") == (name in WRONG)

# %% [markdown]
# All six times `naive` says the opposite of what is true. (They are chosen for that.) There are three reasons.
#
# **First, ones are the worst weights of all.** A row of softmax always sums to 1, whatever the input. So the derivative
# of the sum *is* 0, and a rule that says 0 is right about the only thing that was asked. The same is true of everything
# that subtracts a mean. And a rule that forgets `g` can't be told from a right one when `g` is 1.
#
# The way out: take a sum with *random weights*, $g_1 y_1 + g_2 y_2 + \dots$ The weights are called a **cotangent**, and
# stand for the gradient that arrives from above. With the Jacobian $J_{ij} = \partial y_i / \partial x_j$ of
# [lesson 4](04_arrays.py) the answer is $g^\top J$, a *vector–Jacobian product*, in short `vjp`. For softmax
# ([lesson 7](07_likelihood.py)) the Jacobian is
#
# $$ J_{ii} = y_i (1 - y_i), \qquad J_{ij} = -y_i y_j . \tag{4} $$
#
# Multiply each $g_i$ with row $i$ and add up: $x_j$ gets $g_j y_j - \sum_i g_i y_i y_j$. So the rule of softmax is
#
# $$ g^\top J = y \odot \Bigl(g - \sum_i g_i y_i\Bigr) . \tag{5} $$

# %%
y = softmax(x[0])
J = np.diag(y) - np.outer(y, y)  # formula (4): a diagonal of y, minus all products
g = np.random.default_rng(3).normal(size=5)
print(f"largest element: {np.abs(np.ones(5) @ J).max():.3f} with ones, {np.abs(g @ J).max():.3f} with random g")
assert np.abs(np.ones(5) @ J).max() < 1e-15 and np.allclose(g @ J, y * (g - np.sum(g * y)))  # formula (5)

# %% [markdown]
# **Second, one tolerance and one step don't fit all numbers.** $10^{-8}$ disappears in a tolerance of $10^{-5}$, and
# $x + 10^{10}$ is so large that rounding spoils the small difference. `tl.gradcheck` measures how well it knows each
# numerical derivative, and chooses the step for that. This is what its error bars show.
#
# **Third, at a kink, where the slope jumps, there is no derivative.** relu has the slope 0 on the left of 0 and 1 on
# the right, and a difference quotient over both says ½. A rule that says 0 or 1 is as good. `tl.gradcheck` looks at
# both sides, accepts what lies between, and says "kink" in its report.
#
# **Who tests the tests?** A check that passes tells you something only if it would have failed otherwise. So break the
# code on purpose, as with the nine bugs, and see whether the check notices: that is **mutation testing**. (In the
# clone, `python -m pip install ".[test]"`, then `python benchmarks/mutation.py tanh` does it for tinydl, in minutes.)
#
# ## What a check can't tell you
#
# Whether the *forward* pass is right. With a wrong loss, labels of other examples or a softmax too many, the derivative
# of the wrong thing can be perfectly right. [Lesson 13](13_bug_lab.py) is about those.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_relative_error`, `ex_numerical_gradient`, `ex_direction`.
#
# 1. Plant a tenth bug in `BUGS`, one that reaches 98 % on the curve. Does `tl.gradcheck` find it, and name a cause?
# 2. Give `naive` random weights instead of ones, for the sum and for `g`, and run the table of six again. Which does it
#    get right now? Which of the others could a better tolerance cure?
# 3. Write the backward rule of a layer that subtracts from each row its mean, as `rule(g, x)`, and check it with
#    `tl.gradcheck(f, x, vjp=rule)`. Then break it in three ways. Does the check notice each?
#
# <details><summary>What you should find</summary>
#
# **1.** Without the tanh′ of layer 1, `{"slope 1": lambda h: 1}`, the curve ends at 98 %. The check finds it, and names
# no cause. With `{"factor": 0.5}` it names one: a factor 2 is missing.
#
# **2.** The first three wrong rules are found now. $10^{-8} \sin x$ needs an `atol` below $10^{-8}$. No tolerance cures
# the others: relu's ½ stays ½, and for $x + 10^{10}$ the quotient is wrong by per cents, more where $g$ is small.
#
# **3.** `g - g.mean(axis=-1, keepdims=True)`. The check notices `g` alone, `axis=0` and a flipped sign, with the cause.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/checking/gradcheck.py`: `gradcheck`, its three forms (`f` alone, `vjp=`, `grad=`) and the `Report`.
# - Beside it: `numerical.py` chooses the step and measures the error bar, `causes.py` names the likely cause.
#
# Next: [lesson 13](13_bug_lab.py): a dozen programs that learn badly, and what is wrong with each.
