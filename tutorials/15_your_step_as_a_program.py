# %% [markdown]
# # 15. Your step as a NumPy program
#
# **You know what backpropagation does. What would one whole training step look like if you wrote it by hand, in NumPy
# alone, and why would that run faster?**
#
# An engine finds the way back through your network anew at every step, and it is the same way each time. So walk it
# once, write down what is computed, and from then on compute just that: no graph, no rules, only NumPy, line after
# line. Here you first write such a program yourself; then tinydl prints its own, and you will be able to explain each
# line.
#
# *You need:* [lesson 4](04_arrays.py), gradients of arrays, and [lesson 5](05_layers_and_the_loop.py), layers and the
# loop. You may skip all lessons in between.

# %%
import re
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, show

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim

rng = np.random.default_rng(15)

# %% [markdown]
# ## One step, as you know it
#
# Two layers, 3 numbers in, 5 in the middle, 2 out, and a batch of 4 examples: no two sizes are equal, so that nothing
# fits by accident. The step is that of [lesson 5](05_layers_and_the_loop.py).


# %%
def fresh(inputs=3, hidden=5, outputs=2, **settings):
    tl.manual_seed(15)  # the same parameters every time
    model = nn.Sequential(nn.Linear(inputs, hidden), nn.Tanh(), nn.Linear(hidden, outputs))
    sgd = optim.SGD(model.parameters(), lr=0.1, **settings)

    def step(x, y):
        loss = F.mse_loss(model(x), y)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return loss

    return model, sgd, step


x = rng.normal(size=(4, 3)).astype(np.float32)
y = rng.normal(size=(4, 2)).astype(np.float32)

# %% [markdown]
# ## First you: the step by hand
#
# With $X$ for the inputs and $Y$ for the answers, the way forward is
#
# $$ \begin{aligned}
#    A &= \tanh(X W_1^\top + b_1), \\
#    E &= A W_2^\top + b_2 - Y, \\
#    L &= \tfrac{1}{8} \textstyle\sum_{ij} E_{ij}^2 .
#    \end{aligned} \tag{1} $$
#
# $E$ is by how much the outputs are wrong: 8 numbers, and $L$ is the mean of their squares. The way back uses what
# [lesson 4](04_arrays.py) found. A bar means "the gradient of the loss by this", and $Z = X W_1^\top + b_1$ is what
# goes into tanh:
#
# $$ \begin{aligned}
#    \bar E &= \tfrac{2}{8} E, \\
#    \bar W_2 &= \bar E^\top A, \quad \bar b_2 = \textstyle\sum_i \bar E_i, \\
#    \bar A &= \bar E\, W_2, \\
#    \bar Z &= \bar A \cdot (1 - A^2), \\
#    \bar W_1 &= \bar Z^\top X, \quad \bar b_1 = \textstyle\sum_i \bar Z_i .
#    \end{aligned} \tag{2} $$
#
# The slope of tanh is $1 - \tanh^2$, element by element. A bias is copied to all rows on the way forward, so on the way
# back the rows are summed; $\bar E_i$ is row $i$. Then SGD subtracts from each parameter its gradient, times the
# learning rate. Line for line (leave `decay` aside until later: it is 0):


# %%
def by_hand(x, y, W1, b1, W2, b2, lr=0.1, decay=0.0):
    A = np.tanh(x @ W1.T + b1)
    E = A @ W2.T + b2 - y
    loss = np.sum(E * E) / E.size
    E_bar = E * (2 / E.size)
    W2_bar, b2_bar = E_bar.T @ A, E_bar.sum(axis=0)
    Z_bar = (E_bar @ W2) * (1 - A * A)
    W1_bar, b1_bar = Z_bar.T @ x, Z_bar.sum(axis=0)
    gradients = [W1_bar, b1_bar, W2_bar, b2_bar]
    for parameter, gradient in zip([W1, b1, W2, b2], gradients, strict=True):
        if decay:
            gradient += decay * parameter
        parameter -= lr * gradient  # in place: the array itself changes
    return loss


# %% [markdown]
# > **Predict.** Yours and the engine's have no line in common. After 50 steps, how close will the parameters be: to
# > three digits, to six, to the last bit?

