# %% [markdown]
# # 5. Layers and the loop
#
# What is a layer, and what does `fit` do?
#
# Nearly every program that trains a network has the same two parts: a *model*, which is made of layers, and a *loop*,
# which makes the model a little better again and again. You will write both by hand here, and it is less than you may
# think: a layer is five lines, the loop is four. Then you meet `tl.fit`, which is this loop ready made. Afterwards you
# know what happens whenever a lesson says "train".
#
# *You need:* the matrix product and the gradients of [lesson 4](04_arrays.py), `backward` and `zero_grad` of
# [lesson 3](03_the_graph.py), and classes in Python, enough to read one
# ([Before you start](00_before_you_start.py)).

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
# In code a layer is a class, since it has something to keep: `self` is the layer itself, and what is stored in it,
# `self.weight`, stays there. There are two methods: `__init__` makes the parameters, and `forward` says what is
# computed from them. All else comes from `nn.Module`, the class in the brackets: it finds the parameters, as you'll
# see, and it makes `layer(x)` call `layer.forward(x)`.


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
# `requires_grad=True` asks for a gradient, as in [lesson 3](03_the_graph.py): it is what makes a Tensor learnable.
#
# The layer of the library, `nn.Linear(3, 2)`, is this class with one difference: its parameters begin as small random
# numbers. Why not as zeros is a story of its own ([lesson 8](08_initialisation.py)).
#
# > **Why `dtype=np.float32`?** Layers compute with float32, whose 7 digits are plenty here. NumPy makes float64, and
# > `tl.tensor` keeps that. One float64 parameter would turn all that it meets into float64. So say it.
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
    print(f"{name:14} shape {p.shape!s:8} {p.size:2} numbers")
count = sum(p.size for p in model.parameters())
print("together", count)
assert count == 16 + 16 + 16 + 1 == 49
assert [name for name, _ in model.named_parameters()][:2] == ["first.weight", "first.bias"]

# %% [markdown]
# The first layer has a weight and a constant for each of the 16 numbers, the second a weight for each and one constant
# for the result. Nobody gave the model this list. A Module finds its parameters by looking at what you have stored in
# `self`: each Tensor is a parameter, and in each Module that it finds there it goes on looking. The names are the ways
# it went, `first.weight` is `model.first.weight`. `parameters()` gives the same without the names.
#
# > **What goes wrong.** What isn't stored as a Tensor in `self` isn't found, and what isn't found is never trained.
# > A plain NumPy array is the usual mistake: the program runs, and this one number simply stays where it was. So look
# > at `named_parameters()` once whenever you have written a Module.


# %%
class Forgotten(nn.Module):
    def __init__(self):
        self.scale = np.ones(1, dtype=np.float32)  # an array: no parameter
        self.linear = nn.Linear(1, 1)

    def forward(self, x):
        return self.scale * self.linear(x)


found = [name for name, _ in Forgotten().named_parameters()]
print(found)
assert found == ["linear.weight", "linear.bias"]  # and no scale

# %% [markdown]
# If a model is a plain chain, where each layer takes what the one before gives, you needn't write a class.
# `nn.Sequential` chains layers, and $\tanh$ as a layer is `nn.Tanh()`. With the same seed it is the same model:

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
# How bad is the model now? The loss is the mean squared error, as in [lesson 2](02_one_neuron.py): `F.mse_loss`.

# %%
start = F.mse_loss(model(train.x), train.y)
print(f"loss at the start {start.item():.3f}")
assert np.isclose(start.item(), np.mean((model(train.x).data - train.y) ** 2)) and abs(start.item() - 0.734) < 0.001

# %% [markdown]
# And how good can it become? Even one who knows the true curve, $\sin 2x$, can't know the noise. So look at the loss of
# the true curve, on both sets of points. Keep these two numbers in mind; the model's loss will be measured by them.

# %%
noise = {}
for name, part in [("training", train), ("validation", validation)]:
    noise[name] = np.mean((np.sin(2 * part.x) - part.y) ** 2)
    print(f"loss of the true curve on the {len(part):3} {name} points: {noise[name]:.3f}")
assert abs(noise["training"] - 0.045) < 0.0005 and abs(noise["validation"] - 0.035) < 0.0005

# %% [markdown]
# Over very many points it would be $0.2^2 = 0.04$, the variance of the noise. Our 150 happen to have more, our 50 less.
#
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
for mine, theirs in zip(model.parameters(), other.parameters(), strict=True):
    assert np.array_equal(mine.data, theirs.data)
print("three lines by hand and optim.SGD: the same parameters")

