# %% [markdown]
# # 7. Losses are likelihoods
#
# Squared error for numbers, cross-entropy for classes. Everybody uses them; the article uses one of them as well, and
# lists 「伯努利分布、多项式分布、正态分布」 (Bernoulli, multinomial, normal distribution) a few pages earlier without
# saying what the one has to do with the other. **Where do loss functions come from, and why these?**
#
# The answer: say how the data came about, with a probability, and the loss writes itself.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, RED, show

import tinydl as tl
from tinydl import functional as F

rng = np.random.default_rng(6)

# %% [markdown]
# ## Maximum likelihood
#
# A model with parameters $\theta$ gives each possible observation a probability (or a density) $p(y_i \mid \theta)$.
# The *likelihood* of independent data is the product of these. Choose the $\theta$ under which what was seen was most
# likely. Products of thousands of small numbers underflow, so take the logarithm, and a minus, because we minimise:
#
# $$ L(\theta) = -\log \prod_i p(y_i \mid \theta) = -\sum_i \log p(y_i \mid \theta) . \tag{1} $$
#
# This is the **negative log-likelihood**, and it is the only idea of this lesson. Three distributions, three losses.
#
# The bar in $p(y \mid \theta)$ is the article's $P(X \mid Y) = P(X, Y) / P(Y)$, a conditional probability: of all cases
# with this $Y$, how many have this $X$? It holds as written, for $P(Y) > 0$. In a table of joint probabilities it is
# one column, divided by its sum:

# %%
joint = np.array([[0.10, 0.05, 0.15], [0.20, 0.25, 0.25]])  # P(X, Y): 2 values of X, 3 of Y
marginal = joint.sum(axis=0)  # P(Y) = Σ_X P(X, Y)
conditional = joint / marginal  # P(X | Y) = P(X, Y) / P(Y)
print(conditional)
assert np.isclose(joint.sum(), 1)
assert np.allclose(conditional.sum(axis=0), 1)

# %% [markdown]
# ## Normal distribution: squared error
#
# Say that $y$ is the model's prediction $\mu$ plus normal noise of variance $\sigma^2$:
#
# $$ p(y \mid \mu) = \frac{1}{\sqrt{2\pi\sigma^2}}\, e^{-(y - \mu)^2 / 2\sigma^2}
# \quad\Rightarrow\quad
# -\log p = \frac{(y - \mu)^2}{2\sigma^2} + \tfrac12 \log 2\pi\sigma^2 . \tag{2} $$
#
# The second term doesn't depend on $\mu$. What remains is the squared error, up to a factor.
#
# > **Predict.** Which $\mu$ minimises the sum over many observations $y_i$? And if the noise has a density
# > $\propto e^{-|y - \mu|}$ instead, which has far more outliers?

# %%
y = np.append(rng.normal(1.0, 0.5, size=20), 9.0)  # twenty-one measurements, the last one a slip of the pen
mu = np.linspace(-1, 4, 501)
squared = np.sum((y - mu[:, None]) ** 2 / (2 * 0.5**2), axis=1)  # formula (2), without the constant
absolute = np.sum(np.abs(y - mu[:, None]) / 0.5, axis=1)  # the same for exp(-|y - mu| / 0.5)
print(f"normal noise:     best mu {mu[squared.argmin()]:.2f}, the mean is {y.mean():.2f}")
print(f"outliers allowed: best mu {mu[absolute.argmin()]:.2f}, the median is {np.median(y):.2f}")
assert abs(mu[squared.argmin()] - y.mean()) < 0.006
assert abs(mu[absolute.argmin()] - np.median(y)) < 0.006
assert y.mean() - np.median(y) > 0.2
assert abs(np.median(y[:-1]) - np.median(y)) < 0.1 < y.mean() - y[:-1].mean()

# %% [markdown]
# Squared error asks for the mean, absolute error (`F.l1_loss`) for the median. The one slip among 21 values pulls the
# mean more than 0.2 above the median, which hardly moves. So the choice of a loss is a statement about the noise. If
# you expect outliers, squared error is the wrong statement.
#
# ## Bernoulli distribution: binary cross-entropy
#
# Now $y$ is 0 or 1. The article: $P(X = 1) = p$, $P(X = 0) = 1 - p$. Both cases in one formula, and its negative log:
#
# $$ P(y \mid p) = p^y (1 - p)^{1 - y}
# \quad\Rightarrow\quad
# -\log P = -y \log p - (1 - y) \log(1 - p) . \tag{3} $$
#
# A network's output $z$ can be any number, so it is squeezed into $(0, 1)$ first, $p = \sigma(z) = 1/(1 + e^{-z})$. The
# derivative of the whole thing with respect to $z$ is astonishingly simple, prediction minus truth:
#
# $$ \frac{\partial}{\partial z} \bigl(-\log P\bigr) = \sigma(z) - y . \tag{4} $$


