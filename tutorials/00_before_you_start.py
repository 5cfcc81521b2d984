# %% [markdown]
# # Before you start
#
# How can a program learn to read handwritten digits, when nobody can say in rules what makes a 3 a 3?
#
# By a **network**: a function that takes the grey values of a picture and says how sure it is of each digit. In it are
# thousands of numbers that can be turned, like knobs. How bad its answers are is one number, the *error*, and the
# *derivative* of the error by a knob, a slope, says which way to turn that knob. *Training* turns all of them a little,
# again and again, until the answers are good. That is deep learning in four sentences, and in
# [lesson 9](09_digits.py) you train such a network and understand each line. (Digits are as far as this course goes: no
# language models yet, though these are trained in the same way.)
#
# This page refreshes what you need: the derivative in ten minutes, NumPy in ten minutes, a Python class, five words of
# statistics. School mathematics up to the derivative, even if half forgotten, and enough Python to read a loop and a
# function are all that you should bring. If the five questions near the end are easy for you, go straight to
# [lesson 1](01_derivatives.py).
#
# You can simply read. If you want to run the cells, and change them, the last section says how.
#
# All lessons begin with a cell like the next one: NumPy for the numbers, Matplotlib for the pictures, and a few colours
# and helpers from `_lesson.py`, which lies beside the lessons.

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GRAY, GREEN, ORANGE, quiz, show

# %% [markdown]
# You will meet `assert` in almost every cell. `assert 1 + 1 == 2` does nothing if it is true, and stops the program if
# it is false. It is our promise that the numbers in the text are those of the program. A computer rounds, so often we
# ask only that two numbers are nearly equal: `abs(a - b) < 1e-9`, where `1e-9` is $10^{-9}$, a billionth.
#
# ## The derivative in ten minutes
#
# ### A slope
#
# How steep is a curve? For a straight line it is easy: go one step to the right, and see how much higher you are. A
# curve is steeper here and flatter there, so take two points of it that lie $h$ apart, and ask for the slope of the
# straight line through both, how much higher divided by how far to the right:
#
# $$ \text{slope} = \frac{f(x + h) - f(x)}{h} . $$
#
# Such a line through two points is called a *secant*. Here is $f(x) = x^2$ at $x = 3$, with smaller and smaller $h$:


# %%
def f(x):
    return x**2


for h in (2, 1, 0.1, 0.01, 0.001):
    slope = (f(3 + h) - f(3)) / h
    print(f"h = {h:<6} slope {slope:.3f}")

assert (f(5) - f(3)) / 2 == 8 and (f(4) - f(3)) / 1 == 7
assert abs((f(3.001) - f(3)) / 0.001 - 6.001) < 1e-9

# %%
figure, axes = plt.subplots()
x = np.linspace(2, 5.5, 100)  # 100 numbers from 2 to 5.5
axes.plot(x, f(x), color=BLUE, label="f(x) = x²")
for h, color, style in ((2, ORANGE, "-"), (1, GREEN, "--")):
    slope = (f(3 + h) - f(3)) / h
    axes.plot(x, f(3) + slope * (x - 3), color=color, ls=style, label=f"secant, h = {h}: slope {slope:.0f}")
    axes.plot(3 + h, f(3 + h), "o", color=color)
axes.plot(x, f(3) + 6 * (x - 3), color=GRAY, ls=":", label="tangent: slope 6")
axes.plot(3, f(3), "o", color=BLUE)
axes.set(xlabel="x", ylabel="f(x)", title="The nearer the second point, the nearer the slope to 6")
axes.legend()
show(figure, "00_before_you_start", "The parabola x², two secants from x = 3 (slopes 8 and 7), and the tangent (6).")

