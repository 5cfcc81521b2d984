# %% [markdown]
# # 4. From numbers to arrays
#
# **What does backpropagation hand from one operation to the one before it, when both are arrays? And why are its
# formulas full of transposes?**
#
# One layer of a network multiplies a matrix of inputs by a matrix of weights. Both have many elements, and so has the
# result. Yet it is only [lesson 3](03_the_graph.py) again, for many numbers at once: gradients along several ways add
# up. You will do it once by hand, with eight numbers, and then see the pattern.
#
# *You need:* [lesson 3](03_the_graph.py), and from NumPy: arrays, their shapes, and the product `@` of two matrices
# ([Before you start](00_before_you_start.py)).

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import show

import tinydl as tl

rng = np.random.default_rng(4)

# %% [markdown]
# ## Two by two, by hand
#
# Take the smallest product of two matrices, $C = AB$:
#
# $$ \begin{pmatrix} 19 & 22 \\ 43 & 50 \end{pmatrix}
#    = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} \begin{pmatrix} 5 & 6 \\ 7 & 8 \end{pmatrix} . $$
#
# The rest of the network makes one number of $C$, the loss $L$. Suppose that we know already how fast $L$ changes with
# each element of $C$. These four slopes make a matrix of the same shape, for which we write $\bar C$, "C bar":
#
# $$ \bar C = \frac{\partial L}{\partial C} = \begin{pmatrix} 1 & 2 \\ 0 & 3 \end{pmatrix} . $$
#
# It says: if $C_{00}$ grows by a little, $L$ grows by 1 times as much; if $C_{01}$ grows, by 2 times as much; $C_{10}$
# doesn't matter; and so on. Now we want the same for $A$. Begin with one element, $A_{01} = 2$. It is used twice:
#
# $$ \begin{aligned} C_{00} &= A_{00} \cdot 5 + A_{01} \cdot 7, \\ C_{01} &= A_{00} \cdot 6 + A_{01} \cdot 8 .
#    \end{aligned} $$
#
# > **Predict.** If $A_{01}$ grows by 1, how much do $C_{00}$ and $C_{01}$ grow, and how much does $L$ grow then? The
# > last is $\bar A_{01}$. (A step of 1 is as good as a tiny one: $C$ is a straight line in $A_{01}$, and we pretend
# > that $L$ is straight in $C$, with these slopes.)

# %%
A = np.array([[1.0, 2.0], [3.0, 4.0]])
B = np.array([[5.0, 6.0], [7.0, 8.0]])
C = A @ B
C_bar = np.array([[1.0, 2.0], [0.0, 3.0]])
moved = A.copy()
moved[0, 1] += 1
change = moved @ B - C
print("C changes by\n", change, "\nand L by", np.sum(C_bar * change))
assert np.array_equal(C, [[19, 22], [43, 50]])
assert np.array_equal(change, [[7, 8], [0, 0]]) and np.sum(C_bar * change) == 1 * 7 + 2 * 8 == 23

# %% [markdown]
# $C_{00}$ grows by 7, and $L$ by $1 \cdot 7$ because of that; $C_{01}$ grows by 8, and $L$ by $2 \cdot 8$. Together
# $\bar A_{01} = 1 \cdot 7 + 2 \cdot 8 = 23$. Two ways lead from $A_{01}$ to the loss, and their slopes add up.
#
# The same for every element of $A$, in two loops:

# %%
A_bar = np.zeros((2, 2))
for i in range(2):
    for k in range(2):
        moved = A.copy()
        moved[i, k] += 1
        change = moved @ B - C
        A_bar[i, k] = np.sum(C_bar * change)
print(A_bar)
assert np.array_equal(A_bar, [[17, 23], [18, 24]])

# %% [markdown]
# Now one element of $B$: $B_{01} = 6$. Each row of $A$ meets it once: in $C_{01} = 1 \cdot 6 + 2 \cdot 8$ and in
# $C_{11} = 3 \cdot 6 + 4 \cdot 8$.
#
# > **Predict.** By how much do these two grow if $B_{01}$ grows by 1, and by how much does $L$? That is $\bar B_{01}$.

