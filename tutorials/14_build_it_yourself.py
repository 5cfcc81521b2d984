# %% [markdown]
# # 14. Build it yourself
#
# **How much does it take to go from an empty file to an engine that differentiates formulas written in NumPy, twice if
# you want?**
#
# Eight steps, none longer than twenty-five lines. You have met every idea in them; now you put them together yourself.
# Afterwards no `loss.backward()` will hold a secret for you. Take your time: this is work for an evening or two.
#
# *You need:* [lesson 3](03_the_graph.py), the graph, and [lesson 4](04_arrays.py), arrays. For the eight steps you may
# skip the lessons between those and this one.
#
# **How to work.** The file [mine.py](mine.py) is almost empty. It has the eight steps, with `...` wherever you write
# something; [_mine.py](_mine.py) beside it has the checks. Run it, in the folder where both are:
#
#     python mine.py
#
# It says in a sentence what is right and what comes next; or what is wrong. Here each answer stands directly below its
# task. So read what a step is for, then work from `mine.py` alone: its docstrings suffice. Come back when it says
# "right", and compare. Yours may look different; what counts are the checks. And if you only want to read, read on.

# %%
import inspect
import itertools

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, show
from _mine import check

import tinydl as tl
from tinydl.engine import arrays, dispatch, graph
from tinydl.engine.tensor import propagate

rng = np.random.default_rng(0)

# %% [markdown]
# ## The Python that you will need
#
# One line for each; come back here when you meet it.


# %%
def together(*inputs, **options):  # * takes all arguments, as one tuple; ** those given by name, as a dict
    return inputs, options


class Square:
    area = property(lambda self: self.side**2)  # square.area works without ()


square = Square()
square.side = 3
assert square.area == 9
assert together(*["x", 3.0], axis=1) == (("x", 3.0), {"axis": 1})  # * hands over the elements of a list one by one
assert {"x": 5}.get("y", 0) == 0  # 0: the key isn't there (a Tensor can be a key, too; lists and arrays can't)
assert list(zip([1, 2], "ab", strict=True)) == [(1, "a"), (2, "b")]  # side by side; strict: equally long
assert sorted(["b", "aaa"], key=lambda word: len(word), reverse=True) == ["aaa", "b"]  # the largest first
assert isinstance(1.5, float)  # 1.5 is an object of the class float
assert np.ones((4, 3)).sum(axis=1, keepdims=True).shape == (4, 1)  # the summed axis stays, with length 1

# %% [markdown]
# ## Step 1: rules, before there is an engine
#
# A *primitive* is a function on arrays, and one rule for each of its inputs. Let $y$ be what the function gives and $g$
# the gradient of the loss with respect to $y$. A rule makes of $g$ the gradient with respect to an input $x$. For a
# function that acts on each element by itself this is a product:
#
# $$ \bar x = g \cdot \frac{\partial y}{\partial x} . \tag{1} $$
#
# In general it is the vector-Jacobian product of [lesson 4](04_arrays.py). For `y = a * b` for example, the rules are
# `g * b` and `g * a`.
#
# **Your task:** the rules for −, ×, ÷, @, minus, exp, tanh and transposition; `add` is there to show you how. Each rule
# is given `g`, `y` and all inputs. (A `lambda g, y, x: …` is a function without a name.) Use only `+ - * / @`, `.T`,
# `np.exp` and `np.tanh`, so `y * y` and not `y**2`: in step 7 your rules will be given Tensors, which know nothing
# else. That is calculus, and all the calculus there is; the rest of the engine won't know any.
#
# > **Predict.** Which of these rules need a transpose, and which the sign −? And where does it help that a rule is
# > given $y$ too?


# %%
# mine.py, step 1
class Primitive:
    def __init__(self, forward, *rules):
        self.forward, self.rules = forward, rules

    def __call__(self, *inputs):
        return remember(self, *inputs)  # you write this in step 2


