# %% [markdown]
# # 17. Deep networks: a way past twenty layers
#
# More layers can compute more. Why, then, does a network of 32 layers learn so much *slower* than one of 8, even the
# very examples that it is trained on?
#
# It needn't be: 24 of the 32 layers could pass on what they get, and the other 8 do the work. Such weights exist, but
# descent is slow to find them. In this lesson you will measure why, and mend it with one plus sign.
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
few = train[:256]  # for measurements

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


rng = np.random.default_rng(0)
x = rng.normal(3, 5, size=(16, 2, 4, 4)).astype(np.float32)
layer = nn.BatchNorm2d(2)
y = layer(x).data
print("before: mean", x.mean(axis=(0, 2, 3)).round(2), "after:", y.mean(axis=(0, 2, 3)).round(2), y.var().round(3))
assert np.allclose(y, batch_norm(x, layer.weight.data, layer.bias.data), atol=1e-5)
assert np.allclose(y.mean(axis=(0, 2, 3)), 0, atol=1e-5) and abs(y.var() - 1) < 1e-3

# %% [markdown]
# In use an image may come alone, and the answer must not depend on who else is in the batch. So the layer keeps
# **running** averages of $\mu$ and $\sigma^2$, which begin at 0 and 1: after each batch nine tenths of the old and one
# tenth of the new. After `model.eval()` the layer uses those. It has two **modes**, as dropout has ([lesson
# 11](11_overfitting.py)).

# %%
mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)  # ddof=1: divided by n − 1, as PyTorch does
assert np.allclose(layer.running_mean, 0.9 * 0 + 0.1 * mean, atol=1e-5)
assert np.allclose(layer.running_var, 0.9 * 1 + 0.1 * variance, rtol=1e-4)
for _ in range(60):
    layer(x)
assert np.allclose(layer.eval()(x).data, y, atol=0.05)  # after 61 batches the averages have arrived: both modes agree

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
# normalisation is a parameter that does nothing; write `bias=False`. And the size of the first weights doesn't matter
# any more. Send digits through thirty layers with three starts, ten times each: a layer's own weights (uniform between
# $\pm 1/\sqrt n$ for $n$ inputs), He's, and its own with batch normalisation:


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


# %%
typical = {}
for start in ("its own", "He's", "normalised"):
    tl.manual_seed(0)
    sizes = [after_thirty(start) for _ in range(10)]
    typical[start] = min(sizes), max(sizes)
    print(f"{start:<10}: typical size {min(sizes):.2g} to {max(sizes):.2g}")
assert typical["its own"][1] < 1e-8 and np.allclose(typical["normalised"], 0.71, atol=0.06)
assert abs(typical["He's"][0] - 0.002) < 0.001 and abs(typical["He's"][1] - 0.2) < 0.05

# %% [markdown]
# With a layer's own weights nothing is left. He's are right on average, but with 8 channels chance decides: 0.002 to
# 0.2. With batch normalisation the size stays near $\sqrt{1/2} = 0.71$: half of the mean square 1.
#
# ## Three plain networks
#
# A first convolution; then pairs of convolutions, a third of them with 8 channels on 8 × 8 pixels, a third with 16 on 4
# × 4, a third with 32 on 2 × 2 (a stride of 2 leads from one to the next); then the mean of each channel
# (`AdaptiveAvgPool2d(1)`) and a linear layer. With one pair in each third these are $1 + 6 + 1 = 8$ layers, with three
# 20, with five 32: convolutions and the linear layer are counted.


# %%
def conv(c_in, c_out, size=3, stride=1):  # the padding keeps 8 × 8 at 8 × 8; a stride of 2 makes 4 × 4 of it
    return [nn.Conv2d(c_in, c_out, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(c_out)]


def plain(c_in, c_out, stride):
    return nn.Sequential(*conv(c_in, c_out, 3, stride), nn.ReLU(), *conv(c_out, c_out), nn.ReLU())


# %%
class Network(nn.Module):
    def __init__(self, depth, block):  # block makes a pair, as plain does
        self.first = nn.Sequential(*conv(1, 8), nn.ReLU())
        self.blocks, c_in = [], 8
        for c_out in np.repeat([8, 16, 32], (depth - 2) // 6):
            self.blocks.append(block(c_in, c_out, stride=1 if c_in == c_out else 2))
            c_in = c_out
        self.last = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))

    def maps(self, x):  # what the first layer gives, then what each block gives
        found = [self.first(x)]
        for block in self.blocks:
            found.append(block(found[-1]))
        return found

    def forward(self, x):
        return self.last(self.maps(x)[-1])


