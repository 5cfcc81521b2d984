# %% [markdown]
# # 19. Attention, and a small GPT
#
# How can each letter look back at exactly those letters that matter to it, and how does that become a machine that
# writes?
#
# A recurrent network carries the past in one vector and rewrites it at each letter. What stood forty letters ago has
# been rewritten forty times. **Attention** carries nothing: each place of a text looks at all places before it and
# takes what it needs. You build it from a mean, in NumPy, and then a **GPT** from it (a *generative pretrained
# transformer*: it writes, has learned from much text, and is made of attention). Ours has 108,672 numbers and learns
# from four plays of Shakespeare's in about a minute.
#
# *You need:* softmax and cross-entropy ([lesson 7](07_likelihood.py)), the variance of a sum
# ([lesson 8](08_initialisation.py)), AdamW and schedules ([lesson 10](10_optimizers.py)), skip connections
# ([lesson 17](17_deep_networks.py)), and the letters, embeddings and temperature of [lesson 18](18_sequences.py).

# %%
import re

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, SHORT, show, show_page, steps

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F

# %% [markdown]
# ## The mean of the past
#
# Take a text of four letters, each a vector of two numbers: a row of $v$. The simplest way to look back is a mean: of
# each row and those above it. As a matrix product, that is a triangle of ones, each row divided by its sum:

# %%
v = np.array([[2.0, 0.0], [4.0, 0.0], [0.0, 6.0], [2.0, 2.0]])
triangle = np.tri(4)  # ones on the diagonal and below it
weights = triangle / triangle.sum(axis=1, keepdims=True)
print(weights.round(2))
print(weights @ v)
assert np.allclose((weights @ v)[2], v[:3].mean(axis=0)) and np.allclose(weights.sum(axis=1), 1)

# %% [markdown]
# Row $i$ of `weights` says how much place $i$ takes from each place. A mean takes the same from all. We want weights
# that depend on the letters: much from those that matter, next to nothing from the others.
#
# ## Ask, compare, take
#
# Let each place have three vectors. Its **query** $q$ says what it looks for, its **key** $k$ says what can be found
# there, its **value** $v$ is what it gives. A product $q \cdot k$ is large where the two point the same way: there the
# question meets its key. A softmax makes weights of these products:
#
# $$ \begin{aligned} s_{ij} &= q_i \cdot k_j \,/ \sqrt d \\
#    w_{ij} &= e^{s_{ij}} \Big/ \sum_{l \le i} e^{s_{il}} \\
#    y_i &= \sum_{j \le i} w_{ij}\, v_j \end{aligned} \tag{1} $$
#
# $i$ is the place that looks, $j \le i$ a place at or before it, $d$ how many numbers $q$ and $k$ have. That is all of
# attention. Places after $i$ get the score $-\infty$, since $e^{-\infty} = 0$: this is the **mask**.


# %%
def attention(q, k, v):
    scores = q @ k.T / np.sqrt(q.shape[-1])
    may_look = np.tri(len(q), dtype=bool)
    weights = F.softmax(np.where(may_look, scores, -np.inf))  # each row adds up to 1
    return weights @ v, weights


rng = np.random.default_rng(0)
q, k, v = rng.normal(size=(3, 6, 8))  # six places, eight numbers each
y, weights = attention(q, k, v)
print(weights.round(2))
assert np.allclose(y, F.scaled_dot_product_attention(q, k, v, is_causal=True))  # tinydl's, and PyTorch's name
assert np.allclose(weights.sum(axis=1), 1) and np.all(np.triu(weights, 1) == 0)

# %% [markdown]
# Why $\sqrt d$? If the numbers in $q$ and $k$ are random, with mean 0 and variance 1, each of the $d$ products in
# $q \cdot k$ has variance 1, and their sum $d$ ([lesson 8](08_initialisation.py)). Scores would grow with $\sqrt d$,
# and a softmax of large scores gives one place nearly everything. Ten keys, the largest of their weights, on average:

# %%
for d in (4, 64, 1024):
    queries, keys = rng.normal(size=(1000, 1, d)), rng.normal(size=(1000, d, 10))
    scores = (queries @ keys)[:, 0]
    plain, divided = (F.softmax(s).max(axis=1).mean() for s in (scores, scores / np.sqrt(d)))
    print(f"d = {d:4}: scores of size {scores.std():4.1f}, largest weight {plain:.2f}, divided by √d {divided:.2f}")
    assert abs(scores.std() / np.sqrt(d) - 1) < 0.05 and abs(divided - 0.32) < 0.04
assert plain > 0.9

# %% [markdown]
# Divided by $\sqrt d$ the largest weight is about 0.32, whatever $d$ is. Without it, it comes near 1, and where a
# softmax says nearly 1 its slope is nearly 0: nothing could be learned about where to look.
#
# ## A question, by hand
#
# Let every letter ask: *what came next, when this letter stood earlier in the line?* The query is the letter itself,
# one-hot ([lesson 7](07_likelihood.py)). The key of a place is the letter *before* it. The value is the letter there.

# %%
line = "to be or not to be"
letters = data.Vocabulary(line)
one_hot = np.eye(len(letters))[letters.encode(line)]  # a row for each of the 18 places
keys = np.roll(one_hot, 1, axis=0)  # the letter before each place ...
keys[0] = 0  # ... and before the first there is none
y, weights = attention(20 * one_hot, keys, one_hot)  # 20: ask loudly, so that a key that fits gets nearly all
print(f"place 16 is {line[16]!r} and looks at place {weights[16].argmax()}, {line[weights[16].argmax()]!r}")

# %% [markdown]
# The second "b" finds the "e" that followed the first: it has looked up what comes next.
#
# > **Predict.** Place 14 is an "o". Where does it look, and how are its weights shared out?

# %%
for place in np.flatnonzero(weights[14] > 0.1):
    print(f"place {place:2}, {line[place]!r}, the letter after an o: weight {weights[14, place]:.2f}")
assert weights[16].argmax() == 4 and weights[16, 4] > 0.95
assert np.flatnonzero(weights[14] > 0.1).tolist() == [2, 7, 11] and abs(weights[14, 2] - 0.33) < 0.01

# %%
figure, axes = plt.subplots(figsize=(6, 5.2))
picture = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1)
places = [f"{sign}\n{place}" for place, sign in enumerate(line.replace(" ", "␣"))]
axes.set_xticks(range(18), places, fontsize=8)
axes.set_yticks(range(18), [place.replace("\n", " ") for place in places], fontsize=8)
axes.set(
    xlabel="… at this letter", ylabel="this letter looks …", title="What came next when this letter stood earlier?"
)
figure.colorbar(picture, ax=axes, label="weight", shrink=0.8)
show(figure, "19_attention_1", "A triangle of 18 by 18 weights for the line to be or not to be. Rows of letters that "
     "stood there before have single squares over the letters that followed; other rows are even bars.")  # fmt: skip

# %% [markdown]
# A third each: three letters have followed an "o" so far, a space, "r" and "t". Look at the picture row by row. A
# letter that stood there before has single squares, each over a letter that followed it. A new letter finds no key that
# fits, and looks at all letters so far alike: its row is an even bar, the paler the longer. Right of the diagonal there
# is nothing.
#
# ## Where to look can be learned
#
# Nobody sets queries and keys by hand. But (1) is made of products and a softmax, so gradients pass back into $q$, $k$
# and $v$. Here is the smallest case: one query, two keys, the values 10 and 20. The query looks at the first with the
# weight 0.67, and sees 13.3. We would like it to see 12. Step through it, and watch what the scores `s` get.

# %%
q = tl.tensor([[1.0, 0.0]], dtype=float, requires_grad=True, name="q")
k = tl.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=float, requires_grad=True, name="k")
v = tl.tensor([[10.0], [20.0]], dtype=float, requires_grad=True, name="v")
s = q @ k.T / np.sqrt(2)
w = F.softmax(s)
y = w @ v
loss = ((y - 12) ** 2).sum()
s.name, w.name, y.name, loss.name = "s", "w", "y", "L"
show_page(loss, "19_attention")

