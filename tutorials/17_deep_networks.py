# %% [markdown]
# # 17. Deep networks: a way past twenty layers
#
# More layers can compute more. Does a network of 32 layers, then, learn better than one of 8, at least the very
# examples that it is trained on?
#
# It could do as well: 24 of the 32 layers could pass on what they get, and the other 8 do the work. Such weights
# exist. Does descent find them? In this lesson you will measure it, look for the reason, and add one plus sign.
#
# *You need:* convolution, channels and padding ([lesson 16](16_convolution.py)); how a signal shrinks or grows over
# thirty layers, and He's weights ([lesson 8](08_initialisation.py)); validation ([lesson 9](09_digits.py)); momentum
# ([lesson 10](10_optimizers.py)). `compile=True` only makes it faster ([lesson 15](15_your_step_as_a_program.py)).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GREEN, ORANGE, SHORT, show, steps

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

images, labels = data.digits()
rest, _ = data.split((images.reshape(-1, 1, 8, 8), labels), 0.8, seed=0, stratify=True)
train, valid = data.split(rest, 0.8, seed=1, stratify=True)  # as for the first digits network, but with a channel axis
few = train[:256]  # 256 digits, for measurements

# %% [markdown]
# ## A size that stays: batch normalisation
#
# In [lesson 8](08_initialisation.py) the weights had to have the right size, or the signal was lost. But training
# changes the weights. Sergey Ioffe and Christian Szegedy proposed in 2015 not to hope for the right size but to *make*
# it, after each layer: **batch normalisation**. Take one channel, and all its values in the batch, of all images and
# all places. With their mean $\mu$ and their variance $\sigma^2$,
#
# $$ \begin{aligned}
#    \hat x &= \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} \\
#    y &= \gamma\, \hat x + \beta .
#    \end{aligned} \tag{1} $$
#
# So $\hat x$ has mean 0 and variance 1. (The tiny $\varepsilon = 10^{-5}$ prevents a division by 0.) $\gamma$ and
# $\beta$ are parameters, two for each channel, which begin at 1 and 0: if the next layer wants another size, it can be
# learned. By hand, and as a layer, which calls them `weight` and `bias`:


# %%
def batch_norm(x, weight, bias):  # x: (images, channels, rows, columns)
    mean = x.mean(axis=(0, 2, 3), keepdims=True)  # one for each channel
    variance = x.var(axis=(0, 2, 3), keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-5) * weight[:, None, None] + bias[:, None, None]


x = np.random.default_rng(0).normal(3, 5, size=(16, 2, 4, 4)).astype(np.float32)
layer = nn.BatchNorm2d(2)
y = layer(x).data
print("before: mean", x.mean(axis=(0, 2, 3)).round(2), "after:", y.mean(axis=(0, 2, 3)).round(2), y.var().round(3))
assert np.allclose(y, batch_norm(x, layer.weight.data, layer.bias.data), atol=1e-5)
assert np.allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-5) and abs(y.var() - 1) < 1e-3

# %% [markdown]
# In use an image may come alone, and the answer must not depend on who else is in the batch. So the layer keeps
# **running** averages of $\mu$ and $\sigma^2$, which begin at 0 and 1: after each batch nine tenths of the old and one
# tenth of the new. After `model.eval()` it uses those: two **modes**, as dropout has ([lesson 11](11_overfitting.py)).

# %%
mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)  # ddof=1: divided by n − 1, as PyTorch does
assert np.allclose(layer.running_mean, 0.9 * 0 + 0.1 * mean, atol=1e-5)
assert np.allclose(layer.running_var, 0.9 * 1 + 0.1 * variance, rtol=1e-4)

# %% [markdown]
# > **Predict.** A convolution stands before a batch normalisation. You multiply its weights by 100, and add 7 to its
# > bias. What changes?

