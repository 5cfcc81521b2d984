# %% [markdown]
# # 2. One neuron by hand
#
# How does a neuron know in which direction, and how far, to change its weight?
#
# A network with a billion weights learns by the same four lines as a neuron with a single one. Here you go through them
# with numbers that you can check on paper, write a training loop by hand, and see tinydl do the same.
#
# *You need:* the chain rule and NumPy arrays, from [Before you start](00_before_you_start.py), and the central
# difference of [lesson 1](01_derivatives.py).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import GRAY, RED, show

import tinydl as tl
from tinydl import optim

# %% [markdown]
# ## The smallest network
#
# One neuron takes a number $x$, multiplies it by a **weight** $w$, and adds a **bias** $b$:
#
# $$ z = w x + b . $$
#
# Then it squashes the result into the range from 0 to 1, with a function called the **sigmoid**, $\sigma$ ("sigma"):
#
# $$ p = \sigma(z) = \frac{1}{1 + e^{-z}} . \tag{1} $$
#
# A very negative $z$ becomes almost 0, a very positive one almost 1, and 0 becomes ½. You can read $p$ as "how sure am
# I that the answer is yes?".


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


for z in (-5.0, -1.0, 0.0, 1.0, 5.0):
    print(f"sigmoid({z:4.1f}) = {sigmoid(z):.3f}")
assert sigmoid(0.0) == 0.5 and sigmoid(-5.0) < 0.01 and sigmoid(5.0) > 0.99

# %% [markdown]
# ## One example, on paper
#
# Say that $w = 0.5$ and $b = 0$, and that for $x = 2$ the right answer is $y = 1$. The neuron computes
# $z = 0.5 \cdot 2 + 0 = 1$ and $p = \sigma(1) = 0.731$. How wrong is that? We measure it by the squared error,
#
# $$ L = (p - y)^2 , \tag{2} $$
#
# which is $(0.731 - 1)^2 = 0.072$ here. $L$ is called the **loss**, and we want it small. Should $w$ grow or shrink?
# That is what the derivative $\partial L / \partial w$ says: if $w$ grows by a little, $L$ grows by so many times as
# much.
#
# From $w$ to $L$ there are three steps, each with a derivative that you can look up:
#
# | step | its derivative |
# |---|---|
# | $z = w x + b$ | $\partial z / \partial w = x$, $\partial z / \partial b = 1$, and $\partial z / \partial x = w$ |
# | $p = \sigma(z)$ | $\partial p / \partial z = p\,(1 - p)$ |
# | $L = (p - y)^2$ | $\partial L / \partial p = 2\,(p - y)$ |
#
# The second one deserves a line. With $p = (1 + e^{-z})^{-1}$ the chain rule gives $p' = e^{-z} / (1 + e^{-z})^2$. One
# of the two factors $1 + e^{-z}$ belongs to $p$, and what remains, $e^{-z} / (1 + e^{-z})$, is $1 - p$. So
# $p' = p\,(1-p)$: you can read off the slope of a sigmoid from its value.
#
# The chain rule says: slopes in a row are multiplied. Begin at the loss and go back,
#
# $$ \frac{\partial L}{\partial w}
#    = \underbrace{2(p - y)}_{\partial L/\partial p}
#      \cdot \underbrace{p(1-p)}_{\partial p/\partial z}
#      \cdot \underbrace{x}_{\partial z/\partial w} \tag{3} $$
#
# For $b$ only the last factor is another one, 1 in the place of $x$. (And for $x$ it would be $w$. Nobody changes $x$
# here. But in a network $x$ comes from the neurons before, and they need that slope.)
#
# > **Predict.** Take a pen and compute $\partial L/\partial w$ and $\partial L/\partial b$ for our example, to two
# > digits. Will $w$ have to grow or to shrink? Then run the next cell.

# %%
w, b, x, y = 0.5, 0.0, 2.0, 1.0

