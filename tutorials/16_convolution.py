# %% [markdown]
# # 16. Convolution: the same small question everywhere
#
# Why should a network that has learned a stroke at the upper left have to learn it again at the lower right?
#
# The networks so far have to. Each of their units has a weight of its own for each pixel, so what they know of a stroke
# they know of it *there*. Here you build a layer that asks one small question at every place of a picture. It has few
# weights, and what it has learned at one place holds at all of them.
#
# *You need:* layers and the loop ([lesson 5](05_layers_and_the_loop.py)), gradients of arrays
# ([lesson 4](04_arrays.py)), the digits and how they are divided ([lesson 9](09_digits.py)).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, SHORT, show, show_page, steps

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F

windows_of = np.lib.stride_tricks.sliding_window_view

# %% [markdown]
# ## One pixel to the right
#
# We lay the digits of [lesson 9](09_digits.py), 8 × 8 pixels, in the middle of sheets of 12 × 12. So there is room to
# move them by two pixels up, down, left or right. The sheets get one axis more: images will have the shape (examples,
# channels, height, width). A grey picture has one **channel**, a coloured one three: red, green and blue.

# %%
digits = data.digits(images=True)
moves = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]  # 25, number 12 is (0, 0)


def on_sheets(images, down=0, right=0):
    sheets = np.zeros((len(images), 1, 12, 12), np.float32)
    sheets[:, 0, 2 + down : 10 + down, 2 + right : 10 + right] = images
    return sheets


def three_parts(images, labels, seed):
    rest, test = data.split((images, labels), 0.8, seed=seed, stratify=True)
    return *data.split(rest, 0.8, seed=seed + 1, stratify=True), test


train, valid, test = three_parts(digits.x, digits.y, seed=0)
assert (len(train), len(valid), len(test)) == (1150, 288, 359)

# %% [markdown]
# First a network with one hidden layer, as there: a **multilayer perceptron**, or MLP. `all_places` gives the share of
# digits that it reads at each of 25 places. (The rate goes down along a cosine, [lesson 10](10_optimizers.py);
# `compile=True` only makes it faster, [lesson 15](15_your_step_as_a_program.py). `steps(20)` below is 20; only the
# project's own tests, which run each page at each change, take a tenth.)


# %%
def mlp(inputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 10))


def trained(make, x, y, epochs, lr, seed=0):
    tl.manual_seed(seed)
    model = make()
    optimizer = optim.Adam(model.parameters(), lr=lr)
    tl.fit(model, data.Dataset(x, y), loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, seed=seed,
           schedule=optim.CosineAnnealingLR(optimizer, epochs), progress=False, compile=True)  # fmt: skip
    return model


def all_places(model, part):
    return np.array([tl.accuracy(tl.predict(model, on_sheets(part.x, *move)), part.y) for move in moves])


# %% [markdown]
# > **Predict.** Trained on digits in the middle, it reads about 97 % of others in the middle. How many if each is one
# > pixel further to the right? And one pixel down as well?

# %%
perceptron = trained(lambda: mlp(144), on_sheets(train.x), train.y, epochs=15, lr=0.003)
table = all_places(perceptron, valid).reshape(5, 5)  # rows: down; columns: right
print(f"in the middle {table[2, 2]:.2f}, one to the right {table[2, 3]:.2f}, one down as well {table[3, 3]:.2f}")
assert abs(table[2, 2] - 0.97) < 0.02 and abs(table[2, 3] - 0.45) < 0.15 and abs(table[3, 3] - 0.10) < 0.1

