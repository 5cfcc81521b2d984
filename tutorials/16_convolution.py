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
from _lesson import SHORT, show, show_page, steps

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F

windows_of = np.lib.stride_tricks.sliding_window_view

# %% [markdown]
# ## One pixel to the right
#
# We lay the digits of [lesson 9](09_digits.py), 8 × 8 pixels, on sheets of 12 × 12, in the middle. So there is room to
# move them by two pixels in each direction. The sheets get one axis more: images will have the shape (examples,
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
# `compile=True` only makes it faster, [lesson 15](15_your_step_as_a_program.py).)


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
taught = trained(lambda: mlp(144), at_each, np.tile(train.y, 25), epochs=5, lr=0.003)
print(f"{len(at_each):,} examples; read, averaged over all places: {all_places(taught, valid).mean():.2f}")
assert abs(all_places(taught, valid).mean() - 0.95) < 0.03 and len(at_each) == 25 * 1150 == 28_750

# %% [markdown]
# About 95 %, after learning each stroke 25 times. There must be a better way.
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
# map**. (In mathematics this is a *correlation*: a convolution would turn the kernel round first. A network that learns
# its kernels doesn't care, and the whole field says convolution.)
#
# In a picture $x$ the kernel $w$ has rows and columns. The answer at row $i$ and column $j$ is
#
# $$ y_{ij} = \sum_k \sum_l w_{kl}\; x_{i+k,\,j+l} , \tag{1} $$
#
# where $k$ and $l$ count the kernel's rows and columns, from 0. In words: lay the kernel on the picture, its upper left
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
     "stand out, red where ink begins from left to right, blue where it ends; in the second the level "
     "lines.")  # fmt: skip

# %% [markdown]
# Look at the checks: the first question finds the upright lines, the second the level ones. Red is "yes", blue is "no,
# it becomes less". Such kernels are **edge filters**.
#
# `F.conv2d` does the same for many pictures and kernels at once, hence the axes that we give it with `None`. And when
# the picture moves, the answers move with it. Nothing else changes:

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
# $$ y_{oij} = b_o + \sum_c \sum_k \sum_l w_{ockl}\; x_{c,\,i+k,\,j+l} . \tag{3} $$
#
# That is all of `nn.Conv2d`. Here it is with 3 channels in and 2 out. (The letters in `einsum` name the axes, as in the
# formula; `n` counts the examples, and over letters that don't come back after the arrow one sums.)

# %%
tl.manual_seed(0)
layer = nn.Conv2d(3, 2, 3)
x = np.random.default_rng(0).random((5, 3, 8, 8), np.float32)
windows = windows_of(x, (3, 3), axis=(2, 3))  # (5, 3, 6, 6, 3, 3): n, c, i, j, k, l
y = np.einsum("ncijkl,ockl->noij", windows, layer.weight.data) + layer.bias.data[:, None, None]
print("weight", layer.weight.shape, "bias", layer.bias.shape, "output", y.shape)
assert np.allclose(layer(x).data, y, atol=1e-5) and y.shape == (5, 2, 6, 6)

# %% [markdown]
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
# $w_{kl}$ is multiplied by $x_{i+k,\,j+l}$, so
#
# $$ \frac{\partial L}{\partial w_{kl}} = \sum_i \sum_j g_{ij}\; x_{i+k,\,j+l} . \tag{4} $$
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
# (`tl.gradcheck` compares with numerical gradients, [lesson 12](12_trusting_a_gradient.py).) The engine has the same.
# Here is a case to follow with a pencil: five numbers, three weights, and $L = \sum y^2$.
#
# > **Predict.** The map is $(-1, 8, -1)$, so $g = 2y = (-2, 16, -2)$. What does the first weight get?

