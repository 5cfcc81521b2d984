# %% [markdown]
# # 5. Layers and the loop
#
# What is a layer, and what does `fit` do?
#
# Nearly every program that trains a network has the same two parts: a *model*, which is made of layers, and a *loop*,
# which makes the model a little better again and again. You will write both by hand here: a layer is six lines, the
# core of the loop is four. Then you meet `tl.fit`, this loop ready made, and know what "train" means in a lesson.
#
# *You need:* the matrix product and its gradients from [lesson 4](04_arrays.py), `backward` and `zero_grad` from
# [lesson 3](03_the_graph.py), and classes in Python ([Before you start](00_before_you_start.py)).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## A layer with numbers
#
# Take two examples, each with three numbers, and let us compute two new numbers for each. Every new number is a
# weighted sum of the three, plus a constant. So we need two rows of three weights, and two constants:

# %%
two = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]], dtype=np.float32)  # two examples, a row each
W = np.array([[1, 1, 1], [2, 0, -1]])  # a row of weights for each new number
b = np.array([10, 20])  # a constant for each new number
new = two @ W.T + b
print(new)
assert new.tolist() == [[13, 20], [12, 19]]

# %% [markdown]
# The first row is $1 \cdot 1 + 0 \cdot 1 + 2 \cdot 1 + 10 = 13$ and $1 \cdot 2 + 0 \cdot 0 + 2 \cdot (-1) + 20 = 20$.
# As a formula:
#
# $$ y = x W^\top + b . \tag{1} $$
#
# That is a **layer**: a function that turns the numbers of each example into new ones, with numbers of its own that
# can be learned. These are its **parameters**, here the *weights* $W$ and the *bias* $b$. This layer is called
# *linear*, and it's the one that you will use most.
#
# In code a layer is a class, since it has something to keep: `self` is the layer itself, and what is stored in it, as
# `self.weight`, stays there. `__init__` makes the parameters, and `forward` says what is computed from them. All else
# comes from `nn.Module`, the class in the brackets: `layer(x)` calls `layer.forward(x)`, and the parameters are found.


# %%
class Linear(nn.Module):
    def __init__(self, inputs, outputs):
        self.weight = tl.tensor(np.zeros((outputs, inputs)), dtype=np.float32, requires_grad=True)
        self.bias = tl.tensor(np.zeros(outputs), dtype=np.float32, requires_grad=True)

    def forward(self, x):
        return x @ self.weight.T + self.bias  # formula (1)


layer = Linear(3, 2)
layer.weight.data[:] = W  # .data is the array in a Tensor (and not the library's `data`): we put our numbers in
layer.bias.data[:] = b
print(layer(two).data)
assert np.array_equal(layer(two).data, new)

# %% [markdown]
# `requires_grad=True` asks for a gradient, as in [lesson 3](03_the_graph.py): it makes a Tensor learnable. Layers
# compute with `float32`, whose 7 digits are plenty; without `dtype` it would be NumPy's float64.
#
# The layer of the library, `nn.Linear(3, 2)`, is this class with one difference: its parameters begin as small random
# numbers. Why not as zeros is a story of its own ([lesson 8](08_initialisation.py)).
#
# ## A model is made of layers
#
# One linear layer can only draw straight lines. Two in a row can't do more: with single numbers,
#
# $$ w_2\,(w_1 x + b_1) + b_2 = (w_2 w_1)\, x + (w_2 b_1 + b_2) , $$
#
# which is one straight line again; so it is with matrices. With a bent function such as $\tanh$ in between they can
# draw curves:
#
# $$ y = \tanh(x W_1^\top + b_1)\, W_2^\top + b_2 . \tag{2} $$
#
# A model is written like a layer. It *is* one, with other layers inside. The library's word for both is **Module**.


# %%
class Curve(nn.Module):
    def __init__(self, width):
        self.first = nn.Linear(1, width)
        self.second = nn.Linear(width, 1)

    def forward(self, x):
        return self.second(np.tanh(self.first(x)))  # formula (2)


