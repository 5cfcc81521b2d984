# %% [markdown]
# # 19. Attention, and a small GPT
#
# How can each letter look back at exactly those letters that matter to it, and how does that become a machine that
# writes?
#
# A recurrent network carries the past in one vector and rewrites it at each letter. **Attention** carries nothing: each
# place of a text looks at itself and all places before it, and takes what it needs. You build it from a mean, in NumPy,
# and then a **GPT** from it (a *generative pretrained transformer*: it writes, has learned from much text, and is made
# of attention). Ours has 108,672 numbers and learns from four plays of Shakespeare's in about a minute.
#
# *You need:* softmax and cross-entropy ([lesson 7](07_likelihood.py)), the variance of a sum
# ([lesson 8](08_initialisation.py)), AdamW and schedules ([lesson 10](10_optimizers.py)), skip connections
# ([lesson 17](17_deep_networks.py)), and the letters, embeddings and temperature of [lesson 18](18_sequences.py).

# %%
import re
from collections import Counter, defaultdict

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GREEN, ORANGE, PURPLE, SHORT, show, show_page, steps

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
mean_weights = triangle / triangle.sum(axis=1, keepdims=True)
print(mean_weights.round(2))
print(mean_weights @ v)

# %% [markdown]
# Row $i$ says how much place $i$ takes from each place: here the same from all. We want much from the letters that
# matter, next to nothing from the others.
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
# attention. Places after $i$ get the score $-\infty$, since $e^{-\infty} = 0$: this is the **mask**. The scores are a
# square table: a text twice as long has four times as many, and that is what attention costs.


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

# %% [markdown]
# Why $\sqrt d$? If the numbers in $q$ and $k$ are random, with mean 0 and variance 1, then $q \cdot k$ has the variance
# $d$ ([lesson 8](08_initialisation.py)): scores grow with $\sqrt d$. A softmax of large scores gives one place nearly
# everything, and there its slope is nearly 0: little could be learned about where to look.
#
# ## A question, by hand
#
# Let every letter ask: *what came next, when this letter stood earlier in the line?* The query is the letter itself,
# one-hot ([lesson 7](07_likelihood.py)). The key of a place is the letter *before* it. The value is the letter there.

# %%
line = "to be or not to be"
characters = data.Vocabulary(line)
one_hot = np.eye(len(characters))[characters.encode(line)]  # a row for each of the 18 places
letter_before = np.roll(one_hot, 1, axis=0)
letter_before[0] = 0  # before the first there is none
answers, looks = attention(20 * one_hot, letter_before, one_hot)  # 20: a key that fits gets nearly all


def large(numbers, names):
    return {names[i]: round(float(numbers[i]), 2) for i in np.flatnonzero(numbers > 0.1)}


letters = characters.decode(range(len(characters)))
print("place 16, a b, looks at", large(looks[16], range(18)), "and gets", large(answers[16], letters))

# %% [markdown]
# The second "b" gets the value of place 4: the "e" that followed the first "b".
#
# > **Predict.** Place 14 is an "o". Where does it look, and what does it get?

# %%
print("place 14, an o, looks at", large(looks[14], range(18)), "and gets", large(answers[14], letters))
assert list(large(looks[14], range(18))) == [2, 7, 11] and set(large(answers[14], letters)) == set(" rt")

# %%
figure, axes = plt.subplots(figsize=(6, 5.2))
picture = axes.imshow(looks, cmap="Blues", vmin=0, vmax=1)
signs = line.replace(" ", "␣")
axes.set_xticks(range(18), [f"{sign}\n{place}" for place, sign in enumerate(signs)], fontsize=8)
axes.set_yticks(range(18), [f"{sign} {place}" for place, sign in enumerate(signs)], fontsize=8)
axes.set(title="What came next, earlier in the line?", xlabel="… at this letter", ylabel="this letter looks …")
figure.colorbar(picture, ax=axes, label="weight", shrink=0.8)
show(figure, "19_attention_1", "A triangle of 18 by 18 weights for the line to be or not to be. Rows of letters that "
     "stood there before have single squares over the letters that followed; other rows are even bars.")  # fmt: skip

