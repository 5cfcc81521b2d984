# %% [markdown]
# # 7. Losses are likelihoods
#
# Squared error for numbers, cross-entropy for classes: **where do loss functions come from, and why these?**
#
# Nobody has to learn them by heart. You will see that one idea makes them all: say with a probability how your data
# came about, and the loss writes itself. A coin and a die are enough to understand it. At the end you hold a table of
# three losses whose gradients look exactly alike.
#
# *You need:* the sigmoid of [lesson 2](02_one_neuron.py) and the squared error of [lesson 6](06_linear_regression.py);
# from school, that the logarithm turns products into sums, $\log(ab) = \log a + \log b$ (`log` is always the natural
# one here, which calculators call ln). One part near the end uses the Jacobian of [lesson 4](04_arrays.py); you may
# skip it.

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
# A **probability** is a share in the long run. That a coin shows heads with probability $p = 0.7$ means: of very many
# throws, 70 % are heads. It shows tails with the rest, $1 - p = 0.3$.
#
# Throws don't influence each other (they are *independent*), and then probabilities are multiplied. Two heads in a row
# have the probability $0.7 \cdot 0.7 = 0.49$: of all cases, 70 % begin with heads, and of these, 70 % go on with heads.
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
assert math.isclose(0.7 * 0.7, 0.49) and math.isclose(likelihood(0.5), 0.5**10)
assert abs(likelihood(0.5) - 0.00098) < 0.00001 and abs(likelihood(0.7) - 0.00222) < 0.00001
assert abs(likelihood(0.7) / likelihood(0.5) - 2.3) < 0.05
assert abs(math.log(likelihood(0.5)) + 6.93) < 0.005 and abs(math.log(likelihood(0.7)) + 6.11) < 0.005

# %% [markdown]
# Both numbers are small, since any ten throws are just one possibility of many. What counts is their ratio: with
# $p = 0.7$ what we saw is 2.3 times as probable as with $p = 0.5$.
#
# The probability of the data that were seen, read as a function of the unknown number $p$, is the **likelihood** of
# $p$. For $p = 0.7$ it is 0.00222. To choose the $p$ for which it is largest is called *maximum likelihood*.
#
# ## Why the logarithm
#
# With ten throws the likelihood is about 0.002. With two thousand it is smaller than any number that a computer can
# store:

# %%
print("0.5 to the power 2000:      ", 0.5**2000)
print(f"its logarithm, 2000 · ln 0.5: {2000 * math.log(0.5):.1f}")
assert 0.5**2000 == 0
assert abs(2000 * math.log(0.5) + 1386.3) < 0.05

# %% [markdown]
# So one takes the **log-likelihood**, the logarithm of the likelihood. For our coins it is −6.93 ($p = 0.5$) and −6.11
# ($p = 0.7$); products become sums, and the larger number still wins. A program minimises, so we also put a minus in
# front: 6.93 and 6.11. That is the **negative log-likelihood**, and it is what people call a loss. It is never negative
# here, and 0 only for somebody who was sure of all that happened.

# %%
p = np.linspace(0.01, 0.99, 197)
curves = {"likelihood, in thousandths": 1000 * likelihood(p), "negative log-likelihood": -np.log(likelihood(p))}
figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.5))
for ax, (name, curve) in zip(axes, curves.items(), strict=True):
    ax.plot(p, curve, color=BLUE)
    ax.set(xlabel="p, the probability of heads", ylabel=name)
    for at, color in [(0.5, ORANGE), (0.7, RED)]:
        height = np.interp(at, p, curve)
        ax.plot(at, height, "o", color=color, label=f"p = {at}: {height:.2f}")
    ax.set_ylim(bottom=0)
    ax.legend()
show(figure, "07_likelihood_coin", "Two curves over p, from 0 to 1. Left, the likelihood of seven heads in ten throws: "
     "a hill with its top at p = 0.7, at 2.22 thousandths; at p = 0.5 it has 0.98. Right, the negative logarithm: a "
     "valley with its bottom at p = 0.7, at 6.11; at p = 0.5 it has 6.93.")  # fmt: skip
