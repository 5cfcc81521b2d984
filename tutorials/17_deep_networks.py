# %% [markdown]
# # 17. Deep networks: a way past twenty layers
#
# More layers can compute more. Does a network of 32 layers, then, learn better than one of 8, at least the very
# examples that it is trained on?
#
# It could do as well, it seems: 24 of the 32 layers need only pass on what they get, and the other 8 do the work. Do
# good weights exist, and does descent find them? You will measure it, look for the reason, and add one plus sign.
#
# *You need:* convolution, channels and padding ([lesson 16](16_convolution.py)); how a signal shrinks or grows over
# thirty layers, and He's weights ([lesson 8](08_initialisation.py)); validation ([lesson 9](09_digits.py)); momentum
# ([lesson 10](10_optimizers.py)). `compile=True` only makes it faster ([lesson 15](15_your_step_as_a_program.py)).

# %%
import copy

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GREEN, ORANGE, SHORT, show, steps

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

images, labels = data.digits()
rest, _ = data.split((images.reshape(-1, 1, 8, 8), labels), 0.8, seed=0, stratify=True)
train, valid = data.split(rest, 0.8, seed=1, stratify=True)  # as for the first digits network, but with a channel axis
few = train[:128]  # for measurements

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
for name, values in (("before", x), ("after", y)):
    sizes_of_means = np.abs(values.mean(axis=(0, 2, 3)))
    print(f"{name:<6}: |means| {sizes_of_means.round(2)}, variances {values.var(axis=(0, 2, 3)).round(2)}")
assert np.allclose(y, batch_norm(x, layer.weight.data, layer.bias.data), atol=1e-5)

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
difference = np.abs(norm(convolution(few.x)).data - before).max()
print(f"largest change of what the normalisation gives: {difference:.3f}")
assert difference < 0.02

# %% [markdown]
# Nothing, but for $\varepsilon$: a constant goes with $\mu$, a factor with $\sigma$. So a bias before a batch
# normalisation does nothing; write `bias=False`. And the size of the first weights doesn't matter any more. Send digits
# through thirty layers, with a layer's own weights (uniform between $\pm 1/\sqrt n$ for $n$ inputs):


# %%
def after_thirty(normalised):
    tl.manual_seed(0)
    maps = tl.tensor(few.x)
    for channels in [1] + 29 * [8]:
        maps = nn.Conv2d(channels, 8, 3, padding=1, bias=False)(maps)
        maps = F.relu(nn.BatchNorm2d(8)(maps) if normalised else maps)
    return np.sqrt(np.mean(maps.data**2))  # the typical size, as a root mean square


without, with_it = after_thirty(normalised=False), after_thirty(normalised=True)
print(f"typical size without batch normalisation {without:.0e}, with it {with_it:.2f}")
assert without < 1e-8 and abs(with_it - 0.71) < 0.06

# %% [markdown]
# Without it nothing is left. With it the size stays near $\sqrt{1/2} = 0.71$: the ReLU halves the mean square 1.
#
# ## Three plain networks
#
# Our networks begin with one convolution. Then come **blocks**; a block is a pair of convolutions. The first third of
# the blocks has 8 channels of 8 × 8 pixels. The second third begins with a stride of 2: 16 channels of 4 × 4. The last
# third has 32 channels of 2 × 2. At the end `AdaptiveAvgPool2d(1)` takes the mean of each channel, and a linear layer
# makes 10 scores. Count the convolutions and the linear layer: 15 blocks make $1 + 2 \cdot 15 + 1 = 32$ layers, 9
# blocks make 20, and 3 blocks make 8.


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
    right = [tl.accuracy(tl.predict(model, part.x), part.y) for part in (train, valid)]
    print(f"{depth:2} {block.__name__:<10}: training loss {history['loss'][-1]:.3f}; "
          f"right: training {right[0]:.2f}, validation {right[1]:.2f}")  # fmt: skip
    return model, history["loss"]


# %% [markdown]
# `steps(8)` is 8; the project's own tests take a tenth.
#
# > **Predict.** A network that only guesses has a loss of $\ln 10 = 2.3$. Which *training* loss do you expect of 8, 20
# > and 32 layers after 8 epochs? And what would it be for 32 layers if those overfitted?

# %%
models, losses = {}, {}  # losses: the training loss of each epoch
for depth in (8, 20, 32):
    models["plain", depth], losses["plain", depth] = trained(depth, plain)
shallow, middle, deep = (losses["plain", depth][-1] for depth in (8, 20, 32))
assert shallow < middle < deep and (SHORT or (middle < 0.3 and deep > 0.5))

