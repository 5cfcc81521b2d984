# %% [markdown]
# # 22. What does it look at?
#
# A network says "8". Which pixels made it say so, and how would you know that the picture which answers this isn't a
# fairy tale?
#
# In [lesson 9](09_digits.py) a 6 was taken for an 8, and we told you why: at its top it bends back so far that it
# nearly closes a second loop. That was *our* story. Nobody had asked the network. Here you ask it, in four ways. Each
# gives a **map**, a number for each pixel, and maps make beautiful pictures. The second half of the page is about what
# they are worth.
#
# *You need:* the gradient by `tl.grad` and what is used twice ([lesson 3](03_the_graph.py)), the digits and their
# standard error ([lesson 9](09_digits.py)), and for one section convolutions ([lesson 16](16_convolution.py)).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, PURPLE, RED, show

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F

# %% [markdown]
# ## The 6 and the story
#
# The division into training and test digits is that of lesson 9, and so is the digit, number 241. We train three
# networks that differ only in their seed.


# %%
def mlp(outputs=10, unit=nn.ReLU):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), unit(), nn.Linear(128, outputs))


def trained(model_of, x, y, seed=0, epochs=15):
    tl.manual_seed(seed)
    model = model_of()
    tl.fit(model, (x, y), loss=F.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.003), epochs=epochs,
           seed=seed, progress=False)  # fmt: skip
    return model


train, test = data.split(data.digits(images=True), 0.8, seed=0, stratify=True)
models = [trained(mlp, train.x, train.y, seed) for seed in range(3)]

# %%
x = test.x[241:242].astype(float)  # a batch of one picture
scores = np.array([tl.predict(model, x)[0] for model in models])
print("accuracy", [round(tl.accuracy(tl.predict(model, test.x), test.y), 2) for model in models])
print("scores of 8:", scores[:, 8].round(1), "of 6:", scores[:, 6].round(1))
assert test.y[241] == 6 and np.all(scores.argmax(axis=1) == 8)

# %% [markdown]
# All three read 98 % of the digits, and take this 6 for an 8. So we ask: why an 8 *rather than* a 6? The number to be
# explained is the lead of one score over the other,
#
# $$ f(x) = z_8(x) - z_6(x) . \tag{1} $$


# %%
class Rather(nn.Module):
    def __init__(self, model, one, other):
        self.model, self.one, self.other = model, one, other

    def forward(self, images):
        z = self.model(images)
        return z[:, self.one] - z[:, self.other]


f = Rather(models[0], 8, 6)
print(f"f(x) = {f(x).item():.2f}")
assert f(x).item() > 0  # it says 8

# %% [markdown]
# ## The slope
#
# The first answer is the gradient: how steeply does $f$ depend on each pixel? Its size $|\partial f / \partial x_i|$
# is called **saliency**.



# %%
def gradient(f, images):
    with tl.no_grad():  # these slopes are not differentiated once more
        return tl.grad(lambda a: np.sum(f(a)))(images)


slopes = gradient(f, x)
assert np.allclose(np.abs(slopes), tl.saliency(f, x), atol=1e-6)
steepest = np.argsort(-np.abs(slopes).ravel())[:10]
print("of the ten steepest pixels", np.sum(x.ravel()[steepest] == 0), "have no ink at all")
assert np.sum(x.ravel()[steepest] == 0) >= 3

# %% [markdown]
# So steep isn't the same as important. A slope says what a *little more* ink would do, even where there is none. It
# doesn't say what the ink that lies there has done. **Gradient × input**, $x_i \cdot \partial f / \partial x_i$, is
# better: where there is no ink it is 0. But it takes the slope *here* for the slope all the way. Look at a function of
# one number that rises to 1 and then stays there:

# %%
rises = lambda a: 1 - F.relu(1 - a)
print("f(0) =", rises(0.0), " f(2) =", rises(2.0), " slope at 2:", gradient(rises, 2.0))
assert rises(0.0) == 0 and rises(2.0) == 1 and gradient(rises, 2.0) == 0