# %%
model, sgd, step = fresh()
mine = [p.data.copy() for p in model.parameters()]  # the order is W1, b1, W2, b2
for _ in range(50):
    theirs, ours = step(x, y).item(), float(by_hand(x, y, *mine))
print(f"the 50th loss: engine {theirs:.9f}, by hand {ours:.9f}")
assert theirs == ours
for p, array in zip(model.parameters(), mine, strict=True):
    assert p.data.tobytes() == array.tobytes()  # tobytes: the memory as it is, bit by bit

# %% [markdown]
# To the last bit. The engine makes the very same calls of NumPy, on the same numbers, in the same order, and who does
# the same twice also rounds in the same way twice. All else that an engine does is *finding out* which calls these are.
#
# ## Then tinydl: the program, printed
#
# `tl.compile(step)` gives a function that does what `step` does. Its first call runs `step` and writes down each call
# of NumPy, the backward pass and the optimizer included. Of that list it makes a program; `source` is its text.
#
# > **Predict.** How many products of matrices, `np.matmul`, does the program have? Look at (1) and (2), and count.

# %%
model, sgd, step = fresh()
compiled = tl.compile(step)
compiled(x, y)  # runs step, and records it
text = compiled.source
print("products of matrices:", text.count("np.matmul("))
assert text.count("np.matmul(") == 5

# %% [markdown]
# Five: two on the way forward, three on the way back. (Two for each layer would make four, but nobody wants $\bar X$,
# the gradient by the inputs.) The text has four parts; its top, which prepares arrays, we read last.
#
# ### Forward

# %%
top, rest = text.split("def ", 1)
forward, rest = rest.split("# backward", 1)
backward, update = rest.split("# SGD", 1)
print("def " + forward.rstrip())
assert forward.count("np.matmul(") == 2 and "np.tanh(" in forward and forward.count("out=") >= 5

# %% [markdown]
# Read it with (1) beside it. The comments say where a line comes from: `0 (Linear)` is layer 0 of the model, and what
# has no number comes from the loss. Names end in the layer's number: `weight_0` is $W_1$, `bias_2` is $b_2$,
# `weight_0_T` is $W_1^\top$. A result has the name of its operation, `tanh_1`, or says what it is, `total`. `# over
# linear_0` means that `tanh_1` lies where `linear_0` was, which nobody needs any more. And what the text doesn't define
# (`weight_0`, `parameters`, later `sgd`) it is given: your model's own arrays and objects.
#
# | lines | formula |
# |---|---|
# | `matmul` and `add` of layer 0 | $Z = X W_1^\top + b_1$ |
# | `tanh` | $A = \tanh Z$ |
# | `matmul` and `add` of layer 2, `subtract` | $E = A W_2^\top + b_2 - Y$ |
# | `square`, `add.reduce`, division by 8 | $L$: the squares, their sum, their mean |
# | `p.grad = None` | `zero_grad`: the gradients of the step before are forgotten |
#
# `np.add.reduce` adds up all numbers, or with `axis=0` those of each column; `np.sum` calls it, too. `np.add(a, b,
# out=c)` is $a + b$, written into an array `c` that is there already. More about that soon.
#
# ### Backward
#
# > **Predict.** The first product on the way back, is it $\bar W_2$ or $\bar A$? Does it matter?

# %%
print("    # backward" + backward.rstrip())
assert backward.count("np.matmul(") == 3 and backward.count("np.add.reduce(") == 2

# %% [markdown]
# Read it with (2) beside it. `∂/∂weight_2` means: the next lines compute the gradient by `weight_2`, with the rule of
# the operation that stands before the colon. A name with `d_` is such a gradient: `d_weight_2` is $\bar W_2$. The
# number $\frac{2}{8}$ is the same at each call, `number_0_25`: like the 1 of $1 - A^2$ it is made an array at the top,
# for speed.
#
# | lines | formula |
# |---|---|
# | the first `multiply` | $\bar E = \frac{2}{8} E$ |
# | the three `matmul` | $\bar A = \bar E W_2$, $\bar W_2 = \bar E^\top A$, later $\bar W_1 = \bar Z^\top X$ |
# | the two `add.reduce` with `axis=0` | $\bar b_2$ and $\bar b_1$, the sums down the columns |
# | `multiply`, `subtract` from 1, `multiply` | $A^2$, $1 - A^2$, $\bar Z = \bar A \cdot (1 - A^2)$ |
#
# Which of $\bar A$ and $\bar W_2$ comes first doesn't matter: neither needs the other. But both need $\bar E$, and
# $\bar Z$ needs $\bar A$. That is all that is left of the graph.
#
# ### The update