# %% [markdown]
# 8 layers end near 0.01, 20 near 0.1, 32 near 1 (exercise 1 tries other seeds). Is that overfitting? Then the training
# loss would be near 0, and only the validation digits would be read badly. But these 32 layers read 58 % of their own
# *training* digits. So no cure of [lesson 11](11_overfitting.py) helps. That more layers train worse is called
# **degradation**. But they do learn, *slowly*: 48 epochs bring the loss to 0.02 (exercise 1).
#
# So do good weights exist, or are 32 layers too many? We begin once more, with other first weights. A kernel with a 1
# in the middle from each channel to itself, and else 0, copies its maps: call it the *identity*. We take
#
# $$ \text{kernel} = \text{identity} + 0.2 \cdot \text{random} . $$
#
# Two such kernels only *nearly* pass on what they get: batch normalisation takes the mean away, and the ReLU cuts. A
# convolution that makes more channels stays random.
#
# > **Predict.** Where does its training loss end?


# %%
def passing_on(c_in, c_out, stride):
    block = plain(c_in, c_out, stride)
    channel = np.arange(c_out)
    for layer in block:
        if isinstance(layer, nn.Conv2d) and layer.weight.shape[:2] == (c_out, c_out):
            layer.weight.data *= 0.2
            layer.weight.data[channel, channel, 1, 1] += 1  # the middle of the kernel, from each channel to itself
    return block


_, begun_there = trained(32, passing_on)
assert SHORT or begun_there[-1] < 0.3 * deep

# %% [markdown]
# Near 0.06, and nothing was changed but the start. So good weights exist, whether or not they still copy, and from
# here descent finds them in 8 epochs. What, then, is wrong with a random start?
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
def relative(new, old):
    return np.linalg.norm(new.data - old.data) / np.linalg.norm(old.data)


def by_noise(model):  # the relative change after the first layer, and after each block
    noise = np.random.default_rng(0).normal(0, 0.001, few.x.shape).astype(np.float32)
    return [relative(new, old) for new, old in zip(model.maps(few.x + noise), model.maps(few.x), strict=True)]


def from_to(numbers):
    return f"{np.min(numbers):.2g} to {np.max(numbers):.2g}"


# %%
kinds, changes = {}, {}  # three untrained networks of each kind, and a row of relative changes for each
for name, depth, block in [("8 plain", 8, plain), ("32 plain", 32, plain), ("32 passing on", 32, passing_on)]:
    kinds[name] = [untrained(depth, block, seed) for seed in range(3)]
    changes[name] = np.array([by_noise(model) for model in kinds[name]])
    first, end = changes[name][:, 0], changes[name][:, -1]
    print(f"{name:<13}: first {from_to(first)}, at the end {from_to(end)}: × {from_to(end / first)}")
assert np.mean(end / first) < 6  # of those near passing on

# %% [markdown]
# It explodes. Three blocks make it about 3 times as large, fifteen about 80 times: on average by a third in each block,
# $1.34^{15} \approx 80$. In the last maps a fifth is changed, by noise that you would not see in the digits. But from
# the start near passing on, which learned well, fifteen blocks make it less than 5 times as large.
#
# ## The residual block
#
# Now let each block only *change* what it gets, and pass on the rest:
#
# $$ \begin{aligned} y &= x + f(x) \\ y' &= 1 + f'(x) . \end{aligned} \tag{3} $$
#
# Kaiming He and others (2015) put (3) around a pair of convolutions and their batch normalisations, with one ReLU more
# after the plus. The path round the pair is called a **skip connection** or **shortcut**, the whole a **residual
# block**: $f$ learns only the *residue*, what is missing from $x$.

# %%
figure, axes = plt.subplots(figsize=(7.4, 1.5))
normalised = "convolution\n3 × 3, batch\nnormalised"
boxes, arrow = [], {"arrowstyle": "->", "shrinkA": 0, "shrinkB": 0}
for place, text in enumerate(["$x$", normalised, "ReLU", normalised, "+", "ReLU", "$y$"]):
    box = axes.text(place, 0, text, ha="center", va="center", fontsize=8.5, bbox={"boxstyle": "round", "fc": "none"})
    boxes.append(box.get_bbox_patch())
    if place > 0:  # an arrow from box to box
        axes.annotate("", (place, 0), (place - 1, 0), arrowprops=arrow | {"patchA": boxes[-2], "patchB": boxes[-1]})