# %%
loss.backward()
print("weights", w.data.round(2), " sees", y.data.round(1), " gradient of q", q.grad.data.round(1))
turned = F.softmax((q.data - 0.1 * q.grad.data) @ k.data.T / np.sqrt(2))  # a step against it
print("after a step: weights", turned.round(2), " sees", (turned @ v.data).round(1))
assert 0.76 < turned[0, 0] < 0.8 and abs((turned @ v.data).item() - 12.2) < 0.1
assert np.allclose(w.data, [[0.67, 0.33]], atol=0.005) and abs(y.item() - 13.3) < 0.05
assert q.grad.data[0, 0] < 0 < q.grad.data[0, 1]

# %% [markdown]
# On the page the first score gets a negative gradient and the second a positive one; here are those of
# $q$, with the same signs. A step against them, at the rate 0.1, turns the query towards the first key: the weight of
# the 10 grows to 0.78, and the query sees 12.2. So the network learns *where to look* as it learns all else.
#
# ## Heads
#
# In a network $q$, $k$ and $v$ are made from one vector $x_i$ for each place, by three matrices that are learned:
#
# $$ q_i = W_q x_i , \; k_i = W_k x_i , \; v_i = W_v x_i . \tag{2} $$
#
# One look isn't enough: one may want the letter before, and also the last space. So the vectors are cut into **heads**:
# 64 numbers make 4 heads of 16, each does (1) by itself (with $d = 16$), and a last matrix mixes what they have found.
# `nn.MultiheadAttention` has the three matrices in one, `in_proj_weight`. By hand:

# %%
tl.manual_seed(0)
layer = nn.MultiheadAttention(64, 4, batch_first=True)  # batch_first: (batch, place, number)
x = rng.normal(size=(10, 64)).astype(np.float32)  # ten places
q, k, v = np.split(x @ layer.in_proj_weight.data.T, 3, axis=1)  # formula (2); its biases begin at 0
heads = [slice(16 * h, 16 * h + 16) for h in range(4)]
found = np.concatenate([attention(q[:, h], k[:, h], v[:, h])[0] for h in heads], axis=1)
by_hand = found @ layer.out_proj.weight.data.T
with tl.no_grad():
    whole, _ = layer(x[None], is_causal=True)  # is_causal: with the mask
print("largest difference", np.abs(whole.data[0] - by_hand).max())
assert np.allclose(whole.data[0], by_hand, atol=1e-5)

# %% [markdown]
# Does it know where the letters stand?
#
# > **Predict.** Shuffle the first nine of the ten rows of $x$. What happens to the output at the tenth place?

# %%
shuffled = np.concatenate([x[rng.permutation(9)], x[9:]])
with tl.no_grad():
    other, _ = layer(shuffled[None], is_causal=True)
print("largest difference at the last place", np.abs(other.data[0, 9] - whole.data[0, 9]).max())
assert np.allclose(other.data[0, 9], whole.data[0, 9], atol=1e-5)

# %% [markdown]
# Nothing. (1) is a sum over places, and a sum has no order: to this layer "won" and "now" are the same past. (A second
# layer on top can find out a little, since with the mask each place has seen another past.) So we add to each letter's
# vector one for its *place*, learned like the letter's.
#
# ## The block
#
# Attention fetches; something must work on what it has fetched. That is a network of two layers, applied at each place
# by itself, the same everywhere. Both get a skip connection, as in [lesson 17](17_deep_networks.py):
#
# $$ \begin{aligned} x &\leftarrow x + \operatorname{attend}(\operatorname{norm}(x)) \\
#    x &\leftarrow x + W_2 \max(0,\, W_1 \operatorname{norm}(x)) \end{aligned} \tag{3} $$
#
# Here $\operatorname{attend}$ is the layer above, and the biases are left out. Think of $x$ as a notepad that each
# place carries from the first block to the last, the **residual stream**: each part reads it and *adds* a note; none
# wipes it. **Layer norm** keeps what is read at one size: from a place's 64 numbers it subtracts their mean and divides
# by their standard deviation (then come a factor and a shift for each number, learned).


# %%
class Block(nn.Module):
    def __init__(self, width, heads):
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x, cache=None):  # the cache is for later
        return self.self_attn(x, is_causal=True, need_weights=False, cache=cache)[0]

    def forward(self, x, cache=None):
        x = x + self.attend(self.norm1(x), cache)  # formula (3)
        return x + self.linear2(F.relu(self.linear1(self.norm2(x))))


