# %% [markdown]
# # 22. What does it look at?
#
# A network says "8". Which pixels made it say so, and how would you know that the picture which answers this isn't a
# fairy tale?
#
# In [lesson 9](09_digits.py) a 6 was taken for an 8, and we told you why: at its top it bends back so far that it
# nearly closes a second loop. That was *our* story. Nobody had asked the network. Here you ask it, in four ways. Each
# gives a **map**, a number for each pixel. Maps make beautiful pictures; then you find out what they are worth.
#
# *You need:* the chain rule ([lesson 1](01_derivatives.py)), and the digits ([lesson 9](09_digits.py)).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, show

import tinydl as tl
from tinydl import data, nn, optim, plots
from tinydl import functional as F

# %% [markdown]
# ## The 6 and the story
#
# The digits are divided as in that lesson, and the 6 is number 241 of the test digits. We train three networks.


# %%
def mlp(outputs=10, unit=nn.ReLU):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), unit(), nn.Linear(128, outputs))


def trained(make, x, y, seed=0, epochs=15):
    tl.manual_seed(seed)
    model = make()
    tl.fit(model, (x, y), loss=F.cross_entropy, optimizer=optim.Adam(model.parameters(), lr=0.003), epochs=epochs,
           seed=seed, progress=False)  # fmt: skip
    return model


# %%
train, test = data.split(data.digits(images=True), 0.8, seed=0, stratify=True)
models = [trained(mlp, train.x, train.y, seed) for seed in range(3)]
x = test.x[241:242].astype(float)  # a batch of one picture
z = np.array([tl.predict(model, x)[0] for model in models])
print("scores of 8:", z[:, 8].round(1), "of 6:", z[:, 6].round(1))
right = [tl.accuracy(tl.predict(model, test.x), test.y) for model in models]
print("test digits read:", np.round(right, 2))
assert test.y[241] == 6 and np.all(z.argmax(axis=1) == 8) and np.allclose(right, 0.98, atol=0.015)

# %%
figure, tiles = plt.subplots(1, 3, figsize=(7.2, 2.8))
pictures = {"our 6": x[0], "another 6": train.x[train.y == 6][0], "an 8": train.x[train.y == 8][0]}
for tile, (name, picture) in zip(tiles, pictures.items(), strict=True):
    tile.imshow(picture, cmap="gray_r")
    tile.set(title=name, xlabel="column", ylabel="row", xticks=range(8), yticks=range(8))
show(figure, "22_what_does_it_look_at_1", "Three digits of 8 × 8 pixels. Our 6 bends right at its top, down again, and "
     "bends back at the right. Another 6 has no such hook. An 8 has two loops.")  # fmt: skip

# %% [markdown]
# All three read 98 % of the test digits, and take the 6 on the left for an 8. Why an 8 *rather than* a 6? What we want
# explained is the lead of one score over the other, $f(x) = z_8(x) - z_6(x)$. (Not a probability $p$: the slopes of a
# softmax have a factor $p\,(1 - p)$, [lesson 7](07_likelihood.py), which is nearly 0 where a network is sure.)
#
# ## The slope
#
# The first answer is the gradient: how steeply does $f$ rise with each pixel, $\partial f / \partial x_i$? Its size
# alone, $|\partial f / \partial x_i|$, is called **saliency**.


# %%
class Rather(nn.Module):
    def __init__(self, model, one, other):
        self.model, self.one, self.other = model, one, other

    def forward(self, images):
        scores = self.model(images)
        return scores[:, self.one] - scores[:, self.other]


def gradient(f, images):  # of a batch the sum: each score depends on its own picture only, so the slopes don't mix
    with tl.no_grad():  # tl.grad records by itself; what comes out shall be plain numbers, not recorded once more
        return tl.grad(lambda a: f(a).sum())(images)


