# %% [markdown]
# # 3. The graph
#
# **How can a program find the derivative of any computation, however it branches?**
#
# In [lesson 2](02_one_neuron.py) you derived the gradient of one neuron by hand: forward through three steps, then
# backward through the same three, multiplying slopes. A network has thousands of steps, and they don't stand in a row:
# one value is used in several places, and what was computed there meets again in the loss. Nobody derives that by hand.
#
# You don't have to. A program that does it for you fits on a page, and in this lesson we write it together, for single
# numbers. It remembers what was computed from what, and walks back. Then you will see the same in tinydl, with arrays.
#
# *You need:* the chain rule as in [lesson 2](02_one_neuron.py), and what a class is
# ([Before you start](00_before_you_start.py)). No NumPy is needed for the engine.

# %%
import itertools
import math

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, RED, show, show_page

import tinydl as tl

# %% [markdown]
# ## The Python that you will need
#
# * `isinstance(x, Value)` asks whether `x` is an object of the class `Value`.
# * For `a + b` Python calls the method `a.__add__(b)`; for `2 + a`, where our object stands on the right,
#   `a.__radd__(2)`. One can give a class its methods afterwards: `Value.__add__ = add`.
# * `lambda a: a * -1.0` is a function without a name: it takes `a` and gives `a * -1.0`.
#
# ## A number that remembers
#
# A `Value` holds a number, the Values that it was computed from, and **the slope by each of them**: how fast it changes
# when that input changes a little. Those slopes are all the calculus there is in this engine.
#
# Two fields are for later. `grad` is for the gradient: how fast the loss changes when this value changes. Our finished
# engine keeps it of **leaves** only, the values that a formula starts from. `stamp` is the number of the Value: the
# first one made has 0, the next one 1, and so on (`next(count)`). `__repr__` says how a Value is printed.

# %%
count = itertools.count()


class Value:
    def __init__(self, data, inputs=(), slopes=(), name=""):
        self.data = data  # the number
        self.inputs = inputs  # the Values it was computed from
        self.slopes = slopes  # how fast it changes with each of them
        self.name = name
        self.grad = 0.0  # how fast the loss changes with it
        self.stamp = next(count)  # who is older?

    def __repr__(self):
        return f"{self.name or 'Value'}: {self.data:.5g}, grad {self.grad:.5g}"


# %% [markdown]
# Each operation computes its number and writes down its slopes. For a sum they are 1 and 1; in a product each factor
# has the *other* as its slope. The function $\tanh$, which squashes every number into the range from −1 to 1, has the
# slope $1 - \tanh^2$ (believe it for now, a check below looks at it). Here $a$ and $b$ are the inputs of an operation,
# whatever they are called elsewhere:
#
# $$ \begin{aligned}
#    \frac{\partial (a+b)}{\partial a} &= 1, \\
#    \frac{\partial (ab)}{\partial a} &= b, \\
#    \frac{\partial \tanh a}{\partial a} &= 1 - \tanh^2 a, \\
#    \frac{\partial a^n}{\partial a} &= n\,a^{n-1} .
#    \end{aligned} \tag{1} $$
#
# The sign $\partial$ is a d that says: there are other inputs too, and they stay as they are.


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
Value.__neg__ = lambda a: a * -1.0
Value.__sub__ = lambda a, b: a + -value(b)
Value.__rsub__ = lambda a, b: value(b) + -a

# %% [markdown]
# The last lines tell Python what `+`, `*`, `**` and `-` mean for Values. So an ordinary formula now builds a **graph**:
# from every value, references lead to what it was computed from. A value that wasn't computed from anything, as $p$ and
# $q$ here, is called a **leaf** of the graph.

# %%
p, q = Value(2.0, name="p"), Value(-3.0, name="q")
u = p * q
s = u + p
z = s * 0.2
loss = tanh(z)
u.name, s.name, z.name, loss.name = "u", "s", "z", "L"
print(loss, "  made from", loss.inputs)
assert abs(loss.data - math.tanh((2.0 * -3.0 + 2.0) * 0.2)) < 1e-15

