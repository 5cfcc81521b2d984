# %% [markdown]
# # 9. A network that reads handwriting
#
# Lessons 1 to 7 have everything that is needed: gradients, layers, a loss that is a likelihood, weights that start at
# the right size. Now we build something with it: a program that reads handwritten digits, from the raw pictures to a
# file that somebody else can use.
#
# **The question of this lesson: how does one get from data to a program that works, and how does one know how well it
# works?**
#
# The article describes the way as a pipeline: data pre-processing → training → optimisation on a validation set →
# deployment. We go through all four, and add the two stations it leaves out, a *test set* and a look at the mistakes.
# (Its diagram also has the data sets flow *out of* training and tuning: 「B -->|训练数据| F[训练数据集]」. They flow
# in.)

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, show

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
show(axes.figure, "09_digits_1")

assert len(digits) == 1797 and digits.x.shape == (1797, 8, 8)
assert digits.x.min() == 0.0 and digits.x.max() == 1.0
counts = np.bincount(digits.y)
print("how many of each:", counts)
assert counts.min() == 174 and counts.max() == 183

# %% [markdown]
# An image is 8 × 8 pixels of ink, from 0 (paper) to 1; the file has counts from 0 to 16, and dividing by 16 was the
# pre-processing. The ten classes are about equally frequent (174 to 183 each), so guessing gets 10 %.
#
# Next we **divide** the data, before anything else is done with them:
#
# * the **training** set: the network learns from it;
# * the **validation** set: *we* learn from it, when we choose among networks;
# * the **test** set: nobody learns from it. It is used once, at the end, to tell the truth.
#
# The article's second program has only one set, and calls what it measures there 「模型在测试数据集上的最终损失」,
# the final loss on the test data set. It is the loss on the training data, and tells how well the program remembers.

# %%
x, y = data.digits()  # flat, 64 numbers each
rest, test = data.split((x, y), 0.8, seed=0, stratify=True)
train, valid = data.split(rest, 0.8, seed=1, stratify=True)
print(len(train), "to train,", len(valid), "to validate,", len(test), "to test")

assert (len(train), len(valid), len(test)) == (1150, 288, 359)

# %% [markdown]
# Before a network, something stupid: a number that a network has to beat. Average all training images of each class,
# and call a new image by the average that it is nearest to.

# %%
means = np.stack([train.x[train.y == k].mean(axis=0) for k in range(10)])  # (10, 64)


def nearest_mean(x):
    return np.square(x[:, None, :] - means).sum(axis=2).argmin(axis=1)


baseline = np.mean(nearest_mean(valid.x) == valid.y)
print(f"nearest mean, validation accuracy: {baseline:.3f}")
assert abs(baseline - 0.91) < 0.01

# %% [markdown]
# ## Station 2: training
#
# One hidden layer of 32 units:
#
# $$ h = \max(0,\; x W_1^\top + b_1), \qquad \text{logits} = h\, W_2^\top + b_2, \qquad
#    p = \operatorname{softmax}(\text{logits}), \tag{1} $$
#
# with the cross-entropy $-\log p_{\text{label}}$, averaged over a batch, as the loss (lesson 7).
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
print(n_parameters, "parameters, loss before training:", round(untrained, 3), " ln 10:", round(np.log(10), 3))

assert n_parameters == 64 * 32 + 32 + 32 * 10 + 10 == 2410
assert abs(untrained - np.log(10)) < 0.1 and abs(np.log(10) - 2.303) < 0.001

# %% [markdown]
# 2,410 parameters, and a loss of about $\ln 10 = 2.303$, since $-\log \tfrac1{10} = \ln 10$. A first loss that is far
# from that is the first sign of a bug, at no cost. So is the second check: can the network learn 10 examples by
# heart? If not, don't bother with 1,150.

