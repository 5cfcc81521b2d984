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
# *You need:* the chain rule ([lesson 1](01_derivatives.py)), the digits and how they are divided
# ([lesson 9](09_digits.py)), and for one of the four maps convolutions ([lesson 16](16_convolution.py)).

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
# Data and division are those of [lesson 9](09_digits.py), and the 6 is number 241 of its test digits. We train three
# networks, with three seeds.


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

# %% [markdown]
# All three read 98 % of the test digits, and take this 6 for an 8. Why an 8 *rather than* a 6? What we want explained
# is the lead of one score over the other, $f(x) = z_8(x) - z_6(x)$.
#
# ## The slope
#
# The first answer is the gradient: how steeply does $f$ depend on each pixel? Its size $|\partial f / \partial x_i|$
# is called **saliency**.


# %%
class Rather(nn.Module):
    def __init__(self, model, one, other):
        self.model, self.one, self.other = model, one, other

    def forward(self, images):
        scores = self.model(images)
        return scores[:, self.one] - scores[:, self.other]


def gradient(f, images):
    with tl.no_grad():  # nobody will differentiate these slopes once more
        return tl.grad(lambda a: np.sum(f(a)))(images)


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
assert np.allclose(shares, tl.integrated_gradients(f, x), atol=1e-6)
print(f"of the function that rises to 1: {integrated(lambda a: 1 - F.relu(1 - a), 2.0, 0.0, *gauss(20)):.2f}")
assert gradient(lambda a: 1 - F.relu(1 - a), 2.0) == 0

# %% [markdown]
# > **Predict.** The sum of the shares misses $f(x) - f(x_0)$ by a little. With twice as many steps, how much smaller is
# > that? And with twice as many nodes? Try a network of tanhs, which is smooth, and our relus, which have kinks.


# %%
def missed(f, t, weights):
    return abs(integrated(f, x, 0 * x, t, weights).sum() - (f(x) - f(0 * x)).item())


with tl.default_dtype(np.float64):
    smooth = Rather(trained(lambda: mlp(unit=nn.Tanh), train.x.astype(float), train.y), 8, 6)
counts = 2 ** np.arange(1, 9)

# %%
figure, axes = plt.subplots(figsize=(6.4, 3.4))
for name, g, colour in [("tanh", smooth, BLUE), ("relu", f, ORANGE)]:
    steps = [missed(g, np.arange(1, n + 1) / n, np.full(n, 1 / n)) for n in counts]
    nodes = [max(missed(g, *gauss(n)), 1e-16) for n in counts]
    axes.loglog(counts, steps, "s--", color=colour, label=f"{name}, equal steps")
    axes.loglog(counts, nodes, "o-", color=colour, label=f"{name}, Gauss's nodes")
    assert name == "relu" or (abs(steps[-2] / steps[-1] - 2) < 0.1 and nodes[4] < 1e-10)
axes.set(xlabel="slopes taken", ylabel="what the sum misses", xticks=counts, xticklabels=counts)
axes.minorticks_off()
axes.legend(loc="center right")
show(figure, "22_what_does_it_look_at_1", "What the sum misses over the number of slopes, both axes in powers. Equal "
     "steps fall slowly for both networks. Gauss's nodes fall to rounding for tanh, but not for relu.")  # fmt: skip

# %% [markdown]
# Look at the blue squares: twice as many steps, half of the error. The blue circles plunge: with 32 nodes only rounding
# is left. The orange ones don't, since a kink is no polynomial. Now ask the 6.
#
# > **Predict.** If our story is true, which two pixels speak most for the 8?

# %%
for model in models:
    m = tl.integrated_gradients(Rather(model, 8, 6), x, nodes=100)[0]
    largest = [divmod(int(pixel), 8) for pixel in np.argsort(-m.ravel())[:2]]  # number 13 is row 1, column 5
    print(f"(row, column) of the two largest shares: {largest}; they are {m[1, 5] + m[2, 5]:.1f}, all {m.sum():.1f}")
    assert set(largest) == {(1, 5), (2, 5)} and m[1, 5] + m[2, 5] > 4