tl.manual_seed(0)  # where the random numbers begin: the same seed, the same model
model = Curve(16)

# %% [markdown]
# > **Predict.** The model takes one number and gives one, with 16 numbers in between. How many parameters does it have,
# > counted as single numbers?

# %%
for name, p in model.named_parameters():
    print(name, p.shape, "numbers:", p.size)
count = sum(p.size for p in model.parameters())
print("together", count)
assert count == 16 + 16 + 16 + 1 == 49

# %% [markdown]
# The first layer has a weight and a constant for each of the 16 numbers, the second a weight for each and one constant
# for the result. Nobody gave the model this list. A Module finds its parameters by looking at what you have stored in
# `self`: each Tensor is a parameter, and in each Module that it finds there it goes on looking. Hence the names:
# `first.weight` is `model.first.weight`. `parameters()` gives the same without the names.
#
# > **What goes wrong.** What isn't stored as a Tensor in `self` isn't found, and what isn't found is never trained. A
# > plain NumPy array is the usual mistake: the program runs, and this one number simply stays where it was. How to
# > notice: look at `named_parameters()` once.


# %%
class Forgotten(nn.Module):
    def __init__(self):
        self.scale = np.ones(1, dtype=np.float32)  # an array: no parameter
        self.linear = nn.Linear(1, 1)


found = [name for name, _ in Forgotten().named_parameters()]
print(found)
assert found == ["linear.weight", "linear.bias"]  # and no scale

# %% [markdown]
# For a plain chain of layers you needn't write a class: `nn.Sequential` chains them, and $\tanh$ as a layer is
# `nn.Tanh()`. With the same seed it is the same model:

# %%
tl.manual_seed(0)
chain = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
some = np.array([[-1.0], [0.5]], dtype=np.float32)
print("class:", model(some).data[:, 0], "  chain:", chain(some).data[:, 0])
assert np.array_equal(model(some).data, chain(some).data)

# %% [markdown]
# ## Something to learn
#
# Here are 200 points near a curve, $y = \sin 2x$ and some noise. The model sees 150 of them, the *training* set. We
# keep 50 back, the *validation* set: points that the model never trains on, to see whether it has learned the curve or
# just these points. A `Dataset` keeps inputs and targets together; `points[:150]` takes the first 150 of both.

# %%
rng = np.random.default_rng(0)
inputs = rng.uniform(-2.5, 2.5, (200, 1))
targets = np.sin(2 * inputs) + 0.2 * rng.standard_normal((200, 1))
points = data.Dataset(inputs.astype(np.float32), targets.astype(np.float32))
train, validation = points[:150], points[150:]
print(len(train), "to train on,", len(validation), "to validate; inputs of shape", train.x.shape)
assert (len(train), len(validation)) == (150, 50)

# %% [markdown]
# How bad is the model now, and how good can it become? The loss is the mean squared error, as in
# [lesson 2](02_one_neuron.py): `F.mse_loss`. Even one who knows the true curve, $\sin 2x$, can't know the noise. So
# look at the loss of the true curve, too: over very many points it would be $0.2^2 = 0.04$, the variance of the noise.

# %%
start = F.mse_loss(model(train.x), train.y)
print(f"loss at the start {start.item():.3f}")
noise = {}
for name, part in [("training", train), ("validation", validation)]:
    noise[name] = np.mean((np.sin(2 * part.x) - part.y) ** 2)
    print(f"loss of the true curve on the {name} points {noise[name]:.3f}")
assert np.isclose(start.item(), np.mean((model(train.x).data - train.y) ** 2)) and abs(start.item() - 0.734) < 0.001
assert abs(noise["training"] - 0.045) < 0.0005 and abs(noise["validation"] - 0.035) < 0.0005