# %%
tiny = train[:10]
tl.fit(model, tiny, loss=F.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.01), epochs=100, progress=False)
by_heart = tl.evaluate(model, tiny, loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
print(by_heart)
assert by_heart["accuracy"] == 1.0 and by_heart["loss"] < 0.05

# %% [markdown]
# It can. Now in earnest, with a fresh network, and with the validation set watched while it trains:


# %%
def trained(hidden, lr, epochs=15, seed=0):
    tl.manual_seed(seed)
    model = network(hidden)
    optimizer = optim.Adam(model.parameters(), lr=lr)
    history = tl.fit(model, train, loss=F.cross_entropy, optimizer=optimizer, epochs=epochs, validation=valid,
                     metrics={"accuracy": tl.accuracy}, seed=seed, progress=False)  # fmt: skip
    return model, history


model, history = trained(32, lr=0.003)
figure = history.plot()
show(figure, "09_digits_2")
print(history)
assert history["val_accuracy"][-1] > baseline
assert abs(history["val_accuracy"][-1] - 0.96) < 0.025

# %% [markdown]
# After 15 passes over the training set, 540 updates, about 96 % of the validation digits are read correctly, more
# than by the nearest mean. (An *epoch* is a pass, an *iteration* is an update: 36 batches of 32 make one epoch here.
# The article calls epochs 「训练的迭代次数」, the number of iterations.)
#
# ## Station 3: choices, made on the validation set
#
# Why 32 units, and why a rate of 0.003? No reason. Let the validation set decide, over a small grid.
#
# > **Predict.** Will the best network of the grid do as well on the test set as it did on the validation set, or
# > better, or worse, on average?

# %%
assert 15 * int(np.ceil(len(train) / 32)) == 540

grid = {}
for hidden in (8, 32, 128):
    for lr in (0.001, 0.01, 0.1):
        candidate, run = trained(hidden, lr)
        grid[hidden, lr] = (run["val_loss"][-1], run["val_accuracy"][-1], candidate)
        print(f"hidden {hidden:>3}, lr {lr:<5}: validation loss {run['val_loss'][-1]:.3f}", end=", ")
        print(f"accuracy {run['val_accuracy'][-1]:.3f}")

# %%
chosen = min(grid, key=lambda key: grid[key][0])
val_loss, val_accuracy, model = grid[chosen]
print("chosen by the validation loss: hidden, lr =", chosen)

assert chosen[1] == 0.01 and chosen[0] in (32, 128)
assert min(loss for (_, lr), (loss, _, _) in grid.items() if lr == 0.1) > 2 * val_loss

# %% [markdown]
# The rate decides more than the width: at 0.1 every width does badly. We take the network with the lowest validation
# loss. Its validation score can't be trusted any longer: it is the best of nine, and the best of nine is partly the
# luckiest of nine. On average such a score is too good. That is why there is a third set. We use it, once.

# %%
result = tl.evaluate(model, test, loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
error_bar = np.sqrt(result["accuracy"] * (1 - result["accuracy"]) / len(test))
wrong = round((1 - result["accuracy"]) * len(test))
print(f"test accuracy {result['accuracy']:.3f} ± {error_bar:.3f}: {wrong} of {len(test)} wrong")

assert abs(result["accuracy"] - 0.99) < 0.012 and 0.002 < error_bar < 0.009
assert result["accuracy"] > val_accuracy

# %% [markdown]
# About 99 %, give or take half a percent: a share $p$ of $n$ examples has the standard error $\sqrt{p(1-p)/n}$. It
# happens to be *more* than on the validation set, against the average: both sets are small, and a difference of a few
# digits means nothing, here or elsewhere. What would be wrong is to go on choosing until the test set is happy.
#
# ## Looking inside
#
# Each hidden unit has 64 weights, one per pixel: an image. What a unit looks for is where its weights are positive
# (red); where they are negative (blue), ink counts against it.

# %%
weights = model[0].weight.data  # (hidden, 64)
strength = np.linalg.norm(weights, axis=1)
shown = np.argsort(-strength)[:16]
axes = plots.weights(weights[shown])
axes.set_title("What 16 hidden units look for")
show(axes.figure, "09_digits_3")

# %% [markdown]
# Nobody has drawn these; the loss has. They are no clean pictures of strokes, as one sees them in brochures, but they
# aren't noise either: neighbouring pixels have similar weights, which they had not before training. A single unit
# rarely stands for a digit; the second layer adds up what many of them say.


# %%
def neighbours(weights):  # correlation between the weights of pixels that lie side by side
    pictures = weights.reshape(-1, 8, 8)
    return np.corrcoef(pictures[:, :, :-1].ravel(), pictures[:, :, 1:].ravel())[0, 1]


tl.manual_seed(0)
before = network(chosen[0])[0].weight.data  # what `trained` started from
print(f"neighbours' correlation before {neighbours(before):.2f}, after {neighbours(weights):.2f}")
blank = train.x.max(axis=0) == 0
print("pixels that are paper in all training images:", np.flatnonzero(blank))

assert abs(neighbours(before)) < 0.05 and neighbours(weights) > 0.15
assert 1 <= blank.sum() <= 6
assert np.array_equal(weights[:, blank], before[:, blank])

# %% [markdown]
# (Some pixels are paper in every training image. Their input is 0, so by formula (1) the gradient of their weights is
# 0, and the weights are still the random ones they started as, to the bit. Ink there would be weighed at random.)
#
# To see what the *whole* network looks at, in one particular image, we use what we have: a gradient. Formula (2)
# says, for every pixel, how much a little more ink there would speak for a 9 against a 4:
#
# $$ \frac{\partial}{\partial x} \left(\text{logit}_9 - \text{logit}_4\right) . \tag{2} $$

# %%
four = int(np.flatnonzero(test.y == 4)[0])
image = test.x[four]
nine_or_four = lambda x: model(x[None])[0, 9] - model(x[None])[0, 4]
with tl.no_grad():  # or else a Tensor comes, in case we want to train the weights on what they make of this image
    saliency = tl.grad(nine_or_four)(image)  # (64,)

pixel = int(saliency.argmax())
inked = image.copy()
inked[pixel] += 0.01
change = float(nine_or_four(inked).data - nine_or_four(image).data)
print(f"predicted by the gradient: {0.01 * saliency[pixel]:.4f}, measured: {change:.4f}")
assert pixel // 8 <= 2  # in the upper three rows
assert saliency.shape == (64,) and abs(change - 0.01 * saliency[pixel]) < 0.05 * abs(change)

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3))
left.imshow(image.reshape(8, 8), cmap="gray_r")
left.set_title("a 4 of the test set")
bound = np.abs(saliency).max()
picture = right.imshow(saliency.reshape(8, 8), cmap="RdBu_r", vmin=-bound, vmax=bound)
right.set_title("where ink would make it a 9 (red)")
for axes in (left, right):
    axes.set_axis_off()
