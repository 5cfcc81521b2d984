# %% [markdown]
# # 20. Smaller, elsewhere
#
# The network is good, and it lives on your laptop. How do you make it smaller, and how do you get it out, into a phone,
# a browser or a camera?
#
# This is the last stage of the work: first the data, then training, then choices made on the validation set. What comes
# now is called **deployment**. A phone has less memory and less time than your laptop, and no tinydl. So you will take
# weights out, then whole units, then bits. You will let a small network learn from a large one. At the end a file of
# less than a tenth leaves the house, and in a browser you draw a digit for the same network.
#
# *You need:* cross-entropy and softmax ([lesson 7](07_likelihood.py)); the digits, validation and the standard error
# ([lesson 9](09_digits.py)); Adam and schedules ([lesson 10](10_optimizers.py)). `compile=True` only makes it faster
# ([lesson 15](15_your_step_as_a_program.py)). And two packages: `python -m pip install ".[onnx]" onnxruntime`.

# %%
import copy
import tempfile
import zlib
from pathlib import Path
from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import onnx
import onnxruntime
from _lesson import BLUE, GRAY, ORANGE, show, show_digit_page

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# The network has 128 hidden units, as the one that was chosen among the first digits networks. We train three that
# differ in their seed, and write down means of the three.

# %%
rest, test = data.split(data.digits(), 0.8, seed=0, stratify=True)
train, valid = data.split(rest, 0.8, seed=1, stratify=True)


def network(hidden, seed):
    tl.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def train_on(model, epochs, seed, part=train, loss=F.cross_entropy):
    adam = optim.Adam(model.parameters(), lr=0.005)
    tl.fit(model, part, loss=loss, optimizer=adam, schedule=optim.CosineAnnealingLR(adam, epochs),
           epochs=epochs, seed=seed, compile=True, progress=False)  # fmt: skip
    return model


def right(models, part=valid):  # the mean share of right answers
    return np.mean([tl.accuracy(tl.predict(model, part.x), part.y) for model in models])


# %%
models = [train_on(network(128, seed), 40, seed) for seed in range(3)]
longer = [train_on(copy.deepcopy(model), 20, seed) for seed, model in enumerate(models)]
dense, dense_longer = right(models), right(longer)
print(f"validation: {dense:.3f} after 40 epochs, {dense_longer:.3f} after 20 more")
for name, p in models[0].named_parameters():
    print(f"{name:<8} {p.shape!s:<9} {p.size:>5} numbers of {p.data.itemsize} bytes")
numbers = sum(p.size for p in models[0].parameters())
assert numbers == 9_610 and numbers * 4 == 38_440 and 0.85 < 64 * 128 / numbers < 0.86
assert abs(dense - 0.975) < 0.015 and abs(dense_longer - 0.975) < 0.015
assert abs(np.sqrt(0.975 * 0.025 / len(valid)) - 0.009) < 0.0005

# %% [markdown]
# So 9,610 numbers weigh 38,440 bytes, and 85 % of them stand in one matrix. About 97.5 % of the validation digits are
# right. (The standard error of 288 digits is 0.9 points. All networks here are asked the same 288, and what two of them
# differ by has about half of that error. So half a point is nothing.) Whatever we take out, we shall train for 20
# epochs more. So the number to compare with is the second one: 20 epochs more of the whole network.
#
# ## Fewer weights
#
# Which weights are needed least? The simplest guess is: the smallest. Set them to 0. This is called **pruning**. Choose
# the **amount** $a$, the share that goes. Sort the sizes of all $n$ weights, of both matrices together. The first
# $a \cdot n$ of them go, and $t$ is the last that goes:
#
# $$ w \to \begin{cases} w & \text{if } |w| > t \\ 0 & \text{else.} \end{cases} \tag{1} $$
#
# Biases stay: they are few.


# %%
def matrices(model):
    return [p for p in model.parameters() if p.ndim == 2]


def pruned(model, amount):  # an amount above 0
    model = copy.deepcopy(model)
    sizes = np.sort(np.concatenate([np.abs(w.data).ravel() for w in matrices(model)]))
    threshold = sizes[round(amount * len(sizes)) - 1]
    for w in matrices(model):
        w.data = np.where(np.abs(w.data) > threshold, w.data, np.float32(0))
    return model


by_hand, library = pruned(models[0], 0.9), tl.compress.prune(copy.deepcopy(models[0]), 0.9)
assert sum(np.sum(w.data == 0) for w in matrices(by_hand)) == round(0.9 * 9_472) == 8_525
assert np.array_equal(tl.predict(by_hand, valid.x), tl.predict(library, valid.x))

