# %% [markdown]
# # 9. A network that reads handwriting
#
# How do you get from data to a program that works, and how do you know how well it works?
#
# You have all the parts: gradients, layers, a loss. Now you build a program that reads handwritten digits, from the raw
# pictures to a file that somebody else can use. Most of the work isn't the network. It is looking at the data, dividing
# them honestly, and looking at the mistakes.
#
# *You need:* layers, batches and the training loop ([lesson 5](05_layers_and_the_loop.py)), softmax and cross-entropy
# ([lesson 7](07_likelihood.py)). You may skip "Looking inside".

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _lesson import ORANGE, show

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F

# %% [markdown]
# ## Station 1: the data
#
# 1,797 digits, written by 13 people, come with tinydl. First of all, **look at them**.

# %%
digits = data.digits(images=True)
print(digits, "from", digits.x.min(), "to", digits.x.max())
axes = plots.images(digits.x[:24], labels=digits.y[:24], columns=12)
axes.set_title("The first 24 digits and their labels")
show(axes.figure, "09_digits_1", "Two rows of twelve small grey images of 8 × 8 pixels with their labels: the digits 0 "
     "to 9 twice, then 0 to 3. Most are easy to read.")  # fmt: skip
assert digits.x.shape == (1797, 8, 8) and digits.x.min() == 0.0 and digits.x.max() == 1.0
assert all(174 <= np.sum(digits.y == digit) <= 183 for digit in range(10))

# %% [markdown]
# An image is 8 × 8 pixels of ink, from 0 (paper) to 1. The file has counts from 0 to 16; dividing by 16 was all the
# pre-processing. The ten classes are about equally frequent, 174 to 183 each, so guessing gets 10 %.
#
# Next we **divide** the data, before anything else is done with them:
#
# * the **training** set: the network learns from it;
# * the **validation** set: *you* learn from it, when you choose among networks;
# * the **test** set: nobody learns from it. It gives one number, when everything has been chosen.

# %%
x, y = data.digits()  # flat, 64 numbers each
rest, test = data.split((x, y), 0.8, seed=0, stratify=True)  # stratify: the same share of each class in both
train, valid = data.split(rest, 0.8, seed=1, stratify=True)
print(len(train), "to train,", len(valid), "to validate,", len(test), "to test")
assert (len(train), len(valid), len(test)) == (1150, 288, 359)

# %% [markdown]
# Before a network, something simple: a number that the network has to beat. Average all training images of each class,
# and call a new image by the average that it is nearest to. The share of right answers is the **accuracy**.

# %%
means = np.array([train.x[train.y == digit].mean(axis=0) for digit in range(10)])  # ten images of 64 pixels


def nearest_mean(image):
    return np.argmin(np.sum((means - image) ** 2, axis=1))


baseline = np.mean([nearest_mean(image) for image in valid.x] == valid.y)
print(f"nearest mean, validation accuracy: {baseline:.3f}")
assert abs(baseline - 0.91) < 0.01

# %% [markdown]
# ## Station 2: training
#
# Between the 64 pixels and the ten scores we put 32 numbers $h$. Each is the output of a neuron, as in
# [lesson 2](02_one_neuron.py), but with a ReLU. One calls these neurons **units**, and together a **hidden layer**:
# from outside one sees the pixels and the scores only.
#
# $$ \begin{aligned} h &= \max(0,\; x W_1^\top + b_1) \\
#    z &= h\, W_2^\top + b_2 \\
#    p &= \operatorname{softmax}(z) \end{aligned} \tag{1} $$
#
# The scores $z$ are logits, and the loss is the cross-entropy, as in [lesson 7](07_likelihood.py).
#
# > **Predict.** How many parameters has this network? And what will its loss be *before* training, when it knows
# > nothing and gives every class about the same probability?


# %%
def network(hidden):
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))


tl.manual_seed(0)
model = network(32)
n_parameters = sum(p.size for p in model.parameters())
untrained = tl.evaluate(model, valid, loss=F.cross_entropy)["loss"]
print(f"{n_parameters} parameters; loss before training {untrained:.3f}, ln 10 = {np.log(10):.3f}")
assert n_parameters == 64 * 32 + 32 + 32 * 10 + 10 == 2410
assert abs(untrained - np.log(10)) < 0.1 and abs(np.log(10) - 2.303) < 0.001

# %% [markdown]
# 2,410 parameters, and a loss of about $\ln 10 = 2.303$, since $-\log \tfrac1{10} = \ln 10$. A first loss that is far
# from that is the first sign of a bug, at no cost.
#
# The second check: can the network learn 10 examples by heart? If not, don't bother with 1,150. Here is the loop of
# [lesson 5](05_layers_and_the_loop.py) once more, with the 10 as the only batch. `Adam` is a relative of SGD, explained
# in [lesson 10](10_optimizers.py).