# %%
def trained(depth, block, lr=0.05, epochs=8, seed=0):
    tl.manual_seed(seed)
    model, epochs = Network(depth, block), steps(epochs)
    sgd = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    history = tl.fit(model, train, loss=F.cross_entropy, optimizer=sgd, schedule=optim.CosineAnnealingLR(sgd, epochs),
                     epochs=epochs, batch_size=64, seed=seed, compile=True, progress=False)  # fmt: skip
    right = tl.accuracy(tl.predict(model, valid.x), valid.y)
    print(f"{depth:2} {block.__name__:<8} {epochs:2} epochs: loss {history['loss'][-1]:.3f}, validation {right:.2f}")
    return model, history["loss"]


# %% [markdown]
# (`steps(8)` is 8; only the project's own tests, which run each page at each change, take a tenth.)
#
# > **Predict.** A network that only guesses has a loss of $\ln 10 = 2.3$. Which *training* loss do you expect of 8, 20
# > and 32 layers after 8 epochs? And what would it be for 32 layers if those overfitted?

# %%
models, losses = {}, {}
for depth in (8, 20, 32):
    models["plain", depth], losses["plain", depth] = trained(depth, plain)
_, longer = trained(32, plain, epochs=16)
last = [losses["plain", depth][-1] for depth in (8, 20, 32)]
assert last[0] < last[1] < last[2]
assert SHORT or (last[0] < 0.05 < last[1] < 0.3 and last[2] > 0.5 and longer[-1] < 0.9 * last[2])

# %% [markdown]
# 8 layers end near 0.01, 20 near 0.1, 32 near 1 (exercise 1 tries other seeds). A network that overfits has a *small*
# training loss and a large validation loss. Here the training loss itself is large, so nothing of [lesson
# 11](11_overfitting.py) will help. Nor is the network lost: with twice the epochs the loss goes on falling. It is
# *slow*. One calls this **degradation**.
#
# ## A product, or a sum
#
# By the chain rule, a number that goes through layers $f_1, f_2, \dots, f_{15}$ has as its derivative a product:
#
# $$ f_{15}' \cdots f_2' \cdot f_1' . \tag{2} $$
#
# Now let each layer only *change* what it gets, and pass on the rest:
#
# $$ \begin{aligned} y &= x + f(x) \\ y' &= 1 + f'(x) . \end{aligned} \tag{3} $$
#
# That is still a product, but each factor has its 1, whatever the weights are. Does it help? Let the same slopes come
# in both, of size $s$, eight of them plus and seven minus:

# %%
print("   s        plain  with skips")
for s in (0.1, 0.3, 0.8):
    print(f"{s:4} {s**15:12.2g} {(1 + s) ** 8 * (1 - s) ** 7:11.2g}")
assert abs(1.1**8 * 0.9**7 - 1) < 0.1 and abs(1.8**8 * 0.2**7 - 0.0014) < 1e-4 and abs(0.8**15 - 0.035) < 0.001

# %% [markdown]
# With *small* slopes the plain product is gone, and the one with skips stays near 1. With slopes of 0.8 the plus sign
# does no good: 0.0014 against 0.035. So the plus is no magic: it wants layers that change little. (3) multiplied out,
# for three layers with the slopes $a$, $b$, $c$:
#
# $$ \begin{aligned}
#    (1 + a)(1 + b)(1 + c) = {}& 1 + a + b + c \\
#    &+ ab + ac + bc + abc .
#    \end{aligned} \tag{4} $$
#
# > **Predict.** Each of the eight terms is a path from $x$ to $y$. Which one has a plain network? And how many paths
# > lead through 15 such layers?

# %%
a, b, c = 0.5, -0.2, 0.3
x = tl.tensor(1.0, requires_grad=True, name="x", dtype=float)
h = x + a * x
h = h + b * h
three = tl.explain(h + c * h, x)
print(f"{three.paths} paths: {sorted(round(term.value, 2) for term in three.terms)}, sum {three.gradient:.2f}")
h = x
for _ in range(15):
    h = h + 0.1 * h