# %% [markdown]
# (In an f-string `{h:<6}` means: write h on the left of 6 places. `{slope:.3f}` means: with 3 digits behind the point.)
#
# The slopes are 8, 7, 6.1, 6.01, 6.001: they come closer and closer to 6. The number that they come to is the
# **derivative** of $f$ at 3, written $f'(3) = 6$. It is the slope of the *tangent*, the line that touches the curve
# there. In words: near $x = 3$, if $x$ grows by a little, $x^2$ grows by 6 times as much.
#
# One can see why it is 6. Multiply out:
#
# $$ \frac{(3+h)^2 - 3^2}{h} = \frac{6h + h^2}{h} = 6 + h , $$
#
# and what is left when $h$ goes to 0 is 6. With $x$ in the place of 3 it is $2x$. This is a new function, the
# derivative $f'(x) = 2x$. One also writes it $\frac{df}{dx}$, to say by which variable.
#
# ### The rules
#
# Nobody multiplies out every time. These rules are enough for the whole course:
#
# | function | derivative | example |
# |---|---|---|
# | a constant $c$ | $0$ | $5 \to 0$ |
# | a power $x^n$ | $n\,x^{n-1}$ | $x^3 \to 3x^2$, and $1/x = x^{-1} \to -1/x^2$ |
# | $e^x$ | $e^x$ | |
# | $\ln x$ | $1/x$ | |
# | $\sin x$ | $\cos x$ | |
# | $\cos x$ | $-\sin x$ | |
# | $\tanh x$ | $1 - \tanh^2 x$ | |
# | $c \cdot f$ | $c \cdot f'$ | $5x^3 \to 15x^2$ |
# | a sum $f + g$ | $f' + g'$ | $x^3 + x \to 3x^2 + 1$ |
# | a product $f \cdot g$ | $f' g + f g'$ | $x \sin x \to \sin x + x \cos x$ |
# | a chain $f(g(x))$ | $f'(g(x)) \cdot g'(x)$ | $\sin(5x) \to 5 \cos(5x)$ |
#
# ($\tanh$ is a smooth step: it rises from −1 on the far left through 0 to 1 on the far right. Networks like it.)
#
# You don't have to believe these rules. The slope between two very near points must come out almost the same. Here one
# point lies a millionth to the left of $x$ and the other a millionth to the right; that is closer to the truth than two
# points on one side, as [lesson 1](01_derivatives.py) shows.


# %%
def slope_of(f, x, h=1e-6):
    return (f(x + h) - f(x - h)) / (2 * h)


def compare(name, function, derivative):
    measured, by_rule = slope_of(function, 2.0), derivative(2.0)
    print(f"{name:8} at 2: measured {measured:.6f}, by the rule {by_rule:.6f}")
    assert abs(measured - by_rule) < 1e-6


# %% [markdown]
# To hand over a small function, one needn't give it a name: `lambda x: x**3` is the function that takes x and gives
# x³. So in the next cell each line has a function and what the rule says about its derivative.

# %%
compare("x³", lambda x: x**3, lambda x: 3 * x**2)
compare("x sin x", lambda x: x * np.sin(x), lambda x: np.sin(x) + x * np.cos(x))
compare("sin 5x", lambda x: np.sin(5 * x), lambda x: 5 * np.cos(5 * x))
compare("cos x", np.cos, lambda x: -np.sin(x))
compare("tanh x", np.tanh, lambda x: 1 - np.tanh(x) ** 2)
compare("ln x", np.log, lambda x: 1 / x)
compare("eˣ", np.exp, np.exp)

# %% [markdown]
# ### The chain rule, slowly
#
# The last rule is the one that deep learning lives on, so look at it once with numbers. Take $y = (2x + 1)^2$ at
# $x = 1$. It is made in two steps:
#
# * $u = 2x + 1$. Here $u = 3$, and when $x$ grows by a little, $u$ grows by 2 times as much.
# * $y = u^2$. Here $y = 9$, and when $u$ grows by a little, $y$ grows by $2u = 6$ times as much.
#
# So $y$ grows by $6 \cdot 2 = 12$ times as much as $x$. Slopes in a row are multiplied:
#
# $$ \frac{dy}{dx} = \frac{dy}{du} \cdot \frac{du}{dx} = 6 \cdot 2 = 12 . $$

# %%
measured = slope_of(lambda x: (2 * x + 1) ** 2, 1.0)
print(f"measured: {measured:.6f}")
assert abs(measured - 12) < 1e-6

# %% [markdown]
# ### Several variables
#
# Let $f(x, y) = x^2 y$. If you hold $y$ and move only $x$, you get a slope; if you hold $x$ and move only $y$, another
# one. They are called **partial derivatives** and are written with a round $\partial$. To compute one, treat the other
# variable as a constant:
#
# $$ \frac{\partial f}{\partial x} = 2xy, \quad \frac{\partial f}{\partial y} = x^2 . $$
#
# At $x = 3$, $y = 2$ they are 12 and 9. Both together, $(12, 9)$, are the **gradient**: one slope for each number that
# can be turned. For a network it has thousands, and training means to look at it again and again.