# %% [markdown]
# > **Predict.** How many of the validation digits are still right when half of the weights are 0? And with 90 %?

# %%
amounts = [0.5, 0.8, 0.9, 0.95, 0.98]
at_once = [right([pruned(model, amount) for model in models]) for amount in amounts]
print(*(f"{amount:.0%}: {share:.2f}" for amount, share in zip(amounts, at_once, strict=True)), sep="   ")
assert at_once[0] > 0.94 and 0.35 < at_once[2] < 0.85 and at_once[4] < 0.3

# %% [markdown]
# Half of the weights can go, and hardly anything happens. Without 90 % of them about 60 % of the answers are right. But
# what is left can be trained on.
#
# > **Predict.** At 90 % 8,525 weights are 0. After one step of Adam, how many still are?

# %%
masks = [w.data != 0 for w in matrices(by_hand)]
for model in (by_hand, library):
    adam = optim.Adam(model.parameters(), lr=0.005)
    F.cross_entropy(model(train.x[:32]), train.y[:32]).backward()
    adam.step()
moved = sum(np.sum((w.data != 0) & ~mask) for w, mask in zip(matrices(by_hand), masks, strict=True))
print(f"after one step {moved} of the 8,525 zeros have moved")
for w, mask in zip(matrices(by_hand), masks, strict=True):
    w.data = w.data * mask  # the mask once more
assert abs(moved - 4_550) < 700
assert np.allclose(tl.predict(by_hand, valid.x), tl.predict(library, valid.x), atol=1e-3)

# %% [markdown]
# More than half have moved: that a weight is 0 doesn't say that its *gradient* is 0. (The others have the gradient 0 in
# this batch: their pixel is always paper, their unit is always off, or of all that goes out of their unit nothing is
# left.) So the mask must be applied again after each step.
# To make the gradients 0 instead isn't enough for an Adam that is in motion already: its average of earlier gradients
# still moves the weight. `tl.compress.prune` keeps a mask beside each weight, and the layer sees
# $w \cdot \text{mask}$. What is masked then gets the gradient 0, and whatever it is, nobody sees it: the assertion
# says that both ways come to the same. Now all amounts, each with 20 epochs more:

# %%
trained_on = []
for amount in amounts:
    smaller = [tl.compress.prune(copy.deepcopy(model), amount) for model in models]
    trained_on.append(right([train_on(model, 20, seed) for seed, model in enumerate(smaller)]))
    print(f"{amount:.0%} pruned, and trained on: {trained_on[-1]:.3f}")
assert trained_on[1] > dense_longer - 0.02 and 0.005 < dense_longer - trained_on[2] < 0.05
assert 0.03 < dense_longer - trained_on[3] < 0.12 and 0.4 < trained_on[4] < 0.8

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.4))
axes.axhline(100 * (1 - dense_longer), color=GRAY, linestyle=":")
axes.text(97.5, 100 * (1 - dense_longer) * 0.82, "all weights", color=GRAY, fontsize=9, ha="right")
for shares, colour, name, height in [(trained_on, BLUE, "trained on", 5.4), (at_once, ORANGE, "at once", 32)]:
    axes.plot([100 * amount for amount in amounts], 100 * (1 - np.array(shares)), "o-", ms=4, color=colour)
    axes.text(86.5, height, name, color=colour, ha="right")
axes.set(xlabel="weights set to 0 (%)", ylabel="wrong (%, validation)", yscale="log", xlim=(48, 100), ylim=(1.5, 100))
axes.set(yticks=[2, 5, 10, 20, 50, 100], yticklabels=[2, 5, 10, 20, 50, 100])
axes.minorticks_off()
show(figure, "20_smaller_elsewhere_1", "The share of wrong answers over the weights set to 0. At once it grows from "
     "3 % at 50 % to 40 % at 90 % and 85 % at 98 %. Trained on, it stays near 2.4 % up to 80 %, as with all weights; "
     "then it is 5 % at 90 %, 8 % at 95 % and 38 % at 98 %.")  # fmt: skip

# %% [markdown]
# Look at the blue curve (upwards, equal steps are equal factors): 80 % of the weights cost less than a point, 90 %
# about two, 95 % about six. At 98 % fewer than two weights are left for each hidden unit, and it breaks.
#
# > **Predict.** Nine of ten weights are 0. How much faster is the product $x W^\top$ now? And the file?


# %%
def microseconds(calls, rounds=30, each=10):  # medians; the calls take turns, so that what else runs disturbs all
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began = perf_counter()
            for _ in range(each):
                call()
            times[name].append((perf_counter() - began) / each * 1e6)
    return {name: np.median(every) for name, every in times.items()}