# %%
tl.manual_seed(0)
block = Block(64, 4)
ready = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True, norm_first=True)
ready.load_state_dict(block.state_dict())  # the same names, so the parameters can move over
with tl.no_grad():
    ours, theirs = block(x[None]).data, ready(x[None], is_causal=True).data
print("Block and nn.TransformerEncoderLayer, largest difference", np.abs(ours - theirs).max())
assert np.allclose(ours, theirs, atol=1e-5)

# %% [markdown]
# ## The GPT
#
# The four plays, each character a number ([lesson 18](18_sequences.py)). Their end, half of Julius Caesar, is
# **held out**: the model never learns from it.

# %%
text = data.shakespeare()
vocabulary = data.Vocabulary(text)
codes = vocabulary.encode(text)
train, held_out = codes[:490_000], codes[490_000:]
WINDOW = 64  # how far it can look back
print(len(vocabulary), "characters;", repr(text[500_000:500_090]))
assert len(vocabulary) == 70 and len(held_out) == 55_519


# %%
class GPT(nn.Module):
    def __init__(self, block=Block, width=64, heads=4, layers=2):
        self.letter, self.place = nn.Embedding(len(vocabulary), width), nn.Embedding(WINDOW, width)
        for table in (self.letter, self.place):
            nn.init.normal_(table.weight, std=0.02)
        self.blocks = [block(width, heads) for _ in range(layers)]
        self.norm = nn.LayerNorm(width)

    def forward(self, x, caches=None):
        past = caches[0]["key"].shape[2] if caches and caches[0] else 0  # 0, but for the section on the cache
        h = self.letter(x) + self.place.weight[past : past + x.shape[1]]
        for i, block in enumerate(self.blocks):
            h = block(h, caches[i] if caches is not None else None)
        return self.norm(h) @ self.letter.weight.T  # at each place a logit for each character


# %% [markdown]
# The last line uses the table of letters a second time: a letter is likely if its own vector points the way of $h$. All
# 64 places of a window say their next letter at once, so one window is 64 examples. The mask makes that honest.
#
# > **Predict.** What will its loss be before training?


# %%
def letter_loss(logits, y):
    return F.cross_entropy(logits.reshape(-1, len(vocabulary)), y.reshape(-1))


n = (len(held_out) - 1) // WINDOW * WINDOW
held_windows = data.Dataset(held_out[:n].reshape(-1, WINDOW), held_out[1 : n + 1].reshape(-1, WINDOW))
tl.manual_seed(0)
model = GPT()
size = sum(p.size for p in model.parameters())
untrained = tl.evaluate(model, held_windows, loss=letter_loss)["loss"]
print(f"{size:,} parameters, {len(held_windows)} windows held out, loss {untrained:.2f}; ln 70 = {np.log(70):.2f}")
assert size == 108_672 and abs(untrained - np.log(70)) < 0.1 and round(np.log(70), 2) == 4.25

# %% [markdown]
# About $\ln 70 = 4.25$: it knows nothing of 70 characters. What should it beat? Two tables that one can count: how
# frequent each letter is, and how frequent after each letter (pairs of letters, **bigrams**).

# %%
alone = np.bincount(train, minlength=70) + 1  # + 1: what never occurred mustn't have probability 0
pairs = np.ones((70, 70))
np.add.at(pairs, (train[:-1], train[1:]), 1)
by_letters = np.log(alone.sum() / alone[held_out]).mean()
by_pairs = np.log(pairs.sum(axis=1)[held_out[:-1]] / pairs[held_out[:-1], held_out[1:]]).mean()
print(f"held-out loss of frequencies {by_letters:.2f}, of bigrams {by_pairs:.2f}")
assert abs(by_letters - 3.41) < 0.005 and abs(by_pairs - 2.51) < 0.005

# %% [markdown]
# To write, it draws the next letter, appends it, and asks again. (The temperature 0.7 makes likely letters likelier,
# [lesson 18](18_sequences.py).)


# %%
def write(model, start, letters, temperature=0.7):
    rng, written = np.random.default_rng(1), list(vocabulary.encode(start))
    for _ in range(letters):
        logits = tl.predict(model, np.array([written[-WINDOW:]]))[0, -1]
        p = F.softmax(logits.astype(float) / temperature)
        written.append(rng.choice(len(p), p=p))
    return vocabulary.decode(written)