# %%
tl.manual_seed(0)
convolution, norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
before = norm(convolution(few.x)).data
convolution.weight.data *= 100
convolution.bias.data += 7
change = np.abs(norm(convolution(few.x)).data - before).max()
print(f"largest change of what the normalisation gives: {change:.3f}")
assert change < 0.02

# %% [markdown]
# Nothing, but for $\varepsilon$: a constant goes with $\mu$, a factor with $\sigma$. So a bias before a batch
# normalisation does nothing; write `bias=False`. And the size of the first weights doesn't matter any more. Send digits
# through thirty layers, ten times each: with a layer's own weights (uniform between $\pm 1/\sqrt n$ for $n$ inputs),
# with He's, and with its own and batch normalisation:


# %%
def after_thirty(start):
    h = tl.tensor(few.x[:64])
    for channels in [1] + 29 * [8]:
        convolution = nn.Conv2d(channels, 8, 3, padding=1, bias=False)
        if start == "He's":
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        h = convolution(h)
        h = F.relu(nn.BatchNorm2d(8)(h) if start == "normalised" else h)
    return np.sqrt(np.mean(h.data**2))  # the typical size, as a root mean square


def from_to(numbers):
    return f"{np.min(numbers):.2g} to {np.max(numbers):.2g}"


# %%
typical = {}
for start in ("its own", "He's", "normalised"):
    tl.manual_seed(0)
    typical[start] = [after_thirty(start) for _ in range(10)]
    print(f"{start:<10}: typical size {from_to(typical[start])}")
assert max(typical["its own"]) < 1e-8 and np.allclose(typical["normalised"], 0.71, atol=0.06)
assert abs(min(typical["He's"]) - 0.002) < 0.001 and abs(max(typical["He's"]) - 0.2) < 0.05

# %% [markdown]
# With a layer's own weights nothing is left. With He's the zeros of the padding take some, and with 8
# channels chance decides the rest: 0.002 to 0.2. With batch normalisation the size stays near $\sqrt{1/2} = 0.71$:
# half of the mean square 1.
#
# ## Three plain networks
#
# Our networks begin with one convolution. Then come **blocks**; a block is a pair of convolutions. A third of the
# blocks works on 8 × 8 pixels. The second third begins with a stride of 2, which leaves 4 × 4, and the last third has
# 2 × 2. At the end `AdaptiveAvgPool2d(1)` takes the mean of each channel, and a linear layer makes 10 scores.
#
# | blocks | channels | pixels | 8 layers | 20 layers | 32 layers |
# | --- | --- | --- | --- | --- | --- |
# | first third | 8 | 8 × 8 | 1 block | 3 blocks | 5 blocks |
# | second third | 16 | 4 × 4 | 1 block | 3 blocks | 5 blocks |
# | last third | 32 | 2 × 2 | 1 block | 3 blocks | 5 blocks |
#
# So 15 blocks make $1 + 2 \cdot 15 + 1 = 32$ layers: the convolutions and the linear layer are counted.


# %%
def conv(c_in, c_out, size=3, stride=1):  # the padding keeps 8 × 8 at 8 × 8; a stride of 2 makes 4 × 4 of it
    return [nn.Conv2d(c_in, c_out, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(c_out)]


def plain(c_in, c_out, stride):
    return nn.Sequential(*conv(c_in, c_out, 3, stride), nn.ReLU(), *conv(c_out, c_out), nn.ReLU())


# %%
class Network(nn.Module):
    def __init__(self, depth, block):  # block makes one block, as plain does
        self.first = nn.Sequential(*conv(1, 8), nn.ReLU())
        self.blocks, c_in = [], 8  # tinydl finds the parameters in a list, too
        for c_out in np.repeat([8, 16, 32], (depth - 2) // 6):
            self.blocks.append(block(c_in, c_out, stride=1 if c_in == c_out else 2))
            c_in = c_out
        self.last = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))

    def maps(self, x):  # what the first layer gives, then what each block gives
        maps = [self.first(x)]
        for block in self.blocks:
            maps.append(block(maps[-1]))
        return maps

    def forward(self, x):
        return self.last(self.maps(x)[-1])