# %%
# mine.py, step 1
add = Primitive(np.add, lambda g, y, a, b: g, lambda g, y, a, b: g)
subtract = Primitive(np.subtract, lambda g, y, a, b: g, lambda g, y, a, b: -g)
multiply = Primitive(np.multiply, lambda g, y, a, b: g * b, lambda g, y, a, b: g * a)
divide = Primitive(np.divide, lambda g, y, a, b: g / b, lambda g, y, a, b: -g * y / b)
matmul = Primitive(np.matmul, lambda g, y, a, b: g @ b.T, lambda g, y, a, b: a.T @ g)
negative = Primitive(np.negative, lambda g, y, x: -g)
exp = Primitive(np.exp, lambda g, y, x: g * y)
tanh = Primitive(np.tanh, lambda g, y, x: g * (1 - y * y))
transpose = Primitive(np.transpose, lambda g, y, x: g.T)

# %%
assert check(1, globals())

# %% [markdown]
# This line stands in `mine.py` after each step. (`globals()` is a dict of all names defined so far.) It needs no engine
# yet: `tl.gradcheck` compares each rule with numerical derivatives, on matrices that aren't square.
#
# The rules of minus and, for their second inputs, of − and ÷ have the sign; `matmul` has the transposes, and
# `transpose` itself. And $y$ saves work: the slope of exp *is* $y$, that of tanh is $1 - y^2$, and that of $y = a/b$ by
# $b$ is $-a/b^2 = -y/b$.
#
# With a bias, shapes (4, 3) and (3,), the rule of `add` isn't enough: it says $g$, of shape (4, 3), for an input of
# shape (3,). We leave the rules as short as they are, and repair this in a single place: step 5.
#
# ## Step 2: an array that remembers
#
# Now an array needs a memory. A `Tensor` knows its array (`data`), the primitive that made it, that primitive's inputs,
# whether it wants a gradient, and when it was made: a *stamp* from a counter, as in [lesson 3](03_the_graph.py).
#
# **Your task:** finish `Tensor`; then write `remember(primitive, *inputs)`, which is what a call such as `tanh(x)`
# does. With arrays it just computes. With Tensors it gives a Tensor; and if one of the inputs requires a gradient, so
# does the result, and then it remembers. Otherwise it mustn't remember: nobody will go back through it, and its inputs
# would stay in memory for nothing.


# %%
# mine.py, step 2
stamps = itertools.count()  # next(stamps) is 0, then 1, then 2, ...


class Tensor:
    def __init__(self, data, requires_grad=False, primitive=None, inputs=()):
        self.data = np.asarray(data, dtype=float)
        self.requires_grad, self.primitive, self.inputs = requires_grad, primitive, inputs
        self.stamp = next(stamps)

    shape = property(lambda self: self.data.shape)  # so that t.shape works without ()
    size = property(lambda self: self.data.size)


# %%
# mine.py, step 2
def array_of(x):
    return x.data if isinstance(x, Tensor) else x


def remember(primitive, *inputs):
    value = primitive.forward(*[array_of(x) for x in inputs])
    tensors = [x for x in inputs if isinstance(x, Tensor)]
    if any(x.requires_grad for x in tensors):
        return Tensor(value, True, primitive, inputs)
    return Tensor(value) if tensors else value


# %%
assert check(2, globals())
x = Tensor([0.5, -1.0], requires_grad=True)
y = tanh(multiply(x, 3.0))
print(y.data.round(3), "made by", y.primitive.forward, "of", y.inputs[0].primitive.forward)
assert y.inputs[0].inputs == (x, 3.0)

# %% [markdown]
# The graph is there. Nobody built it: it is what Tensors remember.
#
# ## Step 3: back along every path
#
# Now the gradient. The obvious way is a function that calls itself: a Tensor that is handed a gradient asks the rules
# of its primitive for those of its inputs, and hands them on. A leaf, which no primitive made (`t.primitive is None`),
# keeps what it is handed; and if it is reached several times, it adds up.
#
# **Your task:** `push(t, g, found)`, where `found` is a dict of the gradients of leaves. For an input of `t` its rule
# is called as `rule(g, t.data, *values)`, and `values` are the *arrays* of all of `t.inputs`, by `array_of`: Tensors
# can't calculate yet. Push what the rule gives to that input, if it is a Tensor and requires a gradient. (Plain numbers
# and arrays, as 3.0 in `multiply(x, 3.0)`, get none.) Return how many calls it took, this one and all that it makes.


