# %% [markdown]
# # 8. Activations, and how to begin
#
# Before training starts, the weights of a network are random numbers. **How large should they be? And what happens in
# a network of thirty layers if they are a little too small, or a little too large?**
#
# A factor of 0.7 per layer doesn't sound like much. But thirty of them, one after the other, are one in 44,000, and a
# network through which nothing gets can't learn. In this lesson you will compute the right size with one rule about
# sums of random numbers, and see networks that learn or don't learn because of it alone.
#
# *You need:* layers and `fit` from [lesson 5](05_layers_and_the_loop.py); the words *expectation* and *variance*, and
# the loss of guessing, $\ln K$, from [lesson 7](07_likelihood.py); how a gradient gets back through `x @ w`, from
# [lesson 4](04_arrays.py).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, SKY, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

assert abs(1 / 0.7**30 - 44_000) < 500

# %% [markdown]
# ## Three activations and their slopes
#
# Two matrices one after the other are just another matrix. So a network needs something between them that isn't
# linear, an *activation*, applied to each number. These three are the best known:
#
# - **sigmoid**, with values between 0 and 1;
# - **tanh**, with values between −1 and 1;
# - **ReLU**, which passes positive numbers on and makes 0 of negative ones.
#
# $$ \begin{aligned}
# \sigma(x) &= \frac1{1 + e^{-x}} \\
# \tanh x &= \frac{e^x - e^{-x}}{e^x + e^{-x}} \\
# \operatorname{relu}(x) &= \max(x, 0)
# \end{aligned} \tag{1} $$
#
# On the way back, a gradient is multiplied by their slopes: $\sigma' = \sigma(1 - \sigma)$,
# $\tanh' = 1 - \tanh^2$, and for ReLU 1 or 0.
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
    print(f"{name:8} is steepest at x = {x[np.argmax(slopes[name])]:.2f}, its slope there is {max(slopes[name]):.2f}")
assert np.isclose(max(slopes["sigmoid"]), 0.25)
assert np.isclose(max(slopes["tanh"]), 1) and max(slopes["relu"]) == 1

# %%
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
# The slope of sigmoid is ¼ at most. Remember that number. And far from 0, sigmoid and tanh are *saturated*: so flat
# that next to no gradient gets through. At $x = 10$ the slope of sigmoid is 0.00005.

# %%
slope_at_10 = tl.grad(F.sigmoid)(10.0)
print(f"slope of sigmoid at 10: {slope_at_10:.5f}")
assert abs(slope_at_10 - 0.00005) < 0.00001

# %% [markdown]
# ## How large is a sum of random numbers?
#
# Each output of a layer is a sum, inputs times weights. To know how large it gets, begin with the simplest random
# numbers that there are: throw a coin, heads is +1 and tails −1.
#
# > **Predict.** You add up 200 such numbers. How far from 0 is the sum, typically: 200, 100, 14, or 0?
#
# By "typically" we mean the *root mean square*: square all results, take the mean, take the root. (Without the squares,
# plus and minus would cancel, and the mean is 0.)


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
# two numbers $a$ and $b$, and look at all four cases, which are equally frequent. Recall that
# $(a + b)^2 = a^2 + b^2 + 2ab$:
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
# is the sum of the two squares. With $E$ for the expectation, the mean in the long run:
#
# $$ E\bigl[(a + b)^2\bigr] = E[a^2] + E[b^2] . \tag{2} $$
#
# This holds for all random numbers that are independent of each other and have mean 0, not for coins alone, and for
# 200 of them as for two. For numbers with mean 0, $E[a^2]$ is just their variance. So (2) says in one line:
# *variances of independent numbers add up.*

# %%
mean_of_square, mean_of_mixed = 0, 0
for a in (1, -1):
    for b in (1, -1):
        mean_of_square += (a + b) ** 2 / 4
        mean_of_mixed += 2 * a * b / 4
assert mean_of_square == 2 and mean_of_mixed == 0
a, b = rng.normal(0, 3, size=100_000), rng.normal(0, 4, size=100_000)  # standard deviations 3 and 4
print(f"mean squares {np.mean(a**2):.1f} + {np.mean(b**2):.1f}; of the sum {np.mean((a + b) ** 2):.1f}")
assert abs(np.mean((a + b) ** 2) - (9 + 16)) < 0.5