assert math.isclose(p[np.argmax(likelihood(p))], 0.7) and math.isclose(p[np.argmin(-np.log(likelihood(p)))], 0.7)

# %% [markdown]
# The best $p$ is 0.7, the share of heads among the throws. That is what common sense would have said. The point is that
# we got it from a rule, and the rule goes on working where common sense has nothing to say.
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
assert math.isclose(sum(fair), 1) and math.isclose(sum(loaded), 1)
assert math.isclose(die_loss(fair), 10 * math.log(6))
assert abs(die_loss(fair) - 17.9) < 0.05 and abs(die_loss(loaded) - 13.4) < 0.05

# %% [markdown]
# The loaded die explains these throws better: 13.4 is less than 17.9. Note what the code does. For each throw it picks
# *one* number, the probability that the model gave to what happened, and adds up the $-\log$ of these. Keep that; with
# "cat, dog, horse" instead of six sides this is how nearly every classifier is trained.
#
# Two more words, with the same dice.
#
# **Conditional probability**, written $P(A \mid B)$ and read "the probability of $A$ if we know $B$": of all cases with
# $B$, the share that has $A$ as well. You throw the fair die and I tell you that the number is even. Three sides are
# left, and one of them is the six:
#
# $$ \begin{aligned}
# P(6 \mid \text{even}) &= \frac{P(6 \text{ and even})}{P(\text{even})} \\
# &= \frac{1/6}{1/2} = \frac13 .
# \end{aligned} $$
#
# A classifier gives conditional probabilities: how probable is the label "dog" if we know this picture?
#
# The **expectation** $E$ is the mean in the long run: each value times its probability, added up. For the fair die it
# is $(1 + 2 + 3 + 4 + 5 + 6)/6 = 3.5$. The loaded one throws 4.5 on average.
#
# > **Predict.** The die really is the loaded one. Somebody believes in it, somebody else believes in the fair one. Each
# > pays $-\log$ of the probability that they gave to what happens. Who pays less *on average*, and how much is it?

# %%
sides = np.array([1, 2, 3, 4, 5, 6])
print(f"expectation: fair {np.sum(fair * sides):.1f}, loaded {np.sum(loaded * sides):.1f}")
even = sides % 2 == 0
print(f"P(6 | even): fair {fair[5] / np.sum(fair[even]):.3f}, loaded {loaded[5] / np.sum(loaded[even]):.3f}")
right_belief, wrong_belief = -np.sum(loaded * np.log(loaded)), -np.sum(loaded * np.log(fair))
print(f"expected loss per throw: who is right {right_belief:.2f}, who believes in the fair die {wrong_belief:.2f}")
assert math.isclose(np.sum(fair * sides), 3.5) and math.isclose(np.sum(loaded * sides), 4.5)
assert math.isclose(fair[5] / np.sum(fair[even]), 1 / 3)
assert abs(right_belief - 1.50) < 0.005 and abs(wrong_belief - 1.79) < 0.005

# %% [markdown]
# Who is right pays 1.50, the other one 1.79. And it isn't only the fair die: the next cell tries a thousand other
# beliefs, and each of them pays more than 1.50. **On average, nobody pays less than the one who knows the true
# probabilities.** That is why one may trust this loss.

# %%
rng = np.random.default_rng(0)
others = []
for _ in range(1000):
    belief = rng.random(6)
    belief = belief / np.sum(belief)  # six probabilities that add up to 1
    others.append(-np.sum(loaded * np.log(belief)))
print(f"a thousand other beliefs pay from {min(others):.2f} to {max(others):.2f} per throw")
assert min(others) > right_belief

