# %% [markdown]
# # 2. One neuron by hand
#
# The smallest network there is takes one number $x$, multiplies it by a weight $w$, adds a bias $b$, and squashes the
# sum into the range from 0 to 1:
#
# $$ z = w x + b, \qquad p = \sigma(z) = \frac{1}{1 + e^{-z}} . \tag{1} $$
#
# This is the article's first program. We want the neuron to imitate another one, whose weight is 2 and whose bias is
# −1, from examples alone. How far off it is, we measure by the mean squared error over $n$ examples,
#
# $$ L = \frac1n \sum_{i=1}^n (p_i - y_i)^2 . \tag{2} $$
#
# **The question of this lesson: how does the neuron know in which direction, and how far, to change $w$ and $b$?**
#
# The answer needs one rule of school calculus, the chain rule. We will use it on paper, then in code, then let the
# method of [lesson 1](01_derivatives.py) judge the result.

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, RED, show

import tinydl as tl
from tinydl import functional as F
from tinydl import optim

x = np.linspace(-3, 3, 100)[:, None]  # 100 examples of one number each: shape (100, 1)
y = 1 / (1 + np.exp(-(2 * x - 1)))  # what the other neuron says
print(x.shape, y.shape)

# %% [markdown]
# ## On paper
#
# From $w$ to $L$ there are three steps, each with a derivative one can look up:
#
# | step | its derivative |
# |---|---|
# | $z = w x + b$ | $\partial z / \partial w = x, \quad \partial z / \partial b = 1$ |
# | $p = \sigma(z)$ | $\partial p / \partial z = p\,(1 - p)$ |
# | $L = (p - y)^2$, for one example | $\partial L / \partial p = 2\,(p - y)$ |
#
# The second one deserves a line. With $p = (1 + e^{-z})^{-1}$ we get $p' = e^{-z} / (1 + e^{-z})^2$, and
# $e^{-z} / (1 + e^{-z})$ is $1 - p$. So $p' = p\,(1-p)$: the slope of a sigmoid can be read off its value.
#
# The chain rule says: to get the derivative through several steps, multiply. Starting from the loss and going back,
#
# $$ \frac{\partial L}{\partial w}
#    = \underbrace{2\,(p - y)}_{\partial L/\partial p}
#      \cdot \underbrace{p\,(1-p)}_{\partial p/\partial z}
#      \cdot \underbrace{x}_{\partial z/\partial w} , \qquad
#    \frac{\partial L}{\partial b} = 2\,(p - y) \cdot p\,(1-p) \cdot 1 . \tag{3} $$
#
# > **Predict.** Take $w = 0.5$, $b = 0$ and the single example $x = 2$, $y = 1$. Then $z = 1$ and $p = 0.731$. Compute
# > both derivatives by (3) with pen and paper, to two digits. Will $w$ have to grow or to shrink?

# %%
w1, b1, x1, y1 = 0.5, 0.0, 2.0, 1.0
z1 = w1 * x1 + b1
p1 = 1 / (1 + np.exp(-z1))
dL_dp = 2 * (p1 - y1)
dL_dz = dL_dp * p1 * (1 - p1)
dL_dw, dL_db = dL_dz * x1, dL_dz * 1
print(f"forward:  z {z1:.3f}   p {p1:.3f}   L {(p1 - y1) ** 2:.3f}")
print(f"backward: dL/dp {dL_dp:.3f}   dL/dz {dL_dz:.3f}   dL/dw {dL_dw:.3f}   dL/db {dL_db:.3f}")

assert abs(p1 - 0.731) < 1e-3 and abs(dL_dp - -0.538) < 1e-3
assert abs(dL_dw - -0.21) < 5e-3 and abs(dL_db - -0.106) < 1e-3

# %% [markdown]
# $\partial L/\partial w = -0.21$: a little more $w$ makes a little *less* loss, so $w$ has to grow. Look at the order
# in which we computed. Forward, from the input to the loss, each step needs the value before it. Backward, from the
# loss to the parameters, each step needs the derivative that has arrived so far and multiplies its own onto it.
# Nothing is computed twice: $\partial L/\partial z$ serves both $w$ and $b$. **That is backpropagation**; all that the
# following lessons add is bookkeeping.
#
# ## In code, for all examples at once
#
# The loss is a mean, so the derivative is the mean of the derivatives of the examples. Each line of `backward` is a
# factor of (3):