# %% [markdown]
# ## One layer
#
# For each of its outputs, a layer with $n_{in}$ inputs computes $z = x_1 w_1 + x_2 w_2 + \dots$, a sum of $n_{in}$
# terms. The weights are drawn at random, with mean 0, without looking at the inputs. So the mean of $x_i^2 w_i^2$ is
# the product of the means, $E[x^2] \cdot \operatorname{Var}(w)$. The mixed terms vanish, and by (2)
#
# $$ E[z^2] = n_{in} \operatorname{Var}(w)\, E[x^2] . \tag{3} $$
#
# With 200 inputs and weights of standard deviation 0.1, so of variance 0.01, that is $200 \cdot 0.01 = 2$ times the
# mean square: the signal grows by the factor $\sqrt 2 \approx 1.41$.
#
# Backwards, by [lesson 4](04_arrays.py), the gradient of an input is also a sum, of the gradients of all $n_{out}$
# outputs times the same weights, $\bar x_i = \sum_j \bar z_j w_{ij}$. So it grows or shrinks by
#
# $$ E[\bar x^2] = n_{out} \operatorname{Var}(w)\, E[\bar z^2] . \tag{4} $$

# %%
x = rng.normal(size=(64, 200))  # 64 examples, 200 inputs
w = 0.1 * rng.normal(size=(200, 300))  # 300 outputs
z, pullback = tl.vjp(np.matmul, x, w)
z_bar = rng.normal(size=(64, 300))
x_bar = pullback(z_bar)[0]
print(f"forward:  × {rms(z) / rms(x):.2f}, formula (3): {np.sqrt(200) * 0.1:.2f}")
print(f"backward: × {rms(x_bar) / rms(z_bar):.2f}, formula (4): {np.sqrt(300) * 0.1:.2f}")
assert abs(rms(z) / rms(x) - np.sqrt(200) * 0.1) < 0.05
assert abs(rms(x_bar) / rms(z_bar) - np.sqrt(300) * 0.1) < 0.05
assert np.isclose(200 * 0.1**2, 2) and abs(np.sqrt(2) - 1.41) < 0.005

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
# hardly changes a number, $\tanh 0.1 = 0.0997$. ReLU does. It makes 0 of half of its inputs, so only half of the mean
# square is left, and it stops half of the gradient as well. Kaiming **He** and others, in 2015, put the lost factor 2
# back:
#
# $$ \operatorname{Var}(w) = \frac{2}{n_{in}} . \tag{6} $$
#
# For 200 inputs and 300 outputs, Xavier's standard deviation is 0.063, and He's is 0.1.

# %%
relu_z = np.maximum(z, 0)
print(f"what relu leaves of the mean square: {np.mean(relu_z**2) / np.mean(z**2):.2f}")
assert abs(np.mean(relu_z**2) / np.mean(z**2) - 0.5) < 0.02 and abs(np.tanh(0.1) - 0.0997) < 0.00005


def xavier(n_in, n_out):  # the standard deviation, the root of formula (5)
    return np.sqrt(2 / (n_in + n_out))


def he(n_in, n_out):  # formula (6)
    return np.sqrt(2 / n_in)


print(f"200 inputs, 300 outputs: Xavier {xavier(200, 300):.3f}, He {he(200, 300):.3f}")
assert abs(xavier(200, 300) - 0.063) < 0.0005 and np.isclose(he(200, 300), 0.1)

# %% [markdown]
# tinydl has both, as functions that fill a weight:

# %%
tl.manual_seed(7)
weight = nn.Linear(200, 300).weight
assert abs(nn.init.xavier_normal_(weight).data.std() - xavier(200, 300)) < 0.002
assert abs(nn.init.kaiming_normal_(weight, nonlinearity="relu").data.std() - he(200, 300)) < 0.002

# %% [markdown]
# ## Thirty layers
#
# Now send a signal through thirty layers, 200 and 300 wide in turn, and a random gradient back. After every layer, note
# the typical size.
#
# > **Predict.** ReLU with $\operatorname{Var}(w) = 1/n_{in}$, that is without He's factor 2: by what factor has the
# > signal shrunk after thirty layers? And sigmoid: what do its slopes, at most ¼, do to the gradient?


# %%
def sizes(activation, rule, factor=1.0):
    rng = np.random.default_rng(0)
    signal = tl.tensor(rng.normal(size=(64, 200)), requires_grad=True)
    signals = [signal]
    for layer in range(30):
        n_in, n_out = (200, 300) if layer % 2 == 0 else (300, 200)
        w = factor * rule(n_in, n_out) * rng.normal(size=(n_in, n_out))
        signal = activation(signal @ w)
        signals.append(signal)
    signal.backward(gradient=rng.normal(size=signal.shape), retain_grads=True)  # keeps the gradients in between
    return [rms(s.data) for s in signals], [rms(s.grad.data) for s in signals]


