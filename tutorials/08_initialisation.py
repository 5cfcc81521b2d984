# %% [markdown]
# # 8. Activations, and how to begin
#
# Before training starts, the weights of a network are random numbers. **How large should they be? And what happens in
# a network of thirty layers if they are a little too small, or a little too large?**
#
# A factor of $\sqrt{1/2} \approx 0.71$ per layer doesn't sound like much. But thirty of them leave one part in 33,000,
# and a network through which nothing gets can't learn. In this lesson you will compute the right size with one rule
# about sums of random numbers, and see networks that learn or don't learn because of it alone.
#
# *You need:* layers and `fit` from [lesson 5](05_layers_and_the_loop.py); *expectation* and *variance* from
# [Before you start](00_before_you_start.py); `F.cross_entropy` and the loss of guessing, $\ln K$, from
# [lesson 7](07_likelihood.py); how a gradient gets back through `x @ w`, from [lesson 4](04_arrays.py).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, SKY, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## Three activations and their slopes
#
# Two linear layers in a row are worth one, as in [lesson 5](05_layers_and_the_loop.py). So a network needs something
# between them that isn't linear, an *activation*, applied to each number. The best known are **sigmoid**, with values
# between 0 and 1, **tanh**, with values between −1 and 1, and **ReLU**, which passes positive numbers on and makes 0 of
# negative ones:
#
# $$ \begin{aligned}
# \sigma(x) &= \frac1{1 + e^{-x}} \\
# \tanh x &= \frac{e^x - e^{-x}}{e^x + e^{-x}} \\
# \operatorname{relu}(x) &= \max(x, 0)
# \end{aligned} \tag{1} $$
#
# Backwards, a gradient is multiplied by the slope: $\sigma' = \sigma(1 - \sigma)$, $\tanh' = 1 - \tanh^2$, ReLU 1 or 0.
#
# > **Predict.** Where is each of them steepest, and how steep is it there?

# %%
x = np.linspace(-5, 5, 401)
values, slopes = {}, {}
for name, activation in [("sigmoid", F.sigmoid), ("tanh", np.tanh), ("relu", F.relu)]:
    t = tl.tensor(x, requires_grad=True)
    y = activation(t)
    y.sum().backward()  # each y depends on its own x alone, so this gives the slope at every x
    values[name], slopes[name] = y.data, t.grad.data
    steepest = x[np.isclose(slopes[name], max(slopes[name]))]
    print(f"{name:8} largest slope {max(slopes[name]):.2f}, for x from {steepest[0]:.1f} to {steepest[-1]:.1f}")
assert np.isclose(max(slopes["sigmoid"]), 0.25) and abs(tl.grad(F.sigmoid)(10.0) - 0.00005) < 0.00001

# %%
slopes["relu"][x == 0] = np.nan  # a gap in the drawing, where the slope jumps from 0 to 1
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4))
for name, color, style in [("sigmoid", ORANGE, "-"), ("tanh", BLUE, "--"), ("relu", GREEN, ":")]:
    left.plot(x, values[name], color=color, linestyle=style, label=name, linewidth=2)
    right.plot(x, slopes[name], color=color, linestyle=style, label=name, linewidth=2)
left.set(title="activation", xlabel="x", ylim=(-1.2, 3))
right.set(title="its slope", xlabel="x")
left.legend(loc="upper left")
show(figure, "08_initialisation_activations", "Left, three activations: sigmoid rises from 0 to 1, tanh from −1 to 1, "
     "relu is 0 up to x = 0 and then x. Right, their slopes: sigmoid's is a low hill with its top at 0.25, tanh's a "
     "hill up to 1, relu's is 0 on the left and 1 on the right.")  # fmt: skip

# %% [markdown]
# Sigmoid and tanh are steepest at 0, ReLU everywhere to the right of 0. The slope of sigmoid is ¼ at most. Remember
# that number. And far from 0, sigmoid and tanh are *saturated*: so flat that next to no gradient gets through. At
# $x = 10$ the slope of sigmoid is 0.00005.
#
# ## How large is a sum of random numbers?
#
# Each output of a layer is a sum, inputs times weights. To know how large it gets, begin with the simplest random
# numbers that there are: throw a coin, heads is +1 and tails −1.
#
# > **Predict.** You add up 200 such numbers. How far from 0 is the sum, typically: 200, 100, 14, or 0?
#
# By "typically" we mean the *root mean square*: square all results, take the mean, take the root.