# %% [markdown]
# ## One step
#
# To make the loss smaller, take the step of [lesson 2](02_one_neuron.py) with each parameter. Here $\theta$ ("theta")
# stands for any of them, and $\alpha$ is the learning rate:
#
# $$ \theta \leftarrow \theta - \alpha\, \frac{\partial L}{\partial \theta} . \tag{3} $$
#
# That is what `optim.SGD` does. By hand it's three lines. (A gradient is a Tensor, too: `p.grad.data` is its array.)


# %%
def sgd_step(parameters, lr):
    for p in parameters:
        p.data = p.data - lr * p.grad.data  # formula (3)


def fresh_model():
    tl.manual_seed(0)
    return Curve(16)


model = fresh_model()
F.mse_loss(model(train.x), train.y).backward()  # the gradients are now in p.grad
sgd_step(model.parameters(), lr=0.05)
after = F.mse_loss(model(train.x), train.y).item()
print(f"loss {start.item():.3f} before the step, {after:.3f} after it")
assert after < start.item()

# %%
other = fresh_model()
optimizer = optim.SGD(other.parameters(), lr=0.05)
F.mse_loss(other(train.x), train.y).backward()
optimizer.step()
assert np.array_equal(model(train.x).data, other(train.x).data)
print("three lines by hand and optim.SGD: the same model")

# %% [markdown]
# ## Batches
#
# That step looked at all 150 points. With a million points it would take a million computations to go one small step.
# But a few points already tell you roughly the same. So we take a **batch** of, say, 10 points, step, take the next 10,
# and step again. Each gradient is a rough estimate, but you get many steps for the work of one.
#
# - An **epoch** is one pass over all the points, each seen once.
# - An **iteration**, or *step*, is one batch: one change of the parameters.
#
# > **Predict.** With 150 points in batches of 10: how many iterations are 20 epochs?
#
# In each epoch the points are *shuffled*, put in a new random order, so that each batch is a fair sample. If they came
# sorted, from left to right say, each batch would pull the model towards its own corner. `data.batches` divides, and
# shuffles anew whenever a loop over it begins:

# %%
batches = data.batches(train, 10)
sizes = [len(x) for x, y in batches]
print(len(sizes), "batches in an epoch,", 20 * len(sizes), "iterations in 20 epochs")
assert sizes == [10] * 15 and 20 * len(sizes) == 300

# %% [markdown]
# How rough are these estimates? Here is the gradient of the last bias, from each batch and from all points at once:

# %%
model = fresh_model()


def slope_of_the_last_bias(x, y):
    model.zero_grad()
    F.mse_loss(model(x), y).backward()
    return model.second.bias.grad.item()


whole = slope_of_the_last_bias(train.x, train.y)
each = [slope_of_the_last_bias(x, y) for x, y in batches]  # x and y are those of one batch
print(f"all points: {whole:.3f}; batches: from {min(each):.3f} to {max(each):.3f}, their mean {np.mean(each):.3f}")
assert np.isclose(np.mean(each), whole, atol=1e-6)
assert min(each) < 1.5 * whole < whole < 0 < max(each)

# %% [markdown]
# The batches differ widely, and one even has the other sign. But some are too small, some too large, and their mean is
# the gradient of all points. That is the *stochastic* in SGD: "by chance".
#
# ## The loop
#
# Now we have everything. For each batch there are four steps, always in this order:
#
# 1. **forward and loss**: what does the model say, and how bad is it?
# 2. **zero_grad**: forget the gradients of the batch before.
# 3. **backward**: compute the gradients of this one.
# 4. **step**: change the parameters.
#
# After each epoch we look at the validation set. Two things are switched off for that. `no_grad` records no graph,
# since we want no gradient. `model.eval()` tells the layers that this isn't training (some behave differently then, see
# [lesson 11](11_overfitting.py)), and `model.train()` that it goes on. (Our set `train` has nothing to do with that.)
#
# Read the loop twice; all that follows in this course is a variation of it. (It takes `batches`, `train` and `validate`
# from outside. `loss` is a mean over the batch; times the number of its points it is their sum, so `total / len(train)`
# is the mean of all points, also where a last batch is smaller.)