# %%
def untrained(depth, block, seed):
    tl.manual_seed(seed)
    return Network(depth, block)


def trained(depth, block, lr=0.05, epochs=8, seed=0):
    model, epochs = untrained(depth, block, seed), steps(epochs)
    sgd = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    history = tl.fit(model, train, loss=F.cross_entropy, optimizer=sgd, schedule=optim.CosineAnnealingLR(sgd, epochs),
                     epochs=epochs, batch_size=64, seed=seed, compile=True, progress=False)  # fmt: skip
    right = tl.accuracy(tl.predict(model, valid.x), valid.y)
    print(f"{depth:2} {block.__name__:<8} {epochs:2} epochs: loss {history['loss'][-1]:.3f}, validation {right:.2f}")
    return model, history["loss"]


# %% [markdown]
# `steps(8)` is 8; the project's own tests take a tenth.
#
# > **Predict.** A network that only guesses has a loss of $\ln 10 = 2.3$. Which *training* loss do you expect of 8, 20
# > and 32 layers after 8 epochs? And what would it be for 32 layers if those overfitted?

# %%
models, losses = {}, {}
for depth in (8, 20, 32):
    models["plain", depth], losses["plain", depth] = trained(depth, plain)
last = [losses["plain", depth][-1] for depth in (8, 20, 32)]
assert last[0] < last[1] < last[2]
assert SHORT or (last[0] < 0.05 < last[1] < 0.3 and last[2] > 0.5)

# %% [markdown]
# 8 layers end near 0.01, 20 near 0.1, 32 near 1 (exercise 1 tries other seeds). A network that overfits has a *small*
# training loss and a large validation loss. Here the training loss itself is large, so nothing of [lesson
# 11](11_overfitting.py) helps. That more layers train worse is called **degradation**. But it does learn, *slowly*: 48
# epochs bring it to 0.02 (exercise 1).
#
# So do the good weights exist, or are 32 layers too many? Start the same network near the weights of the beginning: a
# convolution with as many channels as it gets passes them on, and a fifth of its random weights is added.
#
# > **Predict.** Where does its training loss end?


# %%
def passing_on(c_in, c_out, stride):
    block, channel = plain(c_in, c_out, stride), np.arange(c_out)
    for layer in block:
        if isinstance(layer, nn.Conv2d) and layer.weight.shape[:2] == (c_out, c_out):
            layer.weight.data *= 0.2
            layer.weight.data[channel, channel, 1, 1] += 1  # the middle of the kernel from each channel to itself
    return block


_, begun_there = trained(32, passing_on)
assert SHORT or begun_there[-1] < 0.3 * last[2]

# %% [markdown]
# Near 0.1, many times lower, and nothing was changed but the start. Good weights exist, and from near them descent
# finds them soon. What, then, is wrong with a random start?
#
# ## What fifteen blocks do to a small change
#
# Think first of blocks $f_1, f_2, \dots, f_{15}$ that are functions of one number. By the chain rule a small change
# comes out multiplied by
#
# $$ f_{15}' \cdots f_2' \cdot f_1' . \tag{2} $$
#
# Factors below 1 leave almost nothing, factors above 1 make much of little. Which is it here? We measure, before any
# training: we add noise of size 0.001 to the digits. The **relative change** is the size of the maps' change, divided
# by the size of the maps.
#
# > **Predict.** After the first layer the relative change is 0.003. What is it after 3 blocks, and after 15?


# %%
def relative_changes(model):  # after the first layer, and after each block
    noise = np.random.default_rng(0).normal(0, 0.001, few.x.shape).astype(np.float32)
    pairs = zip(model.maps(tl.tensor(few.x)), model.maps(tl.tensor(few.x + noise)), strict=True)
    return np.array([np.linalg.norm(noisy.data - clean.data) / np.linalg.norm(clean.data) for clean, noisy in pairs])