# %% [markdown]
# A third each of a space, "r" and "t", which have followed an "o" so far: the mix of values is a guess at the next
# letter. Look at the picture row by row. A letter that stood there before has single squares, each over a letter that
# followed it. A new letter finds no key that fits, and looks at all letters so far alike: an even bar.
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
print("before: weights", w.data.round(2), " sees", y.data.round(1), " gradient of q", q.grad.data.round(1))
stepped_q = q.data - 0.1 * q.grad.data  # a step against the gradient
stepped_w = F.softmax(stepped_q @ k.data.T / np.sqrt(2))
print("after:  weights", stepped_w.round(2), " sees", (stepped_w @ v.data).round(1))
assert stepped_w[0, 0] > w.data[0, 0] and abs((stepped_w @ v.data).item() - 12.2) < 0.1

# %% [markdown]
# On the page the first score gets a negative gradient and the second a positive one; those of $q$ have the same signs.
# A step against them, at the rate 0.1, turns the query towards the first key: the weight of the 10 grows to 0.78, and
# the query sees 12.2. So the network learns *where to look* as it learns all else.
#
# ## Heads
#
# In a network $q$, $k$ and $v$ are made from one vector $x_i$ for each place, by three matrices that are learned:
#
# $$ q_i = W_q x_i , \; k_i = W_k x_i , \; v_i = W_v x_i . \tag{2} $$
#
# One look isn't enough: one may want the letter before, and also the last space. So the vectors are cut into **heads**:
# 64 numbers make 4 heads of 16, each does (1) by itself, and a last matrix mixes what they have found.
# `nn.MultiheadAttention` has the three matrices in one, `in_proj_weight`. By hand:

# %%
tl.manual_seed(0)
layer = nn.MultiheadAttention(64, 4, batch_first=True)  # batch_first: (batch, place, number)
x = rng.normal(size=(10, 64)).astype(np.float32)  # ten places
q, k, v = np.split(x @ layer.in_proj_weight.data.T, 3, axis=1)  # formula (2); its biases begin at 0
found = []
for head in range(4):
    part = slice(16 * head, 16 * head + 16)  # the sixteen numbers of this head
    found.append(attention(q[:, part], k[:, part], v[:, part])[0])
by_hand = np.concatenate(found, axis=1) @ layer.out_proj.weight.data.T
with tl.no_grad():
    whole, _ = layer(x[None], is_causal=True)  # is_causal: with the mask
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
# Nothing. (1) is a sum over places, and a sum has no order: at the last letter of "form" and of "from" this
# layer says the same. So we add to each letter's vector one for its *place*, learned like the letter's.
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
# place carries through all blocks: each part reads it and *adds* a note. **Layer norm** keeps what is read at one size:
# from a place's 64 numbers it subtracts their mean and divides by their standard deviation. Then come a factor and a
# shift for each number, both learned.


# %%
class Block(nn.Module):
    def __init__(self, width, heads):
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.self_attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x):
        return self.self_attn(x, is_causal=True, need_weights=False)[0]

    def forward(self, x):
        x = x + self.attend(self.norm1(x))  # formula (3)
        return x + self.linear2(F.relu(self.linear1(self.norm2(x))))


# %%
block = Block(64, 4)
ready = nn.TransformerEncoderLayer(64, 4, 256, dropout=0.0, batch_first=True, norm_first=True)
ready.load_state_dict(block.state_dict())  # the same names, so the parameters can move over
with tl.no_grad():
    assert np.allclose(block(x[None]).data, ready(x[None], is_causal=True).data, atol=1e-5)

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