# %%
def validate(model):
    model.eval()
    with tl.no_grad():
        loss = F.mse_loss(model(validation.x), validation.y)
    model.train()
    return loss.item()


# %%
def train_by_hand(model, optimizer, epochs):
    steps, history = [], {"loss": [], "val_loss": []}
    for _ in range(epochs):
        total = 0.0
        for x, y in batches:
            loss = F.mse_loss(model(x), y)  # 1. forward and loss
            optimizer.zero_grad()  # 2.
            loss.backward()  # 3.
            optimizer.step()  # 4.
            steps.append(loss.item())
            total += loss.item() * len(x)
        history["loss"].append(total / len(train))
        history["val_loss"].append(validate(model))
    return steps, history


# %%
mine = fresh_model()
steps, history = train_by_hand(mine, optim.SGD(mine.parameters(), lr=0.05), epochs=100)
for epoch in (0, 9, 29, 99):
    print(f"epoch {epoch + 1:3}: loss {history['loss'][epoch]:.3f}, validation {history['val_loss'][epoch]:.3f}")
assert len(steps) == 1500 and len(history["loss"]) == 100
assert 0.04 < history["loss"][-1] < 0.06 and 0.04 < history["val_loss"][-1] < 0.06

# %% [markdown]
# ## The loop ready made: `fit`
#
# `tl.fit` has this loop, with a few things around it: it stops at numbers that aren't finite, watches for common
# mistakes, shows its progress. It takes the model, the data, the loss and the optimizer, and gives back a `History`. As
# in ours, `fitted["loss"]` is a list with a number for each epoch.
#
# > **Predict.** How close will its numbers be to those of our own loop? To three digits, to six, to all?

# %%
theirs = fresh_model()
sgd = optim.SGD(theirs.parameters(), lr=0.05)
fitted = tl.fit(
    theirs, train, loss=F.mse_loss, optimizer=sgd, epochs=100, batch_size=10, validation=validation, progress=False
)
assert fitted["loss"] == history["loss"] and fitted["val_loss"] == history["val_loss"]  # all, to the last bit
assert np.array_equal(tl.predict(mine, train.x), tl.predict(theirs, train.x))
print(f"loop {history['loss'][-1]:.9f}, fit {fitted['loss'][-1]:.9f}: no bit differs")

# %% [markdown]
# All of them: both draw the parameters and the order of the batches from one generator of random numbers, which
# `tl.manual_seed` starts. Here is the model's curve after more and more epochs. (`tl.predict` gives its outputs,
# in eval mode and without a graph.)

# %%
grid = np.linspace(-2.5, 2.5, 200, dtype=np.float32).reshape(-1, 1)
grown = {}
for epochs in (1, 10, 100, 1000):
    grown[epochs] = fresh_model()
    sgd = optim.SGD(grown[epochs].parameters(), lr=0.05)
    _, long_history = train_by_hand(grown[epochs], sgd, epochs)  # in the end, that of the 1000 epochs

# %%
figure, axes = plt.subplots()
axes.plot(train.x, train.y, ".", color=GRAY, alpha=0.45, markersize=5)
axes.plot(grid, np.sin(2 * grid), ":", color=GRAY, linewidth=2, label="sin 2x")
for epochs, color in [(1, PURPLE), (10, ORANGE), (100, GREEN), (1000, BLUE)]:
    axes.plot(grid, tl.predict(grown[epochs], grid), color=color, label=f"after {epochs}")
axes.set(xlabel="x", ylabel="y", ylim=(-1.8, 2.3), title="The model's curve after so many epochs, and the true one")
axes.legend(ncols=5, loc="upper center", fontsize="small", handlelength=1.2, columnspacing=1)
show(
    figure,
    "05_layers_and_the_loop_curve",
    "Nearly straight after 1 epoch, bent after 10, near the sine after 100, nearer after 1000, but not at the ends.",
)