f = Rather(models[0], 8, 6)
slopes = gradient(f, x)
assert np.allclose(np.abs(slopes), tl.saliency(f, x), atol=1e-6)
blank = np.sum(x.ravel()[np.argsort(-np.abs(slopes).ravel())[:10]] == 0)
print("of the ten steepest pixels", blank, "are blank paper")
assert 3 <= blank <= 7

# %% [markdown]
# About half of the ten are blank paper! A slope says what a *little more* ink would do, and not what the ink that lies
# there has done. **Gradient × input**, $x_i \cdot \partial f / \partial x_i$, is better: without ink it is 0. But it
# takes the slope *here* for the slope all the way. Look at $1 - \max(0, 1 - a)$, which rises with $a$ to 1, and then
# stays there. At $a = 2$ all of its value comes from the input; but the slope is 0, and both maps say 0.
#
# ## The way from nothing
#
# So look at the slopes on the whole way. Begin at a picture $x_0$ that says nothing, the **baseline**: here white
# paper, zeros. Let the ink come up evenly, $x_0 + t\,(x - x_0)$, with $t$ from 0 to 1. The chain rule gives a sum, each
# pixel's speed times its slope:
#
# $$ \frac{d}{dt} f\big(x_0 + t\,(x - x_0)\big) = \sum_i (x_i - x_{0i})\, \frac{\partial f}{\partial x_i} . $$
#
# Integrate from 0 to 1. The left side gives $f(x) - f(x_0)$, the right side a **share** $m_i$ for each pixel:
#
# $$ \begin{aligned} m_i &= (x_i - x_{0i}) \int_0^1 \frac{\partial f}{\partial x_i}\big(x_0 + t\,(x - x_0)\big)\, dt
#    \\ \sum_i m_i &= f(x) - f(x_0) \end{aligned} \tag{1} $$
#
# These shares are called **integrated gradients**. Their sum leaves nothing out: that is **completeness**. A computer
# takes the slopes at some places $t$, and adds them with weights. With $n$ equal steps it takes the end of each, and
# all weights are $1/n$. **Gauss and Legendre** put their $n$ places, the *nodes*, closer together towards both ends,
# each with a weight of its own, so that all polynomials of degree $2n - 1$ or less get their exact integral.


# %%
def integrated(f, x, x0, t, weights):
    slopes = sum(weight * gradient(f, x0 + place * (x - x0)) for place, weight in zip(t, weights, strict=True))
    return (x - x0) * slopes


def gauss(n):
    places, weights = np.polynomial.legendre.leggauss(n)  # made for the interval from -1 to 1
    return (places + 1) / 2, weights / 2


shares = integrated(f, x, 0 * x, *gauss(20))
assert np.allclose(shares, tl.integrated_gradients(f, x, nodes=20), atol=1e-6)
print(f"of the function that rises to 1: {integrated(lambda a: 1 - F.relu(1 - a), 2.0, 0.0, *gauss(20)):.2f}")
assert gradient(lambda a: 1 - F.relu(1 - a), 2.0) == 0

# %% [markdown]
# > **Predict.** The sum of the shares misses $f(x) - f(x_0)$ by a little. With twice as many steps, how much smaller is
# > that? And with twice as many nodes? Try a network of tanhs, which is smooth, and our relus, which have kinks.


# %%
def missed(f, t, weights):
    return abs(integrated(f, x, 0 * x, t, weights).sum() - (f(x) - f(0 * x)).item())


smooth = Rather(trained(lambda: mlp(unit=nn.Tanh), train.x, train.y), 8, 6)
print("slopes taken                8        16        32        64")
for name, g in [("tanh", smooth), ("relu", f)]:
    equal = [missed(g, np.arange(1, n + 1) / n, np.full(n, 1 / n)) for n in (8, 16, 32, 64)]
    nodes = [missed(g, *gauss(n)) for n in (8, 16, 32, 64)]
    print(f"{name}, equal steps  ", *(f"{value:9.0e}" for value in equal))
    print(f"{name}, Gauss's nodes", *(f"{value:9.0e}" for value in nodes))
    assert name == "relu" or (abs(equal[2] / equal[3] - 2) < 0.1 and max(nodes) < 1e-5)
    assert name == "tanh" or (equal[0] > 2 * equal[3] and max(nodes[1:]) > 1e-3)

