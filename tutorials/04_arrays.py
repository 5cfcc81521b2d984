# %% [markdown]
# # 4. From numbers to arrays
#
# One layer of a network multiplies a matrix of inputs by a matrix of weights. Both have many elements, and so has the
# result: every output could depend on every input. **What does backpropagation hand from one operation to the one
# before it, when both are arrays? And why is every formula for it full of transposes?**
#
# The answer is one idea, the *vector-Jacobian product*, and some bookkeeping with indices. No matrix in this lesson is
# square unless we want to be fooled by it.

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import show

import tinydl as tl
from tinydl import functional as F

rng = np.random.default_rng(4)

# %% [markdown]
# ## The whole derivative is far too big
#
# Take $C = AB$ with $A$ of shape (4, 3) and $B$ of shape (3, 2). The derivative of *every* element of $C$ with respect
# to *every* element of $A$ has four indices,
#
# $$ J_{ij,kl} = \frac{\partial C_{ij}}{\partial A_{kl}} . \tag{1} $$
#
# > **Predict.** How many numbers is that? And how many of them are zero?

# %%
A = rng.normal(size=(4, 3))
B = rng.normal(size=(3, 2))
J = tl.jacobian(lambda A: A @ B)(A)
print("shape", J.shape, "so", J.size, "numbers, of which", np.sum(J == 0), "are zero")
assert J.shape == (4, 2, 4, 3)
assert J.size == 96
assert np.sum(J == 0) == 72

# %% [markdown]
# There are 96 numbers, and 72 of them are zero: row $i$ of $C$ depends on row $i$ of $A$ only. Written as a matrix, one
# row per element of $C$ and one column per element of $A$, the zeros leave four blocks, and every block is the same
# little matrix. Which one? Look closely: it is $B$, lying on its side. That is the first transpose.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), width_ratios=[3, 1])
limit = np.abs(B).max()
left.imshow(J.reshape(8, 12), cmap="PuOr", vmin=-limit, vmax=limit)
left.set_title("the Jacobian of C = AB in A, (8, 12)")
left.set_xticks(range(12), [f"A{k}{l}" for k in range(4) for l in range(3)], rotation=90)
left.set_yticks(range(8), [f"C{i}{j}" for i in range(4) for j in range(2)])
image = right.imshow(B.T, cmap="PuOr", vmin=-limit, vmax=limit)
right.set(title="Bᵀ, (2, 3)", xticks=range(3), yticks=range(2))
figure.colorbar(image, ax=right, label="value", shrink=0.7)
show(figure, "04_arrays_jacobian")
assert np.array_equal(J[2, :, 2, :], B.T)

# %% [markdown]
# In a real layer, say 256 examples and a weight matrix of 1024 × 1024, the Jacobian in the weights would have
# 256 · 1024 rows and 1024 · 1024 columns. In float32 that is about 1.1 terabytes, nearly all of them zeros.

# %%
terabytes = (256 * 1024) * (1024 * 1024) * 4 / 1e12
print(f"{terabytes:.2f} TB")
assert abs(terabytes - 1.1) < 0.01

# %% [markdown]
# ## What flows backwards has the shape of what flowed forwards
#
# Nobody needs the whole Jacobian. A network ends in *one* number, the loss $L$. Write a bar for the gradient of that
# number: $\bar C = \partial L / \partial C$ has the shape of $C$, and $\bar A$ has the shape of $A$. The chain rule of
# lesson 2, summed over all the ways from $A_{kl}$ to $L$, is
#
# $$ \bar A_{kl} = \sum_{ij} \bar C_{ij}\, \frac{\partial C_{ij}}{\partial A_{kl}} . \tag{2} $$
#
# With $\bar C$ laid out as a row vector this is a vector times the Jacobian, a **vector-Jacobian product**, or vjp.
# Each operation in tinydl has one rule, and that rule is its vjp: given $\bar C$, return $\bar A$. Here is (2), done
# the expensive way, and then by the engine. The upstream gradient is random, not all ones; you will see why.

