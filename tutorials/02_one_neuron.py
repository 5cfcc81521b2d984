# %% [markdown]
# # 2. One neuron by hand
#
# How does a neuron know in which direction, and how far, to change its weight?
#
# A network with a billion weights learns by the same four lines as a neuron with a single one. So it pays to go through
# them once with numbers that you can check with pen and paper. At the end of this lesson you will have written a
# training loop without any library, and seen a library do the same.
#
# *You need:* the chain rule and NumPy arrays, from [Before you start](00_before_you_start.py), and the central
# difference of [lesson 1](01_derivatives.py).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, RED, show

import tinydl as tl
from tinydl import functional as F
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
assert sigmoid(0.0) == 0.5
assert sigmoid(-5.0) < 0.01 and sigmoid(5.0) > 0.99

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
# | $z = w x + b$ | $\partial z / \partial w = x$, and $\partial z / \partial b = 1$ |
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
# For $b$ only the last factor is another one, 1 in the place of $x$.
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
assert losses[-1] < 0.01

# %% [markdown]
# The loss falls from 0.072 to 0.032 in the first step, and it goes on falling. These four lines, predict, measure,
# derivatives, step, are the **training loop**. You will meet them in every program that trains a network, whatever its
# size.
#
# ## A hundred examples
#
# One example doesn't say much. Let another neuron, whose weight is 2 and whose bias is −1, answer for a hundred values
# of $x$. Our neuron is to find out that weight and that bias from the answers alone.
#
# Arrays make this easy: `x` holds a hundred numbers, and `w * x + b` computes a hundred $z$ at once. The loss is now
# the mean of the squared errors:
#
# $$ L = \frac1n \sum_{i=1}^n (p_i - y_i)^2 . \tag{5} $$

# %%
x = np.linspace(-3, 3, 100)  # 100 numbers from -3 to 3
y = sigmoid(2 * x - 1)  # what the other neuron says
print("shapes:", x.shape, y.shape)


def forward(w, b):
    p = sigmoid(w * x + b)
    return p, np.mean((p - y) ** 2)


assert x.shape == y.shape == (100,)
assert forward(2.0, -1.0)[1] == 0

# %% [markdown]
# The derivative of a sum is the sum of the derivatives. So `backward` does what you did on paper, for each example, and
# adds up. The mean contributes the factor $1/n$.


# %%
def backward(w, b):
    p, _ = forward(w, b)
    dp = 2 * (p - y) / len(x)  # ∂L/∂p, a hundred numbers
    dz = dp * p * (1 - p)  # ∂L/∂z, a hundred numbers
    return np.sum(dz * x), np.sum(dz)  # ∂L/∂w and ∂L/∂b, added up over the examples


dw, db = backward(0.5, 0.0)
print(f"loss {forward(0.5, 0.0)[1]:.4f}   dL/dw {dw:.4f}   dL/db {db:.4f}")
assert dw < 0 < db

# %% [markdown]
# ## The judge's table
#
# Before you train with a rule that you wrote yourself, let somebody check it. `tl.gradcheck` takes a function, a point,
# and the rule for its gradient. Look first at a case that is easy: the sum of $\sin$ of three numbers, 0, 1 and 2. The
# derivative by each number is its cosine.

# %%
report = tl.gradcheck(lambda x: np.sum(np.sin(x)), np.array([0.0, 1.0, 2.0]), grad=np.cos, directions=1)
print(report)  # directions=1 keeps the table short
assert report.verdict == "right" and len(report.rows) == 5
by_place = {row.index: row.ours for row in report.rows}
assert abs(by_place[(1,)] - np.cos(1)) < 1e-12 and abs(np.cos(1) - 0.5403) < 5e-5

# %% [markdown]
# Each row is one derivative. `ours` is what the rule claims, `numerical` is what was measured, and the error bar says
# how exact the measurement is. The row where they differ most stands first.
#
# * `x[1]` is the partial derivative by the second number, the 1: only this number moves. So it is $\cos 1 = 0.5403$.
# * `x direction 0` moves all numbers at once, each by an amount drawn at random, and `x all together` moves them all by
#   the same amount. In a large array one can't move every number alone; a mistake then still shows in such a direction.
#
# Now for our neuron: the right rule, and one with a typical mistake, the factor $p\,(1-p)$ forgotten.