# %% [markdown]
# tanh: twice as many equal steps, half of the error. Of Gauss's nodes 8 are enough, and what they miss is rounding.
# relu: equal steps gain unevenly, and with Gauss's nodes the error doesn't plunge, since a kink is no polynomial. So
# for relus we take many, 100, from here on. Now ask the 6.
#
# > **Predict.** If our story is right, which two pixels of our 6 speak most for the 8? Look at the first picture, and
# > write down their rows and columns.

# %%
for model in models:
    m = tl.integrated_gradients(Rather(model, 8, 6), x, nodes=100)[0]
    largest = [divmod(int(pixel), 8) for pixel in np.argsort(-m.ravel())[:2]]  # number 13 is row 1, column 5
    start, end = (tl.predict(Rather(model, 8, 6), images).item() for images in (0 * x, x))
    print(f"the two largest shares, {m[1, 5] + m[2, 5]:.1f} together, are at (row, column) {largest}; the sum of all "
          f"is {m.sum():.2f}, f(x) - f(x0) is {end:.2f} - {start:.2f} = {end - start:.2f}")  # fmt: skip
    assert set(largest) == {(1, 5), (2, 5)} and m[1, 5] + m[2, 5] > 4

# %% [markdown]
# Column 5, rows 1 and 2: the end of the hook, for all three networks. (The rest, below 0 together, speaks for the 6.)
#
# ## Take it away and look
#
# The plainest way needs no gradient: put paper over some pixels, and see how far $f$ falls. That is **occlusion**.
# Usually one covers a window of, say, 3 × 3, at every place, and gives each pixel the mean of all falls while it was
# covered: `tl.occlusion(f, x, 3)`.
#
# > **Predict.** We may also cover just two pixels. 34 pixels have ink, which makes $34 \cdot 33 / 2 = 561$ pairs. The
# > end of the hook is one. How many of the others bring $f$ further down?


# %%
def covered(x, rows, columns):
    image = x.copy()
    image[:, rows, columns] = 0
    return image


ink = np.argwhere(x[0] > 0)
pairs = [np.stack([ink[a], ink[b]], axis=1) for a in range(len(ink)) for b in range(a)]
without = np.concatenate([covered(x, *pair) for pair in pairs])
hook = next(k for k, pair in enumerate(pairs) if sorted(map(tuple, pair.T)) == [(1, 5), (2, 5)])
for model in models:
    lead, says = tl.predict(Rather(model, 8, 6), without), tl.predict(model, without).argmax(axis=1)
    print(f"without the hook's end: {says[hook]}; {np.sum(lead < lead[hook])} of {len(pairs)} pairs bring f lower; "
          f"{np.mean(says == 6):.0%} of them make it a 6")  # fmt: skip
    assert says[hook] == 6 and lead[hook] == lead.min() and np.mean(says == 6) < 0.15

# %% [markdown]
# None. Without the end of the hook all three read a 6, which few other pairs can do. So these two pixels matter most,
# as our story said, and *changing the picture* has shown it, not looking at a map. That they matter *because* they
# nearly close a loop, it hasn't shown: exercise 3. Here are the four maps.

# %%
four = {"slope": slopes, "gradient × input": slopes * x, "integrated": shares, "occlusion 3 × 3": tl.occlusion(f, x, 3)}
figure, tiles = plt.subplots(1, 5, figsize=(7.8, 1.8))
tiles[0].imshow(x[0], cmap="gray_r")
for tile, (name, values) in zip(tiles[1:], four.items(), strict=True):
    drawn = tile.imshow(values.reshape(8, 8) / np.abs(values).max(), cmap="RdBu_r", vmin=-1, vmax=1)
    tile.set_title(name, fontsize=9)