# %%
class GPT(nn.Module):
    def __init__(self, block=Block, width=64, heads=4, layers=2):
        self.letter, self.place = nn.Embedding(len(vocabulary), width), nn.Embedding(WINDOW, width)
        for table in (self.letter, self.place):
            nn.init.normal_(table.weight, std=0.02)
        self.blocks = [block(width, heads) for _ in range(layers)]
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        h = self.letter(x) + self.place.weight[: x.shape[1]]
        for block in self.blocks:
            h = block(h)
        return self.norm(h) @ self.letter.weight.T  # at each place a logit for each character


# %% [markdown]
# The last line uses the table of letters a second time: a letter is likely if its own vector points the way of $h$. All
# 64 places of a window say their next letter at once, so one window is 64 examples. The mask makes that honest.


# %%
def letter_loss(logits, y):
    return F.cross_entropy(logits.reshape(-1, len(vocabulary)), y.reshape(-1))


usable = (len(held_out) - 1) // WINDOW * WINDOW  # whole windows only
held_x, held_y = held_out[:usable].reshape(-1, WINDOW), held_out[1 : usable + 1].reshape(-1, WINDOW)
held_windows = data.Dataset(held_x, held_y)
tl.manual_seed(0)
model = GPT()
size = sum(p.size for p in model.parameters())
print(f"{size:,} parameters, {len(held_windows)} windows held out")
assert size == 108_672

# %% [markdown]
# What should it beat? Tables that one can count: which letters followed each piece of 0, 1, … 5 letters in the plays?
# A long piece is seldom met, so its counts are mixed with $p'$, the chance by the piece without its first letter:
#
# $$ p = \frac{c + u\,p'}{n + u} \tag{4} $$
#
# The piece was met $n$ times, the letter followed it $c$ times, and $u$ different letters did. The larger $u$ is
# beside $n$, the more the shorter piece counts. (This is called **Witten-Bell** mixing.)


# %%
def count(text, back):
    followers = defaultdict(Counter)  # for each piece, how often each letter followed it
    for place in range(back, len(text)):
        followers[text[place - back : place]][text[place]] += 1
    return followers


tables = [count(text[:490_000], back) for back in range(6)]
counts = np.cumsum([sum(len(followers) for followers in table.values()) for table in tables])

# %%
held_places = range(490_000, len(text))
by_table = np.zeros(6)  # the held-out loss, looking 0, 1, … 5 letters back
for place in held_places:
    p = 1 / 70
    for back, table in enumerate(tables):
        if followers := table.get(text[place - back : place]):
            p = (followers[text[place]] + len(followers) * p) / (followers.total() + len(followers))
        by_table[back] -= np.log(p) / len(held_places)
for back in range(6):
    print(f"{back} back: held-out loss {by_table[back]:.2f}, {counts[back]:,} counts")
assert by_table.argmin() == 4 and counts[4] == 151_807

# %% [markdown]
# One letter back (**bigrams**, pairs) the loss is 2.50, four back 1.55. Five back is worse: such pieces are too rare.
#
# To write, our GPT draws the next letter, at a temperature ([lesson 18](18_sequences.py)), appends it, and asks again.


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
# gradients. Larger networks need that. `steps(1000)` is 1000; the project's own tests take a tenth.
#
# > **Predict.** Our GPT may look back 64 letters. Which of the tables will it beat, after 1,000 steps?