assert three.paths == 8 and np.isclose(three.gradient, (1 + a) * (1 + b) * (1 + c)) and np.isclose(a * b * c, -0.03)
assert tl.explain(h, x).paths == 2**15 == 32768

# %% [markdown]
# A plain network has the last one only, $abc$: here −0.03, where the sum of all eight is 1.56. With skips each layer is
# either gone through or gone round, so each doubles the number of paths: $2^{15} = 32{,}768$.
#
# ## The residual block
#
# Kaiming He and others (2015) put (3) around a pair of convolutions. The path round it is called a **skip connection**
# or **shortcut**, the whole a **residual block**: $f$ learns only the *residue*, what is missing from $x$.
#
# Where a block changes the number of channels or has a stride, $x$ and $f(x)$ have different shapes and can't be added.
# There the shortcut is a convolution too, the cheapest one: its kernel is 1 × 1 and its stride that of the block.


# %%
class Residual(nn.Module):
    def __init__(self, c_in, c_out, stride):
        self.f = nn.Sequential(*conv(c_in, c_out, 3, stride), nn.ReLU(), *conv(c_out, c_out))
        same = c_in == c_out and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv(c_in, c_out, 1, stride))

    def forward(self, x):
        return F.relu(self.f(x) + self.shortcut(x))


# %% [markdown]
# Look at the last line: one plus sign. Same data, same rate, same epochs:

# %%
for depth in (8, 20, 32):
    models["residual", depth], losses["residual", depth] = trained(depth, Residual)
with_skips = [losses["residual", depth][-1] for depth in (8, 20, 32)]
assert with_skips[2] < 0.9 * last[2] and with_skips[1] < 0.9 * last[1]
assert SHORT or (max(with_skips) < 0.05 and last[2] > 15 * with_skips[2])

# %%
epochs = range(1, steps(8) + 1)
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.4), sharex=True, sharey=True)
for depth, colour in [(8, GREEN), (20, BLUE), (32, ORANGE)]:
    left.semilogy(epochs, losses["plain", depth], "o-", ms=4, color=colour, label=f"{depth} layers")
    right.semilogy(epochs, losses["residual", depth], "o-", ms=4, color=colour)
left.semilogy(range(1, len(longer) + 1), longer, "o:", ms=3, color=ORANGE, label="32, twice as long")
left.set(xlabel="epoch", ylabel="training loss", title="plain", xticks=[4, 8, 12, 16])
right.set(xlabel="epoch", title="with skip connections")
right.legend(*left.get_legend_handles_labels(), loc="upper right")
show(figure, "17_deep_networks_1", "The training losses of 8, 20 and 32 layers over eight epochs, on one logarithmic "
     "scale. Left, plain: they end near 0.01, 0.1 and 1; 32 layers go on falling until epoch 16. Right, with skip "
     "connections: all end near 0.01.")  # fmt: skip

# %% [markdown]
# Look at the orange curves, 32 layers: the loss ends near 1 without skips, near 0.02 with them. Depth does little harm
# any more. (Nor does it help: for these digits 8 layers are enough. On harder pictures deep networks win.)
#
# ## What the shortcut changes
#
# Does the gradient vanish in the plain network? We measure, before training and after each block, how large the
# gradient of the loss is, and how large the maps are.


# %%
def looked_into(model):
    maps = model.maps(tl.tensor(few.x))
    F.cross_entropy(model.last(maps[-1]), few.y).backward(retain_grads=True)  # keep .grad of what lies in between
    return [np.linalg.norm(h.grad.data) for h in maps], [np.sqrt(np.mean(h.data**2)) for h in maps]


# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.4))
seen = {}
for name, block, colour in [("plain", plain, ORANGE), ("with skips", Residual, BLUE)]:
    tl.manual_seed(0)
    gradient, size = seen[name] = looked_into(Network(32, block))
    left.semilogy(gradient, "o-", ms=4, color=colour, label=name)
    right.plot(size, "o-", ms=4, color=colour)