for tile in tiles:
    tile.set_axis_off()
    tile.add_patch(plt.Rectangle((4.5, 0.5), 1, 2, fill=False, edgecolor=ORANGE, linewidth=2))
figure.colorbar(drawn, ax=tiles, ticks=[-1, 0, 1]).ax.set_yticklabels(["for the 6", "0", "for the 8"], fontsize=8)
show(figure, "22_what_does_it_look_at_2", "Our 6 and four maps of it, red for the 8, blue for the 6; a frame marks the "
     "end of the hook. Slopes are coloured on the paper, too; occlusion paints wide patches.")  # fmt: skip
assert np.argmax(four["occlusion 3 × 3"]) < 8 and np.corrcoef((slopes * x).ravel(), shares.ravel())[0, 1] > 0.95

# %% [markdown]
# Red speaks for the 8, blue for the 6, each map on its own scale; the frame marks the end of the hook. The two in the
# middle are nearly alike. The slopes colour the paper, too. The windows paint the whole upper right, darkest in the top
# row, above the hook's end. Which may you believe?
#
# ## The control
#
# Ask the same of a network that has learned *nothing*: its weights are as they were drawn. What its map shows is there
# without learning. How alike are two maps? Replace each number by its **rank**, its place in the order from small to
# large; equal numbers share the mean of their places. The **rank correlation** is that of the ranks $r_i$ and $q_i$,
#
# $$ \frac{\sum_i (r_i - \bar r)\, (q_i - \bar q)}
#    {\sqrt{\sum_i (r_i - \bar r)^2\; \sum_i (q_i - \bar q)^2}} , \tag{2} $$
#
# where a bar is the mean: 1 for the same order, 0 for two that have nothing to do with each other. We take 100 test
# digits, of each the score of the trained network's answer, and compare the *sizes* of the shares: where is it dark?
#
# > **Predict.** Integrated gradients of a trained network and of one that has learned nothing: what is their rank
# > correlation? Write down a number.


# %%
def ranks(v):
    smaller, equal = np.sum(v[:, None] > v, axis=1), np.sum(v[:, None] == v, axis=1)
    return smaller + (equal - 1) / 2


def alike(a, b, where):  # formula (2) over the pixels in `where`; the mean over all pictures
    rows = zip(a.reshape(-1, 64), b.reshape(-1, 64), where.reshape(-1, 64), strict=True)
    return np.mean([np.corrcoef(ranks(p[w]), ranks(q[w]))[0, 1] for p, q, w in rows])


many = test.x[:100]
everywhere, has_ink = np.ones(many.shape, bool), many > 0
said = [tl.predict(model, many).argmax(axis=1) for model in models]

# %%
own, nothing = [], []
for seed, model in enumerate(models):
    tl.manual_seed(100 + seed)
    for found, network in [(own, model), (nothing, mlp())]:
        found.append(tl.integrated_gradients(network, many, target=said[seed], nodes=100))  # the same score of both
for name, others, wanted in [("an untrained network's", nothing, 0.9), ("the picture's", [many] * 3, 0.93)]:
    sizes = [alike(np.abs(a), np.abs(b), everywhere) for a, b in zip(own, others, strict=True)]
    print(f"beside {name:<22} rank correlation of sizes", np.round(sizes, 2))
    assert np.allclose(sizes, wanted, atol=0.03)

# %% [markdown]
# 0.9, for each of the three seeds! The map of a network that has learned nothing is dark nearly where the trained one's
# is. And the picture itself, without any network, is still closer: 0.93. So what the eye admires is mostly the picture.
#
# But is it the same map? By (1) the share is exactly 0 where there is no ink, in *every* network's map. About half of
# the pixels are such paper, which agrees by itself. So leave it out. And keep the signs: which ink speaks *for* the
# answer, and which *against* it?

