# %% [markdown]
# # 9. A network that reads handwriting
#
# How do you get from data to a program that works, and how do you know how well it works?
#
# You have all the parts: gradients, layers, a loss that is a likelihood, weights that start at the right size. Now you
# build something with them: a program that reads handwritten digits, from the raw pictures to a file that somebody
# else can use. Most of the work isn't the network. It is looking at the data, dividing them honestly, and looking at
# the mistakes. The way has four stations: the data, training, choices, deployment.
#
# *You need:* layers, batches and the training loop ([lesson 5](05_layers_and_the_loop.py)), softmax and cross-entropy
# ([lesson 7](07_likelihood.py)). You may skip "Looking inside" at a first reading.

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
show(axes.figure, "09_digits_1", "Two rows of twelve small grey images of 8 × 8 pixels with their labels: the digits 0 "
     "to 9 twice, then 0 to 3. Most are easy to read.")  # fmt: skip

assert len(digits) == 1797 and digits.x.shape == (1797, 8, 8)
assert digits.x.min() == 0.0 and digits.x.max() == 1.0
counts = np.bincount(digits.y)
print("how many of each:", counts)
assert counts.min() == 174 and counts.max() == 183

# %% [markdown]
# An image is 8 × 8 pixels of ink, from 0 (paper) to 1. The file has counts from 0 to 16; dividing by 16 was all the
# pre-processing. The ten classes are about equally frequent, 174 to 183 each, so guessing gets 10 %.
#
# Next we **divide** the data, before anything else is done with them:
#
# * the **training** set: the network learns from it;
# * the **validation** set: *you* learn from it, when you choose among networks;
# * the **test** set: nobody learns from it. It is used once, at the end, to tell the truth.
#
# This holds for pre-processing, too. Features in different units are **standardised**: less their mean, divided by
# their standard deviation (how far they typically are from the mean), both taken from the *training* set, for all
# three sets. A feature that never changes there has the deviation 0; divide it by 1. Our digits, all in one unit,
# don't need it. (`stratify` below gives each part the same share of every class.)

# %%
x, y = data.digits()  # flat, 64 numbers each
rest, test = data.split((x, y), 0.8, seed=0, stratify=True)
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


def nearest_mean_accuracy(examples):
    answers = np.array([nearest_mean(image) for image in examples.x])
    return np.mean(answers == examples.y)


baseline = nearest_mean_accuracy(valid)
print(f"nearest mean, validation accuracy: {baseline:.3f}")
assert abs(baseline - 0.91) < 0.01

# %% [markdown]
# ## Station 2: training
#
# One hidden layer of 32 units:
#
# $$ \begin{aligned} h &= \max(0,\; x W_1^\top + b_1) \\
#    z &= h\, W_2^\top + b_2 \\
#    p &= \operatorname{softmax}(z) \end{aligned} \tag{1} $$
#
# The ten scores $z$ are the **logits**. The loss is the cross-entropy $-\log p_{\text{label}}$, averaged over a batch.
# (One also writes the label as a **one-hot** row $t$, with a 1 at the label and nine 0s: $-\sum_k t_k \log p_k$.)
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
# The second check: can the network learn 10 examples by heart? If not, don't bother with 1,150. For this you write the
# loop of [lesson 5](05_layers_and_the_loop.py) once more, with all 10 examples as the only batch. The optimizer is
# `Adam`, a relative of SGD that [lesson 10](10_optimizers.py) explains.

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
# It can. Now in earnest, with a fresh network. `tl.fit` runs the same loop over all batches, epoch after epoch, and
# after each epoch it evaluates the network on the validation set.


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
show(figure, "09_digits_2", "Loss and accuracy over 15 epochs. Both losses fall from about 2 to below 0.2, side by "
     "side; both accuracies rise to about 96 %.")  # fmt: skip

# %%
val_accuracy = history["val_accuracy"][-1]
updates = 15 * len(data.batches(train, 32))
print(f"after {updates} updates: validation accuracy {val_accuracy:.3f}, of the nearest mean {baseline:.3f}")
assert val_accuracy > baseline and abs(val_accuracy - 0.96) < 0.025
assert updates == 15 * 36 == 540

# %% [markdown]
# After 15 epochs, which are 540 updates (36 batches of 32 make an epoch), about 96 % of the validation digits are read
# correctly, more than by the nearest mean.
#
# ## Station 3: choices, made on the validation set
#
# Why 32 units, and why a rate of 0.003? No reason. Let the validation set decide, over a small grid.
#
# > **Predict.** Will the best network of the grid do as well on the test set as it did on the validation set, or
# > better, or worse, on average?

# %%
grid = {}
for hidden in (8, 32, 128):
    for lr in (0.001, 0.01, 0.1):
        candidate, run = trained(hidden, lr)
        grid[hidden, lr] = (run["val_loss"][-1], run["val_accuracy"][-1], candidate)
        loss, accuracy, _ = grid[hidden, lr]
        print(f"hidden {hidden:>3}, lr {lr:<5}: validation loss {loss:.3f}, accuracy {accuracy:.3f}")

