# %% [markdown]
# # 7. Losses are likelihoods
#
# Squared error for numbers, cross-entropy for classes: **where do loss functions come from, and why these?**
#
# One idea makes them all: say with a probability how your data came about, and the loss writes itself. A coin and a die
# are enough to understand it, and at the end you hold a table of three losses whose gradients look exactly alike.
#
# *You need:* the sigmoid of [lesson 2](02_one_neuron.py), the squared error of [lesson 6](06_linear_regression.py),
# mean and *variance* from [Before you start](00_before_you_start.py), and from school the rules of the logarithm:
# $\log(ab) = \log a + \log b$ and $\log a^n = n \log a$, so $\log \frac1a = -\log a$, $\log \sqrt a = \frac12 \log a$.
# (`log` is the natural one here, ln on a calculator, so $\log e^a = a$.) It takes two sittings. The first ends with the
# mean and the median, where "Yes or no" begins: about half of the way.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, ORANGE, RED, show

import tinydl as tl
from tinydl import functional as F

# %% [markdown]
# ## A coin
#
# That a coin shows heads with **probability** $p = 0.7$ means: of very many throws, 70 % are heads. Throws don't
# influence each other (they are *independent*), so probabilities are multiplied. Two heads in a row have the
# probability $0.7 \cdot 0.7 = 0.49$: of all cases, 70 % begin with heads, and of these, 70 % go on with heads.
#
# Somebody throws a coin ten times and gets seven heads, H H T H H T H H T H. We don't know its $p$.
#
# > **Predict.** How probable are exactly these ten throws, in this order, for a fair coin, $p = 0.5$? And for one with
# > $p = 0.7$? Which coin would you bet on?

# %%
throws = np.array([1, 1, 0, 1, 1, 0, 1, 1, 0, 1])  # 1 is heads


def likelihood(p):
    return p ** np.sum(throws == 1) * (1 - p) ** np.sum(throws == 0)  # seven factors p, three factors 1 - p


for p in (0.5, 0.7):
    print(f"p = {p}: probability of what was seen {likelihood(p):.5f}, its logarithm {math.log(likelihood(p)):.2f}")
assert abs(likelihood(0.7) / likelihood(0.5) - 2.3) < 0.05

# %% [markdown]
# Both numbers are small, since any ten throws are just one possibility of many. What counts is their ratio: with
# $p = 0.7$ what we saw is 2.3 times as probable.
#
# The probability of the data that were seen, read as a function of the unknown number $p$, is the **likelihood** of
# $p$. To choose the $p$ for which it is largest is called *maximum likelihood*.
#
# ## Why the logarithm
#
# For two thousand throws a fair coin's likelihood is $0.5^{2000}$, and Python makes 0.0 of it: it is smaller than any
# number that a computer can store. Its logarithm, $2000 \log 0.5 = -1386.3$, is no trouble at all.
#
# So one takes the logarithm, −6.93 and −6.11 for our coins; the larger number still wins. A program minimises, so we
# also put a minus in front: 6.93 and 6.11. That is the **negative log-likelihood**, and it is what people call a loss.

# %%
p = np.linspace(0.01, 0.99, 197)
losses = -np.log(likelihood(p))
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.5))
left.plot(p, 1000 * likelihood(p), color=BLUE)
right.plot(p, losses, color=BLUE)
for at, color in [(0.5, ORANGE), (0.7, RED)]:
    left.plot(at, 1000 * likelihood(at), "o", color=color, label=f"p = {at}: {1000 * likelihood(at):.2f}")
    right.plot(at, -math.log(likelihood(at)), "o", color=color, label=f"p = {at}: {-math.log(likelihood(at)):.2f}")
for ax, name, ends in [(left, "likelihood, in thousandths", (0, None)), (right, "negative log-likelihood", (5, 15))]:
    ax.set(xlabel="p, the probability of heads", ylabel=name, ylim=ends)  # the valley's sides go on, far above 15
    ax.legend()
show(figure, "07_likelihood_coin", "Over p, left: the likelihood of seven heads in ten throws, a hill with its top at "
     "p = 0.7, at 2.22 thousandths, and 0.98 at p = 0.5. Right: its negative logarithm, a valley with its bottom at "
     "p = 0.7, at 6.11, and 6.93 at p = 0.5.")  # fmt: skip
