# %% [markdown]
# # 14. Build it yourself
#
# Open an empty file, `mine.py`, beside this lesson. **How much does it take to go from nothing to an engine that
# differentiates whatever you write in NumPy, twice if you want?** Eight steps, none longer than fifteen lines. Each
# is run and checked before the next begins. In the end we lay your file beside `tinydl/engine/tensor.py`, and you will
# recognise most of its lines.
#
# Read the task of a step, write it in your file, and only then look at the cell. Yours may look different; the
# checks are what counts.

# %%
import importlib
import inspect
import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, show

import tinydl as tl
from tinydl.engine import arrays, dispatch, graph

engine = importlib.import_module("tinydl.engine.tensor")  # the file; tl.tensor is the function of the same name
rng = np.random.default_rng(0)

# %% [markdown]
# ## Step 1: rules, before there is an engine
#
# A *primitive* is a function on arrays and one rule per input. With $g$ for the gradient of the loss with respect to
# the output $y$, the rule for an input gives the gradient with respect to that input: the vector-Jacobian product of
# [lesson 4](04_arrays.py),
#
# $$ \bar x_i = \Bigl(\frac{\partial y}{\partial x_i}\Bigr)^{\!\top} g . \tag{1} $$
#
# Write down a class that holds both, and the rules for +, −, ×, ÷, @, exp, tanh and transposition. That is calculus,
# and all the calculus there is; the rest of the engine won't know any.


# %%
class Primitive:
    def __init__(self, forward, *rules):
        self.forward, self.rules = forward, rules