# %% [markdown]
#
# ## The idea in one formula
#
# A model has adjustable numbers $\theta$ (a coin's $p$, a die's six, a network's ten thousand weights). It gives
# everything that may be observed a probability $p(y_i \mid \theta)$, read "the probability of $y_i$ if the model's
# numbers are $\theta$". For independent data the likelihood is the product, and the loss its negative logarithm:
#
# $$ \begin{aligned}
# L(\theta) &= -\log \prod_i p(y_i \mid \theta) \\
# &= -\sum_i \log p(y_i \mid \theta) .
# \end{aligned} \tag{1} $$
#
# ($\prod$ is for products what $\sum$ is for sums.) This is all. What follows is (1) for three kinds of data: numbers,
# yes or no, one of $K$.
#
# ## Numbers: the squared error
#
# A coin has two outcomes. A measured length has so many that each single one, exactly 1.000… m, has probability 0. What
# one can give is a **density**: probability *per unit of length*. Near a point with density 4 per metre, a strip 1 cm
# wide catches $4 \cdot 0.01 = 4\,\%$ of the measurements. (A density may be above 1, a probability can't.)
#
# Measurements scatter about the true value. How much? The **variance** is the mean of the squared distances from the
# mean. Take the numbers 1, 2 and 9: their mean is 4, the distances are −3, −2 and 5, their squares 9, 4 and 25, and
# the variance is $38/3 \approx 12.7$. Its root, about 3.6 here, is the *standard deviation*, the typical distance.
#
# The usual model of noise is the *normal distribution*, the bell curve, with mean $\mu$ and variance $\sigma^2$:
#
# $$ p(y \mid \mu) = \frac{1}{\sqrt{2\pi\sigma^2}}\, e^{-(y - \mu)^2 / 2\sigma^2} . \tag{2} $$


# %%
def normal(y, mu, sigma):
    return np.exp(-((y - mu) ** 2) / (2 * sigma**2)) / np.sqrt(2 * np.pi * sigma**2)  # formula (2)


lengths = rng.normal(1.0, 0.1, size=100_000)  # the true length is 1 m, the standard deviation 10 cm
share = np.mean(np.abs(lengths - 1.0) < 0.005)  # in a strip 1 cm wide, around 1 m
print(f"density at 1 m: {normal(1.0, 1.0, 0.1):.2f} per m; so {normal(1.0, 1.0, 0.1) * 0.01:.1%} in the strip")
print(f"counted: {share:.1%}")
assert abs(normal(1.0, 1.0, 0.1) - 3.99) < 0.005 and abs(share - 0.04) < 0.002
numbers = np.array([1, 2, 9])
assert np.mean(numbers) == 4 and math.isclose(np.var(numbers), 38 / 3)
assert abs(np.var(numbers) - 12.7) < 0.05 and abs(np.std(numbers) - 3.6) < 0.05

# %% [markdown]
# Now put (2) into (1), the density in the place of the probability. (The probability of a strip is its density times
# its width, and the width is the same for every $\mu$.) The logarithm undoes the exponential:
#
# $$ -\log p = \frac{(y - \mu)^2}{2\sigma^2} + \tfrac12 \log(2\pi\sigma^2) . \tag{3} $$
#
# The second term doesn't depend on $\mu$, the model's prediction, and the factor $1/\sigma^2$ changes nothing about
# where the minimum is. What remains is $\frac12 (y - \mu)^2$. **That is where the squared error comes from:** from the
# belief that your data are predictions plus normal noise.
#
# If you believe in other noise, you get another loss. A density with far more outliers is $\frac12 e^{-|y - \mu|}$, and
# its $-\log$ is $|y - \mu| + \log 2$: the *absolute* error, in tinydl `F.l1_loss`.
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
assert abs(best_squared - 1.6) < 1e-9 and math.isclose(np.mean(y), 1.6)
assert abs(best_absolute - 1.1) < 1e-9 and math.isclose(np.median(y), 1.1)
assert np.sum(y < 1.6) == 4

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
show(figure, "07_likelihood_noise", "Two losses over μ, and the five measurements as ticks: four near 1, one at 3.8. "
     "The squared error is a smooth valley with its bottom at the mean, 1.6, to the right of the four. The absolute "
     "error is made of straight pieces, its bottom is at the median, 1.1, among the four.")  # fmt: skip