z = w * x + b  # forward, from the input to the loss
p = sigmoid(z)
L = (p - y) ** 2
dp = 2 * (p - y)  # backward: ∂L/∂p
dz = dp * p * (1 - p)  # ∂L/∂z
dw = dz * x  # ∂L/∂w
db = dz * 1  # ∂L/∂b
print(f"forward:  z {z:.3f}   p {p:.3f}   L {L:.3f}")
print(f"backward: dL/dp {dp:.3f}   dL/dz {dz:.3f}   dL/dw {dw:.3f}   dL/db {db:.3f}")
assert z == 1 and abs(p - 0.731) < 1e-3 and abs(L - 0.072) < 1e-3
assert abs(dw - -0.21) < 5e-3 and abs(db - -0.11) < 5e-3

# %% [markdown]
# $\partial L/\partial w = -0.21$: a little *more* $w$ makes a little *less* loss. So $w$ has to grow.
#
# Look at the order. Forward, from the input to the loss, each line needs the value of the line before. Backward, from
# the loss to $w$ and $b$, each line takes the derivative that has arrived so far and multiplies its own onto it.
# Nothing is computed twice: `dz` serves both $w$ and $b$. **That is backpropagation.** What the next lessons add is
# bookkeeping.
#
# Is the number right? In [lesson 1](01_derivatives.py) you learned to measure:


# %%
def loss_at(w, b):
    return (sigmoid(w * x + b) - y) ** 2


h = 1e-5
measured = (loss_at(w + h, b) - loss_at(w - h, b)) / (2 * h)
print(f"dL/dw: by the chain rule {dw:.6f}, measured {measured:.6f}")
assert abs(measured - dw) < 1e-9

# %% [markdown]
# ## A step, and another: the training loop
#
# The derivative says where the loss grows. So go a little the *other* way, and do it again and again:
#
# $$ \begin{aligned}
#    w &\leftarrow w - \alpha\,\frac{\partial L}{\partial w} \\
#    b &\leftarrow b - \alpha\,\frac{\partial L}{\partial b}
#    \end{aligned} \tag{4} $$
#
# The arrow means "becomes". The number $\alpha$ ("alpha") says how far to go; it is called the **learning rate**.
# This method is **gradient descent**. Here are six rounds of it, with $\alpha = 1$:

# %%
rate = 1.0
losses = []
for step in range(6):
    p = sigmoid(w * x + b)  # 1. predict
    L = (p - y) ** 2  # 2. measure how wrong that is
    dz = 2 * (p - y) * p * (1 - p)  # 3. find the derivatives, going back
    dw, db = dz * x, dz
    print(f"step {step}: w {w:.3f}  b {b:.3f}  p {p:.3f}  loss {L:.4f}")
    losses.append(L)
    w = w - rate * dw  # 4. take a step, formula (4)
    b = b - rate * db
assert abs(losses[1] - 0.032) < 5e-4 and losses == sorted(losses, reverse=True)

# %% [markdown]
# The loss falls from 0.072 to 0.032 in the first step, and it goes on falling. These four lines, predict, measure,
# derivatives, step, are the **training loop**, in every program that trains a network.
#
# ## Several inputs
#
# A real neuron has many inputs, each with its own weight: $z = w_1 x_1 + w_2 x_2 + b$. This sum of products is the *dot
# product* $w \cdot x$. In NumPy it is `w @ x`, for two arrays of shape `(2,)`. By $w_1$ the slope of $z$ is $x_1$, by
# $w_2$ it is $x_2$. So the rule is the same as above, with arrays:

# %%
weights, inputs = np.array([1.0, 2.0]), np.array([3.0, 4.0])
z = weights @ inputs  # 1 · 3 + 2 · 4
dz = 10.0  # let this slope, ∂L/∂z, come in from behind
print("z =", z, "  dL/dw =", dz * inputs, "  dL/dx =", dz * weights)
assert z == 11 and np.all(dz * inputs == [30, 40]) and np.all(dz * weights == [10, 20])

# %% [markdown]
# ## A hundred examples
#
# One example doesn't say much. Let another neuron, whose weight is 2 and whose bias is −1, answer for a hundred values
# of $x$. Our neuron, with one weight again, is to find out that weight and that bias from the answers alone.
#
# From here on `x` and `y` are arrays of a hundred numbers, and `w * x + b` computes a hundred $z$ at once. The loss is
# now the mean of the squared errors:
#
# $$ L = \frac1n \sum_{i=1}^n (p_i - y_i)^2 . \tag{5} $$

