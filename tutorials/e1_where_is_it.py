# %% [markdown]
# # E1. Where is it?
#
# A network says *what* is in a picture. How can it say *where*, when there may be one digit or four?
#
# A picture with several things in it asks for a list, and nobody knows its length beforehand. But a layer always gives
# the same number of numbers. Here is a way out. This excursion lies off the way: you may skip it.
#
# *You need:* convolution and pooling ([lesson 16](16_convolution.py)), how data are divided
# ([lesson 9](09_digits.py)).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, RED, SHORT, show, steps

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## Boxes as numbers
#
# `data.scenes` puts one to four digits on a sheet of 32 × 32 pixels, and adds noise. We divide the *digits* first, so
# that those in the test scenes are new. (Nothing is chosen on this page, so it does without a validation set.)

# %%
old_digits, new_digits = data.split(data.digits(images=True), 0.75, seed=0, stratify=True)
images, boxes = data.scenes(3000, seed=0, digits=old_digits)
test_images, test_boxes = data.scenes(500, seed=1, digits=new_digits)
print("in the first scene:", boxes[0])
assert boxes[0][0] == (7, 12, 6, 8, 8) and len(boxes[0]) == 4 and images.shape == (3000, 32, 32)


# %%
def draw(axes, image, true, said=()):
    axes.imshow(image, cmap="gray_r", extent=(0, 32, 32, 0))  # x to the right, y down, as boxes have it
    for scene, color, line in ((true, GREEN, "--"), (said, RED, "-")):
        for label, x, y, width, height in scene:
            axes.add_patch(plt.Rectangle((x, y), width, height, fill=False, edgecolor=color, linestyle=line, lw=2))
            if scene is said:
                axes.text(x, y if y > 4 else y + height + 4, label, color=color, weight="bold", va="bottom")
    axes.set(xticks=range(0, 33, 8), yticks=range(0, 33, 8), xlabel="x, in pixels")


figure, row = plt.subplots(1, 3, figsize=(7.5, 2.8), sharey=True)
for axes, image, scene in zip(row, images, boxes, strict=False):
    draw(axes, image, scene)
row[0].set_ylabel("y, in pixels")
show(figure, "e1_where_is_it_1", "Three grey, noisy squares with four digits, two and one: 3, 7, 1 and 8; 6 and 8; 2. "
     "Around each digit is a dashed green box of 8 by 8 pixels.")  # fmt: skip

# %% [markdown]
# Look at the 7 in the first scene. It is `(7, 12, 6, 8, 8)`: the class 7, then its **box**, `(x, y, width, height)`: it
# begins 12 pixels from the left and 6 from the top. How near is one box to another? Compare the area that they have in
# common, their *intersection*, with the area that they cover together, their *union*. This is called **intersection
# over union**, or IoU. For boxes $A$ and $B$ with the areas $|A|$ and $|B|$:
#
# $$ \text{IoU} = \frac{|A \cap B|}{|A \cup B|}
#    = \frac{|A \cap B|}{|A| + |B| - |A \cap B|} . \tag{1} $$
#
# $A \cap B$ is the part in both. The sum $|A| + |B|$ counts it twice, so once is taken away. Equal boxes have an IoU of
# 1, boxes apart of 0.
#
# > **Predict.** A box of 8 × 8 is one pixel too far to the right, and one too low. What is its IoU with the true box?


# %%
def iou(a, b):
    (ax, ay, aw, ah), (bx, by, bw, bh) = a, b
    width = min(ax + aw, bx + bw) - max(ax, bx)  # up to the first right edge, from the last left edge
    height = min(ay + ah, by + bh) - max(ay, by)
    both = max(width, 0) * max(height, 0)  # less than 0 would be a gap
    return both / (aw * ah + bw * bh - both)