# %%
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def nll(z, y):
    p = sigmoid(z)
    return np.sum(-y * np.log(p) - (1 - y) * np.log(1 - p))  # formula (3)


z, labels = rng.normal(size=6), np.array([1.0, 0, 0, 1, 1, 0])
report = tl.gradcheck(lambda z: nll(z, labels), z, grad=lambda z: sigmoid(z) - labels)  # formula (4)
print(repr(report))
assert report.verdict == "right"
assert np.isclose(F.binary_cross_entropy_with_logits(z, labels, reduction="sum").item(), nll(z, labels))

# %% [markdown]
# ## What goes wrong: the formula as it stands
#
# > **Predict.** $z = 40$ and $y = 0$: a network that is very sure, and wrong. What loss does (3) give, and what
# > gradient, in 64-bit arithmetic? What should they be?

# %%
with np.errstate(divide="ignore", invalid="ignore"):
    naive = tl.tensor(np.array([40.0]), requires_grad=True)
    loss = nll(naive, np.array([0.0]))
    loss.backward()
print("formula (3):  loss", loss.item(), " gradient", naive.grad.data)
logit = tl.tensor(np.array([40.0]), requires_grad=True)
stable = F.binary_cross_entropy_with_logits(logit, np.array([0.0]))
stable.backward()
print("from logits:  loss", stable.item(), " gradient", logit.grad.data)
assert loss.item() == math.inf and not np.isfinite(naive.grad.data[0])
assert np.isclose(stable.item(), 40) and np.isclose(logit.grad.data[0], 1)

# %% [markdown]
# > **What goes wrong.** $\sigma(40)$ rounds to exactly 1, so $\log(1 - p) = -\infty$. The true loss is 40 and the true
# > gradient is 1. Losses that take *logits* (the $z$, before the sigmoid) compute with $\log(1 + e^{z})$ rearranged so
# > that nothing overflows. Notice it by `inf` or `nan` in the loss. If you have the choice: always from logits.
#
# ## Squared error on a probability
#
# The article's first program puts a sigmoid behind the neuron and then measures *squared* error (lesson 2). It runs.
# But the likelihood tells what to expect of it: nobody adds normal noise to a probability.

# %%
z = np.linspace(-8, 8, 321)
p = sigmoid(z)
squared_slope = 2 * (p - 1) * p * (1 - p)  # of (p - 1)², when the truth is 1
cross_slope = p - 1  # of -log p, formula (4)
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6))
left.plot(z, (p - 1) ** 2, color=RED, label="squared error (p − 1)²")
left.plot(z, -np.log(p), color=BLUE, label="cross-entropy −log p")
left.set(xlabel="z", ylabel="loss", title="the truth is y = 1")
right.plot(z, squared_slope, color=RED, label="squared error")
right.plot(z, cross_slope, color=BLUE, label="cross-entropy, p − 1")
right.set(xlabel="z", ylabel="slope of the loss", title="what gradient descent gets to see")
left.legend(fontsize="small")
right.legend(fontsize="small")
show(figure, "07_likelihood_slopes")

# %%
at = np.argmin(np.abs(z + 8))
print(f"z = -8, truth 1: slope of squared error {squared_slope[at]:.4f}, of cross-entropy {cross_slope[at]:.4f}")
assert abs(squared_slope[at] + 0.0007) < 0.0001
assert abs(cross_slope[at] + 0.9997) < 0.0001
bends = np.diff(squared_slope)
assert bends.min() < 0 < bends.max()  # squared error of a sigmoid is not convex …
assert np.diff(cross_slope).min() > 0  # … cross-entropy is

# %% [markdown]
# Where the network is most wrong, at $z = -8$, squared error has a slope of 0.0007: it is nearly as flat as where it is
# right, and learning stalls. Cross-entropy pulls with almost 1.
#
# ## The multinomial distribution: cross-entropy
#
# For more than two classes the article offers 「多项式分布」, the multinomial distribution, with
#
# $$ P(X = k) = C_n^k\, p^k (1 - p)^{n - k} . \tag{5} $$
#
# That is the *binomial* distribution (二项分布): $n$ draws, two outcomes. The multinomial has $K$ outcomes with counts
# $k_i$, $\sum k_i = n$, and probabilities $p_i$, $\sum p_i = 1$:
#
# $$ P(k_1, \dots, k_K) = \frac{n!}{k_1! \cdots k_K!}\; p_1^{k_1} \cdots p_K^{k_K} . \tag{6} $$
#
# > **Predict.** Could one use (5) once for each class and multiply? The probabilities of all possible outcomes must add
# > up to 1. Do they?