# %%
moved = B.copy()
moved[0, 1] += 1
change = A @ moved - C
print("C changes by\n", change, "\nand L by", np.sum(C_bar * change))
assert np.array_equal(change, [[0, 1], [0, 3]]) and np.sum(C_bar * change) == 2 * 1 + 3 * 3 == 11

# %% [markdown]
# $C_{01}$ grows by 1 and $C_{11}$ by 3, the elements of $A$ that $B_{01}$ is multiplied by. With 2 and 3 in $\bar C$
# for these, $\bar B_{01} = 2 \cdot 1 + 3 \cdot 3 = 11$.
#
# That is all that backpropagation does here: it was handed $\bar C$, and hands on $\bar A$ and $\bar B$. Written with
# letters, for matrices of any size, the two loops are
#
# $$ \bar A_{ik} = \sum_{mj} \bar C_{mj}\, \frac{\partial C_{mj}}{\partial A_{ik}} , \tag{1} $$
#
# and the same with $B$ in the place of $A$. Read it as: for each $C_{mj}$, how much $L$ cares about it, times how much
# it changes with $A_{ik}$; add all of these up. **What flows backwards has the shape of what flowed forwards.**
#
# ## The table of all slopes is far too big
#
# From here on no two sizes are equal, so that nothing fits by accident: $A$ has the shape (4, 3), $B$ the shape (3, 2),
# and $C = AB$ the shape (4, 2). The table of *all* slopes $\partial C_{mj} / \partial A_{ik}$ is called the
# **Jacobian** of $C$ in $A$. It has one row for each element of $C$ and one column for each element of $A$.
#
# `tl.jacobian` makes of a function another one, which gives its Jacobian: hence two pairs of brackets below, the first
# for the function, the second for the $A$ at which we want it.
#
# > **Predict.** How many numbers is that? And how many of them are zero?

# %%
A = rng.normal(size=(4, 3))
B = rng.normal(size=(3, 2))
J = tl.jacobian(lambda A: A @ B)(A)
print("shape", J.shape, "so", J.size, "numbers, of which", np.sum(J == 0), "are zero")
assert J.shape == (4, 2, 4, 3) and J.size == 96 and np.sum(J == 0) == 72

# %% [markdown]
# Eight elements of $C$ and twelve of $A$: 96 numbers. `J` has four indices: the first two say which element of $C$, the
# last two which element of $A$. And 72 of the numbers are zero, since row $m$ of $C$ depends on row $m$ of $A$ only. In
# the picture the zeros leave four blocks, all alike. On the right stand $B$, and $B$ with its rows as columns, which is
# called its **transpose** $B^\top$ (in NumPy, `B.T`). Which of them are the blocks? (The next two cells only draw; skip
# to the picture below them.)

# %%
limit = np.abs(B).max()
tables = {
    "J": (J.reshape(8, 12), "the Jacobian of C = AB in A, (8, 12)"),
    "B": (B, "B, (3, 2)"),
    "BT": (B.T, "Bᵀ, (2, 3)"),
}

# %%
figure, axes = plt.subplot_mosaic([["J", "B"], ["J", "BT"]], figsize=(8, 3.8), width_ratios=[3, 1])
for name, (values, title) in tables.items():
    axes[name].imshow(values, cmap="PuOr", vmin=-limit, vmax=limit)
    axes[name].set(title=title, xticks=range(values.shape[1]), yticks=range(values.shape[0]))
    for row, column in np.argwhere(values):  # where a value isn't zero
        color = "white" if abs(values[row, column]) > 1.4 else "black"
        axes[name].text(column, row, f"{values[row, column]:.2f}", ha="center", va="center", color=color, fontsize=8)
axes["J"].set_xticks(range(12), [f"A{i}{k}" for i in range(4) for k in range(3)], rotation=90)
axes["J"].set_yticks(range(8), [f"C{m}{j}" for m in range(4) for j in range(2)])
show(
    figure,
    "04_arrays_jacobian",
    "A table of 8 rows, the elements of C, and 12 columns, the elements of A. Four blocks of 2 by 3 stand along the "
    "diagonal, all else is zero. Beside it stand B and its transpose, which has the blocks' numbers.",
)