# %% [markdown]
# Squared error asks for the **mean**: the slope of $\frac12 \sum (y_i - \mu)^2$ is $\sum (\mu - y_i)$, and that is 0
# where $\mu$ is the mean. The one slip has pulled it to 1.6, above four of the five measurements.
#
# Absolute error asks for the **median**, the value in the middle when they are sorted. Why? Move $\mu$ a little to the
# right: you come nearer to every point on the right, and further from every point on the left, each by the same amount.
# There is nothing to gain where equally many lie on both sides. How far away the slip lies makes no difference.
#
# So the choice of a loss is a statement about noise. If you expect outliers, squared error is the wrong statement.
#
# ## Yes or no: the binary cross-entropy
#
# Now $y$ is 1 or 0: spam or not, heads or tails. A model says 1 with probability $p = 0.8$. If it happens, the model
# pays $-\log 0.8 = 0.22$, and if not, $-\log 0.2 = 1.61$. Both cases in one formula (for $y = 1$ the second term
# vanishes, for $y = 0$ the first):
#
# $$ L = -y \log p - (1 - y) \log(1 - p) . \tag{4} $$
#
# The distribution has a name, Bernoulli's, and the loss is called **binary cross-entropy**. It is the coin again. Only,
# a network now looks at its input before it says how the coin is loaded.
#
# What comes out of a network can be any number $z$, and is squeezed between 0 and 1 first, by the sigmoid
# $p = \sigma(z) = 1/(1 + e^{-z})$. Such a $z$, before the sigmoid, is called a **logit**. How does the loss change with
# it? Take $y = 1$, and the chain rule:
#
# $$ \begin{aligned}
# -\log \sigma(z) &= \log(1 + e^{-z}) \\
# \frac{\partial}{\partial z} \log(1 + e^{-z}) &= \frac{-e^{-z}}{1 + e^{-z}} \\
# &= \sigma(z) - 1 .
# \end{aligned} $$
#
# For $y = 0$ the same steps give $\sigma(z)$. So in both cases it is astonishingly simple, prediction minus truth:
#
# $$ \frac{\partial L}{\partial z} = p - y . \tag{5} $$


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def binary_cross_entropy(z, y):
    p = sigmoid(z)
    return np.sum(-y * np.log(p) - (1 - y) * np.log(1 - p))  # formula (4)


z, labels = rng.normal(size=6), np.array([1.0, 0, 0, 1, 1, 0])
report = tl.gradcheck(lambda z: binary_cross_entropy(z, labels), z, grad=lambda z: sigmoid(z) - labels)
print("formula (5), judged by gradcheck:", report.verdict)
assert report.verdict == "right"
theirs = F.binary_cross_entropy_with_logits(z, labels, reduction="sum")  # tinydl's own
assert np.isclose(theirs.item(), binary_cross_entropy(z, labels))
assert abs(-math.log(0.8) - 0.22) < 0.005 and abs(-math.log(0.2) - 1.61) < 0.005

# %% [markdown]
# ## What goes wrong: the formula as it stands
#
# > **Predict.** $z = 40$ and $y = 0$: a network that is very sure, and wrong. What loss should (4) give, and what
# > gradient? And what does a computer give?

# %%
y = np.array([0.0])
naive = tl.tensor([40.0], dtype=np.float64, requires_grad=True)
with np.errstate(divide="ignore", invalid="ignore"):  # no warnings: here we want to see what happens
    loss = binary_cross_entropy(naive, y)
    loss.backward()
logit = tl.tensor([40.0], dtype=np.float64, requires_grad=True)  # 64 bits: the computer's finest numbers
stable = F.binary_cross_entropy_with_logits(logit, y)
stable.backward()
print(f"formula (4):  loss {loss.item()}, gradient {naive.grad.data[0]}")
print(f"from logits:  loss {stable.item()}, gradient {logit.grad.data[0]}")
assert loss.item() == math.inf and not np.isfinite(naive.grad.data[0])
assert np.isclose(stable.item(), 40) and np.isclose(logit.grad.data[0], 1)

# %% [markdown]
# > **What goes wrong.** $\sigma(40)$ rounds to exactly 1, so $\log(1 - p) = -\infty$. The true loss is 40 and the true
# > gradient is 1. Losses that take *logits* compute $\log(1 + e^{z})$ in a rearranged form in which nothing overflows.
# > You notice it by `inf` or `nan` in the loss. If you have the choice: always from logits.
#
# ## Squared error on a probability
#
# One can also measure the *squared* error of $p$, $(p - y)^2$, as the neuron of [lesson 2](02_one_neuron.py) does. It
# runs. But nobody believes that a yes is 1 plus normal noise, and the picture shows what that costs.