true, near, far = (12, 6, 8, 8), (13, 7, 8, 8), (14, 8, 8, 8)
assert np.isclose(iou(true, near), 49 / 79) and np.isclose(iou(true, far), 36 / 92)
assert iou(true, true) == 1 and iou(true, (21, 15, 8, 8)) == 0 and (32 - 8 + 1) ** 2 == 625  # of that see below

# %%
figure, row = plt.subplots(1, 2, figsize=(6, 3), sharey=True)
for axes, other in zip(row, (near, far), strict=True):
    for (x, y, width, height), color in ((true, GREEN), (other, RED)):
        axes.add_patch(plt.Rectangle((x, y), width, height, facecolor=color, edgecolor=color, alpha=0.35, lw=2))
    axes.set(xlim=(10, 24), ylim=(18, 4), aspect="equal", xlabel="x", title=f"IoU {iou(true, other):.2f}")
row[0].set_ylabel("y")
show(figure, "e1_where_is_it_2", "Twice a green and a red square of 8 by 8 that overlap. Moved by one pixel in both "
     "directions, the IoU is 0.62; moved by two, 0.39.")  # fmt: skip

# %% [markdown]
# $7 \cdot 7 = 49$ pixels are in both, $64 + 64 - 49 = 79$ in one or the other: 0.62, for a single pixel. Two pixels
# each way make 0.39. Look how much the boxes still overlap there: IoU is strict.
#
# ## Sixteen cells, four questions each
#
# Now the trick. Divide the scene into 4 × 4 **cells** of 8 × 8 pixels, and let each answer for itself. It has four
# questions: *Does the centre of a digit lie in me? Of which class? How far to the right in me? How far down?* (Width
# and height would be two more. Here all boxes are 8 × 8.) The number of answers is fixed; the list is as long as there
# are cells that say "yes". These are the right answers:

# %%
CELL, SIZE = 8, 8  # of a cell, and of a box


