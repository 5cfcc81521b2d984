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
from tinydl import data, nn, optim
from tinydl import functional as F

windows_of = np.lib.stride_tricks.sliding_window_view
bare = {"xticks": [], "yticks": [], "frame_on": False}  # for pictures without axes

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
# digits that it reads at each of 25 places. The rate goes down along a cosine ([lesson 10](10_optimizers.py)), and
# `compile=True` only makes it faster ([lesson 15](15_your_step_as_a_program.py)).
#
# > **Predict.** Trained on digits in the middle, it reads about 97 % of others in the middle. How many if each is one
# > pixel further to the right? And one pixel down as well?


# %%
def mlp(inputs):
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 10))


def trained(make, x, y, epochs, lr, seed=0, loss=F.cross_entropy):
    tl.manual_seed(seed)
    model = make()
    optimizer = optim.Adam(model.parameters(), lr=lr)
    tl.fit(model, data.Dataset(x, y), loss=loss, optimizer=optimizer, epochs=epochs, seed=seed,
           schedule=optim.CosineAnnealingLR(optimizer, epochs), progress=False, compile=True)  # fmt: skip
    return model


def all_places(model, part):
    return np.array([tl.accuracy(tl.predict(model, on_sheets(part.x, *move)), part.y) for move in moves])


# %%
in_the_middle = on_sheets(train.x)
perceptron = trained(lambda: mlp(144), in_the_middle, train.y, epochs=15, lr=0.003)
table = all_places(perceptron, valid).reshape(5, 5)  # rows: down; columns: right
print(f"in the middle {table[2, 2]:.2f}, one to the right {table[2, 3]:.2f}, one down as well {table[3, 3]:.2f}")
for down, right in [(0, 1), (1, 1)]:
    shared_ink = np.minimum(on_sheets(valid.x), on_sheets(valid.x, down, right))  # on each pixel the lighter of two
    print(f"moved by ({down}, {right}): {shared_ink.sum() / valid.x.sum():.0%} of the ink lies where ink was before")
assert abs(table[2, 2] - 0.97) < 0.02 and table[2, 3] < 0.6 and table[3, 3] < 0.2

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
right_side.set(xticks=range(-2, 3), yticks=range(-2, 3))
show(figure, "16_convolution_1", "A digit in the middle of its sheet, and the same one pixel down and to the right, "
     "with what the MLP says. A table: 97 % in the middle, half beside it, elsewhere 3 to 29 %.")  # fmt: skip

# %% [markdown]
# One pixel to the right, and less than half remain right; one down as well, and it guesses. You see no
# difference, and nearly half of the ink even lies where ink was before. But the rest meets weights that have learned
# something else. Show it each training digit at all 25 places, and it learns them. (`steps(20)` is 20; the project's
# own tests take a tenth.)

# %%
at_each = np.concatenate([on_sheets(train.x, *move) for move in moves])
taught = trained(lambda: mlp(144), at_each, np.tile(train.y, 25), steps(20), lr=0.003)
share = all_places(taught, valid).mean()
print(f"{len(at_each):,} examples; read, averaged over all places: {share:.2f}")
assert share > (0.85 if SHORT else 0.95)

# %% [markdown]
# About 97 %, after learning each stroke 25 times. Could it be enough to learn it once?
#
# ## A small question
#
# Begin with one row of pixels, and a small question about three neighbours: *does the ink become more from left to
# right?* The answer is (right minus left), so the question is three weights, $-1$, $0$ and $1$. Three neighbours are a
# **window**. `sliding_window_view` gives all windows, and each gets the same three weights:

# %%
pixels = np.array([0.0, 0, 1, 1, 1, 0, 0])
question = np.array([-1.0, 0, 1])
answers = windows_of(pixels, 3) @ question
print(windows_of(pixels, 3).tolist(), "give", answers)
assert answers.tolist() == [1, 1, 0, -1, -1]

# %% [markdown]
# Five windows, five answers: positive where ink begins, negative where it ends, 0 where nothing changes. Such weights
# are called a **kernel**. Asking its question everywhere is a **convolution**, and the answers are a **feature map**.
#
# In a picture $x$ the kernel $w$ has rows and columns. The answer at row $i$ and column $j$ is
#
# $$ y_{ij} = \sum_u \sum_v w_{uv}\; x_{i+u,\,j+v} , \tag{1} $$
#
# where $u$ and $v$ count the kernel's rows and columns, from 0. In words: lay the kernel on the picture, its upper left
# corner at $(i, j)$, multiply what lies on each other, and add up.