# %%
G = rng.normal(size=(4, 2))  # C̄: what the rest of the network says about C
A_bar_slow = np.einsum("ij,ijkl->kl", G, J)  # formula (2), with the full Jacobian
C, pullback = tl.vjp(np.matmul, A, B)
A_bar, B_bar = pullback(G)
print("C", C.shape, " A_bar", A_bar.shape, " B_bar", B_bar.shape)
assert np.allclose(A_bar, A_bar_slow)
assert A_bar.shape == A.shape and B_bar.shape == B.shape

# %% [markdown]
# ## Where the transposes come from
#
# Now without the Jacobian. Keep the indices and do school calculus:
#
# $$ C_{ij} = \sum_k A_{ik} B_{kj}
# \qquad\Rightarrow\qquad
# \bar A_{ik} = \sum_j \bar C_{ij} B_{kj}, \qquad
# \bar B_{kj} = \sum_i A_{ik} \bar C_{ij} . \tag{3} $$
#
# Read it as a rule of thumb: to get the gradient of one factor, put $\bar C$ in the place of $C$, and sum over the
# index that the factor *doesn't* have. The transposes appear when we force these sums back into the form "last index of
# the first matrix against first index of the second", which is what `@` means. In $\sum_j \bar C_{ij} B_{kj}$ the index
# $j$ is last in *both*, so $B$ must be turned:
#
# $$ \bar A = \bar C B^\top, \qquad \bar B = A^\top \bar C . \tag{4} $$
#
# The shapes tell the same story: $(4,3) = (4,2)\,(2,3)$ and $(3,2) = (3,4)\,(4,2)$. There is no other way to fit them.
# `np.einsum` lets us write (3) letter by letter:

# %%
assert np.allclose(A_bar, np.einsum("ij,kj->ik", G, B))  # formula (3): sum over j
assert np.allclose(B_bar, np.einsum("ik,ij->kj", A, G))  # formula (3): sum over i
assert np.allclose(A_bar, G @ B.T)  # formula (4)
assert np.allclose(B_bar, A.T @ G)
print("A_bar = G Bᵀ and B_bar = Aᵀ G")

# %% [markdown]
# Neither formula has to be believed. `tl.gradcheck` takes a function and somebody's rule for its vjp, both in plain
# NumPy, and compares the rule with numerical derivatives at every element:


# %%
def rule(g, a, b):
    return g @ b.T, a.T @ g


report = tl.gradcheck(np.matmul, A, B, vjp=rule)
print(report.table(limit=5))
assert report.verdict == "right"
assert len(report.rows) > 18  # all 12 + 6 elements, and some random directions

# %% [markdown]
# ## What goes wrong: square matrices hide a missing transpose
#
# > **Predict.** Someone forgets one transpose: `g @ b` instead of `g @ b.T`. What happens with our (4, 3) and (3, 2)?
# > And what happens when both matrices are (3, 3)?


# %%
def forgetful(g, a, b):
    return g @ b, a.T @ g  # the first should be g @ b.T


try:
    forgetful(G, A, B)
except ValueError as error:
    print("(4, 3) @ (3, 2):", str(error)[:60], "…")
square_A, square_B = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
report = tl.gradcheck(np.matmul, square_A, square_B, vjp=forgetful)
print("(3, 3) @ (3, 3):", report.table(limit=4))
bad = [row.input for row in report.rows if row.verdict == "wrong" and isinstance(row.index, tuple)]
assert report.verdict == "wrong"
assert bad == [0] * 9  # every element of the first gradient, none of the second

# %% [markdown]
# > **What goes wrong.** With unequal sizes the mistake crashes at once, which is the good outcome. With square matrices
# > it runs and gives an array of the right shape, wrong in all nine elements. Networks often train with such a gradient
# > well enough for nobody to notice ([lesson 12](12_trusting_a_gradient.py) tries it). So test every rule on shapes in
# > which all sizes differ, and compare with numerical derivatives where they can't. (A `.T` forgotten *inside* a
# > product leaves no simple trace, so the checker says that it is wrong, but not why.)
#
# The same trap waits in the forward direction. The article writes 矩阵乘法 (matrix multiplication) as
# $C = A \cdot B = [a_{ij} \cdot b_{ij}]$. That is the *elementwise* product. For (4, 3) and (3, 2) it isn't even
# defined; for square matrices it is defined, and different; for a column and a row broadcasting makes it right by
# accident; and for (1, 3) with (3, 3) it silently gives nine numbers where the product has three.