add = Primitive(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract = Primitive(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
multiply = Primitive(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
divide = Primitive(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
matmul = Primitive(np.matmul, lambda g, y, a, b: g @ b.T, lambda g, y, a, b: a.T @ g)
negative = Primitive(np.negative, lambda g, y, x: -g)
exp = Primitive(np.exp, lambda g, y, x: g * y)
tanh = Primitive(np.tanh, lambda g, y, x: g * (1 - y * y))
transpose = Primitive(np.transpose, lambda g, y, x: g.T)

# %% [markdown]
# **The check** needs no engine either: `tl.gradcheck` takes a function and its rule in plain NumPy. No square matrices.


# %%
def check(primitive, *inputs):
    def vjp(g, *inputs):
        y = primitive.forward(*inputs)
        return [rule(g, y, *inputs) for rule in primitive.rules]

    return tl.gradcheck(primitive.forward, *inputs, vjp=vjp)


a, b = rng.normal(size=(4, 3)), rng.uniform(1, 2, size=(4, 3))
for primitive in (add, subtract, multiply, divide):
    assert check(primitive, a, b)
for primitive in (negative, exp, tanh, transpose):
    assert check(primitive, a)
assert check(matmul, a, rng.normal(size=(3, 5)))
print("nine primitives, all right")

# %% [markdown]
# > **Predict.** The same `add`, with a bias: shapes (4, 3) and (3,). What will the checker say?

# %%
bias = rng.normal(size=3)
report = check(add, a, bias)
print(report.table(limit=0))
assert report.verdict == "wrong"
assert "not_summed" in [code for code, _ in report.causes]

# %% [markdown]
# The rule says $g$, of shape (4, 3), for an input of shape (3,). We could repair each rule, as many engines do. Or
# leave the rules as clean as they are, and do it in a single place: step 5.
#
# ## Step 2: an array that remembers
#
# Write a `Tensor` that knows its array, the primitive that made it, that primitive's inputs, and when it was made: a
# *stamp* from a counter. And make primitives callable: with arrays they just compute; with Tensors the result
# remembers.

# %%
stamps = itertools.count()


class Tensor:
    def __init__(self, data, requires_grad=False, primitive=None, inputs=()):
        self.data = np.asarray(data, dtype=float)
        self.requires_grad, self.primitive, self.inputs = requires_grad, primitive, inputs
        self.stamp = next(stamps)

    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)


def array_of(x):
    return x.data if isinstance(x, Tensor) else x


# %%
def call(self, *inputs):
    value = self.forward(*map(array_of, inputs))
    tensors = [x for x in inputs if isinstance(x, Tensor)]
    if any(x.requires_grad for x in tensors):
        return Tensor(value, True, self, inputs)
    return Tensor(value) if tensors else value


Primitive.__call__ = call
x = Tensor([0.5, -1.0], requires_grad=True)
y = tanh(multiply(x, 3.0))
print(y.data, "made by", y.primitive.forward, "of", y.inputs[0].primitive.forward)
assert np.allclose(y.data, np.tanh([1.5, -3.0]))
assert y.inputs[0].inputs == (x, 3.0) and y.stamp > y.inputs[0].stamp > x.stamp
assert isinstance(tanh(np.ones(2)), np.ndarray) and not tanh(Tensor(1.0)).requires_grad

# %% [markdown]
# The graph is there. Nobody built it: it is what Tensors remember.
#
# ## Step 3: back along every path
#
# Now the gradient. The obvious way is recursion: a Tensor that gets a gradient asks its primitive's rules for those
# of its inputs, and hands them on. At a leaf they add up.


# %%
def push(t, g, found, calls):
    calls.append(t)
    if t.primitive is None:
        found[t] = found.get(t, 0) + g
        return
    for x, rule in zip(t.inputs, t.primitive.rules, strict=True):
        if isinstance(x, Tensor) and x.requires_grad:
            push(x, rule(g, t.data, *map(array_of, t.inputs)), found, calls)


x = Tensor(0.5, requires_grad=True)
y = tanh(multiply(x, 3.0))
push(y, 1.0, found := {}, [])
print(found[x], 3 * (1 - np.tanh(1.5) ** 2))
assert np.isclose(found[x], 3 * (1 - np.tanh(1.5) ** 2))


# %% [markdown]
# It is right. Is it good?
#
# > **Predict.** Start with $x$ and double it $n$ times: `x = add(x, x)`. The gradient is $2^n$. How many times is
# > `push` called for $n = 12$: about 12, 24, 144 or 8000?


# %%
def doubled(n):
    leaf = t = Tensor(1.0, requires_grad=True)
    for _ in range(n):
        t = add(t, t)
    return leaf, t


counts = []
for n in range(13):
    leaf, t = doubled(n)
    push(t, 1.0, found := {}, calls := [])
    assert found[leaf] == 2**n
    counts.append(len(calls))
print(counts)
assert counts[12] == 2**13 - 1 == 8191

# %% [markdown]
# > **What goes wrong.** `push` walks every *path* from the loss to the leaf, and paths multiply: 8191 calls for a
# > graph of 13 nodes. With 30 doublings it would never end. The answer is right, the tests are green, and it can't
# > be used. (As a way to *understand* a gradient paths are good: `tl.explain` lists the largest.)
#
# ## Step 4: every operation once
#
# A node can pass on its gradient once *all* of it has arrived. Inputs are always made before outputs, so going
# through the nodes by descending stamp is enough: nobody who comes later can contribute any more. Write `collect`,
# which finds the nodes and sorts them, and `gradients`, which goes through them.


# %%
def collect(loss):
    """All that the loss depends on and that wants a gradient, the latest first."""
    found, stack = {loss}, [loss]
    while stack:
        for x in stack.pop().inputs:
            if isinstance(x, Tensor) and x.requires_grad and x not in found:
                found.add(x)
                stack.append(x)
    return sorted(found, key=lambda t: t.stamp, reverse=True)


def unchanged(gradient, x):
    return gradient


fit = unchanged  # step 5 will do something here


# %%
def gradients(loss, look=array_of):
    """The gradient of every leaf that requires one."""
    pending = {loss: look(Tensor(np.ones_like(loss.data)))}
    leaves = {}
    for t in collect(loss):
        g = pending.pop(t)
        if t.primitive is None:
            leaves[t] = g
            continue
        for x, rule in zip(t.inputs, t.primitive.rules, strict=True):
            if isinstance(x, Tensor) and x.requires_grad:
                gradient = fit(rule(g, look(t), *map(look, t.inputs)), x)
                pending[x] = pending[x] + gradient if x in pending else gradient
    return leaves


# %% [markdown]
# (What `look` is for, you will see in step 7.) **The check:** the doublings, now 1000 of them, which no recursion
# would survive.

# %%
leaf, t = doubled(12)
assert gradients(t)[leaf] == 4096 and len(collect(t)) == 13
leaf, t = doubled(1000)
assert gradients(t)[leaf] == 2.0**1000 and len(collect(t)) == 1001
print("1000 doublings: 1001 nodes, each visited once")

figure, ax = plt.subplots(figsize=(6, 3.4))
ax.semilogy(counts, "o-", color=ORANGE, label="step 3: along every path")
ax.semilogy(np.arange(13) + 1, "s-", color=BLUE, label="step 4: every node once")
ax.set(xlabel="doublings", ylabel="calls", title="Why order matters")
ax.legend()
show(figure, "14_build_it_yourself_1")

# %% [markdown]
# ## Step 5: broadcasting
#
# What broadcasting copies in the forward pass adds up in the backward pass. So: sum over the axes that were added in
# front, and over those that were stretched from 1, until the gradient has the shape of its input. Write it, and let
# `fit` be it. If you write it as a primitive, with a rule of its own, step 7 will be free.


# %%
def summed_to_shape(gradient, x):
    extra = gradient.ndim - x.ndim
    stretched = [i for i in range(x.ndim) if x.shape[i] == 1 and gradient.shape[i + extra] != 1]
    axes = (*range(extra), *(i + extra for i in stretched))
    if not axes:
        return gradient
    summed = Primitive(lambda a: a.sum(axis=axes).reshape(x.shape), lambda g, y, a: g + 0 * a)
    return summed(gradient)


fit = summed_to_shape


# %% [markdown]
# **The check**, on a whole expression with two broadcasts. The engine as a rule for `tl.gradcheck`:


# %%
def by_engine(f, create=lambda array: Tensor(array, requires_grad=True)):
    """A rule for tl.gradcheck that asks our engine: f takes Tensors, and the sum of what it gives is differentiated."""

    def rule(g, *inputs):
        leaves = [create(array) for array in inputs]
        found = gradients(multiply(f(*leaves), g))
        return [found[leaf] for leaf in leaves]

    return rule


def layer(x, w, b):
    return tanh(add(matmul(x, w), b))


x, w, column = rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=(4, 1))
for b in (rng.normal(size=5), column):
    assert tl.gradcheck(layer, x, w, b, vjp=by_engine(layer))
print("a layer with a bias for each unit, and with one for each example: right")

# %% [markdown]
# (In `by_engine` the loss isn't a single number: we start from ones at `f · g`, which is the same as starting from
# `g`.) Note that `layer`, called with arrays, is plain NumPy, so `tl.gradcheck` could use the very same function for
# its differences.
#
# ## Step 6: to write mathematics
#
# `tanh(add(matmul(x, w), b))` is no way to write `np.tanh(x @ w + b)`. Operators are methods. And NumPy asks every
# argument of a function such as `np.tanh` whether it has a method `__array_ufunc__`, and if so, lets it answer. With
# a table from NumPy's functions to our primitives, the answer is one line.

# %%
OPERATORS = {"add": add, "sub": subtract, "mul": multiply, "truediv": divide, "matmul": matmul}
for name, primitive in OPERATORS.items():
    setattr(Tensor, f"__{name}__", lambda a, b, primitive=primitive: primitive(a, b))
    setattr(Tensor, f"__r{name}__", lambda a, b, primitive=primitive: primitive(b, a))
Tensor.__neg__ = lambda self: negative(self)
Tensor.T = property(lambda self: transpose(self))
mean = Primitive(np.mean, lambda g, y, x: g / np.size(array_of(x)) + 0 * x)
Tensor.mean = lambda self: mean(self)
TABLE = {p.forward: p for p in (*OPERATORS.values(), negative, exp, tanh)}


# %%
def array_ufunc(self, ufunc, method, *inputs, **options):
    if method != "__call__" or options or ufunc not in TABLE:
        raise TypeError(f"there is no derivative rule for np.{ufunc.__name__} here")
    return TABLE[ufunc](*inputs)


Tensor.__array_ufunc__ = array_ufunc


def two_layers(x, w, v):
    return np.tanh(x @ w + 1) @ v / (2 + np.exp(-x @ w @ v))


v = rng.normal(size=(5, 2))
assert tl.gradcheck(two_layers, x, w, v, vjp=by_engine(two_layers))
print("two_layers is plain NumPy, and its gradient is right")

# %% [markdown]
# What has no rule must say so. The worst an engine can do is to lose a gradient in silence:

# %%
try:
    np.floor(Tensor(1.5, requires_grad=True))
    raise AssertionError("it should have refused")
except TypeError as error:
    print(error)

# %% [markdown]
# ## Step 7: derivatives of derivatives
#
# `gradients` runs the rules on arrays. But a rule is nothing but NumPy, and our Tensors speak NumPy. If the rules
# are given the Tensors themselves, they record what they do, as any computation does. So `look` returns them as they
# are:


# %%
def itself(x):
    return x


x = Tensor(0.7, requires_grad=True)
first = gradients(np.tanh(x), look=itself)[x]
second = gradients(first, look=itself)[x]
third = gradients(second)[x]
print(first.data, second.data, third)

# %% [markdown]
# > **Predict.** What is the second derivative of tanh? With $y' = 1 - y^2$, differentiate once more: $y'' = -2 y
# > y'$, and $y''' = -2 (y'^2 + y y'')$.

# %%
y0 = np.tanh(0.7)
y1 = 1 - y0**2
y2 = -2 * y0 * y1
y3 = -2 * (y1**2 + y0 * y2)
assert np.allclose([first.data, second.data, third], [y1, y2, y3], rtol=1e-12)
assert np.isclose(third, tl.grad(tl.grad(tl.grad(np.tanh)))(0.7), rtol=1e-12)
print("three derivatives, no further code")

# %% [markdown]
# ## Step 8: what changed in between
#
# Rules use the *values* of the inputs, and look at them when the backward pass runs. What if somebody has changed
# them since?

# %%
w = Tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).mean()
w.data = w.data - 0.5  # an optimizer's step, too early
print("gradient:", gradients(loss)[w], " right would be:", np.array([1.0, 2.0]))
assert np.allclose(gradients(loss)[w], [0.5, 1.5])

# %% [markdown]
# No error, a wrong gradient. Stamps help again: a new value gets a new stamp, and then an input is *younger* than
# the operation that used it, which can't be. Give `Tensor` a method `assign`, and have `collect` look.


# %%
def assign(self, data):
    self.data, self.stamp = np.asarray(data, dtype=float), next(stamps)


Tensor.assign = assign


def collect(loss):
    found, stack = {loss}, [loss]
    while stack:
        t = stack.pop()
        for x in (x for x in t.inputs if isinstance(x, Tensor)):
            if x.stamp > t.stamp:
                raise RuntimeError(f"a Tensor of shape {x.shape} was changed after it was used")
            if x.requires_grad and x not in found:
                found.add(x)
                stack.append(x)
    return sorted(found, key=lambda t: t.stamp, reverse=True)


# %%
w = Tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).mean()
assert np.allclose(gradients(loss)[w], [1.0, 2.0])
w.assign(w.data - 0.5)
try:
    gradients(loss)
    raise AssertionError("it should have refused")