# %%
x = np.linspace(-3, 3, 100)  # 100 numbers from -3 to 3
y = sigmoid(2 * x - 1)  # what the other neuron says


def forward(w, b):  # uses x and y from above
    p = sigmoid(w * x + b)
    return p, np.mean((p - y) ** 2)


assert x.shape == y.shape == (100,) and forward(2.0, -1.0)[1] == 0

# %% [markdown]
# The derivative of a sum is the sum of the derivatives. So `backward` does what you did on paper, for each example, and
# adds up. The mean contributes the factor $1/n$. (`dz @ x` multiplies the two and adds up, in one go.)


# %%
def backward(w, b):
    p, _ = forward(w, b)  # _ takes the loss, which isn't needed here
    dp = 2 * (p - y) / len(x)  # ∂L/∂p, a hundred numbers
    dz = dp * p * (1 - p)  # ∂L/∂z, a hundred numbers
    return dz @ x, np.sum(dz)  # ∂L/∂w and ∂L/∂b, added up over the examples


dw, db = backward(0.5, 0.0)
print(f"loss {forward(0.5, 0.0)[1]:.4f}   dL/dw {dw:.4f}   dL/db {db:.4f}")
assert dw < 0 < db

# %% [markdown]
# Before you train with a rule that you wrote yourself, let the judge of [lesson 1](01_derivatives.py) check it. Here is
# the right rule, and one with a typical mistake, the factor $p\,(1-p)$ forgotten.


# %%
def without_slope(w, b):
    p, _ = forward(w, b)
    dz = 2 * (p - y) / len(x)  # · p · (1 − p) is missing
    return dz @ x, np.sum(dz)


right = tl.gradcheck(lambda w, b: forward(w, b)[1], 0.5, 0.0, grad=backward)
wrong = tl.gradcheck(lambda w, b: forward(w, b)[1], 0.5, 0.0, grad=without_slope)
too_large = without_slope(0.5, 0.0)[0] / backward(0.5, 0.0)[0]
print(f"backward: {right.verdict}")
print(f"without_slope: {wrong.verdict}, dL/dw is {too_large:.2f} times too large")
assert right.verdict == "right" and wrong.verdict == "wrong" and abs(too_large - 5.17) < 0.005

# %% [markdown]
# The judge noticed. (Its whole report, which `print(wrong)` shows, is for [lesson 12](12_trusting_a_gradient.py).)
#
# ## Down the slope
#
# Now train. It is the same loop as before, with `backward` for its third line. The start is a bad one on purpose.


# %%
def descend(w, b, rate, steps, slopes=backward):
    path, losses = [(w, b)], []
    for _ in range(steps):
        _, loss = forward(w, b)  # 1. predict, 2. measure
        dw, db = slopes(w, b)  # 3. derivatives
        w, b = w - rate * dw, b - rate * db  # 4. step
        path.append((w, b))
        losses.append(loss)
    return np.array(path), losses  # the path has a row for each step: w and b


path, losses = descend(-2.0, 2.0, rate=5.0, steps=2000)
w_end, b_end = path[-1]
print(f"after 2000 steps: w {w_end:.4f}, b {b_end:.4f}, loss {losses[-1]:.0e}")
assert abs(w_end - 2) < 1e-4 and abs(b_end + 1) < 1e-4

# %% [markdown]
# It found $w = 2$ and $b = -1$. To see how, draw the loss of many pairs of $w$ and $b$ as a map: dark is low.

# %%
ws, bs = np.linspace(-3, 4, 71), np.linspace(-3, 3, 61)
surface = np.zeros((61, 71))  # a row for each bias, a column for each weight
for row, bias in enumerate(bs):
    for column, weight in enumerate(ws):
        surface[row, column] = forward(weight, bias)[1]

# %%
figure, axes = plt.subplots()
picture = axes.contourf(ws, bs, surface, levels=np.linspace(0, 0.7, 15), extend="max")
figure.colorbar(picture, label="mean squared error")
axes.plot(path[:51, 0], path[:51, 1], ".-", color="white", lw=1, ms=4)  # rows 0 to 50 of column 0, and of column 1
for step, place in ((0, (-12, -20)), (5, (10, 0)), (10, (10, -2)), (50, (-62, -2))):
    axes.plot(path[step, 0], path[step, 1], "o", color="white", ms=5)
    axes.annotate(f"step {step}", path[step], place, textcoords="offset points", color="0.1" if step == 0 else "white")