# %%
def learn(model, total, samples_at=()):
    optimizer = optim.AdamW(model.parameters(), lr=0.003)
    warmup = optim.LinearWarmup(optimizer, max(1, total // 20))
    rng, losses, samples = np.random.default_rng(0), [], {}
    for step in range(1, total + 1):
        pieces = rng.integers(len(train) - WINDOW, size=32)[:, None] + np.arange(WINDOW)  # a row for each window
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
losses, samples = learn(model, steps(1000), samples_at=(steps(150), steps(400), steps(1000)))
for step, sample in samples.items():
    print(f"---- after {step} steps ----{sample}")

# %%
held_loss = tl.evaluate(model, held_windows, loss=letter_loss)["loss"]
figure, axes = plt.subplots()
axes.plot(range(1, len(losses) + 1), losses, color=BLUE, linewidth=0.8, label="GPT, each step's windows")
axes.axhline(by_table[1], color=GREEN, linestyle="--", label="table, 1 letter back, held-out text")
axes.axhline(by_table[4], color=PURPLE, linestyle=":", label="table, 4 letters back, held-out text")
axes.axhline(held_loss, color=ORANGE, linestyle="-.", label="GPT at the end, held-out text")
axes.set(xlabel="step", ylabel="loss per letter", ylim=(1.4, 4.4), title="A small GPT learns four plays")
axes.legend()
show(figure, "19_attention_2", "The loss falls steeply from 4.2, crosses the line of one letter back at 2.5 and goes "
     "on down slowly; held out it ends near the training loss, above the line of four letters back.")  # fmt: skip
print(f"held-out loss of the GPT {held_loss:.2f}, of the tables {by_table.round(2)}")
assert (2.5 if SHORT else by_table[3] + 0.08) < held_loss < (3.0 if SHORT else 1.92)

# %% [markdown]
# One back and two, but not three or four. Look at the curve: the green line is crossed after some two hundred steps,
# the purple one never. The table of four letters wins clearly, 1.55 against 1.82: its 151,807 counts, filled in one
# reading, say more than our 108,672 numbers after 1,000 steps. But a fifth letter didn't help the tables; attention
# needn't stop there. With more text, more steps and more numbers we expect it to win; this page doesn't show that.
#
# Read the samples again: first come lengths of words, then more and more words. Nobody told it what a word is.
#
# ## Where it looks
#
# On average over many windows and places: how much does each head of the first block take from the letter itself, and
# how much from one, two and three back?


# %%
def first_maps(model, x):
    block = model.blocks[0]
    h = block.norm1(model.letter(x) + model.place.weight[: x.shape[1]])
    return block.self_attn(h, is_causal=True, average_attn_weights=False)[1].data  # (windows, heads, places, places)


average = first_maps(model, held_x[:200]).mean(axis=0)  # (heads, places, places)
taken = np.array([np.diagonal(average, -back, axis1=1, axis2=2).mean(axis=1) for back in range(4)])
for back in range(4):
    print(f"{back} back: heads 1 to 4 take {taken[back].round(2)}")
assert SHORT or (taken[0].max() > 0.5 and taken[1].max() > 0.5 and taken[2].max() > 0.2)

# %%
shown = "Lear. To be, or not to be:"
heads = first_maps(model, vocabulary.encode(shown)[None])[0]  # of the only window
figure, grid = plt.subplots(2, 2, figsize=(7.6, 7.8), sharex=True, sharey=True)
for head, axes in enumerate(grid.flat):
    axes.imshow(heads[head], cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(shown)), shown.replace(" ", "␣"), fontsize=8)
    axes.set_yticks(range(len(shown)), shown.replace(" ", "␣"), fontsize=8)
    axes.set_title(f"head {head + 1}: {taken[0, head]:.0%} itself, {taken[1, head]:.0%} one back", fontsize=10)
figure.supxlabel("… at this letter", fontsize=10)
figure.supylabel("this letter looks …", fontsize=10)
show(figure, "19_attention_3", "Four triangles of weights for the letters of Lear. To be, or not to be. In one most "
     "rows are dark one step before the diagonal, in two on the diagonal, in one they are spread.")  # fmt: skip

# %% [markdown]
# One head takes most from the letter *before*, as our keys by hand did. One spreads over one to three back: 0.30, 0.31,
# 0.16. Two look mostly at the letter itself.
#
# But a map says *where* a head looked, not whether that mattered: $v$ may be small, and the skip connections carry
# letters on without any attention. What matters one learns by taking it away: the model predicts the same 4,000
# letters, and sees only the last 1, 2, 3, … before them.
#
# > **Predict.** Up to how many letters does looking back help: 2, 5, 20, all 64?

# %%
ends = np.random.default_rng(2).integers(WINDOW, len(held_out), steps(4000))
losses_seeing = {}
for seen in (1, 2, 3, 5, 10, 64):
    last_seen = held_out[ends[:, None] - np.arange(seen, 0, -1)]  # a row for each end: the letters before it
    losses_seeing[seen] = F.cross_entropy(tl.predict(model, last_seen)[:, -1], held_out[ends])
    print(f"sees {seen:2} letters: loss {losses_seeing[seen]:.2f}")
assert SHORT or (losses_seeing[2] - losses_seeing[5] > 0.3 and losses_seeing[5] - losses_seeing[64] < 0.12)

# %% [markdown]
# With one letter it is worse than bigrams: only the first of a window's 64 places ever asked that. After five letters
# next to nothing is gained: after 1,000 steps it makes use of about five letters of its 64.
#
# ## Keys and values can be kept
#
# `write` runs the whole window through the network for each letter. But by the mask no later letter changes an earlier
# key or value. So a layer can keep them in a **cache**, here a dict, and get only the new letter:

# %%
vectors, cache = np.random.default_rng(3).normal(size=(1, 10, 64)), {}
with tl.no_grad():
    whole = ready(vectors, is_causal=True).data
    new = [ready(vectors[:, t : t + 1], is_causal=True, cache=cache).data for t in range(10)]
print(f"one by one, largest difference: {np.abs(np.concatenate(new, axis=1) - whole).max():.0e}")
print(f"kept (batch, heads, letters, width of a head): {cache['key'].shape}")
assert np.allclose(np.concatenate(new, axis=1), whole, atol=1e-5) and cache["key"].shape == (1, 4, 10, 16)

# %% [markdown]
# For a window of 64 that is 64 letters instead of $1 + 2 + … + 64 = 2{,}080$. Beyond 64 the window slides: all letters
# get other places, so other keys, and the cache is of no use.
#
# ## What goes wrong, and how to notice
#
# Two functions, two opposite habits, both PyTorch's: in `F.scaled_dot_product_attention` a boolean mask says True where
# one *may* look; in `nn.MultiheadAttention` True where one may **not**. Somebody takes the triangle `np.tri` from the
# first cell of this page, where it was the right one:


# %%
class Peeking(Block):
    def attend(self, x):
        triangle = np.tri(x.shape[1], dtype=bool)
        return self.self_attn(x, attn_mask=triangle, need_weights=False)[0]


# %% [markdown]
# > **Predict.** How low does the training loss of this one go in 150 steps, and what does it write?

# %%
tl.manual_seed(0)
peeking = GPT(Peeking)
low, peeked = learn(peeking, steps(150), samples_at=(steps(150),))
print(f"---- peeking, loss {low[-1]:.2f}; the GPT after as many steps {losses[len(low) - 1]:.2f} ----")
print(peeked[steps(150)])
at_last = F.cross_entropy(tl.predict(peeking, held_x)[:, -1], held_y[:, -1])
print(f"its loss at the last place of new windows: {at_last:.2f}, where bigrams have {by_table[1]:.2f}")
assert SHORT or (low[-1] < 0.2 and at_last > by_table[1])


# %%
def looks_ahead(model, x):
    changed = x.copy()
    changed[:, 40:] = 0  # other letters, from place 40 on
    return not np.allclose(tl.predict(model, changed)[:, :40], tl.predict(model, x)[:, :40], atol=1e-4)


assert looks_ahead(peeking, held_x[:4]) and not looks_ahead(model, held_x[:4])

# %% [markdown]
# > **What goes wrong.** The mask is the wrong way round: each place sees only what comes later. The loss falls below
# > 0.2, since each place reads the answer off the next letter. The last place has nothing left to look at (the layer
# > gives 0 there), and it is the one that counts in writing: there it is worse than bigrams. How to notice: the loss is
# > too good to be true, and `looks_ahead`: *changing later letters must not change earlier outputs*.
# > `with tl.strict():` around the loop says it at the first step.
#
# The second mistake is quieter. A layer is made without `batch_first=True`, and gets 32 texts of ten places. Its
# weights should be 32 squares of 10 by 10.

# %%
batch = rng.normal(size=(32, 10, 64)).astype(np.float32)  # 32 texts, 10 places, 64 numbers
_, weights = nn.MultiheadAttention(64, 4)(batch)
print("weights of shape", weights.shape)
assert weights.shape == (10, 32, 32)

# %% [markdown]
# > **What goes wrong.** Without it the first axis is taken for the places, as in PyTorch: ten batches, where 32 look at
# > 32. A letter looks at the *other texts*, the output has the right shape, and nothing complains. How to notice: the
# > shape of the weights, and: changing one text of a batch must not change another's output.
#
# ## What it can't do
#
# How much of what it writes is words? We take those of four letters and more, and look them up in the plays that it has
# learned from, and in a list of English words. Then we ask it something.

# %%
known = set(re.findall(r"[a-z]+", text[:490_000].lower())) | {word.lower() for word in data.words()}
writers = {"the plays' end": text[490_000:], "the GPT": write(model, "\n", steps(1500))}
for name, written in writers.items():
    words = [word for word in re.findall(r"[a-z]+", written.lower()) if len(word) >= 4]
    made_up = [word for word in words if word not in known]
    share = 1 - len(made_up) / len(words)
    print(f"{name}: {share:.0%} are words; not: {', '.join(made_up[:7])}")
print(write(model, "\nHow many legs has a horse?\n", 150))
assert SHORT or 0.4 < share < 0.8  # of the GPT

# %% [markdown]
# About six in ten are words, in this one text of 1,500 letters; the others look like words. Asked a question, it goes
# on with a play: it knows which letters follow which, and nothing of horses.
#
# How far is that from GPT-2? The smallest has nearly the same parts, but 12 blocks, 768 numbers a place, windows of
# 1,024, and for letters 50,257 pieces of words. That makes 124 million parameters, over a thousand times ours, and it
# has learned from 40 GB of text, where ours had half a megabyte.
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
# * In 1: 2.39 for ours, 2.37 without the warm-up, 2.40 with one block, 2.50 without places, hardly better than bigrams.
#   After 300 steps the second block, which takes half of the time, has hardly begun to pay.
# * In 2: the last letter itself 1.4, the one before 1.0, then 0.5, 0.35, 0.2; ten places back 0.06, thirty 0.004.
# * In 3: 91 %, 64 %, 41 % and 18 %, each within 2 or 3 points. But in 3,000 letters only a third of the words are
#   different ones at 0.3, at 1.5 nearly all; a longer text repeats more. What one would rather read lies in between.
#
# </details>
#
# ## Where this lives in tinydl
#
# - `tinydl/functional/attention.py`: `scaled_dot_product_attention`, formula (1), and the masks.
# - `tinydl/nn/attention.py`: `MultiheadAttention`, `TransformerEncoderLayer` and `TransformerEncoder`, with the cache.
# - `tinydl/nn/normalization.py`: `LayerNorm`; `tinydl/optim/schedules.py`: `LinearWarmup`.
# - `tinydl/data/texts.py`: `shakespeare`, `words` and `Vocabulary`.
#
# You began with a slope, and now you have a machine that writes, of which you know every part.
#
# Next: [lesson 20](20_smaller_elsewhere.py), how a network gets smaller and leaves your laptop: into a file that others
# run, and a page in which you draw for it.
