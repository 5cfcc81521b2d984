# %% [markdown]
# # 8. Activations, and how to begin
#
# 「随机初始化网络的权重和偏置」, says the article: initialise the weights and biases of the network at random. Random,
# yes, but how large? **Take a network of thirty layers. By what factor does a signal shrink or grow on its way through,
# and by what factor a gradient on its way back? And what has the size of the first random numbers to do with it?**
#
# It has everything to do with it. A factor of 0.7 per layer doesn't sound like much; thirty of them are one in 44,000.

# %%
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

assert abs(1 / 0.7**30 - 44_000) < 500

# %% [markdown]
# ## Three activations and their slopes
#
# Between its matrices a network needs something that isn't linear. The article names three: sigmoid, with values in
# $(0, 1)$; tanh, with values in $(-1, 1)$; and ReLU, 「在输入大于0时输出输入值，否则输出0」, the input where it is
# above 0, else 0.
#
# $$ \sigma(x) = \frac1{1 + e^{-x}}, \qquad \tanh x, \qquad \operatorname{relu}(x) = \max(x, 0) . \tag{1} $$
#
# What matters on the way back is their slopes: $\sigma' = \sigma(1 - \sigma)$, $\tanh' = 1 - \tanh^2$, and 1 or 0.

# %%
x = np.linspace(-5, 5, 401)
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.4))
for name, f, color in [("sigmoid", F.sigmoid, ORANGE), ("tanh", np.tanh, BLUE), ("relu", F.relu, GREEN)]:
    t = tl.tensor(x, requires_grad=True)
    y = f(t)
    y.backward(gradient=np.ones_like(x))  # each y depends on its own x only, so here ones give all the slopes at once
    left.plot(x, y.data, color=color, label=name)
    right.plot(x, t.grad.data, color=color, label=name)
    print(f"{name:8} steepest slope {t.grad.data.max():.2f}")
    assert np.isclose(t.grad.data.max(), {"sigmoid": 0.25, "tanh": 1, "relu": 1}[name])
left.set(title="activation", xlabel="x", ylim=(-1.2, 3))
right.set(title="its slope", xlabel="x")
left.legend(fontsize="small")
show(figure, "08_initialisation_activations")

# %% [markdown]
# The slope of sigmoid is at most ¼. Remember that number.
#
# The intervals are right for real numbers. In a computer their ends are reached: $1/(1 + e^{-x})$ in float32 is exactly
# 1 from about 16.64 on, and then $\sigma(1 - \sigma)$ is exactly 0.
#
# > **Predict.** Is it exactly 0 at $x = -20$ as well?


# %%
def plain_sigmoid(x):
    return 1 / (1 + np.exp(-x))


for value in (16.6, 16.7, 20.0, -20.0):
    s = plain_sigmoid(np.float32(value))
    print(f"x = {value:5}: sigmoid {s:.9g}, s (1 - s) = {s * (1 - s):.3g}")
assert plain_sigmoid(np.float32(16.6)) < 1 == plain_sigmoid(np.float32(16.7))
s = plain_sigmoid(np.float32(-20))
assert np.isclose(s * (1 - s), 2.06e-9, rtol=0.01)  # no: near 0 there are far more float32 numbers than near 1
t = tl.tensor(np.float32([20.0, -20.0]), requires_grad=True)
F.sigmoid(t).backward(gradient=np.float32([1, 1]))
assert np.allclose(t.grad.data, 2.06e-9, rtol=0.01)  # tinydl computes the slope as s(x) · s(-x)

# %% [markdown]
# And one more detail of ReLU: read literally, "else 0" turns a NaN into 0 and hides it. `np.maximum` passes it on,
# which is what one wants of an error.

# %%
nan = np.array([np.nan, -1.0, 2.0])
print("read literally:", np.where(nan > 0, nan, 0), "  np.maximum:", np.maximum(nan, 0))
assert np.where(nan > 0, nan, 0)[0] == 0
assert np.isnan(np.maximum(nan, 0)[0]) and np.isnan(F.relu(tl.tensor(nan)).data[0])

# %% [markdown]
# ## One layer: how large is a sum of random numbers?
#
# A layer computes $z_j = \sum_i x_i w_{ij}$ over its $n_{in}$ inputs (`fan_in`). Let the weights be random,
# independent, with mean 0 and variance $\operatorname{Var}(w)$. Variances of independent terms add up, and mixed terms
# vanish:
#
# $$ E[z^2] = n_{in} \operatorname{Var}(w)\, E[x^2] . \tag{2} $$
#
# Backwards, by lesson 4, $\bar x_i = \sum_j \bar z_j w_{ij}$: the same sum, over the $n_{out}$ outputs (`fan_out`),
#
# $$ E[\bar x^2] = n_{out} \operatorname{Var}(w)\, E[\bar z^2] . \tag{3} $$