# %%
figure, (*sheets, right_side) = plt.subplots(1, 3, figsize=(7.2, 2.7), width_ratios=[1, 1, 1.4])
for axes, move in zip(sheets, [(0, 0), (1, 1)], strict=True):
    sheet = on_sheets(valid.x[:1], *move)
    axes.imshow(sheet[0, 0], cmap="gray_r")
    axes.set(title=f"it says {tl.predict(perceptron, sheet).argmax()}", xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
right_side.imshow(100 * table, cmap="Blues", vmin=0, vmax=100, extent=(-2.5, 2.5, 2.5, -2.5))
for (i, j), share in np.ndenumerate(table):
    right_side.text(j - 2, i - 2, f"{100 * share:.0f}", ha="center", va="center", color="w" if share > 0.6 else "k")
right_side.set(title="% read by the MLP", xlabel="pixels to the right", ylabel="pixels down")
show(figure, "16_convolution_1", "A digit in the middle of its sheet, and the same one pixel down and to the right, "
     "with what the MLP says. A table of 5 × 5 moves: 97 % in the middle, half beside it, then 10 %.")  # fmt: skip

# %% [markdown]
# One pixel to the right, less than half are left; one down as well, and it guesses. You see no difference. For the
# network everything is different, since nearly all the ink lies on other weights. Of course it could learn the other
# places, too: show it each training digit at all 25.

# %%
at_each = np.concatenate([on_sheets(train.x, *move) for move in moves])
taught = trained(lambda: mlp(144), at_each, np.tile(train.y, 25), steps(20), lr=0.003)
print(f"{len(at_each):,} examples; read, averaged over all places: {all_places(taught, valid).mean():.2f}")
assert abs(all_places(taught, valid).mean() - 0.97) < (0.1 if SHORT else 0.02) and len(at_each) == 25 * 1150 == 28_750

# %% [markdown]
# About 97 %, after learning each stroke 25 times. Could it be enough to learn it once?
#
# ## A small question
#
# Begin with one row of pixels, and a small question about three neighbours: *does the ink become more from left to
# right?* The answer is (right minus left), so the question is three weights, $-1$, $0$ and $1$. Three neighbours are a
# **window**. `sliding_window_view` gives all windows, and each gets the same three weights:

# %%
row = np.array([0.0, 0, 1, 1, 1, 0, 0])
question = np.array([-1.0, 0, 1])
print(windows_of(row, 3).tolist(), "give", windows_of(row, 3) @ question)
assert (windows_of(row, 3) @ question).tolist() == [1, 1, 0, -1, -1]

# %% [markdown]
# Five windows, five answers: positive where ink begins, negative where it ends, 0 where nothing changes. Such a set of
# weights is called a **kernel**, or filter. Asking it everywhere is a **convolution**, and the answers are a **feature
# map**. (In mathematics this is a *correlation*; a convolution would turn the kernel round first.)
#
# In a picture $x$ the kernel $w$ has rows and columns. The answer at row $i$ and column $j$ is
#
# $$ y_{ij} = \sum_u \sum_v w_{uv}\; x_{i+u,\,j+v} , \tag{1} $$
#
# where $u$ and $v$ count the kernel's rows and columns, from 0. In words: lay the kernel on the picture, its upper left
# corner at $(i, j)$, multiply what lies on each other, and add up.


# %%
def convolve(image, kernel):
    return np.sum(windows_of(image, kernel.shape) * kernel, axis=(2, 3))  # formula (1), for all i and j at once


to_the_right = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], np.float32)
downwards = to_the_right.T
clothes = data.fashion(images=True)  # 2,000 pictures from a catalogue, 28 × 28, ten kinds of clothes
shirt = clothes.x[11]
right_map, down_map = convolve(shirt, to_the_right), convolve(shirt, downwards)
assert clothes.x.shape == (2000, 28, 28) and right_map.shape == down_map.shape == (26, 26)

# %%
figure, (left, *others) = plt.subplots(1, 3, figsize=(7.2, 2.9))
left.imshow(shirt, cmap="gray_r")
left.set_title("a shirt")
for axes, answers, title in zip(others, [right_map, down_map], ["more to the right?", "more below?"], strict=True):
    picture = axes.imshow(answers, cmap="RdBu_r", vmin=-2.2, vmax=2.2)
    axes.set_title(title)
for axes in (left, *others):
    axes.set_axis_off()
figure.colorbar(picture, ax=others, label="answer", shrink=0.8)
show(figure, "16_convolution_2", "A checked shirt, and two feature maps. In the first the upright lines and the sides "
     "stand out, red where ink begins from the left, blue where it ends; in the second the level lines.")  # fmt: skip