assert math.isclose(p[np.argmin(losses)], 0.7) and 0.5**2000 == 0 and abs(2000 * math.log(0.5) + 1386.3) < 0.05

# %% [markdown]
# The top of the hill and the bottom of the valley lie at the same $p$. To compute it, the logarithm is useful once
# more: of $p^7 (1 - p)^3$ it makes two terms, easy to differentiate. ($L$ is the *loss*, not the likelihood.)
#
# $$ \begin{aligned}
# L(p) &= -7 \log p - 3 \log(1 - p) \\
# L'(p) &= -\frac7p + \frac3{1 - p}
# \end{aligned} $$
#
# It is 0 where $7(1 - p) = 3p$, so at $p = 0.7$, the share of heads, as common sense would have said.
#
# ## A die
#
# A die has six sides, so its probabilities are six numbers that add up to 1. Compare a fair one, $\frac16$ for each
# side, with a loaded one: $\frac12$ for the six, $\frac1{10}$ for each of the others. Here are ten throws:

# %%
fair = np.array([1, 1, 1, 1, 1, 1]) / 6
loaded = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.5])
seen = np.array([6, 2, 6, 1, 6, 3, 6, 6, 2, 6])


def die_loss(sides):
    return -np.sum(np.log(sides[seen - 1]))  # sides[seen - 1] picks, for each throw, the probability of its side


print(f"negative log-likelihood: fair {die_loss(fair):.1f}, loaded {die_loss(loaded):.1f}")
assert math.isclose(die_loss(fair), 10 * math.log(6)) and abs(die_loss(loaded) - 13.4) < 0.05

# %% [markdown]
# The loaded die explains these throws better. For each throw the code picks *one* number, the probability that the
# model gave to what happened, and adds up the $-\log$ of these. With "cat, dog, horse" instead of six sides this is how
# nearly every classifier is trained.
#
# What does a belief cost in the long run? Say the die really is the loaded one. Somebody believes in it: a six costs
# them $-\log \frac12 = 0.69$, any other side $-\log \frac1{10} = 2.30$. Somebody else believes in the fair die, where
# every side costs $-\log \frac16 = \log 6$.
#
# > **Predict.** Who pays less *on average*, and how much is it per throw? (The average, or *expectation*, is each cost
# > times its true probability, added up.)

# %%
right_belief, wrong_belief = -np.sum(loaded * np.log(loaded)), -np.sum(loaded * np.log(fair))
print(f"expected loss per throw: who is right {right_belief:.2f}, who believes in the fair die {wrong_belief:.2f}")
assert abs(right_belief - 1.50) < 0.005 and abs(wrong_belief - 1.79) < 0.005

# %% [markdown]
# Half of all throws are sixes, so who is right pays $(0.69 + 2.30)/2 = 1.50$ per throw. The other one always pays 1.79.
# The 1.50 can't be avoided, since even who knows the die doesn't know the throw; it is called the **entropy** of the
# die. What the wrong belief pays, 1.79, is a **cross-entropy**. And it isn't only the fair die:
#
# **On average, nobody pays less than the one who knows the true probabilities.**
#
# You can prove it in two lines. The curve $\log x$ bends downwards, and $x - 1$ is its tangent at $x = 1$, so
# $\log x \le x - 1$. Let $y_k$ be the true probabilities and $p_k$ those that somebody believes in. Put $p_k/y_k$ for
# $x$, multiply by $y_k$ and add up:
#
# $$ \begin{aligned}
# \sum_k y_k \log \frac{p_k}{y_k} &\le \sum_k y_k \Bigl(\frac{p_k}{y_k} - 1\Bigr) \\
# &= \sum_k p_k - \sum_k y_k = 1 - 1 = 0 .
# \end{aligned} $$
#
# On the left stands $\sum y_k \log p_k - \sum y_k \log y_k$, what the one who knows pays minus what the other one pays.
# It is never above 0. (We divided by $y_k$. Leave out sides with $y_k = 0$, which never come up: the last line is then
# "at most 0".) So what makes the average loss smallest is the truth itself. In the long run no lie is rewarded with a
# smaller loss: that is why one may trust it.
#
# ## The idea in one formula
#
# A model has adjustable numbers $\theta$ (a coin's $p$, a die's six, a network's ten thousand weights). A network looks
# at an input $x_i$, a mail say, *before* it says how the coin for $y_i$ is loaded: $p(y_i \mid x_i, \theta)$. The bar
# means "if we know": a **conditional probability**. For independent data the likelihood is the product ($\prod$, as
# $\sum$ is a sum), and the loss its negative logarithm:
#
# $$ \begin{aligned}
# L(\theta) &= -\log \prod_i p(y_i \mid x_i, \theta) \\
# &= -\sum_i \log p(y_i \mid x_i, \theta) .
# \end{aligned} \tag{1} $$
#
# > **Predict.** For three mails a network says "spam" with probability 0.9, 0.2 and 0.6. The first and the third are
# > spam. What does it pay for each, and which mail is the most expensive one?