figure.colorbar(picture, ax=right, label="∂(logit 9 − logit 4) / ∂ink")
show(figure, "09_digits_4")

# %% [markdown]
# The reddest pixels lie at the top, where a stroke would close the open head of the 4: that is what makes a 9. Nobody
# has told the network so.
#
# ## Looking at the mistakes
#
# An accuracy is one number. The mistakes are pictures, and one learns more from them.

# %%
scores = tl.predict(model, test.x)  # (359, 10), the logits
said = scores.argmax(axis=1)
shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
p = shifted / shifted.sum(axis=1, keepdims=True)  # softmax
confidence = p.max(axis=1)
doubtful = np.lexsort([confidence, said == test.y])[:12]  # the mistakes, then the least certain
print("how sure it was:", confidence[doubtful].round(2))
axes = plots.images(test.x[doubtful].reshape(-1, 8, 8), labels=test.y[doubtful], predictions=said[doubtful], columns=6)
axes.set_title(f"The {wrong} mistakes (red), and what was right with the least certainty")
show(axes.figure, "09_digits_5")

assert np.array_equal(np.sort(doubtful[:wrong]), np.flatnonzero(said != test.y))
assert confidence[said != test.y].mean() < confidence[said == test.y].mean()

# %% [markdown]
# Would you have read them all? With 8 × 8 pixels some are beyond anybody. Where the network is wrong it is also less
# sure on average, so a program could hand over its doubtful cases to a person.
#
# ## Station 4: deployment
#
# The weights go into a file. Whoever wants to use them builds the same network and loads it, and gets the same
# answers, to the last bit.