# %%
# mine.py, step 3
def push(t, g, found):
    if t.primitive is None:
        found[t] = found.get(t, 0) + g  # 0 if there is nothing yet
        return 1
    calls, values = 1, [array_of(x) for x in t.inputs]
    for x, rule in zip(t.inputs, t.primitive.rules, strict=True):
        if isinstance(x, Tensor) and x.requires_grad:
            calls += push(x, rule(g, t.data, *values), found)
    return calls


# %%
assert check(3, globals())
x = Tensor(0.5, requires_grad=True)
found = {}
push(tanh(multiply(x, 3.0)), 1.0, found)
print(f"by push {found[x]:.6f}, by hand {3 * (1 - np.tanh(1.5) ** 2):.6f}")
assert np.isclose(found[x], 3 * (1 - np.tanh(1.5) ** 2))

# %% [markdown]
# > **What goes wrong.** The answer is right, and yet this can't be used: like `backward_by_paths` of
# > [lesson 3](03_the_graph.py), `push` walks every *path* from the loss to the leaf. How to notice: double the graph,
# > and look at the number of calls.
#
# ## Step 4: every operation once
#
# A Tensor can pass on its gradient once *all* of it has arrived. Inputs are always made before outputs, so it is enough
# to go through the Tensors by their stamps, the latest first: nobody who comes later can contribute any more.
#
# **Your task:** `collect(loss)`, which finds all that the loss was made of and that requires a gradient, and sorts it;
# and `gradients(loss)`, which goes through that list and gives a dict: each leaf's gradient. It begins with the loss,
# whose gradient is 1 (an array of ones, if the loss is an array). It is like `backward` of [lesson 3](03_the_graph.py),
# with rules, called as in step 3, in the place of slopes.


# %%
# mine.py, step 4
def collect(loss):
    found, waiting = {loss}, [loss]
    while waiting:
        for x in waiting.pop().inputs:
            if isinstance(x, Tensor) and x.requires_grad and x not in found:
                found.add(x)
                waiting.append(x)
    return sorted(found, key=lambda t: t.stamp, reverse=True)


# %%
# mine.py, step 4
def gradients(loss):
    arrived, leaves = {loss: np.ones(loss.shape)}, {}
    for t in collect(loss):
        g = arrived.pop(t)  # all of it is there: take it out
        if t.primitive is None:
            leaves[t] = g
            continue
        values = [array_of(x) for x in t.inputs]
        for x, rule in zip(t.inputs, t.primitive.rules, strict=True):
            if isinstance(x, Tensor) and x.requires_grad:
                part = rule(g, t.data, *values)
                arrived[x] = arrived.get(x, 0) + part
    return leaves


# %%
assert check(4, globals())
leaf = t = Tensor(1.0, requires_grad=True)
for _ in range(12):
    t = add(t, t)
print("12 doublings: step 3 takes", push(t, 1.0, {}), "calls; step 4 visits", len(collect(t)), "Tensors, each once")
assert push(t, 1.0, {}) == 8191 and len(collect(t)) == 13 and gradients(t)[leaf] == 2**12

# %% [markdown]
# Why not `arrived[x] += part`? The rules of `add` hand the *same* array to both inputs, and `+=` changes an array in
# place: the gradient of the other input would change with it.
#
# ## Step 5: broadcasting
#
# What broadcasting copies in the forward pass adds up in the backward pass ([lesson 4](04_arrays.py)). It does two
# things: it puts new axes in front, and it stretches axes of length 1. So sum over those.
#
# **Your task:** `sum_to_shape(array, shape)`; and then `gradients` anew, where each gradient is summed to the shape of
# its input. (Copy yours from step 4, and change one line. Leave step 4 as it is: later definitions replace earlier
# ones.)