# %%
def loss_of(w, b):
    return forward(w, b)[1]


def without_slope(w, b):
    p, _ = forward(w, b)
    dz = 2 * (p - y) / len(x)  # · p · (1 − p) is missing
    return np.sum(dz * x), np.sum(dz)


right = tl.gradcheck(loss_of, 0.5, 0.0, grad=backward)
wrong = tl.gradcheck(loss_of, 0.5, 0.0, grad=without_slope)
print(right)
print(wrong)

# %%
assert right.verdict == "right" and wrong.verdict == "wrong"
too_large = without_slope(0.5, 0.0)[0] / backward(0.5, 0.0)[0]
print(f"dL/dw is {too_large:.2f} times too large")
assert abs(too_large - 5.17) < 0.005

# %% [markdown]
# The judge calls `w` and `b` as our function calls them. (`all inputs` are both at once.) In the second table
# $\partial L/\partial w$ is 5.17 times too large. You know why. From a single number the judge can't know; from the
# numbers of an array it often finds the cause, as [lesson 12](12_trusting_a_gradient.py) shows.
#
# ## Down the slope
#
# Now train. It is the same loop as before, with `backward` for its third line. The start is a bad one on purpose.


# %%
def descend(w, b, rate, steps):
    path, losses = [(w, b)], []
    for _ in range(steps):
        _, loss = forward(w, b)  # 1. predict, 2. measure
        dw, db = backward(w, b)  # 3. derivatives
        w, b = w - rate * dw, b - rate * db  # 4. step
        path.append((w, b))
        losses.append(loss)
    return np.array(path), losses  # the path has a row for each step: w and b


path, losses = descend(-2.0, 2.0, rate=5.0, steps=2000)
w_end, b_end = path[-1]
print(f"after 2000 steps: w {w_end:.4f}, b {b_end:.4f}, loss {losses[-1]:.0e}")
assert abs(w_end - 2) < 1e-4 and abs(b_end + 1) < 1e-4

# %% [markdown]
# It found $w = 2$ and $b = -1$. To see how it got there, compute the loss for many pairs of $w$ and $b$, and draw it
# as a map: dark is low, bright is high.

# %%
ws, bs = np.linspace(-3, 4, 71), np.linspace(-3, 3, 61)
surface = np.zeros((61, 71))
for i in range(61):
    for j in range(71):
        surface[i, j] = forward(ws[j], bs[i])[1]

# %%
figure, axes = plt.subplots()
picture = axes.contourf(ws, bs, surface, levels=np.linspace(0, 0.7, 15), extend="max")
figure.colorbar(picture, label="mean squared error")
axes.plot(path[:, 0], path[:, 1], color="white", lw=1.5)  # all rows of column 0, and of column 1
for step, place in ((0, (-12, -20)), (5, (10, 0)), (10, (10, -2)), (50, (-58, -4))):
    axes.plot(path[step, 0], path[step, 1], "o", color="white", ms=5)
    axes.annotate(f"step {step}", path[step], place, textcoords="offset points", color="0.1" if step == 0 else "white")
axes.plot(2, -1, "*", color=RED, ms=13, markeredgecolor="white")
axes.annotate("the other neuron", (2, -1), (10, -4), textcoords="offset points", color="white")
axes.set(xlabel="weight w", ylabel="bias b", title="2000 steps downhill, learning rate 5")
show(figure, "02_one_neuron_1", "The loss over w and b as a map. The path leads from (-2, 2) downhill to (2, -1).")

# %% [markdown]
# First come long strides where the map is steep, then small ones along the flat valley. Nobody told the neuron to slow
# down: the step is the slope times $\alpha$, and the slope is small there.
#
# ## How far?
#
# > **Predict.** We took $\alpha = 5$. What will the loss do with a tenth of that, 0.5? And with 20 times as much, 100?
# > "Twenty times as fast" is one guess. Is it yours?