# %%
x = tl.tensor([[[1, 2, 0, 3, 1]]], requires_grad=True, name="x", dtype=float)
w = tl.tensor([[[1, -1, 2]]], requires_grad=True, name="w", dtype=float)
y = F.conv1d(x, w)  # along a sequence: (examples, channels, length)
L = np.sum(y**2)
y.name, L.name = "y", "L"
backward = str(tl.explain(L)).split("\nbackward: ")[1].splitlines()
start = next(i for i, line in enumerate(backward) if "y = conv" in line)
print("\n".join(backward[start : backward.index("", start)]))
L.backward()
dx, dw = convolve_vjp(np.array([[-2.0, 16, -2]]), x.data[0], w.data[0])
assert np.allclose(x.grad.data[0], dx) and np.allclose(w.grad.data[0], dw) and w.grad.data[0, 0, 0] == 30

# %% [markdown]
# The first weight lay on 1, 2 and 0: $-2 \cdot 1 + 16 \cdot 2 - 2 \cdot 0 = 30$. (In what `tl.explain` prints, `<-`
# means "gets"; `conv_weight` is (4), and `conv_input` our loop.) And here is a small picture with a 2 × 2 kernel and a
# ReLU, to step through. Watch the pixel in the middle of $x$, which all four windows use.

# %%
x = tl.tensor([[[[0, 1, 1], [0, 2, 0], [1, 2, 0]]]], requires_grad=True, name="x", dtype=float)
w = tl.tensor([[[[-1, 1], [-1, 1]]]], requires_grad=True, name="w", dtype=float)
y = F.conv2d(x, w)
L = np.sum(F.relu(y) ** 2)
y.name, L.name = "y", "L"
show_page(L, "16_convolution")

# %% [markdown]
# ## Putting answers together
#
# A map says *where*. But "is it a 9?" is asked about the whole picture, so the answers must come together. **Max
# pooling** keeps the largest answer in each window of 2 × 2, and halves the map: "was there a yes around here?".
# Backwards, the largest number of a window gets the whole gradient (of several, the first); the others had no
# influence, and get 0.
#
# Pooling also lets later layers see more. What a unit can see of the picture is its **receptive field**. A pixel sees
# $r = 1$ pixel in each direction, and its neighbour is $d = 1$ pixel further on. A layer with kernel $k$ and stride $s$
# changes that to
#
# $$ r \leftarrow r + (k - 1)\, d , \qquad d \leftarrow s\, d . \tag{5} $$
#
# > **Predict.** A convolution of 3 × 3, a pooling of 2 × 2 ($k = s = 2$), a convolution of 3 × 3: how many pixels does
# > a unit of the last map see, in each direction?

# %%
x = tl.tensor(np.random.default_rng(0).random((1, 1, 28, 28)), requires_grad=True, dtype=np.float32)
maps = nn.Conv2d(1, 16, 3)(x)  # (1, 16, 26, 26)
pooled = F.max_pool2d(maps, 2)
assert np.array_equal(pooled.data, maps.data.reshape(1, 16, 13, 2, 13, 2).max(axis=(3, 5)))  # the same by hand
nn.Conv2d(16, 8, 3)(pooled)[0, :, 5, 5].sum().backward()  # one place of the last maps: which pixels have an influence?
rows, columns = (np.ptp(axis) + 1 for axis in np.nonzero(x.grad.data[0, 0]))  # ptp: the largest minus the smallest
r, d = 1, 1
for kernel, stride in [(3, 1), (2, 2), (3, 1)]:
    r, d = r + (kernel - 1) * d, stride * d  # formula (5)
print(f"by (5) {r} pixels; the gradient isn't 0 in {rows} rows and {columns} columns")
assert r == rows == columns == 8

# %% [markdown]
# $3$, then $4$ with $d = 2$, then $4 + 2 \cdot 2 = 8$: it sees a square as large as a digit. So small questions about
# the answers to small questions become large ones.
#
# ## Digits at any place
#
# Now two networks for the digits. The first pools once, and then has a Linear layer with weights for each place of each
# map. The second keeps of each map the largest answer *anywhere*, 32 numbers in all.