except RuntimeError as error:
    print(error)
leaf, t = doubled(1000)  # what worked before still does
assert gradients(t)[leaf] == 2.0**1000

# %% [markdown]
# ## It trains the neuron
#
# The article's first program ([lesson 2](02_one_neuron.py)): a neuron $p = \sigma(wx + b)$ is to imitate one with $w
# = 2$ and $b = -1$. Now with your engine, and nothing else.
#
# > **Predict.** Will it give the same gradient as tinydl, to how many digits?


# %%
def neuron_loss(w, b):
    p = 1 / (1 + np.exp(-(inputs @ w + b)))
    return ((p - targets) * (p - targets)).mean()


inputs = np.linspace(-3, 3, 100)[:, None]
targets = 1 / (1 + np.exp(-(2 * inputs - 1)))
w, b = Tensor(np.zeros((1, 1)), requires_grad=True), Tensor(np.zeros(1), requires_grad=True)
mine = gradients(neuron_loss(w, b))
theirs = tl.grad(neuron_loss, argnums=(0, 1))(w.data, b.data)
print(mine[w].item() - theirs[0].item(), mine[b].item() - theirs[1].item())
assert np.allclose(mine[w], theirs[0], rtol=1e-12) and np.allclose(mine[b], theirs[1], rtol=1e-12)