changes = {}
for depth, block in [(8, plain), (32, plain)]:
    found = np.array([relative_changes(untrained(depth, block, seed)) for seed in range(3)])  # a row for each seed
    changes[depth, block], first, end = found, found[:, 0], found[:, -1]
    print(f"{depth:2} plain: first {from_to(first)}, at the end {from_to(end)}: × {from_to(end / first)}")
assert np.allclose(first, 0.003, atol=0.0006) and np.allclose(end, 0.2, atol=0.06)
assert np.allclose(end / first, 80, atol=20) and abs(1.34**15 - 80) < 2

# %% [markdown]
# It explodes. Three blocks make it about 3 times as large, fifteen about 80 times: on average by a third in each block,
# $1.34^{15} \approx 80$. In the last maps a fifth is changed, by noise that you would not see in the digits.
#
# ## The residual block
#
# Now let each block only *change* what it gets, and pass on the rest:
#
# $$ \begin{aligned} y &= x + f(x) \\ y' &= 1 + f'(x) . \end{aligned} \tag{3} $$
#
# Kaiming He and others (2015) put (3) around a pair of convolutions. The path round it is called a **skip connection**
# or **shortcut**, the whole a **residual block**: $f$ learns only the *residue*, what is missing from $x$.

# %%
figure, axes = plt.subplots(figsize=(7.4, 1.9))
for place, text in enumerate(["$x$", "convolution\n3 × 3", "ReLU", "convolution\n3 × 3", "+", "ReLU", "$y$"]):
    axes.text(place, 0, text, ha="center", va="center", fontsize=8.5, bbox={"boxstyle": "round", "fc": "none"})
    if place > 0:
        axes.annotate("", (place - 0.4, 0), (place - 0.6, 0), arrowprops={"arrowstyle": "->"})
round_it = {"arrowstyle": "->", "color": ORANGE, "connectionstyle": "bar,fraction=0.2", "shrinkA": 14, "shrinkB": 14}
axes.annotate("", (4, 0), (0, 0), arrowprops=round_it)
axes.text(2, -1.25, "the shortcut: $x$ itself, or a 1 × 1 convolution of it", ha="center", fontsize=8.5)
axes.set(xlim=(-0.5, 6.5), ylim=(-1.6, 0.6))
axes.axis("off")
show(figure, "17_deep_networks_1", "A residual block, in a row: x, a convolution, a ReLU, a convolution, a plus, "
     "a ReLU, y. An arrow leads from x round the two convolutions to the plus: the shortcut.")  # fmt: skip

# %% [markdown]
# Where a block changes the number of channels or has a stride, $x$ and $f(x)$ have different shapes and can't be added:
# among our 15 blocks in the 6th and the 11th. There the shortcut is a 1 × 1 convolution with the stride of the block.


# %%
class Residual(nn.Module):
    def __init__(self, c_in, c_out, stride):
        self.f = nn.Sequential(*conv(c_in, c_out, 3, stride), nn.ReLU(), *conv(c_out, c_out))
        same = c_in == c_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv(c_in, c_out, 1, stride))

    def forward(self, x):
        return F.relu(self.f(x) + self.shortcut(x))


# %% [markdown]
# Look at its last line: one plus sign. Same data, same rate, same epochs:

# %%
for depth in (8, 20, 32):
    models["residual", depth], losses["residual", depth] = trained(depth, Residual)
with_skips = [losses["residual", depth][-1] for depth in (8, 20, 32)]
assert with_skips[2] < 0.9 * last[2] and with_skips[1] < 0.9 * last[1]
assert SHORT or (max(with_skips) < 0.05 and last[2] > 15 * with_skips[2])