# %%
rng = np.random.default_rng(0)
x, w = (rng.normal(size=(n, 1024)).astype(np.float32) for n in (64, 1024))
sparse = np.where(rng.random(w.shape) < 0.9, 0, w).astype(np.float32)
times = microseconds({"full": lambda: x @ w.T, "90 % zeros": lambda: x @ sparse.T}, each=3)
print("µs for a product:", {name: round(time) for name, time in times.items()})
everything = [b"".join(p.data.tobytes() for p in model.parameters()) for model in (models[0], pruned(models[0], 0.9))]
zipped = [len(zlib.compress(weights)) for weights in everything]
print(f"bytes: {len(everything[0])} and {len(everything[1])}; zipped {zipped[0]} and {zipped[1]}")
assert len(everything[0]) == len(everything[1]) == 38_440 and zipped[0] > 33_000 and zipped[1] < 38_440 / 6

# %% [markdown]
# > **What goes wrong.** *Zeros that save nothing.* A product multiplies by 0 as carefully as by anything else, and a 0
# > takes four bytes, as any number does. So the pruned network is neither quicker nor smaller. The file gets smaller
# > when it is zipped: to about a seventh. How you notice: measure both, before you say "pruned, so it is faster".
#
# There are **sparse** formats, which store the other numbers only, each with its place. They pay where most is 0.
#
# ## Fewer units
#
# Take out a whole hidden unit: a row of the first matrix, its bias, and a column of the second. What remains are
# ordinary matrices, only smaller. Which units? Those whose weights are small, coming in *or* going out. We rate a unit
# by
#
# $$ \sqrt{|w_\text{in}|^2 + b^2} \cdot |w_\text{out}| , \tag{2} $$
#
# the length of all that comes in, its bias included, times the length of all that goes out.

# %%
w1, b1, w2, b2 = (p.data for p in models[0].parameters())
importance = np.sqrt(np.sum(w1**2, axis=1) + b1**2) * np.sqrt(np.sum(w2**2, axis=0))
best = np.sort(np.argsort(-importance)[:32])  # the 32 largest, in their old order
shrunk = tl.compress.shrink(models[0], 32)
for p, by_hand in zip(shrunk.parameters(), (w1[best], b1[best], w2[:, best], b2), strict=True):
    assert np.array_equal(p.data, by_hand)
print(shrunk, sum(p.data.nbytes for p in shrunk.parameters()), "bytes")
assert sum(p.data.nbytes for p in shrunk.parameters()) == 9_640
quarter = w[:256]
times = microseconds({"full": lambda: x @ w.T, "a quarter of the rows": lambda: x @ quarter.T}, each=3)
print("µs for a product:", {name: round(time) for name, time in times.items()})

# %% [markdown]
# A quarter of the bytes, and about a quarter of the time (of this large matrix; our small network hardly gains any, as
# the end shows). `shrink` gives a new model; `prune` changes the one that it is given, as `quantise` will.
#
# And the answers? There is a second control here: a network
# that was as small from the beginning, and had as many epochs, 60 in all. Which is better?

# %%
small = {}  # those that were shrunk and trained on
for units in (32, 8):
    small[units] = [tl.compress.shrink(model, units) for model in models]
    first = right(small[units])
    small[units] = [train_on(model, 20, seed) for seed, model in enumerate(small[units])]
    always = [right([train_on(network(units, seed), 60, seed)]) for seed in range(3)]
    shares = [right([model]) for model in small[units]]
    print(f"{units} units: at once {first:.2f}, trained on {np.mean(shares):.3f}, always small {np.mean(always):.3f};",
          "differences", (np.array(shares) - always).round(3))  # fmt: skip
    assert -0.03 < np.mean(shares) - np.mean(always) < (0.025 if units == 32 else 0.2) and first < 0.9
assert right(small[32]) > dense_longer - 0.02

# %% [markdown]
# At once a fifth is wrong; after 20 epochs 32 units are as good as all 128. But a network that was always small is
# nearly as good: at both sizes the three seeds disagree about which is better. So why not begin small? If you know how
# small, do. Shrinking is for those who don't: you train once, and find out after.
#
# ## Fewer bits
#
# A float32 has 32 bits, enough for seven digits. Who needs seven digits of a weight? With $b$ bits one can count from
# $-m$ to $m$, where $m = 2^{b-1} - 1$: with 8 bits from −127 to 127. So take for each row a **scale** $s$, and round to
# whole multiples of it, to a **grid**:
#
# $$ s = \frac{\max |w|}{m} , \qquad w \to s \cdot \operatorname{round}\!\left(\frac{w}{s}\right) . \tag{3} $$
#
# This is **quantisation**. No weight moves by more than $s / 2$. (In a row of zeros $s$ would be 0; the library takes
# 1.) In the file stand whole numbers of one byte, and the scales.