round_it = {"color": ORANGE, "connectionstyle": "bar,fraction=0.17", "patchA": boxes[0], "patchB": boxes[4]}
axes.annotate("", (4, 0), (0, 0), arrowprops=arrow | round_it)
axes.text(2, -0.85, "the shortcut: $x$ itself, or a 1 × 1 convolution, batch normalised", ha="center", fontsize=8.5)
axes.set(xlim=(-0.2, 6.2), ylim=(-1.1, 0.6))
axes.axis("off")
show(figure, "17_deep_networks_1", "A residual block, in a row: x, a convolution with batch normalisation, a ReLU, "
     "another such pair, a plus, a ReLU, y. An arrow, the shortcut, leads from x past them to the plus.")  # fmt: skip

# %% [markdown]
# Where a block changes the number of channels or has a stride, $x$ and $f(x)$ have different shapes and can't be added:
# among our 15 blocks in the 6th and the 11th. There the shortcut is a 1 × 1 convolution with the stride of the block,
# and its batch normalisation.


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
assert losses["residual", 32][-1] < (0.9 if SHORT else 0.07) * deep

# %%
epochs = range(1, steps(8) + 1)
figure, axes = plt.subplots(1, 2, figsize=(7.4, 3.2), sharex=True, sharey=True)
for (kind, depth), loss_of_epochs in losses.items():
    panel = axes[0] if kind == "plain" else axes[1]
    colour, side = {8: (GREEN, "top"), 20: (BLUE, "bottom"), 32: (ORANGE, "bottom")}[depth]
    panel.semilogy(epochs, loss_of_epochs, "o-", ms=4, color=colour)
    panel.text(epochs[-1] + 0.2, loss_of_epochs[-1], f"{depth} layers", color=colour, va=side)
axes[0].set(xlabel="epoch", ylabel="training loss", title="plain", xticks=[1, 4, 8], xlim=(0.6, steps(8) + 2.9))
axes[0].set_yticks([1, 0.1, 0.01], ["1", "0.1", "0.01"])
axes[1].set(xlabel="epoch", title="with skip connections", ylim=(0.005, 3))
show(figure, "17_deep_networks_2", "The training losses of 8, 20 and 32 layers over eight epochs, on one logarithmic "
     "scale. Left, plain: they end near 0.01, 0.1 and 1. Right, with skip connections: all end near 0.01.")  # fmt: skip

# %% [markdown]
# Look at the orange curves, 32 layers: the loss ends near 1 without skips, near 0.02 with them. Depth does little harm
# any more. For these digits it doesn't help, either; He and others found that for photographs it does.
#
# ## What the shortcut changes
#
# > **Predict.** Back to the noise, before training. 15 plain blocks made its relative change 80 times as large. And
# > with skips? Each block adds its $f(x)$, which batch normalisation gives the size 1. So how does the size of the
# > maps go on?

# %%
kinds["32 skips"] = [untrained(32, Residual, seed) for seed in range(3)]
changes["32 skips"] = np.array([by_noise(model) for model in kinds["32 skips"]])
typical = {}  # of seed 0
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.2))
for name, colour in [("32 plain", ORANGE), ("32 skips", BLUE)]:
    typical[name] = [np.sqrt(np.mean(maps.data**2)) for maps in kinds[name][0].maps(few.x)]
    for panel, values, height in [(left, changes[name][0], 0.35), (right, typical[name], 1.15)]:
        panel.plot(values, "o-", ms=4, color=colour)
        panel.text(15.3, values[-1] * height, name, color=colour, ha="right")
        panel.set(xlabel="after block (0: the first layer)", xticks=[0, 1, 6, 11, 15])
left.set(title="relative change", yscale="log", yticks=[0.1, 0.01], yticklabels=["0.1", "0.01"])
right.set(title="typical size of the maps", ylim=(0, 2.6))
show(figure, "17_deep_networks_3", "Over the 15 blocks. Left, the relative change, logarithmic: plain it rises to 0.2; "
     "with skips to 0.02, jumping at blocks 6 and 11. Right, the size of the maps: plain always 0.7; with skips it "
     "rises to 2 and falls to 1 at blocks 6 and 11.")  # fmt: skip

# %%
first, end = changes["32 skips"][:, 0], changes["32 skips"][:, -1]
print(f"skips × {from_to(end / first)}; sizes up to block 5:", np.round(typical["32 skips"][:6], 1))
assert np.mean(end / first) < 12