# %%
print("    # SGD" + update)
assert update.count("np.subtract(") == 4 and "lr" in update
before = model[0].weight.data.copy()
sgd.groups[0]["lr"] = 0.0  # a schedule changes the learning rate in just this way
compiled(x, y)
assert np.array_equal(model[0].weight.data, before) and len(compiled.programs) == 1
sgd.groups[0]["lr"] = 0.1

# %% [markdown]
# The program asks the optimizer for the learning rate at each call, since it may change. (We set it to 0, and the
# weights stood still.) All four gradients lie side by side in one array, `gradients`, so one `multiply` serves all of
# them; it writes over the gradients, which nobody needs any more. Then each parameter changes in place, by its piece of
# that. The last lines are bookkeeping: each parameter gets a new *stamp*, by which the engine would notice that
# somebody still uses a graph of the old values; `as_tensor` makes a Tensor of the loss.
#
# ## The top: arrays that are kept
#
# `A @ W2.T` asks for new memory for its result, and soon gives it back, at each step. The program instead makes its
# arrays once and writes into them again and again: hence `out=`. `memory` is one piece of so many bytes (`np.uint8` is
# one), and `np.ndarray(shape, type, memory, offset=n)` an array that lies in it from byte `n` on. (These are multiples
# of 64, and so is the address at which `memory` begins, as it suits the processor.) Transposes are views, the same
# memory looked at in another order, so they are made once, too. So are the pieces of `gradients`: all parameters in a
# row, $15 + 5 + 10 + 2 = 32$ numbers.
#
# > **Predict.** Some arrays begin at the same byte, so they overwrite each other. There are eleven: in how many places?

# %%
print(top.rstrip())
begins = re.findall(r"^(\w+) = np\.ndarray\(.*memory, offset=(\d+)", top, re.MULTILINE)
places = {byte for _, byte in begins}
print(len(begins), "arrays in", len(places), "places")
assert len(places) < len(begins) and all(int(byte) % 64 == 0 for byte in places)
assert [p.size for p in model.parameters()] == [15, 5, 10, 2]

# %% [markdown]
# For instance what goes into tanh and what comes out of it: once $A$ is there, nobody needs $Z$ any more, since the
# slope is $1 - A^2$. An array may take the place of another one after the last line that reads that. So a step needs
# little memory, and little memory stays in the processor's *cache*, where it is near and fast.
#
# But what the caller gets must never be kept. Here a model by hand hands out its kept array:

# %%
kept = np.empty((4, 2), np.float32)


def predict_by_hand(x):
    np.matmul(np.tanh(x @ mine[0].T + mine[1]), mine[2].T, out=kept)
    np.add(kept, mine[3], out=kept)
    return kept


first = predict_by_hand(x)
second = predict_by_hand(x + 1)
print("the first prediction is the second one:", np.array_equal(first, second))
assert first is second

# %% [markdown]
# > **What goes wrong.** Nothing stops, and the first prediction has the numbers of the second. You notice it when
# > results that you collected in a list are all alike.
#
# So what a program returns is always new memory, and arguments are never written to. A whole model can be compiled,
# too: for using it, when no gradient is wanted.
#
# > **Predict.** How many products has that program? And which of its lines have no `out=`?

# %%
model, sgd, step = fresh()
predict = tl.compile(model)
first, second = predict(x), predict(x + 1)
print(predict.source)
with tl.no_grad():
    assert first.data.tobytes() == model(x).data.tobytes() and not np.array_equal(first, second)
assert predict.source.count("np.matmul(") == 2 and not np.shares_memory(first.data, second.data)

# %% [markdown]
# The last product has none, since its result is handed out; the bias is then added into that new array.
#
# ## Change it
#
# A program that you can read you can change. *Weight decay* adds to each gradient a small multiple of the parameter. In
# `by_hand` that is `decay`, and it is easy to see whether it is right: to the bit.
#
# > **Predict.** And if somebody freezes the first layer, so that $W_1$ and $b_1$ get no gradient: how many of the five
# > products are left?