# %% [markdown]
# Counted from 0, these two lie at the upper right: the end of the hook, where it bends back. All three networks agree.
# (So did five of six others that we tried. The two are more than the sum, since other pixels have shares below 0.)
#
# ## Take it away and look
#
# The plainest way needs no gradient: put paper over some pixels, and look how far $f$ falls. That is **occlusion**.
# Usually one covers a window of, say, 3 × 3, at every place, and gives each pixel the mean of all that cover it.


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

# %% [markdown]
# > **Predict.** We may also cover just two pixels. Of all pairs of pixels with ink, the end of the hook is one. How
# > many other pairs bring $f$ further down?

# %%
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
# None of the 561. Without the end of the hook all three read a 6, which few other pairs can do. So here our story was
# theirs, too. *Changing the picture* has shown it, not looking at a map.
#
# The fourth way, **Grad-CAM**, needs convolutions. How much does $f$ rise with each of the last feature maps $A_k$, on
# average over its places? Add the $A_k$ with these slopes as weights, and cut off what is below 0.


# %%
def cnn():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 4 * 4, 10))  # fmt: skip


convolutions = [trained(cnn, train.x[:, None], train.y, seed, epochs=4) for seed in range(3)]
upper, rest = convolutions[0][:4], convolutions[0][4:]  # up to the feature maps, and what follows
A = upper(x[:, None]).detach().numpy()  # (1, 32, 8, 8)
weights = gradient(Rather(rest, 8, 6), A).mean(axis=(2, 3), keepdims=True)
cam = np.maximum(np.sum(weights * A, axis=1), 0)
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
show(figure, "22_what_does_it_look_at_2", "A 6 that bends back at its top, and four maps of why it is taken for an 8, "
     "red for the 8, blue for the 6. A frame marks the end of the hook; two paint it dark red.")  # fmt: skip

# %% [markdown]
# The frame marks the end of the hook. The four don't agree: the third paints a quarter of the picture red, the last (of
# another network, the CNN) the body of the 6. Which may you believe?
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
        found.append(tl.integrated_gradients(network, many, target=said[seed], nodes=100))
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
print(f"{has_ink.mean():.0%} have ink; of these: sizes {np.round(sizes, 2)}, with signs {np.round(signed, 2)}")
assert np.allclose(sizes, 0.36, atol=0.12) and np.allclose(signed, 0, atol=0.2) and abs(has_ink.mean() - 0.5) < 0.05

# %% [markdown]
# Without the paper 0.3 to 0.4 is left, and with signs nothing. *Where* the map is dark any network shows: at the ink.
# *Which ink speaks for the answer* was learned. Is it right, too? Test it as we tested the hook: take pixels away in
# the map's order, the largest share first, and see how far the score falls. This is **deletion**. Its controls are
# other orders.
#
# > **Predict.** Which order brings the score down furthest: that of integrated gradients, of gradient × input, of the
# > ink, of the slopes' sizes, of an untrained network's map, or a random one? Which two are about the same?


# %%
def falls(model, order):  # of each picture, after 0, 4, 8, … 64 pixels are taken away; shape (100, 17)
    rows, classes = np.arange(len(many)), tl.predict(model, many).argmax(axis=1)
    place = np.argsort(np.argsort(-order.reshape(-1, 64), axis=1, kind="stable"), axis=1)  # 0 for the largest
    left = [np.where(place.reshape(many.shape) < n, 0, many) for n in range(0, 65, 4)]
    scores = np.stack([tl.predict(model, images)[rows, classes] for images in left], axis=1)
    return scores[:, :1] - scores


rng, curves = np.random.default_rng(0), {}
for seed, model in enumerate(models):
    steep = gradient(lambda a, model=model, k=said[seed]: model(a)[np.arange(100), k], many)
    orders = {"integrated gradients": own[seed][:], "gradient × input": steep * many, "ink": many,
              "slopes": np.abs(steep), "untrained map": nothing[seed][:], "random": rng.random(many.shape)}  # fmt: skip
    for name, order in orders.items():
        curves.setdefault(name, []).append(falls(model, order).mean(axis=0))