# %%
sizes = [alike(np.abs(a), np.abs(b), has_ink) for a, b in zip(own, nothing, strict=True)]
signed = [alike(a, b, has_ink) for a, b in zip(own, nothing, strict=True)]
two_trained = [alike(own[i], own[j], has_ink) for i, j in [(0, 1), (0, 2), (1, 2)]]
print(f"{has_ink.mean():.0%} have ink; of these: sizes {np.round(sizes, 2)}, with signs {np.round(signed, 2)}")
print("with signs, two networks that were trained from other weights:", np.round(two_trained, 2))
assert min(two_trained) > 0.88
assert np.allclose(sizes, 0.36, atol=0.12) and np.allclose(signed, 0, atol=0.2) and abs(has_ink.mean() - 0.5) < 0.05
assert min(alike(np.abs(a), many, has_ink) for a in own + nothing) > 0.4  # more ink, larger shares, learned or not

# %% [markdown]
# Without the paper 0.3 to 0.4 is left. That isn't nothing: in both maps full ink has larger shares. But with signs
# nothing is left, while two *trained* networks agree to over 0.9. Which ink speaks for the answer was learned, and all
# three learned the same. Is it right, too? Test it as we tested the hook: take pixels away in the map's order, the
# largest share first, and see how far the score falls. This is **deletion**.
#
# > **Predict.** Four orders: by the map of a trained or of an untrained network, each by *size* alone or with its
# > *sign*, so that what speaks against the answer goes last. Which brings the score down furthest? And which of them
# > beat ink that is taken away at random?


# %%
def falls(model, order):  # the mean fall of the answer's score after 0, 4, 8, … 64 pixels are taken away
    rows, classes = np.arange(len(many)), tl.predict(model, many).argmax(axis=1)
    order = order.reshape(-1, 64) + 1e-9 * np.random.default_rng(0).random((100, 64))  # equal ones in random order
    first, left, scores = np.argsort(-order, axis=1), many.reshape(-1, 64).copy(), []
    for n in range(0, 65, 4):
        scores.append(tl.predict(model, left.reshape(many.shape))[rows, classes].mean())
        np.put_along_axis(left, first[:, n : n + 4], 0, axis=1)
    return scores[0] - np.array(scores)


# %%
curves = {}
for seed, model in enumerate(models):
    chance = np.random.default_rng(seed).random(many.shape)
    steep = gradient(lambda a, model=model, k=said[seed]: model(a)[np.arange(100), k], many)
    orders = {"trained, with signs": own[seed], "trained, sizes": np.abs(own[seed]),
              "untrained, with signs": nothing[seed], "untrained, sizes": np.abs(nothing[seed]),
              "random, ink first": chance + has_ink, "random": chance, "ink": many, "gradient × input": steep * many,
              "slope": steep, "saliency": np.abs(steep), "occlusion 1 × 1": tl.occlusion(model, many, 1),
              "occlusion 3 × 3": tl.occlusion(model, many, 3)}  # fmt: skip
    for name, order in orders.items():
        curves.setdefault(name, []).append(falls(model, order))
fall = {name: np.mean(values, axis=0)[1:-1].mean() for name, values in curves.items()}  # averaged over the curve
print(*(f"{name:<22} falls by {value:4.1f} on average" for name, value in fall.items()), sep="\n")

# %%
figure, axes = plt.subplots(figsize=(6.8, 4.2))
looks = [(BLUE, "-"), (BLUE, "--"), (ORANGE, "-"), (ORANGE, "--"), (GRAY, ":")]
for name, (colour, style) in zip([*curves][:5], looks, strict=True):
    error = np.std(curves[name], axis=0, ddof=1) / np.sqrt(3)
    axes.errorbar(range(0, 65, 4), np.mean(curves[name], axis=0), error, fmt=style, color=colour, label=name)
axes.set(xlabel="pixels taken away, of 64", ylabel="fall of the score", xticks=range(0, 65, 8))
figure.legend(loc="outside lower center", ncols=3)
show(figure, "22_what_does_it_look_at_3", "How far the score falls while pixels are taken away. The trained map with "
     "signs lies far above all. By size the trained map leads a little; untrained with signs gets flat.")  # fmt: skip