# %%
def convolve(image, kernel):
    windows = windows_of(image, kernel.shape)  # windows[i, j] is the window at (i, j)
    return np.sum(windows * kernel, axis=(2, 3))  # formula (1), for all i and j at once


to_the_right = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], np.float32)
downwards = to_the_right.T
clothes = data.fashion(images=True)  # 2,000 pictures from a catalogue, 28 × 28, ten kinds of clothes
shirt = clothes.x[11]
right_map, down_map = convolve(shirt, to_the_right), convolve(shirt, downwards)
print("clothes", clothes.x.shape, "windows", windows_of(shirt, (3, 3)).shape, "map", right_map.shape)

# %%
figure, (left, *others) = plt.subplots(1, 3, figsize=(7.2, 2.9), subplot_kw=bare)
left.imshow(shirt, cmap="gray_r")
left.set_title("a shirt")
for axes, feature_map, title in zip(others, [right_map, down_map], ["more to the right?", "more below?"], strict=True):
    picture = axes.imshow(feature_map, cmap="RdBu_r", vmin=-2.2, vmax=2.2)
    axes.set_title(title)
figure.colorbar(picture, ax=others, label="answer", shrink=0.8)
show(figure, "16_convolution_2", "A checked shirt, and two feature maps. In the first the upright lines and the sides "
     "stand out, in the second the level lines: red where ink begins, blue where it ends.")  # fmt: skip

# %% [markdown]
# Look at the checks: the first question finds the upright lines, the second the level ones. Red is "yes", blue is "no,
# it becomes less". Such kernels are **edge filters**.
#
# `F.conv2d` does the same for many pictures and kernels at once, hence the axes that we give it with `None`. And when
# the picture moves, the answers move with it, and nothing else changes, as long as windows are asked at every place.
# This is called **equivariance**. (In mathematics a convolution turns the kernel round first, and so does
# `np.convolve`. In deep learning nobody does, and the name stayed.)

# %%
assert np.allclose(F.conv2d(shirt[None, None], to_the_right[None, None])[0, 0], right_map, atol=1e-5)
map_in_the_middle = convolve(on_sheets(digits.x[:1])[0, 0], to_the_right)
map_moved = convolve(on_sheets(digits.x[:1], down=2, right=1)[0, 0], to_the_right)
assert np.array_equal(map_moved[2:, 1:], map_in_the_middle[:-2, :-1])

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
for size, padding, stride in [(3, 1, 1), (3, 1, 2), (5, 2, 1), (4, 0, 4)]:
    kernel = np.ones((1, 1, size, size), np.float32)
    height, width = F.conv2d(shirt[None, None], kernel, stride=stride, padding=padding).shape[2:]
    print(f"kernel {size}, padding {padding}, stride {stride}: {height} × {width}")
    assert height == width == (28 + 2 * padding - size) // stride + 1  # formula (2)

# %% [markdown]
# With padding 1 it stays 28, as large as the picture; with stride 2 as well, 14.
#
# ## Several questions, and questions about answers
#
# A layer asks several questions, and each gives a map, a channel of its output. The next layer asks about these maps:
# its window takes the same place in all of them, so each of its kernels has a slice for each channel. With $c$ for the
# channel that comes in, and $o$ for the one that goes out, (1) becomes
#
# $$ y_{oij} = b_o + \sum_c \sum_u \sum_v w_{ocuv}\; x_{c,\,i+u,\,j+v} . \tag{3} $$
#
# That is all of `nn.Conv2d`. Here are 3 random channels in, and 2 out. We follow the answer at $o = 0, i = 2, j = 4$.

# %%
tl.manual_seed(0)
layer = nn.Conv2d(3, 2, 3)
weight, bias = layer.weight.data, layer.bias.data
channels = np.random.default_rng(0).random((5, 3, 8, 8), np.float32)  # five examples
output = layer(channels).data
brought = np.sum(
    channels[0, :, 2:5, 4:7] * weight[0], axis=(1, 2)
)  # by each channel of example 0: the sums over u and v
print("weight", weight.shape, "bias", bias.shape, "output", output.shape)
assert np.isclose(brought.sum() + bias[0], output[0, 0, 2, 4])