# %% [markdown]
# ## Batches
#
# That step looked at all 150 points. With a million points it would take a million computations to go one small step.
# But a few points already tell you roughly the same, as a few people already tell you roughly what all would vote. So
# we take a **batch** of, say, 10 points, step, take the next 10, and step again. Each gradient is a rough estimate,
# but you get many steps for the work of one.
#
# - An **epoch** is one pass over all the points, each seen once.
# - An **iteration**, or *step*, is one batch: one change of the parameters.
#
# > **Predict.** With 150 points in batches of 10: how many iterations are 20 epochs?
#
# In each epoch the points are *shuffled*, put in a new random order, so that the batches are other ones each time. A
# batch is then a fair sample. If points came sorted, from left to right say, each batch would pull the model towards
# its own corner. `data.batches` divides, and shuffles anew whenever a loop over it begins:

# %%
batches = data.batches(train, 10)
sizes = [len(x) for x, y in batches]
print(len(sizes), "batches in an epoch,", 20 * len(sizes), "iterations in 20 epochs")
assert sizes == [10] * 15 and 20 * len(sizes) == 300

# %% [markdown]
# How rough are these estimates? Here is the gradient of one parameter, the last bias, from each batch, and from all
# points at once:

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
# The batches differ widely; one even has the other sign. But their mean is the gradient of all points: no batch is
# right, and together they aren't wrong in any direction. That is the *stochastic* in SGD: "by chance".
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
# since we want no gradient. `model.eval()` tells the layers that this isn't training. Ours don't care, but some do
# ([lesson 11](11_overfitting.py)).


# %%
def validate(model):
    model.eval()
    with tl.no_grad():
        loss = F.mse_loss(model(validation.x), validation.y)
    model.train()
    return loss.item()


# %% [markdown]
# And here is the loop. Read it twice; all that follows in this course is a variation of it. (`loss` is a mean over the
# batch. Times the number of points in the batch it is their sum, so that at the end of the epoch `total / len(train)`
# is the mean of all points, also where a last batch is smaller.)


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
assert history["loss"][0] > 0.6 > 10 * history["loss"][-1]

# %% [markdown]
# ## The loop ready made: `fit`
#
# Writing the loop in every program would be dull, and each time a chance for a slip. `tl.fit` has it, with a few
# things around it: it stops at numbers that aren't finite, watches for common mistakes, shows its progress. It takes
# the model, the data, the loss and the optimizer, and gives back a `History`. As in ours, `fitted["loss"]` is a list
# with a number for each epoch.

# %%
theirs = fresh_model()
fitted = tl.fit(
    theirs,
    train,
    loss=F.mse_loss,
    optimizer=optim.SGD(theirs.parameters(), lr=0.05),
    epochs=100,
    batch_size=10,
    validation=validation,
    progress=False,
)

# %% [markdown]
# > **Predict.** How close will the numbers be to those of our own loop? To three digits, to six, to all?

# %%
assert fitted["loss"] == history["loss"]  # all 100 losses, to the last bit
assert fitted["val_loss"] == history["val_loss"]
for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
    assert np.array_equal(p.data, q.data)
print(f"loop {history['loss'][-1]:.9f}, fit {fitted['loss'][-1]:.9f}: no bit differs")

# %% [markdown]
# All of them: both draw the parameters and the order of the batches from one generator of random numbers, which
# `tl.manual_seed` starts. There is no secret in `fit`.
#
# Here is what the training did: the model's curve after more and more epochs. (`tl.predict` gives the outputs for an
# array of inputs, in eval mode and without a graph.)

# %%
grid = np.linspace(-2.5, 2.5, 200, dtype=np.float32).reshape(-1, 1)
grown = {}
for epochs in (1, 5, 10, 100):
    grown[epochs] = fresh_model()
    train_by_hand(grown[epochs], optim.SGD(grown[epochs].parameters(), lr=0.05), epochs)

# %%
figure, axes = plt.subplots()
axes.plot(train.x, train.y, ".", color=GRAY, alpha=0.45, markersize=5)
axes.plot(grid, np.sin(2 * grid), ":", color=GRAY, linewidth=2, label="sin 2x")
for epochs, color in [(1, PURPLE), (5, ORANGE), (10, GREEN), (100, BLUE)]:
    axes.plot(grid, tl.predict(grown[epochs], grid), color=color, label=f"after {epochs}")
axes.set(xlabel="x", ylabel="y", ylim=(-1.8, 2.3), title="The model's curve after so many epochs, and the true one")
axes.legend(ncols=5, loc="upper center", fontsize="small", handlelength=1.2, columnspacing=1)
show(
    figure,
    "05_layers_and_the_loop_curve",
    "150 points near a sine wave, and the model's curve: nearly straight after 1 epoch, slightly bent after 5, more "
    "after 10. After 100 it is near the wave, 0.2 below it at x = -2, and runs on beyond it at both ends.",
)