# %%
def forward(w, b):
    z = w * x + b
    p = 1 / (1 + np.exp(-z))
    return p, np.mean((p - y) ** 2)


def backward(w, b):
    p, _ = forward(w, b)
    dp = 2 * (p - y) / len(x)  # ∂L/∂p, for each example
    dz = dp * p * (1 - p)  # · ∂p/∂z
    return np.sum(dz * x), np.sum(dz)  # · ∂z/∂w and · ∂z/∂b, added up over the examples


dw, db = backward(0.5, 0.0)
print(f"loss {forward(0.5, 0.0)[1]:.4f}   dL/dw {dw:.4f}   dL/db {db:.4f}")
assert dw < 0 < db

# %% [markdown]
# Is it right? Lesson 1 has given us a judge. `tl.gradcheck` takes a function and somebody's rule for its gradient, and
# compares with numerical derivatives that carry an error bar.

# %%
right = tl.gradcheck(lambda w, b: forward(w, b)[1], 0.5, 0.0, grad=backward)
print(right)


def without_slope(w, b):  # a typical mistake: the factor p(1 − p) forgotten
    p, _ = forward(w, b)
    dz = 2 * (p - y) / len(x)
    return np.sum(dz * x), np.sum(dz)


wrong = tl.gradcheck(lambda w, b: forward(w, b)[1], 0.5, 0.0, grad=without_slope)
print(wrong)
assert right.ok and wrong.verdict == "wrong"
assert abs(without_slope(0.5, 0.0)[0] / dw - 5.17) < 0.005

# %% [markdown]
# How to read such a table: a row is one derivative, `ours` is what the rule claims, `numerical` is what was measured,
# and the error bar says how well. `w` and `b` are called as the function calls them; the rows `all inputs` move both at
# once. In the second table $\partial L/\partial w$ is 5.17 times too large. We know why: `p * (1 - p)` is missing. From
# a single number the checker can't know; from the numbers of an array it often finds the cause
# ([lesson 12](12_trusting_a_gradient.py)).
#
# ## Down the slope
#
# The gradient points to where the loss grows fastest; so we go a step the other way, again and again:
#
# $$ w \leftarrow w - \alpha\,\frac{\partial L}{\partial w}, \qquad
#    b \leftarrow b - \alpha\,\frac{\partial L}{\partial b} . \tag{4} $$


# %%
def descend(w, b, rate, steps):
    path = [(w, b)]
    for _ in range(steps):
        dw, db = backward(w, b)
        w, b = w - rate * dw, b - rate * db  # formula (4): both use the old w and b
        path.append((w, b))
    return np.array(path)


path = descend(-2.0, 2.0, rate=5.0, steps=2000)
print("after 2000 steps: w {:.4f}, b {:.4f}".format(*path[-1]))
assert abs(path[-1, 0] - 2) < 0.01 and abs(path[-1, 1] + 1) < 0.01

# %%
ws, bs = np.meshgrid(np.linspace(-3, 4, 71), np.linspace(-3, 3, 61))
surface = np.array([[forward(a, b)[1] for a, b in zip(*row, strict=True)] for row in zip(ws, bs, strict=True)])
figure, axes = plt.subplots()
picture = axes.contourf(ws, bs, surface, levels=np.linspace(0, 0.7, 15), extend="max")
figure.colorbar(picture, label="mean squared error")
axes.plot(*path.T, color="white", lw=1.5)
axes.plot(*path[[0, 10, 50]].T, "o", color="white", ms=4)
axes.plot(2, -1, "*", color=RED, ms=14)
axes.annotate("start", path[0], (-2, -14), textcoords="offset points")
axes.annotate("the other neuron", (2, -1), (-10, 10), textcoords="offset points", color="white")
axes.set(xlabel="weight w", ylabel="bias b", title="2000 steps downhill (dots: the start, after 10 and 50)")
show(figure, "02_one_neuron_1")

# %% [markdown]
# From a bad start, $w = -2$ and $b = 2$, the descent arrives at the other neuron: $w = 2$, $b = -1$. First in long
# strides where the surface is steep, then creeping along the flat valley.
#
# ## With tinydl
#
# `forward` stays as it is, down to the NumPy functions in it; only $w$ and $b$ become Tensors that want a gradient.
# `backward()` does by itself what our function `backward` does by hand.