# %%
signed = {"cmap": "RdBu_r", "vmin": -0.5, "vmax": 0.5}
figure, tiles = plt.subplots(2, 4, figsize=(7.2, 3.9), subplot_kw=bare)
for c in range(3):
    tiles[0, c].imshow(channels[0, c], cmap="gray_r", vmin=0, vmax=1)
    tiles[0, c].add_patch(plt.Rectangle((3.5, 1.5), 3, 3, fill=False, edgecolor=ORANGE, linewidth=3))
    tiles[0, c].set_title(f"channel {c}")
    drawn = tiles[1, c].imshow(weight[0, c], **signed)
    tiles[1, c].set(title=f"slice {c}", xlabel=f"window × slice\n= {brought[c]:+.2f}")
tiles[0, 3].imshow(output[0, 0], **signed)
tiles[0, 3].add_patch(plt.Rectangle((3.5, 1.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=3))
tiles[0, 3].set(title="map 0", xlabel=f"sum {brought.sum():+.2f}\nbias {bias[0]:+.2f}")
tiles[1, 3].set_axis_off()
figure.colorbar(drawn, ax=tiles[1, 3], location="left", label="weight, or answer")
show(figure, "16_convolution_3", "Three channels with a frame of 3 × 3 at the same place in each; below each the "
     "kernel's slice and what it brings; then one map, a frame at the place where the three are added.")  # fmt: skip

# %% [markdown]
# Look at the three windows: each has its own slice, and what they bring is added up to *one* number of *one* map.
#
# > **Predict.** From one picture of 28 × 28 a layer makes 16 maps of 28 × 28. How many parameters has it with 3 × 3
# > kernels? And a Linear layer that makes as many numbers from as many?

# %%
conv_count = sum(p.size for p in nn.Conv2d(1, 16, 3, padding=1).parameters())
linear_count = 784 * (16 * 784) + 16 * 784  # 784 = 28 × 28: a weight for each pair of numbers, and the biases
print(f"convolution {conv_count:,}, Linear {linear_count:,}: {linear_count / conv_count:,.0f} times as many")
assert conv_count == 16 * 9 + 16 == 160

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
assert tl.gradcheck(convolve, rng.standard_normal((5, 6)), rng.standard_normal((3, 2)), vjp=convolve_vjp)

# %% [markdown]
# (`tl.gradcheck` compares with numerical gradients, [lesson 12](12_trusting_a_gradient.py).) Here is a case to follow
# with a pencil. With $L = \sum y^2$ the gradient at the map is $g = 2y$:
#
# $$ x = \begin{pmatrix} 0 & 1 & 1 \\ 0 & 2 & 3 \\ 1 & 2 & 0 \end{pmatrix} , \quad
# w = \begin{pmatrix} -1 & 1 \\ -1 & 1 \end{pmatrix} , $$
#
# $$ g = \begin{pmatrix} 6 & 2 \\ 6 & -2 \end{pmatrix} . $$
#
# > **Predict.** What does the upper right weight get? And the pixel in the middle?

# %%
x = tl.tensor([[[[0, 1, 1], [0, 2, 3], [1, 2, 0]]]], requires_grad=True, name="x", dtype=float)
w = tl.tensor([[[[-1, 1], [-1, 1]]]], requires_grad=True, name="w", dtype=float)
y = F.conv2d(x, w)
L = np.sum(y**2)
y.name, L.name = "y", "L"
d_image, d_kernel = convolve_vjp(2 * y.data[0, 0], x.data[0, 0], w.data[0, 0])
print("the weight:", d_kernel[0, 1], "and the pixel:", d_image[1, 1])
assert (d_kernel[0, 1], d_image[1, 1]) == (14, 12)
show_page(L, "16_convolution")

# %% [markdown]
# In the four windows the weight lay on 1, 1, 2 and 3: $6 \cdot 1 + 2 \cdot 1 + 6 \cdot 2 - 2 \cdot 3 = 14$. The pixel
# lay under each weight once: $6 \cdot 1 + 2 \cdot (-1) + 6 \cdot 1 - 2 \cdot (-1) = 12$. Step through what the engine
# does, and find both numbers in the last step. There `conv_weight(x, g, …)` is (4), `conv_input(g, weight, …)` is what
# the pixels get.
#
# ## Putting answers together
#
# A map says *where*. But "is it a 9?" is asked about the whole picture, so the answers must come together. **Max
# pooling** keeps the largest answer in each window of 2 × 2, and halves the map: "was there a yes around here?".
# **Global max pooling** keeps the largest of the whole map: "was there a yes *anywhere*?". Backwards, the largest
# number of a window gets the whole gradient; the others had no influence, and get 0. If several are largest,
# `F.max_pool2d` gives it to the first of them, and `np.max` shares it among them.


# %%
class GlobalMaxPool(nn.Module):
    def forward(self, x):
        return np.max(x, axis=(2, 3))  # (examples, channels)


pooled = F.max_pool2d(right_map[None, None], 2)[0, 0]
assert pooled.shape == (13, 13) and pooled[0, 0] == right_map[:2, :2].max()
for pool in (nn.MaxPool2d(2), GlobalMaxPool()):
    equal = tl.tensor(np.ones((1, 1, 2, 2)), requires_grad=True)  # all four are largest
    np.sum(pool(equal)).backward()
    print(type(pool).__name__, "gives the four equal numbers", equal.grad.data.ravel())

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
centres, r, d, names = np.arange(8.0), 1, 1, ["pixels\nr = 1, d = 1"]
axes.scatter(centres, [0] * 8, color=BLUE, zorder=2)
for height, (name, k, s) in enumerate([("convolution", 3, 1), ("pooling", 2, 2), ("convolution", 3, 1)], start=1):
    seen = windows_of(centres, k)[::s]
    centres = seen.mean(axis=1)
    for centre, window in zip(centres, seen, strict=True):
        axes.plot([[centre] * k, window], [height, height - 1], color=GRAY, linewidth=1)
    axes.scatter(centres, [height] * len(centres), color=BLUE, zorder=2)
    r, d = r + (k - 1) * d, s * d  # formula (5)
    names.append(f"{name}\nr = {r}, d = {d}")
assert r == 8
axes.set(xlabel="pixel", yticks=range(4), yticklabels=names)
show(figure, "16_convolution_4", "A tree. The unit at the top is joined to three of the pooling, each of these to two "
     "of the first convolution, and each of those to three pixels: eight pixels in all.")  # fmt: skip

# %% [markdown]
# Look at the picture from the top down: 8 pixels. From the bottom up it is (5): $3$, then $4$ with $d = 2$, then
# $4 + 2 \cdot 2 = 8$. So small questions about the answers to small questions become large ones.
#
# ## Digits at any place
#
# Now two **CNNs**, convolutional neural networks. `conv_flat` pools once, and then has a Linear layer with weights for
# each place of each map. `conv_max` pools globally: of each map one number is left, 32 in all.
#
# By (5) an answer of the second layer of `conv_max` sees 5 × 5 pixels. Padding 4 lays so much paper around the sheet
# that each square of 5 × 5 that touches the sheet is asked. That is enough for both layers, so the second has padding
# 0. Zeros around *its* maps wouldn't be paper: at paper the first layer answers its bias.
#
# > **Predict.** Both are trained on digits in the middle *only*. Which of them reads digits that are moved? And how
# > does it compare with the MLP that was taught at all 25 places?


# %%
def conv_flat():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 6 * 6, 10))  # fmt: skip