def grid(boxes):
    y = np.zeros((len(boxes), 4, 32 // CELL, 32 // CELL), np.float32)  # scene, question, row of cells, column
    y[:, 1] = -100  # "no class": F.cross_entropy leaves it out
    for n, scene in enumerate(boxes):
        for label, left, top, width, height in scene:
            column, right = divmod((left + width / 2) / CELL, 1)  # which cell, and how far in it, from 0 to 1
            row, down = divmod((top + height / 2) / CELL, 1)
            y[n, :, int(row), int(column)] = 1, label, right, down
    return y


targets = grid(boxes)
print(targets[0, 0])  # the answers to the first question, in the first scene
assert targets[0, :, 1, 2].tolist() == [1, 7, 0, 0.25] and targets[:, 0].sum() == sum(map(len, boxes)) == 5823

# %% [markdown]
# The centre of that 7 is at $x = 16$, $y = 10$. In cells that is 2 and 1.25: row 1, column 2, and there 0 to the right
# and 0.25 down. Compare the four ones with the picture.
#
# The network is like those of [lesson 16](16_convolution.py). Three poolings make a map of 4 × 4 from 32 × 32 pixels,
# with 64 channels. A convolution of 1 × 1 turns the 64 numbers of each cell into 13: one for "is there one?", ten
# scores, two for the place. (`BatchNorm2d` keeps the numbers between layers at a good size. More of it at the end.)

# %%
tl.manual_seed(0)
model = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(48, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 13, 1),
)  # fmt: skip
outputs = model(images[:8, None])  # None: the axis of channels
assert outputs.shape == (8, 13, 4, 4)

# %% [markdown]
# Yes or no costs the binary cross-entropy, the class the cross-entropy (both [lesson 7](07_likelihood.py)), the place
# the squared error ([lesson 6](06_linear_regression.py)). The loss is their sum:
#
# $$ L = L_\text{there} + L_\text{class} + 5\, L_\text{place} . \tag{2} $$
#
# The 5 is a choice: squared errors of numbers from 0 to 1 are small. But what of a cell with nothing in it? It has no
# class and no place, so what it says of them must cost nothing. The last two parts are means over the cells with a
# digit only. One calls that a **mask**: the parts of the other cells are multiplied by 0.


# %%
def loss(outputs, y):
    there = y[:, 0]  # 1 or 0: the target of the first question, and the mask of the others
    missed = (F.sigmoid(outputs[:, 11:]) - y[:, 2:]) ** 2
    return (
        F.binary_cross_entropy_with_logits(outputs[:, 0], there)
        + F.cross_entropy(outputs[:, 1:11], y[:, 1].astype(int))  # its mask is the −100
        + 5 * (there[:, None] * missed).sum() / (2 * there.sum())
    )


outputs = tl.tensor(outputs.data, requires_grad=True)
loss(outputs, targets[:8]).backward()
slopes = np.abs(outputs.grad.data)  # of the first output in all cells, of the others only where there is a digit
assert np.all(slopes[:, 0] > 0) and np.array_equal(slopes[:, 1:].max(axis=1) > 0, targets[:8, 0] == 1)

# %% [markdown]
# The gradient shows the masks: in an empty cell only the first output learns. Now train. (`steps(6)` is 6; only the
# project's own tests, which run each page at each change, take a tenth.)

# %%
optimizer = optim.Adam(model.parameters(), lr=0.003)
batches, epochs = data.batches((images[:, None], targets), 32), steps(6)
history = tl.fit(model, batches, loss=loss, optimizer=optimizer, epochs=epochs, progress=False,
                 schedule=optim.CosineAnnealingLR(optimizer, epochs * len(batches), per="step"))  # fmt: skip
assert history["loss"][-1] < (3.2 if SHORT else 0.15)

# %% [markdown]
# ## From answers back to boxes
#
# For the place, the cell in row $i$ and column $j$ says two numbers, $t_x$ and $t_y$. The sigmoid $\sigma$ brings them
# between 0 and 1, and a box begins half its size before its centre: at $x = 8\,(j + \sigma(t_x)) - 4$ and
# $y = 8\,(i + \sigma(t_y)) - 4$. The sigmoid of the cell's first output is its **confidence**. Above a **threshold**,
# at first $\tfrac12$, it is a yes.


# %%
def find(images, threshold=0.5):
    outputs, found = tl.predict(model, images[:, None]), [[] for _ in images]
    confidence, place = F.sigmoid(outputs[:, 0]), F.sigmoid(outputs[:, 11:])
    for n, i, j in zip(*np.nonzero(confidence > threshold), strict=True):
        x, y = CELL * (place[n, :, i, j] + (j, i)) - SIZE / 2  # as above
        found[n].append((confidence[n, i, j], (int(outputs[n, 1:11, i, j].argmax()), x, y, SIZE, SIZE)))
    return [[box for _, box in sorted(scene, reverse=True)] for scene in found]  # the surest first


figure, row = plt.subplots(1, 3, figsize=(7.5, 2.8), sharey=True)
for axes, *scene in zip(row, test_images, test_boxes, find(test_images[:3]), strict=False):
    draw(axes, *scene)
show(figure, "e1_where_is_it_3", "Three new scenes with the true boxes, green and dashed, and those that the network "
     "found, red, with the class that it says. All but one lie within a pixel or so of each other.")  # fmt: skip

# %% [markdown]
# Look at the red boxes: they lie within a pixel or two of the dashed ones. Now count. A red box is *right* if it has an
# IoU of at least $\tfrac12$ with a true box that no other has found yet. One can be bad in two ways, so there are two
# numbers:
#
# * **precision**: of the boxes that the network *said*, which part is right?
# * **recall**: of the digits that *are there*, which part was found?


# %%
def count(found, boxes):
    hits = []  # of each box that is right: its IoU, and whether the class is right, too
    for said, scene in zip(found, boxes, strict=True):
        left = list(scene)
        for box in said:
            fits = [true for true in left if iou(box[1:], true[1:]) >= 0.5]
            if fits:
                left.remove(fits[0])
                hits.append((iou(box[1:], fits[0][1:]), box[0] == fits[0][0]))
    return hits, sum(map(len, found)), sum(map(len, boxes))


hits, said, there = count(find(test_images), test_boxes)
precision, recall, (overlap, right_class) = len(hits) / said, len(hits) / there, np.mean(hits, axis=0)
print(f"{len(hits)} right of {said} said and {there} there; mean IoU {overlap:.2f}; class right {right_class:.3f}")
assert there == 958 and abs(overlap - (0.76 if SHORT else 0.82)) < 0.04
assert SHORT or (abs(precision - 0.97) < 0.02 and abs(recall - 0.95) < 0.025 and abs(right_class - 0.95) < 0.03)

# %% [markdown]
# There are 958 digits. The network says some 940 boxes, of which about 97 % are right: its precision. With these it has
# found about 95 % of the digits: its recall. The right boxes have a mean IoU of about 0.82, and about 95 % of them have
# the right class, too.
#
# ## The threshold, and saying things twice
#
# If a centre lies near the border of two cells, both may say "yes", and one digit gets two boxes. The cure is called
# **non-maximum suppression**: go through the boxes, the surest first, and drop each that overlaps one already kept.
#
# > **Predict.** With a threshold of 0.9 a cell speaks only if it is quite sure. Is precision higher or lower than with
# > $\tfrac12$? And recall? What happens at 0.05, without and with the cure?


# %%
def without_doubles(said, most=0.3):
    kept = []
    for box in said:
        if all(iou(box[1:], other[1:]) <= most for other in kept):
            kept.append(box)
    return kept


thresholds, curve, cured = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9), [], []
for threshold in thresholds:
    found = find(test_images, threshold)
    for results, lists in ((curve, found), (cured, [without_doubles(said) for said in found])):
        hits, said, there = count(lists, test_boxes)
        results.append((len(hits) / there, len(hits) / max(said, 1)))  # recall, precision

