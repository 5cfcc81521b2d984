# %% [markdown]
# # 11. Overfitting: learning by heart, and what helps against it
#
# Your network is perfect on the examples it has seen, and poor on new ones. **What helps against that, and by how
# much?**
#
# A network with enough weights can learn anything by heart, also what is wrong. Everybody who trains one meets this
# sooner or later, and there is a long list of remedies. Here you try nine entries of the list on one and the same
# network, and you measure what each of them gains, with an error bar, so that you know which differences are real.
#
# *You need:* `fit` from [lesson 5](05_layers_and_the_loop.py); the digits, the division into training, validation and
# test set, and the error of a measured share, from [lesson 9](09_digits.py); Adam, as a good default, from
# [lesson 10](10_optimizers.py).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, show

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F

# %% [markdown]
# ## A network that overfits
#
# We make it easy for it: few examples, 300 of the handwritten digits; a network with ten thousand weights; and a
# careless helper who wrote the labels. For about every fifth digit the helper threw a ten-sided die and wrote down what
# it showed. (In real data sets some labels are wrong, too; people made them.) The other 1,497 digits, with their right
# labels, are our judge at the end.

# %%
pool, test = data.split(data.digits(), 300 / 1797, seed=0, stratify=True)
rng = np.random.default_rng(0)
careless = rng.random(300) < 0.2  # True for about every fifth
given = np.where(careless, rng.integers(0, 10, 300), pool.y)  # the labels that training gets to see
wrong = given != pool.y
print(len(pool), "to learn from,", len(test), "to judge;", wrong.sum(), "labels are wrong")

assert (len(pool), len(test)) == (300, 1497)
assert wrong.sum() == 51 and wrong.mean() == 0.17  # some of the dice show the right label


# %%
def network(hidden=128, p=0.0):  # p is the strength of dropout, explained below; 0 is without
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Dropout(p), nn.Linear(hidden, 10))


weights = sum(w.size for w in network().parameters())
print(weights, "parameters")
assert weights == 9610

# %% [markdown]
# > **Predict.** 51 of the 300 labels are wrong, 17 %, at random; there is no rule behind them. What accuracy can the
# > network reach on its own training labels: 83 %, 90 %, or 100 %? And what on digits that it hasn't seen?

# %%
tl.manual_seed(0)
model = network()
history = tl.fit(
    model, (pool.x, given), loss=F.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.01), epochs=60,
    validation=test[:500], metrics={"accuracy": tl.accuracy}, seed=0, progress=False,
)  # fmt: skip
figure = history.plot()
figure.suptitle("Learning by heart: every fifth label is noise")
show(figure, "11_overfitting_1", "Two panels over 60 epochs, with a curve for training and one for validation in each. "
     "Left, the loss: training falls to below 0.05; validation is lowest in epoch 9, then rises slowly. Right, the "
     "accuracy: training climbs to 100 %; validation rises to 88 % in epoch 9, then sinks to 77 %.")  # fmt: skip

# %%
best = int(np.argmin(history["val_loss"]))
print(f"training accuracy {history['accuracy'][-1]:.3f}, on new digits {history['val_accuracy'][-1]:.3f}")
lowest, last = history["val_loss"][best], history["val_loss"][-1]
print(f"loss on new digits: lowest in epoch {best + 1}, {lowest:.2f}; in the last epoch {last:.2f}")

assert history["accuracy"][-1] > 0.97 and abs(history["val_accuracy"][-1] - 0.76) < 0.05
assert 4 <= best + 1 <= 20 and last > 1.2 * lowest
assert max(history["val_accuracy"][4:16]) > 0.85