# %%
def on_grid(w, bits, axis=1):  # axis=1: a scale for each row; axis=None: one for the matrix
    scale = np.abs(w).max(axis=axis, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.rint(w / scale) * scale, scale


def quantised(model, bits, axis=1):
    model = copy.deepcopy(model)
    for w in matrices(model):
        w.data = on_grid(w.data, bits, axis)[0]
    return model


rounded, scale = on_grid(w1, 8)
assert np.all(np.abs(rounded - w1) <= scale / 2 * 1.0001)
by_library = tl.compress.quantise(copy.deepcopy(models[0]), 8)
assert np.allclose(tl.predict(quantised(models[0], 8), valid.x), tl.predict(by_library, valid.x), atol=1e-3)

# %%
figure, panels = plt.subplots(1, 3, figsize=(7.4, 2.9), sharey=True)
row = w1[[np.argmax(importance)]]  # the 64 weights of one unit
line = np.linspace(-1, 1, 2001)[None] * np.abs(row).max()
for panel, bits in zip(panels, (8, 3, 2), strict=True):
    panel.plot(line[0], on_grid(line, bits)[0][0], color=GRAY, lw=1)
    panel.plot(row[0], on_grid(row, bits)[0][0], "o", ms=4, color=BLUE, alpha=0.6)
    panel.set(title=f"{bits} bits, {2**bits - 1} levels", xlabel="weight")
panels[0].set_ylabel("weight on the grid")
show(figure, "20_smaller_elsewhere_2", "Three staircases: the rounded weight over the weight, of one unit. With 8 bits "
     "its 255 steps look like a straight line; with 3 bits there are seven steps; with 2 bits three, and most of the "
     "64 weights lie on the middle one, 0.")  # fmt: skip

# %% [markdown]
# Look at the steps: 8 bits are a straight line to the eye. With 2 bits there are three levels, $-s$, $0$ and $s$.
#
# > **Predict.** How many bits can go before the answers suffer? And what if the whole matrix has one scale?

# %%
for bits in (8, 4, 3, 2):
    by_row, by_matrix = (right([quantised(model, bits, axis) for model in models]) for axis in (1, None))
    print(f"{bits} bits: right {by_row:.3f}; with one scale for the matrix {by_matrix:.3f}")
    assert by_row > dense - 0.03 if bits > 2 else by_row < 0.92
zero = [np.mean(on_grid(w1, 2, axis)[0] == 0) for axis in (1, None)]
print(f"2 bits: {zero[0]:.0%} of the first matrix become 0; with one scale {zero[1]:.0%}")
assert by_matrix < by_row - 0.1 and zero[1] > zero[0] + 0.05

# %% [markdown]
# 8 bits cost nothing, 4 nothing that shows, 3 one point. At 2 bits it breaks, and with one scale for the matrix it
# breaks altogether: the largest weight of all makes the scale, and rows of small weights become 0. A scale for each row
# costs four bytes, and helps here at 2 bits; with more bits nothing shows. (It matters where rows differ much in size:
# exercise 2.)
#
# ### Training on the grid
#
# Could the network learn to live with three levels? Then the loss must see the rounded weights, and the gradient must
# pass back through the rounding. But look at the staircases: their slope is 0 almost everywhere. The honest gradient is
# 0, and nothing learns. So one cheats: forward rounds, backward pretends that the slope is 1, as of the straight line
# that the staircase follows. This is the **straight-through** gradient. In tinydl one line does it: add the rounding
# error as a constant.

# %%
w = tl.tensor([[0.3, -1.0, 0.6]], requires_grad=True)
seen = w + (on_grid(w.data, 2)[0] - w.data)  # the value is rounded; the bracket is a plain array, so the slope is 1
(seen**2).sum().backward()
print("seen", seen.data, " gradient", w.grad.data)
assert np.allclose(seen.data, [[0, -1, 1]]) and np.allclose(w.grad.data, 2 * seen.data)

# %% [markdown]
# The weights themselves stay floats: they collect small steps, until one is enough for the next level. A model of
# `tl.compress.quantise` does this in each forward. To be fair, the other side gets 20 more epochs, too, and is rounded
# at the end.

# %%
all_bits, rounded_after, trained_in = [8, 4, 3, 2], [], []
for bits in all_bits:
    rounded_after.append(right([quantised(model, bits) for model in longer]))
    on_bits = [tl.compress.quantise(copy.deepcopy(model), bits) for model in models]
    trained_in.append(right([train_on(model, 20, seed) for seed, model in enumerate(on_bits)]))
    print(f"{bits} bits: trained, then rounded {rounded_after[-1]:.3f}; trained while rounded {trained_in[-1]:.3f}")
assert abs(rounded_after[0] - trained_in[0]) < 0.015 and trained_in[3] > rounded_after[3] + 0.1
assert trained_in[2] > rounded_after[2] - 0.005 and trained_in[3] > 0.93

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.2))
axes.axhline(100 * (1 - dense_longer), color=GRAY, linestyle=":")
axes.text(3.27, 100 * (1 - dense_longer) * 0.82, "32 bits", color=GRAY, fontsize=9, ha="right")
axes.plot(range(4), 100 * (1 - np.array(trained_in)), "o-", ms=4, color=BLUE)
axes.plot(range(4), 100 * (1 - np.array(rounded_after)), "o-", ms=4, color=ORANGE)
axes.text(3.25, 5, "trained while rounded", color=BLUE, ha="right")
axes.text(2.45, 12, "trained, then rounded", color=ORANGE, ha="right")
axes.set(xlabel="bits of a weight", ylabel="wrong (%, validation)", xticks=range(4), xticklabels=all_bits, yscale="log")
axes.set(xlim=(-0.15, 3.3), ylim=(1.5, 60), yticks=[2, 5, 10, 20, 50], yticklabels=[2, 5, 10, 20, 50])
axes.minorticks_off()
show(figure, "20_smaller_elsewhere_3", "The share of wrong answers over 8, 4, 3 and 2 bits. Trained while rounded, it "
     "stays near 2.4 %, and is 3.6 % at 2 bits. Trained and then rounded, it is the same down to 4 bits, 4 % at 3 and "
     "36 % at 2.")  # fmt: skip