# %%
model, sgd, step = fresh(weight_decay=0.01)
mine = [p.data.copy() for p in model.parameters()]
compiled = tl.compile(step)
for _ in range(50):
    compiled(x, y)
    by_hand(x, y, *mine, decay=0.01)
assert all(p.data.tobytes() == array.tobytes() for p, array in zip(model.parameters(), mine, strict=True))

model, sgd, step = fresh()
for p in model[0].parameters():
    p.requires_grad = False
frozen = tl.compile(step)
frozen(x, y)
print("with the first layer frozen:", frozen.source.count("np.matmul("), "products")
assert frozen.source.count("np.matmul(") == 3

# %% [markdown]
# Three: without $\bar W_1$ nobody needs $\bar Z$, and so not $\bar A$.
#
# ## How long does it take?
#
# What does the engine do besides calling NumPy? For each operation it makes a Tensor, notes what that was made of,
# later looks up rules, and calls these. Python can tell how many functions it enters (NumPy's own, written in C, don't
# count):


# %%
def functions_entered(function):
    for _ in range(3):
        function()  # the first calls do a little more
    entered = []
    sys.setprofile(lambda frame, event, argument: entered.append(event))  # called at each entry and return
    function()
    sys.setprofile(None)
    return entered.count("call")


def ways_of_a_step(examples, inputs, hidden, outputs):
    x, y = (rng.normal(size=(examples, n)).astype(np.float32) for n in (inputs, outputs))
    model, _, step = fresh(inputs, hidden, outputs)
    arrays = [p.data.copy() for p in model.parameters()]
    program = tl.compile(step, check=False)  # what check=False switches off comes below
    return {"engine": lambda: step(x, y), "by hand": lambda: by_hand(x, y, *arrays), "program": lambda: program(x, y)}


# %%
sizes = {"small": (4, 3, 5, 2), "large": (128, 784, 256, 10)}
ways = {size: ways_of_a_step(*numbers) for size, numbers in sizes.items()}
entered = {}
for size, (examples, inputs, hidden, outputs) in sizes.items():
    entered[size] = {name: functions_entered(way) for name, way in ways[size].items()}
    products = examples * hidden * (2 * inputs + 3 * outputs)  # multiplications in the five products
    print(f"{size}: functions entered {entered[size]}, multiplications {products:,}")
    assert entered[size]["engine"] == entered["small"]["engine"] > 3 * entered[size]["program"]

# %% [markdown]
# However large the arrays are, the engine enters the same number of functions, and each costs some time, $c$ say. So
# the time of a step is nearly
#
# $$ t = n \cdot c + w , $$
#
# with $n$ for the number of functions, and $w$ for the work, which grows with the arrays. A program makes $n$ smaller.
#
# > **Predict.** For which of the two networks does that help more?


# %%
def quickest(ways, rounds):
    best = dict.fromkeys(ways, np.inf)
    for _ in range(rounds):  # in turns, and the best of each: the computer may be busy with other things
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            best[name] = min(best[name], time.perf_counter() - begin)
    return best


times = {"small": quickest(ways["small"], 2000), "large": quickest(ways["large"], 100)}
for size, best in times.items():
    print(f"{size}: engine {best['engine'] / best['program']:.2f}, by hand {best['by hand'] / best['program']:.2f}")
assert times["small"]["engine"] > times["small"]["program"]

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.4))
for k, (name, color) in enumerate({"engine": GRAY, "by hand": ORANGE, "program": BLUE}.items()):
    ratios = [best[name] / best["program"] for best in times.values()]
    bars = axes.bar([0.2 * k, 1 + 0.2 * k], ratios, 0.18, color=color, label=name)
    axes.bar_label(bars, fmt="%.2f", fontsize="small", color=GRAY)
axes.set_xticks([0.2, 1.2], ["small: 3-5-2, 4 examples", "large: 784-256-10, 128 examples"])
axes.set(ylabel="time of a step, the program's = 1", title="A program helps where the arrays are small")
axes.legend(fontsize="small")
show(
    figure,
    "15_your_step_as_a_program_times",
    "Bars for two networks: the time of a step by the engine and by hand, where the program's time is 1. In the small "
    "network the engine takes much longer than the program, in the large one nearly as long as the program.",
)