# %%
curve, cured = np.array(curve), np.array(cured)
figure, axes = plt.subplots(figsize=(6, 3.6))
axes.plot(*curve.T, "o-", color=BLUE, label="as the cells say it")
axes.plot(*cured.T, "s--", color=ORANGE, label="without doubles")
for threshold, point in zip(thresholds, curve, strict=True):
    axes.annotate(f"{threshold}", point, (-7, -3), textcoords="offset points", ha="right", va="top", color=GRAY)
axes.set(xlabel="recall", ylabel="precision", title="Thresholds from 0.9 to 0.05", xmargin=0.08, ymargin=0.08)
axes.legend(loc="lower left")
show(figure, "e1_where_is_it_4", "Precision over recall. With a lower threshold recall rises from 0.87 to 0.98 and "
     "precision falls from 0.98 to 0.87. Without doubles precision stays at 0.98.")  # fmt: skip
assert curve[0, 0] > curve[4, 0] > curve[7, 0] and (SHORT or curve[7, 1] > curve[4, 1] > curve[0, 1])
assert SHORT or (0.84 < curve[7, 0] < 0.91 and curve[7, 1] > 0.96 and curve[0, 0] > 0.96 and curve[0, 1] < 0.9)
assert SHORT or (cured[2].min() > 0.96 and cured[0, 1] > 0.95)

# %% [markdown]
# Follow the blue curve. At 0.9 nearly all that is said is right, but some 12 % of the digits aren't found. At 0.05
# nearly all are found, but more than a tenth of what is said is wrong. Which is better depends on what a false alarm
# costs, and what a miss. So give both numbers, or the curve. The orange one shows what the false alarms were: mostly
# doubles. Without them a threshold of 0.2 gives more than 96 % of both. (The price: of things that really overlap, the
# cure drops some.)
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *The data never ask for what use will.* Our digits keep so far apart that no two centres share
# > a cell, and none is cut off by the edge. No score above says anything about either.
#
# > **Predict.** Two boxes overlap by 3 pixels. First, both centres lie in one cell. Then all is moved by 4 pixels, and
# > they lie in two. Of the 400 digits in 200 such scenes, how many will be found, each time?