# %% [markdown]
# Look at the left picture: with skips the change gets 7 to 10 times as large, not 80. Now at the right one. What a
# block adds has the size 1, but $x$ collects what is added: 0.7, 1.1, 1.4, 1.6, 1.9, 2.1. So soon $x$ is the larger
# part of $x + f(x)$, and it passes its relative change on as it is. Only the smaller part, $f(x)$, makes that grow. In
# blocks 6 and 11 the shortcut is a convolution: nothing is passed on as it is, the change jumps, the size begins anew.
#
# And the gradient? Let $w$ be all parameters together, $g$ all their derivatives, and $|g|^2$ the sum of their squares.
# By the tangent, a step of $t$ times $g$ promises
#
# $$ L(w - t\, g) \approx L(w) - t\, |g|^2 . \tag{4} $$
#
# How much of this promise is kept? The tangent holds only where little changes. But a step changes the first maps a
# little, and further blocks may make that larger, as they do with the noise. For a fair comparison the steps get the
# same *length* $t\, |g| = 0.004$. And then, as in training, the same $t = 0.05$:


# %%
def loss_of(model):
    return F.cross_entropy(model(few.x), few.y)


def square(part):  # |g|² of a network or a block
    return sum(np.sum(p.grad.data**2) for p in part.parameters())


def one_step(model, length=None, t=None):  # |g|², and the share of the promise that is kept
    model = copy.deepcopy(model)  # the network itself stays as it is
    old_loss = loss_of(model)
    old_loss.backward()
    t = t or length / np.sqrt(square(model))
    optim.SGD(model.parameters(), lr=t).step()
    return square(model), (old_loss.item() - loss_of(model).item()) / (t * square(model))


# %%
kinds["32 trained"] = [models["plain", 32].train()]  # the plain network after its 8 epochs
kept = {}  # noise ×, |g|², share kept of a step of length 0.004, and of one with t = 0.05
print("               noise ×   |g|²   kept: 0.004   t = 0.05")
for name, networks in kinds.items():
    rows = []
    for model in networks:
        change = by_noise(model)
        rows.append([change[-1] / change[0], *one_step(model, length=0.004), one_step(model, t=0.05)[1]])
    kept[name] = np.mean(rows, axis=0)
    print("{:<14} {:7.1f} {:6.0f} {:13.2f} {:10.2f}".format(name, *kept[name]))
assert abs(kept["32 plain"][0] - 80) < 15 and kept["32 plain"][2] < 0.4 and kept["32 passing on"][2] > 0.9

# %%
beginner = untrained(32, plain, seed=0)
loss_of(beginner).backward()
print(f"|g|² of block 1 {square(beginner.blocks[0]):.0f}, of block 15 {square(beginner.blocks[-1]):.1f}")

# %% [markdown]
# With 32 plain layers the gradient doesn't vanish, it is large, above all in front: 657 in block 1, 0.5 in block 15. A
# derivative in front has the slopes of all later blocks as factors, as in (2).
#
# Look at the column 0.004. Of the same short step 32 plain layers keep 0.23 of the promise, with skips 0.91. It isn't
# the depth alone: 32 layers that begin near passing on have no skips, and keep 0.99, as 8 layers do. And the plain
# network, once it is trained, makes the noise only 1.7 times as large, and keeps 0.98. When did it become so mild?

# %%
early, _ = trained(32, plain, epochs=1)
change = by_noise(early.train())
print(f"32 plain layers after one epoch: noise × {change[-1] / change[0]:.1f}")
assert change[-1] / change[0] < 5

# %% [markdown]
# In the first of its 8 epochs. In the other seven it is mild, and slow all the same, with a loss above 1. So the 80 of
# the start can't be the whole reason: something that the first steps did to the weights must stay. What, we don't know.
#
# Now the column $t = 0.05$, the rate of our training. With skips 0.06 of the first promise is kept, without them 0.00,
# and momentum makes the steps longer still. Yet one of the two learns in 8 epochs. So learning doesn't need the tangent
# to hold, and this column doesn't explain the difference.
#
# Our answer, as far as these measurements go: good weights for 32 plain layers exist, but from a random start descent
# finds them slowly. At the start small changes become 80 times as large, and the gradient is right for very short steps
# only. With skips, or begun near passing on, both are milder, and learning is fast. That one causes the other isn't
# shown.
#
# ## What goes wrong
#
# > **Predict.** The residual network of 8 layers reads 98 or 99 % of the validation digits. You forget `model.eval()`.
# > How many does it read one by one? In mixed batches of 32? In batches of 28, sorted by digit?


# %%
def share_right(model, order, size):  # in batches of this size
    scores = [model(valid.x[order[i : i + size]]).data for i in range(0, len(order), size)]
    return np.mean(np.concatenate(scores).argmax(axis=1) == valid.y[order])