# %% [markdown]
# Look at the checks: the first question finds the upright lines, the second the level ones. Red is "yes", blue is "no,
# it becomes less". Such kernels are **edge filters**.
#
# `F.conv2d` does the same for many pictures and kernels at once, hence the axes that we give it with `None`. And when
# the picture moves, the answers move with it, and nothing else changes. This is called **equivariance**:

# %%
assert np.allclose(F.conv2d(shirt[None, None], to_the_right[None, None])[0, 0], right_map, atol=1e-5)
before, after = (convolve(on_sheets(digits.x[:1], *move)[0, 0], to_the_right) for move in [(0, 0), (2, 1)])
assert np.array_equal(after[2:, 1:], before[:-2, :-1])
print("a digit moved by (2, 1) has the same map, moved by (2, 1)")

# %% [markdown]
# That is the answer to the question at the top: nothing has to be learned again where the *same weights* are used.
#
# ## How many answers?
#
# A 3 × 3 window has 26 places in 28 pixels, so the map is smaller than the picture. Two settings change that.
# **Padding** $p$ puts so many zeros around the picture, on all four sides. The **stride** $s$ is how far the window
# moves from one question to the next. With $n$ pixels and a kernel of $k$ there are
#
# $$ \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1 \tag{2} $$
#
# answers along an axis. The brackets mean: round down. Why? The first window begins at 0, the last one at $n + 2p - k$
# or before, and between them are steps of $s$.
#
# > **Predict.** How many for 28 pixels and a kernel of 3 with padding 1? With stride 2 as well?

# %%
for kernel, padding, stride, expected in [(3, 1, 1, 28), (3, 1, 2, 14), (5, 2, 1, 28), (4, 0, 4, 7)]:
    y = F.conv2d(shirt[None, None], np.ones((1, 1, kernel, kernel), np.float32), stride=stride, padding=padding)
    print(f"kernel {kernel}, padding {padding}, stride {stride}: {y.shape[2]} × {y.shape[3]}")
    assert y.shape[2] == y.shape[3] == (28 + 2 * padding - kernel) // stride + 1 == expected  # formula (2)

# %% [markdown]
# With padding 1 it stays 28 pixels, as large as the picture; with stride 2 as well, 14.
#
# ## Several questions, and questions about answers
#
# A layer asks several questions, and each gives a map, a channel of its output. The next layer asks about these maps:
# its window takes the same place in all of them, so each of its kernels has a slice for each channel. With $c$ for the
# channel that comes in, and $o$ for the one that goes out, (1) becomes
#
# $$ y_{oij} = b_o + \sum_c \sum_u \sum_v w_{ocuv}\; x_{c,\,i+u,\,j+v} . \tag{3} $$
#
# That is all of `nn.Conv2d`. Here it is with 3 channels in and 2 out. (The letters in `einsum` name the axes, as in the
# formula; `e` counts the examples, and over letters that don't come back after the arrow one sums.)

# %%
tl.manual_seed(0)
layer = nn.Conv2d(3, 2, 3)
x = np.random.default_rng(0).random((5, 3, 8, 8), np.float32)
windows = windows_of(x, (3, 3), axis=(2, 3))  # (5, 3, 6, 6, 3, 3): e, c, i, j, u, v
y = np.einsum("ecijuv,ocuv->eoij", windows, layer.weight.data) + layer.bias.data[:, None, None]
parts = np.sum(x[0, :, 2:5, 4:7] * layer.weight.data[0], axis=(1, 2))  # at i = 2, j = 4: what each channel brings
print("weight", layer.weight.shape, "bias", layer.bias.shape, "output", y.shape)
assert np.allclose(layer(x).data, y, atol=1e-5) and np.isclose(parts.sum() + layer.bias.data[0], y[0, 0, 2, 4])

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.9))
arrow = {"arrowstyle": "->", "color": ORANGE, "linewidth": 2}
for c, colours in enumerate(["Reds", "Greens", "Blues"]):
    axes.imshow(x[0, c], cmap=colours, extent=(0, 8, 9 * c + 8, 9 * c))
    axes.imshow(layer.weight.data[0, c], cmap="RdBu_r", extent=(11, 14, 9 * c + 5, 9 * c + 2))
    axes.add_patch(plt.Rectangle((4, 9 * c + 2), 3, 3, fill=False, linewidth=2))
    axes.text(9.5, 9 * c + 3.5, "×", ha="center", va="center", fontsize=14)
    axes.annotate(f"{parts[c]:+.2f}", (29.7, 11.5), (14.5, 9 * c + 3.5), va="center", arrowprops=arrow)