left.set(title="gradient", xlabel="after block", ylabel="norm", xticks=[0, 5, 10, 15])
right.set(title="maps", xlabel="after block", ylabel="typical size", xticks=[0, 5, 10, 15], ylim=(0, 2.3))
left.legend()
show(figure, "17_deep_networks_2", "Both over the 15 blocks. Left, the gradient, on a logarithmic scale: it grows from "
     "block 15 back to 0, plain nearly in a straight line, some 90-fold, with skips less, in bends. Right, the size of "
     "the maps: plain always 0.7; with skips it rises from 0.7 to 2 and falls to 1 in blocks 6 and 11.")  # fmt: skip

# %%
for name, (gradient, size) in seen.items():
    factors, sizes = np.divide(gradient[:5], gradient[1:6]).round(2), np.round(size[:5], 1)
    print(f"{name:<10}: gradient × {gradient[0] / gradient[-1]:.0f}, first blocks × {factors}; sizes {sizes}")
(gradient, size), (gradient_skips, size_skips) = seen.values()
assert abs(gradient[0] / gradient[-1] - 90) < 20 and abs(gradient_skips[0] / gradient_skips[-1] - 17) < 5
assert np.allclose(size, 0.7, atol=0.06) and np.allclose(size_skips[:5], [0.7, 1.1, 1.4, 1.6, 1.9], atol=0.1)
assert abs(1.35**15 - 90) < 2 and abs(factors[0] - 1.7) < 0.15 and abs(factors[4] - 1.15) < 0.1
assert abs(np.sqrt(1 + 1.4**2) - 1.7) < 0.05 and abs(np.sqrt(1 + 0.5**2) - 1.1) < 0.05

# %% [markdown]
# *Left:* the gradient doesn't vanish; batch normalisation sees to that. It *grows* on its way back, from right to left,
# plain 90-fold. That line is nearly straight: by about the same factor in each block, and $1.35^{15} \approx 90$. With
# skips it grows, too, but far less, here 17-fold, and the line bends. Why?
#
# *Right:* the last step of $f$ is a batch normalisation, so what it adds has the size 1. But $x$ collects what is
# added: 0.7, 1.1, 1.4, 1.6, 1.9. So the first block changes $x$ by 1.4 times its size, the fifth by half: the slopes
# $s$ of (3) get *smaller*. They don't cancel here, as plus and minus did: a gradient of many numbers comes back by two
# ways, through $f$ and round it, in directions that have little to do with each other. So the sizes add as in a right
# triangle, to $\sqrt{1 + s^2}$: 1.7 for $s = 1.4$, 1.1 for 0.5. Measured are 1.7 and 1.15. (The shortcuts of blocks 6
# and 11 are convolutions with batch normalisation: there it begins anew.)
#
# What is such a gradient worth? By the tangent, a step of $t$ times the gradient $g$ promises
#
# $$ L(w - t\, g) \approx L(w) - t\, |g|^2 . \tag{5} $$
#
# With $t = 0.1 / |g|^2$ the loss should fall by 0.1. How much of that promise is kept? And how many digits can be told
# apart by what the last block gives, with the nearest mean of [lesson 9](09_digits.py)? Three seeds each:


# %%
def kept(model):  # the share of the promise, by formula (5), for one step
    loss = F.cross_entropy(model(few.x), few.y)
    loss.backward()
    t = 0.1 / sum(np.sum(p.grad.data**2) for p in model.parameters())
    optim.SGD(model.parameters(), lr=t).step()
    return t, (loss.item() - F.cross_entropy(model(few.x), few.y).item()) / 0.1


def told_apart(maps, y):  # the first half makes the means, the second is asked
    maps, half = maps.data.reshape(len(y), -1), len(y) // 2
    means = np.array([maps[:half][y[:half] == digit].mean(axis=0) for digit in range(10)])
    return np.mean(np.sum((maps[half:, None] - means) ** 2, axis=2).argmin(axis=1) == y[half:])


# %%
found = []
for depth, block in [(8, plain), (32, plain), (32, Residual)]:
    rows = []
    for seed in range(3):
        tl.manual_seed(seed)
        model = Network(depth, block)
        first, *_, final = (told_apart(h, train.y[:512]) for h in model.maps(train.x[:512]))
        rows.append([*kept(model), first, final])
    low, high = np.min(rows, axis=0), np.max(rows, axis=0)
    found += [low, high]
    print(f"{depth:2} {block.__name__:<8}: t {low[0]:.2g} to {high[0]:.2g}, kept {low[1]:.0%} to {high[1]:.0%}, told "
          f"apart after the first layer {low[2]:.0%} or more, at the end {low[3]:.0%} to {high[3]:.0%}")  # fmt: skip