# %%
places = np.array([-2.0, 0.75, 2.5], dtype=np.float32)
says = tl.predict(grown[100], places.reshape(-1, 1))[:, 0]
for place, height in zip(places, says, strict=True):
    print(f"at x = {place:5.2f}: model {height:5.2f}, true curve {np.sin(2 * place):5.2f}")
gap = np.sin(2 * places) - says
assert abs(gap[0] - 0.2) < 0.02 and abs(gap[1]) < 0.05 and abs(gap[2] - 0.25) < 0.02

# %% [markdown]
# After one epoch it is nearly a straight line; then it bends, more and more, until it's nearly the wave. Look where it
# misses: around $x = -2$ it lies 0.2 too low, and at the ends it runs straight on where the wave turns, 0.25 too low on
# the right, since no points beyond the ends bend it.
#
# And the loss on the way, on a logarithmic axis, with a dotted line for the loss of the true curve on each set:

# %%
figure, axes = plt.subplots()
axes.semilogy(np.arange(1, 1501) / 15, steps, color=GRAY, alpha=0.45, linewidth=0.7, label="each step, on its batch")
axes.semilogy(range(1, 101), history["loss"], color=BLUE, label="each epoch, training points")
axes.semilogy(range(1, 101), history["val_loss"], color=ORANGE, linestyle="--", label="each epoch, validation points")
axes.axhline(noise["training"], color=BLUE, linestyle=":", label="the true curve, training points")
axes.axhline(noise["validation"], color=ORANGE, linestyle=":", label="the true curve, validation points")
axes.set(xlabel="epoch", ylabel="loss", title="The loss: rough by the step, smooth by the epoch")
axes.legend(fontsize="small", loc="upper right")
show(
    figure,
    "05_layers_and_the_loop_loss",
    "The loss of single steps is rough. The loss per epoch falls from 0.66 to 0.07 in twenty epochs, then slowly to "
    "0.05, that of the validation points mostly below it; each stays above that of the true curve, 0.045 and 0.035.",
)
assert min(history["loss"]) > noise["training"] and min(history["val_loss"]) > noise["validation"]

# %%
x, y = validation.x, validation.y
extra = (tl.predict(grown[100], x) - y) ** 2 - (np.sin(2 * x) - y) ** 2  # of each point, above the true curve's
left = x < -1.7
print(f"validation loss above that of the true curve: {extra.mean():.3f}")
print(f"{extra[left].sum() / extra.sum():.0%} of it from the {left.sum()} points (of 50) left of -1.7")
assert abs(extra.mean() - 0.016) < 0.0005 and left.sum() == 7 and extra[left].sum() > extra.sum() / 2

# %% [markdown]
# The loss of single steps (gray) is noisy, since each step sees another batch; the mean of an epoch is much smoother.
# That is why one looks at epochs. And how good is the end? The validation loss is 0.051, where the noise alone costs
# 0.035. So the model has learned most of the curve, also for points that it never saw. More than half of what is
# missing comes from the 7 points left of $-1.7$: around $-2$ its curve lies too low.
#
# Why does the validation loss lie *below* the training loss? One would expect the opposite.

# %%
ends = {}
for when, net in [("before training", fresh_model()), ("after epoch 10", grown[10])]:
    ends[when] = [F.mse_loss(net(part.x), part.y).item() for part in (train, validation)]
    print(f"{when:15}: training {ends[when][0]:.3f}, validation {ends[when][1]:.3f}")
print(f"loss collected during epoch 10: {history['loss'][9]:.3f}")
assert ends["after epoch 10"][1] == history["val_loss"][9]
assert ends["before training"][1] < ends["before training"][0] - 0.05
assert ends["after epoch 10"][0] < history["loss"][9] - 0.04

# %% [markdown]
# There are two reasons. These 50 points happen to be easier: even the untrained model has a smaller loss on them. And
# the training loss of an epoch is collected *while* the model improves: most of it was measured on a worse model than
# the one that is validated at the end. So compare the two where the curves have become flat.
#
# ## What goes wrong in a loop
#
# Four lines, and their order matters. Let us spoil it in three ways, and train 20 epochs each time.
#
# > **Predict.** What happens (a) without `zero_grad`, (b) with `zero_grad` between `backward` and `step`, (c) with
# > `step` first, before the other two?


# %%
def spoiled(order, epochs=20, lr=0.05, batches=batches):
    model, losses = fresh_model(), []
    optimizer = optim.SGD(model.parameters(), lr=lr)
    for _ in range(epochs):
        for x, y in batches:
            loss = F.mse_loss(model(x), y)
            action = {"zero_grad": optimizer.zero_grad, "backward": loss.backward, "step": optimizer.step}
            for name in order:
                action[name]()
        losses.append(F.mse_loss(model(train.x), train.y).item())
    return losses  # of all training points, after each epoch