# %%
w, b = tl.tensor(0.5, requires_grad=True, dtype=float), tl.tensor(0.0, requires_grad=True, dtype=float)
_, loss = forward(w, b)
loss.backward()
print("by tinydl:", w.grad.item(), b.grad.item())
print("by hand:  ", *map(float, backward(0.5, 0.0)))
assert np.allclose([w.grad.item(), b.grad.item()], backward(0.5, 0.0), rtol=1e-12)

# %% [markdown]
# ## The article's program
#
# The article prints this program for TensorFlow. As printed it stops at once, with
# `NameError: name 'x' is not defined`: nowhere does it say what `x` and `y` are. Give it both, and it stops at the next
# mistake, because `loss_fn` is not a function but a number, computed once before the training begins. The same in
# tinydl:

# %%
loss_fn = np.mean((F.sigmoid(w * x + b) - y) ** 2)  # a number, not a function
try:
    loss_fn(y, F.sigmoid(w * x + b))
except TypeError as error:
    print("TypeError:", error)
    assert "not callable" in str(error)
else:
    raise AssertionError("calling a Tensor must fail")

# %% [markdown]
# The tempting repair is to leave out the call and differentiate `loss_fn` itself in every round of the loop. But that
# number was computed from the old $w$ and $b$; it doesn't change when they do. TensorFlow says so (`No gradients
# provided`), and tinydl too:

# %%
loss_fn.backward()  # fine: nothing has changed yet
optim.SGD([w, b], lr=0.1).step()  # changes w and b
try:
    loss_fn.backward()
except tl.ChangedValueError as error:
    print("ChangedValueError:", error)
else:
    raise AssertionError("a loss of old parameters must not be differentiated")

# %% [markdown]
# Here is the program with the smallest repairs: `x` and `y` exist, and the loss is computed afresh in each step. It
# takes 1000 steps with the Adam optimizer ([lesson 10](10_optimizers.py)) at its default rate 0.001, and the article
# says that it trains 「直到达到预设的训练目标」, until the preset goal is reached.
#
# > **Predict.** Adam moves each parameter by at most about its rate per step. From $w = 0.5$, $b = 0$: can it reach
# > $w = 2$, $b = -1$ in 1000 steps of 0.001?


# %%
def train(lr, steps=1000):
    w, b = tl.tensor([[0.5]], requires_grad=True), tl.tensor([0.0], requires_grad=True)
    optimizer = optim.Adam([w, b], lr=lr)
    losses = []
    for _ in range(steps):
        loss = np.mean((F.sigmoid(x @ w + b) - y) ** 2)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return w.item(), b.item(), losses


results = {lr: train(lr) for lr in (0.001, 0.05)}
for lr, (w_end, b_end, losses) in results.items():
    print(f"rate {lr}: w {w_end:.3f}, b {b_end:.3f}, loss {losses[0]:.4f} → {losses[-1]:.1e}")

# %%
figure, axes = plt.subplots()
for (lr, (_, _, losses)), color in zip(results.items(), (ORANGE, BLUE), strict=True):
    axes.semilogy(losses, color=color, label=f"Adam, rate {lr}")
axes.set(xlabel="step", ylabel="mean squared error", ylim=(1e-16, 1), title="1000 steps are not a goal")
axes.legend()
show(figure, "02_one_neuron_2")

slow, fast = results[0.001], results[0.05]
assert abs(slow[0] - 1.14) < 0.02 and abs(slow[1] - -0.52) < 0.02 and slow[2][-1] > 1e-3
assert abs(fast[0] - 2) < 0.01 and abs(fast[1] + 1) < 0.01 and fast[2][-1] < 1e-6

# %% [markdown]
# It can't: it ends at about $w = 1.14$, $b = -0.52$, and there is no goal in the program that could have noticed; it
# counts to 1000 and stops. At 50 times the rate the same program arrives. The repaired version,
# [program_1_neuron.py](program_1_neuron.py), trains at 0.05 and *has* a goal, which it checks.
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong: a sum that isn't one.** A neuron with three inputs computes
# > 「输入数据通过一个权重和偏置进行加权求和」, a weighted *sum*. The article's `w1 * x` sums nothing. How to notice:
# > by the shape. One neuron says one number per example.

# %%
rng = np.random.default_rng(0)
examples, weights = rng.normal(size=(5, 3)), rng.normal(size=3)
print("w * x:", (weights * examples).shape, "  x @ w:", (examples @ weights).shape)
assert (weights * examples).shape == (5, 3) and (examples @ weights).shape == (5,)