# %%
class LargestAnywhere(nn.Module):
    def forward(self, x):
        return np.max(x, axis=(2, 3))  # (examples, channels)


def with_places():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 6 * 6, 10))  # fmt: skip


def without_places():  # padding 4: so that no window that touches ink is cut off, wherever the digit lies
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=4), nn.ReLU(), nn.Conv2d(16, 32, 3), LargestAnywhere(),
                         nn.Linear(32, 10))  # fmt: skip


# %% [markdown]
# > **Predict.** Both are trained on digits in the middle *only*. Which of them reads digits that are moved?
#
# (`steps(8)` is 8; only the project's own tests, which run each page at each change, take a tenth. The rates, here and
# below, were chosen on the validation parts of other divisions.)

# %%
networks = {"MLP": perceptron}
for make in (with_places, without_places):
    networks[make.__name__] = trained(make, on_sheets(train.x), train.y, steps(8), lr=0.01)
read = {name: all_places(model, valid) for name, model in networks.items()}
for name, shares in read.items():
    print(f"{name:<15} {sum(p.size for p in networks[name].parameters()):>6,} parameters; "
          f"read in the middle {shares[12]:.3f}, at all places {shares.mean():.3f}")  # fmt: skip
assert np.ptp(read["without_places"]) < 0.01 and read["MLP"].mean() < 0.3 and read["with_places"].mean() < 0.35
assert SHORT or (min(shares[12] for shares in read.values()) > 0.94 and read["without_places"].mean() > 0.94)

# %% [markdown]
# In the middle all three read 97 or 98 %. At all places the MLP reads about 20 %, and the first convolutional
# network a quarter, hardly more. Its maps move with the digit, but its Linear layer has learned where to look in them.
# A convolution by itself doesn't care about places; what comes *after* it must not care either. The second network
# reads the same at all places, though it was shown one, and has a quarter of the MLP's parameters.
#
# The validation digits have chosen it, so now the test: with three seeds, each of which also divides the digits anew.

# %%
shares = []
for seed in range(3):
    part, _, unseen = three_parts(digits.x, digits.y, 10 * seed)
    model = trained(without_places, on_sheets(part.x), part.y, steps(8), lr=0.01, seed=seed)
    shares.append(all_places(model, unseen).mean())
print(f"test accuracy at all places: {np.mean(shares):.3f}, standard deviation {np.std(shares, ddof=1):.3f}")
assert abs(np.mean(shares) - 0.985) < (0.6 if SHORT else 0.02)

# %% [markdown]
# Between 98 and 99 %, wherever the digit lies.
#
# ## Clothes
#
# Now the clothes, with a network as one usually builds it: convolution, ReLU, pooling, and that twice; then Dropout
# ([lesson 11](11_overfitting.py)) and a Linear layer. Beside it an MLP, trained for as many epochs.


# %%
def network():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (n, 16, 14, 14)
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (n, 32, 7, 7)
        nn.Dropout(0.3), nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )  # fmt: skip


# %% [markdown]
# > **Predict.** Each thing stands in the middle, and fills its square. Will the convolutional network be much better
# > than the MLP, a little, or not at all? And with pictures moved two pixels to the right?

# %%
found = {"MLP": [], "convolution": []}
for seed in range(2):
    parts = three_parts(clothes.x[:, None], clothes.y, 10 * seed)
    parts += (data.Dataset(np.roll(parts[2].x, 2, axis=3), parts[2].y),)  # the test pictures, to the right
    for name, make in [("MLP", lambda: mlp(784)), ("convolution", network)]:
        model = trained(make, parts[0].x, parts[0].y, steps(12), lr=0.002, seed=seed)
        found[name].append([tl.accuracy(tl.predict(model, part.x), part.y) for part in parts])