model = models["residual", 8]
in_eval_mode = tl.accuracy(tl.predict(model, valid.x), valid.y)
model.train()  # as fit leaves it
mixed, by_digit = np.random.default_rng(0).permutation(len(valid)), np.argsort(valid.y, kind="stable")
alone, many = share_right(model, mixed, 1), share_right(model, mixed, 32)
one_digit = share_right(model, by_digit, 28)  # there are 28 or 29 images of each digit
print(f"eval {in_eval_mode:.2f}; one by one {alone:.2f}; mixed 32: {many:.2f}; 28 by digit: {one_digit:.2f}")
assert max(alone, one_digit) < 0.6 and (SHORT or many > 0.93)

# %% [markdown]
# > **What goes wrong.** *`model.eval()` forgotten.* Each image is normalised with the mean of its own batch. That takes
# > away what all of the batch have in common: of one image its own means, of 28 sevens what makes them sevens. Most
# > answers are wrong. In mixed batches of 32 nearly all are right: a test looks good, and in use it fails. How you
# > notice: ask for an image alone and in a batch; in eval mode the answers agree. (`tl.predict` and `tl.evaluate` see
# > to the mode themselves.)
#
# > **What goes wrong.** *Shapes that fit by accident.* To add maps of 8 and of 16 channels is an error. But put a bare
# > `+ x` directly at the image, which has 1 channel: broadcasting spreads it over all 8, without a word. How you
# > notice: `assert y.shape == x.shape` before the plus.
#
# ## Fifty layers, and 152
#
# Large kernels on many channels cost much. A 1 × 1 convolution looks at one pixel and mixes its channels into fewer: a
# cheap first step. The **Inception** block of Szegedy and others (2014) has it before its larger kernels, which stand
# side by side. Very deep residual networks have a **bottleneck** as their $f$, in place of our pair: 1 × 1 down to few
# channels, 3 × 3 among those, 1 × 1 up again. It has a seventeenth of the parameters.
#
# Now you can count the parameters of the famous ResNet-50 and ResNet-152 from their plan alone. A 7 × 7 convolution
# makes 64 channels of 3 colours; a pooling follows, which has no parameters. Then come four groups of bottleneck
# blocks, through 64, 128, 256 and 512 channels, with four times as many at their ends. The first block of each group
# has a shortcut convolution. Each convolution has its batch normalisation, 2 numbers for each channel that it
# gives. At the end stand the mean of each channel and a linear layer to 1,000 classes.
#
# > **Predict.** ResNet-152 has three times the layers of ResNet-50. Has it three times the parameters?


# %%
def counted(c_in, c_out, size):  # a convolution without bias, and its batch normalisation
    return c_in * c_out * size**2 + 2 * c_out


def resnet(blocks):  # how many blocks in each of the four groups
    total, c_in = counted(3, 64, 7), 64
    for group, c in zip(blocks, (64, 128, 256, 512), strict=True):
        total += counted(c_in, 4 * c, 1)  # the shortcut of the first block
        for _ in range(group):
            total += counted(c_in, c, 1) + counted(c, c, 3) + counted(c, 4 * c, 1)
            c_in = 4 * c
    return total + c_in * 1000 + 1000


# %%
pair, bottleneck = 2 * counted(256, 256, 3), counted(256, 64, 1) + counted(64, 64, 3) + counted(64, 256, 1)
print(f"3 × 3 twice, 256 channels: {pair:,}; bottleneck: {bottleneck:,}, 1/{pair / bottleneck:.0f} of it")
resnet50, resnet152 = resnet([3, 4, 6, 3]), resnet([3, 8, 36, 3])
print(f"ResNet-50: {resnet50:,} parameters, ResNet-152: {resnet152:,}: × {resnet152 / resnet50:.1f}")
assert (resnet50, resnet152) == (25_557_032, 60_192_808)

# %% [markdown]
# 25.6 and 60.2 million: 2.4 times. Most of the further blocks are in the third group; those of the fourth cost most.
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
# each seed, but how slow is chance (processors that round otherwise gave 1.3 and 1.4). The rates leave 1.0 and 1.4. But
# 0.005 reads more digits, 0.87 in training and 0.79 in validation, than 0.05, with 0.58 and 0.49. 48 epochs leave 0.02.
#
# **2.** Both. As they are, the plain network of 20 layers leaves 0.13, the other 0.01. Without batch normalisation the
# plain one stays at 2.30, which is $\ln 10$: no signal arrives. With shortcuts it does learn, but two seeds leave 0.6
# and 2.1. He's weights don't save the plain one: 2.3 and 2.0. With shortcuts they leave 0.9 and 0.02: it can go well,
# but that is luck.
#
# **3.** It does no harm here: about 0.004 and 0.003, where our block leaves 0.01 and 0.02. Perhaps since no ReLU stands
# in the way of the shortcut; we didn't test that.
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