# %% [markdown]
# All of $f(2) = 1$ comes from the input, and both maps say 0.
#
# ## The way from nothing
#
# Then look at the slopes on the whole way. Start at a picture $x_0$ that says nothing, the **baseline**: here white
# paper, zeros. Let the ink come up evenly, $x_0 + t\,(x - x_0)$, with $t$ from 0 to 1. All pixels move at once, so the
# chain rule gives a sum, each pixel's speed times its slope:
#
# $$ \frac{d}{dt} f\big(x_0 + t\,(x - x_0)\big) = \sum_i (x_i - x_{0i})\, \frac{\partial f}{\partial x_i} . $$
#
# The integral of the left side over the way is $f(x) - f(x_0)$. So the right side is cut into shares $m_i$, one for
# each pixel, and nothing is lost:
#
# $$ \begin{aligned} m_i &= (x_i - x_{0i}) \int_0^1 \frac{\partial f}{\partial x_i}\big(x_0 + t\,(x - x_0)\big)\, dt
#    \\ \sum_i m_i &= f(x) - f(x_0) \end{aligned} \tag{2} $$
#
# These are **integrated gradients**. A computer takes the slopes at some $t_k$, adds them with weights, and misses the
# sum in (2) by a little. We can measure that. With $n$ equal steps, $t_k$ the end of each, all weights are $1/n$.
# **Gauss–Legendre** puts its $n$ places, called nodes, closer together towards both ends, and gives each its own
# weight. They are chosen so that every polynomial of degree $2n - 1$ or less gets its exact integral.


# %%
def integrated(f, x, x0, t, weights):
    slopes = sum(weight * gradient(f, x0 + place * (x - x0)) for place, weight in zip(t, weights, strict=True))
    return (x - x0) * slopes


def equal_steps(n):
    return np.arange(1, n + 1) / n, np.full(n, 1 / n)


def gauss(n):
    places, weights = np.polynomial.legendre.leggauss(n)  # of the interval from -1 to 1
    return (places + 1) / 2, weights / 2


paper = np.zeros_like(x)
shares = integrated(f, x, paper, *gauss(20))
assert np.allclose(shares, tl.integrated_gradients(f, x), atol=1e-6)
assert np.isclose(integrated(rises, 2.0, 0.0, *gauss(20)), 1, atol=0.05)  # the share that both maps missed

# %% [markdown]
# > **Predict.** With twice as many steps, how much smaller is what the sum misses? And with twice as many nodes? Try a
# > network of tanhs, which is smooth, and one of relus, which has kinks.


# %%
def missed(f, places, n):
    return abs(integrated(f, x, paper, *places(n)).sum() - (f(x) - f(paper)).item())


with tl.default_dtype(np.float64):
    smooth = Rather(trained(lambda: mlp(unit=nn.Tanh), train.x.astype(float), train.y), 8, 6)
counts = 2 ** np.arange(1, 9)
errors = {(name, places.__name__): [missed(g, places, n) for n in counts]
          for name, g in [("tanh", smooth), ("relu", f)] for places in (equal_steps, gauss)}  # fmt: skip
at_20 = missed(smooth, gauss, 20)
ratio = errors["tanh", "equal_steps"][6] / errors["tanh", "equal_steps"][7]
print(f"tanh: 20 nodes miss {at_20:.0e}; 256 steps {errors['tanh', 'equal_steps'][7]:.0e}, 128 {ratio:.2f} times that")
assert at_20 < 1e-10 and abs(ratio - 2) < 0.1

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.6))
for (name, places), values in errors.items():
    axes.loglog(counts, np.maximum(values, 1e-16), "o-" if places == "gauss" else "s--", markersize=5,
                color=BLUE if name == "tanh" else ORANGE, label=f"{name}, {places.replace('_', ' ')}")  # fmt: skip
axes.set(xlabel="number of slopes taken", ylabel="what the sum misses", xticks=counts, xticklabels=counts)
axes.minorticks_off()
axes.legend(loc="center right")
show(figure, "22_what_does_it_look_at_1", "What the sum misses over the number of slopes, both axes in powers. Equal "
     "steps fall slowly for both networks. Gauss's nodes fall to rounding for tanh, and stay high for relu.")  # fmt: skip