# %%
z = np.linspace(-8, 8, 321)
p = sigmoid(z)
squared_slope = 2 * (p - 1) * p * (1 - p)  # of (p - 1)², when the truth is 1
cross_slope = p - 1  # of -log p, formula (5)
print(f"z = {z[0]:.0f}, truth 1: slope of squared error {squared_slope[0]:.4f}, of cross-entropy {cross_slope[0]:.4f}")
assert z[0] == -8
assert abs(squared_slope[0] + 0.0007) < 0.0001
assert abs(cross_slope[0] + 0.9997) < 0.0001

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6))
left.plot(z, (p - 1) ** 2, color=RED, label="squared error (p − 1)²")
left.plot(z, -np.log(p), color=BLUE, linestyle="--", label="cross-entropy −log p")
left.set(xlabel="z", ylabel="loss", title="the truth is y = 1")
right.plot(z, squared_slope, color=RED, label="squared error")
right.plot(z, cross_slope, color=BLUE, linestyle="--", label="cross-entropy, p − 1")
right.set(xlabel="z", ylabel="slope of the loss", title="what gradient descent gets to see")
left.legend(fontsize="small")
right.legend(fontsize="small", loc="lower right")
show(figure, "07_likelihood_slopes", "The truth is 1; z goes from −8 to 8. Left, the losses: cross-entropy falls from "
     "8 straight, then bends to 0; squared error is flat at 1, falls about z = 0, is flat at 0. Right, their slopes: "
     "that of cross-entropy rises from −1 to 0; that of squared error is 0 at both ends, −0.3 between.")  # fmt: skip

# %% [markdown]
# Where the network is most wrong, at $z = -8$, squared error has a slope of 0.0007 downwards: it is nearly as flat as
# where the network is right, and learning stalls. Cross-entropy pulls with almost 1.
#
# ## One of $K$: cross-entropy and softmax
#
# For three classes a network gives three numbers, $z = (2, 1, 0)$ say. To make probabilities of them, make them
# positive, $e^2 = 7.39$, $e^1 = 2.72$, $e^0 = 1$, and divide by their sum, 11.11: $p = (0.67,\ 0.24,\ 0.09)$. That is
# **softmax**. The logit that was largest gets the largest share.
#
# $$ p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} . \tag{6} $$
#
# A labelled example is one throw of a die with $K$ sides, whose probabilities are the $p_k$. The loss is $-\log$ of the
# probability of the side that came up, as with the die above:
#
# $$ L = -\log p_{\text{right class}} = -\sum_k y_k \log p_k . \tag{7} $$
#
# It is called **cross-entropy**. In the second form $y$ is the label written as a vector of zeros with a 1 at the
# right class, such as $(0, 0, 1)$, which is called *one-hot*: the sum then picks one term.


# %%
def softmax(z):
    e = np.exp(z - np.max(z))  # taking the same number from all z changes nothing in (6), and prevents overflow
    return e / np.sum(e)


z = np.array([2.0, 1.0, 0.0])
p = softmax(z)
print("softmax of (2, 1, 0):", np.round(p, 2), " loss if class 0 is right:", round(-math.log(p[0]), 2))
print("softmax of (1000, 999, 998):", np.round(softmax(z + 998), 2))
assert np.allclose(np.exp(z), [7.39, 2.72, 1], atol=0.005) and abs(np.sum(np.exp(z)) - 11.11) < 0.005
assert np.allclose(p, [0.67, 0.24, 0.09], atol=0.006) and np.allclose(softmax(z + 998), p)
assert abs(-math.log(p[0]) - 0.41) < 0.005
assert np.isclose(F.cross_entropy(z.reshape(1, 3), np.array([0])).item(), -math.log(p[0]))  # tinydl takes the logits
assert np.isclose(F.cross_entropy(np.zeros((1, 3)), np.array([0])).item(), math.log(3))
assert abs(math.log(3) - 1.099) < 0.001 and abs(math.log(10) - 2.303) < 0.001