# %%
folder = tempfile.TemporaryDirectory()
file = Path(folder.name) / "digits.npz"
tl.save(model, file)

elsewhere = network(chosen[0])  # with other random weights
assert not np.array_equal(tl.predict(elsewhere, test.x), scores)
tl.load(elsewhere, file)
assert np.array_equal(tl.predict(elsewhere, test.x), scores)
print(file.name, "has", file.stat().st_size, "bytes for", sum(p.size for p in model.parameters()), "float32 parameters")

# %% [markdown]
# In fact nobody needs tinydl to use the network. Formula (1) is two matrix products, and the file is an archive of
# arrays with the names of the parameters. This is the whole deployed program:

# %%
with np.load(file) as archive:
    parameters = {name: archive[name] for name in archive.files if name[0] in "02"}
print(sorted(parameters))


def read_digit(pixels):  # (n, 64), ink from 0 to 1
    hidden = np.maximum(pixels @ parameters["0.weight"].T + parameters["0.bias"], 0)
    return (hidden @ parameters["2.weight"].T + parameters["2.bias"]).argmax(axis=1)


folder.cleanup()
assert np.array_equal(read_digit(test.x), said)
print("the first ten of the test set:", read_digit(test.x[:10]), " labels:", test.y[:10])

# %% [markdown]
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *Other data in use than in training.* The deployed program gets the ink as it is in the file,
# > from 0 to 16, since somebody forgot the division; or white on black; or turned by 90°. Nothing complains.
#
# > **Predict.** Which of these three does the most harm?

# %%
pictures = test.x.reshape(-1, 8, 8)
ways = {
    "as in training": test.x,
    "0 to 16, not 0 to 1": test.x * 16,
    "white on black": 1 - test.x,
    "turned by 90°": np.rot90(pictures, axes=(1, 2)).reshape(-1, 64),
    "noise": np.random.default_rng(0).random((359, 64), np.float32),
}
said_of = {way: read_digit(inputs) for way, inputs in ways.items()}
score = {way: float(np.mean(said_of[way] == test.y)) for way in ways}
for way in ways:
    print(f"{way:<20} accuracy {score[way]:.3f}")

# %%
logits = tl.predict(model, ways["noise"])
p_noise = np.exp(logits - logits.max(axis=1, keepdims=True))
sure = (p_noise / p_noise.sum(axis=1, keepdims=True)).max(axis=1)
print(f"in pure noise it sees a digit with a mean confidence of {sure.mean():.0%}")
growth = np.vdot(tl.predict(model, test.x * 16), scores) / np.vdot(scores, scores)
print(f"16 times the ink makes the logits {growth:.1f} times as large")

assert score["0 to 16, not 0 to 1"] > 0.9 and score["white on black"] < 0.2 and score["turned by 90°"] < 0.3
assert sure.mean() > 0.7 and 13 < growth < 19