# %%
# mine.py, step 5
def sum_to_shape(array, shape):
    extra = array.ndim - len(shape)
    array = array.sum(axis=tuple(range(extra)))  # the axes in front
    for axis, length in enumerate(shape):
        if length == 1:
            array = array.sum(axis=axis, keepdims=True)  # keepdims: the axis stays, with length 1
    return array


# %%
# mine.py, step 5
def gradients(loss):
    arrived, leaves = {loss: np.ones(loss.shape)}, {}
    for t in collect(loss):
        g = arrived.pop(t)
        if t.primitive is None:
            leaves[t] = g
            continue
        values = [array_of(x) for x in t.inputs]
        for x, rule in zip(t.inputs, t.primitive.rules, strict=True):
            if isinstance(x, Tensor) and x.requires_grad:
                part = sum_to_shape(rule(g, t.data, *values), x.shape)  # new
                arrived[x] = arrived.get(x, 0) + part
    return leaves


# %%
assert check(5, globals())
b = Tensor([10.0, 20.0], requires_grad=True)
found = gradients(add(np.zeros((3, 2)), b))
print("a bias added to three rows: gradient", found[b])
assert np.array_equal(found[b], [3, 3])

# %% [markdown]
# ## Step 6: to write mathematics
#
# `tanh(add(matmul(x, w), b))` is no way to write `np.tanh(x @ w + b)`. Two things are missing.
#
# *Operators* are methods: Python computes `t + 1` by `t.__add__(1)`, and `1 + t` by `t.__radd__(1)`, where the r says
# that `t` stands on the right. Write each as a function, even the minus: `lambda t: negative(t)`. A Primitive in its
# place would be called without `t`.
#
# *Functions of NumPy* are polite. `np.tanh(t)` asks its argument whether it has a method `__array_ufunc__`, and if so,
# lets it answer. In `array + t` the array does the same: its `+` is `np.add`, and that asks `t`. You need a table from
# NumPy's functions to your primitives.
#
# NumPy also says by which `method` it was called. For `np.tanh(t)` that is `"__call__"`; for `np.add.outer(t, t)`,
# which adds each element to each, it is `"outer"`. You have no rule for that, none for `np.floor`, and none for options
# such as `where=`. What has no rule must say so: the worst that an engine can do is to lose a gradient in silence.
#
# **Your task:** the operators, and `array_ufunc`, which raises a TypeError where there is no rule.

# %%
# mine.py, step 6
Tensor.__add__, Tensor.__radd__ = lambda a, b: add(a, b), lambda a, b: add(b, a)
Tensor.__sub__, Tensor.__rsub__ = lambda a, b: subtract(a, b), lambda a, b: subtract(b, a)
Tensor.__mul__, Tensor.__rmul__ = lambda a, b: multiply(a, b), lambda a, b: multiply(b, a)
Tensor.__truediv__, Tensor.__rtruediv__ = lambda a, b: divide(a, b), lambda a, b: divide(b, a)
Tensor.__matmul__, Tensor.__rmatmul__ = lambda a, b: matmul(a, b), lambda a, b: matmul(b, a)
Tensor.__neg__ = lambda t: negative(t)
Tensor.T = property(lambda t: transpose(t))

mean = Primitive(np.mean, lambda g, y, x: g / x.size * np.ones(x.shape))
Tensor.mean = lambda t: mean(t)
TABLE = {p.forward: p for p in (add, subtract, multiply, divide, matmul, negative, exp, tanh)}


# %%
# mine.py, step 6
def array_ufunc(self, ufunc, method, *inputs, **options):
    if method != "__call__" or options or ufunc not in TABLE:
        raise TypeError(f"there is no derivative rule for np.{ufunc.__name__} here")
    return TABLE[ufunc](*inputs)


Tensor.__array_ufunc__ = array_ufunc

# %%
assert check(6, globals())

# %% [markdown]
# Now `tl.gradcheck` can judge a layer in plain NumPy. It hands over a random upstream gradient $g$, but `gradients`
# begins with ones. So we give it `layer · g`: ones at this product are $g$ at the layer, by the rule of `multiply`.