# %% [markdown]
# ## Gradients along several ways add up
#
# Here $p$ reaches the loss in two ways: through the product $u$, and directly. If $p$ grows by a tiny $\delta$, the sum
# $s = u + p$ grows by $q\,\delta$ because of the one, and by $\delta$ because of the other. Small changes add up, and
# so do slopes:
#
# $$ \frac{\partial L}{\partial p} = \frac{\partial L}{\partial u}\cdot q + \frac{\partial L}{\partial s}\cdot 1 . $$
#
# In general, a value gets one term from everything that was computed from it:
#
# $$ \frac{\partial L}{\partial x}
#    = \sum_{v} \frac{\partial L}{\partial v} \cdot \frac{\partial v}{\partial x},
#    \quad v \text{ made from } x . \tag{2} $$
#
# This is the chain rule for several variables, and all of backpropagation is (2), applied to every value of the graph.
# To use it for $x$ we must *know* $\partial L/\partial v$ for every $v$ that was made from $x$. So the order matters.
#
# Some Python for what follows: `visited` is a *set*. Its elements, like the keys of a dictionary, can be Values (though
# not lists or arrays); `x in visited` asks whether `x` is there. `zip(inputs, slopes, strict=True)` goes through two
# lists side by side, and insists that they are equally long.
#
# > **Predict.** The smallest graph in which the order matters: `c = p + p; d = c + c`. What is
# > $\partial d/\partial p$? Then read `backward_too_early` below, which passes a gradient on as soon as it arrives, and
# > visits every value once. (This first try writes into every `grad`, of inner values, too.) What will it say?


# %%
def backward_too_early(node, visited):
    visited.add(node)
    for x, slope in zip(node.inputs, node.slopes, strict=True):
        x.grad += node.grad * slope  # one term of formula (2)
        if x not in visited:
            backward_too_early(x, visited)  # but are all terms of x.grad there yet?


p = Value(1.0, name="p")
c = p + p
d = c + c
d.grad = 1.0
backward_too_early(d, set())
print("too early:", p)
assert p.grad == 2.0

# %% [markdown]
# It says 2, and the truth is 4, since $d = 4p$. What happened: $d$ gave its first input, $c$, a gradient of 1. At once
# $c$ passed it on, and $p$ got $1 + 1$. Only then did $d$ serve its second input, which is $c$ as well: now $c$ had its
# 2, but it had been visited already.
#
# One repair is to treat every *path* from the loss to the leaf by itself, and to store nothing in between: only leaves
# get a `grad`. The function below calls itself for each input (*recursion*), and counts its visits. It is right, and
# hopeless:


# %%
def backward_by_paths(node, g):
    if not node.inputs:  # a leaf
        node.grad += g
    visits = 1
    for x, slope in zip(node.inputs, node.slopes, strict=True):
        visits += backward_by_paths(x, g * slope)
    return visits


# %%
for doublings in (2, 10, 15):
    p = c = Value(1.0, name="p")
    for _ in range(doublings):
        c = c + c
    visits = backward_by_paths(c, 1.0)
    print(f"{doublings} doublings: {p}, {visits} visits")
    assert p.grad == 2**doublings and visits == 2 ** (doublings + 1) - 1
assert visits == 65_535 and 1e30 < 2**100 < 2e30

# %% [markdown]
# Each doubling doubles the number of paths: 15 additions take 65,535 visits. With 100 there are
# $2^{100} \approx 10^{30}$ paths, which no computer will ever walk.
#
# The good repair: **let a value pass on its gradient when all of it has arrived**, which is when every value that was
# computed from it has had its turn. How do you find such an order? You have it already. A value is always made *after*
# its inputs. So the order in which values were made, backwards, is a right order, and every `Value` has its stamp.
#
# `backward` has three parts. It finds everything that the loss was computed from, as the set `found`. It goes through
# that, the youngest value first: `sorted` takes as `key` a function, here the one that gives the stamp, and with
# `reverse=True` the largest comes first. The dict `arrived` says how much of each gradient has arrived so far. And
# leaves get their `grad`. Inner values get none, since nobody changes them in training: theirs is needed only until it
# has been passed on. For us to look at, `backward` gives back the whole dict, with the gradients of all values.


