# %% [markdown]
# # 17. Deep networks: a way past twenty layers
#
# More layers can compute more. Why, then, does a network of 32 layers learn *worse* than one of 8, even the very
# examples that it is trained on?
#
# It needn't be worse: 24 of the 32 layers could pass on what they get, and the other 8 do what the small network does.
# Such weights exist. Descent gets there far too slowly. In this lesson you will measure why, and mend it with one plus
# sign.
#
# *You need:* convolution, channels and padding ([lesson 16](16_convolution.py)); how a signal shrinks or grows over
# thirty layers ([lesson 8](08_initialisation.py)); validation ([lesson 9](09_digits.py)) and momentum ([lesson
# 10](10_optimizers.py)). `compile=True` only makes it faster ([lesson 15](15_your_step_as_a_program.py)).

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
# **running** averages of $\mu$ and $\sigma^2$ (after each batch nine tenths of the old, one tenth of the new), and
# after `model.eval()` it uses those: it has two **modes**, as dropout has ([lesson 11](11_overfitting.py)).

# %%
mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3), ddof=1)  # ddof=1: divided by n − 1, as PyTorch does
assert np.allclose(layer.running_mean, 0.9 * 0 + 0.1 * mean, atol=1e-5)  # they begin at 0 and 1
assert np.allclose(layer.running_var, 0.9 * 1 + 0.1 * variance, rtol=1e-4)
print("the same x in eval mode: mean", layer.eval()(x).data.mean(axis=(0, 2, 3)).round(2))
assert layer(x).data.mean() > 1

# %% [markdown]
# > **Predict.** A convolution stands before a batch normalisation. You multiply its weights by 100, and add 7 to its
# > bias. What changes?

# %%
tl.manual_seed(0)
convolution, norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
before = norm(convolution(few.x)).data
convolution.weight.data *= 100
convolution.bias.data += 7
z = norm(convolution(few.x))
(z * rng.normal(size=z.shape)).sum().backward()
after, slope = z.data, np.abs(convolution.bias.grad.data).max()
print(f"largest change {np.abs(after - before).max():.3f}; largest slope by the bias {slope:.4f}")
assert np.abs(after - before).max() < 0.02 and slope < 0.01 and np.abs(norm.bias.grad.data).max() > 1

# %% [markdown]
# Nothing, but for $\varepsilon$: a constant goes with $\mu$, a factor with $\sigma$. So a bias before a batch
# normalisation is a parameter that does nothing; write `bias=False`. And the size of the first weights doesn't matter
# any more. Thirty layers, without and with it:

# %%
signal = {}
for name in ("without", "with"):
    tl.manual_seed(0)
    h = tl.tensor(few.x)
    for channels in [1] + 29 * [8]:
        h = nn.Conv2d(channels, 8, 3, padding=1, bias=False)(h)
        h = F.relu(nn.BatchNorm2d(8)(h) if name == "with" else h)
    signal[name] = np.sqrt(np.mean(h.data**2))  # the typical size, as a root mean square
    print(f"{name:>7} batch normalisation: typical size {signal[name]:.1e} after thirty layers")
assert signal["without"] < 1e-8 and abs(signal["with"] - 0.71) < 0.05

# %% [markdown]
# Without it nothing is left of the signal. With it the size stays near $\sqrt{1/2} = 0.71$: half of the mean square 1.
#
# ## Three plain networks
#
# A first convolution; then pairs of convolutions, a third of them with 8 channels on 8 × 8 pixels, a third with 16
# on 4 × 4, a third with 32 on 2 × 2 (a stride of 2 leads from one to the next); then the mean of each channel
# (`AdaptiveAvgPool2d(1)`) and a linear layer. With one pair in each third these are $1 + 6 + 1 = 8$ layers, with three
# 20, with five 32: counted are convolutions and the linear layer.