# %%
def layer(x, w, b):
    return np.tanh(x @ w + b)


def rule(g, *inputs):
    leaves = [Tensor(array, requires_grad=True) for array in inputs]
    found = gradients(layer(*leaves) * g)
    return [array_of(found[leaf]) for leaf in leaves]


assert tl.gradcheck(layer, rng.normal(size=(4, 3)), rng.normal(size=(3, 5)), rng.normal(size=5), vjp=rule)
print("layer is plain NumPy, and its gradient is right")

# %% [markdown]
# ## Step 7: derivatives of derivatives
#
# `gradients` takes the arrays out of the Tensors and runs the rules on them. But a rule is nothing but NumPy, and since
# step 6 your Tensors speak NumPy. What if the rules are given the Tensors themselves? Then the backward pass is a
# computation like any other, which remembers itself, and can be differentiated again.
#
# For tanh the rule computes `g * (1 - y * y)`. Now `y` is a Tensor that requires a gradient, and so by step 2 does the
# result, although `g`, the ones at the loss, doesn't. That result is the first gradient: hence you can ask for its
# gradient. And `arrived.get(x, 0) + part` works as before: Python computes `0 + part` by `part.__radd__(0)`, of step 6.
#
# One thing in it isn't a primitive yet: `sum_to_shape` works on arrays. As a primitive it needs a rule. Copying
# forwards is summing backwards, and the other way round: summing forwards is *copying backwards*.
#
# **Your task:** `sum_tensor(gradient, shape)`, which makes such a primitive and calls it; and `gradients` anew. It gets
# shorter.
#
# > **Predict.** The slope of tanh is $y' = 1 - y^2$. Differentiate that by hand, twice, and write $y''$ and $y'''$ with
# > $y$ and what you have already. Your engine will give all three at 0.7.


# %%
# mine.py, step 7
def sum_tensor(gradient, shape):
    copied_back = Primitive(lambda a: sum_to_shape(a, shape), lambda g, y, a: g * np.ones(a.shape))
    return copied_back(gradient)


# %%
# mine.py, step 7
def gradients(loss):
    arrived, leaves = {loss: Tensor(np.ones(loss.shape))}, {}
    for t in collect(loss):
        g = arrived.pop(t)
        if t.primitive is None:
            leaves[t] = g
            continue
        for x, rule in zip(t.inputs, t.primitive.rules, strict=True):
            if isinstance(x, Tensor) and x.requires_grad:
                part = sum_tensor(rule(g, t, *t.inputs), x.shape)  # Tensors, not arrays
                arrived[x] = arrived.get(x, 0) + part
    return leaves


# %%
assert check(7, globals())
x = Tensor(0.7, requires_grad=True)
first = gradients(np.tanh(x))[x]
second = gradients(first)[x]
third = gradients(second)[x]
print(f"three derivatives of tanh at 0.7: {first.data:.6f}, {second.data:.6f}, {third.data:.6f}")

# %% [markdown]
# By hand it is $y'' = -2\,y\,y'$, and with the rule for products $y''' = -2\,(y'^2 + y\,y'')$:

# %%
y0 = np.tanh(0.7)
y1 = 1 - y0**2
y2 = -2 * y0 * y1
y3 = -2 * (y1**2 + y0 * y2)
print(f"by hand:                          {y1:.6f}, {y2:.6f}, {y3:.6f}")
assert np.allclose([first.data, second.data, third.data], [y1, y2, y3], rtol=1e-12)
assert np.isclose(third.data, tl.grad(tl.grad(tl.grad(np.tanh)))(0.7), rtol=1e-12)

# %% [markdown]
# ## Step 8: what changed in between
#
# Rules use the *values* of the inputs, and look at them when the backward pass runs. What if somebody has changed them
# since?

# %%
w = Tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).mean()
w.data = w.data - 0.5  # an optimizer's step, too early
print("gradient:", gradients(loss)[w].data, " right would be:", np.array([1.0, 2.0]))
assert np.allclose(gradients(loss)[w].data, [0.5, 1.5])