# %%
said, spam = np.array([0.9, 0.2, 0.6]), np.array([1, 0, 1])
given = np.where(spam == 1, said, 1 - said)  # where spam is 1, take said, elsewhere 1 - said: given to the truth
pays = -np.log(given)
print(f"gave the truth {given}, pays {np.round(pays, 2)}: sum {np.sum(pays):.2f}, mean {np.mean(pays):.2f}")
assert abs(np.sum(pays) - 0.84) < 0.005 and abs(np.mean(pays) - 0.28) < 0.005

# %% [markdown]
# It pays $-\log 0.9 - \log 0.8 - \log 0.6 = 0.84$. The third is the most expensive: right, but hardly sure of it.
# Programs usually take the *mean* in place of the sum, here 0.28. To divide by $n$ doesn't move the minimum; every
# gradient gets the factor $1/n$ as well.
#
# ## Numbers: the squared error
#
# Nobody is *exactly* 1.7 m tall: a single length has the probability 0, only a strip of lengths has more. So one states
# the **density**, probability *per unit of length*. Where it is 4 per metre, a strip 1 cm wide catches
# $4 \cdot 0.01 = 4\,\%$ of the measurements.
#
# The usual model of noise is the *normal distribution*, the bell curve, with mean $\mu$ and variance $\sigma^2$. (The
# factor in front makes the area under it 1: *something* is measured for sure.)
#
# $$ p(y \mid \mu) = \frac{1}{\sqrt{2\pi\sigma^2}}\, e^{-(y - \mu)^2 / 2\sigma^2} . \tag{2} $$
#
# Now put (2) into (1), the density in the place of the probability. (The probability of a strip is its density times
# its width, and the width is the same for every $\mu$.) Here $\mu$ is the model's prediction, for a network what it
# says for $x_i$. The logarithm undoes the exponential, and a root, a power ½, becomes a factor ½:
#
# $$ -\log p = \frac{(y - \mu)^2}{2\sigma^2} + \tfrac12 \log(2\pi\sigma^2) . \tag{3} $$
#
# The second term doesn't depend on $\mu$, and the factor $1/\sigma^2$ changes nothing about where the minimum is. What
# remains is $\frac12 (y - \mu)^2$. **That is where the squared error comes from:** from the belief that your data are
# predictions plus normal noise.
#
# If you believe in other noise, you get another loss. The density $\frac12 e^{-|y - \mu|}$ falls off far more slowly
# than the bell curve, so outliers are no surprise to it. Its loss is $|y - \mu| + \log 2$, up to the $\log 2$ the
# *absolute* error, in tinydl `F.l1_loss`.
#
# > **Predict.** Five people measure 0.9, 1.0, 1.1, 1.2 and 3.8 (a slip of the pen). Which $\mu$ makes the sum of the
# > squared errors smallest? Which one the sum of the absolute errors?

# %%
y = np.array([0.9, 1.0, 1.1, 1.2, 3.8])
mu = np.linspace(0, 4, 401)
squared, absolute = np.zeros(401), np.zeros(401)
for measurement in y:
    squared += (measurement - mu) ** 2 / 2
    absolute += np.abs(measurement - mu)
best_squared, best_absolute = mu[np.argmin(squared)], mu[np.argmin(absolute)]
print(f"squared error:  best mu {best_squared:.2f}; the mean is   {np.mean(y):.2f}")
print(f"absolute error: best mu {best_absolute:.2f}; the median is {np.median(y):.2f}")
assert abs(best_squared - 1.6) < 1e-9 and abs(best_absolute - 1.1) < 1e-9