# %% [markdown]
# 100 %, or nearly. The network has learned 51 wrong labels by heart, and pays for it. After some ten epochs it was
# right on more than 85 % of the new digits, at the end on about 76 %. In the first ten epochs it learns what digits
# look like; in the others, which picture got which die.
#
# The picture is the sign to look for: **training goes on getting better while validation gets worse.** The training
# curves alone look like a triumph.
#
# ## A measure with an error bar
#
# To compare remedies you need a measure. You could hold out 60 of the 300 examples and count. But a share of 60 is
# uncertain by about 5 percentage points (the error $\sqrt{p(1-p)/n}$ of a share), and depends on which 60.
#
# **$k$-fold cross-validation** uses all 300. Divide them into $k = 5$ parts, *folds*. Train five times, each time on
# four of the parts, and measure on the fifth. That gives five accuracies $a_1 \dots a_5$, their mean $\bar a$, and
# their standard deviation $s$. Suppose they are 0.80, 0.84, 0.82, 0.78 and 0.86: the mean is 0.82, $s$ is 0.032, and
# the mean is less uncertain than each of them, by the factor $\sqrt 5$. So one writes $0.82 \pm 0.014$:
#
# $$ \bar a = \frac1k \sum_i a_i , \quad \text{error bar} = \frac{s}{\sqrt k} . \tag{1} $$
#
# Why $\sqrt k$? Variances of independent numbers add up, [lesson 8](08_initialisation.py), so the variance of a sum is
# $k s^2$, and the variance of the mean $k s^2 / k^2 = s^2 / k$. (And $s^2$ is here the sum of the squared distances
# divided by $k - 1$ instead of $k$, `ddof=1` in NumPy, since the mean itself was made of the same five numbers.)
#
# This error bar is somewhat too short: the five training sets overlap, so the five numbers aren't quite independent.
# There is no simple cure, but one should know it.


# %%
def bar(values):  # formula (1): the mean, and the error bar
    return np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))


mean, half = bar([0.80, 0.84, 0.82, 0.78, 0.86])
print(f"{mean:.2f} ± {half:.3f}")
assert np.isclose(mean, 0.82) and abs(half - 0.014) < 0.0005 and abs(half * np.sqrt(5) - 0.032) < 0.0005
assert abs(np.sqrt(0.8 * 0.2 / 60) - 0.05) < 0.005

folds = list(data.k_fold((pool.x, np.arange(300)), 5, seed=0))
for train, valid in folds:
    assert (len(train), len(valid)) == (240, 60)
assert sorted(np.concatenate([valid.y for _, valid in folds])) == list(range(300))  # each validates once

# %% [markdown]
# In place of labels we gave `k_fold` the numbers 0 to 299, so `train.y` says *which* of the 300 examples are in the
# fold. With it we can look up both the label that was given, `given[train.y]`, and the right one, `pool.y[train.y]`.
# Training sees the given ones. We measure on the right ones, so that we see what was learned.
#
# Note what cross-validation does to the network: nothing. It **measures** overfitting, and prevents none by itself. It
# comes into its own when a *choice* is made by it, as you will see.
#
# ## The remedies
#
# * **L2**: add $\lambda \sum w^2$ to the loss, with a small number $\lambda$, the strength. Its slope is
#   $2 \lambda w$: each weight is pulled to 0 in proportion to its size. Learning one wrong label needs large weights.
# * **L1**: add $\lambda \sum |w|$. Its slope is $\pm\lambda$, the same pull for large and small weights, so that those
#   that nobody needs end near 0.
# * **Dropout**: in each step, switch off each hidden unit with probability $p$. No unit can rely on another one.
# * **Augmentation**: turn each image at random, anew in every epoch, by up to 30°, or by up to 180°, to both sides.
#   What changes every time can't be learned by heart.
# * **Early stopping**: hold out a fifth of the *training* part. Stop when the loss on it has not fallen for 5 epochs,
#   and go back to the best weights.
# * **A smaller model**: 16 hidden units instead of 128.
#
# With "nothing", and with augmentation and L2 together, that makes nine. `fit` knows L1, L2 and early stopping as
# options, dropout is a layer of our network, and augmentation is a function of three lines:


# %%
def turned(x, degrees, rng):  # each image by an angle of its own, between -degrees and +degrees
    images = x.reshape(-1, 8, 8)
    return data.rotate(images, degrees, rng=rng).reshape(-1, 64)


# %% [markdown]
# Now the experiment. For one fold and one remedy, `train_and_judge` does this:
#
# 1. It makes a fresh network.
# 2. It has it `learn`, for 40 epochs, on the given labels of the four parts. For augmentation we call `fit` forty
#    times, for *one* epoch each, and turn the images anew before each call; the network and the optimizer go on where
#    they were. For early stopping we first hold out a fifth, and `fit` may end before the 40 epochs are over.
# 3. It measures three accuracies: on the labels it was trained on (right or wrong), on the right labels of the fifth
#    part, and on the judge's 1,497 digits. These three are what it returns, with the number of epochs.