# %% [markdown]
# Look at the squares: twice as many steps, half of the error. The blue circles fall to nothing: 20 nodes are exact to
# rounding. The orange ones don't, since a kink is no polynomial.
#
# Now ask the 6.
#
# > **Predict.** If our story is true, which two pixels speak most for the 8?

# %%
for model in models:
    m = tl.integrated_gradients(Rather(model, 8, 6), x, nodes=100)[0]
    largest = [divmod(int(pixel), 8) for pixel in np.argsort(-m.ravel())[:2]]  # number 13 is row 1, column 5
    print(f"(row, column) of the two largest shares: {largest}; they are {m[1, 5] + m[2, 5]:.1f}, all {m.sum():.1f}")
    assert set(largest) == {(1, 5), (2, 5)} and m[1, 5] + m[2, 5] > 4

# %% [markdown]
# Rows and columns are counted from 0, so that is the end of the hook, at the upper right: where it bends back. All
# three networks agree. (The two shares are more than the whole, since other pixels speak for the 6, with shares below
# 0.)
#
# ## Take it away and look
#
# The plainest way needs no gradient. Put paper over a pixel and look how far $f$ falls. That is **occlusion**. Often
# one covers a window of, say, 3 × 3 pixels, and gives each pixel the mean over all windows that cover it. And we can
# cover just *two* pixels, any two of those with ink.
#
# > **Predict.** Of all pairs of pixels with ink, the end of the hook is one. How many pairs bring $f$ further down?


# %%
def covered(x, rows, columns):
    image = x.copy()
    image[:, rows, columns] = 0
    return image


total, count = np.zeros((8, 8)), np.zeros((8, 8))
for window in [(slice(i, i + 3), slice(j, j + 3)) for i in range(6) for j in range(6)]:
    total[window] += (f(x) - f(covered(x, *window))).item()
    count[window] += 1
assert np.allclose(total / count, tl.occlusion(f, x, 3)[0], atol=1e-5)

# %%
ink = np.argwhere(x[0] > 0)
pairs = [np.stack([ink[a], ink[b]], axis=1) for a in range(len(ink)) for b in range(a)]
without = np.concatenate([covered(x, *pair) for pair in pairs])
hook = next(k for k, pair in enumerate(pairs) if sorted(map(tuple, pair.T)) == [(1, 5), (2, 5)])
for model in models:
    lead = tl.predict(Rather(model, 8, 6), without)
    says = tl.predict(model, without).argmax(axis=1)
    print(f"without the hook's end: {says[hook]}; further down: {np.sum(lead < lead[hook])} of {len(pairs)} pairs; "
          f"a 6 without {np.mean(says == 6):.0%} of all pairs")  # fmt: skip
    assert says[hook] == 6 and lead[hook] == lead.min() and np.mean(says == 6) < 0.15

# %% [markdown]
# None of 561. Without the end of the hook all three networks read a 6, and only few other pairs can do that. So here
# our story was theirs, too. It was checked by *changing the picture*, and not by looking at a map.
#
# The fourth map needs a network of convolutions. Its last **maps** $A_k$ say where something was found. **Grad-CAM**
# asks how much the score rises with each of them, on average over all places, and adds the maps with these as weights;
# what is below 0 is cut off.


# %%
def cnn():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 4 * 4, 10))  # fmt: skip


convolutions = [trained(cnn, train.x[:, None], train.y, seed, epochs=4) for seed in range(3)]
first, rest = convolutions[0][:4], convolutions[0][4:]  # up to the last maps, and what follows
maps = first(x[:, None]).detach().numpy()  # (1, 32, 8, 8)
weights = gradient(lambda a: rest(a)[:, 8] - rest(a)[:, 6], maps).mean(axis=(2, 3), keepdims=True)
cam = np.maximum(np.sum(weights * maps, axis=1), 0)
assert np.allclose(cam, tl.grad_cam(Rather(convolutions[0], 8, 6), "model.3", x[:, None]), atol=1e-5)