# %%
def multinomial(k, p):  # formula (6)
    ways = math.factorial(sum(k)) / math.prod(math.factorial(c) for c in k)
    return ways * math.prod(q**c for q, c in zip(p, k, strict=True))


def article(k, p):  # formula (5), once for each class
    n = sum(k)
    return math.prod(math.comb(n, c) * q**c * (1 - q) ** (n - c) for q, c in zip(p, k, strict=True))


n, p = 5, (0.2, 0.3, 0.5)
outcomes = [(i, j, n - i - j) for i in range(n + 1) for j in range(n + 1 - i)]
totals = {f.__name__: sum(f(k, p) for k in outcomes) for f in (multinomial, article)}
print(len(outcomes), "outcomes; their probabilities add up to", totals)
assert np.isclose(totals["multinomial"], 1)
assert abs(totals["article"] - 0.223) < 0.001

# %% [markdown]
# With (6) they add up to 1, with (5) to 0.223: not a distribution. With two classes (6) *is* (5), that is where the
# name slipped.
#
# A labelled example is one draw, $n = 1$: the counts are all 0 but for a 1 at the right class. Such a vector $y$ is
# called *one-hot*, the factorials are 1, and the negative log of (6) is the **cross-entropy**:
#
# $$ -\log P = -\sum_k y_k \log p_k = -\log p_{\text{right class}} . \tag{7} $$
#
# And the $p_k$ come from logits by **softmax**, which makes $K$ arbitrary numbers positive and their sum 1:
#
# $$ p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} . \tag{8} $$


# %%
def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))  # the shift cancels in (8) and prevents overflow
    return e / np.sum(e, axis=-1, keepdims=True)


z = rng.normal(size=(4, 3))
right_class = np.array([2, 0, 1, 1])
y = F.one_hot(right_class, 3)
cross_entropy = -np.sum(y * np.log(softmax(z)), axis=1)  # formula (7)
assert np.allclose(softmax(z).sum(axis=1), 1)
assert np.allclose(cross_entropy, F.cross_entropy(z, right_class, reduction="none").data)
assert np.isclose(F.cross_entropy(np.zeros((4, 3)), right_class).item(), math.log(3))
print(f"a network that knows nothing about 3 classes: loss ln 3 = {math.log(3):.3f}")
assert abs(math.log(3) - 1.099) < 0.001 and abs(math.log(10) - 2.303) < 0.001

# %% [markdown]
# A network with $K$ classes should *start* at a loss of about $\ln K$. It is the cheapest test there is: ln 3 is about
# 1.099, ln 10 about 2.303. A much larger first loss means that it starts out sure of something.

# %% [markdown]
# ## Softmax with cross-entropy: from the full Jacobian to p − y
#
# How does the gradient get through softmax? Every $p_k$ depends on every $z_j$, since they share the denominator. So
# the derivative of softmax is a full matrix, and taking its diagonal $p_k(1 - p_k)$ only, as for a sigmoid, is a
# mistake found in real libraries. With the quotient rule, once for $j = k$ and once for $j \ne k$:
#
# $$ \frac{\partial p_k}{\partial z_j} = p_k (\delta_{kj} - p_j) ,
# \qquad\text{that is}\quad \operatorname{diag}(p) - p\,p^\top . \tag{9} $$

# %%
z = np.array([2.0, -1.0, 0.5, 1.0, -0.5])
p = softmax(z)
J = tl.jacobian(softmax)(z)
assert np.allclose(J, np.diag(p) - np.outer(p, p))  # formula (9)
assert np.allclose(J.sum(axis=0), 0)  # the p add up to 1, whatever z does: so their changes add up to 0
diagonal_only = tl.gradcheck(softmax, z, vjp=lambda g, z: g * softmax(z) * (1 - softmax(z)))
print("the diagonal alone, judged by gradcheck:", diagonal_only.verdict)
assert diagonal_only.verdict == "wrong"

# %% [markdown]
# The columns of the Jacobian add up to zero. So a test with an upstream gradient of ones sees only zeros, and a softmax
# whose gradient is *always* zero passes it. (Lesson 4 warned of the ones.)
#
# Now put the loss behind it. With $L = -\sum_k y_k \log p_k$ the upstream gradient is $\bar p_k = -y_k / p_k$, and by
# the rule of lesson 4
#
# $$ \bar z_j = \sum_k \bar p_k \frac{\partial p_k}{\partial z_j}
# = -\sum_k \frac{y_k}{p_k}\, p_k (\delta_{kj} - p_j)
# = -y_j + p_j \sum_k y_k = p_j - y_j . \tag{10} $$
#
# Of a whole matrix remains prediction minus truth, the same as (4). The picture shows the two steps: each row of the
# Jacobian is multiplied by that row's $\bar p_k$, then the columns are added up. As $y$ is one-hot, one row survives.