# %%
def learn(model, x, y, seed, turn=0, patience=None, l1=0.0, l2=0.0):  # step 2; gives the number of epochs
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    how = {"loss": F.cross_entropy, "optimizer": optimizer, "l1": l1, "l2": l2, "progress": False}
    if turn:
        rng = np.random.default_rng(seed)
        for _ in range(40):
            tl.fit(model, (turned(x, turn, rng), y), epochs=1, **how)  # **how: loss=F.cross_entropy, and so on
        return 40
    if patience:
        part, held_out = data.split((x, y), 0.8, seed=seed)
        return len(tl.fit(model, part, epochs=40, validation=held_out, patience=patience, **how))
    tl.fit(model, (x, y), epochs=40, **how)
    return 40


# %%
def train_and_judge(train, valid, seed, hidden=128, p=0.0, **remedy):
    tl.manual_seed(seed)
    model = network(hidden, p)  # step 1
    x, y = train.x, given[train.y]
    epochs = learn(model, x, y, seed, **remedy)  # step 2
    on_training = tl.accuracy(tl.predict(model, x), y)  # step 3
    on_validation = tl.accuracy(tl.predict(model, valid.x), pool.y[valid.y])
    on_test = tl.accuracy(tl.predict(model, test.x), test.y)
    return [on_training, on_validation, on_test, epochs]


# %% [markdown]
# And `all_folds` does it for all five folds. Its answer is a table with a row for each fold; we will mostly need the
# columns `TRAINING`, `VALIDATION` and `JUDGE`.
#
# > **Predict.** Which three remedies will help most? Will one of them make things worse? Write down an order before you
# > look.

# %%
TRAINING, VALIDATION, JUDGE, EPOCHS = range(4)  # the columns


def all_folds(**remedy):
    return np.array([train_and_judge(*folds[i], seed=i, **remedy) for i in range(5)])


results = {
    "nothing": all_folds(),
    "L1, λ = 0.001": all_folds(l1=0.001),
    "L2, λ = 0.01": all_folds(l2=0.01),
    "dropout, p = 0.5": all_folds(p=0.5),
    "turned by up to 30°": all_folds(turn=30),
    "turned by up to 180°": all_folds(turn=180),
    "early stopping": all_folds(patience=5),
    "16 hidden units": all_folds(hidden=16),
    "turned by 30°, and L2": all_folds(turn=30, l2=0.003),
}

# %%
nothing = results["nothing"]
gains, judged = {}, {}
for name, runs in results.items():
    gains[name] = bar(runs[:, VALIDATION] - nothing[:, VALIDATION])  # fold by fold, what the remedy gains
    judged[name] = bar(runs[:, JUDGE] - nothing[:, JUDGE])
    mean, half = bar(runs[:, VALIDATION])
    print(f"{name:<22} training {runs[:, TRAINING].mean():.3f}, cross-validation {mean:.3f} ± {half:.3f}", end=", ")
    print(f"gain {100 * gains[name][0]:+5.1f} ± {100 * gains[name][1]:.1f} points", end="; ")
    print(f"judge {100 * judged[name][0]:+5.1f} ± {100 * judged[name][1]:.1f}")

# %%
figure, axes = plt.subplots(figsize=(7.4, 4.6))
for row, runs in enumerate(reversed(results.values())):  # the first remedy is drawn on top
    mean, half = bar(runs[:, VALIDATION])
    training = axes.plot(runs[:, TRAINING].mean(), row, "o", mfc="none", color=GRAY)[0]
    folded = axes.errorbar(mean, row, xerr=half, fmt="o", color=BLUE, capsize=4)
    judge = axes.plot(runs[:, JUDGE].mean(), row, "D", color=ORANGE, ms=5)[0]
axes.axvline(1 - wrong.mean(), color=GRAY, ls=":", lw=1)
axes.annotate("share of right labels", (1 - wrong.mean() + 0.005, 8.5), fontsize="small")
axes.set_yticks(range(9), list(reversed(results)))
axes.set(xlabel="accuracy", xlim=(0.63, 1.01), ylim=(-0.6, 8.9))
names = ["training labels", "cross-validation ± error bar", "judge, 1,497 new digits"]
figure.legend([training, folded, judge], names, fontsize="small", loc="outside upper center", ncols=3, frameon=False)
show(figure, "11_overfitting_2", "Nine rows, each with three marks, the accuracy on the training labels, by "
     "cross-validation with its error bar, and by the judge. With nothing: 0.99 on training labels, 0.77 by the judge. "
     "The remedies reach 0.82 to 0.89 by the judge; turned by up to 180° has 0.7 in all three.")  # fmt: skip

