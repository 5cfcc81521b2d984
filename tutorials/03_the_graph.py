# %% [markdown]
# # 3. The graph
#
# In [lesson 2](02_one_neuron.py) we derived the gradient of one neuron by hand: forward through three steps, then
# backward through the same three, multiplying slopes. A network has thousands of steps, and they don't stand in a row:
# one value is used in several places, and what was computed there meets again in the loss.
#
# **The question of this lesson: how can a program find the derivative of any computation, however it branches?**
#
# The answer fits on a page. We will write it: an engine for single numbers that remembers what was computed from what,
# and walks back through its memory. Then we look at the same graph in tinydl, which does this with arrays.

# %%
import itertools
import math
import time

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, RED, show, show_page

import tinydl as tl

# %% [markdown]
# ## A number that remembers
#
# A `Value` holds a number, the Values that it was computed from, and **the slope by each of them**: by how much it
# changes when that input changes a little. Those slopes are all the calculus there is in this engine.

# %%
count = itertools.count()


class Value:
    def __init__(self, data, inputs=(), slopes=(), name=""):
        self.data = data  # the number
        self.inputs = inputs  # the Values it was computed from
        self.slopes = slopes  # ∂self/∂input, one for each
        self.name = name
        self.grad = 0.0  # ∂loss/∂self, once a backward pass has been here
        self.stamp = next(count)  # who is older?

    def __repr__(self):
        return f"{self.name or 'Value'}: {self.data:.4g}, grad {self.grad:.4g}"


# %% [markdown]
# Each operation computes its number and writes down its slopes. For a sum they are 1 and 1, for a product each factor
# has the slope of the *other*, and $\tanh$ has $1 - \tanh^2$:
#
# $$ \frac{\partial (a+b)}{\partial a} = 1, \quad \frac{\partial (ab)}{\partial a} = b, \quad
#    \frac{\partial \tanh a}{\partial a} = 1 - \tanh^2 a, \quad
#    \frac{\partial a^n}{\partial a} = n\,a^{n-1} . \tag{1} $$


# %%
def value(x):
    return x if isinstance(x, Value) else Value(x)


def add(a, b):
    a, b = value(a), value(b)
    return Value(a.data + b.data, (a, b), (1.0, 1.0))


def multiply(a, b):
    a, b = value(a), value(b)
    return Value(a.data * b.data, (a, b), (b.data, a.data))


# %%
def tanh(a):
    y = math.tanh(a.data)
    return Value(y, (a,), (1 - y * y,))


def power(a, n):  # n is a plain number
    return Value(a.data**n, (a,), (n * a.data ** (n - 1),))


Value.__add__ = Value.__radd__ = add
Value.__mul__ = Value.__rmul__ = multiply
Value.__pow__ = power
Value.__sub__ = lambda a, b: a + value(b) * -1.0

# %% [markdown]
# With Python's operators on our side, an ordinary formula now builds a **graph**: from every value, references lead to
# what it was computed from.

# %%
a, b = Value(2.0, name="a"), Value(-3.0, name="b")
u = a * b
u.name = "u = a·b"
loss = tanh((u + a) * 0.2)
loss.name = "loss"
print(loss, "  made from", loss.inputs)
assert abs(loss.data - math.tanh((2.0 * -3.0 + 2.0) * 0.2)) < 1e-15

# %% [markdown]
# ## Gradients along several ways add up
#
# Here $a$ reaches the loss in two ways: through the product $u$, and directly. If $a$ grows by a tiny $\delta$, the sum
# $s = u + a$ grows by $b\,\delta$ because of the one, and by $\delta$ because of the other. Small changes add up, and
# so do slopes. With $s = u + a$:
#
# $$ \frac{\partial L}{\partial a}
#    = \sum_{v \text{ computed from } a} \frac{\partial L}{\partial v} \cdot \frac{\partial v}{\partial a}
#    = \frac{\partial L}{\partial u}\,b + \frac{\partial L}{\partial s}\cdot 1 . \tag{2} $$
#
# This is the chain rule for several variables, and all of backpropagation is (2), applied to every value of the graph.
# To use it for $a$ we must *know* $\partial L/\partial v$ for everything computed from $a$. So the order matters.
#
# > **Predict.** The smallest graph in which it does: `b = a + a; c = b + b`. What is $\partial c/\partial a$? Then read
# > `backward_too_early` below, which passes a gradient on as soon as it arrives, and visits every value once. What will
# > it say?