def conv_max():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=4), nn.ReLU(), nn.Conv2d(16, 32, 3), GlobalMaxPool(),
                         nn.Linear(32, 10))  # fmt: skip


# %%
networks = {"MLP": perceptron, "MLP, taught at 25 places": taught}
for make in (conv_flat, conv_max):
    networks[make.__name__] = trained(make, in_the_middle, train.y, steps(8), lr=0.01)
read = {name: all_places(model, test) for name, model in networks.items()}  # settings were chosen without test digits
for name, shares in read.items():
    size = sum(p.size for p in networks[name].parameters())
    print(f"{name:<24} {size:>6,} parameters; in the middle {shares[12]:.3f}, "
          f"at all places {shares.mean():.3f}, from {shares.min():.3f} to {shares.max():.3f}")  # fmt: skip
at_left, at_right = (tl.predict(networks["conv_max"], on_sheets(test.x, 0, right)) for right in (-2, 2))
assert np.allclose(at_left, at_right, atol=1e-3)
assert read["MLP"].mean() < 0.3 and read["conv_flat"].mean() < 0.35
assert SHORT or np.allclose([read["MLP, taught at 25 places"].mean(), read["conv_max"].mean()], 0.98, atol=0.02)

# %% [markdown]
# In the middle all four read 96 to 99 %. At all places the first MLP reads about 20 %, and `conv_flat` a quarter,
# hardly more. Its maps move with the digit, but its Linear layer has learned where to look in them. Equivariance isn't
# enough: what comes *after* must not care about places either. `conv_max` was shown one place, and reads all alike.
#
# The MLP that was taught everywhere reads 97 or 98 %, one point less; the standard error of 359 answers is nearly as
# large. So accuracy is the least that a convolution brings here. It needs one picture instead of 25 and a quarter of
# the parameters. And while the whole digit lies on the sheet it gives a guarantee: the *same* answer at each place.
#
# But how does `conv_max` read a 9, if it sees only 5 × 5 pixels at once, less than a digit? It collects the answers to
# 32 questions of the kind "is this piece *anywhere*?", and the last layer decides by these.
#
# > **Predict.** Cut each sheet in two, and lay blank paper between the halves: first with the upper half above, then
# > with the lower half above. Does `conv_max` see a difference?