# %%
places = np.array([[-2.5], [-2.0], [2.5]], dtype=np.float32)
print("at x =     ", places[:, 0])
print("true curve ", np.sin(2 * places[:, 0]).round(2))
typical = {}
for epochs in (100, 1000):
    says = tl.predict(grown[epochs], places)[:, 0]
    typical[epochs] = np.median(long_history["val_loss"][epochs - 50 : epochs])
    print(f"after {epochs:4} ", says.round(2), f"validation loss typically {typical[epochs]:.3f}")
assert np.allclose(says, [1.12, 0.72, -1.14], atol=0.02) and abs(typical[1000] - 0.044) < 0.001
assert abs(tl.predict(grown[100], places)[1, 0] - 0.57) < 0.01 and abs(typical[100] - 0.050) < 0.001

# %% [markdown]
# After one epoch it is nearly a straight line, after 100 nearly the wave. Why is it 0.2 too low at $x = -2$? It simply
# wasn't finished: after 1000 epochs it says 0.72 for 0.76, and the validation loss (it swings, so this is the median of
# the last 50 epochs) is 0.044 and no longer 0.050. At the ends the wave turns back and the model runs on, too high on
# the left, too low on the right: no points beyond the ends bend it.
#
# And the loss on the way to 100 epochs, on a logarithmic axis:

# %%
figure, axes = plt.subplots()
axes.semilogy(np.arange(1, 1501) / 15, steps, color=GRAY, alpha=0.45, linewidth=0.7, label="each step")
axes.semilogy(range(1, 101), history["loss"], color=BLUE, label="training points")
axes.semilogy(range(1, 101), history["val_loss"], color=ORANGE, linestyle="--", label="validation points")
axes.axhline(noise["validation"], color=GREEN, linestyle=":", label="the true curve, validation points")
axes.set(xlabel="epoch", ylabel="loss", title="The loss: rough by the step, smooth by the epoch")
axes.legend(fontsize="small", loc="upper right")
show(
    figure,
    "05_layers_and_the_loop_loss",
    "The loss falls from 0.66 to 0.07 in twenty epochs, then slowly to 0.05; rough by the step, smooth by the epoch.",
)
assert min(history["val_loss"]) > noise["validation"] and abs(history["val_loss"][-1] - 0.051) < 0.0005

# %% [markdown]
# The loss of single steps (gray) is noisy, since each step sees another batch; the mean of an epoch is much smoother.
# And the validation loss comes near the true curve's: the model has learned it, also for points that it never saw.
#
# Why does the validation loss lie *below* the training loss? One would expect the opposite.

# %%
tenth = F.mse_loss(grown[10](train.x), train.y).item()
print(f"before training: training {start.item():.3f}, validation {validate(fresh_model()):.3f}")
print(f"training loss of epoch 10: collected during it {history['loss'][9]:.3f}, measured after it {tenth:.3f}")
assert validate(fresh_model()) < start.item() - 0.05 and tenth < history["loss"][9] - 0.04

# %% [markdown]
# There are two reasons. These 50 points happen to be easier: even the untrained model has a smaller loss on them. And
# the training loss of an epoch is collected *while* the model improves, most of it on a worse model than the one that
# is validated at the end. So compare the two where the curves have become flat.
#
# ## What goes wrong in a loop
#
# Four lines, and their order matters. Let us spoil it in three ways.
#
# > **Predict.** What happens (a) without `zero_grad`, (b) with `zero_grad` between `backward` and `step`, (c) with
# > `step` first, before the other two?


# %%
def spoiled(order, epochs=20, lr=0.05):
    model = fresh_model()
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in batches:
            loss = F.mse_loss(model(x), y)
            for name in order:
                if name == "zero_grad":
                    optimizer.zero_grad()
                elif name == "backward":
                    loss.backward()
                else:
                    optimizer.step()
    return F.mse_loss(model(train.x), train.y).item()  # of all training points, at the end