# %%
def rms(a):
    return np.sqrt(np.mean(np.square(a)))  # root mean square: the typical size


rng = np.random.default_rng(7)
coins = rng.choice([-1, 1], size=(10_000, 200))  # 10,000 times 200 throws
for n in (1, 2, 50, 200):
    sums = coins[:, :n].sum(axis=1)
    print(f"sum of {n:3}: mean square {np.mean(sums**2):6.1f}, typical size {rms(sums):5.2f}, √n = {np.sqrt(n):5.2f}")
    assert abs(rms(sums) / np.sqrt(n) - 1) < 0.03

# %% [markdown]
# The answer is 14. The mean square of the sum of $n$ such numbers is $n$, so its typical size is $\sqrt n$. Why? Take
# two numbers $a$ and $b$, and all four cases, which are equally frequent ($(a + b)^2 = a^2 + b^2 + 2ab$):
#
# | $a$ | $b$ | $(a + b)^2$ | $a^2$ | $b^2$ | $2ab$ |
# |---|---|---|---|---|---|
# | 1 | 1 | 4 | 1 | 1 | 2 |
# | 1 | −1 | 0 | 1 | 1 | −2 |
# | −1 | 1 | 0 | 1 | 1 | −2 |
# | −1 | −1 | 4 | 1 | 1 | 2 |
# | | *mean* | **2** | 1 | 1 | **0** |
#
# The mixed term $2ab$ is as often +2 as it is −2, since $b$ knows nothing of $a$: on average it vanishes. What remains
# are the two squares. With $E$ for the expectation, the mean in the long run:
#
# $$ E\bigl[(a + b)^2\bigr] = E[a^2] + E[b^2] . \tag{2} $$
#
# This holds for all random numbers that are independent of each other and have mean 0, and for 200 of them as for two.
# There $E[a^2]$ is just the variance, so (2) says: *variances of independent numbers add up.* Typical sizes of 3 and 4
# give $\sqrt{9 + 16} = 5$, not 7.
#
# ## One layer
#
# For each of its outputs, a layer with $n_{in}$ inputs computes $z = x_1 w_1 + x_2 w_2 + \dots$, a sum of $n_{in}$
# terms. Take two of them:
#
# $$ z^2 = x_1^2 w_1^2 + x_2^2 w_2^2 + 2 x_1 x_2\, w_1 w_2 . $$
#
# The weights are drawn independently, with mean 0. So $w_1 w_2$ is as often plus as minus, *whatever the inputs are*:
# these may well belong together, like the pixels of a picture. Over all draws of the weights the mixed term vanishes,
# the mean of each $w^2$ is $\operatorname{Var}(w)$, and what remains is $(x_1^2 + x_2^2) \operatorname{Var}(w)$. For
# $n_{in}$ inputs, the sum of the squares is $n_{in}$ times their mean:
#
# $$ \operatorname{mean}(z^2) = n_{in} \operatorname{Var}(w) \operatorname{mean}(x^2) . \tag{3} $$
#
# On the left it is a mean over draws of the weights, on the right one over the inputs. (The layer in the
# cell below has 300 outputs, each with weights of its own: these are 300 draws.) With $x = (3, 1)$ and weights of
# standard deviation 0.1, so of variance 0.01, that is $2 \cdot 0.01 \cdot 5 = 0.1$. With 200 inputs it is
# $200 \cdot 0.01 = 2$ times the mean square: the signal grows by the factor $\sqrt 2 \approx 1.41$.
#
# Backwards, by [lesson 4](04_arrays.py), the gradient of an input is also a sum, of the gradients of all $n_{out}$
# outputs times the same weights, $\bar x_i = \sum_j \bar z_j w_{ij}$. If the $\bar z_j$ know nothing of these weights
# (in a network they do a little, through the signal; it hardly matters), then
#
# $$ \operatorname{mean}(\bar x^2) = n_{out} \operatorname{Var}(w) \operatorname{mean}(\bar z^2) . \tag{4} $$