axes.imshow(y[0, 0], cmap="RdBu_r", extent=(26, 32, 15, 9))
axes.add_patch(plt.Rectangle((30, 11), 1, 1, fill=False, linewidth=2))
axes.text(29, 18, f"{parts.sum():.2f}, and with\nthe bias {y[0, 0, 2, 4]:.2f}", ha="center")
axes.set(xlim=(-1, 33), ylim=(27, -1), title="three channels    one kernel, three slices          one map")
axes.set_axis_off()
show(figure, "16_convolution_3", "Three channels with a window of 3 × 3 at the same place in each; beside each the "
     "kernel's slice; three arrows with numbers lead to one place of one map, where they are added.")  # fmt: skip

# %% [markdown]
# Look at the three windows: each lies on its own slice, and what they bring is added to *one* number of *one* map.
#
# > **Predict.** From one picture of 28 × 28 a layer makes 16 maps of 28 × 28. How many parameters has it with 3 × 3
# > kernels? And a Linear layer that makes as many numbers from as many?

# %%
count = sum(p.size for p in nn.Conv2d(1, 16, 3, padding=1).parameters())
linear_count = 784 * (16 * 784) + 16 * 784  # 784 pixels: a weight for each pair of numbers, and the biases
print(f"convolution {count:,}, Linear {linear_count:,}: {linear_count / count:,.0f} times as many")
assert count == 16 * 9 + 16 == 160 and linear_count == 9_847_040 and 28 * 28 == 784

# %% [markdown]
# 160 against nearly ten million. Two ideas save them: a window sees only neighbours, 9 weights instead of 784; and all
# 784 windows share these 9. That is **weight sharing**.
#
# ## Its gradient
#
# What is used several times gets a sum, one part from each use ([lesson 3](03_the_graph.py)). A weight is used at every
# place. Let $g_{ij} = \partial L / \partial y_{ij}$ be the gradient that has arrived at the map. In (1) the weight
# $w_{uv}$ is multiplied by $x_{i+u,\,j+v}$, so
#
# $$ \frac{\partial L}{\partial w_{uv}} = \sum_i \sum_j g_{ij}\; x_{i+u,\,j+v} . \tag{4} $$
#
# Look at it: that is (1) again, with $g$ as the kernel. And a pixel lies in several windows. Each brings it $g_{ij}$
# times the weight that lay on it, and what they bring adds up.


# %%
def convolve_vjp(g, image, kernel):
    d_kernel = convolve(image, g)  # formula (4)
    d_image = np.zeros(image.shape)
    for i, j in np.ndindex(g.shape):
        d_image[i : i + kernel.shape[0], j : j + kernel.shape[1]] += g[i, j] * kernel  # what this window brings
    return d_image, d_kernel


rng = np.random.default_rng(0)
report = tl.gradcheck(convolve, rng.standard_normal((5, 6)), rng.standard_normal((3, 2)), vjp=convolve_vjp)
print(str(report).splitlines()[0])
assert report

# %% [markdown]
# (`tl.gradcheck` compares with numerical gradients, [lesson 12](12_trusting_a_gradient.py).) Here is a case to follow
# with a pencil. With $L = \sum y^2$ the gradient at the map is $g = 2y$:
#
# $$ x = \begin{pmatrix} 0 & 1 & 1 \\ 0 & 2 & 3 \\ 1 & 2 & 0 \end{pmatrix} , \quad
# w = \begin{pmatrix} -1 & 1 \\ -1 & 1 \end{pmatrix} , \quad
# g = \begin{pmatrix} 6 & 2 \\ 6 & -2 \end{pmatrix} . $$
#
# > **Predict.** What does the upper right weight get? And the pixel in the middle?