# %%
by_x = slope_of(lambda x: x**2 * 2, 3.0)  # y is held at 2
by_y = slope_of(lambda y: 3**2 * y, 2.0)  # x is held at 3
print(f"by x: {by_x:.6f}, by y: {by_y:.6f}")
assert abs(by_x - 12) < 1e-6 and abs(by_y - 9) < 1e-6

# %% [markdown]
# ## NumPy in ten minutes
#
# ### Arrays and shapes
#
# NumPy computes with *arrays*: many numbers in one box. The box has a **shape**. A row of three numbers has shape
# `(3,)`. A table with 2 rows and 3 columns has shape `(2, 3)`. We count from 0, so `table[0]` is the first row.

# %%
row = np.array([10.0, 20.0, 30.0])
table = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print("shapes:", row.shape, table.shape)
print("first row:", table[0], "  row 1, column 2:", table[1, 2])
print("all rows of column 0:", table[:, 0])
print("the first two of row:", row[:2], "  the last:", row[-1])

assert row.shape == (3,) and table.shape == (2, 3)
assert table[1, 2] == 6 and row[-1] == 30

# %% [markdown]
# ### Elementwise
#
# `+`, `*`, `**` and functions such as `np.exp` work on each number by itself. There is no loop to write.

# %%
print("row + 1  =", row + 1)
print("row * row =", row * row)
print("table**2 =")
print(table**2)
assert np.all(row * row == [100, 400, 900])

# %% [markdown]
# ### Along an axis
#
# A sum or a mean can go over everything, or along one *axis*. **The axis that you name is the one that disappears.**
# `table` has shape `(2, 3)`: axis 0 has length 2, axis 1 has length 3. With `axis=0` the 2 disappears and `(3,)` is
# left, one sum per column; with `axis=1` the 3 disappears and `(2,)` is left, one sum per row.

# %%
print("sum of all:    ", table.sum())
print("along axis 0:  ", table.sum(axis=0), "  one sum per column")
print("along axis 1:  ", table.sum(axis=1), "  one sum per row")
assert table.sum() == 21
assert np.all(table.sum(axis=0) == [5, 7, 9]) and np.all(table.sum(axis=1) == [6, 15])

# %% [markdown]
# ### The matrix product, `@`
#
# `a @ b` takes each row of `a` and each column of `b`, multiplies them number by number, and adds up. With a table and
# a column of weights it gives a weighted sum for each row of the table:
#
# $$ \begin{pmatrix} 1 & 2 & 3 \\ 4 & 5 & 6 \end{pmatrix} \begin{pmatrix} 10 \\ 20 \\ 30 \end{pmatrix}
#    = \begin{pmatrix} 140 \\ 320 \end{pmatrix} , $$
#
# because $1 \cdot 10 + 2 \cdot 20 + 3 \cdot 30 = 140$ and $4 \cdot 10 + 5 \cdot 20 + 6 \cdot 30 = 320$.
#
# NumPy's array of shape `(3,)` is neither a row nor a column, only three numbers: behind `@` it is used as a column,
# before it as a row. The lengths that meet must be equal, and they disappear: `(2, 3) @ (3, 4)` gives `(2, 4)`,
# `(2, 3) @ (3,)` gives `(2,)`, and `(100,) @ (100, 2)` gives `(2,)`. With `(2,) @ (2,)` nothing is left but a single
# number. Note that `*` is something else: it multiplies elementwise and adds up nothing.

# %%
weights = np.array([10.0, 20.0, 30.0])
print("table @ weights =", table @ weights)
print("(2, 3) @ (3, 4) gives", (table @ np.ones((3, 4))).shape)  # np.ones: 3 rows and 4 columns, all 1
print("(100,) @ (100, 2) gives", (np.ones(100) @ np.ones((100, 2))).shape)
print("(2,) @ (2,) gives", np.array([1.0, 2.0]) @ np.array([3.0, 4.0]))  # 1 · 3 + 2 · 4
assert np.all(table @ weights == [140, 320]) and (table @ np.ones((3, 4))).shape == (2, 4)
assert (np.ones(100) @ np.ones((100, 2))).shape == (2,) and np.array([1.0, 2.0]) @ np.array([3.0, 4.0]) == 11