# %%
good = [name for name in results if name not in ("nothing", "turned by up to 180°")]
for name in good:
    gain, half = judged[name]
    assert 0.03 < gain < 0.14 and gain > 3 * half, name
strong = ["L2, λ = 0.01", "dropout, p = 0.5", "turned by up to 30°", "early stopping"]
assert all(0.065 < judged[name][0] < 0.125 for name in strong) and 0.03 < judged["16 hidden units"][0] < 0.075
together = judged["turned by 30°, and L2"][0]
assert together < judged["L2, λ = 0.01"][0] + 0.03
assert judged["turned by up to 180°"][0] < -0.03 and gains["turned by up to 180°"][0] < -0.05
assert nothing[:, TRAINING].mean() > 0.96 and abs(nothing[:, JUDGE].mean() - 0.77) < 0.025
for name in good:
    assert 0 < gains[name][0] < 0.12 and 0.015 < gains[name][1] < 0.045, name
epochs = results["early stopping"][:, EPOCHS]
print("early stopping trained for", epochs.astype(int), "epochs, the others for 40")
assert epochs.mean() < 20

# %% [markdown]
# What helped, and by how much?
#
# * **Everything that keeps the label right helped.** The judge finds gains between about 5 and 12 percentage points,
#   each of them several times its error bar. L2, dropout, mild turning and early stopping are all worth about 8 to 11
#   points, the smaller model about 5: its 16 units still have room for wrong labels, and less for digits.
# * **One of them did harm**: turning by up to 180°, about 6 points by the judge's count. More about it below.
# * **Early stopping is the cheapest.** It trains for less than half of the time, and pays with a fifth of the examples.
# * **They don't add up.** Turning and L2 together gain hardly more than L2 alone. They cure the same disease.
# * **A high training accuracy is no merit here.** 17 % of the labels are wrong, so an expert who reads every digit
#   rightly gets 83 % (the dotted line). What lies to the right of it has been learned by heart.
#
# What would you do tomorrow, with data of your own? Early stopping first, since it costs next to nothing; then
# augmentation, if you know which changes keep the label; then L2 or dropout, with a strength that was chosen as below.
#
# And what did cross-validation say? With 300 examples its gains are about 2 to 10 points, with error bars of 2 to 4.
# It sees that something helps. Whether dropout beats early stopping it can't say, and you shouldn't either: the
# strengths ($\lambda$, $p$, the angle) are round numbers that we didn't tune.
#
# ## Where cross-validation helps: a choice
#
# How strong should L2 be? Too weak does nothing, too strong doesn't let the network learn. Cross-validation can choose.

# %%
curve = {0.0: nothing, 0.003: all_folds(l2=0.003), 0.01: results["L2, λ = 0.01"], 0.03: all_folds(l2=0.03)}
scores = {}
for strength, runs in curve.items():
    scores[strength], half = bar(runs[:, VALIDATION])
    print(f"λ = {strength:<6} cross-validation {scores[strength]:.3f} ± {half:.3f}")

chosen = max(scores, key=scores.get)  # the λ with the largest score
gain, half = bar(curve[chosen][:, JUDGE] - nothing[:, JUDGE])
print(f"chosen: λ = {chosen}; according to the judge that gains {100 * gain:.1f} ± {100 * half:.1f} points")
assert chosen in (0.003, 0.01) and gain > 0.05
assert scores[0.03] < scores[chosen] - 0.04  # too strong

# %% [markdown]
# That is what the method is for. By itself it gains nothing; the *choice* that was made by it gains several points, by
# the judge's count. (The score of the chosen $\lambda$ is now the best of four, so a little too good. The judge, who
# had no part in the choice, says what it is worth.)
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *Augmentation that changes the label.* Turning by up to 30° gained about 10 points, turning by
# > up to 180° cost about 6. Whoever augments promises that the label stays true. But a 6 that is turned by half a turn
# > is a 9, and was still called a 6.
#
# To see it, train a good reader on the judge's 1,497 digits, and show it the 6s and the 9s of the 300, upside down.