# %%
def rms(a):
    return float(np.sqrt(np.mean(np.square(a))))  # root mean square: the typical size


rng = np.random.default_rng(7)
x, w, g = rng.normal(size=(64, 200)), 0.1 * rng.normal(size=(200, 300)), rng.normal(size=(64, 300))
z, pullback = tl.vjp(np.matmul, x, w)
x_bar = pullback(g)[0]
print(f"forward:  × {rms(z) / rms(x):.3f}, formula (2): {np.sqrt(200) * 0.1:.3f}")
print(f"backward: × {rms(x_bar) / rms(g):.3f}, formula (3): {np.sqrt(300) * 0.1:.3f}")
assert abs(rms(z) / rms(x) - np.sqrt(200) * 0.1) < 0.05
assert abs(rms(x_bar) / rms(g) - np.sqrt(300) * 0.1) < 0.05

# %% [markdown]
# ## Xavier and He
#
# To keep the signal's size, (2) asks for $\operatorname{Var}(w) = 1/n_{in}$; to keep the gradient's, (3) asks for
# $1/n_{out}$. Both at once is impossible when the two differ. Glorot (whose first name is Xavier) and Bengio, in 2010,
# proposed the compromise
#
# $$ \operatorname{Var}(w) = \frac{2}{n_{in} + n_{out}} . \tag{4} $$
#
# It ignores the activation, which is fair for tanh: near 0 it is nearly the identity. A ReLU isn't. It sets half of its
# inputs to 0, so it halves the mean square, $E[\operatorname{relu}(z)^2] = \frac12 E[z^2]$ for $z$ symmetric about 0,
# and likewise blocks half of the gradient. He and others, in 2015, put the lost factor 2 back:
#
# $$ \operatorname{Var}(w) = \frac{2}{n_{in}} . \tag{5} $$

# %%
relu_z = np.maximum(z, 0)
print(f"what relu leaves of the mean square: {np.mean(relu_z**2) / np.mean(z**2):.3f}")
assert abs(np.mean(relu_z**2) / np.mean(z**2) - 0.5) < 0.02


# %%
def plain(n_in, n_out):
    return np.sqrt(1 / n_in)  # formula (2) alone


def xavier(n_in, n_out):
    return np.sqrt(2 / (n_in + n_out))  # formula (4)


def he(n_in, n_out):
    return np.sqrt(2 / n_in)  # formula (5)


tl.manual_seed(7)
weight = tl.tensor(np.zeros((300, 200)), requires_grad=True)  # tinydl's layers keep theirs as (out, in)
assert abs(nn.init.xavier_normal_(weight).data.std() - xavier(200, 300)) < 0.002
assert abs(nn.init.kaiming_normal_(weight, nonlinearity="relu").data.std() - he(200, 300)) < 0.002

# %% [markdown]
# ## Thirty layers
#
# Now send a signal through thirty layers, alternately 200 and 300 wide, and a random gradient back, and note the
# typical size after every layer.
#
# > **Predict.** ReLU with $\operatorname{Var}(w) = 1/n_{in}$, that is without He's factor 2: by what factor has the
# > signal shrunk after thirty layers? And sigmoid: what do its slopes, at most ¼, do to the gradient?


# %%
def signals(activation, std, depth=30, seed=0):
    rng = np.random.default_rng(seed)
    widths = [200 if k % 2 == 0 else 300 for k in range(depth + 1)]
    layers = [tl.tensor(rng.normal(size=(64, widths[0])), requires_grad=True)]
    for n_in, n_out in pairwise(widths):
        w = std(n_in, n_out) * rng.normal(size=(n_in, n_out))
        layers.append(activation(layers[-1] @ w))
    layers[-1].backward(gradient=rng.normal(size=layers[-1].shape), retain_grads=True)
    return [rms(h.data) for h in layers], [rms(h.grad.data) for h in layers]


# %%
cases = {
    "sigmoid, Xavier": (F.sigmoid, xavier, ORANGE, "-"),
    "tanh, half of Xavier": (np.tanh, lambda n, m: 0.5 * xavier(n, m), BLUE, ":"),
    "tanh, Xavier": (np.tanh, xavier, BLUE, "-"),
    "tanh, 3 × Xavier": (np.tanh, lambda n, m: 3 * xavier(n, m), BLUE, "--"),
    "relu, 1/fan_in": (F.relu, plain, GREEN, ":"),
    "relu, He": (F.relu, he, GREEN, "-"),
    "relu, 2 × He's variance": (F.relu, lambda n, m: np.sqrt(2) * he(n, m), GREEN, "--"),
}
sizes = {name: signals(activation, std) for name, (activation, std, _, _) in cases.items()}
print(f"{'':24} signal after 30    gradient at the first")
for name, (forward, backward) in sizes.items():
    print(f"{name:24} {forward[-1]:10.1e} {backward[0]:18.1e}")