# %% [markdown]
# No error, and a wrong gradient. Stamps help again. Let a new value get a new stamp: then an input is *younger* than
# what was made from it, which otherwise can't be.
#
# **Your task:** a method `assign(data)` for Tensors, which takes a new stamp; and `collect` anew, which looks at the
# stamps and raises a RuntimeError. Mind that an input which requires no gradient can change, too.


# %%
# mine.py, step 8
def assign(self, data):
    self.data, self.stamp = np.asarray(data, dtype=float), next(stamps)


Tensor.assign = assign


# %%
# mine.py, step 8
def collect(loss):
    found, waiting = {loss}, [loss]
    while waiting:
        t = waiting.pop()
        for x in t.inputs:
            if isinstance(x, Tensor) and x.stamp > t.stamp:
                raise RuntimeError(f"a Tensor of shape {x.shape} was changed after it was used")
            if isinstance(x, Tensor) and x.requires_grad and x not in found:
                found.add(x)
                waiting.append(x)
    return sorted(found, key=lambda t: t.stamp, reverse=True)


# %%
assert check(8, globals())
w = Tensor([1.0, 2.0], requires_grad=True)
loss = (w * w).mean()
w.assign(w.data - 0.5)
try:
    gradients(loss)
    raise AssertionError("it should have refused")
except RuntimeError as error:
    print(error)

# %% [markdown]
# ## It trains the neuron
#
# In [lesson 2](02_one_neuron.py) a neuron $p = \sigma(wx + b)$ learned to imitate one with $w = 2$ and $b = -1$. Now it
# does so with your engine. (In `tl.grad`, which you compare it with, `argnums=(0, 1)` asks for the gradients by the
# arguments 0 and 1, $w$ and $b$.)
#
# > **Predict.** Your engine and tinydl's have no line in common. In how many digits will their gradients agree: about
# > 3, about 7, or 12 and more?

# %%
inputs = np.linspace(-3, 3, 100).reshape(100, 1)  # 100 examples of one number
targets = 1 / (1 + np.exp(-(2 * inputs - 1)))


def neuron_loss(w, b):
    p = 1 / (1 + np.exp(-(inputs @ w + b)))
    return ((p - targets) * (p - targets)).mean()


w, b = Tensor(np.zeros((1, 1)), requires_grad=True), Tensor(np.zeros(1), requires_grad=True)
mine = gradients(neuron_loss(w, b))
theirs = tl.grad(neuron_loss, argnums=(0, 1))(w.data, b.data)
print(f"by w: yours {mine[w].data.item():.15f}, tinydl's {theirs[0].item():.15f}")
print(f"by b: yours {mine[b].data.item():.15f}, tinydl's {theirs[1].item():.15f}")
assert np.allclose(mine[w].data, theirs[0], rtol=1e-12) and np.allclose(mine[b].data, theirs[1], rtol=1e-12)

# %% [markdown]
# In 12 and more: the chain rule is exact, and only the rounding of the last digits can differ. Now 300 steps:

# %%
losses = []
for _ in range(300):
    loss = neuron_loss(w, b)
    losses.append(loss.data.item())
    found = gradients(loss)
    for parameter in (w, b):
        parameter.assign(parameter.data - 10 * found[parameter].data)
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
show(
    figure,
    "14_build_it_yourself_1",
    "Left: the mean squared error falls over 300 steps, on a logarithmic axis in a nearly straight line, to below "
    "1e-10. Right: the output of the trained neuron, w = 2.00 and b = -1.00, lies on that of the neuron to imitate.",
)

# %% [markdown]
# ## Your file beside tensor.py
#
# Each piece has its place in tinydl, in the folder `tinydl/engine`. Open these files, and you will recognise what you
# read:
#
# | yours | tinydl's | in the file |
# |---|---|---|
# | `remember` | `Primitive.__call__` | `tensor.py` |
# | `gradients` | `propagate` | `tensor.py` |
# | `assign` | `Tensor.data`, its setter | `tensor.py` |
# | `collect` | `ancestors` | `graph.py` |
# | `sum_to_shape`, `sum_tensor` | `fitted` | `arrays.py` |
# | `array_ufunc` | `array_ufunc` | `dispatch.py` |