# %%
right_order = spoiled(["zero_grad", "backward", "step"])
never = spoiled(["backward", "step"])
slowly = spoiled(["backward", "step"], epochs=3, lr=0.01)
too_late = spoiled(["backward", "zero_grad", "step"])
print(f"at the start {start.item():.3f}; after 20 epochs in the right order {right_order:.3f}")
print(f"(a) without zero_grad {never:.2g}; after 3 epochs with a rate of 0.01 {slowly:.3f}")
print(f"(b) zero_grad before step {too_late:.3f}")
stopped = ""
try:
    spoiled(["step", "zero_grad", "backward"])
except RuntimeError as error:
    stopped = str(error).split(". ")[-1]
print(f"(c) step first: {stopped}")
assert right_order < 0.1 and never > 1000 and slowly < start.item() / 2 and too_late == start.item()
assert stopped.startswith("Call backward() before the update")

# %% [markdown]
# > **What goes wrong.** (a) `backward` *adds* to the gradients that are there, so each step goes along all gradients so
# > far, and the loss explodes. With a small learning rate it falls at first, and you look for the mistake elsewhere.
# > (b) The step finds no gradient, so nothing moves: a loss that stays the same *to the last digit*. (c) In the first
# > round there is no gradient yet, and the step does nothing. In the second it changes the parameters *after* the graph
# > was recorded with the old ones; tinydl stops and says so. How you notice: print the loss of the first epochs. If it
# > explodes, look at `zero_grad` and the learning rate. If it doesn't move by a digit, look at the order, and at
# > `named_parameters()`.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_linear_layer`, `ex_two_layers`, `ex_minibatches`, `ex_training_loop`.
#
# 1. Train with batches of 1, of 10 and of 150 points, for 30 epochs each. How many steps does each take, and which one
#    ends with the smallest loss? Then give each the same number of *steps*. (For batches of 1 take a rate of 0.02.)
# 2. Write a Module `Wave` that computes $a \sin(c\,x + d)$ with three parameters that begin at 1, 1.5 and 0. Train it
#    on our points for 100 epochs. What should the three numbers be? Compare both losses with those of the true curve.
# 3. Sort the training points by $x$: `train[np.argsort(train.x[:, 0])]`. Train on the batches of 10 that `data.batches`
#    gives with `shuffle=False`. After each epoch print the loss collected during it, and the loss of *all* training
#    points after it. Compare with the shuffled run. Which of the two numbers deceives you?
#
# <details><summary>What you should find</summary>
#
# * In 1: 4500, 450 and 30 steps; the loss on the training points ends near 0.05, 0.05 and 0.54. With 450 steps each:
#   0.13, 0.05 and 0.05. So the number of steps counts (and the rate, which is smaller for batches of 1).
# * In 2: near 1, 2 and 0; $a$ comes out as 1.04. The losses are 0.044 and 0.035, those of the true curve: three numbers
#   of the right form do better than 49 of a general one.
# * In 3: during the first epoch the sorted run collects 0.44, the shuffled one about 0.67. But after it the sorted run
#   has 0.76 on all points, more than before training, the shuffled one about 0.59: each batch lies beside the one
#   before, to which the model has just adapted, and what it had learned elsewhere is lost.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/nn/linear.py`: `Linear`; `tinydl/nn/module.py`: `Module` and how it finds its parameters;
#   `tinydl/nn/containers.py`: `Sequential`.
# - `tinydl/data/dataset.py`: `batches`; `tinydl/optim/sgd.py`: `SGD`, whose last line is formula (3).
# - `tinydl/training/fit.py`: `fit`; the four steps stand in `_Run.step`.
#
# Next: [lesson 6](06_linear_regression.py), where the model is a straight line and the best answer is known exactly.