# %% [markdown]
# Look at the right end: three levels are enough for about 96 %, if the network has learned with them. At 3 bits that
# gains more than a point, at 8 nothing; rounding is enough there. Now the files, of 32, 8 and 2 bits, and the time:

# %%
folder = tempfile.TemporaryDirectory()  # is gone in the end
sizes, kinds = {}, {"32": models[0], "8": by_library, "2": on_bits[0], "90 % pruned": library}
for name, model in kinds.items():
    path = Path(folder.name) / "digits.npz"
    tl.save(model, path)
    sizes[name] = path.stat().st_size, len(zlib.compress(path.read_bytes()))
    if name == "8":
        with np.load(path) as archive:
            arrays = dict(archive)
print("bytes, and zipped:", sizes)
print({name: (array.shape, str(array.dtype)) for name, array in arrays.items()})
w1_again = arrays["0.weight"] * arrays["0.weight_scale"]  # whole numbers times the scale of their row
assert sum(array.nbytes for array in arrays.values()) == 9_472 + 4 * 138 + 4 * 138 == 10_576
assert np.allclose(w1_again, rounded, atol=1e-6) and sizes["2"][0] == sizes["8"][0] < 0.32 * sizes["32"][0]

# %%
x = test.x[:1]
times = microseconds({name: lambda model=model: tl.predict(model, x) for name, model in kinds.items()})
print("µs for a digit, by predict:", {name: round(time) for name, time in times.items()})

# %% [markdown]
# One byte for each of 9,472 weights, four for each of 138 scales and 138 biases: 10,576, and the names of the arrays.
#
# > **What goes wrong.** *"Fewer bits, so it is smaller and faster."* 2 bits give the same file as 8: each weight has a
# > byte of its own, and only when it is zipped the file knows that the byte says little. A pruned model is even larger,
# > since its masks are kept beside it. And it is slower: NumPy multiplies floats, so tinydl rounds first, and then
# > computes as before. Programs with products of whole numbers can get faster, with *large* matrices. How you notice:
# > look at the file, and measure, with the program and the machine on which it will run.
#
# ## A teacher
#
# A label says "this is a 9". The large network says more: what else it is a little like. Can a small one, the
# **student**, learn from that? Sure answers hide it: all but one of the probabilities are nearly 0. So one divides the
# logits $z$ by a **temperature** $T$ before the softmax, which makes them softer:

# %%
logits = tl.predict(models[0], train.x)
hard, soft = F.softmax(logits), F.softmax(logits / 4)
sure = np.flatnonzero((train.y == 9) & (hard[:, 9] > 0.999))  # nines of which it is sure
one = sure[np.argmin(soft[sure, 9])]  # of these the one with the softest answer
assert hard[one, :9].max() < 0.001 and soft[one, :9].max() > 0.03
figure, panels = plt.subplots(1, 3, figsize=(7.4, 2.5), width_ratios=[1, 1.6, 1.6])
panels[0].imshow(train.x[one].reshape(8, 8), cmap="gray_r")
panels[0].axis("off")
for panel, answer, title in zip(panels[1:], (hard[one], soft[one]), ("$T$ = 1", "$T$ = 4"), strict=True):
    panel.bar(range(10), answer, color=BLUE)
    panel.set(title=title, xticks=range(10), xlabel="class", ylim=(0, 1.03))
panels[1].set_ylabel("probability")
show(figure, "20_smaller_elsewhere_4", "A nine of 8 by 8 pixels, and the teacher's answer twice. At T = 1 the bar of 9 "
     "has all of the height of 1. At T = 4 it has two thirds, and the rest goes to 3, 8 and 5 above all.")  # fmt: skip

# %% [markdown]
# Look at the nine, and at the right side: it has something of a 3, an 8 and a 5. No label says so.
#
# With the teacher's soft answers $p$, the student's soft answers $q$, both at the temperature $T$, and the usual
# cross-entropy CE of the student with the labels, the loss is
#
# $$ \begin{aligned} L &= \alpha\, T^2\, \mathrm{KL} + (1 - \alpha)\, \mathrm{CE} \\
#    \mathrm{KL} &= \sum_k p_k \log \frac{p_k}{q_k} , \end{aligned} \tag{4} $$
#
# the mean of it over the batch. KL, the **Kullback-Leibler divergence**, is 0 where $q = p$, and else larger.
# $\alpha = 0.9$ says that we listen mostly to the teacher. $T^2$: if $T$ is large, to divide by it makes the gradient
# smaller by $T$ twice, once since $z / T$ moves less, once since soft answers differ less. $T^2$ takes that back.

# %%
z, teacher, y = tl.predict(network(16, 0), train.x), logits, train.y
p, log_q = F.softmax(teacher / 4), F.log_softmax(z / 4)
kl = np.mean(np.sum(p * (np.log(p) - log_q), axis=1))
by_hand = 0.9 * 4**2 * kl + 0.1 * F.cross_entropy(z, y)
assert np.isclose(by_hand, F.distillation_loss(z, teacher, y, temperature=4, alpha=0.9), rtol=1e-4)


def listen(z, both):  # a Dataset has one y: in it stand the label and the teacher's ten logits, side by side
    return F.distillation_loss(z, both[:, 1:], both[:, 0].astype(int), temperature=4, alpha=0.9)


def taught(hidden, seed, part, teacher, epochs):
    both = np.column_stack([part.y, tl.predict(teacher, part.x)]).astype(np.float32)
    return right([train_on(network(hidden, seed), epochs, seed, data.Dataset(part.x, both), listen)])


def smooth(z, y):  # 0.9 for the label, 0.01 more for each class: soft, but nobody was asked
    return F.cross_entropy(z, y, label_smoothing=0.1)


# %% [markdown]
# The students have 16 units. Some get all 1,150 labels, others 200. As controls: **label smoothing**, soft answers that
# know nothing; and a teacher that has itself seen these 200 only.

# %%
few, students = train[:200], {"all": [], "all, taught": [], "200": [], "smooth": [], "taught": [], "taught by 200": []}
for seed in range(3):
    of_few = train_on(network(128, seed), 200, seed, few)  # 200 epochs of 7 batches
    students["all"].append(right([train_on(network(16, seed), 60, seed)]))
    students["all, taught"].append(taught(16, seed, train, models[seed], 60))
    students["200"].append(right([train_on(network(16, seed), 200, seed, few)]))
    students["smooth"].append(right([train_on(network(16, seed), 200, seed, few, smooth)]))
    students["taught"].append(taught(16, seed, few, models[seed], 200))
    students["taught by 200"].append(taught(16, seed, few, of_few, 200))
shares = {name: np.mean(each) for name, each in students.items()}
print({name: round(float(share), 3) for name, share in shares.items()})
assert abs(shares["all"] - shares["all, taught"]) < 0.02 and shares["taught"] > shares["200"] + 0.01
assert shares["taught by 200"] < shares["taught"] - 0.01 and abs(shares["taught by 200"] - shares["200"]) < 0.025

# %% [markdown]
# With all labels the teacher gains nothing. With 200 labels it gains about four points. But a teacher of the same 200
# gains next to nothing, as label smoothing does. So softness alone doesn't help. It carried something: the first
# teacher had seen 950 digits more, and passed some of that on. Ask a teacher who knows more than your data. (Students
# that haven't finished learning show something else: exercise 3.)
#
# ## Elsewhere
#
# Now choose. By the validation set 32 units are as good as 128, and 8 bits cost nothing. So take both, ask the
# validation set about the pair, and then, once, the test set.