# %%
sheets = on_sheets(test.x)
upper, lower = sheets[:, :, :6], sheets[:, :, 6:]
in_order = np.concatenate([upper, np.zeros_like(upper), lower], axis=2)
swapped = np.concatenate([lower, np.zeros_like(upper), upper], axis=2)
right_order, wrong_order = (tl.predict(networks["conv_max"], cut) for cut in (in_order, swapped))
print(f"read: {tl.accuracy(right_order, test.y):.2f}, and in the wrong order {tl.accuracy(wrong_order, test.y):.2f}")
assert np.allclose(right_order, wrong_order, atol=1e-3)
assert SHORT or abs(tl.accuracy(right_order, test.y) - 0.66) < 0.12

# %% [markdown]
# None: the same pieces in another order read the same. The pieces at the cut are lost, and still it reads about two
# thirds: which pieces there are tells much about a digit.
#
# ## Clothes
#
# Now the clothes, with a CNN as one usually builds it: convolution, ReLU, pooling, and that twice; then Dropout
# ([lesson 11](11_overfitting.py)) and a Linear layer. `network(stride=2)` halves its maps by a stride, without
# pooling, and is the same in all else. Beside them an MLP, trained for as many epochs.
#
# > **Predict.** Each thing stands in the middle, and fills its square. Will the CNN be much better than the MLP, a
# > little, or not at all? And with pictures moved two pixels to the right?


# %%
def network(stride=1):
    pool = nn.MaxPool2d(2) if stride == 1 else nn.Identity()
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride, padding=1), nn.ReLU(), pool,  # (examples, 16, 14, 14)
        nn.Conv2d(16, 32, 3, stride, padding=1), nn.ReLU(), pool,  # (examples, 32, 7, 7)
        nn.Dropout(0.3), nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )  # fmt: skip


# %%
makers = {"MLP": lambda: mlp(784), "strided": lambda: network(stride=2), "CNN": network}
found = {name: [] for name in makers}
for seed in range(2):
    clothes_train, _, clothes_test = three_parts(clothes.x[:, None], clothes.y, 10 * seed)
    moved = np.roll(clothes_test.x, 2, axis=3)  # what it pushes out comes in at the left
    for name, make in makers.items():
        model = trained(make, clothes_train.x, clothes_train.y, steps(12), lr=0.002, seed=seed)
        found[name].append([tl.accuracy(tl.predict(model, x), clothes_test.y) for x in (clothes_test.x, moved)])
means = {name: np.mean(pairs, axis=0) for name, pairs in found.items()}
for name, (in_place, after_move) in means.items():
    print(f"{name:<8} test pictures {in_place:.2f}, moved {after_move:.2f}")
assert SHORT or np.allclose(list(means.values()), [[0.815, 0.49], [0.805, 0.54], [0.84, 0.69]], atol=0.07)

# %% [markdown]
# A little: about 84 % of the test pictures against 82 %. The standard error of 400 answers is nearly two points, so two
# seeds hardly prove it. Two pixels to the right the MLP falls to about 50 %, the CNN to about 70 %. With strides
# instead, the same convolutions fall to about 54 %. So here it is mostly the pooling that forgives a move.
#
# ## What the first layer has learned
#
# One likes to show the kernels of a first layer, after training. We look at those of the last CNN, and at what each was
# *before*. How much of an edge is a kernel? Lay it on `to_the_right`, multiply, and add up: its answer at an edge.