# %%
four = {"slope": slopes, "integrated": shares, "occlusion 3 × 3": total / count, "Grad-CAM": cam}
figure, tiles = plt.subplots(1, 5, figsize=(7.2, 1.8))
tiles[0].imshow(x[0], cmap="gray_r")
tiles[0].set_title("a 6")
for tile, (name, values) in zip(tiles[1:], four.items(), strict=True):
    bound = np.abs(values).max()
    tile.imshow(values.reshape(8, 8), cmap="RdBu_r", vmin=-bound, vmax=bound)
    tile.set_title(name)
for tile in tiles:
    tile.set_axis_off()
    tile.add_patch(plt.Rectangle((4.5, 0.5), 1, 2, fill=False, edgecolor=ORANGE, linewidth=2))
show(figure, "22_what_does_it_look_at_2", "A 6 that bends back at its top, and four maps of why it was taken for an 8, "
     "red for the 8 and blue for the 6. A frame marks the end of the hook, which two of them paint dark red.")  # fmt: skip

# %% [markdown]
# The frame marks the end of the hook. (Grad-CAM's map is that of the CNN, another network.) The four don't agree: the
# third paints half of the picture, the last paints the body of the 6 and not the hook. Which may you believe?
#
# ## The control
#
# Ask the same of a network that knows nothing: with weights as they are drawn, before any training. Its map can only
# show what is there *without* learning.
#
# How alike are two maps? Replace each number by its **rank**, its place in the order from small to large; equal numbers
# share the mean of their places. Then take the correlation of the ranks $r_i$ and $q_i$,
#
# $$ \frac{\sum_i (r_i - \bar r)\, (q_i - \bar q)}
#    {\sqrt{\sum_i (r_i - \bar r)^2\; \sum_i (q_i - \bar q)^2}} , \tag{3} $$
#
# where a bar is the mean. It is 1 for the same order, −1 for the opposite one, and about 0 for orders that have nothing
# to do with each other. We take 100 test digits, of each the score of the answer that the trained network gives, and
# the *sizes* of the shares: how dark is the map, and where?
#
# > **Predict.** Integrated gradients of a trained network and of one that has learned nothing: how large is their rank
# > correlation? Write down a number.


# %%
def ranks(v):
    smaller, equal = np.sum(v[:, None] > v, axis=1), np.sum(v[:, None] == v, axis=1)
    return smaller + (equal - 1) / 2


def alike(a, b, where):  # formula (3), over the pixels named by `where`; the mean over the pictures
    rows = zip(a.reshape(-1, 64), b.reshape(-1, 64), where.reshape(-1, 64), strict=True)
    return np.mean([np.corrcoef(ranks(p[w]), ranks(q[w]))[0, 1] for p, q, w in rows])


many = test.x[:100]
everywhere, has_ink = np.ones(many.shape, bool), many > 0

# %%
own, nothing, nonsense = [], [], []
for seed, model in enumerate(models):
    classes = tl.predict(model, many).argmax(axis=1)
    tl.manual_seed(100 + seed)
    untrained = mlp()
    shuffled = trained(mlp, train.x, np.random.default_rng(seed).permutation(train.y), seed)
    for found, network in [(own, model), (nothing, untrained), (nonsense, shuffled)]:
        found.append(tl.integrated_gradients(network, many, target=classes, nodes=100))
for name, others in [("an untrained network", nothing), ("one trained on shuffled labels", nonsense),
                     ("the picture alone", [many] * 3)]:  # fmt: skip
    sizes = [alike(np.abs(a), np.abs(b), everywhere) for a, b in zip(own, others, strict=True)]
    print(f"{name:<31}", np.round(sizes, 2))
    assert abs(np.mean(sizes) - (0.93 if others[0] is many else 0.9)) < 0.03