# %%
epochs = range(1, steps(8) + 1)
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.2), sharex=True, sharey=True)
for depth, colour in [(8, GREEN), (20, BLUE), (32, ORANGE)]:
    for panel, kind in zip(axes, ("plain", "residual"), strict=True):
        panel.semilogy(epochs, losses[kind, depth], "o-", ms=4, color=colour)
    axes[0].text(epochs[-1] + 0.2, losses["plain", depth][-1], f"{depth} layers", color=colour, va="center")
axes[0].set(xlabel="epoch", ylabel="training loss", title="plain", xticks=[1, 4, 8], xlim=(0.6, steps(8) + 2.6))
axes[1].set(xlabel="epoch", title="with skip connections, same colours")
show(figure, "17_deep_networks_2", "The training losses of 8, 20 and 32 layers over eight epochs, on one logarithmic "
     "scale. Left, plain: they end near 0.01, 0.1 and 1. Right, with skip connections: all end near 0.01.")  # fmt: skip

# %% [markdown]
# Look at the orange curves, 32 layers: the loss ends near 1 without skips, near 0.02 with them. Depth does little harm
# any more. (Nor does it help: for these digits 8 layers are enough. On harder pictures deep networks win.)
#
# ## What the shortcut changes
#
# > **Predict.** Back to the noise, before training. 15 plain blocks made its relative change 80 times as large. And
# > with skips? Each block adds its $f(x)$, which batch normalisation gives the size 1. So how does the size of the
# > maps go on?

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.2))
changes[32, Residual] = np.array([relative_changes(untrained(32, Residual, seed)) for seed in range(3)])
for block, name, colour in [(plain, "plain", ORANGE), (Residual, "with skips", BLUE)]:
    sizes = [np.sqrt(np.mean(maps.data**2)) for maps in untrained(32, block, 0).maps(tl.tensor(few.x))]
    left.semilogy(changes[32, block][0], "o-", ms=4, color=colour)
    left.text(15, changes[32, block][0][-1] * 0.55, name, color=colour, ha="right", va="top")
    right.plot(sizes, "o-", ms=4, color=colour)
left.set(title="relative change", xlabel="after block", xticks=[0, 5, 10, 15])
right.set(title="typical size of the maps", xlabel="after block", xticks=[0, 5, 10, 15], ylim=(0, 2.4))
show(figure, "17_deep_networks_3", "Over the 15 blocks. Left, the relative change, logarithmic: plain it rises to 0.2; "
     "with skips to 0.02, jumping at blocks 6 and 11. Right, the size of the maps: plain always 0.7; with skips it "
     "rises to 2 and falls to 1 at blocks 6 and 11.")  # fmt: skip

# %%
skips = changes[32, Residual]
factors = skips[:, 1:] / skips[:, :-1]
of_blocks_6_and_11, of_others = factors[:, [5, 10]].mean(), np.delete(factors, [5, 10], axis=1).mean()
print(f"with skips × {from_to(skips[:, -1] / skips[:, 0])}; sizes up to block 5: {np.round(sizes[:6], 1)}")
print(f"factor of a block, on average: blocks 6 and 11 {of_blocks_6_and_11:.2f}, the others {of_others:.2f}")
assert abs(of_blocks_6_and_11 - 1.5) < 0.1 and abs(of_others - 1.1) < 0.04 and np.all(skips[:, -1] < 15 * skips[:, 0])
assert np.allclose(sizes[:6], [0.7, 1.1, 1.4, 1.6, 1.9, 2.1], atol=0.15)

