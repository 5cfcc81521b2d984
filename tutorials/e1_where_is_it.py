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
from _lesson import BLUE, GRAY, GREEN, ORANGE, SHORT, show, steps

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## Boxes as numbers
#
# `data.scenes` puts one to four digits on a sheet of 32 × 32 pixels, and adds noise. We divide the *digits* first, so
# that no digit of the training scenes is in those for validation or for the test.

# %%
train_digits, others = data.split(data.digits(images=True), 0.75, seed=0, stratify=True)
valid_digits, test_digits = data.split(others, 0.5, seed=0, stratify=True)
images, boxes = data.scenes(3000, seed=0, digits=train_digits)
valid_images, valid_boxes = data.scenes(500, seed=1, digits=valid_digits)
test_images, test_boxes = data.scenes(500, seed=2, digits=test_digits)
print("in the first scene:", boxes[0])
assert boxes[0][0] == (7, 12, 6, 8, 8) and len(boxes[0]) == 4 and images.shape == (3000, 32, 32)


# %%
def draw(axes, image, true, said=()):
    axes.imshow(image, cmap="gray_r", extent=(0, 32, 32, 0))  # x to the right, y down, as boxes have it
    for scene, color, line, side in ((true, GREEN, "--", "right"), (said, BLUE, "-", "left")):
        for label, x, y, width, height in scene:
            axes.add_patch(plt.Rectangle((x, y), width, height, fill=False, edgecolor=color, linestyle=line, lw=2))
            place = (x + width * (side == "right"), y if y > 4 else y + height + 4)
            axes.text(*place, label, color=color, weight="bold", ha=side, va="bottom")
    axes.set(xticks=range(0, 33, 8), yticks=range(0, 33, 8), xlabel="x, in pixels")


figure, row = plt.subplots(1, 3, figsize=(7.5, 2.8), sharey=True)
for axes, image, scene in zip(row, images, boxes, strict=False):
    draw(axes, image, scene)
row[0].set_ylabel("y, in pixels")
show(figure, "e1_where_is_it_1", "Three grey, noisy squares with four digits, two and one: 3, 7, 1 and 8; 6 and 8; 2. "
     "Around each digit is a dashed green box of 8 by 8 pixels, with its class.")  # fmt: skip

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
assert iou(true, true) == 1 and iou(true, (21, 15, 8, 8)) == 0

# %%
figure, row = plt.subplots(1, 2, figsize=(6, 3), sharey=True)
for axes, other in zip(row, (near, far), strict=True):
    for (x, y, width, height), color in ((true, GREEN), (other, BLUE)):
        axes.add_patch(plt.Rectangle((x, y), width, height, facecolor=color, edgecolor=color, alpha=0.35, lw=2))
    axes.set(xlim=(10, 24), ylim=(18, 4), aspect="equal", xlabel="x", title=f"IoU {iou(true, other):.2f}")