# %% [markdown]
# The forgotten division, which everybody fears, does next to nothing here: a ReLU network that gets 16 times the ink
# gives nearly 16 times the logits, and the largest stays the largest. (Its "probabilities" are nonsense all the
# same.) White on black and turned digits are a catastrophe. And in pure noise, the network sees digits, with a
# confidence of more than 70 %: softmax must divide 1 among ten classes, and "none of these" isn't among them. How to
# notice: compare mean and spread of the inputs in use with those in training, and keep a few known images to ask in
# use.
#
# > **What goes wrong.** *The test set knows too much.* We divided the digits at random. So every writer has digits in
# > the training set *and* in the test set, and the network has seen everybody's hand.

# %%
writers = data.split((x[:1438], y[:1438]), 0.8, seed=1, stratify=True)[0]  # as many to train on as before
others = data.Dataset(x[1438:], y[1438:])  # the last fifth is by other people
tl.manual_seed(0)
fresh = network(chosen[0])
tl.fit(fresh, writers, loss=F.cross_entropy, optimizer=optim.Adam(fresh.parameters(), lr=chosen[1]), epochs=15,
       seed=0, progress=False)  # fmt: skip
strangers = tl.evaluate(fresh, others, loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})
print(f"digits of people it has never seen: {strangers['accuracy']:.3f}; of people it knows: {result['accuracy']:.3f}")

assert len(writers) == len(train) and len(others) == 359
assert abs(strangers["accuracy"] - 0.92) < 0.02

# %%
said_of_strangers = tl.predict(fresh, others.x).argmax(axis=1)
axes = plots.confusion_matrix(others.y, said_of_strangers)
axes.set_title("Which digit of a stranger is taken for which?")
show(axes.figure, "09_digits_6")

# %%
figure, axes = plt.subplots(figsize=(6.4, 2.6))
names = ["guessing", "nearest mean: known writers", "network: unknown writers", "network: known writers"]
bars = [0.1, baseline, strangers["accuracy"], result["accuracy"]]
axes.barh(names, bars, color=[GRAY, GRAY, ORANGE, BLUE])
for i, share in enumerate(bars):
    half = np.sqrt(share * (1 - share) / 359) if i > 1 else 0
    axes.errorbar(share, i, xerr=half or None, color="black", capsize=3)
    axes.annotate(
        f"{share:.1%}", (0.02, i), va="center", color="white" if i else "black", xytext=(0.12 * (i == 0) + 0.02, i)
    )
axes.set(xlabel="accuracy", xlim=(0, 1.02), title="How good is it? That depends on whom you ask")
show(figure, "09_digits_7")

# %% [markdown]
# About 92 % instead of 99: eight in a hundred wrong, not one. Neither number is a lie; they answer different
# questions. If the program is to read the writing of strangers, then strangers must be the test, and the honest
# number is the lower one. How to notice: ask, before dividing, what will be *new* when the program is used (new
# writers, new days, new machines), and divide along that.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_accuracy`, `ex_one_hot`, `ex_standardise`,
# `ex_linear_layer`.
#
# 1. Train the network on the digits of the first fifth of the file, the second fifth and so on, and test each on the
#    others. Which fifth is the hardest to learn from?
# 2. Let the network say "I don't know" when its largest probability is below a threshold. Draw the accuracy of its
#    answers over the share of images it answers. How many must it refuse to be right in 99.9 % of its answers?
# 3. Put ink on the pixels that were paper in all training images, and see by how much the logits change. Then train
#    with `l2=0.001` and look at the images of the weights again. `tinydl learn` has exercises on the loop inside
#    `fit`.
#
# ## Where this lives in tinydl
#
# * `tinydl/training/fit.py`: `fit`, with forward, loss, backward and update in `_Run.step`; `evaluate`; `predict`.
# * `tinydl/data/splitting.py`: `split`, and why it comes first. `tinydl/data/images.py`: where the digits are from.
# * `tinydl/training/saving.py`: `save` and `load`, and what is checked before a model is changed.
# * `tinydl demo` trains a network like this one on the command line.
#
# Before this: [activations and initialisation](08_initialisation.py). Next: [optimizers](10_optimizers.py).