# %% [markdown]
# ### Broadcasting
#
# What if two arrays of different shapes are added? NumPy writes one shape above the other, flush **right**. Two axes
# fit if they are equally long, or if one of them is 1 or missing; then that one is repeated. So a row fits each row of
# a table:
#
# ```text
# table    2  3          column   2  1
# row         3          row         3
# sum      2  3          sum      2  3
# ```
#
# `x[:, None]` makes a column of a row: `:` takes all that is there, and `None` puts a new axis of length 1 behind it.
# From shape `(2,)` it makes `(2, 1)`.

# %%
print("table + row =")
print(table + row)
x = np.array([1.0, 2.0])
print("x has shape", x.shape, "and x[:, None] has", x[:, None].shape)
print("x[:, None] + row =")
print(x[:, None] + row)
assert x[:, None].shape == (2, 1)
assert np.all(x[:, None] + row == [[11, 21, 31], [12, 22, 32]])

# %% [markdown]
# This is handy, and it is also the most frequent source of silent mistakes: a shape that you didn't expect, and no
# error message. So when in doubt, print the shape.
#
# ### How many digits
#
# A number in an array has a *dtype*. `float64` keeps about 16 digits and is what NumPy takes by itself. `float32` needs
# half of the memory and keeps about 7; networks are usually trained with it.
#
# ### Random numbers
#
# `np.random.default_rng(0)` makes a generator of random numbers. The number in brackets is the *seed*: with the same
# seed you get the same numbers, today and tomorrow, here and on your machine. That is why the lessons can say what
# will come out.

# %%
rng = np.random.default_rng(0)
print("from 0 to 1:  ", rng.random(3).round(3))
print("around 0:     ", rng.normal(size=3).round(3))
print("whole numbers:", rng.integers(1, 7, size=5))
again = np.random.default_rng(0)
assert np.all(np.random.default_rng(0).random(3) == again.random(3))

# %% [markdown]
# ## A class, enough to read one
#
# From [lesson 5](05_layers_and_the_loop.py) on you will read classes. A class says what a kind of thing keeps and does:


# %%
class Line:
    def __init__(self, slope):  # runs when you make a line: Line(3)
        self.slope = slope  # self is the line that is being made, and it keeps this number

    def __call__(self, x):  # runs when you use a line like a function
        return self.slope * x


class Raised(Line):  # inherits: it has all that a Line has, but …
    def __call__(self, x):  # … this one takes the place of Line's
        return self.slope * x + 100


line, raised = Line(3), Raised(3)  # two instances
print(line.slope, line(10), raised.slope, raised(10))
assert (line.slope, line(10), raised.slope, raised(10)) == (3, 30, 3, 130)

# %% [markdown]
# `raised.slope` is 3 although `Raised` has no `__init__` of its own: it has inherited the one of `Line`.
#
# ## Five words of statistics
#
# Later lessons use these words, and remind you of them when they do.
#
# * The **mean** of some numbers is their sum divided by how many they are: of 1, 2, 6 it is 3.
# * The **variance** is the mean of the squared distances from the mean: of 1, 2, 6 it is
#   $(4 + 1 + 9)/3 \approx 4.67$. It says how far apart the numbers lie.
# * The **standard deviation** is the root of the variance, here 2.16. It has the unit of the numbers themselves.
# * Now roll a die, on and on. The **probability** of a six is the share of the rolls that give one:
#   $1/6 \approx 0.167$.
# * The **expectation** is the mean of all these rolls: $(1 + 2 + 3 + 4 + 5 + 6)/6 = 3.5$. It is written $E[X]$, where
#   $X$ stands for the number that chance decides, here the roll.

# %%
numbers = np.array([1, 2, 6])
print(f"mean {numbers.mean():.2f}, variance {numbers.var():.2f}, standard deviation {numbers.std():.2f}")
rolls = np.random.default_rng(0).integers(1, 7, size=100_000)
print(f"100,000 rolls: mean {rolls.mean():.2f}, share of sixes {np.mean(rolls == 6):.3f}")

assert numbers.mean() == 3 and abs(numbers.var() - 4.67) < 0.01 and abs(numbers.std() - 2.16) < 0.01
assert abs(rolls.mean() - 3.5) < 0.02 and abs(np.mean(rolls == 6) - 0.167) < 0.005