# %% [markdown]
# Look at the left picture: with skips the change gets 6 to 10 times as large, not 80. Now at the right one. What a
# block adds has the size 1, but $x$ collects what is added: 0.7, 1.1, 1.4, 1.6, 1.9, 2.1. So soon $x$ is the larger
# part of $x + f(x)$, and it passes its relative change on as it is. Only the smaller part, $f(x)$, makes that grow: on
# average by a factor of 1.1, not 1.34. In blocks 6 and 11 the shortcut is a convolution with batch normalisation. There
# nothing is passed on as it is: the factor is 1.5, and the size begins anew.
#
# And the gradient? Let $w$ be all parameters together, $g$ all their derivatives, and $|g|^2$ the sum of their squares.
# By the tangent, a step of $t$ times $g$ promises
#
# $$ L(w - t\, g) \approx L(w) - t\, |g|^2 . \tag{4} $$
#
# With $t = 0.1 / |g|^2$ the loss should fall by 0.1. How much of that promise is kept?


# %%
def step_and_share(model):  # makes one such step; the share of the promise that it keeps
    loss = F.cross_entropy(model(few.x), few.y)
    loss.backward()
    step = 0.1 / sum(np.sum(p.grad.data**2) for p in model.parameters())
    optim.SGD(model.parameters(), lr=step).step()
    fall = loss.item() - F.cross_entropy(model(few.x), few.y).item()
    return step, fall / 0.1


for depth, block, expected in [(8, plain, 0.05), (32, plain, 0.00013), (32, Residual, 0.0018)]:
    measured = [step_and_share(untrained(depth, block, seed)) for seed in range(3)]
    step, share = np.transpose(measured)
    print(f"{depth:2} {block.__name__:<8}: a step of {from_to(step)} keeps {from_to(share)} of its promise")
    assert np.allclose(step, expected, rtol=0.5)
    assert 0.15 < min(share) < max(share) < 0.45 if (depth, block) == (32, plain) else min(share) > 0.6

# %% [markdown]
# Small steps mean a large gradient: $|g|^2 = 0.1 / t$ is about 2 with 8 layers, and 800 with 32. It doesn't vanish. But
# with 8 layers a step of 0.05 keeps nine tenths of its promise. With 32 plain layers even a step of 0.0001,
# hundreds of times smaller, keeps only a quarter or a third. With skips a step of 0.002 keeps 70 % or more.
#
# How, then, could we train 32 plain layers with 0.05? We measured before training. Afterwards the network is milder:

# %%
step, share = step_and_share(models["plain", 32].train())
print(f"32 plain, trained: a step of {step:.2g} keeps {share:.2f} of its promise")
assert SHORT or (step > 0.05 and share > 0.25)

# %% [markdown]
# Now even a step above 0.05 keeps a good part. What makes it milder we don't follow here.
#
# And what do the layers at the end get to see? Before training, how many digits can be told apart by the maps, with the
# nearest mean of [lesson 9](09_digits.py)?


# %%
def told_apart(maps, y):
    maps, half = maps.data.reshape(len(y), -1), len(y) // 2  # the first half makes the means, the second is asked
    means = np.array([maps[:half][y[:half] == digit].mean(axis=0) for digit in range(10)])
    distances = np.sum((maps[half:, None] - means) ** 2, axis=2)
    return np.mean(distances.argmin(axis=1) == y[half:])


for depth, block, expected in [(8, plain, 0.7), (32, plain, 0.1), (32, Residual, 0.3)]:
    networks = [untrained(depth, block, seed).maps(train.x[:512]) for seed in range(3)]
    first = [told_apart(maps[0], train.y[:512]) for maps in networks]
    end = [told_apart(maps[-1], train.y[:512]) for maps in networks]
    print(f"{depth:2} {block.__name__:<8}: after the first layer {from_to(first)}, at the end {from_to(end)}")
    assert min(first) > 0.85 and np.allclose(end, expected, atol=0.08)

# %% [markdown]
# After the first layer it is nine digits in ten, after 3 plain blocks seven. After 15 it is one in ten, as by guessing;
# with skips a quarter to a third.
#
# So our answer, as far as these measurements go: a plain block makes small changes grow by a third, and fifteen of them
# 80-fold. The gradient, though large, is right for tiny steps only, and the last blocks blur the digits. With shortcuts
# both are milder. How much each counts, we haven't shown.
#
# ## What goes wrong
#
# > **Predict.** The residual network of 8 layers reads 98 or 99 % of the validation digits. You forget `model.eval()`.
# > How many does it read one by one? In mixed batches of 2, of 32? In batches of 28 sorted by digit (there are 28 or
# > 29 of each)?