# %%
chosen = min(grid, key=lambda setting: grid[setting][0])  # the one with the smallest validation loss
val_loss, val_accuracy, model = grid[chosen]
print(f"chosen by the validation loss: {chosen[0]} hidden units, lr = {chosen[1]}")

assert chosen[1] == 0.01 and chosen[0] in (32, 128)
assert min(grid[hidden, 0.1][0] for hidden in (8, 32, 128)) > 2 * val_loss

# %% [markdown]
# The rate decides more than the width: at 0.1 every width does badly. We take the network with the lowest validation
# loss. You can't trust its validation score any longer: it is the best of nine, and the best of nine is partly the
# luckiest of nine. On average such a score is too good. That is why there is a third set. We use it, once.

# %%
result = tl.evaluate(model, test, loss=F.cross_entropy, metrics={"accuracy": tl.accuracy})


def standard_error(share, n):
    return np.sqrt(share * (1 - share) / n)  # formula (2)


error_bar = standard_error(result["accuracy"], len(test))
wrong = round((1 - result["accuracy"]) * len(test))
print(f"test accuracy {result['accuracy']:.3f} ± {error_bar:.3f}: {wrong} of {len(test)} wrong")

assert abs(result["accuracy"] - 0.99) < 0.012 and 0.002 < error_bar < 0.009
assert result["accuracy"] > val_accuracy

# %% [markdown]
# About 99 %, give or take half a percent. With other test images the share would be a little different, typically by
# the **standard error** of a share $p$ of $n$ examples:
#
# $$ \sqrt{p\,(1 - p) / n} . \tag{2} $$
#
# It happens to be *more* than on the validation set, against the average. Both sets are small, and a difference of a
# few digits means nothing, here or elsewhere. What would be wrong is to go on choosing until the test set is happy.
#
# ## Looking inside
#
# *You may skip this section.* What does the network look at? Ask for a gradient, this time with respect to the
# *input*: how much would a little more ink in each pixel of this image speak for a 9 against a 4?
#
# $$ \frac{\partial}{\partial x} \left(z_9 - z_4\right) . \tag{3} $$

# %%
four = int(np.flatnonzero(test.y == 4)[0])
image = tl.tensor(test.x[four : four + 1], requires_grad=True)  # a batch of one image


def nine_against_four(image):
    logits = model(image)
    return logits[0, 9] - logits[0, 4]


nine_against_four(image).backward()
slope = image.grad.data[0]  # one number per pixel
inked = image.data.copy()
inked[0, slope.argmax()] += 0.01
change = nine_against_four(inked).item() - nine_against_four(image).item()
print(f"a little ink at the reddest pixel: {0.01 * slope.max():.4f} by the gradient, {change:.4f} measured")
assert slope.argmax() // 8 <= 2 and abs(change - 0.01 * slope.max()) < 0.05 * abs(change)  # in the upper three rows

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3))
left.imshow(image.data.reshape(8, 8), cmap="gray_r")
left.set_title("a 4 of the test set")
bound = np.abs(slope).max()
picture = right.imshow(slope.reshape(8, 8), cmap="RdBu_r", vmin=-bound, vmax=bound)
right.set_title("where ink would make it a 9 (red)")
for axes in (left, right):
    axes.set_axis_off()
figure.colorbar(picture, ax=right, label="∂(z₉ − z₄) / ∂ink")
show(figure, "09_digits_3", "Left a handwritten 4. Right its 64 pixels, coloured by how ink there would change the "
     "scores: red, for a 9, mostly in the upper three rows; blue, for a 4, mostly below.")  # fmt: skip

# %% [markdown]
# Ink in the upper rows speaks for a 9: it would close the head of the 4. Ink on its horizontal bar speaks for a 4.
# Nobody has told the network so.
#
# ## Looking at the mistakes
#
# An accuracy is one number. The mistakes are pictures, and you learn more from them. Here they are, and beside them
# the right answers about which the network was least sure: its largest probability is its **confidence**.

# %%
scores = tl.predict(model, test.x)  # the logits, a row of ten for each image
said = scores.argmax(axis=1)
confidence = F.softmax(scores).max(axis=1)
mistakes = np.flatnonzero(said != test.y)
correct = np.flatnonzero(said == test.y)
least_sure = correct[np.argsort(confidence[correct])]
shown = np.concatenate([mistakes, least_sure])[:12]
axes = plots.images(test.x[shown].reshape(-1, 8, 8), labels=test.y[shown], predictions=said[shown], columns=6)
axes.set_title(f"The {wrong} mistakes (red), and what was right with the least certainty")
show(axes.figure, "09_digits_4", "Twelve test images with their labels. First the few mistakes, in red, with what the "
     "network said; then the right answers of least confidence. Several are hard to read.")  # fmt: skip

print(f"mean confidence: {confidence[mistakes].mean():.2f} where wrong, {confidence[correct].mean():.2f} where right")
assert len(mistakes) == wrong and confidence[mistakes].mean() < confidence[correct].mean()