# %%
finals = [tl.compress.quantise(copy.deepcopy(model), 8) for model in small[32]]
print(f"validation: {right(finals):.3f}, and {dense_longer:.3f} with all")
before, after = right(longer, test), right(finals, test)
print(f"test: {after:.3f}, and {before:.3f} with all")
final = finals[0]
assert right(finals) > dense_longer - 0.015 and after > 0.97 and abs(before - after) < 0.02
assert abs(np.sqrt(0.99 * 0.01 / len(test)) - 0.005) < 0.0005

# %% [markdown]
# On the test digits it is 0.4 points. The standard error of one accuracy is half a point here, that of a difference
# about half of this. So perhaps a little is lost.
#
# It must leave the house without Python. **ONNX** is a format for that: a file with the weights and the list of what is
# computed, in the order in which it is computed. Many programs can run it, on servers, phones and in browsers.
# tinydl's graph is nearly such a list: `tl.to_onnx` runs the model on an example and writes down each operation.

# %%
file = Path(folder.name) / "digits.onnx"
tl.to_onnx(final, file, test.x[:2])  # an example, so that it knows the shapes; the number of rows is free
for node in onnx.load(file).graph.node:
    print(f"{node.op_type:<17} {', '.join(node.input)} → {', '.join(node.output)}")
session = onnxruntime.InferenceSession(file.read_bytes())
(answers,) = session.run(None, {"x": test.x})
print(
    f"{file.stat().st_size} bytes of 38,440; largest difference {np.abs(answers - tl.predict(final, test.x)).max():.1e}"
)
assert np.allclose(answers, tl.predict(final, test.x), atol=1e-3) and file.stat().st_size < 4_000

# %% [markdown]
# Read the list: `DequantizeLinear` is whole numbers times scales, `Gemm` a product plus a bias; `Identity` gives the
# answer its name. `onnxruntime`, made by other people in C++, gives the same answers but for rounding. It has never
# heard of tinydl.
#
# But a list can't say everything. This model decides by an `if`:


# %%
class Careless(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(64, 10)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else -self.layer(x)


try:
    tl.to_onnx(Careless(), file.with_name("careless.onnx"), test.x[:2])
except tl.CompileError as error:
    print(error)
assert not file.with_name("careless.onnx").exists()

# %% [markdown]
# > **What goes wrong.** *A decision that the list can't say.* Of two branches an example takes one, and a list of that
# > one would be wrong for others, silently. tinydl refuses; not every exporter does. How you notice: run the file on
# > other examples than the one that it was made with, and compare. (`np.where` has both branches in the list.)
#
# And the way back: a model from a file, of tinydl or of others, can be trained on. `OnGrid` in its list is the
# rounding: weights that were of few bits stay so.

# %%
again = tl.from_onnx(file)
assert np.allclose(tl.predict(again, test.x), answers, atol=1e-3)
train_on(again, 2, seed=0)
print(again, f"\nbefore {right([final]):.3f}, after two epochs more {right([again]):.3f}")
assert right([again]) > 0.93
folder.cleanup()

# %% [markdown]
# A browser can run the network, too. `tl.plots.digit_page` writes a page with the weights in it and the arithmetic. It
# is one file of 40 kB, larger than all that we began with: most of it is for drawing, and the weights are floats again.
# Draw a digit, slowly, then badly, then a letter. (As a script: open the file that it names.)

# %%
show_digit_page(final, "20_smaller_elsewhere")

# %% [markdown]
# ## "Real time"
#
# A camera gives 30 pictures a second: 33 milliseconds for each, 33,000 µs.
#
# > **Predict.** How long does one digit take, in µs? And 64 digits at once?

# %%
plain = models[0].eval()
with tempfile.TemporaryDirectory() as folder:
    tl.to_onnx(plain, Path(folder) / "plain.onnx", test.x[:2])
    session = onnxruntime.InferenceSession((Path(folder) / "plain.onnx").read_bytes())
for n in (1, 64):
    x = test.x[:n]
    times = microseconds({"predict": lambda x=x: tl.predict(plain, x), "model(x)": lambda x=x: plain(x),
                          "onnxruntime": lambda x=x: session.run(None, {"x": x}),
                          "by hand": lambda x=x: np.maximum(x @ w1.T + b1, 0) @ w2.T + b2,
                          "only x @ w1.T": lambda x=x: x @ w1.T})  # fmt: skip
    print(f"{n:>2} at once, µs:", {name: round(time) for name, time in times.items()})
assert np.allclose(np.maximum(x @ w1.T + b1, 0) @ w2.T + b2, plain(x).data, atol=1e-3)
each = [microseconds({"": lambda: tl.predict(plain, x[:1])}, rounds=1, each=1)[""] for _ in range(2000)]
print(f"2,000 calls of predict, µs: median {np.median(each):.0f}, slowest {max(each):.0f}")

# %% [markdown]
# On the machine that made this page one digit took 100 to 230 µs by `tl.predict`, 20 to 50 by `model(x)`, a little less
# by onnxruntime, and 10 to 20 by hand. The product with the large matrix, most of the arithmetic, took 2 to 4. The rest
# is **overhead**: to check shapes, to change modes, to call functions. It is paid once for a call, however much is
# computed in it, so 64 digits cost far less than 64 times as much as one. If you may wait, collect, and ask for many
# at once. And a smaller network would hardly answer sooner here; with matrices of thousands it would.
#
# And the camera? All of them have time, more than a hundred times over. But careful with the word: **real time** means
# that an answer is there at a promised moment, *each* time. A median doesn't say that. Of 2,000 calls the slowest took
# twice as long as the one in the middle, or far longer. Look at that one, on the device itself, while it does all else
# that it has to do.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_prune`, masks for several matrices together; `ex_quantise`, whole
# numbers and scales; `ex_distillation`, the loss (4).
#
# 1. Prune 90 % at once and train 21 epochs, or in three rounds with 7 epochs each, leaving the same share in each
#    round. Then 98 %. What do the rounds bring?
# 2. Multiply all that comes into the most important hidden unit, by (2), its bias included, by 30, and divide what goes
#    out of it by 30. Why does the network compute the same? Round it to 4 bits, with a scale for each row and with one
#    for the matrix.
# 3. Teach students with 200 labels at $T = 1$ and at $T = 20$. Then give all of them 20 epochs instead of 200, also
#    those that learn from labels alone.
#
# <details><summary>What you should find</summary>
#
# **1.** At 90 % nothing: 95.4 % are right both times. At 98 % much: 62 % at once, 76 % in rounds. What matters shows
# only when the others are gone.
#
# **2.** $\max(0, 30 a) = 30 \max(0, a)$, and 30 / 30 = 1. With a scale for each row 97 % stay right, with one for the
# matrix 10 %, as if it guessed (with a factor of 10 it is 19 %): the grid is made for one row, and all others become 0.
#
# **3.** $T = 1$: 92 %, hardly better than the 91 % without a teacher; $T = 20$: 95 %, as 4. After 20 epochs, 140 steps,
# the teacher *costs*: 57 % at $T = 4$, 41 % at 20, and 76 % without. The soft answers take longer to learn. Compare
# students that have finished, or you measure who is quicker.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > Its pipeline ends with deployment, as this page does. It has no test set, which we asked once, at the end.
# > (Row D19.)
# >
# > **"Pruning, quantisation, distillation … reduce the size of the model and raise the speed of inference"**[^smaller]
# > is four claims and more. (Row D46.) *Pruning, size:* only when zipped, to a seventh with 90 % zeros. *Pruning,
# > speed:* not with scattered zeros, whose product took as long as before; whole units, yes: a quarter of them took a
# > quarter of the time. *Quantisation, size:* holds, to 28 % with 8 bits. *Speed:* not in NumPy; in programs that
# > multiply whole numbers, and with large matrices. *Distillation:* makes nothing smaller or quicker. The student is
# > small because you made it small; the teacher makes it *better*, and here only with few labels.
# >
# > It speaks of real time in the same breath (row D20). One digit took less than a hundredth of a camera's 33 ms, and
# > most of that was overhead, which none of the three methods makes less.
#
# [^smaller]: 「模型剪枝、量化、知识蒸馏等方法，减少模型大小，提高推理速度」
#
# ## Where this lives in tinydl
#
# - `tinydl/exporting/compression.py`: `prune` and `quantise`; `tinydl/exporting/shrinking.py`: `shrink`.
# - `tinydl/exporting/compressed.py`: how a layer sees its weights through a mask, or on a grid.
# - `tinydl/functional/losses.py`: `distillation_loss`.
# - `tinydl/exporting/onnx.py`: `to_onnx` and `from_onnx`; `tinydl/exporting/operators.py`: what operations are called.
# - `tinydl/plots/digits.py`: the page in which one draws. `benchmarks/smaller.py`: all this with ten seeds.
#
# Next: [lesson 21](21_many_hands.py), how several processes train one model, and whether it is still the same one.