# %%
def share_right(model, order, size):  # in batches of this size
    scores = [model(valid.x[order[i : i + size]]).data for i in range(0, len(order), size)]
    return np.mean(np.concatenate(scores).argmax(axis=1) == valid.y[order])


model = models["residual", 8]
in_eval_mode = tl.accuracy(tl.predict(model, valid.x), valid.y)
model.train()  # as fit leaves it
mixed, by_digit = np.random.default_rng(0).permutation(len(valid)), np.argsort(valid.y, kind="stable")
one, two, many = (share_right(model, mixed, size) for size in (1, 2, 32))
one_digit = share_right(model, by_digit, 28)
print(f"eval {in_eval_mode:.2f}; 1: {one:.2f}, 2: {two:.2f}, 32: {many:.2f}; 28 by digit: {one_digit:.2f}")
assert max(one, one_digit) < 0.6 and one < two < many
assert SHORT or (in_eval_mode > 0.95 and two > 0.7 and many > 0.93)

# %% [markdown]
# > **What goes wrong.** *`model.eval()` forgotten.* Each image is normalised with the mean of its own batch. That takes
# > away what all of the batch have in common: of one image its own means, of 28 sevens what makes them sevens. Most
# > answers are wrong. Of two images the difference is left, and mostly that is enough. In mixed batches of 32 nearly
# > all are right: a test looks well, and in use it fails. How you notice: ask for an image alone and in a batch; in
# > eval mode the answers agree. (`tl.predict` and `tl.evaluate` see to the mode themselves.)
#
# > **What goes wrong.** *Shapes that fit by accident.* To add maps of 8 and of 16 channels is an error. But put a bare
# > `+ x` directly at the image, which has 1 channel: broadcasting spreads it over all 8, without a word. How you
# > notice: `assert y.shape == x.shape` before the plus.
#
# ## Fifty layers, and 152
#
# Large kernels on many channels are dear. A 1 × 1 convolution looks at one pixel and mixes its channels into fewer: a
# cheap first step. (The **Inception** block of Szegedy and others, 2014, has it before its larger kernels, which stand
# side by side.) Very deep residual networks have a **bottleneck** as their $f$, in place of our pair: 1 × 1 down to few
# channels, 3 × 3 among those, 1 × 1 up again. It has a seventeenth of the weights.
#
# Now you can count the parameters of the famous ResNet-50 and ResNet-152 from their plan alone. A 7 × 7 convolution
# makes 64 channels of 3 colours; a pooling follows, which has no parameters. Then come four groups of bottleneck
# blocks, through 64, 128, 256 and 512 channels, with four times as many at their ends. The first block of each group
# has a shortcut convolution. Each convolution has its batch normalisation (2 numbers a channel). At the end stand the
# mean of each channel and a linear layer to 1,000 classes.
#
# > **Predict.** ResNet-152 has three times the layers of ResNet-50. Has it three times the parameters?


# %%
def weights(c_in, c_out, size):  # of a convolution without bias
    return c_in * c_out * size**2


def resnet(blocks):  # how many blocks in each of the four groups
    def counted(c_in, c_out, size):
        return weights(c_in, c_out, size) + 2 * c_out  # with its batch normalisation

    total, c_in = counted(3, 64, 7), 64
    for group, c in zip(blocks, (64, 128, 256, 512), strict=True):
        total += counted(c_in, 4 * c, 1)  # the shortcut of the first block
        for _ in range(group):
            total += counted(c_in, c, 1) + counted(c, c, 3) + counted(c, 4 * c, 1)
            c_in = 4 * c
    return total + c_in * 1000 + 1000