# %%
low_8, high_8, low_32, high_32, low_skips, high_skips = found
assert 0.03 < low_8[0] < high_8[0] < 0.07 and high_32[0] < 0.0002 and 0.001 < low_skips[0] < high_skips[0] < 0.003
assert low_8[1] > 0.8 and 0.15 < low_32[1] < high_32[1] < 0.45 and low_skips[1] > 0.6
assert low_32[2] > 0.85 and high_32[3] < 0.16 and 0.2 < low_skips[3] < high_skips[3] < 0.4

# %% [markdown]
# With 8 layers a step of 0.05, our rate, keeps nine tenths of its promise. With 32 plain layers even a step of 0.0001,
# hundreds of times smaller, keeps only a quarter or a third. With skips a step of 0.002 keeps 70 % or more. And where
# nine digits in ten could be told apart after the first layer, the last plain block gives noise: one in ten, as by
# guessing. With skips it is a quarter to a third.
#
# So our answer, as far as these measurements go: in a plain stack each block makes small changes grow, and 15 such
# factors make much. So the gradient, though large, is right for tiny steps only, and the last layers have nothing to
# learn from until the first bring something through. With shortcuts both are milder. How much each counts is still
# being studied.
#
# ## What goes wrong
#
# > **Predict.** The residual network of 8 layers reads 98 or 99 % of the validation digits. You forget `model.eval()`.
# > How many does it read one by one? In mixed batches of 2, of 32? In batches of 28 that are sorted by digit?

# %%
model, mixed = models["residual", 8], np.random.default_rng(0).permutation(len(valid))
sorted_, right = np.argsort(valid.y, kind="stable"), {"eval mode": tl.accuracy(tl.predict(model, valid.x), valid.y)}
state = model.state_dict()
model.train()  # as fit leaves it
for name, order, size in [("one", mixed, 1), ("two", mixed, 2), ("32", mixed, 32), ("28 sorted", sorted_, 28)]:
    z = [model(valid.x[order[i : i + size]]).data for i in range(0, len(valid), size)]
    right[name] = np.mean(np.concatenate(z).argmax(axis=1) == valid.y[order])
model.load_state_dict(state)  # the calls have moved the running averages
print({name: round(float(share), 2) for name, share in right.items()})
assert max(right["one"], right["28 sorted"]) < 0.6 and right["one"] < right["two"] < right["32"]
assert SHORT or (right["eval mode"] > 0.95 and right["32"] > 0.93)

# %% [markdown]
# > **What goes wrong.** *`model.eval()` forgotten.* Each image is normalised with the mean of its own batch. If that is
# > one image, or many of one digit, just what distinguishes it is taken away, and most answers are wrong. In mixed
# > batches of 32 nearly all are right: a test looks well, and in use it fails. How you notice: ask for an image alone
# > and in a batch; in eval mode the answers agree. (`tl.predict` and `tl.evaluate` change the mode and change it back.)
#
# > **What goes wrong.** *Shapes that fit by accident.* To add maps of 8 and of 16 channels is an error. But put a bare
# > `+ x` directly at the image, which has 1 channel: broadcasting spreads it over all 8, without a word. How you
# > notice: `assert y.shape == x.shape` before the plus.
#
# ## Side by side, and kernels of 1 × 1
#
# One may also make a layer *wider*. Should the kernel be 1 × 1, 3 × 3 or 5 × 5? Szegedy and others (2014) took all of
# them side by side, and a pooling, and stacked their channels: an **Inception** block. Large kernels on many channels
# are dear. So a 1 × 1 convolution stands before them: it looks at one pixel, and mixes its channels into fewer.


# %%
def weights(c_in, c_out, size):  # of a convolution without bias
    return c_in * c_out * size**2