# %%
x = rng.normal(size=(64, 200))  # 64 examples, 200 inputs
w = 0.1 * rng.normal(size=(200, 300))  # 300 outputs
z, pullback = tl.vjp(np.matmul, x, w)
z_bar = rng.normal(size=(64, 300))
x_bar = pullback(z_bar)[0]
print(f"forward:  × {rms(z) / rms(x):.2f}, formula (3): {np.sqrt(200) * 0.1:.2f}")
print(f"backward: × {rms(x_bar) / rms(z_bar):.2f}, formula (4): {np.sqrt(300) * 0.1:.2f}")
assert abs(rms(z) / rms(x) - np.sqrt(2)) < 0.05 and abs(rms(x_bar) / rms(z_bar) - np.sqrt(3)) < 0.05

# %% [markdown]
# ## Xavier and He
#
# The factor should be 1, so that nothing grows or shrinks. For the signal, (3) then asks for
# $\operatorname{Var}(w) = 1/n_{in}$; for the gradient, (4) asks for $1/n_{out}$. Both at once is impossible where the
# two differ. Xavier Glorot and Yoshua Bengio proposed the compromise in 2010:
#
# $$ \operatorname{Var}(w) = \frac{2}{n_{in} + n_{out}} . \tag{5} $$
#
# It is known as **Xavier's** initialisation. It takes no notice of the activation, which is fair for tanh: near 0 it
# hardly changes a number. ReLU changes half of them: it makes 0 of the negative ones. So only half of the mean square
# is left, and half of the gradient is stopped as well. Kaiming **He** and others, in 2015, put the lost factor 2 back:
#
# $$ \operatorname{Var}(w) = \frac{2}{n_{in}} . \tag{6} $$
#
# That is right for the signal. The gradient would like $n_{out}$ there, by (4), but where the widths go up and down
# again, what one layer gains the next one loses. (In tinydl: `xavier_normal_` and `kaiming_normal_` of `nn.init`.)

# %%
relu_z = np.maximum(z, 0)
print(f"what relu leaves of the mean square: {np.mean(relu_z**2) / np.mean(z**2):.2f}")
assert abs(np.mean(relu_z**2) / np.mean(z**2) - 0.5) < 0.02


def xavier(n_in, n_out):  # the standard deviation, the root of formula (5)
    return np.sqrt(2 / (n_in + n_out))


def he(n_in, n_out):  # formula (6)
    return np.sqrt(2 / n_in)


print(f"200 inputs, 300 outputs: Xavier {xavier(200, 300):.3f}, He {he(200, 300):.3f}")

# %% [markdown]
# ## Thirty layers
#
# Send a signal through thirty layers, 200 and 300 wide in turn, and a random gradient back. Note the typical sizes.
#
# > **Predict.** ReLU with $\operatorname{Var}(w) = 1/n_{in}$, that is He's weights times $\sqrt{1/2}$: by what factor
# > has the signal shrunk after thirty layers? And sigmoid: what do its slopes, at most ¼, do to the gradient?


# %%
def sizes(activation, rule, factor=1.0, layers=30):
    rng = np.random.default_rng(0)
    signal = tl.tensor(rng.normal(size=(64, 200)), requires_grad=True)
    signals = [signal]
    for layer in range(layers):
        n_in, n_out = (200, 300) if layer % 2 == 0 else (300, 200)
        w = factor * rule(n_in, n_out) * rng.normal(size=(n_in, n_out))
        signal = activation(signal @ w)
        signals.append(signal)
    signal.backward(gradient=rng.normal(size=signal.shape), retain_grads=True)  # keep .grad of all signals in between
    return [rms(s.data) for s in signals], [rms(s.grad.data) for s in signals]