# %%
pair, bottleneck = 2 * weights(256, 256, 3), weights(256, 64, 1) + weights(64, 64, 3) + weights(64, 256, 1)
print(f"a pair of 3 × 3 with 256 channels: {pair:,} weights; bottleneck through 64: {bottleneck:,}")
resnet50, resnet152 = resnet([3, 4, 6, 3]), resnet([3, 8, 36, 3])
print(f"ResNet-50: {resnet50:,} parameters, ResNet-152: {resnet152:,}")
assert (resnet50, resnet152) == (25_557_032, 60_192_808) and round(resnet152 / resnet50, 1) == 2.4
assert round(pair / bottleneck) == 17 and 224 * 224 * 3 == 150_528 and 4 * 512 == 2048

# %% [markdown]
# 25.6 and 60.2 million: 2.4 times, since most of the further blocks are in the third group, not in the dear fourth.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_batch_norm`, `ex_bottleneck`, `ex_skips`.
#
# 1. Is it chance, the rate or the time? Train the plain network of 32 layers with `seed=1`, `2` and `3`; with
#    `lr=0.005` and `0.2`; and, while you have a tea, with `epochs=48`.
# 2. Which of the two does it, batch normalisation or the shortcut? Take the `nn.BatchNorm2d` out of `conv` and train
#    both networks of 20 layers; then with He's weights in `conv`, too (`nn.init.kaiming_normal_`).
# 3. Move the ReLU: a block that gives `self.shortcut(x) + F.relu(self.f(x))` can only *add* to what it gets, never
#    subtract. Predict, then train 20 and 32 layers with it.
#
# <details><summary>What you should find</summary>
#
# **1.** Seeds 0 to 3 end at 1.1, 1.1, 0.6 and 0.8; with skips all four end below 0.03. So 32 plain layers are slow with
# each seed, but how slow is chance (processors that round otherwise gave 1.3 and 1.4). With the rates 1.0 and 1.4 are
# left. With 48 epochs 0.02 is left, what the residual network has after 8.
#
# **2.** Both. Without batch normalisation 20 plain layers stay at 2.30, which is $\ln 10$: no signal arrives. With
# shortcuts they do learn, but two seeds leave 0.6 and 2.1 where it was 0.01. He's weights don't save the plain network:
# 2.3 and 2.0. With shortcuts they leave 0.9 and 0.02: that can go well, but is luck.
#
# **3.** It does no harm here: about 0.004 and 0.003, less than above. Perhaps since no ReLU stands in the way of the
# shortcut; we didn't test that.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > It counts **"large models such as ResNet, Inception"**[^large] among those with **"hundreds of millions or even
# > billions of parameters"**.[^billions] ResNet-50 has 25.6 million, ResNet-152 has 60.2 million. Deep isn't large: the
# > 1 × 1 convolutions keep the count down. (Row D42.)
# >
# > **"A mapping from raw data to a high-dimensional representation"**[^high] has it the wrong way round for this
# > network: from an image of 224 × 224 pixels in 3 colours, 150,528 numbers, to the 2,048 before the linear layer.
# > *Higher-level* is meant. (Row D43.)
#
# [^large]: 「大模型如ResNet、Inception等」
#
# [^billions]: 「数亿甚至数十亿个参数」
#
# [^high]: 「从原始数据到高维度表示的映射」
#
# ## Where this lives in tinydl
#
# - `tinydl/nn/normalization.py`: `BatchNorm1d`, `BatchNorm2d`. `tinydl/nn/module.py`: `train` and `eval`.
# - `tinydl/functional/normalization.py`: what they compute.
# - `benchmarks/networks/depth.py`: our experiment with five seeds; `benchmarks/networks/inception.py`, trained.
#
# Next: [lesson 18](18_sequences.py), sequences: inputs that have no fixed length.