# %%
try:
    A * B
except ValueError as error:
    print("A * B:", error)
gap = np.abs(square_A * square_B - square_A @ square_B).max()
print(f"3×3: the two products differ by up to {gap:.1f}")
column, row = A[:, :1], B[:1]
assert gap > 1
assert np.array_equal(column * row, column @ row)  # (4, 1) and (1, 2): right by accident
assert (A[:1] * square_B).shape == (3, 3) and (A[:1] @ square_B).shape == (1, 3)
report = tl.gradcheck(np.matmul, square_A, square_B, vjp=lambda g, a, b: (g * b, a * g))
assert report.verdict == "wrong"

# %% [markdown]
# ## Broadcasting's gradient is a sum
#
# A layer adds its bias: $Y = X + b$ with $X$ of shape (5, 3) and $b$ of shape (3,). NumPy *broadcasts* $b$, as if it
# were copied into each of the five rows: $Y_{ij} = X_{ij} + b_j$. So one $b_j$ reaches the loss in five ways, and
# gradients along several ways add up (lesson 3):
#
# $$ \bar b_j = \sum_i \bar Y_{ij} . \tag{5} $$
#
# *Copying forwards is summing backwards.* That one sentence covers every broadcast there is.

# %%
X, b = rng.normal(size=(5, 3)), rng.normal(size=3)
G = rng.normal(size=(5, 3))
Y, pullback = tl.vjp(np.add, X, b)
X_bar, b_bar = pullback(G)
print("b_bar:          ", b_bar)
print("G.sum(axis=0):  ", G.sum(axis=0))
assert np.array_equal(X_bar, G)
assert np.allclose(b_bar, G.sum(axis=0))  # formula (5)

# %%
figure, axes = plt.subplots(2, 2, figsize=(7.2, 4.6), height_ratios=[5, 1.2])
forward, backward = axes[:, 0], axes[:, 1]
pictures = [
    (forward[0], np.tile(b, (5, 1)), "forward: b as NumPy uses it, (5, 3)"),
    (forward[1], b[None], "b, (3,): copied upwards ↑"),
    (backward[0], G, "backward: the gradient of Y, (5, 3)"),
    (backward[1], b_bar[None], "the gradient of b, (3,): summed downwards ↓"),
]
for ax, values, title in pictures:
    ax.imshow(values, cmap="PuOr", vmin=-4, vmax=4, aspect="auto")
    ax.set(title=title, xticks=[], yticks=[])
    for (i, j), value in np.ndenumerate(values):
        ax.text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if abs(value) > 2.4 else "black")
show(figure, "04_arrays_broadcasting")

# %% [markdown]
# It works for any pair of shapes that broadcast. Where an axis was missing or of length 1, the gradient is summed over
# it, so that **a gradient always has the shape of the thing it is the gradient of**. tinydl does this in one place,
# after every rule, which is why no rule in its table mentions broadcasting.

# %%
for shape in [(), (3,), (1, 3), (5, 1), (2, 1, 1), (2, 5, 3)]:
    b = rng.normal(size=shape)
    y, pullback = tl.vjp(np.multiply, X, b)
    X_bar, b_bar = pullback(rng.normal(size=y.shape))
    print(f"{shape!s:10} with (5, 3): y {y.shape!s:10} X_bar {X_bar.shape}  b_bar {b_bar.shape}")
    assert X_bar.shape == X.shape and b_bar.shape == shape
    assert tl.gradcheck(np.multiply, X, b)

# %% [markdown]
# > **Predict.** Somebody writes the rule of `x + b` as "the gradient passes unchanged", `(g, g)`. Somebody else sums,
# > but over axis 1, and tests with three examples of three features. One mistake shows in the shape of the gradient,
# > the other doesn't. Which? Will the checker name both?