# %%
tl.manual_seed(1)
beginning = network()  # with the seed of the last model, so this is how it began
before, after = beginning[0].weight.data[:, 0], model[0].weight.data[:, 0]
edge_before, edge_after = (np.sum(kernels * to_the_right, axis=(1, 2)) for kernels in (before, after))
change = np.linalg.norm(after - before, axis=(1, 2)) / np.linalg.norm(before, axis=(1, 2))
for n in (4, 13, 10):
    print(f"kernel {n}: answer at an edge {edge_before[n]:.2f}, then {edge_after[n]:.2f}; changed by {change[n]:.0%}")
assert SHORT or (change[[4, 13]].min() > 0.5 and edge_after[13] > 2 * edge_before[13])
assert change[10] == 0 and F.relu(model[0](clothes_train.x)).data[:, 10].max() == 0

# %%
shown, boot = [4, 13, 8, 14, 9, 10], clothes.x[36]
boot_maps = F.relu(model[0](boot[None, None])).data[0, shown]
rows = [("before", before[shown], signed), ("after", after[shown], signed),
        ("map of a boot", boot_maps, {"cmap": "gray_r", "vmin": 0, "vmax": 1.2})]  # fmt: skip
figure, tiles = plt.subplots(3, 6, figsize=(7.2, 3.9), subplot_kw={"xticks": [], "yticks": []})
for row_of_tiles, (name, pictures, colours) in zip(tiles, rows, strict=True):
    for tile, picture in zip(row_of_tiles, pictures, strict=True):
        drawn = tile.imshow(picture, **colours)
        tile.spines[:].set_visible(True)
    figure.colorbar(drawn, ax=row_of_tiles)
    row_of_tiles[0].set_ylabel(name)
for tile, n in zip(tiles[0], shown, strict=True):
    tile.set_title(n)
show(figure, "16_convolution_5", "Six kernels of 3 × 3 weights before training and after it, and under each its map of "
     "a boot: some of its edges, the whole boot, the paper around it, or nothing.")  # fmt: skip

# %% [markdown]
# Look at the kernels: after training some are edges, red beside blue. Kernel 4 was one by chance, and grew. Kernel 13
# was hardly one, and is more of one now: both changed by more than half of their length. But in so short a
# training, 12 epochs on 1,280 pictures, most still look like their beginning.
#
# And kernel 10? It hasn't changed at all. Its answers are negative in every window of every training picture, the ReLU
# makes them 0, and so its gradient is 0: it is **dead**. It looks as good as the others. Only its beginning or its map
# shows that it does nothing. So never say "look what it has learned" without the beginning beside it.
#
# Look at the maps, all on one scale. Kernel 4 shows where the boot begins, as `to_the_right` would. In map 9 the paper
# is grey: there all pixels are 0, so the answer is the bias, and this one is positive.
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
# > lies at the left or at the right. No training teaches `conv_max` that: with its padding the last layer gets the
# > same 32 numbers in both cases. How to notice: say what must *not* matter in your question, and let the pooling
# > forget that, and no more. In "where is it" the place is all ([excursion 1](e1_where_is_it.py)).
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_output_size`, formula (2) with dilation; `ex_feature_map`, formula
# (3) for one map; `ex_max_pool`, the gradient of a pooling. **Dilation** spreads a kernel: with dilation 2 its weights
# lie 2 pixels apart, so that $k$ of them reach over $2\,(k - 1) + 1$ pixels.
#
# 1. Is the start of the first layer enough? Train `network` on the clothes with `requires_grad = False` for the
#    parameters of its first layer. What is lost?
# 2. Find a kernel from its answers. Take 200 clothes and their maps by `to_the_right`. Train on these pairs
#    `nn.Conv2d(1, 1, 3, bias=False)`, with `trained(…, loss=F.mse_loss)`, rate 0.05, 20 epochs. Does it come back?
# 3. Lay the digits on sheets of 48 × 48. Which of the networks can read them at all, without new training? Then
#    put a mean (`np.mean`) in the place of the largest answer, train for 40 epochs, and ask the same.
#
# <details><summary>What you should find</summary>
#
# **1.** About two points: 82 and not 84 % of the test pictures, no more than the MLP. What stays is what the poolings
# bring: of the moved pictures it still reads about 68 %.
#
# **2.** Yes: each weight comes within about 0.2 of the one that made the maps, and after 60 epochs within 0.05.
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