# %% [markdown]
# Every block is $B^\top$. That is the first transpose.
#
# A real layer gets many *examples* at once, one in each row: say 256 photographs, each of 1024 numbers, its *features*.
# With weights 1024 × 1024 the Jacobian in them would have 256 · 1024 rows and 1024 · 1024 columns. With four bytes for
# a number that is about 1.1 terabytes, nearly all zeros.
#
# Nobody needs this table. A network ends in *one* number, so (1) is enough: a sum for each element of $A$. The engine
# finds these sums without the table; the next section shows how. But write the elements of $\bar C$ in a row: then (1)
# is this row, a vector, times the table. Hence its name: a **vector-Jacobian product**, or **vjp**. Each operation in
# tinydl has one rule for each input, and that rule is its vjp: given $\bar C$, return $\bar A$.
#
# Here is (1), done the expensive way, then as vector times table, then by the engine. $\bar C$ in formulas and `C_bar`
# in code are the same, and handed to a rule it is often called `g`, the *upstream gradient*; here it is random.

# %%
g = rng.normal(size=(4, 2))  # C bar: what the rest of the network says about C
A_bar_slow = np.zeros((4, 3))
for m in range(4):
    for j in range(2):
        A_bar_slow += g[m, j] * J[m, j]  # J[m, j]: the slopes of C[m, j] in all of A, shape (4, 3)
A_bar_product = (g.reshape(8) @ J.reshape(8, 12)).reshape(4, 3)
C, pullback = tl.vjp(np.matmul, A, B)  # np.matmul is @ as a function; pullback takes g backwards
A_bar, B_bar = pullback(g)
for way, result in {"the expensive way": A_bar_slow, "vector times table": A_bar_product, "the engine": A_bar}.items():
    print(way, result.round(2), sep="\n")
assert abs((256 * 1024) * (1024 * 1024) * 4 / 1e12 - 1.1) < 0.01  # the terabytes
assert np.array_equal(J[2, :, 2, :], B.T)  # one of the four blocks
assert np.allclose(A_bar, A_bar_slow) and np.allclose(A_bar, A_bar_product) and B_bar.shape == B.shape

# %% [markdown]
# ## Where the transposes come from
#
# How does the engine do it without the table? Write the product with indices; $k$ runs along a row of $A$ and down a
# column of $B$:
#
# $$ C_{ij} = \sum_k A_{ik} B_{kj} . $$
#
# Look where $A_{ik}$ occurs: in row $i$ of $C$ only. So of the double sum in (1) one row is left, $m = i$, a sum over
# $j$; and in $C_{ij}$ our element is multiplied by $B_{kj}$. Likewise $B_{kj}$ occurs in column $j$ of $C$ only, once
# in each row $i$, multiplied by $A_{ik}$. So
#
# $$ \begin{aligned}
#    \bar A_{ik} &= \sum_j \bar C_{ij} B_{kj}, \\
#    \bar B_{kj} &= \sum_i A_{ik} \bar C_{ij} .
#    \end{aligned} \tag{2} $$
#
# At the beginning these were $\bar A_{01} = \bar C_{00} B_{10} + \bar C_{01} B_{11} = 1 \cdot 7 + 2 \cdot 8$ and
# $\bar B_{01} = A_{00} \bar C_{01} + A_{10} \bar C_{11} = 1 \cdot 2 + 3 \cdot 3$. Here is (2) as loops:

# %%
A_bar_loops = np.zeros((4, 3))
B_bar_loops = np.zeros((3, 2))
for i in range(4):
    for j in range(2):
        for k in range(3):
            A_bar_loops[i, k] += g[i, j] * B[k, j]
            B_bar_loops[k, j] += A[i, k] * g[i, j]
print("the loops of (2)", A_bar_loops.round(2), sep="\n")
assert np.allclose(A_bar, A_bar_loops) and np.allclose(B_bar, B_bar_loops)