# %%
def backward(loss):
    found, waiting = {loss}, [loss]
    while waiting:  # everything the loss was computed from
        for x in waiting.pop().inputs:  # pop takes the last one out of the list
            if x not in found:
                found.add(x)
                waiting.append(x)
    arrived = dict.fromkeys(found, 0.0)  # 0 for each of them
    arrived[loss] = 1.0  # ∂L/∂L
    for node in sorted(found, key=lambda v: v.stamp, reverse=True):  # the youngest first
        for x, slope in zip(node.inputs, node.slopes, strict=True):
            arrived[x] += arrived[node] * slope  # formula (2)
        if not node.inputs:  # a leaf keeps its gradient
            node.grad += arrived[node]
    return arrived


# %%
p = Value(1.0, name="p")
c = p + p
d = c + c
backward(d)
print("in order:  ", p)
assert p.grad == 4.0

# %% [markdown]
# That's it: `Value`, four operations and `backward` are a complete engine for derivatives, about a page of code.
#
# Is it right? Ask `tl.gradcheck`, which compares a gradient with numerical derivatives, as in
# [lesson 1](01_derivatives.py). We give it a formula, and as `grad` the gradient that our engine finds. It will speak
# of five derivatives of two inputs: besides one for each it looks along three directions, in which both inputs move at
# once.


# %%
def formula(p, q):  # of two Values
    return tanh((p * q + p) * 0.2 + q**2 * 0.1)


def number(p, q):  # of two numbers, as gradcheck hands them over
    return formula(Value(float(p)), Value(float(q))).data


def gradient(p, q):
    leaves = Value(float(p)), Value(float(q))
    backward(formula(*leaves))
    return leaves[0].grad, leaves[1].grad


report = tl.gradcheck(number, 2.0, -3.0, grad=gradient)
print(repr(report))
assert report.ok and len(report.rows) == 5

# %% [markdown]
# Now the graph from above, with all its gradients:

# %%
p, q = Value(2.0, name="p"), Value(-3.0, name="q")
u = p * q
s = u + p
z = s * 0.2
loss = tanh(z)
gradients = backward(loss)
names = {p: "p", q: "q", u: "u = p·q", s: "s = u + p", z: "z = 0.2·s", loss: "L = tanh z"}
for node, name in names.items():
    print(f"{name:11} value {node.data:6.3f}, gradient {gradients[node]:6.3f}")
assert [round(gradients[node], 3) for node in names] == [-0.224, 0.224, 0.112, 0.112, 0.559, 1]

# %% [markdown]
# The next two cells only draw this; skip to the picture below them. In each box stands a value. On each arrow stands a
# slope, in blue: how fast the box at its head changes with the box at its tail. Above or below each box stands its
# gradient, in orange.

# %%
places = {  # where each box stands, and how far above its middle the gradient is written
    p: (0, 1, 0.25), q: (0, 0, -0.32), u: (1, 0.25, -0.32), s: (2, 0.6, -0.32), z: (3, 0.6, -0.32),
    loss: (4, 0.6, -0.32),
}  # fmt: skip


def draw_box(axes, node):
    x, y, above = places[node]
    style = {"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": GRAY}
    axes.text(x, y + above, f"gradient {gradients[node]:.3f}", color=RED, fontsize="small", ha="center")
    return axes.text(x, y, f"{names[node]}\n{node.data:.3g}", ha="center", va="center", bbox=style).get_bbox_patch()


def draw_arrow(axes, boxes, tail, head, slope):
    (x0, y0), (x1, y1) = places[tail][:2], places[head][:2]
    style = {"arrowstyle": "->", "color": GRAY, "patchA": boxes[tail], "patchB": boxes[head]}
    axes.annotate("", (x1, y1), (x0, y0), arrowprops=style | {"shrinkA": 2, "shrinkB": 2})
    axes.text((x0 + x1) / 2, (y0 + y1) / 2 + 0.08, f"{slope:.2g}", color=BLUE, ha="center")