# %%
x = tl.tensor([[[[0, 1, 1], [0, 2, 3], [1, 2, 0]]]], requires_grad=True, name="x", dtype=float)
w = tl.tensor([[[[-1, 1], [-1, 1]]]], requires_grad=True, name="w", dtype=float)
y = F.conv2d(x, w)
L = np.sum(y**2)
y.name, L.name = "y", "L"
g = 2 * y.data[0, 0]
parts = g * x.data[0, 0, :2, 1:]  # each window's g, times the pixel on which the weight lay
d_image, d_kernel = convolve_vjp(g, x.data[0, 0], w.data[0, 0])
print("the weight:", parts.tolist(), "in all", d_kernel[0, 1], "and the pixel:", d_image[1, 1])
assert parts.tolist() == [[6, 2], [12, -6]] and (d_kernel[0, 1], d_image[1, 1]) == (14, 12)
show_page(L, "16_convolution")

# %% [markdown]
# In the four windows the weight lay on 1, 1, 2 and 3: $6 \cdot 1 + 2 \cdot 1 + 6 \cdot 2 - 2 \cdot 3 = 14$. The pixel
# lay under each weight once: $6 \cdot 1 + 2 \cdot (-1) + 6 \cdot 1 - 2 \cdot (-1) = 12$. Step through what the engine
# does, and find both numbers.
#
# ## Putting answers together
#
# A map says *where*. But "is it a 9?" is asked about the whole picture, so the answers must come together. **Max
# pooling** keeps the largest answer in each window of 2 × 2, and halves the map: "was there a yes around here?".
# **Global max pooling** keeps the largest of the whole map: "was there a yes *anywhere*?". Backwards, the largest
# number of a window gets the whole gradient (of several, the first); the others had no influence, and get 0.


# %%
class GlobalMaxPool(nn.Module):
    def forward(self, x):
        return np.max(x, axis=(2, 3))  # (examples, channels)


by_hand = right_map.reshape(13, 2, 13, 2).max(axis=(1, 3))  # 13 × 13 windows of 2 × 2
assert np.array_equal(F.max_pool2d(right_map[None, None], 2)[0, 0], by_hand)

# %% [markdown]
# Pooling also lets later layers see more. What a unit can see of the picture is its **receptive field**. Count along
# one axis. A pixel sees $r = 1$ pixel, itself, and its neighbour is $d = 1$ pixel further on. A layer with kernel $k$
# and stride $s$ changes that to
#
# $$ r \leftarrow r + (k - 1)\, d , \qquad d \leftarrow s\, d . \tag{5} $$
#
# > **Predict.** A convolution of 3 × 3, a pooling of 2 × 2 ($k = s = 2$), a convolution of 3 × 3: how many pixels does
# > a unit of the last map see along an axis?

# %%
figure, axes = plt.subplots(figsize=(6.4, 3))
centres, r, d, rows = np.arange(8.0), 1, 1, ["pixels\nr = 1, d = 1"]
axes.scatter(centres, [0] * 8, color=BLUE, zorder=2)
for height, (name, k, s) in enumerate([("convolution", 3, 1), ("pooling", 2, 2), ("convolution", 3, 1)], start=1):
    seen = windows_of(centres, k)[::s]
    centres = seen.mean(axis=1)
    for centre, window in zip(centres, seen, strict=True):
        axes.plot([[centre] * k, window], [height, height - 1], color=GRAY, linewidth=1)
    axes.scatter(centres, [height] * len(centres), color=BLUE, zorder=2)
    r, d = r + (k - 1) * d, s * d  # formula (5)
    rows.append(f"{name}\nr = {r}, d = {d}")