# %%
figure, axes = plt.subplots(figsize=(6.8, 4.2))
styles = zip(curves.items(), [BLUE, ORANGE, GRAY, GREEN, PURPLE, RED], ["-", "--", "-", "-", "-", "--"], strict=True)
fall = {name: np.mean(values, axis=0)[1:-1].mean() for name, values in curves.items()}
for (name, values), colour, style in styles:
    error = np.std(values, axis=0, ddof=1) / np.sqrt(3)
    axes.errorbar(np.arange(0, 65, 4), np.mean(values, axis=0), error, fmt=style, color=colour, label=name)
    print(f"{name:<21} fall, averaged over the curve: {fall[name]:.1f}")
axes.set(xlabel="pixels taken away, of 64", ylabel="fall of the score", xticks=range(0, 65, 8))
figure.legend(loc="outside lower center", ncols=3)
show(figure, "22_what_does_it_look_at_3", "How far the score falls while pixels are taken away. Two curves, integrated "
     "gradients and gradient × input, lie on each other, far above all others.")  # fmt: skip
assert fall["integrated gradients"] > 1.5 * fall["ink"] > 1.5 * fall["slopes"]
assert abs(fall["integrated gradients"] / fall["gradient × input"] - 1) < 0.05
assert abs(fall["untrained map"] - fall["random"]) < 1.2 and np.mean(curves["integrated gradients"], axis=0)[3] > 11

# %% [markdown]
# Look at the blue curve: 12 of 64 pixels, taken in the map's order, bring the score down by 11. (Bars are standard
# errors over the three networks. At the end all is gone in each order.) In the order of the *untrained* map, whose
# sizes agreed to 0.9, it falls hardly further than in a random one. So is the map a fairy tale? How dark it is, yes;
# what it says for and against, no.
#
# Besides: gradient × input is as good here, and costs one gradient. The slopes' sizes do worse than the plain ink. And
# `controls` makes such comparisons for any map:

# %%
shuffled = trained(mlp, train.x, np.random.default_rng(0).permutation(train.y))  # each picture has another's label
controls = own[0].controls(shuffled)
print(controls)
assert abs(controls.untrained - 0.9) < 0.03 and abs(controls.untrained_signed) < 0.2
assert np.isclose(controls.inputs, alike(np.abs(own[0]), many, everywhere), atol=1e-3)
assert np.allclose(controls.falls["its order"], falls(models[0], own[0][:]), atol=1e-3)
for model in convolutions:
    found = tl.grad_cam(model, "3", many[:, None]).controls()
    print(f"Grad-CAM: fall {found.fall():.1f}, in random order {found.fall('random order'):.1f}")
    assert found.fall() < 1.35 * found.fall("random order")

# %% [markdown]
# Grad-CAM's order is no better than chance on *these* digits. It was made for large pictures, and for networks that
# average their feature maps at the end, as ours doesn't.
#
# ## When a map pays
#
# Somebody hands you a network that tells odd digits from even ones, with hardly a mistake on new pictures. What nobody
# knows: the odd ones were scanned on an old machine with a speck on its glass. Their upper left pixel is black.
#
# > **Predict.** The glass is cleaned. How many of the new pictures does the network get right? And if the speck is on
# > the *even* ones?


# %%
def with_speck(images, where):
    images = images.copy()
    images[where, 0, 0] = 1
    return images


odd, test_odd = train.y % 2, test.y % 2
cheats = [trained(lambda: mlp(2), with_speck(train.x, odd == 1), odd, seed) for seed in range(3)]
for name, where, wanted in [("odd", test_odd == 1, 1), ("no", test_odd > 1, 0.5), ("even", test_odd == 0, 0)]:
    right = [tl.accuracy(tl.predict(model, with_speck(test.x, where)), test_odd) for model in cheats]
    print(f"speck on {name:<4} digits: right {np.round(right, 2)}")
    assert np.allclose(right, wanted, atol=0.1)

# %% [markdown]
# Half of them, as with a coin; and then almost none. The network knows the speck and little else, and new pictures from
# the same two machines can't tell. (Such a network is called a **Clever Hans**, after a horse that seemed to do sums
# and watched the faces of those who knew the answer.) What does a map say?

# %%
suspects = with_speck(test.x, test_odd == 1)[test_odd == 1]
for model in cheats:
    m = tl.integrated_gradients(model, suspects)
    found = np.mean(np.argmax(np.asarray(m).reshape(-1, 64), axis=1) == 0)
    cleaned = tl.predict(model, covered(suspects, 0, 0)).argmax(axis=1)
    print(f"the speck has the largest share in {found:.0%}; without it {np.mean(cleaned == 0):.0%} become even")
    assert found > 0.97 and np.mean(cleaned == 0) > 0.85