# %%
figure, ax = plt.subplots(figsize=(6.6, 3.7))
ax.plot(mu, squared, color=RED, label="squared error, ½ Σ(y − μ)²")
ax.plot(mu, absolute, color=BLUE, linestyle="--", label="absolute error, Σ|y − μ|")
ax.plot(best_squared, squared.min(), "o", color=RED)
ax.annotate("mean 1.6", (best_squared, squared.min()), (6, -13), textcoords="offset points", color=RED)
ax.plot(best_absolute, absolute.min(), "o", color=BLUE)
ax.annotate("median 1.1", (best_absolute, absolute.min()), (-70, -12), textcoords="offset points", color=BLUE)
ax.plot(y, np.zeros(5), "|", color=GRAY, markersize=14, markeredgewidth=2, label="the five measurements")
ax.set(xlabel="μ", ylabel="loss", ylim=(-0.5, 12), title="two beliefs about noise, two best values")
ax.legend(fontsize="small", loc="upper center")
show(figure, "07_likelihood_noise", "Two losses over μ, and five measurements: four near 1, one at 3.8. The squared "
     "error is a smooth valley with its bottom at the mean, 1.6, to the right of the four. The absolute error is made "
     "of straight pieces, with its bottom at the median, 1.1, among the four.")  # fmt: skip

# %% [markdown]
# Squared error asks for the **mean**: the slope of $\frac12 \sum (y_i - \mu)^2$ is $\sum (\mu - y_i)$, and that is 0
# where $\mu$ is the mean. The one slip has pulled it to 1.6, above four of the five measurements.
#
# Absolute error asks for the **median**, the value in the middle when they are sorted. Why? Move $\mu$ a little to the
# right: you come nearer to every point on the right, and further from every point on the left, each by the same amount.
# There is nothing to gain where equally many lie on both sides. How far away the slip lies makes no difference.
# So the choice of a loss is a statement about noise. If you expect outliers, squared error is the wrong statement.
# (Here the first sitting ends.)
#
# ## Yes or no: the binary cross-entropy
#
# Now $y$ is 1 or 0: spam or not. A model says 1 with probability $p$. If it happens, the model pays $-\log p$, and if
# not, $-\log(1 - p)$. In one formula (for $y = 1$ the second term vanishes, for $y = 0$ the first):
#
# $$ L = -y \log p - (1 - y) \log(1 - p) . \tag{4} $$
#
# This is **binary cross-entropy**, for a coin, also known as Bernoulli's distribution. A network gives any number $z$,
# a **logit**, and the sigmoid makes a probability of it, $p = \sigma(z) = 1/(1 + e^{-z})$. How does the loss change
# with $z$? For $y = 1$ it is $-\log \sigma(z) = \log(1 + e^{-z})$:
#
# $$ \begin{aligned}
# \frac{\partial}{\partial z} \log(1 + e^{-z}) &= \frac{-e^{-z}}{1 + e^{-z}} \\
# &= \frac{1 - (1 + e^{-z})}{1 + e^{-z}} = \sigma(z) - 1 .
# \end{aligned} $$
#
# For $y = 0$ the probability of what happened is $1 - \sigma(z) = e^{-z} / (1 + e^{-z})$. Its $-\log$ is
# $z + \log(1 + e^{-z})$, so the slope is 1 larger, $\sigma(z)$. In both cases it is prediction minus truth:
#
# $$ \frac{\partial L}{\partial z} = p - y . \tag{5} $$


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def binary_cross_entropy(z, y):
    p = sigmoid(z)
    return np.sum(-y * np.log(p) - (1 - y) * np.log(1 - p))  # formula (4)


z, labels = np.array([-2.0, -0.5, 0.0, 0.3, 1.0, 4.0]), np.array([1.0, 0, 0, 1, 1, 0])
report = tl.gradcheck(lambda z: binary_cross_entropy(z, labels), z, grad=lambda z: sigmoid(z) - labels)
print("formula (5), judged by gradcheck:", report.verdict)
p = sigmoid(-8.0)  # truth 1: as wrong as can be
print(f"z = -8, truth 1: slope of -log p {p - 1:.4f}, of the squared error {2 * (p - 1) * p * (1 - p):.4f}")
assert report.verdict == "right" and abs(2 * (p - 1) * p * (1 - p) + 0.0007) < 5e-5