# %%
cases = {
    "sigmoid, Xavier": (F.sigmoid, xavier, 1.0),
    "tanh, 0.5 × Xavier": (np.tanh, xavier, 0.5),  # all factors multiply the weights
    "tanh, Xavier": (np.tanh, xavier, 1.0),
    "tanh, 3 × Xavier": (np.tanh, xavier, 3.0),
    "relu, 0.71 × He": (F.relu, he, np.sqrt(0.5)),  # half of He's variance, so 1 / n_in
    "relu, He": (F.relu, he, 1.0),
    "relu, 1.41 × He": (F.relu, he, np.sqrt(2)),
}
forward, backward = {}, {}
for name, (activation, rule, factor) in cases.items():
    forward[name], backward[name] = sizes(activation, rule, factor)
    print(f"{name:18} signal at the end {forward[name][-1]:8.1e}, gradient at the start {backward[name][0]:8.1e}")
assert abs(forward["relu, 0.71 × He"][-1] - 4.0e-5) < 1e-6 and abs(2**-15 - 3.1e-5) < 1e-6
assert 0.3 < forward["relu, He"][-1] < 3 and 0.3 < backward["relu, He"][0] < 3

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4.6), sharex=True, sharey=True)
looks = [(ORANGE, "-"), (BLUE, ":"), (BLUE, "-"), (BLUE, "--"), (GREEN, ":"), (GREEN, "-"), (GREEN, "--")]
for name, (color, style) in zip(cases, looks, strict=True):
    left.semilogy(forward[name], color=color, linestyle=style, label=name)
    right.semilogy(backward[name], color=color, linestyle=style)
line = {"arrowstyle": "-", "color": BLUE}
left.annotate("tanh, 3 × Xavier", (24, forward["tanh, 3 × Xavier"][24]), (16, 30), color=BLUE, arrowprops=line)
right.annotate("tanh, 3 × Xavier", (4, backward["tanh, 3 × Xavier"][4]), (1, 12), color=BLUE, arrowprops=line)
right.annotate("sigmoid, Xavier", (13, backward["sigmoid, Xavier"][13]), (15, 1e-13), color=ORANGE)
left.set(title="signal, forwards →", xlabel="layer", ylabel="typical size (root mean square)")
right.set(title="gradient, ← backwards", xlabel="layer")
figure.legend(fontsize="small", loc="outside lower center", ncols=3)
show(figure, "08_initialisation_layers", "Typical sizes over thirty layers, one logarithmic scale. Left, the signal: "
     "most stay near 1; tanh with 0.5 × Xavier falls to 1e-9, relu with 0.71 × or 1.41 × He goes to 4e-5 or 4e4. "
     "Right, the gradient, from layer 30 to 0: sigmoid falls to 1e-19, tanh with 3 × Xavier grows to 1e4.")  # fmt: skip

# %% [markdown]
# The scale is logarithmic, the same on both sides, so a constant factor per layer is a straight line.
#
# - **ReLU with 0.71 × He** loses a factor of about 0.7 per layer, in all $2^{-15} \approx 3.1 \cdot 10^{-5}$. (Measured
#   are $4.0 \cdot 10^{-5}$: the weights are random, so this is a rule for the mean.) With 1.41 × He the same factor is
#   gained, and both signal and gradient explode. With He's, both stay; the gradient's zigzag comes from the widths.
# - **Sigmoid** keeps a healthy-looking signal, since its values always lie around ½. But it kills the gradient: a
#   factor of less than ¼ per layer, some $10^{-19}$ after thirty. *The forward pass does not show it.*
# - **tanh** with Xavier loses a little. With half of it everything vanishes. With three times as much the signal looks
#   perfect, pressed against ±1, while the gradient explodes. Again the forward pass does not show it.
#
# Two of these are surprising. If ¼ is the trouble of sigmoid, why not take four times larger weights?

# %%
_, larger = sizes(F.sigmoid, xavier, 4.0)  # of the two results the second, the gradients
factor = (larger[0] / larger[-1]) ** (1 / 30)  # what, thirty times, gives the whole
print(f"sigmoid, 4 × Xavier: gradient at the start {larger[0]:.1e}, a factor per layer of {factor:.2f}")
assert abs(factor - 0.62) < 0.005 and 1e-20 < backward["sigmoid, Xavier"][0] < 0.25**30