axes.plot(2, -1, "*", color=RED, ms=10, markeredgecolor="white")
axes.annotate("the other neuron", (2, -1), (10, -4), textcoords="offset points", color="white")
axes.set(xlabel="weight w", ylabel="bias b", title="The first 50 steps downhill, learning rate 5: a dot for each")
show(figure, "02_one_neuron_1", "The loss over w and b as a map. 50 steps lead from (-2, 2) downhill to (2, -1).")
assert np.abs(path[50] - (2, -1)).max() < 0.1

# %% [markdown]
# First come long strides where the map is steep, then small ones where it is flat: the step is the slope times
# $\alpha$. After 50 steps it is within 0.1 of the other neuron, and the other 1950 steps happen under the star.
#
# ## How far?
#
# > **Predict.** We took $\alpha = 5$, and the first step led from $w = -2$ to $-1.5$. What will the loss do with a
# > tenth of that rate, 0.5? And with 20 times as much, 100? "Twenty times as fast" is one guess. Is it yours?

# %%
found = {}
for rate in (0.5, 5, 100):
    path, losses = descend(-2.0, 2.0, rate, 1001)
    found[rate] = losses[100]
    print(f"learning rate {rate}: loss after 100 steps {losses[100]:.1e}, after 1000 {losses[1000]:.1e}")
    print("    w after 1, 100, 101 and 102 steps:", path[[1, 100, 101, 102], 0].round(2))
assert found[5] < 1e-5 < 1e-3 < found[0.5] < 1e-2 and abs(found[100] - 0.009) < 5e-4
assert np.allclose(path[[1, 100, 101, 102], 0], (7.6, 3.1, 2.5, 3.1), atol=0.05) and abs(losses[1000] - 0.009) < 5e-4

# %% [markdown]
# With 0.5 the loss falls, but slowly. With 100 the first step is 20 times as long as the one on the map, and ends at
# $w = 7.6$, far beyond its right edge. The neuron comes back, but doesn't settle: from 3.1 it jumps to 2.5, from there
# to 3.1, on and on. Its loss after 100 steps looks harmless, 0.009 like that of the rate 0.5, since both places lie
# near the right one. But after 1000 steps it is still the same. *How far* is your choice, and no formula will tell you:
# try a few rates that differ by a factor of 10.
#
# ## With tinydl
#
# For many layers `backward` is a lot of work, and easy to get wrong. tinydl does it. Write the forward pass with
# NumPy as you did, but let `w` and `b` be *Tensors*, arrays that remember how they were computed. `requires_grad=True`
# says "I want the derivative by this one"; `loss.backward()` puts it into `w.grad`.

# %%
w = tl.tensor(0.5, requires_grad=True)
b = tl.tensor(0.0, requires_grad=True)
_, loss = forward(w, b)  # our function from above, unchanged
loss.backward()
print(f"by tinydl: dL/dw {w.grad.item():.6f}   dL/db {b.grad.item():.6f}")
print(f"by hand:   dL/dw {dw:.6f}   dL/db {db:.6f}")  # from backward(0.5, 0.0) above
assert abs(w.grad.item() - dw) < 1e-7 and abs(b.grad.item() - db) < 1e-7

# %% [markdown]
# They agree. (`tl.tensor` makes `float32`, with about 7 digits; `.item()` takes the single number out of a Tensor.)
#
# The loop stays the same too. The step of formula (4) is done by an *optimizer*, *SGD* (stochastic gradient descent:
# one mostly takes a random part of the examples), whose `lr` is the learning rate. One line is new: `zero_grad`.
# `backward()` *adds* to what `.grad` holds, so that has to be cleared first. [Lesson 3](03_the_graph.py) shows why.

# %%
w = tl.tensor(-2.0, requires_grad=True)
b = tl.tensor(2.0, requires_grad=True)
optimizer = optim.SGD([w, b], lr=5.0)  # what it may change, and the learning rate
for _ in range(2000):
    _, loss = forward(w, b)  # 1. predict, 2. measure
    optimizer.zero_grad()  # forget the old derivatives
    loss.backward()  # 3. the new ones
    optimizer.step()  # 4. step