assert r == 8
axes.set(xlabel="pixel", yticks=range(4), yticklabels=rows)
show(figure, "16_convolution_4", "A tree. The unit at the top is joined to three of the pooling, each of these to two "
     "of the first convolution, and each of those to three pixels: eight pixels in all.")  # fmt: skip

# %% [markdown]
# Look at the picture from the top down: 8 pixels. From the bottom up it is (5): $3$, then $4$ with $d = 2$, then
# $4 + 2 \cdot 2 = 8$. So small questions about the answers to small questions become large ones: this unit sees a
# square as large as a digit.
#
# ## Digits at any place
#
# Now two **CNNs**, convolutional neural networks. `conv_flat` pools once, and then has a Linear layer with weights for
# each place of each map. `conv_max` pools globally: of each map one number is left, 32 in all.


# %%
def conv_flat():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 6 * 6, 10))  # fmt: skip


def conv_max():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=4), nn.ReLU(), nn.Conv2d(16, 32, 3), GlobalMaxPool(),
                         nn.Linear(32, 10))  # fmt: skip


# %% [markdown]
# (Sizes and rates were chosen on validation parts. So here we ask the test digits, all 359 at each place.)
#
# > **Predict.** Both are trained on digits in the middle *only*. Which of them reads digits that are moved? And how
# > does it compare with the MLP that was taught at all 25 places?

# %%
networks = {"MLP": perceptron, "MLP, taught at 25 places": taught}
for make in (conv_flat, conv_max):
    networks[make.__name__] = trained(make, on_sheets(train.x), train.y, steps(8), lr=0.01)
read = {name: all_places(model, test) for name, model in networks.items()}
for name, shares in read.items():
    size = sum(p.size for p in networks[name].parameters())
    print(f"{name:<24} {size:>6,} parameters; in the middle {shares[12]:.3f}, "
          f"at all places {shares.mean():.3f}, from {shares.min():.3f} to {shares.max():.3f}")  # fmt: skip
at_left, at_right = (tl.predict(networks["conv_max"], on_sheets(test.x, 0, right)) for right in (-2, 2))
assert np.allclose(at_left, at_right, atol=1e-3) and read["MLP"].mean() < 0.3 and read["conv_flat"].mean() < 0.35
assert SHORT or np.allclose([read[name].mean() for name in list(read)[1::2]], [0.975, 0.985], atol=0.02)
assert SHORT or min(shares[12] for shares in read.values()) > 0.94

# %% [markdown]
# In the middle all four read 96 to 99 %. At all places the first MLP reads about 20 %, and `conv_flat` a quarter,
# hardly more. Its maps move with the digit, but its Linear layer has learned where to look in them. Equivariance isn't
# enough: what comes *after* must not care about places either. `conv_max` reads the same at all places, though it was
# shown one. (Padding 4, since its receptive field is 5 × 5: so every window that touches the sheet is asked, at the
# edge, too. No second ReLU, since the maximum isn't linear either.)
#
# And the MLP that was taught everywhere? It reads 97 or 98 %, one point less; the standard error of 359 answers is
# nearly as large. So accuracy is the least that a convolution brings here. It needs one picture instead of 25 and a
# quarter of the parameters, and it gives a guarantee: the *same* answer at each place, not only a similar share.
#
# ## Clothes
#
# Now the clothes, with a CNN as one usually builds it: convolution, ReLU, pooling, and that twice; then Dropout
# ([lesson 11](11_overfitting.py)) and a Linear layer. Beside it an MLP, trained for as many epochs.


# %%
def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (examples, 16, 14, 14)
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (examples, 32, 7, 7)
        nn.Dropout(0.3), nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )  # fmt: skip


# %% [markdown]
# > **Predict.** Each thing stands in the middle, and fills its square. Will the CNN be much better than the MLP, a
# > little, or not at all? And with pictures moved two pixels to the right?