# %%
losses = []
for _ in range(300):
    loss = neuron_loss(w, b)
    losses.append(loss.data.item())
    found = gradients(loss)
    for parameter in (w, b):
        parameter.assign(parameter.data - 10 * found[parameter])
print(f"loss {losses[0]:.3f} → {losses[-1]:.1e}; w = {w.data.item():.3f}, b = {b.data.item():.3f}")
assert losses[-1] < 1e-10
assert abs(w.data.item() - 2) < 1e-3 and abs(b.data.item() + 1) < 1e-3

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4))
left.semilogy(losses, color=BLUE)
left.set(xlabel="step", ylabel="mean squared error", title="your engine at work")
right.plot(inputs, targets, color=GRAY, lw=5, alpha=0.5, label="the neuron to imitate")
right.plot(inputs, 1 / (1 + np.exp(-(inputs @ w.data + b.data))), "--", color=GREEN, label="yours")
right.set(xlabel="x", ylabel="output", title=f"w = {w.data.item():.2f}, b = {b.data.item():.2f}")
right.legend(fontsize="small")
show(figure, "14_build_it_yourself_2")

# %% [markdown]
# ## Your file beside tensor.py
#
# Each of your pieces has its place there. Open the file at these lines and read on from there:

# %%
PLACES = [
    (Primitive.__init__, engine.Primitive.__init__),
    (call, engine.Primitive.__call__),
    (Tensor.__init__, engine.wrap),
    (collect, graph.ancestors),
    (gradients, engine.propagate),
    (summed_to_shape, arrays.fitted),
    (array_ufunc, dispatch.array_ufunc),
    (assign, engine.Tensor.data.fset),
]
for yours, ours in PLACES:
    file, (text, line) = Path(inspect.getsourcefile(ours)).name, inspect.getsourcelines(ours)
    length = len(inspect.getsourcelines(yours)[0])
    print(f"{yours.__qualname__:18} {length:3} lines   {file}:{line} {ours.__qualname__}, {len(text)}")