# %%
figure, axes = plt.subplots(1, 2, figsize=(9.2, 4), sharex=True)
for name, (_, _, color, style) in cases.items():
    for ax, size in zip(axes, sizes[name], strict=True):
        ax.semilogy(size, color=color, linestyle=style, label=name)
axes[0].set(title="signal, forwards →", xlabel="layer", ylabel="root mean square", ylim=(1e-12, 1e8))
axes[1].set(title="gradient, ← backwards", xlabel="layer", ylim=(1e-21, 1e8))
axes[0].legend(fontsize="x-small", loc="lower left")
show(figure, "08_initialisation_layers")

# %%
per_layer = {name: (b[0] / b[-1]) ** (1 / 30) for name, (_, b) in sizes.items()}
print({name: round(factor, 2) for name, factor in per_layer.items()})
assert 1.5e-5 < sizes["relu, 1/fan_in"][0][-1] < 8e-5  # predicted: (√½)³⁰ = 2⁻¹⁵ = 3.1e-5
assert abs(2.0**-15 - 3.1e-5) < 1e-6
assert 1e4 < sizes["relu, 2 × He's variance"][0][-1] < 1e5  # predicted: 2¹⁵ = 32768
assert 0.3 < sizes["relu, He"][0][-1] < 3 and 0.3 < sizes["relu, He"][1][0] < 3
assert 1e-20 < sizes["sigmoid, Xavier"][1][0] < 1e-18
assert 0.2 < per_layer["sigmoid, Xavier"] < 0.25
assert 0.05 < sizes["tanh, Xavier"][1][0] < 0.5
assert sizes["tanh, half of Xavier"][1][0] < 1e-8 and sizes["tanh, 3 × Xavier"][1][0] > 1e3

# %% [markdown]
# Straight lines on a logarithmic scale: factors per layer.
#
# - **ReLU without the 2** loses $\sqrt{1/2}$ per layer, $2^{-15} \approx 3 \cdot 10^{-5}$ in all, forwards and
#   backwards. With *twice* He's variance the same factor is gained, and both explode. With He's both stay where they
#   are.
# - **Sigmoid** keeps a healthy-looking signal, since its values always lie around ½, and kills the gradient: a factor
#   of less than ¼ per layer, some $10^{-19}$ after thirty. This is why deep networks with sigmoids could not be
#   trained. *The forward pass does not show it.*
# - **tanh** with Xavier loses a little; with half of it everything vanishes; with three times as much the signal looks
#   perfect, pressed against ±1, while the gradient explodes. Again the forward pass does not show it.
#
# ## Does it matter for training?
#
# Ten layers of 32 ReLUs on three spiral arms, 50 epochs of SGD, four ways to begin.
#
# > **Predict.** One of them is the default of PyTorch's (and tinydl's) linear layer, uniform on $\pm 1/\sqrt{n_{in}}$.
# > That has the variance $\frac{1}{3 n_{in}}$, six times less than He's. Can it be trained at this depth?