# %% [markdown]
# Would you have read them all? With 8 × 8 pixels some are hard for anybody. Where the network is wrong it is also less
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
sure = F.softmax(tl.predict(model, ways["noise"])).max(axis=1).mean()
growth = np.abs(tl.predict(model, test.x * 16)).mean() / np.abs(scores).mean()
print(f"in pure noise it sees a digit with a mean confidence of {sure:.0%}")
print(f"16 times the ink makes the logits {growth:.1f} times as large")

assert score["0 to 16, not 0 to 1"] > 0.9 and score["white on black"] < 0.2 and score["turned by 90°"] < 0.3
assert sure > 0.7 and 13 < growth < 19

# %% [markdown]
# The forgotten division does next to nothing here: a ReLU network that gets 16 times the ink gives nearly 16 times the
# logits, and the largest stays the largest. (Its "probabilities" are nonsense all the same.) White on black and turned
# digits are a disaster. And in pure noise the network sees digits, with a confidence of more than 70 %: softmax must
# divide 1 among ten classes, and "none of these" isn't among them. How to notice: compare mean and spread of the
# inputs in use with those in training, and keep a few known images to ask in use.
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
show(axes.figure, "09_digits_5", "A table: rows for the true digit, columns for what was said. Nearly all of the 30 or "
     "so in a row lie on the diagonal; the other squares are empty or have a few.")  # fmt: skip

# %%
names = ["guessing", "nearest mean: known writers", "network: unknown writers", "network: known writers"]
shares = np.array([0.1, nearest_mean_accuracy(test), strangers["accuracy"], result["accuracy"]])
errors = standard_error(shares, 359)
errors[0] = np.nan  # guessing isn't measured
figure, axes = plt.subplots(figsize=(6.4, 2.6))
axes.barh(names, shares, xerr=errors, color=[GRAY, GRAY, ORANGE, BLUE], alpha=0.7, ecolor="0.15", capsize=4)
for i, share in enumerate(shares):
    axes.annotate(f"{share:.1%}", (share + 0.03, i), va="center")
axes.set(xlabel="accuracy", xlim=(0, 1.15), title="How good is it? That depends on whom you ask")
show(figure, "09_digits_6", "Bars of accuracy: guessing 10 %, nearest mean about 90, the network about 92 for unknown "
     "writers and 99 for known ones. All but guessing have error bars, of one point or so.")  # fmt: skip

assert abs(shares[1] - 0.9) < 0.03 and 0.004 < errors[3] < errors[1] < 0.018

# %% [markdown]
# About 92 % instead of 99: eight in a hundred wrong, not one. Neither number is a lie; they answer different
# questions. If the program is to read the writing of strangers, then strangers must be the test, and the honest number
# is the lower one. How to notice: ask, before dividing, what will be *new* when the program is used (new writers, new
# days, new machines), and divide along that.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_accuracy`, `ex_one_hot`, `ex_standardise`.
#
# 1. Train the network on the digits of the first fifth of the file, the second fifth and so on, and test each on the
#    others. Which fifth is the hardest to learn from?
# 2. Let the network say "I don't know" when its confidence is below a threshold. Draw the accuracy of its answers over
#    the share of images it answers. How many must it refuse to be right in 99.9 % of its answers?
# 3. Look at the weights of the hidden units with `plots.weights(model[0].weight.data[:16])`, then again after training
#    with `l2=0.001`. Some pixels are paper in all training images: find them, and the weights that belong to them. Why
#    are these still the random numbers that they started as, to the bit?
#
# ## In the article
#
# > **The pipeline**[^pipeline] is data pre-processing, training, tuning on a validation set, deployment. Right, and
# > this lesson went that way. Two stations are missing: a *test set*, without which the number at the end can't be
# > trusted, and a look at the mistakes. In its diagram[^arrows] the data sets flow *out of* training and tuning; they
# > flow in.
# >
# > **"The final loss on the test data set"**[^test]. So the second program names what it prints. It is the loss on the
# > training data, there being no other, and tells how well the program remembers.
# >
# > **"The number of training iterations (epochs)"**[^epochs]. An epoch is a pass over the data, an iteration an
# > update. Above, 15 epochs were 540 iterations.
# >
# > (Rows D19, D40, D36 and D37 of `tinydl document`.)
#
# [^pipeline]: 训练数据, 验证集, 调参和超参数调整
# [^arrows]: 「B -->|训练数据| F[训练数据集]」, from “training”, by “training data”, to “training data set”
# [^test]: 「模型在测试数据集上的最终损失」
# [^epochs]: 「训练的迭代次数（epochs）」
#
# ## Where this lives in tinydl
#
# * `tinydl/training/fit.py`: `fit`, with forward, loss, backward and update in `_Run.step`; `evaluate`; `predict`.
# * `tinydl/data/splitting.py`: `split`, and why it comes first. `tinydl/data/images.py`: where the digits are from.
# * `tinydl/training/saving.py`: `save` and `load`, and what is checked before a model is changed.
# * `tinydl demo` trains a network like this one on the command line.
#
# Before this: [lesson 8, activations and initialisation](08_initialisation.py). Next:
# [lesson 10, optimizers](10_optimizers.py).