print(f"by tinydl: w {w.item():.4f}, b {b.item():.4f}")
assert abs(w.item() - w_end) < 1e-4 and abs(b.item() - b_end) < 1e-4

# %% [markdown]
# ## What goes wrong, and how to notice
#
# > **What goes wrong: two shapes that shouldn't meet.** Data often come as a column, of shape (100, 1). Let `y` be one
# > while `p` has shape (100,). Then `p - y` is every prediction minus *every* answer, a table of 100 × 100 numbers.
# > Nothing stops, and the loss goes down:

# %%
column = y.reshape(100, 1)
w, b = tl.tensor(-2.0, requires_grad=True), tl.tensor(2.0, requires_grad=True)
optimizer = optim.SGD([w, b], lr=5.0)
for step in range(101):
    p = sigmoid(w * x + b)
    loss = np.mean((p - column) ** 2)  # two shapes that shouldn't meet
    if step in (0, 10, 100):
        print(f"step {step}: loss {loss.item():.3f}, w {w.item():.3f}, shape of p - y {(p - column).shape}")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
assert abs(np.mean((sigmoid(2 - 2 * x) - column) ** 2) - 0.364) < 5e-4  # at the start
assert (p - column).shape == (100, 100) and abs(loss.item() - 0.161) < 5e-4 and abs(w.item()) < 1e-6

# %% [markdown]
# It falls from 0.364 to 0.161, and yet $w$ ends at 0: as each $p$ is compared with all answers, it's best to ignore $x$
# and say their mean. How to notice: print the shape of `p - y`. Or take `tl.functional.mse_loss` for the mean squared
# error: it refuses unequal shapes.
#
# > **What goes wrong: slow where it is most wrong.** Formula (3) contains $p\,(1-p)$, almost 0 when $p$ is near 0 or 1,
# > *even when the answer is wrong*. How to notice: the loss hardly falls, though it is large.
#
# Another loss doesn't have that flaw. If the right answer is 1, it is $-\ln p$: 0 at $p = 1$, 0.7 at ½, 4.6 at 0.01,
# and there is no limit, while the squared error never costs more than 1. If the answer is 0, it is $-\ln(1 - p)$. Both
# in one formula are the *cross-entropy* ([lesson 7](07_likelihood.py) tells where it comes from):
#
# $$ L = -y \ln p - (1-y) \ln(1-p) . $$
#
# The slope of $\ln p$ is $1/p$, and that of $\ln(1-p)$ is $-1/(1-p)$. So $\partial L / \partial p$ is
# $-\frac{y}{p} + \frac{1-y}{1-p} = \frac{p - y}{p\,(1-p)}$. On the way back that is multiplied by the slope of the
# sigmoid, which is just $p\,(1-p)$. The two cancel, and $\partial L / \partial z = p - y$: the more wrong, the steeper.
#
# > **Predict.** Start at $w = -8$, $b = -1$, where nearly all answers are wrong, and train once with each loss, at the
# > same rate of 5. Until the mean squared error is below $10^{-6}$, the squared error needs about 900 steps. How many
# > does the cross-entropy need?


# %%
def backward_cross(w, b):
    p, _ = forward(w, b)
    dz = (p - y) / len(x)  # p · (1 − p) has cancelled
    return dz @ x, np.sum(dz)


# %%
figure, axes = plt.subplots()
needed = {}
for name, slopes, style in (("squared error", backward, "-"), ("cross-entropy", backward_cross, "--")):
    _, losses = descend(-8.0, -1.0, 5.0, 1000, slopes)
    needed[name] = np.argmax(np.array(losses) < 1e-6)  # the first step for which this is true
    print(f"{name}: {needed[name]} steps")
    axes.semilogy(losses[: needed[name] + 1], ls=style, label=f"trained with the {name}")
axes.axhline(1e-6, color=GRAY, ls=":", label="the goal, 1e-6")
axes.set(xlabel="step", ylabel="mean squared error", title="From w = −8, where nearly all is wrong")
axes.legend()
show(figure, "02_one_neuron_2", "The loss falls to 1e-6 in 869 steps with squared error, in 29 with cross-entropy.")
assert needed == {"squared error": 869, "cross-entropy": 29}
assert np.allclose(-np.log([1, 0.5, 0.01]), [0, 0.7, 4.6], atol=0.01)  # the costs named above