# %%
def backward_too_early(node, visited):
    visited.add(node)
    for x, slope in zip(node.inputs, node.slopes, strict=True):
        x.grad += node.grad * slope  # formula (2), one term
        if x not in visited:
            backward_too_early(x, visited)  # but are all terms of x.grad there yet?


a = Value(1.0, name="a")
b = a + a
c = b + b
c.grad = 1.0
backward_too_early(c, set())
print("too early:", a)
assert a.grad == 2.0

# %% [markdown]
# It says 2, and the truth is 4, since $c = 4a$. What happened: $c$ gave its first input, $b$, a gradient of 1. At once
# $b$ passed it on, and $a$ got $1 + 1$. Only then did $c$ serve its second input, which is $b$ as well: now $b$ had its
# 2, but it had been visited already.
#
# One repair is to treat every *path* from the loss to the leaf by itself, and never to store anything in between. It is
# right, and hopeless:


# %%
def backward_by_paths(node, g):
    if not node.inputs:
        node.grad += g
    return 1 + sum(backward_by_paths(x, g * s) for x, s in zip(node.inputs, node.slopes, strict=True))


for doublings in (2, 10, 15):
    a = c = Value(1.0, name="a")
    for _ in range(doublings):
        c = c + c
    start = time.perf_counter()
    visits = backward_by_paths(c, 1.0)
    print(f"{doublings} doublings: {a}, {visits} visits, {time.perf_counter() - start:.4f} s")
    assert a.grad == 2**doublings and visits == 2 ** (doublings + 1) - 1
assert visits == 65_535 and 1e30 < 2**100 < 2e30

# %% [markdown]
# Each doubling doubles the number of paths: 15 additions take 65,535 visits. With 100 there are $2^{100} \approx
# 10^{30}$ paths, which no computer will ever walk.
#
# The good repair: **let a value pass on its gradient when all of it has arrived**, which is when everybody who was
# computed from it has had their turn. That sounds like a puzzle, but the solution is lying around. A value is always
# made *after* its inputs. So the order in which values were made, backwards, is a right order, and every `Value` has
# its stamp:


# %%
def backward(loss):
    found, waiting = {loss}, [loss]
    while waiting:  # everything the loss was computed from
        for x in waiting.pop().inputs:
            if x not in found:
                found.add(x)
                waiting.append(x)
    arrived = dict.fromkeys(found, 0.0)
    arrived[loss] = 1.0  # ∂L/∂L
    for node in sorted(found, key=lambda v: v.stamp, reverse=True):  # the youngest first
        for x, slope in zip(node.inputs, node.slopes, strict=True):
            arrived[x] += arrived[node] * slope  # formula (2)
    for node in found:
        node.grad += arrived[node] if not node.inputs else 0.0
    return arrived


# %%
a = Value(1.0, name="a")
b = a + a
c = b + b
backward(c)
print("in order:  ", a)
assert a.grad == 4.0

a = c = Value(1.0)
for _ in range(10_000):  # a deep graph: a recursive walk would end in a RecursionError
    c = c + 0.5 * a
backward(c)
assert a.grad == 1 + 0.5 * 10_000

# %% [markdown]
# That's it: `Value`, four operations and `backward` are a complete engine for derivatives, about a page of code. Two
# things in it are worth a second look:
#
# * There is no recursion, so ten thousand operations in a row are no problem.
# * The gradients on the way live in `arrived`, which is forgotten when the pass ends; only leaves keep theirs. If
#   every value kept its gradient, a second backward pass through the same graph would start with leftovers and get
#   nonsense.
#
# Is it right? Ask the judge:


# %%
def formula(a, b):
    return tanh((a * b + a) * 0.2 + b**2 * 0.1)


def rule(a0, b0):
    a, b = Value(float(a0)), Value(float(b0))
    backward(formula(a, b))
    return a.grad, b.grad


report = tl.gradcheck(lambda a, b: formula(Value(float(a)), Value(float(b))).data, 2.0, -3.0, grad=rule)
print(repr(report))
assert report.ok

# %% [markdown]
# Now we can draw the graph from above with all its numbers: below each value, in color, its gradient.

# %%
a, b = Value(2.0, name="a"), Value(-3.0, name="b")
u = a * b
s = u + a
z = s * 0.2
loss = tanh(z)
gradients = backward(loss)
places = {
    a: (0, 1, "a"), b: (0, 0, "b"), u: (1, 0.25, "u = a·b"),
    s: (2, 0.6, "s = u + a"), z: (3, 0.6, "z = 0.2·s"), loss: (4, 0.6, "L = tanh z"),
}  # fmt: skip

# %%
figure, axes = plt.subplots(figsize=(8, 3.2))
box, boxes = {"boxstyle": "round,pad=0.5", "fc": "white", "ec": GRAY}, {}
for node, (x, y, name) in places.items():
    text = axes.text(x, y, f"{name}\n{node.data:.3g}", ha="center", va="center", bbox=box)
    boxes[node] = text.get_bbox_patch()
    axes.text(x, y - 0.27, f"gradient {gradients[node]:.3f}", ha="center", color=RED, fontsize="small")
arrows = [(n, *pair) for n in places for pair in zip(n.inputs, n.slopes, strict=True) if pair[0] in places]
for node, inner, slope in arrows:
    x, y = (np.add(places[node][:2], places[inner][:2])) / 2
    arrow = {"arrowstyle": "->", "patchA": boxes[inner], "patchB": boxes[node], "shrinkA": 2, "shrinkB": 2}
    axes.annotate("", places[node][:2], places[inner][:2], arrowprops=arrow)
    axes.text(x, y + 0.07, f"{slope:.2g}", color=BLUE, fontsize="small", ha="center")
axes.set(xlim=(-0.5, 4.6), ylim=(-0.4, 1.3), title="values (black), slopes (blue), gradients (red)")
axes.axis("off")
show(figure, "03_the_graph_1")

# %% [markdown]
# Follow $a$: two arrows leave it, with slopes $b = -3$ and 1. Formula (2) says $-3$ times the gradient of $u$, plus 1
# times the gradient of $s$.

# %%
through_u, direct = b.data * gradients[u], 1 * gradients[s]
print(f"through u: {through_u:.3f}   directly: {direct:.3f}   together: {a.grad:.3f}")
assert abs(through_u + direct - a.grad) < 1e-12

# %% [markdown]
# ## Why zero_grad
#
# `backward` *adds* to the gradient of a leaf. Within one pass it must, that was the point of (2). It adds across passes
# too, which is useful: the gradient of a sum of losses is the sum of their gradients, so one can go through a large
# batch in portions. But a training loop that wants the gradient of *this* step has to throw the old ones away first.
#
# > **Predict.** We minimise $(w - 2)^2$ from $w = 0$ by gradient descent with rate 0.1, once with `w.grad = 0` in each
# > step and once without. With it, the error shrinks by a factor of $1 - 0.2$ per step. What does $w$ do without it:
# > arrive faster, explode, or something else?


# %%
def descend(zero, steps=60, rate=0.1):
    w = Value(0.0, name="w")
    path = []
    for _ in range(steps):
        path.append(w.data)
        if zero:
            w.grad = 0.0
        backward((w - 2.0) ** 2)
        w.data -= rate * w.grad
    return np.array(path)


with_zero, without = descend(True), descend(False)
assert np.allclose(with_zero, 2 - 2 * 0.8 ** np.arange(60))
assert without.max() > 3.9 and without[30:].max() > 3.9 and without[30:].min() < 0.1