# %%
total = sum(len(inspect.getsourcelines(yours)[0]) for yours, _ in PLACES)
print(f"your engine, without the table of rules: {total} lines")
assert total < 80  # about fifty

# %% [markdown]
# What is in tinydl's file and not in yours, and what for:
#
# | there | for |
# |---|---|
# | `wrap` beside `tensor` | nodes made without an `__init__`, which costs a tenth of a small operation |
# | `options`, `Signature` | `np.sum(x, axis=1)`: arguments that aren't differentiated, by position or by name |
# | `each` | one rule for any number of inputs, as in `np.concatenate` |
# | `Tensor.grad`, `backward` | gradients that are kept and added up, for optimizers |
# | `sums`, `shared` | adding up in place, but never in memory that belongs to somebody else |
# | `wanted` | only the gradients that were asked for: `tl.grad`, `tl.jacobian` |
# | `recording` | `no_grad`, and a backward pass that is itself recorded: your `look` |
# | observers | strict mode, `explain`, anomaly mode and `diagnose`, of which the engine knows nothing |
# | the last check in `propagate` | no gradient may be left over: an error rather than a silent loss |
#
# The table of rules is in `tinydl/derivatives/`, and looks like your step 1.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_cube_root`, `ex_layer_norm`, `ex_convolution`,
# `ex_residual`.
#
# 1. Add `np.log`, `np.sin` and `np.sqrt` to your table: one line each, and `check` for each, at inputs where they
#    are defined. What does `check` say for a sine whose rule is `g * np.sin(x)`?
# 2. Your `matmul` serves matrices only. What happens with a vector, `x @ w` with shapes (4, 3) and (3,)? Find it
#    with `check`, repair it, and compare with `tinydl/derivatives/products.py`.
# 3. Give `Tensor` a `sum(axis)`: a primitive made when it is called, as in `fit`, with the axis closed over. Then write
#    the softmax with the cross-entropy in your engine, and train the network of [lesson 12](12_trusting_a_gradient.py).
#
# ## Where this lives in tinydl
#
# - `tinydl/engine/tensor.py` and `graph.py`: steps 2, 4, 7 and 8; `tinydl/engine/arrays.py`: `fitted`, step 5;
#   `tinydl/engine/dispatch.py`: step 6.
# - `tinydl/derivatives/elementwise.py`: step 1, for all the functions of NumPy that act on each element.
# - `tinydl/engine/transforms.py`: `grad` and its kin, which nest because of step 7.
#
# This is the end of the course. You know now what is under every `loss.backward()` that you will ever write, and how
# to find out whether it is right.