# %% [markdown]
# A network that knows nothing gives each of $K$ classes the probability $1/K$, and pays $-\log(1/K) = \ln K$. So **a
# network should start at a loss of about** $\ln K$: 1.099 for 3 classes, 2.303 for 10. It is the cheapest test there
# is. A much larger first loss means that it begins by being sure of something.
#
# ## The most useful gradient there is
#
# Call the right class $r$. Put (6) into (7), and the logarithm takes the fraction apart:
#
# $$ \begin{aligned}
# L &= -\log \frac{e^{z_r}}{\sum_j e^{z_j}} \\
# &= -z_r + \log \sum_j e^{z_j} .
# \end{aligned} \tag{8} $$
#
# Now differentiate. The first term has the slope −1 in $z_r$, and 0 in the others: that is $-y_j$, the one-hot vector.
# The second has, by the chain rule, $e^{z_j}$ divided by the sum, and that is $p_j$ again:
#
# $$ \frac{\partial L}{\partial z_j} = p_j - y_j . \tag{9} $$
#
# Prediction minus truth, as in (5). In our example, if class 0 is right, it is $(0.67 - 1,\ 0.24,\ 0.09)$. Gradient
# descent goes the other way: it raises the right logit, and lowers each of the others by as much as it was believed.

# %%
loss = lambda z: -np.log(softmax(z)[0])  # class 0 is right
one_hot = np.array([1.0, 0.0, 0.0])
print("p − y =", np.round(p - one_hot, 2))
assert tl.gradcheck(loss, z, grad=lambda z: softmax(z) - one_hot).verdict == "right"
assert np.allclose(tl.grad(loss)(z), p - one_hot)  # and the engine finds it by itself
assert np.allclose(p - one_hot, [-0.33, 0.24, 0.09], atol=0.006)

# %% [markdown]
# ## The same gradient, step by step through softmax
#
# *You may skip this section; it shows how (9) comes about on the way back through a graph.*
#
# Every $p_k$ depends on every $z_j$, since all share the denominator. So softmax alone has a whole table of slopes, its
# Jacobian. The quotient rule gives, on the diagonal and off it:
#
# $$ \begin{aligned}
# \frac{\partial p_k}{\partial z_k} &= p_k (1 - p_k) \\
# \frac{\partial p_k}{\partial z_j} &= -p_k\, p_j \quad (j \ne k) .
# \end{aligned} \tag{10} $$
#
# To use the diagonal alone, as for a sigmoid, is a mistake found in real libraries. gradcheck sees it:

# %%
z = np.array([2.0, -1.0, 0.5, 1.0, -0.5])
p = softmax(z)
J = tl.jacobian(softmax)(z)
for k in range(5):
    for j in range(5):
        assert np.isclose(J[k, j], p[k] * (1 - p[k]) if j == k else -p[k] * p[j])  # formula (10)
diagonal_only = tl.gradcheck(softmax, z, vjp=lambda g, z: g * softmax(z) * (1 - softmax(z)))
print("the diagonal alone, judged by gradcheck:", diagonal_only.verdict)
assert diagonal_only.verdict == "wrong"
assert np.allclose(np.sum(J, axis=0), 0)  # the p always add up to 1, so their changes add up to 0

# %% [markdown]
# Each column of the Jacobian adds up to zero. So a test that sends ones back through softmax sees nothing but zeros,
# and a softmax whose gradient is *always* zero passes it. ([Lesson 4](04_arrays.py) warned of the ones.)
#
# From the loss $-\log p_r$ only one number that isn't zero comes back, $\bar p_r = -1/p_r$. So of the whole table only
# row $r$ counts, multiplied by it. For the right class $r$, and for each other class $j$:
#
# $$ \begin{aligned}
# \bar z_r &= -\frac1{p_r} \cdot p_r (1 - p_r) = p_r - 1 \\
# \bar z_j &= -\frac1{p_r} \cdot (-p_r\, p_j) = p_j .
# \end{aligned} \tag{11} $$
#
# $p_r$ cancels, and of a whole matrix remains $p - y$. That is what the picture shows, with class 3 as the right one.