# %%
cases = {
    "sigmoid, Xavier": (F.sigmoid, xavier, 1.0),
    "tanh, half of Xavier": (np.tanh, xavier, 0.5),
    "tanh, Xavier": (np.tanh, xavier, 1.0),
    "tanh, 3 × Xavier": (np.tanh, xavier, 3.0),
    "relu, half of He's variance": (F.relu, he, np.sqrt(0.5)),  # that is 1 / n_in
    "relu, He": (F.relu, he, 1.0),
    "relu, twice He's variance": (F.relu, he, np.sqrt(2)),
}
forward, backward = {}, {}
for name, (activation, rule, factor) in cases.items():
    forward[name], backward[name] = sizes(activation, rule, factor)
    print(f"{name:28} signal at the end {forward[name][-1]:8.1e}, gradient at the start {backward[name][0]:8.1e}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 4.6), sharex=True)
looks = [(ORANGE, "-"), (BLUE, ":"), (BLUE, "-"), (BLUE, "--"), (GREEN, ":"), (GREEN, "-"), (GREEN, "--")]
for name, (color, style) in zip(cases, looks, strict=True):
    left.semilogy(forward[name], color=color, linestyle=style, label=name)
    right.semilogy(backward[name], color=color, linestyle=style)
left.set(title="signal, forwards →", xlabel="layer", ylabel="typical size (root mean square)")
right.set(title="gradient, ← backwards", xlabel="layer")
figure.legend(fontsize="small", loc="outside lower center", ncols=3)
show(figure, "08_initialisation_layers", "Typical sizes over thirty layers, on a logarithmic scale, for seven cases. "
     "Left, the signal: most stay near 1; tanh with half of Xavier falls to 1e-9, relu with half or twice He's "
     "variance goes to 4e-5 or 4e4. Right, the gradient, from layer 30 back to 0: relu with He stays near 1, tanh with "
     "Xavier loses a little; sigmoid falls to 1e-19, tanh with 3 × Xavier grows to 1e4.")  # fmt: skip

# %%
per_layer = (backward["sigmoid, Xavier"][0] / backward["sigmoid, Xavier"][-1]) ** (1 / 30)
print(f"sigmoid: the gradient is multiplied by {per_layer:.2f} per layer")
assert 0.2 < per_layer < 0.25 and 1e-20 < backward["sigmoid, Xavier"][0] < 1e-18
assert min(forward["sigmoid, Xavier"]) > 0.4
print(f"half of He's variance: predicted √½ to the power 30 = {0.5**15:.1e}; twice: {2**15}")
assert abs(0.5**15 - 3e-5) < 1e-6 and 1.5e-5 < forward["relu, half of He's variance"][-1] < 8e-5
assert 1.5e-5 < backward["relu, half of He's variance"][0] < 8e-5
assert 1e4 < forward["relu, twice He's variance"][-1] < 1e5 and backward["relu, twice He's variance"][0] > 1e3
assert 0.3 < forward["relu, He"][-1] < 3 and 0.3 < backward["relu, He"][0] < 3
assert 0.05 < backward["tanh, Xavier"][0] < 0.5
assert forward["tanh, half of Xavier"][-1] < 1e-8 and backward["tanh, half of Xavier"][0] < 1e-8
assert 0.8 < forward["tanh, 3 × Xavier"][-1] < 1 and backward["tanh, 3 × Xavier"][0] > 1e3

# %% [markdown]
# The scale is logarithmic, so a constant factor per layer is a straight line.
#
# - **ReLU with half of He's variance** loses a factor of $\sqrt{1/2} \approx 0.7$ per layer, in all
#   $2^{-15} \approx 3 \cdot 10^{-5}$. With *twice* He's variance the same factor is gained, and both signal and
#   gradient explode. With He's, both stay where they are.
# - **Sigmoid** keeps a healthy-looking signal, since its values always lie around ½. But it kills the gradient: a
#   factor of less than ¼ per layer, some $10^{-19}$ after thirty. This is why deep networks with sigmoids could for
#   long not be trained. *The forward pass does not show it.*
# - **tanh** with Xavier loses a little. With half of it everything vanishes. With three times as much the signal looks
#   perfect, pressed against ±1, while the gradient explodes. Again the forward pass does not show it.
#
# ## Does it matter for training?
#
# Here are ten layers of 32 ReLUs, with the three arms of a spiral as data, and four ways to begin: with He; with the
# default of `nn.Linear` (the same as PyTorch's), which draws evenly from $-1/\sqrt{n_{in}}$ to $1/\sqrt{n_{in}}$ and
# so has the variance $\frac{1}{3 n_{in}}$, six times less than He's; with normal numbers of standard deviation 0.1 (for
# 32 inputs, He's is 0.25); and with zeros.
#
# > **Predict.** Which of the four will learn, in 50 epochs?


# %%
def network(start=None, seed=1):
    tl.manual_seed(seed)
    layers = [nn.Linear(2, 32), nn.ReLU()]
    for _ in range(9):
        layers += [nn.Linear(32, 32), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(32, 3))
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
default = nn.Linear(200, 300).weight.data
print(f"variance of the default: {default.var():.5f}; of He divided by 6: {he(200, 300) ** 2 / 6:.5f}")
assert np.isclose(he(200, 300) ** 2 / 6, 1 / (3 * 200)) and abs(default.var() * 3 * 200 - 1) < 0.02
assert he(32, 32) == 0.25

# %%
spirals = data.spirals(300, seed=0)


def train(model, seed=1):  # gives the loss of each epoch
    optimizer = optim.SGD(model.parameters(), lr=0.03)
    return tl.fit(
        model, spirals, loss=F.cross_entropy, optimizer=optimizer, epochs=50, batch_size=30,
        progress=False, seed=seed,
    )["loss"]  # fmt: skip


losses = {}
for name, start in starts.items():
    model = network(start)
    losses[name] = train(model)
    accuracy = tl.accuracy(tl.predict(model, spirals.x), spirals.y)
    print(f"{name:13} loss {losses[name][0]:.3f} → {losses[name][-1]:.3f}, accuracy {accuracy:.0%}")
    assert accuracy > 0.95 if name == "He" else accuracy < 0.45

# %%
figure, ax = plt.subplots(figsize=(6.6, 3.8))
looks = [(GREEN, "-", 2), (SKY, "-", 6), (BLUE, "-", 3), (ORANGE, ":", 2)]
for (name, loss), (color, style, width) in zip(losses.items(), looks, strict=True):
    ax.plot(range(1, 51), loss, color=color, linestyle=style, linewidth=width, label=name)
ax.annotate("ln 3, the loss of guessing", (50, np.log(3)), (0, 7), textcoords="offset points", ha="right", color=GRAY)
ax.set(xlabel="epoch", ylabel="training loss", ylim=(0, 1.25), title="ten layers, four ways to begin")
ax.legend(title="weights begin as", loc="center right", bbox_to_anchor=(1, 0.5))
show(figure, "08_initialisation_training", "Training loss over 50 epochs. The network that begins with He falls from "
     "1.09 to 0.03. The other three, default, 0.1 times normal and all zero, lie on top of each other on a level line "
     "at ln 3 = 1.099, the loss of guessing.")  # fmt: skip
assert losses["He"][-1] < 0.05 and max(losses["He"][25:]) < 0.1
assert abs(np.log(3) - 1.099) < 0.001
for name in ("default", "0.1 · normal", "all 0"):
    assert abs(losses[name][-1] - np.log(3)) < 0.01

# %% [markdown]
# Only one of the four learns. The default has served the world well in networks of a few layers, and in deeper ones
# with normalisation layers or Adam. Ten plain layers with SGD are too many for it.
#
# The other three curves lie on top of each other, and nothing looks like an accident:
#
# > **What goes wrong.** Three of the four runs stay at $\ln 3 \approx 1.099$, the loss of guessing. They don't crash,
# > there is no NaN, and every gradient is *correct*, only those of the first layers are as good as 0. You notice it
# > by a loss that stays at $\ln K$ from the first epoch on. Then look at the sizes of the gradients layer by layer, as
# > above, or let `tl.diagnose` do it:

# %%
for name in ("default", "all 0", "He"):
    model = network(starts[name])
    optimizer = optim.SGD(model.parameters(), lr=0.03)
    findings = tl.diagnose(model, batch=spirals[:100], loss=F.cross_entropy, optimizer=optimizer)
    codes = {finding.code for finding in findings}
    print(f"{name}: {', '.join(sorted(codes)) or 'nothing found'}")
    if name == "default":
        print("   ", findings[0])
    ill = {"vanishing_gradients", "vanishing_activations", "identical_units"}
    assert bool(codes & ill) == (name != "He")

# %% [markdown]
# One honest word about the curve of He. With other seeds it also ends low, but on the way it may jump up and come back:
# a batch on which a step is too long. Try `train(network(starts["He"], seed=3), seed=3)`. A smaller learning rate calms
# it ([lesson 10](10_optimizers.py)).

# %%
jumpy = train(network(starts["He"], seed=3), seed=3)
print(f"seed 3: largest loss after epoch 25: {max(jumpy[25:]):.2f}, last loss {jumpy[-1]:.2f}")
assert max(jumpy[25:]) > 0.5 and jumpy[-1] < 0.2

# %% [markdown]
# ## Why random at all?
#
# Could all weights begin equal? If they are all zero, nothing gets through: every gradient is zero but that of the last
# bias, for ever. If they are equal but not zero, something gets through, and it is the same for every unit of a layer.
# Equal units get equal gradients, and stay equal: a layer of 300 that counts as one. Random numbers break this
# symmetry. The biases needn't be random: random weights are enough.

# %%
x, target = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))
W1 = tl.tensor(np.full((4, 6), 0.5), requires_grad=True)  # six equal units, a column for each
W2 = tl.tensor(np.full((6, 2), 0.5), requires_grad=True)
for _ in range(50):
    loss = np.mean((np.tanh(x @ W1) @ W2 - target) ** 2)
    W1.grad = W2.grad = None
    loss.backward()
    with tl.no_grad():
        W1 -= 0.1 * W1.grad
        W2 -= 0.1 * W2.grad