# %%
y = F.one_hot(np.array([3]), 5)[0]
p_bar = -y / p
collapsed = p_bar @ J  # formula (10), the middle
assert np.allclose(collapsed, p - y)
loss = lambda z: -np.sum(y * np.log(softmax(z)))
assert tl.gradcheck(loss, z, grad=lambda z: softmax(z) - y).verdict == "right"
assert np.allclose(tl.grad(lambda z: F.cross_entropy(z, np.array([3])))(z[None]), p - y)
print("p − y =", np.round(p - y, 3))

# %%
figure, axes = plt.subplots(2, 2, figsize=(8.4, 5), height_ratios=[5, 1], width_ratios=[1, 1])
rows = [f"p{k}" for k in range(5)]
columns = [f"z{k}" for k in range(5)]
panels = [
    (axes[0, 0], J, "∂p/∂z = diag(p) − p pᵀ", rows),
    (axes[0, 1], p_bar[:, None] * J, "each row times its −y/p", rows),
    (axes[1, 0], J.sum(0, keepdims=True), "columns added up: all 0", ["Σ"]),
    (axes[1, 1], collapsed[None], "columns added up: p − y", ["Σ"]),
]
for ax, values, title, names in panels:
    ax.imshow(values, cmap="PuOr", vmin=-1, vmax=1, aspect="auto")
    ax.set(title=title, xticks=range(5), xticklabels=columns, yticks=range(len(names)), yticklabels=names)
    for (i, j), value in np.ndenumerate(np.round(values, 2) + 0.0):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if abs(value) > 0.5 else "black")
show(figure, "07_likelihood_softmax")

# %% [markdown]
# ## What goes wrong: softmax twice
#
# > **Predict.** `F.cross_entropy` takes logits and applies softmax itself. Someone has a softmax as last layer as well.
# > The network is completely right, $p = (1, 0, 0)$ for class 0. What is its loss?

# %%
certain = np.array([[1.0, 0.0, 0.0]])  # already probabilities
twice = F.cross_entropy(certain, np.array([0])).item()
print(f"loss of a perfect prediction after softmax twice: {twice:.3f}")
assert abs(twice - math.log(1 + 2 / math.e)) < 1e-9
assert abs(twice - 0.551) < 0.001

# %% [markdown]
# > **What goes wrong.** The loss can't get below 0.551 with three classes, however long one trains; the gradients are
# > weak, and accuracy is often fine, so nobody looks. Notice it by a floor in the training loss. `tl.strict()` turns it
# > into an error when it sees probabilities where logits belong.

# %%
try:
    with tl.strict():
        probabilities = F.softmax(tl.tensor(rng.normal(size=(4, 3)), requires_grad=True))
        F.cross_entropy(probabilities, right_class)
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
# | yes or no | Bernoulli | $z$, $p = \sigma(z)$ | $-y\log p - (1 - y)\log(1 - p)$ | $p - y$ |
# | one of $K$ | multinomial, $n = 1$ | $z$, $p = \mathrm{softmax}(z)$ | $-\sum y_k \log p_k$ | $p - y$ |
#
# Three times prediction minus truth. That is no accident: these are the distributions of the exponential family, each
# with its natural parameter as the model's output.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_softmax`, `ex_cross_entropy`,
# `ex_softmax_cross_entropy`, `ex_yes_or_no`.
#
# 1. Counts (visitors per hour) follow the Poisson distribution, $P(y) = \lambda^y e^{-\lambda} / y!$. With
#    $\lambda = e^z$ derive the loss and its gradient in $z$. Guess the gradient first, then check it with
#    `tl.gradcheck(..., grad=rule)`.
# 2. Let the model predict the noise as well: two outputs, $\mu$ and $s = \log \sigma$. Write (2) with them. What is the
#    gradient in $s$, and where is it zero?
# 3. With label smoothing the truth is $(1 - \varepsilon)\, y + \varepsilon / K$ in place of $y$. Is the gradient in $z$
#    still $p$ minus truth? Which property of $y$ did (10) use? Check with `F.cross_entropy(..., label_smoothing=0.1)`.
#
# ## Where this lives in tinydl
#
# - `tinydl/functional/losses.py`: `mse_loss`, `binary_cross_entropy_with_logits`, `cross_entropy`, `kl_div`.
# - `tinydl/derivatives/softmax.py`: softmax and the losses as single operations, computed so that nothing overflows;
#   the rule of `weighted_cross_entropy`, `softmax_minus_target`, is formula (10).
# - `tinydl/watching/strict.py`: what `tl.strict()` refuses; `tinydl/course/formulas.py`: rows D6 to D9.
#
# Next: [lesson 8](08_initialisation.py): what the gradient meets on its way through many layers.