# %%
tiny = train[:10]
optimizer = optim.Adam(model.parameters(), lr=0.01)
for _ in range(100):
    loss = F.cross_entropy(model(tiny.x), tiny.y)  # what does the model say, and how bad is it?
    optimizer.zero_grad()  # forget the gradients of the step before
    loss.backward()  # the gradient of the loss with respect to each parameter
    optimizer.step()  # change each parameter a little, against its gradient
right = np.mean(tl.predict(model, tiny.x).argmax(axis=1) == tiny.y)  # the largest logit is the answer
print(f"after 100 steps: loss {loss.item():.3f}, {right:.0%} right")
assert right == 1 and loss.item() < 0.05

# %% [markdown]
# It can. Now in earnest, with a fresh network. `tl.fit` runs the same loop over all batches, and after each epoch it
# evaluates the network on the validation set.


# %%
def trained(hidden, lr, seed=0):
    tl.manual_seed(seed)
    model = network(hidden)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    history = tl.fit(model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=15, validation=valid,
                     metrics={"accuracy": tl.accuracy}, seed=seed, progress=False)  # fmt: skip
    return model, history


model, history = trained(32, lr=0.003)
show(history.plot(), "09_digits_2", "Loss and accuracy over 15 epochs. Both losses fall from about 2 to below "
     "0.2, side by side; both accuracies rise to about 96 %.")  # fmt: skip
val_accuracy = history["val_accuracy"][-1]
updates = 15 * len(data.batches(train, 32))
print(f"after {updates} updates: validation accuracy {val_accuracy:.3f}, of the nearest mean {baseline:.3f}")
assert val_accuracy > baseline and abs(val_accuracy - 0.96) < 0.025 and updates == 15 * 36 == 540

# %% [markdown]
# After 15 epochs of 36 batches, which makes 540 updates, about 96 % of the validation digits are read correctly.
#
# ## Station 3: choices, made on the validation set
#
# Why 32 units, why a rate of 0.003? No reason. Let the validation set decide, over a small grid.
#
# > **Predict.** Will the best network of the grid do as well on the test set as it did on the validation set, or
# > better, or worse, on average?

# %%
grid = {}
for hidden in (8, 32, 128):
    for lr in (0.001, 0.01, 0.1):
        candidate, run = trained(hidden, lr)
        grid[hidden, lr] = (run["val_loss"][-1], run["val_accuracy"][-1], candidate)
        print(f"hidden {hidden:>3}, lr {lr:<5}: validation loss {grid[hidden, lr][0]:.3f}")
chosen = min(grid, key=lambda setting: grid[setting][0])  # the one with the smallest validation loss
val_loss, val_accuracy, model = grid[chosen]
print(f"chosen by the validation loss: {chosen[0]} hidden units, lr = {chosen[1]}")
_, wider = trained(512, 0.01)
print(f"512 hidden units, lr = 0.01: validation loss {wider['val_loss'][-1]:.3f}")
assert chosen == (128, 0.01) and wider["val_loss"][-1] > 0.8 * val_loss
assert all(grid[hidden, 0.01][0] < min(grid[hidden, 0.001][0], grid[hidden, 0.1][0]) for hidden in (8, 32, 128))
assert abs(grid[8, 0.001][0] - 0.73) < 0.06 and abs(grid[128, 0.001][0] - 0.17) < 0.04 and grid[8, 0.1][0] > 1

# %% [markdown]
# At each width 0.01 is the best rate. 0.001 is too slow for 15 epochs: the loss is 0.73 with 8 units, 0.17 with 128.
# 0.1 is too fast, and with 8 units a disaster. The winner has 128 units and stands at the *edge* of the grid, so we
# looked one step further: 512 units gain next to nothing.
#
# Now the test set. With other test images the share of right answers would be a little different. How much? For a share
# $p$ of $n$ answers it is the **standard error**
#
# $$ \sqrt{p\,(1 - p) / n} . \tag{2} $$
#
# With $p = 0.99$ and $n = 359$ that is $\sqrt{0.99 \cdot 0.01 / 359} = 0.005$: half a percent. In about two cases of
# three the true share lies within that distance of the one that we count. Why the formula? An answer is 1 with the
# probability $p$, else 0, so its variance is $p(1-p)^2 + (1-p)p^2 = p(1-p)$; the sum of $n$ has $n$ times that
# ([lesson 8](08_initialisation.py)), the sum divided by $n$ has $p(1-p) / n$. The root of that is (2).