# %%
def placed(*lefts, n=200):
    rng = np.random.default_rng(0)
    wide = 0.1 * rng.standard_normal((n, 32, 48), np.float32)  # 8 pixels more on either side, to be cut off
    for x in lefts:
        wide[:, 12:20, 8 + x : 16 + x] += rng.permutation(new_digits.x)[:n]
    return wide[:, :, 8:40], [[("", x, 12, 8, 8) for x in lefts]] * n


# %%
share = {}
figure, row = plt.subplots(1, 3, figsize=(7.5, 2.9), sharey=True)
for axes, (title, lefts) in zip(row, {"one cell": (5, 10), "two cells": (9, 14), "cut": (-3,)}.items(), strict=True):
    scenes, there = placed(*lefts)
    share[title] = len(count(find(scenes), there)[0]) / 200 / len(lefts)
    draw(axes, scenes[133], there[133], find(scenes[133:134])[0])  # one that shows it well
    axes.set(title=f"{title}: {share[title]:.0%} found", xlim=(-4, 32))
    axes.grid(color=GRAY, lw=0.5)
show(figure, "e1_where_is_it_5", "Three scenes with the lines between cells. Two digits in one cell get one box; in "
     "two cells each has its own. A digit cut by the left edge gets a box too far to the right.")  # fmt: skip
assert share["one cell"] < 0.55 and share["cut"] < 0.45
assert SHORT or (share["one cell"] > 0.38 and share["two cells"] > 0.75)

# %% [markdown]
# Look at the left scene: a cell can say one thing only, so two digits get one box, and about half are found. Moved by 4
# pixels, more than three quarters are found. So cells must be smaller than things are apart. On the right a digit is
# cut, as the network has never seen one: with 3 pixels missing it misplaces most. With more than 4, no cell has the
# centre in it. How to notice: make scenes with the trouble in them, look, and count.
#
# ## Other roads
#
# The obvious way is to cut out all $25 \cdot 25 = 625$ places of a box, and to ask a classifier what is in each, with
# "nothing" as an eleventh class. R-CNN (2013) cut out fewer: an older method proposed some 2,000 *regions* a picture,
# and a convolutional network looked at each. That was good, and slow. Fast R-CNN (2015) computed the maps of the whole
# picture once and cut the regions out of these; Faster R-CNN (2015) let a small network propose the regions, too. YOLO
# (2015, "you only look once") had a grid instead of regions, and one pass for all; ours is a simple form of it.
#
# ## Exercises
#
# One checks itself, with `tinydl learn`: `ex_iou`, the IoU of each box of one array with each of another.
#
# 1. Make the cells 16 pixels large: `CELL = 16`, and one `nn.MaxPool2d(2)` more before the last two convolutions. How
#    many of the 5,823 digits lose their cell to another? Which recall do you expect at best? Train, and compare.
#
# <details><summary>What you should find</summary>
#
# **1.** 387, or 7 %; of the test digits 65, so recall is at most 93 %. It came out as 70 %, precision as 75 %. For the
# places are less exact, too: the same part of a cell is twice as many pixels now, and few pixels cost a box its ½.
#
# </details>
#
# ## Where this lives in tinydl
#
# * `tinydl/data/detection.py`: `scenes`. `benchmarks/networks/detection.py` trains longer, with several seeds.
# * `tinydl/functional/losses.py`: `cross_entropy` with its −100, and `binary_cross_entropy_with_logits`.
#
# Back to the way: take the four `BatchNorm2d` out, and the same six epochs find nearly as many digits, but name far
# more of them wrongly. What this layer does is told in [lesson 17](17_deep_networks.py).