# %% [markdown]
# Remember: to get the gradient of one factor, **put $\bar C$ in the place of $C$, and sum over the index that the
# factor *doesn't* have.**
#
# The transposes appear when we want to write such sums with `@`. That product sums over the *last* index of the first
# matrix and the *first* index of the second. But in $\sum_j \bar C_{ij} B_{kj}$ the index $j$ is last in both, so $B$
# must be turned; and in $\sum_i A_{ik} \bar C_{ij}$ the index $i$ is first in both, so $A$ must be turned:
#
# $$ \bar A = \bar C B^\top, \qquad \bar B = A^\top \bar C . \tag{3} $$
#
# A transpose by itself, $Y = X^\top$, only moves elements, and so their gradients move back: $\bar X = \bar Y^\top$.
#
# The shapes help you to remember it: $(4,3) = (4,2)\,(2,3)$ and $(3,2) = (3,4)\,(4,2)$ fit, and without the transposes
# they wouldn't.

# %%
print("formula (3)", (g @ B.T).round(2), sep="\n")
assert np.allclose(A_bar, g @ B.T) and np.allclose(B_bar, A.T @ g)
assert np.array_equal(C_bar @ np.array([[5, 6], [7, 8]]).T, [[17, 23], [18, 24]])  # 23 was found by hand, above
assert np.array_equal(np.array([[1, 2], [3, 4]]).T @ C_bar, [[1, 11], [2, 16]])  # and 11

# %% [markdown]
# `tl.gradcheck` takes a function and somebody's rule for its vjp, both in plain NumPy, and compares the rule with
# numerical derivatives: at each of the 12 + 6 elements, and about as many along random *directions*, in which all
# elements move at once ([lesson 12](12_trusting_a_gradient.py) says why).


# %%
def rule(g, a, b):
    return g @ b.T, a.T @ g


report = tl.gradcheck(np.matmul, A, B, vjp=rule)
print(repr(report))
assert report.verdict == "right"

# %% [markdown]
# ## What goes wrong: one transpose forgotten
#
# When a gradient is wrong, the checker tries the usual repairs, such as one more `.T` or a minus sign, and says which
# makes it equal to the numerical one. It counts the inputs from 0: `a` is input 0, `b` is input 1.
#
# > **Predict.** Someone forgets one transpose: `g @ b` instead of `g @ b.T`. What happens with our (4, 3) and (3, 2)?
# > And what happens when both matrices are (3, 3)?


# %%
def forgetful(g, a, b):
    return g @ b, a.T @ g  # the first should be g @ b.T


try:
    forgetful(g, A, B)
    raise AssertionError("the shapes shouldn't fit")
except ValueError as error:
    print("(4, 3) @ (3, 2):", str(error)[:60], "…")

# %%
square_A, square_B = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
report = tl.gradcheck(np.matmul, square_A, square_B, vjp=forgetful)
print("(3, 3) @ (3, 3):", repr(report))
assert "input 0: 9 of 9 wrong; input 1: right" in report.table() and "(19 of 35)" in repr(report)
assert report.causes[0][0] == "transposed"

# %% [markdown]
# > **What goes wrong.** With unequal sizes the mistake crashes at once, which is the good outcome. (The message means
# > that rows of two, in `g`, don't fit columns of three, in `b`.) With square matrices it runs and gives an array of
# > the right shape, wrong in all nine elements. (In brackets: 19 of the 35 derivatives are wrong, these nine and ten
# > along directions.) Networks often train with such a gradient well enough for nobody to notice
# > ([lesson 12](12_trusting_a_gradient.py) tries it). So test every rule on shapes in which all sizes differ.
#
# ## The gradient of what was broadcast
#
# A layer also adds its bias: $Y = X + b$. Small numbers first: $b = (10, 20)$ is added to each row of a matrix with
# three rows. NumPy *broadcasts* $b$, as if it were copied into each of the three rows.
#
# > **Predict.** If $b_0$ grows by 1, how many elements of $Y$ grow? When $\bar Y$ has the rows (1, 4), (2, 5) and (3,
# > 6), by how much does the loss grow?