# %%
figure, axes = plt.subplots(figsize=(8, 3.4))
boxes = {node: draw_box(axes, node) for node in places}
for node in places:
    for x, slope in zip(node.inputs, node.slopes, strict=True):
        if x in places:  # the constant 0.2 isn't drawn
            draw_arrow(axes, boxes, x, node, slope)
axes.set(xlim=(-0.5, 4.6), ylim=(-0.5, 1.4), title="in the box: value; on the arrow: slope; in orange: gradient")
axes.axis("off")
show(
    figure,
    "03_the_graph_1",
    "A graph of six boxes. p = 2 and q = -3 lead to u = p·q = -6 with slopes -3 and 2. u and p lead to s = u + p = -4, "
    "both with slope 1. From s, slope 0.2 leads to z = -0.8, and slope 0.56 to L = tanh z = -0.664. Gradients, from "
    "right to left: L 1, z 0.559, s 0.112, u 0.112, q 0.224, and p -0.224, where two arrows leave.",
)

# %% [markdown]
# Follow $p$: two arrows leave it, with slopes $q = -3$ and 1. Formula (2) says $-3$ times the gradient of $u$, plus 1
# times the gradient of $s$.

# %%
through_u, direct = q.data * gradients[u], 1 * gradients[s]
print(f"through u: {through_u:.3f}   directly: {direct:.3f}   together: {p.grad:.3f}")
assert abs(through_u + direct - p.grad) < 1e-12

# %% [markdown]
# ## Why zero_grad
#
# `backward` *adds* to the gradient of a leaf. Within one pass it must, that was the point of (2). It adds across passes
# too, which is useful: the gradient of a sum of losses is the sum of their gradients, so one can go through many
# examples in portions. But a training loop that wants the gradient of *this* step has to throw the old ones away first.
#
# Take $(w - 2)^2$, from $w = 0$, by gradient descent with rate 0.1. Its slope is $2\,(w - 2)$, so a right step takes
# away $0.1 \cdot 2 = 0.2$ of the error $w - 2$, and leaves 0.8 of it.
#
# > **Predict.** So with `w.grad = 0` in each step $w$ comes to 2. What does $w$ do without it: arrive faster, explode,
# > or something else?


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


# %%
with_zero, without = descend(True), descend(False)
assert np.allclose(with_zero, 2 - 2 * 0.8 ** np.arange(60))
peaks = [i for i in range(1, 59) if without[i] >= without[i - 1] and without[i] > without[i + 1]]
print("without it, w is largest at the steps", peaks)
assert np.allclose(without[peaks], 4, atol=0.1) and np.allclose(np.diff(peaks), 14, atol=1)
assert without[30:].min() < 0.1

# %%
figure, axes = plt.subplots()
axes.plot(with_zero, color=BLUE, label="gradient set to zero before each pass")
axes.plot(without, color=ORANGE, ls="--", label="forgotten")
axes.axhline(2, color=GRAY, ls=":", label="the minimum")
axes.set(xlabel="step", ylabel="w", ylim=(-0.5, 5.8), title="without zero_grad, w swings and swings")
axes.legend(fontsize="small", loc="upper right")
show(
    figure,
    "03_the_graph_2",
    "w over 60 steps. With the gradient set to zero before each pass, w rises smoothly from 0 to the minimum at 2 and "
    "stays there. Where that is forgotten, w swings between 0 and 4 in waves of 14 steps that don't get smaller.",
)

# %% [markdown]
# It swings between about 0 and 4, and never comes to rest. Each step moves by *all* gradients so far, so $w$ has
# gathered speed when it passes the minimum, like a pendulum without friction.
#
# ## The same graph in tinydl
#
# A Tensor remembers like a `Value`: the operation that made it (`primitive`), its `inputs`, its `stamp`. The difference
# is that it doesn't store slopes. It stores the operation, and each operation has a **rule** that makes the gradient of
# an input from the gradient of the output. For single numbers that is a multiplication by the slope; for arrays, it
# will be more ([lesson 4](04_arrays.py)). `requires_grad=True` says: this is a leaf whose gradient we want.