# %% [markdown]
# > **What goes wrong: two shapes that shouldn't meet.** Let `y` have shape (100,) instead of (100, 1). Then `p - y` is
# > every prediction minus *every* target, a (100, 100) array, and its mean is a loss that can be differentiated, goes
# > down, and is wrong: it is smallest for $w = 0$. How to notice: the loss stops at the variance of $y$. Or train
# > inside `tl.strict()`, or with `F.mse_loss`, which refuse.

# %%
p, _ = forward(2.0, -1.0)  # a perfect neuron
flat = y[:, 0]
print(f"right shape: {np.mean((p - y) ** 2):.3f}   wrong shape: {np.mean((p - flat) ** 2):.3f}", (p - flat).shape)
print(f"and for w = 0: {np.mean((flat.mean() - flat) ** 2):.3f}")
assert np.mean((p - y) ** 2) == 0 and abs(np.mean((p - flat) ** 2) - 2 * flat.var()) < 1e-12
assert abs(flat.var() - 0.161) < 0.002
try:
    F.mse_loss(tl.tensor(p, requires_grad=True), flat)
except ValueError as error:
    print("ValueError:", error)
else:
    raise AssertionError("unequal shapes must be refused")

# %% [markdown]
# > **What goes wrong: flat where it is most wrong.** 「我们使用均方误差作为损失函数」, says the article, and it runs.
# > But (3) contains $p\,(1-p)$, which is almost 0 when $p$ is near 0 or 1, *also when the answer is wrong*. The more
# > confident the mistake, the smaller the gradient. How to notice: draw the loss over $w$.
#
# The cross-entropy $-y \log p - (1-y) \log(1-p)$ doesn't have that flaw, because its derivative divides by exactly
# $p\,(1-p)$. [Lesson 6](07_likelihood.py) explains where it comes from.


# %%
def losses_of(w, b=-1.0):
    z = w * x + b
    return np.mean((1 / (1 + np.exp(-z)) - y) ** 2), np.mean(np.logaddexp(0, z) - y * z)


grid = np.linspace(-10, 10, 201)
mse, bce = np.array([losses_of(v) for v in grid]).T
figure, axes = plt.subplots()
axes.plot(grid, mse / mse.max(), color=ORANGE, label="mean squared error")
axes.plot(grid, bce / bce.max(), color=GREEN, ls="--", label="cross-entropy")
axes.axvline(2, color=GRAY, ls=":", label="the right weight")
axes.set(
    xlabel="weight w (b = −1)", ylabel="loss, as a part of its largest", title="Squared error is flat far from home"
)
axes.legend(fontsize="small")
show(figure, "02_one_neuron_3")

# %%
h = 1e-5
slopes = [(high - low) / (2 * h) for high, low in zip(losses_of(-8.0 + h), losses_of(-8.0 - h), strict=True)]
print(f"slope at w = -8: squared error {slopes[0]:.3f}, cross-entropy {slopes[1]:.2f}")
assert -0.02 < slopes[0] < -0.002
assert slopes[1] < -1

# %% [markdown]
# ## Exercises
#
# `tinydl learn` has four that check themselves: `ex_neuron`, `ex_sigmoid_vjp`, `ex_chain` and
# `ex_neuron_vjp`. Three more, to do with pen and paper and in a copy of this file:
#
# 1. Derive $\partial L/\partial w$ for $\tanh$ in the place of $\sigma$ (its slope is $1 - p^2$). Change `forward` and
#    `backward`, and let `tl.gradcheck` judge.
# 2. Derive the gradient of the cross-entropy above by $z$. Something cancels, and what is left is short. Check it with
#    `tl.gradcheck`.
# 3. Give the neuron two inputs: `x` of shape (100, 2), `w` of shape (2, 1), so that $z$ is `x @ w + b`. What must
#    `np.sum(dz * x)` become, so that its result has the shape of `w`? Let `tl.gradcheck` judge.
#
# ## Where this lives in tinydl
#
# * `tinydl/derivatives/elementwise.py`: `sigmoid` with its rule; it writes $1 - p$ as $\sigma(-z)$, which keeps its
#   digits when $p$ rounds to 1.
# * `tinydl/derivatives/elementwise.py`: the rules of `+`, `*`, `**`, one line each.
# * `tinydl/engine/tensor.py`: `Tensor.backward` and `propagate`, which multiply the factors together in the right
#   order.
#
# Next: [the graph](03_the_graph.py), where the bookkeeping is done by a program.