# %%
X, b = np.zeros((3, 2)), np.array([10.0, 20.0])
Y_bar = np.array([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])
change = (X + np.array([11.0, 20.0])) - (X + b)
print("Y changes by\n", change, "\nand L by", np.sum(Y_bar * change))
Y, pullback = tl.vjp(np.add, X, b)
X_bar, b_bar = pullback(Y_bar)
print("b_bar", b_bar)
assert np.sum(Y_bar * change) == 1 + 2 + 3 == 6
assert np.array_equal(b_bar, [6, 15]) and np.array_equal(X_bar, Y_bar)

# %% [markdown]
# Three elements of $Y$ grow, all in the first column, and $L$ grows by $1 + 2 + 3 = 6$. One $b_j$ reaches the loss in
# as many ways as there are rows, and gradients along several ways add up ([lesson 3](03_the_graph.py)):
#
# $$ \begin{aligned}
#    \text{forwards:} && Y_{ij} &= X_{ij} + b_j, \\
#    \text{backwards:} && \bar b_j &= \sum_i \bar Y_{ij} .
#    \end{aligned} \tag{4} $$
#
# *Copying forwards is summing backwards.* That covers every broadcast there is.
#
# And read from the other end: *summing forwards is copying backwards.* The sum $s = 2 + 3 + 7$ grows by 1 with each of
# the three. If $L$ grows 10 times as fast as $s$, then 10 times as fast as each of them:

# %%
s, pullback = tl.vjp(np.sum, np.array([2.0, 3.0, 7.0]))
print("the sum hands back", pullback(10.0)[0])  # [0]: the gradient of its only input
assert np.array_equal(pullback(10.0)[0], [10, 10, 10])

# %% [markdown]
# The mean is the sum divided by 3, so it hands each of them a third of that.
#
# The picture shows (4) for five rows of three, from top to bottom: on the left $b$ is copied into five rows; on the
# right the five rows of $\bar Y$ are summed, column by column. (The next cell computes, the two after it draw.)

# %%
X, b = rng.normal(size=(5, 3)), np.array([-1.5, 0.5, 3.0])
g = rng.normal(size=(5, 3))
Y, pullback = tl.vjp(np.add, X, b)
X_bar, b_bar = pullback(g)
print("b_bar", b_bar.round(2))
assert np.array_equal(X_bar, g) and np.allclose(b_bar, g.sum(axis=0))  # formula (4)

# %%
pictures = {
    "b": ([b], "forwards: b, (3,), is copied ↓"),
    "copies": (np.tile(b, (5, 1)), "into five rows, (5, 3)"),
    "g": (g, "backwards: the gradient of Y, (5, 3), is summed ↓"),
    "b_bar": ([b_bar], "to the gradient of b, (3,)"),
}
layout = [["b", "g"], ["copies", "g"], ["copies", "b_bar"]]  # g stands beside b and beside its copies

# %%
figure, axes = plt.subplot_mosaic(layout, figsize=(7.6, 4.6), height_ratios=[1, 3.5, 1])
for name, (values, title) in pictures.items():
    axes[name].imshow(values, cmap="PuOr", vmin=-5, vmax=5, aspect="auto")
    axes[name].set(title=title, xticks=[], yticks=[])
    for (i, j), value in np.ndenumerate(values):
        axes[name].text(j, i, f"{value:.2f}", ha="center", va="center", color="white" if value > 2.9 else "black")
show(
    figure,
    "04_arrays_broadcasting",
    "Left, forwards: the row b = (-1.50, 0.50, 3.00) is copied into five equal rows. Right, backwards: five rows of "
    "different numbers, the gradient of Y, are summed down each column to one row, (0.63, -2.41, 5.76).",
)
assert np.array_equal(b_bar.round(2), [0.63, -2.41, 5.76])

# %% [markdown]
# > **Predict.** Let $b$ have the shape (5, 1) instead, a column that is added to each column of $X$. Over which axis is
# > the gradient of $Y$, of shape (5, 3), summed then? And for a single number $b$?

# %%
Y, pullback = tl.vjp(np.add, X, np.ones((5, 1)))
X_bar, column_bar = pullback(g)
Y, pullback = tl.vjp(np.add, X, np.array(1.0))
X_bar, number_bar = pullback(g)
print("gradients of shapes", column_bar.shape, "and", number_bar.shape)
assert np.allclose(column_bar, g.sum(axis=1).reshape(5, 1)) and np.allclose(number_bar, g.sum())