# %% [markdown]
# About 0.9, with each of the three seeds. A network that has learned *nothing* gives nearly the same dark and light. So
# does one that was trained on **shuffled labels**, each picture with the label of another. And with the picture itself,
# no network at all, it is even 0.93. So most of what the eye admires in such a map is the picture.
#
# But is the trained network's map really the same? Look again at (2): where there is no ink, the share is exactly 0, in
# every network's map. About half of the pixels are such paper, and they make the agreement. So leave them out. And
# don't take away the signs: which ink speaks *for* the answer, and which *against* it?

# %%
print(f"pixels with ink: {has_ink.mean():.0%}")
for name, others in [("untrained", nothing), ("shuffled", nonsense)]:
    both = list(zip(own, others, strict=True))
    sizes = [alike(np.abs(a), np.abs(b), has_ink) for a, b in both]
    signed = [alike(a, b, has_ink) for a, b in both]
    print(f"{name:<10} only ink: sizes", np.round(sizes, 2), "with signs", np.round(signed, 2))
    assert np.all(np.abs(signed) < 0.2)

# %% [markdown]
# Two untrained networks, or what is left of a map when its paper and its signs are gone: now it is about 0. *Where* the
# map is dark, any network shows, for that is the ink. *Which ink speaks for the answer* was learned.
#
# A map with signs can be tested, as the hook was: take pixels away in its order, the largest first, four at a time, and
# see how far the score falls. This is **deletion**. What the map says is worth something if the score falls further
# than in other orders.
#
# > **Predict.** Which order is the best: that of integrated gradients, of gradient × input, of the ink alone, of the
# > slopes, of an untrained network's map, or a random one? Which two are about the same?


# %%
def falls(model, order):  # of each picture, after 0, 4, 8, … 64 pixels are taken away; shape (100, 17)
    rows, classes = np.arange(len(many)), tl.predict(model, many).argmax(axis=1)
    place = np.argsort(np.argsort(-order.reshape(-1, 64), axis=1, kind="stable"), axis=1)  # 0 for the largest
    left = [np.where(place.reshape(many.shape) < n, 0, many) for n in range(0, 65, 4)]
    scores = np.stack([tl.predict(model, images)[rows, classes] for images in left], axis=1)
    return scores[:, :1] - scores


rng, curves = np.random.default_rng(0), {}
for seed, model in enumerate(models):
    classes = tl.predict(model, many).argmax(axis=1)
    steep = gradient(lambda a, model=model, k=classes: model(a)[np.arange(100), k], many)
    orders = {"integrated gradients": own[seed], "gradient × input": steep * many, "ink": many,
              "slopes": np.abs(steep), "untrained map": nothing[seed], "random": rng.random(many.shape)}  # fmt: skip
    for name, order in orders.items():
        curves.setdefault(name, []).append(falls(model, np.asarray(order)).mean(axis=0))

# %%
figure, axes = plt.subplots(figsize=(6.8, 4))
styles = zip(curves.items(), [BLUE, ORANGE, GRAY, GREEN, PURPLE, RED], ["-", "--", "-", "-", "-", "--"], strict=True)
average = {name: np.mean(values, axis=0)[1:-1].mean() for name, values in curves.items()}
for (name, values), colour, style in styles:
    error = np.std(values, axis=0, ddof=1) / np.sqrt(3)
    axes.errorbar(np.arange(0, 65, 4), np.mean(values, axis=0), error, fmt=style, color=colour, label=name)
    print(f"{name:<21} fall on average {average[name]:.1f}")
axes.set(xlabel="pixels taken away, of 64", ylabel="fall of the score", xticks=range(0, 65, 8))
axes.legend(fontsize=9, loc="lower center", ncols=2)
show(figure, "22_what_does_it_look_at_3", "How far the score falls while pixels are taken away. Two curves, integrated "
     "gradients and gradient × input, lie on each other, far above all others; untrained and random are lowest.")  # fmt: skip
assert average["integrated gradients"] > 1.5 * max(average["ink"], average["slopes"])
assert abs(average["integrated gradients"] / average["gradient × input"] - 1) < 0.05
assert abs(average["untrained map"] - average["random"]) < 1.2