assert np.all(tl.integrated_gradients(model, test.x[test_odd == 0])[:, 0, 0] == 0)  # there is no speck
figure, axes = plt.subplots(figsize=(7.2, 4))
plots.attribution(m, axes, rows=6)
show(figure, "22_what_does_it_look_at_4", "Six odd digits, each with a black pixel in its upper left corner, and below "
     "them their maps: that corner is red, all else nearly white. Above, the sentences of the controls.")  # fmt: skip

# %% [markdown]
# In all pictures the speck has the largest share, and without this one pixel nearly all become even: a finding. Read
# the sentences, which `plots.attribution` always prints above: 0.91 beside an untrained copy, as before! In a rank
# correlation the speck is one pixel of 64. So no control is a verdict by itself.
#
# And one thing the map can't show. An even digit is called even because there is *no* speck. There the pixel equals the
# baseline, and by (1) its share is 0.
#
# ## What goes wrong, and how to notice
#
# > **What goes wrong.** *A probability is explained, not a score.* The slope of a softmax has the factor $p\,(1 - p)$
# > ([lesson 7](07_likelihood.py)). Where the network is sure, $p = 0.9999$, all slopes are 10,000 times too small, and
# > a picture, scaled to its own largest number, hides that. How to notice: look at the numbers. (And in train mode
# > Dropout makes another map each time; tinydl's functions take eval mode.)
#
# > **What goes wrong.** *The baseline isn't nothing.* Scan the digits white on black: paper is 1, full ink 0. From a
# > baseline of zeros the blackest ink then has the share 0, as the missing speck had. How to notice: ask what the
# > numbers of the baseline mean, and what the network says to it.
#
# And what does a good map tell? What *this* network's answer hangs on, near *this* input. Not what is true of sixes,
# and not why the network came to look there. And deletion asks about pictures with holes, which nobody ever writes.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_integrated`, the shares with midpoints; `ex_alike`, (2) over the
# inputs that aren't blank; `ex_deletion`, the curve for one picture.
#
# 1. Take the mean training picture as baseline, `baseline=train.x.mean(axis=0)`. Which pixels of the 6 now have the
#    largest shares of $f$? Has paper a share, and what does that mean?
# 2. A weaker cheat: the speck is on only 9 of 10 odd pictures, or on 6 of 10. What do such networks get right when the
#    glass is cleaned, and when the speck is on the even ones? In how many of `suspects` has it the largest share?
# 3. Letters of a name are integers, which have no slope. So begin behind an Embedding ([lesson 18](18_sequences.py)),
#    and add up each vector's shares. Which letters make Roberta and Paula women, for this network?
#
#    ```python
#    names, sexes = data.names()  # 0 is a woman's
#    vocabulary = data.Vocabulary(".abcdefghijklmnopqrstuvwxyz")
#    numbers = lambda names: vocabulary.encode("".join(f"{n:.>11}" for n in names)).reshape(-1, 11)
#    make = lambda: nn.Sequential(nn.Embedding(27, 8), nn.Flatten(), nn.Linear(88, 64), nn.ReLU(), nn.Linear(64, 2))
#    reader, few = trained(make, numbers(names), sexes, epochs=6), numbers(["robert", "roberta", "paul", "paula"])
#    m = tl.integrated_gradients(Rather(reader, 0, 1), few, baseline=0, nodes=100, layer="model.0")
#    print(m[:].sum(axis=2).round(1), tl.predict(reader, few).argmax(axis=1))
#    ```
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
# **3.** The last *a*, by far: 5 to 8. Robert and Paul, without it, are men. (The dots, which fill up short names,
# have the share 0: they are the baseline.)
#
# </details>
#
# ## Where this lives in tinydl
#
# * `tinydl/watching/attribution.py`: `saliency`, `integrated_gradients`, `occlusion`, `grad_cam`.
# * `tinydl/watching/controls.py`: `Controls`, with ranks, untrained copies and deletion.
# * `tinydl/plots/attribution.py`: the picture with its controls.
#
# Next: [lesson 23](23_keeping_secrets.py), where a network gives away what it was trained on.