# %% [markdown]
# That is all. Five questions come next. If you read this in an editor, don't read the code of their cells: it has the
# answers.
#
# ## Five questions
#
# Answer each with pen and paper before you click on a choice. (A script prints the answers last of all, in a terminal
# only when you press Enter.) Three right answers are plenty: the lessons come back to all of this, and so can you.

# %% tags=["remove-input"] jupyter={"source_hidden": true}
# Run this cell for question 1; what it hides gives the answer away.
answer = slope_of(lambda x: 3 * x**2 + 1, 2.0)
quiz(
    "1. What is the derivative of `f(x) = 3x² + 1` at `x = 2`?",
    {
        "13": "Not quite: 13 is the value of f at 2, not its slope there.",
        f"{answer:.0f}": "Right: 3x² has the derivative 6x, which is 12 at 2; the constant 1 has the derivative 0.",
        "4": "Not quite: x² has the slope 2x = 4 at 2, but 3x² is three times as steep.",
        "6": "Not quite: 6x is the derivative, and you still have to put in x = 2.",
    },
)

# %% tags=["remove-input"] jupyter={"source_hidden": true}
# Run this cell for question 2; what it hides gives the answer away.
answer = slope_of(lambda w: (3 * w + 2) ** 2, 1.0)
quiz(
    "2. Let `f(w, b) = (3w + b)²`. What is `∂f/∂w` at `w = 1`, `b = 2`?",
    {
        f"{answer:.0f}": "Right: b is held, so it is the chain rule: 2 · (3 + 2) · 3 = 30.",
        "10": "Not quite: that is ∂f/∂b, where the inside has the slope 1. When w moves, the inside has the slope 3.",
        "18": "Not quite: b is held, but it is still there. The inside is 3 + 2 = 5, not 3.",
        "40": "Not quite: that is ∂f/∂w and ∂f/∂b added up. A partial derivative moves one variable only.",
    },
)

# %% tags=["remove-input"] jupyter={"source_hidden": true}
# Run this cell for question 3; what it hides gives the answer away.
x, w = np.ones((100, 3)), np.ones((3, 2))
answer = (x @ w).shape
quiz(
    "3. `x` has shape `(100, 3)`: 100 examples of 3 numbers. `w` has shape `(3, 2)`. What is the shape of `x @ w`?",
    {
        "(100, 3, 2)": "Not quite: the 3 meets the 3, is summed over, and disappears.",
        f"{answer}": "Right: the two lengths that meet, 3 and 3, are equal and disappear. Each example gets 2 numbers.",
        "(2, 100)": "Not quite: the rows come from x, which stands on the left, and the columns from w.",
        "none, it fails": "Not quite: `x * w` would fail. For `@`, the last axis of x must fit the first of w: 3 = 3.",
    },
)

# %% tags=["remove-input"] jupyter={"source_hidden": true}
# Run this cell for question 4; what it hides gives the answer away.
answer = np.var([2, 4, 12])
quiz(
    "4. The numbers 1, 2, 6 have the variance 4.67. What is the variance of twice these numbers, 2, 4, 12?",
    {
        "4.67": "Not quite: adding the same to all would leave it as it is. Doubling moves the numbers apart.",
        "6": "Not quite: that is the new mean.",
        "9.33": "Not quite: the distances from the mean double, but the variance takes their squares.",
        f"{answer:.2f}": "Right: the distances from the mean double, their squares are 4 times as large: 4 · 4.67.",
    },
)

# %% tags=["remove-input"] jupyter={"source_hidden": true}
# Run this cell for question 5; what it hides gives the answer away.
p, y = np.ones((5, 1)), np.ones(5)
answer = (p - y).shape
quiz(
    "5. `p` has shape `(5, 1)` and `y` has shape `(5,)`. What is the shape of `p - y`?",
    {
        "(5,)": "Not quite: shapes are aligned on the right, so the 5 of y stands below the 1 of p, not below its 5.",
        "(5, 1)": "Not quite: the 1 of p is repeated 5 times, to fit the 5 of y.",
        f"{answer}": "Right: the 1 of p is repeated along y, and the missing axis of y along p. Every p meets every y.",
        "none, it fails": "Not quite: a pity, but it doesn't. 5 above a missing axis fits, and 1 above 5 fits.",
    },
)