# %%
figure, axes = plt.subplots()
curves = {}
for rate, color, style in ((0.5, GREEN, "--"), (5, BLUE, "-"), (100, ORANGE, "-.")):
    _, losses = descend(-2.0, 2.0, rate, 101)
    curves[rate] = losses
    print(f"learning rate {rate:<5} loss after 100 steps {losses[100]:.1e}")
    axes.semilogy(losses, color=color, ls=style, label=f"learning rate {rate}")
axes.set(xlabel="step", ylabel="mean squared error", title="Too short, about right, too far")
axes.legend()
show(figure, "02_one_neuron_2", "Loss over 100 steps: rate 0.5 falls slowly, 5 fast. 100 dips to 1e-8 and jumps out.")

assert curves[5][100] < 1e-5 < 1e-3 < curves[0.5][100] < 1e-2
assert min(curves[100]) < 1e-7 and min(curves[100][50:]) > 1e-3 and max(curves[100][50:]) < 2e-2

# %% [markdown]
# With 0.5 the loss falls, but slowly. With 100 something strange happens. The loss even comes below $10^{-7}$, at the
# bottom of the valley, and then it is thrown out again and stays near 0.01. At the bottom each step goes so far that it
# lands on the other side, farther away than it came from. So *how far* is your choice, and no formula will tell you:
# try a few rates that differ by a factor of 10, and look at the curves.
#
# ## With tinydl
#
# You wrote `backward` by hand. For a network with many layers that is a lot of work, and easy to get wrong. tinydl does
# it for you: write the forward pass with NumPy as you did, but let `w` and `b` be *Tensors*. A Tensor is an array that
# remembers how it was computed. `requires_grad=True` says "I want the derivative by this one", `loss.backward()`
# computes it, and afterwards it stands in `w.grad`.

# %%
w = tl.tensor(0.5, requires_grad=True)
b = tl.tensor(0.0, requires_grad=True)
_, loss = forward(w, b)  # our function from above, unchanged
loss.backward()
dw, db = backward(0.5, 0.0)
print(f"by tinydl: dL/dw {w.grad.item():.6f}   dL/db {b.grad.item():.6f}")
print(f"by hand:   dL/dw {dw:.6f}   dL/db {db:.6f}")
assert abs(w.grad.item() - dw) < 1e-7 and abs(b.grad.item() - db) < 1e-7

# %% [markdown]
# They agree in the 7 digits that `float32` has, which is what `tl.tensor` makes of a number. (`.item()` takes the
# single number out of a Tensor.)
#
# The loop stays the same too. The step of formula (4) has a name, *SGD*, and tinydl brings it, as an *optimizer*. One
# line is new: `zero_grad`. `backward()` *adds* the new derivatives to what `.grad` holds, so the old ones have to be
# cleared first. [Lesson 3](03_the_graph.py) shows why it adds, and what happens if you forget that line.

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
# > while `p` has shape (100,). Then `p - y` is every prediction minus *every* answer, a table of 100 × 100 numbers, and
# > its mean is a loss that goes down, and is wrong.

# %%
p, _ = forward(2.0, -1.0)  # a perfect neuron
column = y.reshape(100, 1)
print("shapes:", p.shape, "minus", column.shape, "gives", (p - column).shape)
half = y.mean()  # a neuron that always says the mean, whatever x is
perfect, ignorant = np.mean((p - column) ** 2), np.mean((half - column) ** 2)
print(f"loss of the perfect neuron: {np.mean((p - y) ** 2):.3f}; with the wrong shape {perfect:.3f}")
print(f"and with the wrong shape, of one that ignores x: {ignorant:.3f}")
assert (p - column).shape == (100, 100) and np.mean((p - y) ** 2) == 0
assert abs(perfect - 0.323) < 5e-4 and abs(ignorant - 0.161) < 5e-4

# %%
try:
    F.mse_loss(tl.tensor(p, requires_grad=True), column)
except ValueError as error:
    print("ValueError:", error)
else:
    raise AssertionError("unequal shapes must be refused")