# %%
# dtype=float: with 16 digits, as Python's numbers; tinydl's usual ones have 7, which is faster
p = tl.tensor(2.0, requires_grad=True, name="p", dtype=float)
q = tl.tensor(-3.0, requires_grad=True, name="q", dtype=float)
u = p * q
s = u + p
z = s * 0.2
loss = np.tanh(z)
u.name, s.name, z.name, loss.name = "u", "s", "z", "L"
loss.backward()
print(f"p.grad {p.grad.item():.3f}   q.grad {q.grad.item():.3f}   L was made by {loss.primitive.name}")
assert abs(p.grad.item() - (through_u + direct)) < 1e-12

# %% [markdown]
# `print(tl.explain(loss))` tells the whole story in numbered steps, with the numbers of the picture. Here is a step of
# its backward half. `g` is the gradient that has arrived at $z$; the arrow means "gets". As in (1) the inputs of the
# operation are called `a` and `b`, so here `b` is the constant 0.2.

# %%
story = str(tl.explain(loss)).splitlines()
step = story.index("   6  z = multiply(s, 0.2)   g = 0.5591")
print("\n".join(story[step : step + 3]))

# %% [markdown]
# And here is all of it to step through: forward, operation by operation, then backward, rule by rule. (If you run this
# lesson as a script, open the file that it has saved, in a browser.) Use the buttons, or the arrow keys after a click
# into the page, and watch how $p$ collects its gradient from two sides. (`()` is the shape of one number: no axes.)
#
# > **Predict.** Before each backward step say which box gets a gradient next, and how large it will be.

# %%
show_page(loss, "03_the_graph")

# %% [markdown]
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** Somebody writes `arrived[x] = …` instead of `arrived[x] += …`. Every test passes in which no
# > value is used twice; there is only one way to the loss then, and nothing to add up. How to notice: test with a value
# > that *is* used twice, such as `p * p`.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_paths`, `ex_twice`, `ex_product`. In the last two you write a rule
# such as `g * b` in step 6, as a function: `twice_vjp(g, x)` is given `g`, the gradient that has arrived at `y`, and
# returns what `x` gets. ("vjp" is explained in [lesson 4](04_arrays.py).) Numbers come as arrays of any shape;
# `np.sin(x)` takes them as they are.
#
# 1. Add `exp` and division to the engine, each with its slopes, and let `tl.gradcheck` judge as above. (For `1 / v`,
#    with a Value on the right, Python calls `v.__rtruediv__(1)`.)
# 2. With those, write the neuron of [lesson 2](02_one_neuron.py), $1/(1 + e^{-(wx+b)})$, with `Value`s for $w$ and $b$,
#    and train it on ten examples. How many values does the loss create for one example?
# 3. `stamp` gives an order because inputs are older than outputs. Write `backward` without stamps, by counting for each
#    value how often it was an input, and letting it pass on its gradient when that many terms have arrived.
#
# <details><summary>What you should find</summary>
#
# * In 1 the slope of $e^a$ is $e^a$ itself, which is computed already; those of $a/b$ are $1/b$ and $-a/b^2$.
# * In 2 about 15 values for one example, depending on how you write it: `value` makes one of each plain number, and the
#   minus of two values makes three. With data from a neuron with $w = 2$ and $b = -1$, and 300 steps of rate 5 for the
#   mean of the losses, $w$ and $b$ come within 0.0001 of these.
# * In 3 the same gradients. Count only what the loss was computed from, otherwise a value waits forever for one that
#   never comes; and count `p + p` twice.
#
# </details>
#
# ## Where this lives in tinydl
#
# * `tinydl/engine/tensor.py`: `Tensor` is `Value`, `Tensor.backward` and `propagate` are `backward`, with the same
#   stamps, youngest first, and without recursion.
# * `tinydl/explaining/explain.py`: the numbered steps; `tinydl/explaining/paths.py`: a gradient as a sum over paths
#   (`tl.explain(loss, a)`).
# * `tinydl/plots/page.py`: the page to step through.
#
# Next: [lesson 4](04_arrays.py), from numbers to arrays.