# %%
line = np.linspace(-8, 8, 200)
figure, ax = plt.subplots(figsize=(6.6, 3.4))
ax.plot(line, -np.log(sigmoid(line)), color=BLUE, label="cross-entropy, −log p")
ax.plot(line, (sigmoid(line) - 1) ** 2, "--", color=RED, label="squared error, (p − 1)²")
ax.set(xlabel="z, the logit", ylabel="loss", title="what a wrong answer costs if the truth is 1")
ax.legend(fontsize="small")
show(figure, "07_likelihood_slopes", "Two losses over the logit z from -8 to 8, where the truth is 1. Cross-entropy "
     "rises to 8 on the left, as steep as it can be. The squared error lies flat at 1 there.")  # fmt: skip

# %% [markdown]
# In [lesson 2](02_one_neuron.py) the neuron with the *squared* error $(p - y)^2$ learned least where it was most wrong:
# on the left of the picture its loss is flat, with the slope −0.0007 at $z = -8$, where cross-entropy has almost −1.
# Now you know why: to take the squared error is to believe that a yes is 1 plus normal noise, and nobody does.
#
# ## What goes wrong: the formula as it stands
#
# > **Predict.** $z = 40$ and $y = 0$: a network that is very sure, and wrong. What loss should (4) give, and what
# > gradient? And what does a computer give?

# %%
y = np.array([0.0])
naive = tl.tensor([40.0], dtype=np.float64, requires_grad=True)  # 64 bits: the computer's finest numbers
with np.errstate(all="ignore"):  # turns NumPy's warnings off: here we want to see what happens without them
    loss = binary_cross_entropy(naive, y)
    loss.backward()
logit = tl.tensor([40.0], dtype=np.float64, requires_grad=True)
stable = F.binary_cross_entropy_with_logits(logit, y)
stable.backward()
print(f"formula (4):  loss {loss.item()}, gradient {naive.grad.data[0]}")
print(f"from logits:  loss {stable.item()}, gradient {logit.grad.data[0]}")
assert loss.item() == naive.grad.data[0] == math.inf and np.isclose([stable.item(), logit.grad.data[0]], [40, 1]).all()
costs = F.binary_cross_entropy_with_logits(np.array([1000.0, 3, -3]), np.zeros(3), reduction="none")  # one for each
assert np.allclose(costs, [1000, 3 + np.log(1 + np.exp(-3)), np.log(1 + np.exp(-3))])  # the forms of the box below

# %% [markdown]
# > **What goes wrong.** $1 + e^{-40}$ rounds to 1. So $p = 1$ exactly, and the loss is $-\log 0 = \infty$. The gradient
# > is infinite too: the slope of $-\log(1 - p)$ is $1/(1 - p)$, here $1/0$, times the sigmoid's, tiny but not 0. (5)
# > gives 1. You notice it by `inf`
# > or `nan` in the loss. If you have the choice: always a loss that takes *logits*. It computes the same in a form that
# > can't overflow. For $y = 0$ it is $z + \log(1 + e^{-z})$, 40 and almost nothing. For a large $z$ the power is tiny,
# > not huge: $z = 1000$ costs 1000. (For a large negative $z$ it takes $\log(1 + e^z)$, the same number.)
#
# ## One of $K$: cross-entropy and softmax
#
# For three classes a network gives three numbers, $z = (2, 1, 0)$ say. To make probabilities of them, make them
# positive, $e^2 = 7.39$, $e^1 = 2.72$, $e^0 = 1$, and divide by their sum, 11.11: $p = (0.67,\ 0.24,\ 0.09)$. That is
# **softmax**.
#
# $$ p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} . \tag{6} $$
#
# To subtract the same number $c$ from all $z$ changes nothing: $e^{z - c} = e^z / e^c$, and $e^c$ cancels. So programs
# subtract the largest $z$ first, and no power can overflow.
#
# A labelled example is one throw of a die with $K$ sides, whose probabilities are the $p_k$. The loss is $-\log$ of the
# probability of the side that came up, as with the die above:
#
# $$ L = -\log p_{\text{right}} = -\sum_k y_k \log p_k . \tag{7} $$
#
# In the second form $y$ is the label written as a vector of zeros with a 1 at the right class, such as $(0, 0, 1)$,
# called *one-hot*: the sum then picks one term. It is the **cross-entropy** of the die: belief $p$, truth $y$.