# %%
found = {"MLP": [], "CNN": []}
for seed in range(2):
    parts = three_parts(clothes.x[:, None], clothes.y, 10 * seed)
    parts += (data.Dataset(np.roll(parts[2].x, 2, axis=3), parts[2].y),)  # what roll pushes out comes in at the left
    for name, make in [("MLP", lambda: mlp(784)), ("CNN", network)]:
        model = trained(make, parts[0].x, parts[0].y, steps(12), lr=0.002, seed=seed)
        found[name].append([tl.accuracy(tl.predict(model, part.x), part.y) for part in parts])
for name, numbers in found.items():
    print(name, "training {:.2f}, validation {:.2f}, test {:.2f}, moved {:.2f}".format(*np.mean(numbers, axis=0)))

# %%
flat, conv = np.mean(found["MLP"], axis=0), np.mean(found["CNN"], axis=0)
assert conv[3] > flat[3] + (0.02 if SHORT else 0.1)
assert SHORT or np.allclose([flat[2], conv[2], flat[3], conv[3]], [0.815, 0.84, 0.49, 0.69], atol=0.06)
weights = [sum(p.size for p in net.parameters()) for net in (network(), mlp(784))]
products = [784 * 9 * 16 + 14 * 14 * (16 * 9) * 32 + 32 * 7 * 7 * 10, 784 * 128 + 128 * 10]  # each weight, each place
print(f"parameters: {weights[0]:,} and {weights[1]:,}; multiplications: {products[0]:,} and {products[1]:,}")
assert weights == [20_490, 101_770] and products == [1_031_744, 101_632]

# %% [markdown]
# A little: about 84 % of the test pictures against 82 %. The standard error of 400 answers is nearly two points, so two
# seeds hardly prove it. Where nothing moves, an MLP is hard to beat by much: about two points with the digits in the
# middle, and two here. The CNN has a fifth of the parameters, but ten times the multiplications, since each weight is
# used at hundreds of places. Two pixels to the right the MLP falls to about 50 %, the CNN to about 70 %: two poolings
# forgive something, not everything.
#
# ## What the first layer has learned
#
# One likes to show the kernels of a first layer. Here are the 16 of the last CNN, and each as it was *before* training.

# %%
tl.manual_seed(1)
beginning = network()  # with the seed of the last model, so this is how it began
before, after = (net[0].weight.data[:, 0] for net in (beginning, model))
lengths = [np.linalg.norm(kernels, axis=(1, 2)) for kernels in (before, after)]
cosine = np.sum(before * after, axis=(1, 2)) / (lengths[0] * lengths[1])
print(f"cosine of a kernel and its beginning: from {cosine.min():.2f} to {cosine.max():.2f}")
with_right = [np.sum(kernels[4] * to_the_right) / np.linalg.norm(kernels[4]) / 6**0.5 for kernels in (before, after)]
print(f"cosine of kernel 4 and to_the_right: {with_right[0]:.2f} before, {with_right[1]:.2f} after")
assert cosine.min() > 0.7 and cosine.mean() > 0.9
assert abs(with_right[0] - 0.7) < 0.05 and with_right[1] > (0.68 if SHORT else 0.75)

# %%
rows = [before[:8], after[:8], before[8:], after[8:]]
figure, tiles = plt.subplots(4, 8, figsize=(7.2, 4.2))
for (row, column), tile in np.ndenumerate(tiles):
    picture = tile.imshow(rows[row][column], cmap="RdBu_r", vmin=-0.5, vmax=0.5)
    tile.set(xticks=[], yticks=[], title="" if row % 2 else 4 * row + column)
    if column == 0:
        tile.set_ylabel("after" if row % 2 else "before")
figure.colorbar(picture, ax=tiles, label="weight", shrink=0.8)
show(figure, "16_convolution_5", "Sixteen small kernels of 3 × 3 weights, red and blue, each before training and below "
     "it after training. Each looks much the same as before, many a little stronger.")  # fmt: skip

# %% [markdown]
# After training you may see edges, red beside blue. But most of it was there before, by chance. The **cosine** says how
# alike two kernels are: multiply number by number, add up, and divide by both lengths; 1 means "the same but for size".
# Here it is about 0.9 or more. Sixteen random questions are already a fair choice, and the later layers have learned to
# use them. Never say "look what it has learned" without a look at the start. What the questions *find* tells more:
# their 16 maps of a boot, after the ReLU.