# %%
def count_lines(pieces):
    return sum(len(inspect.getsource(piece).splitlines()) for piece in pieces)


yours = [Primitive.__init__, Primitive.__call__, Tensor.__init__, remember, collect, gradients, sum_to_shape]
yours += [sum_tensor, array_ufunc, assign]
theirs = [tl.Primitive.__call__, propagate, tl.Tensor.data.fset, graph.ancestors, arrays.fitted, dispatch.array_ufunc]
print(f"the answers above: {count_lines(yours)} lines; tinydl's pieces: {count_lines(theirs)} lines")
assert 50 <= count_lines(yours) <= 60 and 2.5 < count_lines(theirs) / count_lines(yours) < 3.5

# %% [markdown]
# Between fifty and sixty lines, without the rules of step 1: that is the heart of a deep-learning library. tinydl's
# pieces are three times as long: they explain errors, keep the type of numbers (float32), take shortcuts that save time
# and memory (such as `+=` where nobody else holds the array), and serve what yours hasn't:
#
# | there | for |
# |---|---|
# | options | `np.sum(x, axis=1)`: what isn't differentiated |
# | rules for any number of inputs | `np.concatenate` |
# | `t.grad`, `t.backward()` | gradients that are kept and added up |
# | `tl.no_grad()` | computing without remembering, which saves memory |
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_cube_root` is like step 1; `ex_convolution` and `ex_layer_norm`,
# which is hard, ask for a derivation with indices, as in [lesson 4](04_arrays.py); `ex_residual` is about a Module,
# which [lesson 5](05_layers_and_the_loop.py) explains; relu(x) is the larger of x and 0.
#
# 1. Add `np.log`, `np.sin` and `np.sqrt` to your table: one line each. Ask `tl.gradcheck` about each, at inputs where
#    they are defined. What does it say for a sine whose rule is `-g * np.cos(x)`? And which function must be in the
#    table, too, if you want the second derivative of the sine?
# 2. Your `matmul` serves matrices only. With a vector, `x @ w` with shapes (4, 3) and (3,), one of its two rules ends
#    in a ValueError of NumPy. Write down the shapes in both rules: which one is it, and what should it give? Check
#    yours with `tl.gradcheck`.
# 3. Give `Tensor` a `sum(axis)`: a primitive that is made when it is called, as in `sum_tensor`; let it keep the axis,
#    with length 1. With that and `np.log`, write the softmax and the cross-entropy ([lesson 7](07_likelihood.py)), and
#    train the network of [lesson 12](12_trusting_a_gradient.py) on the spiral.
#
# <details><summary>What you should find</summary>
#
# * In 1 the rules are `g / x`, `g * np.cos(x)` and `g / (2 * y)`. The checker says that a sign is flipped. The second
#   derivative needs `np.cos`, since the rule calls it with a Tensor.
# * In 2 it is the rule of `x`: `g @ w.T` has the shapes (4,) and (3,), and a vector's `.T` is the vector itself. The
#   gradient of `x` has the elements $g_i w_j$: `np.outer(g, w)`. The rule of `w` is right as it is.
# * In 3 the rule is `g * np.ones(a.shape)`, as in `sum_tensor`. With 32 units in each hidden layer, all 300 points at
#   once and 2000 steps of rate 0.3, about 99 % of the points are right, within seconds.
#
# </details>
#
# ## Where this lives in tinydl
#
# - The table above says it for steps 2 to 8.
# - `tinydl/derivatives/elementwise.py`: step 1, for the functions of NumPy that act on each element.
# - `tinydl/engine/transforms.py`: `grad` and its kin, which nest because of step 7.
#
# You know now what is under every `loss.backward()` that you will ever write.
#
# Next: [lesson 15](15_your_step_as_a_program.py), where the engine is asked for what it computes, and then left out.