# %%
def network(start=None):
    tl.manual_seed(0)
    layers = [layer for n_in, n_out in pairwise([2] + [32] * 10) for layer in (nn.Linear(n_in, n_out), nn.ReLU())]
    model = nn.Sequential(*layers, nn.Linear(32, 3))
    for _, layer in model.named_modules():
        if start and isinstance(layer, nn.Linear):
            start(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


starts = {
    "He": lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu"),
    "default": None,
    "all 0.1 · normal": lambda w: nn.init.normal_(w, std=0.1),
    "all 0": nn.init.zeros_,
}

# %%
spirals = data.spirals(300, seed=0)
histories = {}
for name, start in starts.items():
    model = network(start)
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    histories[name] = tl.fit(
        model, spirals, loss=F.cross_entropy, optimizer=optimizer, epochs=50, batch_size=30,
        metrics={"accuracy": tl.accuracy}, progress=False, seed=0,
    )  # fmt: skip
    loss, accuracy = histories[name]["loss"], histories[name]["accuracy"]
    print(f"{name:17} loss {loss[0]:.3f} → {loss[-1]:.3f}, accuracy {accuracy[-1]:.0%}")
assert max(histories["He"]["accuracy"]) > 0.9  # the best epoch: SGD still jumps
assert all(histories[name]["loss"][-1] > 1.08 for name in starts if name != "He")  # ln 3 = 1.099: nothing learned
assert all(histories[name]["accuracy"][-1] < 0.45 for name in starts if name != "He")

# %%
figure, ax = plt.subplots(figsize=(6.6, 3.6))
colors, styles = [GREEN, RED, PURPLE, GRAY], ["-", "-", "--", ":"]
for (name, history), color, style in zip(histories.items(), colors, styles, strict=True):
    ax.plot(history["loss"], color=color, linestyle=style, label=name, linewidth=2)
ax.axhline(np.log(3), color="black", linewidth=0.6)
ax.text(1, np.log(3) + 0.02, "ln 3: guessing", fontsize="small")
ax.set(xlabel="epoch", ylabel="training loss", ylim=(0, 1.25), title="ten layers, four ways to begin")
ax.legend(fontsize="small", title="weights begin as", loc="center right")
show(figure, "08_initialisation_training")

# %% [markdown]
# Only one of the four learns. The default has served the world well in networks of a few layers, and with normalisation
# layers or Adam in deeper ones; ten plain layers with SGD are too many for it.
#
# > **What goes wrong.** Three of the four runs sit at $\ln 3 \approx 1.099$, the loss of guessing (lesson 7). They
# > don't crash, there is no NaN, every gradient is *correct*. A loss that stays at $\ln K$ from the first epoch on is
# > the sign. Then look at the sizes of gradients layer by layer, as above, or let `tl.diagnose` do it:

# %%
assert abs(np.log(3) - 1.099) < 0.001
for name in ("default", "all 0", "He"):
    model = network(starts[name])
    optimizer = optim.SGD(model.parameters(), lr=0.05)
    findings = tl.diagnose(model, batch=spirals[:100], loss=F.cross_entropy, optimizer=optimizer)
    codes = {finding.code for finding in findings}
    print(f"{name}: {sorted(codes)}")
    if name == "default":
        print(findings[0])
    ill = {"vanishing_gradients", "vanishing_activations", "identical_units"}
    assert bool(codes & ill) == (name != "He")

# %% [markdown]
# ## Why random at all?
#
# If all weights are zero, nothing gets through: every gradient but that of the last bias is zero, for ever. If they are
# all equal but not zero, something gets through, the same for every unit of a layer. Equal units get equal gradients,
# and stay equal: a layer of 300 that counts as one. Random numbers break this symmetry. The biases needn't be random
# (the article's own first program starts them at 0): random weights are enough.

# %%
rng = np.random.default_rng(8)
x, target = rng.normal(size=(20, 4)), rng.normal(size=(20, 2))
W1 = tl.tensor(np.full((4, 6), 0.5), requires_grad=True)  # six equal units
W2 = tl.tensor(np.full((6, 2), 0.5), requires_grad=True)
for _ in range(50):
    loss = np.mean((np.tanh(x @ W1) @ W2 - target) ** 2)
    W1.grad = W2.grad = None
    loss.backward()
    with tl.no_grad():
        W1 -= 0.1 * W1.grad
        W2 -= 0.1 * W2.grad
print("after 50 steps W1 has rank", np.linalg.matrix_rank(W1.data, tol=1e-9))
assert np.linalg.matrix_rank(W1.data, tol=1e-9) == 1
assert np.abs(W1.data - 0.5).max() > 0.01  # they did move, all together

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_relu`, `ex_he`, `ex_xavier`, `ex_leaky`.
#
# 1. Leaky ReLU passes a fraction $a$ of negative inputs. Redo the derivation of (5) for it, and compare with
#    `nn.init.calculate_gain("leaky_relu", a)`. What comes out for $a = 1$, and why must it?
# 2. `nn.init.calculate_gain("tanh")` is 5/3. Put it into `signals`, as `5 / 3 * xavier`. What do the signal and the
#    gradient do, compared with a gain of 1? Which of the two would you choose for thirty layers, and for three?
# 3. Put an `nn.LayerNorm(32)` before each ReLU of `network()`, and train with the default initialisation. Explain with
#    (2) what it does. Then try Adam in place of SGD, without the LayerNorm.
#
# ## Where this lives in tinydl
#
# - `tinydl/nn/init.py`: `xavier_normal_` is (4), `kaiming_normal_` is (5), `fans` counts the inputs and outputs.
# - `tinydl/nn/linear.py`: the default, in `Linear.__init__`. `tinydl/derivatives/activations.py`: relu and sigmoid with
#   their rules.
# - `tinydl/watching/diagnose.py`: thresholds at the top, with the factors per layer that you have just measured.
# - `tinydl/course/document.py`: rows D14 and D15.
#
# Next: [lesson 9](09_digits.py), a network on real handwritten digits.