# %%
def conv(c_in, c_out, size=3, stride=1):  # the padding keeps 8 × 8 at 8 × 8; a stride of 2 makes 4 × 4 of it
    return [nn.Conv2d(c_in, c_out, size, stride, padding=size // 2, bias=False), nn.BatchNorm2d(c_out)]


def plain(c_in, c_out, stride):
    return nn.Sequential(*conv(c_in, c_out, 3, stride), nn.ReLU(), *conv(c_out, c_out), nn.ReLU())


def network(depth, pair):  # pair is a function such as plain
    layers, c_in = [*conv(1, 8), nn.ReLU()], 8
    for c_out in (8, 16, 32):
        for _ in range((depth - 2) // 6):
            layers.append(pair(c_in, c_out, stride=1 if c_in == c_out else 2))
            c_in = c_out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


# %%
def trained(depth, pair, lr=0.05):
    tl.manual_seed(0)
    model = network(depth, pair)
    sgd = optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    falling = optim.CosineAnnealingLR(sgd, steps(8))
    history = tl.fit(model, train, loss=F.cross_entropy, optimizer=sgd, schedule=falling, epochs=steps(8),
                     batch_size=64, seed=0, compile=True, progress=False)  # fmt: skip
    right = tl.accuracy(tl.predict(model, valid.x), valid.y)
    print(f"{depth:2} {pair.__name__:<8}: training loss {history['loss'][-1]:.3f}, validation accuracy {right:.2f}")
    return model, history["loss"]


# %% [markdown]
# (`steps(8)` is 8; only the project's own tests, which run each page at each change, take a tenth.)
#
# > **Predict.** Which of the three has the smallest *training* loss after 8 epochs? If the largest overfits, what do
# > you expect of its training loss?

# %%
models, losses = {}, {}
for depth in (8, 20, 32):
    models["plain", depth], losses["plain", depth] = trained(depth, plain)
last = [losses["plain", depth][-1] for depth in (8, 20, 32)]
assert last[0] < last[1] < last[2]
assert SHORT or (last[0] < 0.05 < last[1] < 0.3 and last[2] > 0.5)

# %% [markdown]
# 8 layers end near 0.01, 20 near 0.1, 32 at about 1. A network that overfits has a *small* training loss and a large
# validation loss. Here the training loss itself is large. So this is no overfitting, and nothing of [lesson
# 11](11_overfitting.py) will help: the deep network *learns* far more slowly. One calls this **degradation**.
#
# ## A product, or a sum
#
# By the chain rule, a number that goes through layers $f_1, f_2, \dots, f_{15}$ has as its derivative a product:
#
# $$ f_{15}' \cdots f_2' \cdot f_1' . \tag{2} $$
#
# Fifteen factors of 0.8 make 0.035; fifteen of 1.25 make 28. Now let each layer only *change* what it gets, and pass on
# the rest:
#
# $$ \begin{aligned} y &= x + f(x) \\ y' &= 1 + f'(x) . \end{aligned} \tag{3} $$
#
# That is still a product, but of factors *around 1*: the 1 is there whatever the weights are, and slopes are as often
# minus as plus. Eight factors of 1.25 and seven of 0.75 make 0.8. Multiply it out for three layers with the slopes $a$,
# $b$, $c$:
#
# $$ \begin{aligned}
#    (1 + a)(1 + b)(1 + c) = {}& 1 + a + b + c \\
#    &+ ab + ac + bc + abc .
#    \end{aligned} \tag{4} $$
#
# Eight terms: each layer is either gone through or gone round. The last, $abc$, is all that a plain network has.
#
# > **Predict.** How many paths lead through 15 such layers?

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
fifteen = tl.explain(h, x)
assert three.paths == 8 and np.isclose(three.gradient, (1 + a) * (1 + b) * (1 + c)) and np.isclose(a * b * c, -0.03)
assert fifteen.paths == 2**15 == 32768 and abs(1.25**8 * 0.75**7 - 0.8) < 0.01

# %% [markdown]
# $2^{15} = 32{,}768$: each layer doubles their number. In the small example the plain product is −0.03, the sum of all
# eight 1.56. So much for numbers; now the layer.
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


maps = np.zeros((5, 8, 8, 8), np.float32)
assert Residual(8, 8, 1)(maps).shape == (5, 8, 8, 8) and Residual(8, 16, 2)(maps).shape == (5, 16, 4, 4)

# %% [markdown]
# Look at the last line: one plus sign. Same data, same rate, same number of epochs:

# %%
for depth in (8, 20, 32):
    models["residual", depth], losses["residual", depth] = trained(depth, Residual)
with_skips = [losses["residual", depth][-1] for depth in (8, 20, 32)]
assert with_skips[2] < 0.9 * last[2] and with_skips[1] < 0.9 * last[1]
assert SHORT or (max(with_skips) < 0.05 and last[2] > 15 * with_skips[2])

# %%
colours, epochs = {8: GREEN, 20: BLUE, 32: ORANGE}, range(1, steps(8) + 1)
figure, (left, right) = plt.subplots(1, 2, figsize=(7.4, 3.4), sharey=True)
for depth in (8, 20, 32):
    left.semilogy(epochs, losses["plain", depth], "o-", ms=4, color=colours[depth], label=f"{depth} layers")
    right.semilogy(epochs, losses["residual", depth], "o-", ms=4, color=colours[depth])
left.set(xlabel="epoch", ylabel="training loss", title="plain")
right.set(xlabel="epoch", title="with skip connections")
left.legend(loc="lower left")
show(figure, "17_deep_networks_1", "The training losses of 8, 20 and 32 layers over eight epochs, on one logarithmic "
     "scale. Left, plain: they end near 0.01, 0.1 and 1. Right, with skip connections: all end near 0.01.")  # fmt: skip

# %% [markdown]
# Look at the orange curves, 32 layers: the loss ends at about 1 without skips, near 0.02 with them, twice that of the
# others, where it was eighty times. So depth does little harm any more. (Nor does it help: for these small digits 8
# layers are enough. On harder pictures deep networks win.)
#
# ## What the shortcut changes
#
# Is it a gradient that vanishes? Two measurements in the networks of 32 layers, before and after training. Backwards:
# how large is the gradient of the loss by what each block gives? Forwards: if all pixels change a little, by how much
# does that change, relative to its size?


# %%
def outputs(model, x):  # of the first layer (0), of each block (1, 2, …), and at last of the whole
    found = []
    for i, layer in enumerate(model):
        x = layer(x)
        if 2 <= i < len(model) - 3 or i == len(model) - 1:
            found.append(x)
    return found


def looked_into(model):
    model.train()
    *maps, z = outputs(model, tl.tensor(few.x))
    F.cross_entropy(z, few.y).backward(retain_grads=True)  # keep .grad of all that lies in between
    noise = 0.01 * np.random.default_rng(0).normal(size=few.x.shape).astype(np.float32)
    *others, _ = outputs(model, few.x + noise)
    change = [np.linalg.norm(b.data - a.data) / np.linalg.norm(a.data) for a, b in zip(maps, others, strict=True)]
    return [np.linalg.norm(h.grad.data) for h in maps], change


# %%
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.8))
seen = {}
for name, pair, colour in [("plain", plain, ORANGE), ("residual", Residual, BLUE)]:
    tl.manual_seed(0)
    for when, model, style in [("before", network(32, pair), "o-"), ("after", models[name, 32], "o:")]:
        seen[name, when] = looked_into(model)
        for axes, values in zip(panels, seen[name, when], strict=True):
            axes.semilogy(values, style, ms=3, color=colour, label=f"{name}, {when} training")
panels[0].set(title="gradient", xlabel="block", ylabel="norm", xticks=[0, 5, 10, 15])
panels[1].set(title="change", xlabel="block", ylabel="relative to the size", xticks=[0, 5, 10, 15], ylim=(0.008, 1.2))
figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small")
show(figure, "17_deep_networks_2", "Both over the 15 blocks, on logarithmic scales. Left, the gradient: before "
     "training it grows from block 15 back to 0, plain about 90-fold, with skips far less. Right, the change: before "
     "training it grows plain from 0.03 to 0.75, with skips to 0.16; after training it stays at 0.02.")  # fmt: skip

# %%
back = {key: gradient[0] / gradient[-1] for key, (gradient, _) in seen.items()}
grown = {key: change[-1] / change[0] for key, (_, change) in seen.items()}
for key in seen:
    print(f"{' '.join(key):<15}: gradient × {back[key]:.1f} backwards, change × {grown[key]:.1f} forwards")
assert abs(back["plain", "before"] - 90) < 20 and abs(grown["plain", "before"] - 28) < 5
assert abs(back["residual", "before"] - 17) < 5 and abs(grown["residual", "before"] - 6) < 2
assert abs(1.25**15 - 28) < 0.5 and abs(0.8**15 - 0.035) < 0.001
assert max(grown["plain", "after"], grown["residual", "after"]) < 5
assert abs(seen["plain", "before"][1][-1] - 0.75) < 0.1 and abs(seen["plain", "before"][1][0] - 0.03) < 0.01

# %% [markdown]
# The gradient does *not* vanish; batch normalisation sees to that. It *grows* on its way back, 90-fold in the plain
# network (solid orange, from right to left). Nearly a straight line on this scale: in each block the same factor. The
# right panel says what that means. A change of 3 % after the first layer is one of 75 % after the last block: 28 times,
# as if by 1.25 in each of 15 blocks. With skips it is 6 times. (The dotted blue gradient is small as the loss is
# small.)
#
# So the plain network begins as a machine that scrambles: a little noise makes nearly another image of an image. And if
# a training step changes all weights a little, that grows too. What is the gradient then worth? By the tangent, a step
# of $t$ times the gradient $g$ promises
#
# $$ L(w - t\, g) \approx L(w) - t\, |g|^2 . \tag{5} $$
#
# With $t = 0.1 / |g|^2$ the loss should fall by 0.1. How much of that promise is kept? And how many digits can be told
# apart by what the last block gives, with the nearest mean of [lesson 9](09_digits.py)?


# %%
def kept(model):  # the share of the promise, by formula (5), for one step
    loss = F.cross_entropy(model(few.x), few.y)
    loss.backward()
    square = sum(np.sum(p.grad.data**2) for p in model.parameters())  # |g|²
    optim.SGD(model.parameters(), lr=0.1 / square).step()
    return (loss.item() - F.cross_entropy(model(few.x), few.y).item()) / 0.1


def told_apart(maps, y):  # the first half makes the means, the second is asked
    maps, half = maps.data.reshape(len(y), -1), len(y) // 2
    means = np.array([maps[:half][y[:half] == digit].mean(axis=0) for digit in range(10)])
    return np.mean(np.sum((maps[half:, None] - means) ** 2, axis=2).argmin(axis=1) == y[half:])


# %%
promise, readable = {}, {}
for depth, pair in [(8, plain), (20, plain), (32, plain), (32, Residual)]:
    tl.manual_seed(0)
    model = network(depth, pair)
    first, *_, final, _ = outputs(model, train.x[:512])
    readable["first layer"], readable[depth, pair] = (told_apart(maps, train.y[:512]) for maps in (first, final))
    promise[depth, pair] = kept(model)
    print(f"{depth:2} {pair.__name__:<8}: {promise[depth, pair]:3.0%} kept, {readable[depth, pair]:.0%} told apart")
print(f"after the first layer {readable['first layer']:.0%} are told apart")
assert promise[8, plain] > 0.8 and abs(promise[32, plain] - 0.25) < 0.1 and promise[32, Residual] > 0.75
assert readable["first layer"] > 0.85 and readable[32, plain] < 0.16 and readable[32, Residual] > 0.25

# %% [markdown]
# With 32 plain layers a quarter of the promise is kept; with skips nearly nine tenths, as with 8 plain layers. And
# where nine digits in ten could be told apart after the first layer, what the last plain block gives is noise: one in
# ten, as by guessing.
#
# So our answer is, as far as these measurements go: in a plain stack of 32 layers every small change grows, layer by
# layer. So the gradient, though large, is right for tiny steps only, and the last layers have nothing to learn from
# until the first have calmed down. They do (look at the dotted lines), but it takes the epochs. With shortcuts a third
# of the digits can still be told apart at the end, and changes grow far less. How much each of these effects counts is
# still being studied.
#
# ## What goes wrong
#
# > **Predict.** The residual network of 20 layers reads some 98 % of the validation digits. You forget `model.eval()`,
# > and ask it digit by digit. How many does it read? And in batches of 28 that are sorted by digit?

# %%
model, order = models["residual", 20], np.argsort(valid.y, kind="stable")
right = {"eval mode": tl.accuracy(tl.predict(model, valid.x), valid.y)}  # predict calls eval() for the time
before = model.state_dict()
model.train()  # as fit leaves it
for name, size in [("one by one", 1), ("sorted, by 28", 28)]:
    z = [model(valid.x[order[i : i + size]]).data for i in range(0, len(valid), size)]
    right[name] = np.mean(np.concatenate(z).argmax(axis=1) == valid.y[order])
model.load_state_dict(before)
print({name: round(float(share), 2) for name, share in right.items()})
assert right["one by one"] < 0.5 and right["sorted, by 28"] < 0.5 and (SHORT or right["eval mode"] > 0.95)

# %% [markdown]
# > **What goes wrong.** *`model.eval()` forgotten.* Each image is normalised with the mean of its own batch. If that is
# > one image, or many of one digit, just what distinguishes it is taken away. Nothing stops, most answers are wrong,
# > and each call changes the running averages besides. How you notice: ask for an image alone and in a batch; in eval
# > mode the answers agree. (`tl.predict` and `tl.evaluate` change the mode and change it back.)
#
# > **What goes wrong.** *Shapes that fit by accident.* To add maps of 8 and of 16 channels is an error. But put a block
# > with a bare `+ x` directly at the image, which has 1 channel: 8 and 1 can be added, and broadcasting spreads the
# > same image over all eight, without a word. How you notice: `assert y.shape == x.shape` before the plus.

# %%
y = nn.Sequential(*conv(1, 8))(few.x)
assert y.shape == (256, 8, 8, 8) and few.x.shape == (256, 1, 8, 8) and (y + few.x).shape == y.shape

# %% [markdown]
# ## Side by side: Inception, and kernels of 1 × 1
#
# One may also make a layer *wider*. Should the kernel be 1 × 1, 3 × 3 or 5 × 5? Szegedy and others (2014) took all of
# them side by side, and a pooling, and stacked their channels: the **Inception** block. Large kernels on many channels
# are dear. So a 1 × 1 convolution stands before the large ones: it looks at one pixel, and mixes its channels into
# fewer.


# %%
class Inception(nn.Module):
    def __init__(self, c_in, ones, threes, fives, pooled):
        self.branches = [
            nn.Sequential(*conv(c_in, ones, 1)),
            nn.Sequential(*conv(c_in, threes // 2, 1), nn.ReLU(), *conv(threes // 2, threes, 3)),
            nn.Sequential(*conv(c_in, fives // 2, 1), nn.ReLU(), *conv(fives // 2, fives, 5)),
            nn.Sequential(nn.MaxPool2d(3, 1, 1), *conv(c_in, pooled, 1)),  # 3 × 3, stride 1, padding 1: the same size
        ]

    def forward(self, x):
        return F.relu(np.concatenate([branch(x) for branch in self.branches], axis=1))  # axis 1: the channels


# %%
def weights(c_in, c_out, size):  # of a convolution without bias
    return c_in * c_out * size**2


block = Inception(16, 8, 16, 8, 8)
assert block(np.zeros((5, 16, 8, 8), np.float32)).shape == (5, 8 + 16 + 8 + 8, 8, 8)
direct, through_16 = weights(192, 32, 5), weights(192, 16, 1) + weights(16, 32, 5)
print(f"5 × 5 from 192 channels to 32: {direct:,} weights; through 16 channels: {through_16:,}")
two_3x3, bottleneck_3 = 2 * weights(256, 256, 3), weights(256, 64, 1) + weights(64, 64, 3) + weights(64, 256, 1)
print(f"two 3 × 3 with 256 channels: {two_3x3:,} weights; 1 × 1, 3 × 3, 1 × 1 through 64: {bottleneck_3:,}")
assert (direct, through_16) == (153_600, 15_872) and (two_3x3, bottleneck_3) == (1_179_648, 69_632)

# %% [markdown]
# A tenth of the weights in the first case, a seventeenth in the second. The second is the **bottleneck**: 1 × 1 down to
# few channels, 3 × 3 among those, 1 × 1 up again. Deep residual networks have it as their $f$, in place of our pair.
#
# ## Fifty layers, and 152
#
# Now you can count the parameters of the famous ResNet-50 and ResNet-152 from their plan alone. A 7 × 7 convolution
# makes 64 channels of 3 colours. Four groups of bottleneck blocks follow, through 64, 128, 256 and 512 channels, with
# four times as many at their ends; the first of each group has a shortcut convolution. A batch normalisation (2 numbers
# a channel) follows each convolution. At the end stands a linear layer to 1,000 classes.
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
# 1. Is the rate to blame? Train the plain network of 32 layers with `lr=0.005`, `0.02` and `0.2`.
# 2. Which of the two does it, batch normalisation or the shortcut? Take the `nn.BatchNorm2d` out of `conv` and train
#    both networks of 20 layers.
# 3. Move the ReLU: a block that gives `self.shortcut(x) + F.relu(self.f(x))` can only *add* to what it gets, never
#    subtract. Predict, then train 20 and 32 layers with it.
#
# <details><summary>What you should find</summary>
#
# **1.** Not alone: 1.0, 1.0 and 1.4 are left, where the residual network has 0.02. But with the smallest rate it reads
# about 80 % of the validation digits, with ours half: small steps suit it better, as formula (5) says.
#
# **2.** Both. Without batch normalisation 20 plain layers stay at 2.30, which is $\ln 10$: nothing is learned, as no
# signal arrives. With shortcuts they do learn, but 0.59 is left where it was 0.01.
#
# **3.** It does no harm here: about 0.004 and 0.003, less than above. Perhaps because no ReLU after the plus stands in
# the way of the shortcut any more; we didn't test that.
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
# - `tinydl/nn/normalization.py`: `BatchNorm1d`, `BatchNorm2d`; what they compute is in
#   `tinydl/functional/normalization.py`.
# - `tinydl/nn/module.py`: `train` and `eval`. `tinydl/explaining/paths.py`: how paths are counted without walking them.
# - `benchmarks/networks/depth.py`: our experiment with five seeds; `benchmarks/networks/inception.py`, trained.
#
# Next: [lesson 18](18_sequences.py), sequences: inputs that have no fixed length.