for name, numbers in found.items():
    print(name, "training {:.2f}, validation {:.2f}, test {:.2f}, moved {:.2f}".format(*np.mean(numbers, axis=0)))

# %%
flat, conv = np.mean(found["MLP"], axis=0), np.mean(found["convolution"], axis=0)
assert conv[3] > flat[3] + (0.02 if SHORT else 0.1)
assert SHORT or np.allclose([flat[2], conv[2], flat[3], conv[3]], [0.815, 0.84, 0.49, 0.69], atol=0.06)
weights = [sum(p.size for p in net.parameters()) for net in (network(), mlp(784))]
products = [784 * 9 * 16 + 14 * 14 * (16 * 9) * 32 + 32 * 7 * 7 * 10, 784 * 128 + 128 * 10]  # each weight, each place
print(f"parameters: {weights[0]:,} and {weights[1]:,}; multiplications: {products[0]:,} and {products[1]:,}")
assert weights == [20_490, 101_770] and products == [1_031_744, 101_632]

# %% [markdown]
# A little: about 84 % of the test pictures against 82 %. The standard error of 400 answers is nearly two points, so two
# seeds hardly prove it. It has a fifth of the parameters, but ten times the multiplications, since each weight is used
# at hundreds of places. Where nothing moves, an MLP is hard to beat. Two pixels to the right it falls to about 50 %,
# the convolutions to about 70 %: two poolings forgive something, not everything.
#
# ## What the first layer has learned
#
# One likes to show the kernels of a first layer. Here are the 16 of the last network, and the same *before* training.

# %%
tl.manual_seed(1)
beginning = network()  # with the seed of the last model, so this is how it began
alike = [np.corrcoef(beginning[0].weight.data[k].ravel(), model[0].weight.data[k].ravel())[0, 1] for k in range(16)]
figure, both = plt.subplots(1, 2, figsize=(7.2, 3.2))
for axes, net, when in zip(both, (beginning, model), ("before training", "after training"), strict=True):
    plots.weights(net[0].weight, axes, columns=4).set_title(f"16 kernels, {when}")
show(figure, "16_convolution_3", "Two tables of 4 × 4 small kernels of 3 × 3 weights, red and blue, before and after "
     "training. Each kernel on the right looks much the same as its like on the left.")  # fmt: skip
print(f"correlation of a kernel with its beginning: from {min(alike):.2f} to {max(alike):.2f}")
assert min(alike) > 0.7 and np.mean(alike) > 0.9

# %% [markdown]
# On the right you may see edges, red beside blue. But most of it was there before, by chance: the correlation of a
# kernel with its beginning (1 means "the same but for size") is about 0.9 or more. Sixteen random questions are already
# a fair choice, and the later layers have learned to use them. Never say "look what it has learned" without a look at
# the start. What the questions *find* tells more. Here are the 16 maps of a boot, after the ReLU.

# %%
boot = clothes.x[36]
answers = F.relu(model[0](boot[None, None])).data[0]
axes = plots.images(np.concatenate([boot[None], answers / answers.max()]), labels=["boot", *range(16)], columns=6)
show(axes.figure, "16_convolution_4", "A boot and its 16 feature maps. Some show the whole boot, darker or lighter, "
     "some the paper around it, some only edges, at the front, the back or the sole, and some nothing.")  # fmt: skip
assert answers.shape == (16, 28, 28) and answers.min() == 0

# %% [markdown]
# Some are nearly the boot itself, some the paper around it, some only its edges, and some next to nothing.
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *Channels last.* Many files and libraries have (n, height, width, channels). tinydl wants the
# > channels second, and says what to write. Write that, `moveaxis`, and not `reshape`: a reshape gives the right shape
# > with the wrong numbers in it, and nothing complains. How to notice: draw one channel.

# %%
coloured = np.random.default_rng(0).random((5, 8, 8, 3), np.float32)  # channels last
try:
    nn.Conv2d(3, 16, 3)(coloured)