# %%
def softmax(z):
    e = np.exp(z - np.max(z))
    return e / np.sum(e)


z = np.array([2.0, 1.0, 0.0])
p = softmax(z)
print("softmax of (2, 1, 0):", np.round(p, 2), " loss if class 0 is right:", round(-math.log(p[0]), 2))
print("softmax of (1000, 999, 998):", np.round(softmax(z + 998), 2))
assert np.allclose(p, [0.67, 0.24, 0.09], atol=0.006) and np.allclose(softmax(z + 998), p)
assert np.isclose(F.cross_entropy(z.reshape(1, 3), np.array([0])).item(), -math.log(p[0]))  # tinydl takes the logits
assert np.isclose(F.cross_entropy(np.zeros((1, 3)), np.array([0])).item(), math.log(3))

# %% [markdown]
# A network that knows nothing gives each of $K$ classes the probability $1/K$, and pays $-\log(1/K) = \log K$, ln K on
# a calculator. So **a network should start at a loss of about** $\ln K$: 1.099 for 3 classes, 2.303 for 10. A much
# larger first loss means that it begins by being sure of something.
#
# ## The most useful gradient there is
#
# Call the right class $r$. Put (6) into (7), and the logarithm takes the fraction apart:
#
# $$ \begin{aligned}
# L &= -\log \frac{e^{z_r}}{\sum_k e^{z_k}} \\
# &= -z_r + \log \sum_k e^{z_k} .
# \end{aligned} \tag{8} $$
#
# Now change one logit, $z_j$. The first term has the slope −1 if $j$ is $r$, else 0: that is $-y_j$, from the one-hot
# vector. In the second, only one term of the sum contains $z_j$, and its slope is $e^{z_j}$; the chain rule for the
# logarithm divides it by the sum, and that is $p_j$ again:
#
# $$ \frac{\partial L}{\partial z_j} = p_j - y_j . \tag{9} $$
#
# Prediction minus truth, as in (5). In our example, if class 0 is right, it is $(0.67 - 1,\ 0.24,\ 0.09)$. Gradient
# descent goes the other way: it raises the right logit, and lowers each of the others by as much as it was believed.
#
# ## Many examples at once
#
# In a program $n$ examples come together, as the rows of a table of shape $(n, k)$. `axis=1` sums along each row, and
# `keepdims=True` leaves the sums as a column, so that each row is divided by its own:

# %%
Z, labels = np.array([[2.0, 1.0, 0.0], [0.0, 0.0, 0.0]]), np.array([0, 2])  # two examples; classes 0 and 2 are right
E = np.exp(Z - Z.max(axis=1, keepdims=True))
P = E / E.sum(axis=1, keepdims=True)
picked = P[np.arange(2), labels]  # two lists of places, rows 0 and 1, columns 0 and 2: P[0, 0] and P[1, 2]
loss = np.mean(-np.log(picked))
one_hot = np.eye(3)[labels]  # np.eye(3) is the table with ones on its diagonal; its rows 0 and 2
print(f"given to the truth: {np.round(picked, 2)}, mean loss {loss:.2f}, gradient:\n{np.round((P - one_hot) / 2, 2)}")
assert np.isclose(F.cross_entropy(Z, labels).item(), loss)
assert np.allclose(tl.grad(lambda Z: F.cross_entropy(Z, labels))(Z), (P - one_hot) / 2)  # formula (9) and 1/n

# %% [markdown]
# The gradient of a *mean* is (9), row by row, divided by $n$, here by 2. Of a sum it is (9) as it stands.
#
# ## What goes wrong: softmax twice
#
# > **Predict.** `F.cross_entropy` takes logits and applies softmax itself. Somebody has a softmax as last layer as
# > well. Their network is completely right, $p = (1, 0, 0)$ for class 0. What is its loss?

# %%
certain = np.array([[1.0, 0.0, 0.0]])  # already probabilities
twice = F.cross_entropy(certain, np.array([0])).item()
print(f"loss of a perfect prediction after softmax twice: {twice:.3f}")
assert abs(twice - 0.551) < 0.001 and math.isclose(twice, -math.log(math.e / (math.e + 2)), rel_tol=1e-6)