row[0].set_ylabel("y")
show(figure, "e1_where_is_it_2", "Twice a green and a blue square of 8 by 8 that overlap. Moved by one pixel in both "
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
    missed = ((F.sigmoid(outputs[:, 11:]) - y[:, 2:]) ** 2).mean(axis=1)  # of "right" and "down", in each cell
    return (
        F.binary_cross_entropy_with_logits(outputs[:, 0], there)
        + F.cross_entropy(outputs[:, 1:11], y[:, 1].astype(int))  # its mask is the −100
        + 5 * (there * missed).sum() / there.sum()  # the mean over the cells with a digit
    )


# %% [markdown]
# Now train. (`steps(6)` is 6; only the project's own tests, which run each page at each change, take a tenth.)

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
for n, axes in zip((5, 6, 7), row, strict=True):
    draw(axes, valid_images[n], valid_boxes[n], find(valid_images[n : n + 1])[0])
show(figure, "e1_where_is_it_3", "Three scenes with the true boxes, green and dashed, and those that the network "
     "found, blue, within a pixel or two. A 1 is called 6, and an 8 is called 3.")  # fmt: skip

# %% [markdown]
# Look at the blue boxes: they lie within a pixel or two of the dashed ones, but not all classes are right. (Another
# processor rounds otherwise, and the training ends with other mistakes.) Now count. A blue box is *right* if it has the
# class of a true box that no other has found yet, *and* an IoU of at least $\tfrac12$ with it. One can be bad in two
# ways, so there are two numbers:
#
# * **precision**: of the boxes that the network *said*, which part is right?
# * **recall**: of the digits that *are there*, which part was found?


# %%
def count(found, boxes, least=0.5, classes=True):
    right = 0
    for said, scene in zip(found, boxes, strict=True):
        left = list(scene)
        for box in said:
            fits = [true for true in left if iou(box[1:], true[1:]) >= least and (box[0] == true[0] or not classes)]
            if fits:
                left.remove(fits[0])
                right += 1
    return right / max(sum(map(len, found)), 1), right / sum(map(len, boxes))  # precision, recall


# %%
found = find(valid_images)
precision, recall = count(found, valid_boxes)
place_precision, place_recall = count(found, valid_boxes, classes=False)
print(f"precision {precision:.3f}, recall {recall:.3f}; with any class {place_precision:.3f} and {place_recall:.3f}")
assert SHORT or (abs(precision - 0.92) < 0.03 and abs(recall - 0.9) < 0.03)
assert SHORT or (abs(place_precision - 0.98) < 0.015 and abs(place_recall - 0.97) < 0.02)

# %% [markdown]
# About 92 % of what the network says is right: its precision. With these it has found about 90 % of the digits: its
# recall. If any class will do, it is about 98 and 97 %: it knows *where* better than *what*.
#
# ## The threshold, and saying things twice
#
# If a centre lies near the border of two cells, both may say "yes", and one digit gets two boxes. Nothing in the
# network prevents it: each cell answers for itself. The cure is called **non-maximum suppression**: go through the
# boxes, the surest first, and drop each that overlaps one already kept.


# %%
def without_doubles(said, most=0.3):
    kept = []
    for box in said:
        if all(iou(box[1:], other[1:]) <= most for other in kept):
            kept.append(box)
    return kept


# %%
found = find(valid_images, 0.1)
doubled = [n for n, said in enumerate(found) if len(without_doubles(said)) < len(said)]
print(f"{len(doubled)} of 500 scenes have doubles")
figure, row = plt.subplots(1, 2, figsize=(5.6, 3.3), sharey=True)
n = doubled[0] if doubled and 32 not in doubled else 32
for axes, said, title in zip(row, (found[n], without_doubles(found[n])), ("before", "after"), strict=True):
    draw(axes, valid_images[n], valid_boxes[n], said)
    axes.set_title(title)
show(figure, "e1_where_is_it_4", "The same scene twice, with two digits. Before, one of them has two blue "
     "boxes, which overlap; after, one.")  # fmt: skip
assert SHORT or 30 < len(doubled) < 110

# %% [markdown]
# Look at the digit with two blue boxes: at a threshold of 0.1 two cells have found it, and only the surer one is kept.
# (Surer is not always nearer.) Which threshold is good? We choose it on the validation scenes.
#
# > **Predict.** With a threshold of 0.9 a cell speaks only if it is quite sure. Is precision higher or lower than with
# > $\tfrac12$? And recall? What happens at 0.05, without and with the cure?

# %%
thresholds, curve, cured = np.array((0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9)), [], []
for threshold in thresholds:
    found = find(valid_images, threshold)
    curve.append(count(found, valid_boxes))
    cured.append(count([without_doubles(said) for said in found], valid_boxes))
curve, cured = np.array(curve), np.array(cured)  # in each row precision and recall
best = thresholds[cured.min(axis=1).argmax()]  # where the smaller of the two is largest
print(f"at {thresholds} recall {curve[:, 1].round(2)}, precision {curve[:, 0].round(2)}, cured {cured[:, 0].round(2)}")

# %%
figure, axes = plt.subplots(figsize=(6, 3.6))
axes.plot(curve[:, 1], curve[:, 0], "o-", color=BLUE, label="as the cells say it")
axes.plot(cured[:, 1], cured[:, 0], "s--", color=ORANGE, label="without doubles")
for threshold, (y, x) in zip(thresholds, curve, strict=True):
    axes.annotate(threshold, (x, y), (-7, -3), textcoords="offset points", ha="right", va="top", color=GRAY)
axes.set(xlabel="recall", ylabel="precision", title="Thresholds from 0.9 to 0.05", xmargin=0.08, ymargin=0.08)
axes.legend(loc="lower left")
show(figure, "e1_where_is_it_5", "Precision over recall. With a lower threshold recall rises from 0.83 to 0.92 and "
     "precision falls from 0.93 to 0.82. Without doubles precision stays above 0.9.")  # fmt: skip
assert curve[0, 1] > curve[4, 1] > curve[7, 1] and (SHORT or curve[7, 0] > curve[4, 0] > curve[0, 0])
assert SHORT or (abs(curve[7] - (0.93, 0.83)).max() < 0.04 and abs(curve[0] - (0.82, 0.92)).max() < 0.04)
assert SHORT or (cured[0, 0] > 0.88 and cured[2].min() > 0.89)

# %%
precision, recall = count([without_doubles(said) for said in find(test_images, best)], test_boxes)
print(f"threshold {best}: precision {precision:.3f} and recall {recall:.3f} on the test scenes")
assert SHORT or count(find(valid_images, 0.05), valid_boxes, classes=False)[1] > 0.97  # found, by any class
assert SHORT or (0.35 < (cured[0, 0] - curve[0, 0]) / (1 - curve[0, 0]) < 0.65 and cured[0, 1] > curve[0, 1] - 0.02)
assert SHORT or (0.05 <= best <= 0.4 and abs(precision - 0.93) < 0.03 and abs(recall - 0.93) < 0.03)

# %% [markdown]
# Follow the blue curve. At 0.9 most of what is said is right, but a sixth of the digits aren't found. At 0.05 some 8 %
# are missed, mostly by a wrong class, but almost a fifth of what is said is wrong. Which is better depends on what a
# false alarm costs, and what a miss. So give both numbers, or the curve. (The area under it is **average precision**,
# AP. One takes it for each class by itself; the mean over the classes is *mAP*, the number that you meet in papers.)
#
# At 0.05 the cure takes away about half of what was wrong, as the orange curve shows, and hardly a right box. So the
# threshold may be low. We took the one where the smaller of the two numbers is largest. On the test scenes, used here
# for the first time, both are about 93 %. (The price: of things that really overlap, some go, too.)
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
    rng, scenes = np.random.default_rng(0), [[] for _ in range(n)]
    wide = 0.1 * rng.standard_normal((n, 32, 48), np.float32)  # 8 pixels more on either side, to be cut off
    for x in lefts:
        chosen = rng.permutation(len(test_digits))[:n]
        wide[:, 12:20, 8 + x : 16 + x] += test_digits.x[chosen]
        for scene, label in zip(scenes, test_digits.y[chosen].tolist(), strict=True):
            scene.append((label, x, 12, 8, 8))
    return wide[:, :, 8:40], scenes


# %%
share = {}
figure, row = plt.subplots(1, 3, figsize=(7.5, 2.9), sharey=True)
for axes, (title, lefts) in zip(row, {"one cell": (5, 10), "two cells": (9, 14), "cut": (-3,)}.items(), strict=True):
    scenes, there = placed(*lefts)
    found = find(scenes)
    share[title] = count(found, there, classes=False)[1]  # the recall, of any class
    draw(axes, scenes[16], there[16], found[16])  # one that shows it well
    axes.set(title=f"{title}: {share[title]:.0%} found", xlim=(-4, 32))
    axes.grid(color=GRAY, lw=0.5)
show(figure, "e1_where_is_it_6", "Three scenes with the lines between cells. Two digits in one cell get one box; in "
     "two cells each has its own. A digit cut by the left edge gets a box too far to the right, or none.")  # fmt: skip
assert share["one cell"] < 0.55 and share["cut"] < 0.45
assert SHORT or (share["one cell"] > 0.38 and share["two cells"] > 0.7)

# %% [markdown]
# Here any class will do. Look at the left scene: a cell can say one thing only, so two digits get one box, and about
# half are found. Moved by 4 pixels, more than three quarters are. So cells must be smaller than things are apart. On
# the right a digit is cut, as the network has never seen one: most it misplaces or misses. With more than 4 pixels cut,
# no cell would have the centre in it. How to notice: make scenes with the trouble in them, look, and count.
#
# ## Other roads
#
# R-CNN (2013) cut some 2,000 *regions*, proposed by an older method, out of each picture, and a convolutional network
# looked at each: slow. Faster R-CNN (2015) computed the maps of the picture once, and a small network proposed regions
# of these. YOLO (2015, "you only look once") has a grid, and one pass for all; ours is a simple form of it.
#
# ## Exercises
#
# One checks itself, with `tinydl learn`: `ex_iou`, the IoU of each box of one array with each of another.
#
# 1. How exact are the boxes? In a new cell at the end, call `count(find(valid_images), valid_boxes, least=…)` with 0.3,
#    0.5, 0.7 and 0.9. First predict: a box that is off by one pixel in both directions has an IoU of 0.62.
#
# <details><summary>What you should find</summary>
#
# **1.** Precision is about 92, 92, 80 and 17 %, recall a point or so less. At 0.7 a pixel in both directions is too
# much already; to have 0.9, a box of 8 × 8 may be off by less than half a pixel. Hence mAP is often the mean over such
# levels too, from 0.5 to 0.95: then exactness counts.
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