# %%
X3, b3 = rng.normal(size=(3, 3)), rng.normal(size=3)
unsummed = tl.gradcheck(np.add, X, b3, vjp=lambda g, x, b: (g, g))
wrong_axis = tl.gradcheck(np.add, X3, b3, vjp=lambda g, x, b: (g, g.sum(axis=1)))
print(repr(unsummed))
print(repr(wrong_axis))
assert unsummed.causes[0][0] == "not_summed"
assert wrong_axis.causes[0][0] == "wrong_axis"

# %% [markdown]
# > **What goes wrong.** The most expensive broadcast of all is one that nobody meant. Predictions of shape (5, 1) minus
# > targets of shape (5,) are not five differences but 25. *Perfect* predictions then have a loss, and a gradient that
# > leads away from them. Nothing crashes. Notice it by printing shapes; tinydl's losses refuse.

# %%
prediction = tl.tensor(rng.normal(size=(5, 1)), requires_grad=True)
target = prediction.numpy()[:, 0]  # exactly the same five numbers, of shape (5,)
silent = np.mean((prediction - target) ** 2)
silent.backward()
print("shape of the difference:", (prediction - target).shape, f" loss of a perfect prediction: {silent:.2f}")
assert (prediction - target).shape == (5, 5)
assert np.isclose(silent.item(), 2 * target.var())  # not 0
assert np.abs(prediction.grad.data).max() > 0.01
try:
    F.mse_loss(prediction, target)
except ValueError as error:
    print("F.mse_loss:", error)

# %% [markdown]
# The article's own notation sets this trap: it writes the gradient as a *row*,
# $\nabla f = [\partial f/\partial x_1, \dots, \partial f/\partial x_n]$, and then subtracts it from parameters. A
# column (3, 1) minus a row (1, 3) is a (3, 3) matrix. Keep gradients in the shape of their variable and it cannot
# happen.
#
# ## Two formulas of the article, checked
#
# **The squared norm.** The article: 「f(X)是矩阵X的Frobenius范数」 ($f(X)$ is the Frobenius norm), with
# $f(X) = \lVert X\rVert_F^2$ and $\partial f/\partial X = 2X$. The formula is right for the *squared* norm, which is
# what is written; the name is not. The norm itself, $\lVert X\rVert_F = \sqrt{\sum X_{ij}^2}$, has the gradient
# $X / \lVert X\rVert_F$, a matrix of length 1 that points away from zero, and none at $X = 0$: along the 2 × 2
# matrix of ones it has the slope 2 on one side of zero and −2 on the other.


# %%
def squared_norm(X):
    return np.sum(X * X)


def norm(X):
    return np.sqrt(np.sum(X * X))


assert tl.gradcheck(squared_norm, X, grad=lambda X: 2 * X).verdict == "right"
assert tl.gradcheck(norm, X, grad=lambda X: 2 * X).verdict == "wrong"
assert tl.gradcheck(norm, X, grad=lambda X: X / norm(X)).verdict == "right"
assert np.isclose(norm(X / norm(X)), 1)
step = 1e-6 * np.ones((2, 2))
assert np.isclose(norm(step) / 1e-6, 2) and np.isclose(norm(-step) / -1e-6, -2)
print("2X belongs to the squared norm, X/‖X‖ to the norm")

# %% [markdown]
# **The Gram matrix.** The article: $f(X) = X^\top X$ has $\partial f/\partial X = X^\top + X$, 然后 (and then)
# $\nabla f(X) = [X^\top, X]$. For a 5 × 3 matrix the sum $X^\top + X$ doesn't exist: one is 3 × 5, the other 5 × 3.
# That alone shows that something is off. In indices, with $F = X^\top X$:
#
# $$ F_{ij} = \sum_k X_{ki} X_{kj}
# \;\Rightarrow\; \bar X_{kl} = \sum_j X_{kj} \bar F_{lj} + \sum_i X_{ki} \bar F_{il}
# \;\Rightarrow\; \bar X = X (\bar F + \bar F^\top) . \tag{6} $$
#
# $X$ enters twice, as $X$ and as $X^\top$, so there are two terms: gradients add up.