best, at_12 = fall["trained, with signs"], {name: np.mean(values, axis=0)[3] for name, values in curves.items()}
assert at_12["trained, with signs"] > 11 and abs(at_12["random, ink first"] - 3) < 0.5 and abs(best - 11.5) < 0.5
assert np.allclose([at_12[name] for name in [*curves][1:5]], [7.0, 3.9, 5.3, 3.1], atol=0.6)
assert fall["untrained, with signs"] < fall["random, ink first"] - 0.5
assert best > fall["slope"] > fall["occlusion 3 × 3"] > fall["ink"] > fall["saliency"] > fall["random"]
assert np.allclose([fall["gradient × input"], fall["occlusion 1 × 1"]], best, rtol=0.05)

# %% [markdown]
# Look at the two dashed curves, the orders by size. (Bars are standard errors over three networks.) After 12 pixels the
# score is down by 7.0 if trained, by 5.3 if not, and by 3.1 with ink at random. So most of what an order by size gains
# is there without learning, and some of it isn't, as the 0.3 to 0.4 said. Now the solid ones, with signs. Trained: its
# first 12 pixels bring the score down by more than 11! Untrained: it begins well, 3.9, with full ink that it happens to
# call "for", then takes paper, where nothing falls, and has the rest of the ink at the end: on average 4.2, less than
# the 5.5 of random ink. So is the map a fairy tale? *Where* it is dark is mostly the picture. *Which ink is for, and
# which against* was learned, and the fall of the score confirms it.
#
# And the other maps? Gradient × input is as good, with one gradient. So is covering one pixel at a time, without any!
# The slope with its sign comes next, windows of 3 × 3 are coarser, and saliency is worse than plain ink. But this test
# is kind to some: integrated gradients start from white paper, occlusion and deletion put white paper. And that three
# maps are equally good hints that the score is nearly straight on the way. Don't expect that of a deep network.
#
# ## When a map pays
#
# Somebody hands you a network that tells odd digits from even ones, with hardly a mistake on new pictures. What nobody
# knows: the odd ones were scanned on an old machine with a speck on its glass. Their upper left pixel is black.
#
# > **Predict.** The glass is cleaned. How many of the new pictures does the network get right? And if the speck is on
# > the *even* ones?


# %%
def with_speck(images, odd, on):  # `on`: [1], the odd ones, [0], the even ones, or [], none
    images = images.copy()
    images[np.isin(odd, on), 0, 0] = 1
    return images


odd, test_odd = train.y % 2, test.y % 2
cheats = [trained(lambda: mlp(2), with_speck(train.x, odd, [1]), odd, seed) for seed in range(3)]
for name, on, wanted in [("odd", [1], 1), ("no", [], 0.5), ("even", [0], 0)]:
    right = [tl.accuracy(tl.predict(model, with_speck(test.x, test_odd, on)), test_odd) for model in cheats]
    print(f"speck on {name:<4} digits: right {np.round(right, 2)}")
    assert np.allclose(right, wanted, atol=0.1)

# %% [markdown]
# Half of them, as with a coin; and then almost none. The network knows the speck and little else, and new pictures from
# the same two machines can't reveal it. (Such a network is called a **Clever Hans**, after a horse that seemed to do
# sums and watched the faces of those who knew the answer.) What does a map say?

# %%
suspects = with_speck(test.x, test_odd, [1])[test_odd == 1]
for model in cheats:
    m = tl.integrated_gradients(model, suspects, nodes=100)  # no target: of its own answer
    found = np.mean(m.reshape(-1, 64).argmax(axis=1) == 0)  # number 0: row 0, column 0
    cleaned = tl.predict(model, covered(suspects, 0, 0)).argmax(axis=1)
    print(f"the speck has the largest share in {found:.0%}; without it {np.mean(cleaned == 0):.0%} become even")
    assert found > 0.97 and np.mean(cleaned == 0) > 0.85