# %% [markdown]
# They push many sums away from 0, to where the slope is far below ¼: instead of 1, the factor is 0.62. This is why deep
# networks with sigmoids could for long not be trained.
#
# And how can the gradient of tanh explode with 3 × Xavier, if saturated means flat? By (3) its sums have about 3 ×
# the signal's size, which is 0.85 (in the list above). How steep is tanh there, typically?

# %%
sums = 3 * 0.85 * rng.normal(size=100_000)
slope = rms(1 - np.tanh(sums) ** 2)
whole = backward["tanh, 3 × Xavier"][0] / backward["tanh, 3 × Xavier"][-1]
measured = whole ** (1 / 30)
print(f"typical slope {slope:.2f}, times 3: {3 * slope:.1f}; measured factor per layer {measured:.2f}")
assert abs(slope - 0.45) < 0.01 and abs(measured - 1.36) < 0.01 and abs(forward["tanh, 3 × Xavier"][-1] - 0.85) < 0.01

# %% [markdown]
# Some sums still fall near 0, so the typical slope is only down to 0.45, and the weights are 3 times as large: about
# 1.4 per layer. From the measured 1.36, $1.36^{30}$ is about 10,000.
#
# ## Does it matter for training?
#
# Here are ten layers of 32 ReLUs and an eleventh that gives three logits, a spiral as data, and four ways to begin:
#
# - with **He**, for 32 inputs a standard deviation of 0.25;
# - with the **default** of `nn.Linear` (the same as PyTorch's), which draws evenly from $-a$ to $a$, where
#   $a = 1/\sqrt{n_{in}}$. Such numbers have the variance $a^2/3$ (compare the draw below), so here $\frac1{3 n_{in}}$;
# - with normal numbers of standard deviation **0.1**, or with **zeros**.
#
# > **Predict.** ReLU leaves half of the mean square, and stops half of the gradient. By what factor do both shrink per
# > layer, by (3) and (4), in each case? Which of the four will learn, in 50 epochs?


# %%
def network(start=None, seed=1):
    tl.manual_seed(seed)
    layers = [nn.Linear(2, 32), nn.ReLU()]
    for _ in range(9):
        layers += [nn.Linear(32, 32), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(32, 3))  # the * hands the list's members over one by one
    if start is not None:  # start is a function that fills a weight; None leaves the default
        for layer in model:
            if isinstance(layer, nn.Linear):
                start(layer.weight)
                nn.init.zeros_(layer.bias)
    return model


# %%
starts = {
    "He": lambda weight: nn.init.kaiming_normal_(weight, nonlinearity="relu"),
    "default": None,
    "0.1 · normal": lambda weight: nn.init.normal_(weight, std=0.1),
    "all 0": nn.init.zeros_,
}
evenly = rng.uniform(-6, 6, size=100_000)  # a = 6
print(f"variance of numbers drawn evenly from -6 to 6: {np.var(evenly):.1f}; a²/3 = {6**2 / 3:.1f}")
assert he(32, 32) == 0.25 and abs(np.var(evenly) - 12) < 0.1

# %%
spirals = data.spirals(300, seed=0)  # 300 points, x with two numbers each, y with the class


def train(model):  # gives the loss of each epoch
    sgd = optim.SGD(model.parameters(), lr=0.03)
    log = tl.fit(model, spirals, loss=F.cross_entropy, optimizer=sgd, epochs=50, batch_size=30, seed=1, progress=False)
    return log["loss"]


losses = {}
for name, start in starts.items():
    model = network(start)
    losses[name] = train(model)
    accuracy = tl.accuracy(tl.predict(model, spirals.x), spirals.y)
    print(f"{name:13} loss {losses[name][0]:.3f} → {losses[name][-1]:.3f}, accuracy {accuracy:.0%}")
    assert (accuracy > 0.95) == (name == "He")