# %% [markdown]
# In the small network there is little work, so it pays to do nothing else. In the large one the millions of
# multiplications take nearly all the time, and no program makes them fewer. Yours by hand enters the fewest functions
# of all, since nothing looks whether the arguments fit, as tinydl's program does at each call; but it takes new memory
# at each line. (The bars are those of one computer in one minute; yours will differ.)
#
# ## What a program can't follow
#
# A program does what was done in the first call. So *what* is done mustn't depend on the numbers.
#
# > **Predict.** What should happen to a step that updates the parameters only if its loss is small?

# %%
model, sgd, step = fresh()
noise = np.random.default_rng(0)


def careful(x, y):
    loss = F.mse_loss(model(x), y)
    sgd.zero_grad()
    loss.backward()
    if loss.item() < 1.0:
        sgd.step()


def noisy(x, y):
    return step(x + noise.normal(size=x.shape).astype(np.float32), y)


# %%
for function in (careful, noisy):
    compiled = tl.compile(function)
    for call in (1, 2):
        try:
            compiled(x, y)
        except tl.CompileError as error:
            print(f"{function.__name__}, call {call}: {error}\n")
            break
    assert call == {"careful": 1, "noisy": 2}[function.__name__]

# %% [markdown]
# `careful` is refused at once: compile the parts, and decide between them outside.
#
# > **What goes wrong.** `noisy` takes something from outside that is no argument. tinydl doesn't know that generator,
# > so the program has the noise of the first call for ever: it is *frozen*. You notice because in calls 2, 4, 8, 16 and
# > so on tinydl runs program *and* function, and compares all bits. The cure: **what varies must be an argument**, as
# > in `compiled(x + more_noise, y)`. (tinydl's own random layers, such as dropout, are drawn anew at each call.)
#
# Shapes are looked at, too. A batch of another shape gets a program of its own, at its first call:

# %%
compiled = tl.compile(step)
for batch in (x, x + 1, x[:3], x[:3] + 1):
    compiled(batch, y[: len(batch)])
print(repr(compiled))
assert len(compiled.programs) == 2

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_linear_into`, `ex_grad_in_place`, `ex_adam_in_place` ask you to write
# into given arrays, as the program does; `ex_slots` finds out which arrays may share memory.
#
# 1. Compile a step with `F.cross_entropy` and labels in the place of `F.mse_loss` and `y`. Find in the program the
#    softmax of [lesson 7](07_likelihood.py), and the line that makes of it "probability minus 1 at the right label".
#    What do the lines before the softmax check?
# 2. Compile a step with `optim.Adam`. Which lines are the two averages of [lesson 10](10_optimizers.py)? Which numbers
#    does the program read at each call?
# 3. Write `by_hand` with kept arrays: make all of them once, and give each operation an `out=`. Check that no bit
#    differs after 50 steps, and time it. How near to the program do you come? What does the program do besides?
#
# <details><summary>What you should find</summary>
#
# * In 1: subtract each row's maximum, exp, and a sum along the rows. Then the probabilities are divided by the number
#   of examples, and so is the 1 that is subtracted at `[rows, y]`. Before that the labels are checked; where one is
#   none of the classes, `diverge()` gives the call back to the function, which says what is wrong.
# * In 2: each average is a `multiply` by its $\beta$, and an `add` of the gradient, or of its square, times
#   $1 - \beta$. The number of the step and the settings of the optimizer are read at each call.
# * In 3: yours may be a little faster, since the program also looks at each call whether all is as it was: shapes,
#   types, modes, whose arrays the parameters are.
#
# </details>
#
# ## Where this lives in tinydl
#
# - [Compiling a step](compiling.md) says what `tl.compile` promises, what may change, and what can't be compiled.
#   `tl.fit(…, compile=True)` trains with such programs.
# - `tinydl/compiling/compile.py`: `tl.compile`, which looks for the program that fits a call; read it first.
# - `tinydl/compiling/watched.py`: arrays that write down what NumPy does with them; `tinydl/compiling/tape.py`: the
#   list.
# - `tinydl/compiling/text.py`: how the list becomes the text that you read; `tinydl/compiling/plan.py`: which arrays
#   may share a place in memory.
#
# Here the first part of the course ends: you know what is under every `loss.backward()`, how to find out whether it is
# right, and what is left of it when only the arithmetic remains. The second part is about the networks that people
# come for. Next: [lesson 16](16_convolution.py), convolution.