# %% [markdown]
# The fifth is the one that even experienced people get wrong. You will see what it does to a training loop in
# [lesson 2](02_one_neuron.py).
#
# ## How to run a lesson
#
# A lesson is one Python file. You can read it as a page of the site and never run anything. But it asks you to predict
# what a cell will print, and it is more fun to run that cell yourself, and to change it. First install tinydl, in a
# clone of its repository:
#
# ```bash
# python -m pip install .
# ```
#
# Then there are three ways.
#
# * **As a script.** `python tutorials/01_derivatives.py` prints the numbers and saves the pictures beside the file.
# * **As a notebook in Jupyter.** JupyterLab opens such a file as a notebook with the help of a package, Jupytext:
#
#   ```bash
#   python -m pip install jupyterlab jupytext
#   python -m jupyter lab tutorials
#   ```
#
#   In the list of files on the left, right-click on a lesson, then *Open With* → *Notebook*; if you are asked for a
#   kernel, take Python 3. (A double click would show the lesson as text.) Shift and Enter together run a cell and go
#   to the next. If you would rather have an ordinary notebook file,
#   `python -m jupytext --to ipynb tutorials/01_derivatives.py` writes one beside the lesson, and each page of the site
#   has one to download.
# * **In VS Code**, with its extensions *Python* and *Jupyter*: open the file, and above each `# %%` stands *Run Cell*.
#
# The `# %%` are what makes cells of a script: `# %%` begins a cell of code, `# %% [markdown]` a cell of text. To Python
# both are comments.
#
# ## What each lesson needs
#
# The lessons build on each other, and you can simply take them in order. If you want to jump, this is what they stand
# on. A number is a lesson, "here" this page.
#
# | Lesson | What it needs |
# |---|---|
# | [1. A derivative is a limit](01_derivatives.py) | here: the derivative |
# | [2. One neuron by hand](02_one_neuron.py) | 1; here: the chain rule, arrays |
# | [3. The graph](03_the_graph.py) | 2; here: a class |
# | [4. From numbers to arrays](04_arrays.py) | 3; here: shapes, `@`, broadcasting |
# | [5. Layers and the loop](05_layers_and_the_loop.py) | 3, 4; here: a class |
# | [6. Linear regression](06_linear_regression.py) | 5; here: mean, variance |
# | [7. Losses are likelihoods](07_likelihood.py) | 2, 6; here: mean, variance |
# | [8. Activations and initialisation](08_initialisation.py) | 4, 5, 7; here: variance, expectation |
# | [9. A network on real digits](09_digits.py) | 5, 7 |
# | [10. Optimizers](10_optimizers.py) | 5, 6, 9 |
# | [11. Overfitting](11_overfitting.py) | 5, 9, 10 |
# | [12. Trusting a gradient](12_trusting_a_gradient.py) | 1, 4, 7 |
# | [13. The bug lab](13_bug_lab.py) | 5, 7, 10, 12 |
# | [14. Build it yourself](14_build_it_yourself.py) | 3, 4 |
# | [15. Your step as a NumPy program](15_your_step_as_a_program.py) | 4, 5 |
# | [16. Convolution: the same small question everywhere](16_convolution.py) | 4, 5, 9 |
# | [17. Deep networks: a way past twenty layers](17_deep_networks.py) | 8, 9, 10, 15, 16 |
# | [18. Sequences: a network that reads letter by letter](18_sequences.py) | 5, 7, 8, 9, 15 |
# | [19. Attention, and a small GPT](19_attention.py) | 7, 8, 10, 17, 18 |
# | [20. Smaller, elsewhere](20_smaller_elsewhere.py) | 7, 9, 10, 15 |
# | [21. Many hands](21_many_hands.py) | 4, 5, 9, 17 |
# | [22. What does it look at?](22_what_does_it_look_at.py) | 1, 9 |
# | [23. Keeping secrets](23_keeping_secrets.py) | 4, 5, 9, 11, 15 |
# | [E1. Where is it?](e1_where_is_it.py) | 9, 16 |
# | [E2. Fill in the blank](e2_fill_in_the_blank.py) | 9, 19 |
# | [E3. Speech: which vowel was that?](e3_speech.py) | 9, 15, 16 |
# | [E4. Dropout in recurrent nets: a claim put to the test](e4_recurrent_dropout.py) | 11, 15, 18 |
# | [E5. The bug lab, second ward](e5_second_ward.py) | 13, 16, 18, 19 |
#
# Ready? Next: [lesson 1](01_derivatives.py).