# %% [markdown]
# 869 steps against 29. The solid curve falls twice, near step 60 and near step 570, and in between it is flat. Look at
# the ends: at $x = -3$ the right answer is almost 0, at $x = 3$ it is almost 1.

# %%
path, _ = descend(-8.0, -1.0, 5.0, 600)
left, right = sigmoid(path[:, 0] * -3 + path[:, 1]), sigmoid(path[:, 0] * 3 + path[:, 1])  # p at −3 and 3, each step
for step in (50, 60, 300, 560, 565, 570):
    print(f"step {step:3}: p at −3 {left[step]:.3f}, p at 3 {right[step]:.5f}")
assert y[0] < 0.001 and y[-1] > 0.99 and left[50] > 0.9995 and abs(left[60] - 0.2) < 0.05
assert right[300] < 1e-4 and right[570] > 0.95
# %% [markdown]
# First the left half learns: from step 50 to step 60, $p$ at −3 goes from 1.000 to 0.2. The right half stays sure and
# wrong, so $p\,(1-p)$ is tiny there, and so are the steps. But each makes $p$ a little larger, with $p$ the slope
# grows, and with the slope the next step: for hundreds of steps very slowly, and then very fast.
#
# ## Exercises
#
# Four check themselves, with `tinydl learn`: `ex_neuron`, `ex_sigmoid_vjp`, `ex_chain` and `ex_neuron_vjp`. A *vjp*,
# vector–Jacobian product ([lesson 4](04_arrays.py) says why), is one step back: `g`, the derivative of the loss by what
# the step gives, is multiplied by the step's own derivative, as `dp` is in `dz = dp * p * (1 - p)`. Two have several
# inputs, and $\tanh$ in the place of the sigmoid. It goes from −1 to 1, and its slope is $1 - p^2$.
#
# Three more, to do with pen and paper and in a copy of this file:
#
# 1. Derive $\partial L/\partial w$ for $\tanh$ in the place of $\sigma$. Change `forward` and `backward`, and let
#    `tl.gradcheck` judge.
# 2. Compute $\partial L/\partial w$ of our one example, $x = 2$, $p = 0.731$, $y = 1$, with the cross-entropy, and
#    compare it with −0.21. Then compute both for a neuron that is sure and wrong, $p = 0.01$.
# 3. Give the neuron two inputs for each example: `x` of shape (100, 2) and `w` of shape (2,), so that $z$ is
#    `x @ w + b`. What is now the shape of `dz @ x`, and is it right? Let `tl.gradcheck` judge.
#
# <details><summary>What you should find</summary>
#
# * In 1 the middle factor of (3) becomes $1 - p^2$, in `backward` too.
# * In 2 it is $(p - y)\,x = -0.54$ in the place of −0.21. At $p = 0.01$ it is −1.98, and −0.04 with the squared error.
# * In 3 it is (2,), that of `w`: each weight has its own column. So `backward` stays as it is.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > Its first program stops at once: it has no data. It trains, it says, until the goal set before is reached.[^goal]
# > But it counts to 1000, and at about 0.001 a step that isn't far. [program_1_neuron.py](program_1_neuron.py) checks a
# > goal. A neuron takes a weighted *sum*.[^sum] Right, but `w1 * x` sums nothing; `w @ x` does. Its loss is the mean
# > squared error.[^mse] The last picture shows what that costs. (`tinydl document D33 D34 D35`)
#
# [^goal]: 「直到达到预设的训练目标」
# [^sum]: 「输入数据通过一个权重和偏置进行加权求和」
# [^mse]: 「我们使用均方误差作为损失函数」

# %% [markdown]
# ## Where this lives in tinydl
#
# * `tinydl/derivatives/elementwise.py`: `sigmoid` with its rule, and those of `+`, `*` and `**`, one line each.
# * `tinydl/engine/tensor.py`: `Tensor.backward` and `propagate`, which multiply the factors in the right order.
#
# Next: [lesson 3](03_the_graph.py), where a program does the bookkeeping.