# %%
boot = clothes.x[36]
answers = F.relu(model[0](boot[None, None])).data[0]
axes = plots.images(np.concatenate([boot[None], answers / answers.max()]), labels=["boot", *range(16)], columns=6)
show(axes.figure, "16_convolution_6", "A boot and its 16 feature maps. Some show the whole boot, darker or lighter, "
     "some the paper around it, some only edges, at the front, the back or the sole, and some nothing.")  # fmt: skip
assert answers.shape == (16, 28, 28) and answers.min() == 0

# %% [markdown]
# Kernel 4, blue at the left and red at the right, is like our `to_the_right`: the cosine was 0.7 before training and is
# 0.8 now. Its map shows where the boot begins. Others show the boot itself, the paper around it, or next to nothing.
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *Channels last.* Many files have the shape (examples, height, width, channels). tinydl wants
# > the channels second, and says what to write. Write that, `moveaxis`, and not `reshape`: a reshape gives the right
# > shape with the wrong numbers in it, and nothing complains. How to notice: draw one channel.

# %%
coloured = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)  # channels last
try:
    nn.Conv2d(3, 16, 3)(coloured)
except ValueError as error:
    print(error)
moved, reshaped = np.moveaxis(coloured, -1, 1), coloured.reshape(5, 3, 8, 8)
assert np.array_equal(moved[0, 2], coloured[0, :, :, 2]) and not np.array_equal(reshaped[0, 2], moved[0, 2])

# %% [markdown]
# > **What goes wrong.** *The pooling throws away what is asked for.* Suppose somebody wants to know whether a digit
# > lies at the left or at the right. No training teaches `conv_max` that: its last layer gets the same 32 numbers in
# > both cases. How to notice: say what must *not* matter in your question, and let the pooling forget that, and no
# > more. For "which digit" the place doesn't matter. For "where is it" it is all ([excursion 1](e1_where_is_it.py)).
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_output_size`, formula (2) with dilation; `ex_feature_map`, formula
# (3) for one map; `ex_max_pool`, the gradient of a pooling. **Dilation** spreads a kernel: with dilation 2 its weights
# lie 2 pixels apart, so that $k$ of them reach over $2\,(k - 1) + 1$ pixels.
#
# 1. Is the start of the first layer enough? Train `network` on the clothes with `requires_grad = False` for the
#    parameters of its first layer. What is lost?
# 2. Find a kernel from its answers. Take 200 clothes and their maps by `to_the_right`, and train
#    `nn.Conv2d(1, 1, 3, bias=False)` on these pairs with `F.mse_loss` (Adam, rate 0.05, 20 epochs). Does it come back?
# 3. Lay the digits on sheets of 48 × 48. Which of the networks can read them at all, without new training? Then
#    put a mean (`np.mean`) in the place of the largest answer, train for 40 epochs, and ask the same.
#
# <details><summary>What you should find</summary>
#
# **1.** About two points: 82 and not 84 % of the test pictures. Random questions do most of the work, but the little
# that the first layer changes seems to help.
#
# **2.** Yes: each weight comes within 0.1 of the one that made the maps.
#
# **3.** The MLPs and `conv_flat` raise ValueError: their Linear layers have a weight for each place of a sheet of
# 12 × 12. `conv_max` reads them as before. With the mean it reads some 80 % on the small sheets and guesses
# on the large ones: most of the mean comes from paper, and now there is much more of it.
#
# </details>
#
# ## Where this lives in tinydl
#
# * `tinydl/nn/convolution.py`: `Conv2d` and its relatives; `tinydl/nn/pooling.py`: `MaxPool2d`.
# * `tinydl/functional/convolution.py`: `conv2d`, and the sentences about axes and channels.
# * `tinydl/derivatives/convolution.py`: (3) and its gradients, made fast; `tinydl/derivatives/pooling.py`: the pooling.
#
# Next: [lesson 17](17_deep_networks.py), where many such layers are put on each other, and at first it gets worse.