print("W1 after 50 steps, a column for each unit:\n", np.round(W1.data, 3))
for unit in range(6):
    assert np.allclose(W1.data[:, unit], W1.data[:, 0])  # still all equal
assert np.abs(W1.data - 0.5).max() > 0.01  # they did move, all together

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_relu`, `ex_he`, `ex_xavier`, `ex_leaky`.
#
# 1. Leaky ReLU passes a fraction $a$ of negative inputs. What does it leave of the mean square? Redo (6) for it, and
#    compare with `nn.init.calculate_gain("leaky_relu", a)`. What comes out for $a = 1$, and why must it?
# 2. `nn.init.calculate_gain("tanh")` is 5/3. Try it in `sizes`, with 5/3 as the factor for Xavier. What do the signal
#    and the gradient do, compared with a factor of 1? Which of the two would you choose for thirty layers, and for
#    three?
# 3. Put an `nn.LayerNorm(32)` before each ReLU of `network()`, and train with the default initialisation. Explain with
#    (3) what it does. Then try Adam in place of SGD, without the LayerNorm.
#
# ## In the article
#
# > - **“Initialise the weights and biases of the network at random”**[^random] is right for the weights. How large
# >   they should be isn't said. The biases needn't be random, and the article's own first program starts them at 0.
# >   Row D15 of `tinydl document` has the measurement.
# > - **The three activations**: the article gives the values of sigmoid as between 0 and 1, those of tanh as between −1
# >   and 1, and ReLU as “the input where it is above 0, else 0”[^relu]. Right for real numbers (D14). In a computer the
# >   ends are reached: in float32, $1/(1 + e^{-x})$ is exactly 1 from about 16.64 on, and the slope
# >   $\sigma(1 - \sigma)$ is then exactly 0. At the lower end there is more room, since near 0 there are far more
# >   float32 numbers than near 1.
# > - **ReLU, read literally**, hides errors: NaN isn't above 0, so “else 0” makes 0 of it. `np.maximum` passes it on.
#
# [^random]: 「随机初始化网络的权重和偏置」
#
# [^relu]: 「在输入大于0时输出输入值，否则输出0」


# %%
def plain_sigmoid(x):
    return 1 / (1 + np.exp(-np.float32(x)))


for x in (16.6, 16.7, -16.7):
    s = plain_sigmoid(x)
    print(f"x = {x:5}: sigmoid {s:.8g}, slope {s * (1 - s):.2g}")
assert plain_sigmoid(16.6) < 1 == plain_sigmoid(16.7) and plain_sigmoid(-16.7) > 0
nan = np.array([np.nan, -1.0, 2.0])
print("read literally:", np.where(nan > 0, nan, 0), "  np.maximum:", np.maximum(nan, 0))
assert np.where(nan > 0, nan, 0)[0] == 0 and np.isnan(np.maximum(nan, 0)[0])

# %% [markdown]
# ## Where this lives in tinydl
#
# - `tinydl/nn/init.py`: `xavier_normal_` is (5), `kaiming_normal_` is (6), `fans` counts the inputs and outputs.
# - `tinydl/nn/linear.py`: the default, in `Linear.__init__`. `tinydl/derivatives/activations.py`: relu and sigmoid with
#   their rules; there the slope of sigmoid is $\sigma(x)\, \sigma(-x)$, which doesn't get lost at either end.
# - `tinydl/watching/diagnose.py`: thresholds at the top, with the factors per layer that you have just measured.
# - `tinydl/course/document.py`: rows D14 and D15.
#
# Next: [lesson 9](09_digits.py), a network on real handwritten digits.