# %%
tl.manual_seed(0)
reader = network()
tl.fit(reader, test, loss=F.cross_entropy, optimizer=optim.Adam(reader.parameters(), lr=0.01), epochs=10, seed=0,
       progress=False)  # fmt: skip
read_as = {}
for digit in (6, 9):
    upright = pool.x[pool.y == digit].reshape(-1, 8, 8)
    upside_down = data.rotate(upright, (180, 180)).reshape(-1, 64)  # from 180° to 180°: exactly half a turn
    read_as[digit] = tl.predict(reader, upside_down).argmax(axis=1)
    print(f"{digit}s upside down are read as", read_as[digit])
right = tl.accuracy(tl.predict(reader, pool.x), pool.y)
print(f"accuracy upright: {right:.3f}")
assert right > 0.95
assert np.mean(read_as[6] == 9) > 0.5 and np.mean(read_as[9] == 6) > 0.4

# %%
sixes = pool.x[pool.y == 6][:6].reshape(-1, 8, 8)
pictures = np.concatenate([sixes, data.rotate(sixes, (30, 30)), data.rotate(sixes, (180, 180))])
axes = plots.images(pictures, labels=["6"] * 6 + ["6, by 30°"] * 6 + ["“6”, by 180°"] * 6, columns=6)
axes.set_title("Which of these would you still call a 6?")
show(axes.figure, "11_overfitting_3", "Three rows of six handwritten sixes each, as 8 by 8 pixels: upright, turned by "
     "30°, and turned by 180°. The first two rows still look like sixes; the last one looks like nines.")  # fmt: skip

# %% [markdown]
# A reader that is right in more than 95 % of all cases takes most of the turned 6s for 9s, and rightly so. Mirroring, a
# good augmentation for photographs of cats, makes no digit at all of a 3. How to notice: look at twenty augmented
# images, and see whether you would give them their labels.
#
# > **What goes wrong.** *The judge becomes a party.* Stop the training where the *test* loss is lowest, or choose
# > $\lambda$ by it, and the test set has been learned from; its score is no longer one for new data. How to notice: by
# > nothing in the numbers, they only look nicer. So keep it where the program can't reach it: a set to choose by
# > (validation, or the folds), and another to judge with, once.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_l2`, `ex_l1`, `ex_dropout`, `ex_fold`.
#
# 1. Repeat the comparison with right labels (`given = pool.y`). Which remedies still help, and which harm?
# 2. Give each remedy four strengths and let cross-validation choose one, as for L2 above. Does the order among the
#    remedies change? How many digits would you need to be sure of a difference of 1 point?
# 3. Draw the five validation losses over the epochs, one curve per fold. Where would each of them have stopped?
#
# ## In the article
#
# > Against overfitting the article lists L1 and L2 regularisation, data augmentation, cross-validation and a simpler
# > model. Four of these five are in the table above, and helped; augmentation only where it kept the label, which the
# > article doesn't say.
# >
# > **Cross-validation is the odd one out.** It prevents nothing; it measures, as the article itself says: “to assess
# > how the model generalises”[^assess]. One sees it above: the scores alone change no network, the choice of $\lambda$
# > made by them does.
# >
# > **Dropout and early stopping**, the two that one meets most often, aren't on its list. (Row D17 of `tinydl document`
# > compares the remedies on another problem.)
#
# [^assess]: 「交叉验证」, 「以评估模型的泛化性能」
#
# ## Where this lives in tinydl
#
# * `tinydl/training/fit.py`: `fit(l1=…, l2=…, patience=…)`; the penalties are one line in `_Run._penalty`, the best
#   weights are kept by `Best` in `tinydl/training/care.py`.
# * `tinydl/nn/dropout.py` and `dropout` in `tinydl/functional/activations.py`; off in `model.eval()`, as `tl.evaluate`
#   and `tl.predict` set it.
# * `tinydl/data/splitting.py`: `k_fold`. `tinydl/data/augmentation.py`: `rotate`, `shift`, `scale`, `crop`, `flip`.
#
# Next: [lesson 12](12_trusting_a_gradient.py): how do you know that a gradient is right?