# %% [markdown]
# By this loss a perfect neuron (0.323) is worse than one that ignores its input (0.161). How to notice: print the shape
# of `p - y`. Or use `F.mse_loss` for the mean squared error; as you have seen, it refuses unequal shapes.
#
# > **What goes wrong: flat where it is most wrong.** Formula (3) contains $p\,(1-p)$, which is almost 0 when $p$ is
# > near 0 or 1, *even when the answer is wrong*. The surer the neuron is of its mistake, the less it learns from it.
# > How to notice: draw the loss over $w$.
#
# Another loss, the *cross-entropy* $-y \ln p - (1-y) \ln(1-p)$, doesn't have that flaw, because its derivative divides
# by exactly $p\,(1-p)$. [Lesson 7](07_likelihood.py) explains where it comes from; here just compare the shapes.


# %%
def cross_entropy(w, b=-1.0):
    p, _ = forward(w, b)
    return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))


grid = np.linspace(-10, 10, 201)
squared = [forward(w, -1.0)[1] for w in grid]
crossed = [cross_entropy(w) for w in grid]

# %%
figure, (left, right) = plt.subplots(1, 2)
left.plot(grid, squared, color=ORANGE)
left.set(xlabel="weight w (bias −1)", ylabel="loss", title="mean squared error: flat on the left")
right.plot(grid, crossed, color=GREEN)
right.set(xlabel="weight w (bias −1)", title="cross-entropy: a slope everywhere")
for axes in (left, right):
    axes.axvline(2, color=GRAY, ls=":")
    axes.annotate("w = 2", (2, 0.85 * axes.get_ylim()[1]), (4, 0), textcoords="offset points", color=GRAY)
    axes.title.set_fontsize("small")
show(figure, "02_one_neuron_3", "Two losses over w, both lowest at w = 2. Squared error is flat for w below -4.")

# %%
slope_squared = (forward(-8 + h, -1.0)[1] - forward(-8 - h, -1.0)[1]) / (2 * h)
slope_crossed = (cross_entropy(-8 + h) - cross_entropy(-8 - h)) / (2 * h)
print(f"slope at w = -8: squared error {slope_squared:.3f}, cross-entropy {slope_crossed:.2f}")
assert abs(slope_squared - -0.005) < 5e-4
assert abs(slope_crossed - -1.42) < 5e-3

# %% [markdown]
# At $w = -8$, where nearly all answers are wrong, the squared error has a slope of only −0.005. The cross-entropy has
# −1.42, and will be home much sooner.
#
# ## Exercises
#
# Four check themselves, with `tinydl learn`: `ex_neuron`, `ex_sigmoid_vjp`, `ex_chain` and `ex_neuron_vjp`. A name with
# `vjp` asks for one step back: you are given `g`, the derivative of the loss by what the step gives, and multiply onto
# it the step's own derivative, as the line `dz = dp * p * (1 - p)` does with `dp`. Some of them take $\tanh$ in the
# place of the sigmoid. It goes from −1 to 1, and its slope is $1 - p^2$.
#
# Three more, to do with pen and paper and in a copy of this file:
#
# 1. Derive $\partial L/\partial w$ for $\tanh$ in the place of $\sigma$. Change `forward` and `backward`, and let
#    `tl.gradcheck` judge.
# 2. Derive the derivative of the cross-entropy above by $z$, for one example. Something cancels, and what is left is
#    short. Check it with `tl.gradcheck`.
# 3. Give the neuron two inputs: `x` of shape (100, 2) and `w` of shape (2,), so that $z$ is `x @ w + b`. What must
#    `np.sum(dz * x)` become, so that its result has the shape of `w`? Let `tl.gradcheck` judge.
#
# ## In the article
#
# > The article's first program trains one sigmoid neuron, with TensorFlow. As printed it stops at once, with
# > `NameError: name 'x' is not defined`: nowhere does it say what `x` and `y` are. Give it both, and it stops at the
# > next mistake: its `loss_fn` isn't a function but a number, computed once, before the training begins.
# >
# > A tempting repair is to differentiate that number again in every round. But it was computed from the old `w` and
# > `b`, and it doesn't change when they do. TensorFlow says so (`No gradients provided`), and tinydl too:

# %%
w, b = tl.tensor(0.5, requires_grad=True), tl.tensor(0.0, requires_grad=True)
_, loss_fn = forward(w, b)  # a number
loss_fn.backward()  # fine: nothing has changed yet
optim.SGD([w, b], lr=0.1).step()  # changes w and b
for attempt in (lambda: loss_fn(y, y), loss_fn.backward):
    try:
        attempt()
    except (TypeError, tl.ChangedValueError) as error:
        print(f"{type(error).__name__}: {error}\n")
    else:
        raise AssertionError("both must fail")

# %% [markdown]
# > With `x`, `y` and a loss computed anew in each step, the program runs. It takes 1000 steps with Adam, another rule
# > for the step ([lesson 10](10_optimizers.py)), which moves each number by about its rate in each step at most. The
# > rate is Adam's usual 0.001. The article says that it trains until the goal set beforehand is reached.[^goal]
# >
# > **Predict.** From $w = 0.5$: can it reach $w = 2$ in 1000 steps of 0.001 at most?
#
# [^goal]: 「直到达到预设的训练目标」


# %%
def train(rate, steps=1000):
    w, b = tl.tensor(0.5, requires_grad=True), tl.tensor(0.0, requires_grad=True)
    optimizer = optim.Adam([w, b], lr=rate)
    weights = []
    for _ in range(steps):
        weights.append(w.item())
        _, loss = forward(w, b)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights, loss.item()


# %%
figure, axes = plt.subplots()
for rate, color, style in ((0.001, ORANGE, "--"), (0.05, BLUE, "-")):
    weights, loss = train(rate)
    print(f"rate {rate}: w ends at {weights[-1]:.3f}, the loss at {loss:.0e}")
    axes.plot(weights, color=color, ls=style, label=f"Adam, rate {rate}")
    near = {0.001: 1.14, 0.05: 2.0}[rate]
    assert abs(weights[-1] - near) < 0.005 and (loss > 1e-3) == (rate == 0.001)
axes.axhline(2, color=GRAY, ls=":", label="the right weight, 2")
axes.set(xlabel="step", ylabel="weight w", title="1000 steps are not a goal")
axes.legend(loc="center")
show(
    figure, "02_one_neuron_4", "The weight over 1000 steps: with rate 0.001 it ends at 1.14, with 0.05 it is soon at 2."
)

# %% [markdown]
# > It can't: it ends at $w = 1.14$, and there is no goal in the program that could notice. It counts to 1000 and stops.
# > At 50 times the rate the same program arrives. The repaired version, [program_1_neuron.py](program_1_neuron.py), has
# > the higher rate and a goal, which it checks.
# >
# > The article also says that a neuron takes a weighted *sum* of its inputs.[^sum] That is right, but its `w1 * x` sums
# > nothing as soon as there is more than one input. One notices by the shape, since a neuron says one number per
# > example:
#
# [^sum]: 「输入数据通过一个权重和偏置进行加权求和」

# %%
examples, weights = np.ones((5, 3)), np.array([1.0, 2.0, 3.0])  # 5 examples of 3 numbers each
print("w * x:", (weights * examples).shape, "  x @ w:", (examples @ weights).shape)
assert (weights * examples).shape == (5, 3) and (examples @ weights).shape == (5,)

# %% [markdown]
# > And it takes the mean squared error as its loss.[^mse] That runs. What it costs you have seen above, in the picture
# > of the two losses.
#
# [^mse]: 「我们使用均方误差作为损失函数」

# %% [markdown]
# ## Where this lives in tinydl
#
# * `tinydl/derivatives/elementwise.py`: `sigmoid` with its rule. It writes $1 - p$ as $\sigma(-z)$, which keeps its
#   digits when $p$ rounds to 1. There are the rules of `+`, `*` and `**` too, one line each.
# * `tinydl/engine/tensor.py`: `Tensor.backward` and `propagate`, which multiply the factors together in the right
#   order.
#
# Next: [lesson 3](03_the_graph.py), where a program does the bookkeeping.