# %% [markdown]
# Over axis 1, and over both. What was missing or of length 1 is summed over, so that **a gradient always has the shape
# of the thing it is the gradient of**. tinydl does this in one place, so no rule has to mention broadcasting.
#
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
# Only the second mistake gives an array of the right shape, and the checker names both.
#
# ## You may skip this: which upstream gradient to test with
#
# (It ends at the heading "Exercises".) Many tests call `f(x).sum().backward()`: the upstream gradient is all ones then.
# Is that as good as another? Take $F = X^\top X$, in which $X$ enters twice. By (3) the second factor, $X$, gets
# $X \bar F$; the first, $X^\top$, gets $\bar F X^\top$, which must be transposed to be a gradient of $X$:
#
# $$ \bar X = X \bar F + X \bar F^\top . \tag{5} $$
#
# Somebody writes `2 * X @ g`. A matrix of ones equals its own transpose, so with ones nobody sees that this is wrong.
# Random numbers tell the two apart, and so the checker takes these.

# %%
ones, random = np.ones((3, 3)), rng.normal(size=(3, 3))
assert np.allclose(X @ ones + X @ ones.T, 2 * X @ ones)
assert not np.allclose(X @ random + X @ random.T, 2 * X @ random)
assert tl.gradcheck(lambda X: X.T @ X, X, vjp=lambda g, X: X @ g + X @ g.T).verdict == "right"

# %% [markdown]
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_matmul`, `ex_bias`, `ex_row_sums`, `ex_mean`. (`g[:, None]` makes of
# a row of four numbers a column, of shape (4, 1), as `g.reshape(4, 1)` does; columns broadcast, see above.)
#
# 1. Derive the vjp of $y = xW^\top + b$, a layer as PyTorch and tinydl write it, with `x` (5, 3), `W` (2, 3) and `b`
#    (2,). Write it as `rule(g, x, W, b)` and hand it to `tl.gradcheck(..., vjp=rule)`. Which transposes are left?
# 2. The mean over rows, `np.mean(X, axis=0)`, maps (5, 3) to (3,). Its vjp takes (3,) to (5, 3): write and check it.
# 3. For $f(x) = x^\top A x$ with a 4 × 4 matrix $A$ derive $\partial f/\partial x = (A + A^\top)\,x$ in indices. Which
#    of your test matrices would let the wrong answer $2Ax$ pass?
#
# <details><summary>What you should find</summary>
#
# * In 1 $\bar x = gW$, $\bar W = g^\top x$, and $\bar b$ is the sum of $g$ over its rows. One transpose is left; the
#   other was in the formula already.
# * In 2 each of the five rows gets $\bar y / 5$: what was summed forwards is copied backwards.
# * In 3 every symmetric $A$ lets it pass, one with $A = A^\top$, such as the identity.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from. `tinydl document D1` to
# > `D4` measures what it says.
# >
# > D1 calls $C = A \cdot B = [a_{ij} \cdot b_{ij}]$ matrix multiplication.[^product] That is the *elementwise* product,
# > in NumPy `A * B`. With square matrices nothing crashes, so look which product a formula means. D2 calls the
# > *squared* norm the norm. D3 has $X^\top + X$ in the place of (5), which exists for square matrices only and is wrong
# > for them, too. D4 writes a gradient as a row, which taken from a column of parameters makes a matrix.
#
# [^product]: 「矩阵乘法: C = A·B = [a_ij·b_ij]」
#
# ## Where this lives in tinydl
#
# - `tinydl/derivatives/products.py`: `matmul_left` and `matmul_right` are formula (3).
# - `tinydl/engine/arrays.py`: `fitted` sums a gradient over the axes that were broadcast, formula (4).
# - `tinydl/engine/transforms.py`: `vjp` and `jacobian`, which is one vjp for every element of the output.
# - `tinydl/checking/gradcheck.py` compares, `tinydl/checking/causes.py` names the mistake.
#
# Next: [lesson 5](05_layers_and_the_loop.py), where arrays become layers, and layers a network that you train.