assert np.all(tl.integrated_gradients(model, test.x[test_odd == 0])[:, 0, 0] == 0)  # there is no speck
assert abs(m.controls().untrained - 0.91) < 0.03
figure = plots.attribution(m, rows=6, classes=("even", "odd")).figure
show(figure, "22_what_does_it_look_at_4", "Six odd digits, each with a black pixel in its upper left corner, and below "
     "them their maps: that corner is red, all else nearly white. Above, the sentences of the controls.")  # fmt: skip

# %% [markdown]
# In all pictures the speck has the largest share, and without this one pixel nearly all become even: a finding.
# `m.controls()` makes the comparisons of this page, and `plots.attribution` prints them above each picture. Read the
# first: 0.91 beside an untrained copy, "most of where it is large is there without any learning". *Here* this sentence
# is wrong! The one large pixel was learned. And one thing the map can't show. An even digit is called even because
# there is *no* speck. There the pixel equals the baseline, and by (1) its share is 0.
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *One number is taken for the verdict.* A rank correlation counts all 64 pixels alike, and one
# > speck hardly moves it. How to notice: ask several controls, and change what the map points to.
#
# > **What goes wrong.** *The baseline isn't nothing.* Store the digits as brightness: paper 1, ink 0. Then zeros are
# > black, and full ink has the share 0, as the missing speck had. How to notice: ask what the numbers of the baseline
# > mean, and what the network says to it.
#
# And what does a good map tell you? What the answer of *this* network depends on, near *this* input. It doesn't tell
# you what is true of sixes, nor why the network came to look there. And deletion asks about pictures with holes, which
# nobody ever writes: a part of each fall may come from that alone.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_integrated`, shares; `ex_alike`, formula (2); `ex_deletion`, a curve.
#
# 1. Take the mean training picture as baseline, `baseline=train.x.mean(axis=0)`. Which pixels of the 6 now have the
#    largest shares of $f$? Has paper a share, and what does that mean?
# 2. A weaker cheat: the speck is on only 9 of 10 odd pictures, or on 6 of 10. What do such networks get right when the
#    glass is cleaned, and when the speck is on the even ones? In how many of `suspects` has it the largest share?
# 3. Does the loop matter, or only the end of the hook? Close the loop: full ink at (3, 4) and (3, 5). Does $f$ rise?
#    Then try all other pairs among the 36 pixels with ink below 0.15. How many raise $f$ more, and where do they lie?
#
# <details><summary>What you should find</summary>
#
# **1.** Still the hook's end, (1, 5). But next comes (4, 5), where there is *no* ink: the mean has some there, and that
# it is missing speaks for the 8. Paper has a third of all sizes. The mean itself leads with the 8, by 4 to 6, so the
# shares add up to −2. Another baseline is another question.
#
# **2.** Three seeds with 9 of 10: 84 to 91 % with the glass cleaned, 50 to 59 % with specks on the even ones. With 6 of
# 10: 96 or 97 %, as without any speck; but then 67 to 79 %. In 99 to 100 % of the suspects the speck has the largest
# share. So good marks on clean pictures don't say that the network has no eye for the speck. The map does.
#
# **3.** It rises by 1.3 to 1.6, for all three networks. But of 630 pairs 117 to 143 raise it more, most of all those
# with (1, 1), far to the left, which close nothing. So nothing says that these networks see a loop.
#
# </details>
#
# ## Where this lives in tinydl
#
# * `tinydl/watching/attribution.py`: `saliency`, `integrated_gradients`, `occlusion`, and for convolutions `grad_cam`.
# * `tinydl/watching/controls.py`: `Controls`, with ranks, untrained copies and deletion.
# * `tinydl/plots/attribution.py`: the picture with its controls.
#
# Next: [lesson 23](23_keeping_secrets.py), where a network gives away what it was trained on.