except ValueError as error:
    print(error)
moved, reshaped = np.moveaxis(coloured, -1, 1), coloured.reshape(5, 3, 8, 8)
assert np.array_equal(moved[0, 2], coloured[0, :, :, 2]) and not np.array_equal(reshaped[0, 2], moved[0, 2])

# %% [markdown]
# > **What goes wrong.** *The size after the last pooling, guessed.* Somebody forgets that a convolution without padding
# > makes the map smaller: 8 becomes 6, and the pooling makes 3 of it, not 4. How to notice: it raises. Then ask all
# > layers but the last for their shape, and write it beside them, as in `network`.

# %%
guessed = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * 4 * 4, 10))
try:
    guessed(digits.x[:5, None])
except ValueError as error:
    print(error)
assert nn.Sequential(*list(guessed)[:3])(digits.x[:5, None]).shape == (5, 4, 3, 3)  # after the pooling

# %% [markdown]
# > **What goes wrong.** *The pooling throws away what is asked for.* Suppose somebody wants to know whether a digit
# > lies at the left or at the right. No last layer can tell that from what our best network gives it: these numbers
# > are the same in both cases.

# %%
features = nn.Sequential(*list(networks["without_places"])[:-1])  # all but the Linear layer
at_left, at_right = (tl.predict(features, on_sheets(test.x, 0, move)) for move in (-2, 2))
print(f"{at_left.size:,} features, largest difference {abs(at_left - at_right).max():.1e}")
assert np.allclose(at_left, at_right, atol=1e-4)

# %% [markdown]
# How to notice: say what must *not* matter in your question, and let the pooling forget that, and no more. For "which
# digit" the place doesn't matter. For "where is it" it is everything ([excursion 1](e1_where_is_it.py)).
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_output_size`, formula (2) with dilation; `ex_feature_map`, formula
# (3) for one map; `ex_max_pool`, the gradient of a pooling. **Dilation** $d$ spreads a kernel: its weights lie $d$
# pixels apart, so that $k$ of them reach over $d\,(k - 1) + 1$ pixels.
#
# 1. Is the start of the first layer enough? Train `network` on the clothes with `requires_grad = False` for the
#    parameters of its first layer. What is lost?
# 2. Find a kernel from its answers. Take 200 clothes and their maps by `to_the_right`, and train
#    `nn.Conv2d(1, 1, 3, bias=False)` on these pairs with `F.mse_loss` (Adam, rate 0.05, 20 epochs). Does it come back?
# 3. Lay the digits on sheets of 48 × 48. Which of the three networks can read them at all, without new training? Then
#    put a mean (`np.mean`) in the place of the largest answer, train for 40 epochs, and ask the same.
#
# <details><summary>What you should find</summary>
#
# **1.** About two points: 82 and not 84 % of the test pictures. Random questions do most of the work, but the little
# that the first layer changes seems to help.
#
# **2.** Yes: each weight comes within 0.1 of the one that made the maps. A network finds edge filters where they are of
# use.
#
# **3.** The MLP and `with_places` raise ValueError: their Linear layers have a weight for each place of a sheet of
# 12 × 12. `without_places` reads them as before, 97 %. With the mean it reads some 80 % on the small sheets and guesses
# on the large ones: most of the mean comes from paper, and now there is much more of it.
#
# </details>
#
# ## Where this lives in tinydl
#
# * `tinydl/nn/convolution.py`: `Conv2d` and its relatives; `tinydl/nn/pooling.py`: `MaxPool2d`.
# * `tinydl/functional/convolution.py`: `conv2d`, and the sentences about axes and channels.
# * `tinydl/derivatives/convolution.py`: (3) and its gradients, made fast; `tinydl/derivatives/pooling.py`: the pooling.
# * `tinydl/plots/network.py`: `weights` and `images`.
#
# Next: [lesson 17](17_deep_networks.py), where many such layers are put on each other, and at first it gets worse.