# %%
result = tl.evaluate(model, test, loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
share, n = result["accuracy"], len(test)
error_bar = np.sqrt(share * (1 - share) / n)  # formula (2), with the share that we count for p
wrong = round((1 - share) * n)
print(f"test accuracy {share:.3f} ± {error_bar:.3f}, {wrong} of {n} wrong; validation accuracy {val_accuracy:.3f}")
assert abs(share - 0.99) < 0.012 and 0.002 < error_bar < 0.009 and abs(np.sqrt(0.99 * 0.01 / 359) - 0.005) < 0.0005

# %% [markdown]
# About 99 %, give or take half a percent. Now the test set has been used. From here on we only look at its images and
# change nothing more; had we a network still to choose, we would do all this on the validation set.
#
# The test accuracy is a little higher than the validation accuracy. Is it so on average? Take nine networks that differ
# only in their seed, so that none is really the best. Divide the validation and test images anew, 1,000 times: each
# time choose the best of the nine on 288 of them, and ask how good it is on the other 359.

# %%
images, labels = np.concatenate([valid.x, test.x]), np.concatenate([valid.y, test.y])
nine = [trained(32, 0.01, seed=seed)[0] for seed in range(9)]
hits = np.array([tl.predict(candidate, images).argmax(axis=1) == labels for candidate in nine])  # (9, 647)
rng, seen, unseen = np.random.default_rng(0), [], []
for _ in range(1000):
    order = rng.permutation(647)
    shares = hits[:, order[:288]].mean(axis=1)
    best = shares.argmax()
    seen.append(shares[best])
    unseen.append(hits[best, order[288:]].mean())
print(f"best of nine: {np.mean(seen):.3f} where chosen, {np.mean(unseen):.3f} elsewhere; all nine {hits.mean():.3f}")
assert 0.005 < np.mean(seen) - np.mean(unseen) < 0.016 and abs(np.mean(unseen) - hits.mean()) < 0.005

# %% [markdown]
# On average it does *worse*, by about one point, and no better than the nine together: the best of nine is partly the
# luckiest of nine. So a score by which something was chosen is too good. That is why there is a third set.
#
# ## Looking inside
#
# *You may skip this section, up to "Looking at the mistakes".* What does the network look at? Ask for a gradient with
# respect to the *input*: how much would a little more ink in each pixel speak for a 9 against a 4? We picked a 4 that
# is open at the upper right, number 127 of the test set; others show it less clearly.
#
# $$ \frac{\partial}{\partial x} \left(z_9 - z_4\right) . \tag{3} $$

# %%
image = tl.tensor(test.x[127:128], requires_grad=True)  # a batch of one image, a 4
logits = model(image)
(logits[0, 9] - logits[0, 4]).backward()
slope = image.grad.data[0]  # one number per pixel
assert test.y[127] == 4 and slope.argmax() == 2 * 8 + 5  # the largest is in row 2, column 5, counted from 0
assert slope.argmin() == 5 * 8 + 3 and image.data[0, 5 * 8 + 3] == 1  # the smallest in row 5, where the ink is full

# %%
figure, (left, right_side) = plt.subplots(1, 2, figsize=(6.4, 3))
left.imshow(image.data.reshape(8, 8), cmap="gray_r")
left.set_title("a 4 of the test set")
bound = np.abs(slope).max()
picture = right_side.imshow(slope.reshape(8, 8), cmap="RdBu_r", vmin=-bound, vmax=bound)
right_side.set_title("where ink would make it a 9 (red)")
for axes in (left, right_side):
    axes.plot(5, 2, "s", ms=17, mfc="none", mec=ORANGE, mew=2.5)  # the reddest pixel
    axes.set_axis_off()
figure.colorbar(picture, ax=right_side, label="∂(z₉ − z₄) / ∂ink")
show(figure, "09_digits_3", "Left a handwritten 4, open at the upper right. Right its 64 pixels, coloured by how ink "
     "there would change the scores: red, for a 9; blue, for a 4. The reddest lies in the opening.")  # fmt: skip

# %% [markdown]
# The frame marks the reddest pixel: it lies in the opening, where ink would begin to close the head, as in a 9. The
# bluest is black already, a part of the 4's bar: with *less* ink there, the image would be less of a 4. Nobody has told
# the network so. (Not every square fits such a story: the network needn't have our reasons.)
#
# ## Looking at the mistakes
#
# An accuracy is one number. The mistakes are pictures, and teach you more. Here they are, and then the right answers
# about which the network was least sure: its largest probability is its **confidence**.

# %%
scores = tl.predict(model, test.x)  # the logits, a row of ten for each image
said = scores.argmax(axis=1)
confidence = F.softmax(scores).max(axis=1)
mistakes = np.flatnonzero(said != test.y)  # the positions where this is True
correct = np.flatnonzero(said == test.y)
least_sure = correct[np.argsort(confidence[correct])]  # argsort: in which order the confidence grows
shown = np.concatenate([mistakes, least_sure])[:12]
axes = plots.images(test.x[shown].reshape(-1, 8, 8), labels=test.y[shown], predictions=said[shown], columns=6)
axes.set_title(f"The {wrong} mistakes (red), and what was right with the least certainty")
show(axes.figure, "09_digits_4", "Twelve test images with their labels. First the few mistakes, in red, with what the "
     "network said; then the right answers of least confidence. Several are hard to read.")  # fmt: skip
print(f"mean confidence: {confidence[mistakes].mean():.2f} where wrong, {confidence[correct].mean():.2f} where right")
assert len(mistakes) == wrong and confidence[mistakes].mean() < confidence[correct].mean()
assert {20, 112, 241} <= set(shown.tolist())  # the 8, the 5 and the 6

# %% [markdown]
# Look at the three. The loops of the 8 are filled with ink: a thick stroke, as of a 1. In the 5 the gap under the top
# bar is filled, which makes the small head of a 9. The 6 bends back so far at the top that it nearly closes a second
# loop, as in an 8. At 8 × 8 pixels these are hard for you, too. And where the network is wrong it is also less sure, on
# average: a program could hand its doubtful cases to a person.
#
# ## Station 4: deployment
#
# The weights go into a file. Whoever builds the same network and loads it gets the same answers, to the last bit. In
# fact nobody needs tinydl for that. Formula (1) is two matrix products, and the file is an archive of arrays. Their
# names count the layers of `network`: 0 and 2 are linear, 1 is the ReLU. `read_digit` is the whole deployed program.

# %%
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "digits.npz"
    tl.save(model, file)
    elsewhere = network(chosen[0])  # with other random weights
    tl.load(elsewhere, file)
    with np.load(file) as archive:
        parameters = {name: archive[name] for name in archive.files}


def read_digit(pixels):  # (n, 64), ink from 0 to 1
    hidden = np.maximum(pixels @ parameters["0.weight"].T + parameters["0.bias"], 0)
    return (hidden @ parameters["2.weight"].T + parameters["2.bias"]).argmax(axis=1)


print({name: array.shape for name, array in parameters.items()})
assert np.array_equal(tl.predict(elsewhere, test.x), scores) and np.array_equal(read_digit(test.x), said)

# %% [markdown]
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *Other data in use than in training.* The deployed program gets the ink as it is in the file,
# > from 0 to 16, since somebody forgot the division; or white on black; or turned by 90°. Nothing complains.
#
# > **Predict.** Which of these three does the most harm?

# %%
quarter_turn = np.rot90(test.x.reshape(-1, 8, 8), axes=(1, 2))  # axes 1 and 2: the rows and columns of each image
ways = {"as in training": test.x, "0 to 16, not 0 to 1": test.x * 16, "white on black": 1 - test.x,
        "turned by 90°": quarter_turn.reshape(-1, 64)}  # fmt: skip
score = {}
for way, inputs in ways.items():
    score[way] = np.mean(read_digit(inputs) == test.y)
    print(f"{way:<20} accuracy {score[way]:.3f}, {round((1 - score[way]) * n)} of {n} wrong")
noise = np.random.default_rng(0).random((359, 64), np.float32)
sure = F.softmax(tl.predict(model, noise)).max(axis=1).mean()
print(f"in pure noise it sees a digit with a mean confidence of {sure:.0%}")
assert 0.8 < sure < 0.97
assert score["0 to 16, not 0 to 1"] > 0.97 and score["white on black"] < 0.05 and score["turned by 90°"] < 0.3

# %% [markdown]
# The forgotten division does little: 3 mistakes become 6, a difference of one or two error bars. As
# $\max(0, 16 a) = 16 \max(0, a)$, 16 times the ink makes all logits 16 times as large, but for the biases, which are
# small. So the largest mostly stays the largest. (The "probabilities" are nonsense.) White on black is worse than
# guessing: ink on its strokes, paper beside them, spoke for the right digit, now against it. In pure noise the network
# sees digits, with a confidence of nearly 90 %: softmax must divide 1 among ten classes, and "none of these" isn't
# one. How to notice: compare mean and spread of the inputs in use and in training, and keep known images to ask.
#
# > **What goes wrong.** *The test set knows too much.* We divided the digits at random. So every writer has digits in
# > the training set *and* in the test set, and the network has seen everybody's hand.
#
# The data set's description (Alpaydin and Kaynak, 1998) speaks of 13 people who filled in forms, but doesn't say who
# wrote what. The labels hint at it: every 130 digits or so the same long sequence begins anew, as if the file went form
# by form. Then the last fifth is by other people, but for one, whose first 23 digits are in the training part.

# %%
writers = data.split((x[:1438], y[:1438]), 0.8, seed=1, stratify=True)[0]  # as many to train on as before
others = data.Dataset(x[1438:], y[1438:])  # the last fifth
assert np.array_equal(y[130:175], y[:45]) and np.array_equal(y[1438 - 23 : 1438 + 22], y[:45])  # the sequence
tl.manual_seed(0)
fresh = network(chosen[0])
tl.fit(fresh, writers, loss=F.cross_entropy, optimizer=optim.Adam(fresh.parameters(), lr=chosen[1]), epochs=15,
       seed=0, progress=False)  # fmt: skip
strangers = tl.evaluate(fresh, others, loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
bar = np.sqrt(strangers["accuracy"] * (1 - strangers["accuracy"]) / len(others))  # formula (2)
print(f"digits of people it has never seen: {strangers['accuracy']:.3f} ± {bar:.3f}; of people it knows: {share:.3f}")
assert len(writers) == len(train) and len(others) == 359 and abs(strangers["accuracy"] - 0.92) < 0.02

# %%
said_of_strangers = tl.predict(fresh, others.x).argmax(axis=1)
axes = plots.confusion_matrix(others.y, said_of_strangers)
axes.set_title("Which digit of a stranger is taken for which?")
show(axes.figure, "09_digits_5", "A table: rows for the true digit, columns for what was said. Nearly all of the 30 or "
     "so in a row lie on the diagonal. Of the others the largest is a six: 3 taken for 8.")  # fmt: skip
assert 4 <= np.sum(said_of_strangers[others.y == 3] == 8) <= 8

# %% [markdown]
# Such a table is a **confusion matrix**. Read along a row: of these people's 3s some six are taken for an 8.
#
# About 92 % (± 1.4) instead of 99: eight in a hundred wrong, not one. If strangers will use it, they must be the test.
# How to notice: ask, before dividing, what will be *new* in use (writers, days, machines), and divide along that.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_accuracy`, `ex_one_hot`, `ex_standardise`. The last is for features
# in different units (metres, years): one takes `(x - mean) / deviation`, with the mean and the standard deviation of
# each feature (1 if that is 0). Both are of the *training* set, for all three sets: pre-processing learns, too.
#
# 1. Train on the first fifth of the file, on the second and so on, and test each on the others. Which is the hardest?
# 2. Let the network say "I don't know" when its confidence is below a threshold. How many of the test images must it
#    refuse to be right in all its answers? May you then promise 99.9 %?
# 3. Some pixels are paper in all training images. Find them, and compare the weights from them to the hidden units
#    before and after training, without and with `l2=0.001` in `fit` (it adds $0.001 \sum w^2$ to the loss).
#
# <details><summary>What you should find</summary>
#
# **1.** The fourth: 86 %, the others 87 to 89 %, all with fewer examples and fewer people to learn from than above.
#
# **2.** The surest mistake has the confidence 0.869. With a threshold just above, 0.87, it refuses 16 of the 359 and is
# right in all the others. But that was read off from these very images, and one mistake in a thousand would mostly not
# show in 343 answers. To promise 99.9 % you need thousands of others.
#
# **3.** There are three. Their weights' gradients contain the factor $x = 0$, so these weights stay the same, to the
# bit. With L2 the penalty has a gradient of its own, and they end at 0 (below $10^{-12}$).
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > Its **pipeline** has no *test set*, its **"loss on the test data set"** is on the training data: its numbers are too
# > good. **"Iterations (epochs)"** are two things: 15 epochs were 540 iterations.[^quoted] (Rows D19, D40, D36, D37.)
#
# [^quoted]: 训练数据, 验证集, 调参和超参数调整; 「模型在测试数据集上的最终损失」; 「训练的迭代次数（epochs）」
#
# ## Where this lives in tinydl
#
# * `tinydl/training/fit.py`: `fit`, with forward, loss, backward and update in `_Run.step`; `evaluate`; `predict`.
# * `tinydl/data/splitting.py`: `split`. `tinydl/training/saving.py`: `save` and `load`, and what they check.
#
# Next: [lesson 10, optimizers](10_optimizers.py).