# %%
figure, (left, ax) = plt.subplots(1, 2, figsize=(9.2, 3.8), width_ratios=[2, 3])
for label, color, marker in [(0, PURPLE, "o"), (1, RED, "s"), (2, GRAY, "^")]:
    arm = spirals.x[spirals.y == label]
    left.plot(arm[:, 0], arm[:, 1], marker, color=color, markersize=3)
left.set(title="three arms, three classes", xlabel="first input", ylabel="second input", aspect="equal")
looks = [(GREEN, "-", 2), (SKY, "-", 6), (BLUE, "-", 3), (ORANGE, ":", 2)]
for (name, loss), (color, style, width) in zip(losses.items(), looks, strict=True):
    ax.plot(range(1, 51), loss, color=color, linestyle=style, linewidth=width, label=name)
ax.annotate("ln 3, the loss of guessing", (50, np.log(3)), (0, 7), textcoords="offset points", ha="right", color=GRAY)
ax.set(xlabel="epoch", ylabel="training loss", ylim=(0, 1.25), title="ten layers, four ways to begin")
ax.legend(title="weights begin as", loc="center right", bbox_to_anchor=(1, 0.5))
show(figure, "08_initialisation_training", "Left, three arms of a spiral, 100 points each. Right, the training loss in "
     "50 epochs: with He it falls from 1.09 to 0.03. The other three, default, 0.1 times normal and all zero, lie on "
     "top of each other on a level line at ln 3 = 1.099, the loss of guessing.")  # fmt: skip

# %% [markdown]
# Only He learns: its factor is 1. The default leaves $32 \cdot \frac1{3 \cdot 32} \cdot \frac12 = \frac16$ of the mean
# square, so $\sqrt{1/6} \approx 0.41$ of the typical size, per layer. "0.1 · normal" leaves
# $32 \cdot 0.01 \cdot \frac12 = 0.16$, so 0.4: nearly the same start. With zeros the factor is 0. (The default serves
# well in networks of a few layers, and in deeper ones with the remedies of exercise 3.)
#
# Do we find it in the default's gradient? On its way back the eleventh layer has only 3 outputs, which leaves
# $3 \cdot \frac1{3 \cdot 32} \cdot \frac12 = \frac1{64}$, so $\frac18$. Then come nine factors of $\sqrt{1/6}$:

# %%
model, outputs = network(), []  # the default
signal = tl.tensor(spirals.x[:100])
for layer in model:
    signal = layer(signal)
    if isinstance(layer, nn.Linear):
        outputs.append(signal)
F.cross_entropy(signal, spirals.y[:100]).backward(retain_grads=True)
share = rms(outputs[0].grad.data) / rms(outputs[-1].grad.data)
predicted = (1 / 8) * np.sqrt(1 / 6) ** 9
print(f"gradient at the first layer's outputs, share of the last layer's: {share:.1e}; predicted {predicted:.1e}")
assert abs(share - 4.0e-5) < 1e-6 and abs(predicted - 3.9e-5) < 1e-6
assert abs(losses["default"][-1] - np.log(3)) < 0.01

# %% [markdown]
# > **What goes wrong.** Three of the four runs stay at $\ln 3 \approx 1.099$, the loss of guessing; their curves lie on
# > top of each other. They don't crash, there is no NaN, and every gradient is *correct*, only those of the first
# > layers are as good as 0. You notice it by a loss that stays at $\ln K$ from the first epoch on. Then look at the
# > sizes of the gradients layer by layer, as above, or let `tl.diagnose` do it:

# %%
for name in ("default", "all 0", "He"):
    model = network(starts[name])
    optimizer = optim.SGD(model.parameters(), lr=0.03)
    findings = tl.diagnose(model, batch=spirals[:100], loss=F.cross_entropy, optimizer=optimizer)
    codes = {finding.code for finding in findings}
    print(f"{name}: {', '.join(sorted(codes)) or 'nothing found'}")
    if name == "default":
        print("   ", str(findings[0]).splitlines()[0])
        assert "4.0e-05" in str(findings[0])
assert not codes  # of He, the last one