# %% [markdown]
# And the loop. Each step takes 32 windows from anywhere in the text, and for each place the letter after it. The rate
# has a **warm-up**: for the first twentieth of the steps it rises from near 0, since Adam's first averages are of few
# gradients. (Ours hardly needs it, as exercise 1 shows.) `steps(1000)` is 1000; the project's own tests take a tenth.


# %%
def learn(model, total, samples_at=()):
    optimizer = optim.AdamW(model.parameters(), lr=0.003)
    warmup = optim.LinearWarmup(optimizer, max(1, total // 20))
    rng, losses, samples = np.random.default_rng(0), [], {}
    for step in range(1, total + 1):
        pieces = rng.integers(len(train) - WINDOW, size=32)[:, None] + np.arange(WINDOW)
        loss = letter_loss(model(train[pieces]), train[pieces + 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        warmup.step()
        losses.append(loss.item())
        if step in samples_at:
            samples[step] = write(model, "\nHam.\n", 180)
    return losses, samples


# %%
before = write(model, "\nHam.\n", 180)
losses, samples = learn(model, steps(1000), samples_at=(steps(150), steps(400), steps(1000)))
for step, sample in {0: before, **samples}.items():
    print(f"---- after {step} steps ----{sample}")

# %%
held_loss = tl.evaluate(model, held_windows, loss=letter_loss)["loss"]
figure, axes = plt.subplots()
axes.plot(range(1, len(losses) + 1), losses, color=BLUE, linewidth=0.8, label="GPT, each step's windows")
axes.axhline(by_letters, color=GRAY, linestyle=":", label="letters' frequencies")
axes.axhline(by_pairs, color=GREEN, linestyle="--", label="bigrams")
axes.axhline(held_loss, color=ORANGE, linestyle="-.", label="GPT at the end, held-out text")
axes.set(xlabel="step", ylabel="loss per letter", title="A small GPT learns four plays")
axes.legend()
show(figure, "19_attention_2", "The loss falls steeply from 4.2 below the line of the letters' frequencies, crosses "
     "that of the bigrams at 2.5 and goes on down slowly; held out it ends near the training loss.")  # fmt: skip
print(f"held-out loss {held_loss:.2f}; letters' frequencies {by_letters:.2f}, bigrams {by_pairs:.2f}")
assert (2.5 if SHORT else 1.7) < held_loss < (3.0 if SHORT else 1.92) and abs(np.exp(-by_pairs) - 0.08) < 0.005

# %% [markdown]
# Look at the curve: the letters' frequencies are beaten after some twenty steps, bigrams after some two hundred. The
# held-out loss lies a little above the end of the blue curve: the gap between what it has read and what it hasn't is
# small, since a thousand steps are few.
#
# About 1.8: to the right letter of a text that it has never seen it gives the probability $e^{-1.8} \approx 0.17$,
# in the geometric mean; bigrams give 0.08. Read the samples again. First come the frequent letters, then words'
# lengths and lines, then words. Nobody told it what a word is.
#
# ## Where it looks
#
# We go through its blocks and keep the weights of all heads. On average over many windows: how much does each head
# of the first block take from the letter itself, from the one before, from two and three before?


# %%
def maps(x):
    h, found = model.letter(x) + model.place.weight[: x.shape[1]], []
    for block in model.blocks:
        _, weights = block.self_attn(block.norm1(h), is_causal=True, average_attn_weights=False)
        found.append(weights.data)  # (windows, heads, places, places)
        h = block(h)
    return found


with tl.no_grad():
    first, second = maps(held_windows.x[:200])
back = np.array([[np.diagonal(first[:, h], -b, 1, 2)[:, 8:].mean() for b in range(4)] for h in range(4)])
print("rows: heads of the first block; columns: itself, 1, 2, 3 back\n", back.round(2))
one_back = back[:, 1].argmax()
assert SHORT or (back[:, 0].max() > 0.5 and back[one_back, 1] > 0.5)

# %% [markdown]
# One head takes three quarters from the letter *before*; that is what our keys by hand were made of, and a second block
# could use it as a key. Two look mostly at the letter itself, and one spreads over the last three. Nobody asked for
# any of it. Does the first of them do so everywhere?

# %%
signs = np.array(list(vocabulary.decode(held_windows.x[:200].reshape(-1)))).reshape(-1, WINDOW)[:, 1:]
before = np.diagonal(first[:, one_back], -1, 1, 2)  # (windows, 63): from the second place on
small, capital = np.char.islower(signs), np.char.isupper(signs)
groups = {"small letters": small, "capitals": capital, "spaces": signs == " ",
          "other signs": ~(small | capital | (signs == " "))}  # fmt: skip
looked_back = {name: before[group].mean() for name, group in groups.items()}
print("from the one before:", {name: round(float(weight), 2) for name, weight in looked_back.items()})
assert SHORT or (looked_back["small letters"] > 0.7 and looked_back["other signs"] < 0.5)

# %%
shown = "Lear. To be, or not to be:"
with tl.no_grad():
    first_shown, second_shown = maps(vocabulary.encode(shown)[None])
pictures = {"one head of the first block": first_shown[0, one_back], "second block, mean": second_shown[0].mean(axis=0)}
figure, both = plt.subplots(1, 2, figsize=(8, 4.3))
for axes, (title, picture) in zip(both, pictures.items(), strict=True):
    image = axes.imshow(picture, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(shown)), shown.replace(" ", "␣"), fontsize=8)
    axes.set_yticks(range(len(shown)), shown.replace(" ", "␣"), fontsize=8)
    axes.set(title=title, xlabel="… at this letter")
both[0].set_ylabel("this letter looks …")
figure.colorbar(image, ax=both, label="weight", shrink=0.7)
show(figure, "19_attention_3", "Two triangles of weights for the letters of Lear. To be, or not to be. Left most rows "
     "are dark one step before the diagonal, of the full stop and the comma on it; right they are spread.")  # fmt: skip

# %% [markdown]
# Look at the left: small letters look one back, the first of a word at the space before it. A full stop or a comma
# looks at itself; why, we don't know. On the right, in the mean of its heads, the second block looks at several
# letters.
#
# But a map says *where* a head looked. It doesn't say what it took from there, nor whether that mattered: $v$ may be
# small, and the skip connections carry letters on without any attention. What matters one learns by taking it away: the
# model predicts the same 4,000 letters, and sees only the last 1, 2, 3, … before them.
#
# > **Predict.** Up to how many letters does looking back help: 2, 5, 20, all 64?

# %%
ends = np.random.default_rng(2).integers(WINDOW, len(held_out), steps(4000))
sees = {}
for seen in (1, 2, 3, 5, 10, 64):
    x = held_out[ends[:, None] - np.arange(seen, 0, -1)]
    sees[seen] = F.cross_entropy(tl.predict(model, x)[:, -1], held_out[ends])
print("; ".join(f"{seen} letters: {loss:.2f}" for seen, loss in sees.items()))
assert SHORT or (sees[1] > 2.4 and sees[1] - sees[2] > 0.3 and sees[2] - sees[5] > 0.3 and sees[5] - sees[64] < 0.12)

# %% [markdown]
# With one letter it is worse than bigrams: it has hardly ever been asked that. With two and three it gains much, with
# five little more, and then next to nothing: after 1,000 steps this model makes use of about five letters of its 64.
# It has learned words, and hardly anything beyond. To look farther takes more steps, more blocks and more text.
#
# ## Keys and values can be kept
#
# `write` runs the whole window through the network for each letter. But by the mask what comes later changes nothing
# earlier: keys and values of the old places stay as they are. So keep them, in a **cache**, and run only the new letter
# through. Its query meets all the keys that were kept. Here the likeliest letter is taken each time:


# %%
def likeliest(model, start, letters, caches=None):
    written, new, passed = list(start), list(start), 0  # passed: how many letters went through the network
    with tl.no_grad():
        for _ in range(letters):
            given = written if caches is None else new
            logits = model(np.array([given]), caches).data[0, -1]
            passed += len(given)
            new = [int(logits.argmax())]
            written += new
    return vocabulary.decode(written), passed


start = vocabulary.encode("To be, ")
slow, many = likeliest(model, start, 57)
quick, few = likeliest(model, start, 57, caches=[{}, {}])  # one for each block
print(f"{slow!r}: {many:,} letters through the network, with a cache {few}")
assert slow == quick and many == sum(range(7, 64)) == 1995 and few == 63

# %% [markdown]
# The same text, with 63 letters computed instead of 1,995. (In a network as small as ours Python's own time hides most
# of the gain; large ones need the cache to write at all.) We stop at 64 letters: then the window would have to slide,
# all letters would get other places, and with them other keys. And who always takes the likeliest letter goes round in
# circles; that is what the temperature is for.
#
# ## What goes wrong, and how to notice
#
# Two functions, two opposite habits, both PyTorch's: in `F.scaled_dot_product_attention` a boolean mask says True where
# one *may* look; in `nn.MultiheadAttention` True where one may **not**. Somebody takes the triangle `np.tri` from the
# first cell of this page, where it was the right one:


# %%
class Peeking(Block):
    def attend(self, x, cache=None):
        mask = np.tri(x.shape[1], dtype=bool)  # meant: may look at what was. Read: may look only at what comes
        return self.self_attn(x, attn_mask=mask, need_weights=False)[0]


# %% [markdown]
# > **Predict.** How low does the training loss of this one go in 150 steps, and what does it write?

# %%
tl.manual_seed(0)
peeking = GPT(Peeking)
low, peeked = learn(peeking, steps(150), samples_at=(steps(150),))
print(f"---- peeking, loss {low[-1]:.2f} ----{peeked[steps(150)]}")
print(f"---- the GPT after as many steps, loss {losses[len(low) - 1]:.2f} ----{samples[steps(150)]}")
at_last = F.cross_entropy(tl.predict(peeking, held_windows.x)[:, -1], held_windows.y[:, -1])
print(f"its loss at the last place of new windows: {at_last:.2f}, where bigrams have {by_pairs:.2f}")
assert SHORT or (low[-1] < 0.2 and losses[len(low) - 1] > 2 and at_last > by_pairs)


def looks_ahead(model):
    x = held_windows.x[:4].copy()
    before = tl.predict(model, x)[:, :40]
    x[:, 40:] = 0  # other letters, from place 40 on
    return not np.allclose(tl.predict(model, x)[:, :40], before, atol=1e-4)


assert looks_ahead(peeking) and not looks_ahead(model)

# %% [markdown]
# > **What goes wrong.** The loss falls wonderfully, to less than 0.2, where no model of English gets: each place reads
# > the answer off the next letter. At the last place there is none, nothing is left to look at (the layer gives 0
# > there), and that is the place that counts in writing: there it is worse than a table of bigrams, after a training
# > in which it has only learned to copy. How to notice: the loss is too good to be true, and `looks_ahead`: *changing
# > later letters must not change earlier outputs*. `with tl.strict():` around the loop says it at the first step.
# > (Targets that aren't shifted by one make the loss as low. `looks_ahead` doesn't see that; but such a model writes
# > the same letter for ever.)
#
# > **What goes wrong.** `batch_first=True` is forgotten. As in PyTorch the layer then takes (32, 64, 64) for (place,
# > batch, number): a letter looks at the *other texts* of the batch, and nothing complains. How to notice: changing one
# > text of a batch must not change another's output. (`tl.strict()` doesn't see this one.)
#
# ## What it can't do
#
# How much of what it writes is words? We take those of four letters and more, and look them up in the plays that it has
# learned from, and in a list of 51,294 English words. Then we ask it something.

# %%
known = set(re.findall(r"[a-z]+", text[:490_000].lower())) | {word.lower() for word in data.words()}
shares = {}
for name, written in {"the plays' end": text[490_000:], "the GPT": write(model, "\n", steps(1500))}.items():
    found = [word for word in re.findall(r"[a-z]+", written.lower()) if len(word) >= 4]
    made_up = [word for word in found if word not in known]
    shares[name] = 1 - len(made_up) / len(found)
    print(f"{name}: {shares[name]:.0%} are words; not: {', '.join(made_up[:7])}")
print(write(model, "\nHow many legs has a horse?\n", 150))
assert shares["the plays' end"] > 0.98 and (SHORT or 0.4 < shares["the GPT"] < 0.8) and len(data.words()) == 51_294

# %% [markdown]
# About six in ten are words; the others look like words. Asked a question, it goes on with a play. It has
# seen no answers, and knows nothing of horses; it knows which letters follow which. And of what stood more than 64
# letters ago nothing reaches it.
#
# How far is that from GPT-2? That network is the same but for its sizes (and GELU, a smooth relative of the ReLU), so
# one formula counts both. Its tokens are 50,257 pieces of words.


# %%
def parameters(tokens, window, width, layers):
    attend = 4 * width * width + 4 * width  # four matrices and their biases
    think = 8 * width * width + 5 * width  # to 4 · width and back
    return (tokens + window) * width + layers * (attend + think + 4 * width) + 2 * width  # each norm has 2 · width


gpt2 = parameters(50_257, 1024, 768, 12)
print(f"ours {parameters(70, 64, 64, 2):,}, GPT-2 {gpt2:,}: {gpt2 / size:,.0f} times")
assert parameters(70, 64, 64, 2) == size and gpt2 == 124_439_808 and 1100 < gpt2 / size < 1200

# %% [markdown]
# The smallest GPT-2 is a thousand times as large, and has learned from 40 GB of text, where ours had half a
# megabyte. Its parts are those that you have built.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_causal_weights`, the weights in (1); `ex_attention`, how gradients
# pass back through a product and a softmax; `ex_top_k`, how to draw from the $k$ likeliest letters only.
#
# 1. Train a GPT without places (leave `self.place` out of the sum), one with a single block, ours, 300 steps each,
#    and ours without the warm-up. Compare their held-out losses. What did each bring?
# 2. Take windows of held-out text. Change the letter 1, 2, 3, … places before the last to "z", and measure how much the
#    probabilities at the last place change: the sum of $|p - p'|$, on average. Compare with the maps.
# 3. Write 3,000 letters at the temperatures 0.3, 0.7, 1 and 1.5, and count the share of words in each, with its
#    standard error. How many *different* words are there?
#
# <details><summary>What you should find</summary>
#
# * In 1: 2.39 for ours, 2.37 without the warm-up, 2.40 with one block, 2.50 without places, which is hardly more than
#   bigrams. With the mask a second block can find out some of the order, slowly: after 1,000 steps it has 2.31 without
#   places, and ours 1.82. A vector for the place gives the order at once. The second block takes half of the time, and
#   after 300 steps it has hardly begun to pay.
# * In 2: the last letter itself 1.4, the one before 1.0, then 0.5, 0.35, 0.2; ten places back 0.06, thirty 0.004. The
#   maps of the second block spread wider than that: looking at a letter isn't the same as needing it.
# * In 3: 91 %, 64 %, 41 % and 18 %, each within 2 or 3 points, of some 300 words of four letters and more. But at 0.3
#   only a third of them are different ones, at 1.5 nearly all. What one would rather read lies in between.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/functional/attention.py`: `scaled_dot_product_attention`, formula (1), and the masks.
# - `tinydl/nn/attention.py`: `MultiheadAttention`, `TransformerEncoderLayer` and `TransformerEncoder`, with the cache.
# - `tinydl/derivatives/attention.py`: the softmax with a mask and its rule.
# - `tinydl/nn/normalization.py`: `LayerNorm`; `tinydl/optim/schedules.py`: `LinearWarmup`.
# - `tinydl/data/texts.py`: `shakespeare`, `words` and `Vocabulary`.
#
# This is the end of the way. You began with a slope, and now you have a machine that writes, of which you know every
# part: how it computes, where its gradients come from, how one trains it, measures it, and notices that something is
# wrong. Larger networks are made of these parts. Off the way there is more to see, in any order:
# [excursion 1](e1_where_is_it.py) finds things in pictures, [excursion 2](e2_fill_in_the_blank.py) lets letters look
# both ways, [excursion 3](e3_speech.py) listens to vowels, [excursion 4](e4_recurrent_dropout.py) asks where
# dropout belongs in a recurrent net, and in [excursion 5](e5_second_ward.py) you find the bugs of others. Other lessons
# may follow here.