# %%
y = np.array([0.0, 0.0, 0.0, 1.0, 0.0])
p_bar = -y / p  # what comes back from the loss: zero but for class 3
weighted = np.zeros((5, 5))
for k in range(5):
    weighted[k] = p_bar[k] * J[k]  # each row of the Jacobian times its number
collapsed = weighted.sum(axis=0)
assert np.allclose(collapsed, p - y)  # formula (11)
assert np.allclose(collapsed, [0.58, 0.03, 0.13, -0.79, 0.05], atol=0.006)
print("p − y =", np.round(p - y, 2))


# %%
def draw_table(ax, table, title):
    names = ["sum"] if len(table) == 1 else ["p0", "p1", "p2", "p3", "p4"]
    ax.imshow(table, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    ax.set_title(title)
    ax.set_xticks(range(5), ["z0", "z1", "z2", "z3", "z4"])
    ax.set_yticks(range(len(names)), names)
    for (i, j), value in np.ndenumerate(np.round(table, 2) + 0.0):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if abs(value) > 0.5 else "black")


# %%
figure, axes = plt.subplots(2, 2, figsize=(8.4, 5), height_ratios=[5, 1])
draw_table(axes[0, 0], J, "slopes of p in z, formula (10)")
draw_table(axes[0, 1], weighted, "each row times what comes back")
draw_table(axes[1, 0], J.sum(axis=0, keepdims=True), "columns added up: all 0")
draw_table(axes[1, 1], collapsed.reshape(1, 5), "columns added up: p − y")
show(figure, "07_likelihood_softmax", "Four tables. Upper left, the Jacobian of softmax: positive on the diagonal, "
     "negative elsewhere; below it the sums of its columns, all 0. Upper right, its rows times what comes back from "
     "the loss: all 0 but row p3; below it the sums: 0.58, 0.03, 0.13, −0.79, 0.05.")  # fmt: skip

# %% [markdown]
# ## What goes wrong: softmax twice
#
# > **Predict.** `F.cross_entropy` takes logits and applies softmax itself. Somebody has a softmax as last layer as
# > well. Their network is completely right, $p = (1, 0, 0)$ for class 0. What is its loss?

# %%
certain = np.array([[1.0, 0.0, 0.0]])  # already probabilities
twice = F.cross_entropy(certain, np.array([0])).item()
print(f"loss of a perfect prediction after softmax twice: {twice:.3f}")
assert abs(twice - 0.551) < 0.001

# %% [markdown]
# > **What goes wrong.** The loss can't get below 0.551 with three classes, however long one trains. The gradients are
# > weak, and accuracy is often fine, so nobody looks. You notice it by a floor in the training loss. Inside
# > `with tl.strict():` it is an error, and the message says what to do:

# %%
try:
    with tl.strict():
        probabilities = F.softmax(tl.tensor([[2.0, 1.0, 0.0]], requires_grad=True))
        F.cross_entropy(probabilities, np.array([0]))
except tl.StrictError as error:
    message = str(error)
print(message)
assert "softmax" in message