# %% [markdown]
# > **What goes wrong.** The second softmax takes 1, 0, 0 as logits. It makes $e$, 1 and 1 of them, so the right class
# > gets $e/(e + 2) = 0.5761$. The loss can't get below $-\log 0.5761 = 0.551$, however long one trains. The gradients
# > are weak, and accuracy is often fine, so nobody looks. You notice it by a floor in the training loss; tinydl can
# > notice it for you ([lesson 13](13_bug_lab.py)).
#
# ## One table to keep
#
# | the data are | distribution | output of the model | loss | its gradient in the output |
# |---|---|---|---|---|
# | numbers with noise | normal | $\mu$ | $\frac12(y - \mu)^2$ | $\mu - y$ |
# | yes or no | Bernoulli: a coin | $z$, $p = \sigma(z)$ | $-y\log p - (1 - y)\log(1 - p)$ | $p - y$ |
# | one of $K$ | categorical: a die | $z$, $p = \mathrm{softmax}(z)$ | $-\sum y_k \log p_k$ | $p - y$ |
#
# Three times prediction minus truth, and exercise 1 adds a fourth. (*Categorical* means: a die with any probabilities.
# The ½ comes from (2). In [lesson 2](02_one_neuron.py) it was left out: the same minimum, a gradient twice as large.)
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_softmax`, `ex_cross_entropy`, `ex_softmax_cross_entropy` (all three
# for tables of rows, as in "Many examples at once") and `ex_yes_or_no`. Is a sum or a mean asked for?
#
# 1. Counts (visitors an hour) follow Poisson's distribution, $P(y) = \lambda^y e^{-\lambda} / y!$. With $\lambda = e^z$
#    write down the loss. Guess its gradient in $z$ from the table, then check it with `tl.gradcheck(..., grad=rule)`.
# 2. Let the model predict the noise as well: two outputs, $\mu$ and $s = \log \sigma$. Write (3) with them. What is the
#    gradient in $s$, and where is it zero?
# 3. Somebody doesn't quite trust the labels, and takes $0.9\, y + 0.1 / K$ as truth in place of the one-hot $y$ (*label
#    smoothing*). Is the gradient in $z$ still $p$ minus truth? Use the second form of (7), and
#    $\log p_k = z_k - \log \sum_j e^{z_j}$. Check it with `F.cross_entropy(..., label_smoothing=0.1)`.
#
# <details><summary>What you should find</summary>
#
# - *Exercise 1:* $L = e^z - y z + \log y!$, with the gradient $e^z - y = \lambda - y$: prediction minus truth.
# - *Exercise 2:* $L = \frac12 (y - \mu)^2 e^{-2s} + s + \frac12 \log 2\pi$. Its slope in $s$ is
#   $1 - (y - \mu)^2/\sigma^2$, 0 where $\sigma^2 = (y - \mu)^2$ (for many data: the mean of the squared errors).
# - *Exercise 3:* Yes, because the new truth adds up to 1 as well. For $z = (2, 1, 0)$ and class 0 it is
#   $(0.933, 0.033, 0.033)$, and the gradient $(-0.268, 0.211, 0.057)$.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > - **Conditional probability** $P(X \mid Y) = P(X, Y) / P(Y)$ is right, for $P(Y) > 0$, and so is the **Bernoulli
# >   distribution**, our coin. The **normal distribution** is named, without a formula. What all these[^distributions]
# >   have to do with losses isn't said: they are where losses come from.
# > - **“Multinomial distribution”**, $P(X = k) = C_n^k\, p^k (1 - p)^{n - k}$, is wrong. The formula is the *binomial*
# >   distribution's, for $k$ heads in $n$ throws of a coin. How you see it: it has one $p$, and a die needs six.
# >
# > (Rows D6 to D9, and D35 on the squared error behind a sigmoid, of `tinydl document`, which measures such claims.)
#
# [^distributions]: 「伯努利分布、多项式分布、正态分布」

# %% [markdown]
# ## Where this lives in tinydl
#
# - `tinydl/functional/losses.py`: the losses. `tinydl/course/formulas.py`: rows D6 to D9.
# - `tinydl/derivatives/softmax.py`: softmax and the losses as single operations, computed so that nothing overflows;
#   the rule of `weighted_cross_entropy`, `softmax_minus_target`, is formula (9).
#
# Next: [lesson 8](08_initialisation.py): what the gradient meets on its way through many layers.