# %%
right_order = spoiled(["zero_grad", "backward", "step"])
never = spoiled(["backward", "step"])
slowly = spoiled(["backward", "step"], epochs=3, lr=0.01)
at_once = spoiled(["backward", "step"], epochs=60, batches=data.batches(train, 150))  # all points in one batch
too_late = spoiled(["backward", "zero_grad", "step"])
print(f"at the start {start.item():.3f}; in the right order {right_order[-1]:.3f}")
print(f"(a) without zero_grad: {never[-1]:.2g}; after 3 epochs with a rate of 0.01: {slowly[-1]:.3f}")
print("    with all 150 points, every fifth step:", " ".join(f"{loss:.2f}" for loss in at_once[4::5]))
print(f"(b) zero_grad before step: {too_late[-1]:.3f}")
assert right_order[-1] < 0.1 and never[-1] > 1000 and slowly[-1] < start.item() / 2
assert min(at_once[:25]) < 0.15 and max(at_once[25:]) > 0.4 and set(too_late) == {start.item()}

# %%
try:
    spoiled(["step", "zero_grad", "backward"])
    stopped = ""
except RuntimeError as error:
    stopped = str(error).split(". ")[-1]
print(f"(c) step first: {stopped}")
assert stopped.startswith("Call backward() before the update")

# %% [markdown]
# > **What goes wrong.** (a) `backward` *adds* to the gradients that are there, so each step goes along all gradients so
# > far. With all points in one batch the loss then swings and doesn't settle, as $w$ did in
# > [lesson 3](03_the_graph.py). With small batches each pushes another way, the swings grow, and the loss explodes.
# > With a small learning rate it goes down at first, which is worse, since you then look for the mistake elsewhere.
# > (b) The step finds no gradient, so nothing moves: a loss that stays the same *to the last digit*. (c) In the first
# > round there is no gradient yet, and the step does nothing. In the second it changes the parameters *after* the graph
# > was recorded with the old ones; tinydl stops and says so.
# >
# > How you notice: print the loss of the first epochs. Exploding: look at `zero_grad` and the learning rate. Not moving
# > by a digit: look at the order, and at `named_parameters()`.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_linear_layer`, `ex_two_layers`, `ex_minibatches`,
# `ex_training_loop`.
#
# 1. Train with batches of 1, of 10 and of 150 points, for 30 epochs each. How many steps does each take, and which one
#    ends with the smallest loss? Then give each the same number of *steps*. (For batches of 1 take a rate of 0.02.)
# 2. Write a Module `Wave` that computes $a \sin(c\,x + d)$ with three parameters that begin at 1, 1.5 and 0. Train it
#    on our points for 100 epochs. What should the three numbers be? Compare both losses with those of the true curve.
# 3. Sort the training points by $x$: `train[np.argsort(train.x[:, 0])]`. Train on the batches of 10 that `data.batches`
#    gives with `shuffle=False`. After each epoch print the loss collected during it, and the loss of *all* training
#    points after it. Compare both with the shuffled run, in the first epochs and at the end. Which of the two numbers
#    deceives you?
#
# <details><summary>What you should find</summary>
#
# **1.** 4500, 450 and 30 steps; the loss on the training points ends near 0.05, 0.05 and 0.54. With 450 steps each:
# 0.13, 0.05 and 0.05. So the number of steps counts (and the rate, which is smaller for batches of 1), and a step on 10
# points costs a fifteenth of one on all.
#
# **2.** Near 1, 2 and 0: $a$ comes out as 1.04. The losses are 0.044 and 0.035, those of the true curve: three numbers
# of the right form do better than 49 of a general one. ($a = -1$ with $c = -2$ would be the same curve.)
#
# **3.** During the first epoch the sorted run collects 0.44, the shuffled one about 0.67. But after it the sorted run
# has 0.76 on all points, more than before training, the shuffled one about 0.59. Each batch lies beside the one before,
# to which the model has just adapted, and what it had learned elsewhere is lost. At the end the sorted run is still a
# little worse: it collects 0.070, the shuffled one 0.055.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/nn/linear.py`: `Linear`; `tinydl/nn/module.py`: `Module` and how it finds its parameters;
#   `tinydl/nn/containers.py`: `Sequential`.
# - `tinydl/data/dataset.py`: `batches`, and how the order is drawn.
# - `tinydl/optim/sgd.py`: `SGD`, whose last line is formula (3).
# - `tinydl/training/fit.py`: `fit`; the four steps stand in `_Run.step`.
#
# Next: [lesson 6](06_linear_regression.py), where the model is a straight line and the best answer is known exactly.