# %%
figure, axes = plt.subplots()
axes.plot(with_zero, color=BLUE, label="gradient set to zero before each pass")
axes.plot(without, color=ORANGE, ls="--", label="forgotten")
axes.axhline(2, color=GRAY, ls=":", label="the minimum")
axes.set(xlabel="step", ylabel="w", ylim=(-0.5, 5.8), title="Without zero_grad, w swings for ever")
axes.legend(fontsize="small", loc="upper right")
show(figure, "03_the_graph_2")

# %% [markdown]
# It swings between 0 and 4, for ever. Each step moves by *all* gradients so far, so $w$ has gathered speed when it
# passes the minimum, as a pendulum has at the bottom, and there is no friction.
#
# ## The same graph in tinydl
#
# A Tensor remembers like a `Value`: the operation that made it (`primitive`), its `inputs`, its `stamp`. The difference
# is that it doesn't store slopes. It stores the operation, and each operation has a **rule** that makes the gradient of
# an input from the gradient of the output. For single numbers that is a multiplication by the slope; for arrays, it
# will be more ([lesson 4](04_arrays.py)).

# %%
a = tl.tensor(2.0, requires_grad=True, name="a", dtype=float)
b = tl.tensor(-3.0, requires_grad=True, name="b", dtype=float)
loss = np.tanh((a * b + a) * 0.2)
loss.backward()
print("a.grad", a.grad.item(), "  b.grad", b.grad.item())
print("made by", loss.primitive.name, "from", loss.inputs[0])
assert abs(a.grad.item() - (through_u + direct)) < 1e-12

# %%
print(tl.explain(loss))

# %% [markdown]
# And here it is to step through: forward, operation by operation, then backward, rule by rule. Use the buttons (or the
# arrow keys, after a click into the page), and watch how $a$ collects its gradient from two sides.

# %%
show_page(loss, "03_the_graph")

# %% [markdown]
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** Somebody writes `arrived[x] = …` instead of `arrived[x] += …`. Every test passes in which no
# > value is used twice; there is only one way to the loss then, and nothing to add up. How to notice: test with a value
# > that *is* used twice, such as `a * a`.


# %%
def backward_without_plus(loss):
    arrived, node = {loss: 1.0}, loss
    for node in sorted({loss, *loss.inputs}, key=lambda v: v.stamp, reverse=True):
        for x, slope in zip(node.inputs, node.slopes, strict=True):
            arrived[x] = arrived[node] * slope  # the last way wins
    return arrived


a, b = Value(3.0), Value(5.0)
print("a·b:", backward_without_plus(a * b)[a], "(right: 5)    a·a:", backward_without_plus(a * a)[a], "(right: 6)")
assert backward_without_plus(a * b)[a] == 5.0 and backward_without_plus(a * a)[a] == 3.0
assert backward(a * a)[a] == 6.0

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_paths`, `ex_twice`, `ex_product`.
#
# 1. Add `exp` and division to the engine, each with its slopes, and let `tl.gradcheck` judge as above.
# 2. Write the neuron of [lesson 2](02_one_neuron.py) with `Value`s for $w$ and $b$, and train it on ten examples. How
#    many values does one loss create?
# 3. `stamp` gives an order because inputs are older than outputs. Write `backward` without stamps, by counting for each
#    value how many were computed from it, and letting it pass on its gradient when that many have arrived.
#
# ## Where this lives in tinydl
#
# * `tinydl/engine/tensor.py`: `Tensor` is `Value`, `Tensor.backward` and `propagate` are `backward`, with the same
#   stamps, youngest first, and without recursion.
# * `tinydl/explaining/explain.py`: the numbered steps; `tinydl/explaining/paths.py`: a gradient as a sum over paths
#   (`tl.explain(loss, a)`).
# * `tinydl/plots/page.py`: the page to step through.
#
# Next: [from numbers to arrays](04_arrays.py).