x = tl.tensor(np.zeros((5, 192, 8, 8), np.float32))
fives = nn.Sequential(nn.Conv2d(192, 16, 1), nn.ReLU(), nn.Conv2d(16, 32, 5, padding=2))
branches = [nn.Conv2d(192, 64, 1), fives, nn.MaxPool2d(3, 1, 1)]  # and one of 3 × 3, as fives
assert np.concatenate([branch(x) for branch in branches], axis=1).shape == (5, 64 + 32 + 192, 8, 8)
direct, through_16 = weights(192, 32, 5), weights(192, 16, 1) + weights(16, 32, 5)
print(f"5 × 5 from 192 channels to 32: {direct:,} weights; through 16 channels: {through_16:,}")
two_3x3, bottleneck = 2 * weights(256, 256, 3), weights(256, 64, 1) + weights(64, 64, 3) + weights(64, 256, 1)
print(f"two 3 × 3 with 256 channels: {two_3x3:,} weights; 1 × 1, 3 × 3, 1 × 1 through 64: {bottleneck:,}")
assert (direct, through_16) == (153_600, 15_872) and (two_3x3, bottleneck) == (1_179_648, 69_632)

# %% [markdown]
# A tenth of the weights in the first case, a seventeenth in the second. The second is the **bottleneck**: 1 × 1 down to
# few channels, 3 × 3 among those, 1 × 1 up again. Deep residual networks have it as their $f$, in place of our pair.
#
# ## Fifty layers, and 152
#
# Now you can count the parameters of the famous ResNet-50 and ResNet-152 from their plan alone. A 7 × 7 convolution
# makes 64 channels of 3 colours; a pooling follows, which has no parameters. Then four groups of bottleneck blocks,
# through 64, 128, 256 and 512 channels, with four times as many at their ends; the first of each group has a shortcut
# convolution. Each convolution has its batch normalisation (2 numbers a channel). At the end stand the mean of each
# channel and a linear layer to 1,000 classes.
#
# > **Predict.** ResNet-152 has three times the layers of ResNet-50. Has it three times the parameters?


# %%
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


resnet50, resnet152 = resnet([3, 4, 6, 3]), resnet([3, 8, 36, 3])
print(f"ResNet-50: {resnet50:,} parameters, ResNet-152: {resnet152:,}")
assert (resnet50, resnet152) == (25_557_032, 60_192_808) and round(resnet152 / resnet50, 1) == 2.4
assert 224 * 224 * 3 == 150_528 and 4 * 512 == 2048 and 2 + 3 * (3 + 8 + 36 + 3) == 152

# %% [markdown]
# 25.6 and 60.2 million: 2.4 times, since most of the further blocks are in the third group, not in the dear fourth. An
# image of 224 × 224 pixels in 3 colours, 150,528 numbers, becomes 2,048 before the linear layer.
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
# left. (With the small one it reads about 80 % of the validation digits, with ours half: small steps suit it better, as
# (5) says.) With 48 epochs 0.02 is left, what the residual network has after 8.
#
# **2.** Both. Without batch normalisation 20 plain layers stay at 2.30, which is $\ln 10$: no signal arrives. With
# shortcuts they do learn, but two seeds leave 0.6 and 2.1 where it was 0.01. He's weights bring more of the signal
# through, yet don't save the plain network: 2.3 and 2.0. With shortcuts they leave 0.9 and 0.02: that can go well, but
# is luck.
#
# **3.** It does no harm here: about 0.004 and 0.003, less than above. Perhaps since no ReLU after the plus stands in
# the shortcut's way any more; we didn't test that.
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
# > network: from 150,528 numbers to 2,048. *Higher-level* is meant. (Row D43.)
#
# [^large]: 「大模型如ResNet、Inception等」
#
# [^billions]: 「数亿甚至数十亿个参数」
#
# [^high]: 「从原始数据到高维度表示的映射」
#
# ## Where this lives in tinydl
#
# - `tinydl/nn/normalization.py`: `BatchNorm1d`, `BatchNorm2d`, by `tinydl/functional/normalization.py`.
# - `tinydl/nn/module.py`: `train` and `eval`. `tinydl/explaining/paths.py`: how paths are counted without walking them.
# - `benchmarks/networks/depth.py`: our experiment with five seeds; `benchmarks/networks/inception.py`, trained.
#
# Next: [lesson 18](18_sequences.py), sequences: inputs that have no fixed length.