# %% [markdown]
# `vanishing_gradients` is the share that you have just computed, at the first layer, "0 (Linear)". `dead_relus` give 0
# for every example. `identical_units` have equal weights and equal gradients; the next section is about them.
#
# ## Why random at all?
#
# Could all weights begin equal? If they are all zero, nothing gets through: a weight's gradient is its input times what
# comes back, and one of the two is always 0. Only the last bias moves. If they are equal but not zero, equal units get
# equal gradients, and stay equal: a layer of 300 that counts as one. Random weights break this symmetry. The biases
# needn't be random.

# %%
x, target = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))
W1, W2 = np.full((4, 6), 0.5), np.full((6, 2), 0.5)  # six equal units: each has a column of W1 and a row of W2
gradient = tl.grad(lambda W1: np.mean((np.tanh(x @ W1) @ W2 - target) ** 2))(W1)
print("gradient of W1, a column for each unit:\n", np.round(gradient, 3))
assert np.allclose(gradient.T, gradient[:, 0]) and np.abs(gradient).max() > 0.01  # every unit has that of the first

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_relu`, `ex_he`, `ex_xavier`, `ex_leaky`. There a weight has the shape
# `(n_out, n_in)`, as in `nn.Linear`. *Leaky ReLU* multiplies negative inputs by a small number $s$, its `slope`, where
# ReLU makes 0 of them.
#
# 1. What does leaky ReLU leave of the mean square? Redo (6) for it. `nn.init.calculate_gain("leaky_relu", s)` is the
#    factor by which $1/\sqrt{n_{in}}$ should be multiplied: compare. What comes out for $s = 1$, and why must it?
# 2. For tanh, `nn.init.calculate_gain("tanh")` recommends 5/3. Try it in `sizes`, as the factor for Xavier. What do the
#    signal and the gradient do, compared with a factor of 1? And with `layers=3`?
# 3. `nn.LayerNorm(32)` subtracts from an example's 32 numbers their mean, and divides by their standard deviation.
#    Put one before each ReLU of `network()`, and train with the default initialisation. Explain with (3) what it does.
#    Then try `optim.Adam` with rate 0.003 ([lesson 10](10_optimizers.py)) in place of SGD, without the LayerNorm.
#
# <details><summary>What you should find</summary>
#
# - *Exercise 1:* Half of the numbers stay, half are multiplied by $s$: $(1 + s^2)/2$ is left. So
#   $\operatorname{Var}(w) = \frac{2}{(1 + s^2)\, n_{in}}$. For $s = 1$ it is $1/n_{in}$, since then nothing is lost.
# - *Exercise 2:* After thirty layers, 5/3 leaves the signal at 0.66 and has the gradient grow to 13, where 1 leaves
#   0.11 and 0.13. With three layers the signal is 0.64 instead of 0.38, and the gradient 1.18 instead of 0.53: there
#   5/3 is the better one.
# - *Exercise 3:* Both learn (with seed 1, losses of about 0.2 and 0.1). LayerNorm gives every layer inputs of variance
#   1, however small the weights are. Adam divides each gradient by its own typical size, so that small ones count.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > - **“Initialise the weights and biases of the network at random”**[^random] is right for the weights, but how large
# >   they should be isn't said, and that decides whether a deep network learns. The biases needn't be random.
# > - **The ranges of the activations**, and ReLU as “the input where it is above 0, else 0”[^relu], are right for real
# >   numbers. In a computer the ends are reached: in float32 sigmoid is exactly 1 from about 16.64 on, and its slope 0.
# >   And “else 0” makes 0 of NaN, which hides an error; `np.maximum` passes it on.
# >
# > (Rows D15 and D14 of `tinydl document`, a command that measures what the article claims.)
#
# [^random]: 「随机初始化网络的权重和偏置」
#
# [^relu]: 「在输入大于0时输出输入值，否则输出0」

# %% [markdown]
# ## Where this lives in tinydl
#
# - `tinydl/nn/init.py`: `xavier_normal_` is (5), `kaiming_normal_` is (6). `tinydl/nn/linear.py`: the default.
# - `tinydl/derivatives/activations.py`: relu and sigmoid with their rules. `tinydl/watching/diagnose.py`: thresholds.
#
# Next: [lesson 9](09_digits.py), a network on real handwritten digits.