# %%
def gram(X):
    return X.T @ X


for shape in [(5, 3), (3, 5), (1, 3), (3, 3)]:
    Z = rng.normal(size=shape)
    ours = tl.gradcheck(gram, Z, vjp=lambda g, X: X @ (g + g.T))  # formula (6)
    print(shape, "X(G + Gᵀ) is", ours.verdict)
    assert ours.verdict == "right"
articles = tl.gradcheck(gram, square_A, vjp=lambda g, X: X.T + X)
print((3, 3), "Xᵀ + X is", articles.verdict)
assert articles.verdict == "wrong"

# %% [markdown]
# Where could $X^\top + X$ come from? It is *one* directional derivative of $X^\top X$, for a square $X$: the change of
# $X^\top X$ when $X$ moves along the identity matrix. A whole derivative it is not.

# %%
h = 1e-6
along_identity = (gram(square_A + h * np.eye(3)) - gram(square_A - h * np.eye(3))) / (2 * h)
print(np.round(along_identity - (square_A.T + square_A), 6) + 0.0)
assert np.allclose(along_identity, square_A.T + square_A, atol=1e-6)

# %% [markdown]
# ## Why the upstream gradient must not be all ones
#
# Many tests call `f(x).sum().backward()`. Then the upstream gradient is all ones. Look at what that hides in (6): a
# matrix of ones is *symmetric*, and for symmetric $\bar F$ the wrong rule $2X\bar F$ equals the right one.
#
# > **Predict.** For which of the two upstream gradients, ones or random, does the wrong rule `2 * X @ g` show itself?

# %%
ones, random = np.ones((3, 3)), rng.normal(size=(3, 3))
for name, g in [("ones", ones), ("random", random)]:
    right = X @ (g + g.T)
    wrong = 2 * X @ g
    print(f"upstream {name:6}: the two rules differ by up to {np.abs(right - wrong).max():.2f}")
assert np.allclose(X @ (ones + ones.T), 2 * X @ ones)
assert np.abs(X @ (random + random.T) - 2 * X @ random).max() > 0.5
assert tl.gradcheck(gram, X, vjp=lambda g, X: 2 * X @ g).verdict == "wrong"  # gradcheck never uses ones

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_matmul`, `ex_bias`, `ex_row_sums`, `ex_mean`.
#
# 1. Derive the vjp of $y = xW^\top + b$, a layer as PyTorch and tinydl write it, with `x` (5, 3), `W` (2, 3) and `b`
#    (2,). Write it as `rule(g, x, W, b)` and hand it to `tl.gradcheck(..., vjp=rule)`. Which transposes are left?
# 2. The mean over rows, `np.mean(X, axis=0)`, maps (5, 3) to (3,). Its vjp takes (3,) to (5, 3). First say in words
#    what it must do ("copying forwards is summing backwards", read from the other end), then write and check it.
# 3. For $f(x) = x^\top A x$ with a 4 × 4 matrix $A$ derive $\partial f/\partial x = (A + A^\top)\,x$ in indices.
#    Compare with the article's $X^\top + X$. Which of your test matrices would let the wrong answer $2Ax$ pass?
#
# ## Where this lives in tinydl
#
# - `tinydl/derivatives/products.py`: `matmul_left` and `matmul_right` are formula (4), with stacks of matrices and
#   vectors.
# - `tinydl/engine/arrays.py`: `fitted` sums a gradient over the axes that were broadcast, formula (5), after every
#   rule.
# - `tinydl/engine/transforms.py`: `vjp` and `jacobian`, which is one vjp for every element of the output.
# - `tinydl/checking/gradcheck.py` compares, `tinydl/checking/causes.py` names the mistake: `transposed`, `not_summed`,
#   `wrong_axis`.
#
# Next: [lesson 6](06_linear_regression.py), a whole training run with arrays, and a sign error found by the checker.