# %% [markdown]
# ## One table to keep
#
# | the data are | distribution | output of the model | loss | its gradient in the output |
# |---|---|---|---|---|
# | numbers with noise | normal | $\mu$ | $\frac12(y - \mu)^2$ | $\mu - y$ |
# | yes or no | Bernoulli: a coin | $z$, $p = \sigma(z)$ | $-y\log p - (1 - y)\log(1 - p)$ | $p - y$ |
# | one of $K$ | categorical: a die | $z$, $p = \mathrm{softmax}(z)$ | $-\sum y_k \log p_k$ | $p - y$ |
#
# Three times prediction minus truth. That is no accident: the three distributions belong to one family (the
# *exponential family*, if you want to look it up), and exercise 1 adds a fourth.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_softmax`, `ex_cross_entropy`,
# `ex_softmax_cross_entropy`, `ex_yes_or_no`.
#
# 1. Counts (visitors per hour) follow the Poisson distribution, $P(y) = \lambda^y e^{-\lambda} / y!$. With
#    $\lambda = e^z$ write down the loss, and its gradient in $z$. Guess the gradient first, from the table, then check
#    it with `tl.gradcheck(..., grad=rule)`.
# 2. Let the model predict the noise as well: two outputs, $\mu$ and $s = \log \sigma$. Write (3) with them. What is the
#    gradient in $s$, and where is it zero?
# 3. Somebody doesn't quite trust the labels, and takes $0.9\, y + 0.1 / K$ as truth in place of the one-hot $y$ (*label
#    smoothing*). Is the gradient in $z$ still $p$ minus truth? Use the second form of (7), and
#    $\log p_k = z_k - \log \sum_j e^{z_j}$. Check it with `F.cross_entropy(..., label_smoothing=0.1)`.
#
# ## In the article
#
# > This course began with a Chinese article about deep learning, which has not all of it right. On probability it has
# > four sentences.
# >
# > - **Conditional probability** $P(X \mid Y) = P(X, Y) / P(Y)$: right, for $P(Y) > 0$. (Row D9 of `tinydl document`,
# >   a command that lists what the article claims, with a measurement for each.)
# > - **Bernoulli distribution**, $P(X = 1) = p$ and $P(X = 0) = 1 - p$: right, it is our coin (D6).
# > - **Normal distribution**: named, without a formula (D8). What these distributions[^distributions] have to do with
# >   losses isn't said. You know it now.
# > - **“Multinomial distribution”**, $P(X = k) = C_n^k\, p^k (1 - p)^{n - k}$: the formula is the *binomial*
# >   distribution's, for $k$ heads in $n$ throws of a coin (D7). The multinomial is for $n$ throws of a die with $K$
# >   sides, of which side $i$ comes up $k_i$ times:
# >
# > $$ \frac{n!}{k_1! \cdots k_K!}\; p_1^{k_1} \cdots p_K^{k_K} . $$
# >
# > How one sees it: the probabilities of all that may happen must add up to 1. With the article's formula, used once
# > for each side and multiplied, they add up to 0.223. (For one throw, $n = 1$, the factorials are 1, and what is left
# > is the categorical distribution of our table.)
#
# [^distributions]: 「伯努利分布、多项式分布、正态分布」

# %%
sides, total_multinomial, total_article = (0.2, 0.3, 0.5), 0.0, 0.0
for i in range(6):
    for j in range(6 - i):
        counts = (i, j, 5 - i - j)  # five throws of a die with three sides: i times the first, j times the second …
        multinomial, article = math.factorial(5), 1.0
        for k, p in zip(counts, sides, strict=True):
            multinomial *= p**k / math.factorial(k)
            article *= math.comb(5, k) * p**k * (1 - p) ** (5 - k)
        total_multinomial += multinomial
        total_article += article
print(f"all probabilities together: multinomial {total_multinomial:.3f}, the article's formula {total_article:.3f}")
assert math.isclose(total_multinomial, 1) and abs(total_article - 0.223) < 0.001

# %% [markdown]
# > The article's first program puts a sigmoid behind its neuron and takes the *mean squared error* as the loss[^mse].
# > It runs, and is a poor choice (D35): “Squared error on a probability” above shows why. Besides its flat ends, that
# > loss isn't *convex*: its slope first falls, then rises, so it is no plain bowl. Cross-entropy's slope only rises.
#
# [^mse]: 「我们使用均方误差作为损失函数」

# %%
assert np.diff(squared_slope).min() < 0 < np.diff(squared_slope).max()
assert np.diff(cross_slope).min() > 0

# %% [markdown]
# ## Where this lives in tinydl
#
# - `tinydl/functional/losses.py`: `mse_loss`, `l1_loss`, `binary_cross_entropy_with_logits`, `cross_entropy`.
# - `tinydl/derivatives/softmax.py`: softmax and the losses as single operations, computed so that nothing overflows;
#   the rule of `weighted_cross_entropy`, `softmax_minus_target`, is formula (9).
# - `tinydl/watching/strict.py`: what `tl.strict()` refuses; `tinydl/course/formulas.py`: rows D6 to D9.
#
# Next: [lesson 8](08_initialisation.py): what the gradient meets on its way through many layers.
