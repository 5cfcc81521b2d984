# %% [markdown]
# # 21. Many hands
#
# One machine is not enough, or you have two cores and use one. How do several processes train one model, and is it
# still the same model?
#
# A **process** is a running program, with a memory of its own. What it wants to tell another process, it has to send.
# So who works on what, what must be sent, and what does that cost? You cut the batch first, then the model. Real
# processes run here, and each time one process alone says what is right.
#
# *You need:* the rule of a matrix product ([lesson 4](04_arrays.py)); batches and the training loop
# ([lesson 5](05_layers_and_the_loop.py)); the digits ([lesson 9](09_digits.py)); batch normalisation
# ([lesson 17](17_deep_networks.py)). And two packages: `python -m pip install ".[parallel]"`. Without them the page
# runs, too, and leaves out what needs two processes.

# %%
import functools
import importlib.util
import inspect
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import SimpleNamespace

# %%
import matplotlib.pyplot as plt
import numpy as np
from _lesson import BLUE, GREEN, ORANGE, PURPLE, show

import tinydl as tl
from tinydl import data, nn, optim
from tinydl import functional as F
from tinydl.parallel import Alone, all_sum, share, sum_gradients

# %% [markdown]
# ## Cut the batch
#
# Let $p$ processes share a batch of $n$ rows. They are numbered from 0 and called **ranks**. Rank $r$ takes
# $n_r$ of the rows, and $L_r$ is the mean loss of these. The loss of the batch is the mean over all rows, so
#
# $$ L = \sum_r \frac{n_r}{n}\, L_r , \qquad \nabla L = \sum_r \frac{n_r}{n}\, \nabla L_r . \tag{1} $$
#
# The gradient of the batch is a *sum* over the ranks, each with a factor: its share of the rows. First the parts:

# %%
train = data.split(data.digits(), 0.8, seed=0)[0]
batch = train[:7]
parts = [batch[rows] for rows in np.array_split(np.arange(7), 3)]
print("rows of each rank:", [len(part) for part in parts])
for rank, part in enumerate(parts):  # share wants to know a rank's number, and how many there are
    x, y = share((batch.x, batch.y), SimpleNamespace(rank=rank, size=3))
    assert np.array_equal(x, part.x) and np.array_equal(y, part.y)
assert [len(part) for part in parts] == [3, 2, 2]

# %% [markdown]
# > **Predict.** Take the gradient of each of these parts, and the plain mean of the three. Is it the gradient of the
# > batch? And if there were 6 rows?


# %%
def network(seed):
    tl.manual_seed(seed)
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def numbers(model):  # all parameters, one after the other
    return np.concatenate([p.data.ravel() for p in model.parameters()])


# %%
def gradient(rows, factor=1.0):
    model = network(seed=0)
    (F.cross_entropy(model(rows.x), rows.y) * factor).backward()
    return np.concatenate([p.grad.data.ravel() for p in model.parameters()])


whole = gradient(batch)
with_shares = sum(gradient(part, len(part) / len(batch)) for part in parts)
plain_mean = np.mean([gradient(part) for part in parts], axis=0)
error = np.linalg.norm(plain_mean - whole) / np.linalg.norm(whole)
print(f"off by: with shares {np.abs(with_shares - whole).max():.0e}; plain mean {error:.0%} of the gradient")
assert np.allclose(with_shares, whole, atol=1e-6) and abs(error - 0.1) < 0.02
mean_of_pairs = np.mean([gradient(batch[i : i + 2]) for i in (0, 2, 4)], axis=0)
print(f"6 rows, plain mean: {np.abs(mean_of_pairs - gradient(batch[:6])).max():.0e}")

# %% [markdown]
# With 6 rows it is. With 7 it is off by a tenth, since a row of a small part counts more. Nothing breaks; it is only
# another gradient. So take (1) as it stands, and put the share at the *loss*, before `backward`, as `factor` does. Then
# all that is left is to add gradients. (A rank without rows has no loss. It must skip that, and add zeros.)
#
# ## Two processes
#
# Each process gets a copy of the model and computes the gradient of its part. They add their gradients, and all make
# the same step. So the copies stay equal. This is called **data parallel** training.
#
# One function does the adding. All ranks call `comm.Allreduce(send, total)`. Each gives an array `send`, and after the
# call each has the sum of them all in its own `total`. `comm` is a **communicator**, which joins the processes: it
# knows its `rank`, and `size`, how many there are. It comes from **MPI**, a standard of 1994 that supercomputers still
# use; in Python from the package `mpi4py`. Our training loop, with five lines more and a factor at the loss:


# %%
def by_hand(comm):
    model = network(seed=0)  # the same on each rank
    sgd, batches = optim.SGD(model.parameters(), lr=0.3), data.batches(train, 64, seed=np.random.default_rng(0))
    for x, y in [batch for _ in range(3) for batch in batches]:  # three epochs, in the same order on each rank
        x_part, y_part = share((x, y), comm)
        loss = F.cross_entropy(model(x_part), y_part) * (len(y_part) / len(y))
        sgd.zero_grad()
        loss.backward()
        for p in model.parameters():
            total = np.empty_like(p.grad.data)
            comm.Allreduce(p.grad.data, total)
            p.grad = tl.tensor(total)
        sgd.step()
    return numbers(model)


# %% [markdown]
# `by_hand(Alone())` runs it here: `Alone` is a communicator of one, whose sum is what it is given. For two processes
# `run` writes the function into a file, which `mpiexec` starts twice. Each rank saves what the function gives. Why with
# one thread? NumPy's matrix product takes all cores by itself, so two ranks on two cores would have four threads, which
# wait for each other.

# %%
mpiexec = shutil.which("mpiexec", path=sysconfig.get_path("scripts")) or shutil.which("mpiexec")
ready = mpiexec is not None and importlib.util.find_spec("mpi4py") is not None
HEAD = """import functools, numpy as np, tinydl as tl
from mpi4py import MPI
from tinydl import data, functional as F, nn, optim
from tinydl.parallel import all_sum, share, sum_gradients
train = data.split(data.digits(), 0.8, seed=0)[0]
"""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


# %%
def run(function, *others, ranks=2):  # what function(comm) gives on each rank; None where there is no MPI
    if not ready:
        return print('Left out, as there is no MPI: python -m pip install ".[parallel]"')
    sources = [inspect.getsource(each) for each in (network, numbers, *others, function)]
    call = f'comm = MPI.COMM_WORLD\nnp.save(f"{{comm.rank}}.npy", {function.__name__}(comm))\n'
    command = [mpiexec, "-n", str(ranks), sys.executable, "-m", "mpi4py", "script.py"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "script.py").write_text("\n".join([HEAD, *sources, call]), encoding="utf-8")
        done = subprocess.run(command, cwd=folder, env={**os.environ, **ONE_THREAD},
                              capture_output=True, text=True, timeout=120)  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [np.load(Path(folder, f"{rank}.npy")) for rank in range(ranks)]


# %% [markdown]
# > **Predict.** After 69 steps, have the two ranks the same parameters, to the last bit? And has one process alone?

# %%
alone, two = by_hand(Alone()), run(by_hand)
if two:
    print("two ranks, the same bits:", np.array_equal(two[0], two[1]))
    print(f"largest difference from one process: {np.abs(two[0] - alone).max():.0e}")
    assert np.array_equal(two[0], two[1]) and np.abs(two[0] - alone).max() < 1e-5
assert 3 * np.ceil(len(train) / 64) == 69

# %% [markdown]
# The ranks agree to the bit: they began alike, and got the same sums. One process agrees but for rounding, since it
# adds the same 64 numbers in another order. So it *is* the same model, and learning rate and batch size mean what they
# meant. (Dropout is the exception: each rank should drop units of its own, so that is another draw, as with another
# seed.)
#
# `tl.fit` has all of it behind an argument. We even give its ranks different first weights:


# %%
def by_fit(comm):
    model = network(seed=comm.rank)
    tl.fit(model, train, loss=F.cross_entropy, optimizer=optim.SGD(model.parameters(), lr=0.3),
           epochs=3, batch_size=64, seed=0, comm=comm, progress=False)  # fmt: skip
    return numbers(model)


fitted = run(by_fit)
if fitted:
    print(f"fit on two ranks: {np.abs(fitted[0] - alone).max():.0e} from the loop by hand on one")
assert np.allclose(by_fit(Alone()), alone, atol=1e-5)
assert fitted is None or (np.array_equal(fitted[0], fitted[1]) and np.abs(fitted[0] - alone).max() < 1e-5)

# %% [markdown]
# For `fit` begins by sending rank 0's weights to all, as `tl.parallel.broadcast` does. In a program of your own, say
# `train.py`, nothing of `run` is needed. Write `from mpi4py import MPI` and `tl.fit(…, comm=MPI.COMM_WORLD)`, and start
# it by `mpiexec -n 2 python -m mpi4py train.py`.
#
# > **Predict.** In a loop of your own you forget that. Two ranks begin with different weights, and add their gradients
# > in 69 steps. Do their weights come closer? And does the loss fall?


# %%
def epoch(model, comm, batch_size):  # as by_hand, but sum_gradients sends all four arrays in one message
    sgd = optim.SGD(model.parameters(), lr=0.3)
    for x, y in data.batches(train, batch_size, seed=0):
        x_part, y_part = share((x, y), comm)
        sgd.zero_grad()
        (F.cross_entropy(model(x_part), y_part) * (len(y_part) / len(y))).backward()
        sum_gradients(model.parameters(), comm)
        sgd.step()
    return numbers(model)


def careless(comm):
    model, states = network(seed=comm.rank), []
    for i in range(4):  # at first, and after each of three epochs: the numbers, and last the loss
        weights = epoch(model, comm, 64) if i else numbers(model)
        states.append([*weights, tl.evaluate(model, train, loss=F.cross_entropy)["loss"]])
    return np.array(states)


# %%
found = run(careless, epoch)
if found:
    before, *_, after = (found[0] - found[1])[:, :-1]  # the difference of the two ranks, at first and at last
    print(f"typical difference of a weight: before {before.std():.3f}, after {after.std():.3f}")
    right = careless(Alone())
    print("loss of rank 0:", *found[0][:, -1].round(2), "and of one process:", *right[:, -1].round(2))
    assert np.allclose(before, after, atol=1e-4) and before.std() > 0.05
    assert found[0][0, -1] > 2 > 1 > found[0][-1, -1] > right[-1, -1]

# %% [markdown]
# > **What goes wrong.** *Copies that aren't copies.* Both ranks made the same steps, so their difference stayed what it
# > was. But each step is the sum of slopes at two places, right for neither. The loss falls all the same, but slower.
# > How you notice: compare a checksum of the parameters over the ranks, as `fit` does after each epoch. Ranks that
# > shuffle differently are of this kind, too: some rows of an epoch are used twice, others never.
#
# ## What a rank doesn't see
#
# One layer looks at the whole batch: batch normalisation. A rank sees only its part of it. We train with `BatchNorm1d`
# on each rank, then with `SyncBatchNorm`, which adds up the sums of all ranks before it divides.


# %%
def normalised(comm):
    results = []
    for norm in (nn.BatchNorm1d(32), nn.SyncBatchNorm(32, comm=comm)):
        tl.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32, bias=False), norm, nn.ReLU(), nn.Linear(32, 10))
        weights = epoch(model, comm, 8)  # of two ranks each has 4 rows
        results.append([*weights, tl.evaluate(model, train, loss=F.cross_entropy)["loss"]])
    return np.array(results)


# %%
alone, two = normalised(Alone())[0], run(normalised, epoch)
print(f"loss: one process {alone[-1]:.3f}")
if two:
    for name, a, b in (("own", two[0][0], two[1][0]), ("sync", two[0][1], two[1][1])):
        print(f"{name:<4}: ranks {a[-1]:.3f} and {b[-1]:.3f}; the same parameters: {np.array_equal(a[:-1], b[:-1])}")
    (own_0, sync_0), (own_1, sync_1) = two
    assert np.array_equal(own_0[:-1], own_1[:-1]) and abs(own_0[-1] - own_1[-1]) > 1e-4
    assert min(own_0[-1], own_1[-1]) > alone[-1] + 0.02 and abs(alone[-1] - 0.225) < 0.03
    assert np.array_equal(sync_0, sync_1) and np.abs(sync_0 - alone).max() < 1e-3

# %% [markdown]
# > **What goes wrong.** *Each rank normalises by its own part.* The ranks' parameters agree, so all looks well. But it
# > is another model than that of one process, and a worse one, with each of five seeds: 4 rows say less about a mean.
# > And the running averages are each rank's own, so in eval mode even the ranks disagree. How you notice: compare
# > buffers, too. `fit(comm=)` refuses `BatchNorm` and names `SyncBatchNorm`.
#
# `SyncBatchNorm` stands on `all_sum`, an `Allreduce` in the middle of the forward pass. What is its rule? Rank $s$ has
# $x_s$, and each rank $r$ gets $y_r = \sum_s x_s$, from which it makes its loss $L_r$, share included. By (1) we
# minimise the *sum* of these losses. Now $x_s$ is in every $y_r$, and so in every rank's loss. Let $g_r$ be the
# derivative by $y_r$, which rank $r$ knows. Then
#
# $$ \frac{\partial}{\partial x_s} \sum_r L_r = \sum_r g_r . \tag{2} $$
#
# The rule of `all_sum` is `all_sum` again. It mixes gradients of all ranks *during* `backward`. So the shares must be
# in the losses already; to multiply afterwards would be too late.
#
# ## What a message costs
#
# How do four processes add up their arrays? All could send theirs to rank 0, which would do all the work. Better is a
# **ring**: each sends to its right neighbour only, and the last to the first. Cut each array into $p$ pieces. In each
# step each rank passes on one piece, and adds what comes from the left to its own: first its own piece $r$, then always
# the piece that it has just got, $r - 1$, $r - 2$ and so on. After $p - 1$ steps each rank has one piece to which all
# have added. In $p - 1$ steps more the finished pieces go round.


# %%
def ring(held):  # held[r, k]: piece k of rank r
    p, states = len(held), [held]
    for step in range(2 * (p - 1)):
        old, new = states[-1], states[-1].copy()
        for r in range(p):
            piece, right = (r - step) % p, (r + 1) % p
            new[right, piece] = old[r, piece] + (old[right, piece] if step < p - 1 else 0)
        states.append(new)
    return states


arrays = np.random.default_rng(0).normal(size=(4, 4))  # of four ranks; each piece is one number
assert np.allclose(ring(arrays)[-1], arrays.sum(axis=0)) and len(ring(arrays)) == 1 + 6

# %%
counts = ring(np.ones((4, 4), int))  # how many summands are in each piece
figure, panels = plt.subplots(2, 4, figsize=(7.4, 4.1))
for step, (panel, count) in enumerate(zip(panels.flat, counts, strict=False)):
    panel.imshow(count, cmap="Blues", vmin=0, vmax=6)
    for (r, k), number in np.ndenumerate(count):
        panel.text(k, r, number, ha="center", va="center", fontsize=12, weight="bold" if number == 4 else "normal")
    panel.set(title="at first" if step == 0 else f"after step {step}", xticks=range(4), yticks=[])
    if step % 4 == 0:
        panel.set(yticks=range(4), yticklabels=[f"rank {r}" for r in range(4)])
    panel.set_xlabel("piece")
panels[1, 3].axis("off")
show(figure, "21_many_hands_1", "Seven tables of four ranks by four pieces, with the number of summands in each piece. "
     "At first all are 1. After three steps each rank has one piece with 4, after six steps all are 4.")  # fmt: skip

# %% [markdown]
# Look at the bold 4s: one in each row after step 3, and everywhere after step 6. There are $2(p - 1)$ steps. In each
# all ranks send at the same time, $n / p$ of their $n$ bytes:
#
# $$ t(p, n) = 2 (p - 1) \left( a + \frac{n}{p\, b} \right) . \tag{3} $$
#
# $a$ is the **latency**, the time that even an empty message takes. $b$ is the **bandwidth**: how many bytes go through
# in a second. Now measure with two ranks, $p = 2$:


# %%
def measured(comm):
    from time import perf_counter

    times = []
    for size in 4 ** np.arange(4, 12):  # bytes; a float32 has 4
        send, total, each = np.ones(size // 4, np.float32), np.empty(size // 4, np.float32), []
        for _ in range(30):
            comm.Barrier()  # wait until all are here
            start = perf_counter()
            comm.Allreduce(send, total)
            each.append(perf_counter() - start)
        times.append(min(each))  # the quickest: other programs may run here, too
    return np.array(times)


# %%
sizes, times = 4 ** np.arange(4, 12), run(measured)
elsewhere = 1e-6 * np.array([7.4, 7.0, 7.8, 29, 73, 227, 456, 2000])  # for where there is no MPI
seconds = times[0] if times else elsewhere
terms = np.stack([np.full(8, 2), sizes], axis=1)  # t = 2 a + n / b
a, one_by_b = np.linalg.lstsq(terms / seconds[:, None], np.ones(8))[0].clip(1e-12)  # with the least relative errors
figure, axes = plt.subplots(figsize=(6, 3.4))
axes.loglog(sizes, 1e6 * seconds, "o", color=ORANGE, label="measured" if times else "measured elsewhere")
axes.loglog(sizes, 1e6 * terms @ [a, one_by_b], color=BLUE, label="formula (3), fitted")
axes.set(xlabel="bytes", ylabel="time in µs")
axes.legend()
show(figure, "21_many_hands_2", "The time of a message over its bytes, both logarithmic. Up to some thousand bytes the "
     "points are level; then they rise in proportion to the bytes, and so does the fitted curve.")  # fmt: skip
print(f"latency {1e6 * a:.1f} µs, bandwidth {1e-9 / one_by_b:.1f} GB/s")
assert seconds[-1] > seconds[0]

# %% [markdown]
# Short messages take the same time, that of the latency, and long ones take time in proportion to their bytes. In
# between, MPI changes how it sends, and the formula says half or less. (How $p$ enters (3) isn't tested here: with two
# ranks every ring and every other way look like $2a + n/b$.) On one machine, when nothing else ran, it was 3.5 to 5 µs
# and about 2 GB/s.
#
# And the computing? Twice the rows take twice the time. But a message has the size of the *parameters*, however many
# rows there are. So two ranks should win if there are rows enough.
#
# > **Predict.** A network of 1.2 MB takes about 3 ms for a step with 64 rows, and 34 ms with 1,024. A message takes
# > 0.6 ms by (3). How many times as fast are two ranks, with 64 rows and with 1,024?


# %%
def timed_step(model, adam, x, y, comm):  # seconds of computing, waiting, adding and updating
    from time import perf_counter  # here, since the ranks get this function's source

    adam.zero_grad()
    times = [perf_counter()]
    (F.cross_entropy(model(x), y) / comm.size).backward()
    times.append(perf_counter())
    comm.Barrier()  # until the other rank is as far
    times.append(perf_counter())
    if comm.size > 1:
        sum_gradients(model.parameters(), comm)
    times.append(perf_counter())
    adam.step()
    return np.diff([*times, perf_counter()])


# %%
def step_in_parts(comm):  # milliseconds, with 64 rows and with 1,024; of 20 steps the quickest
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    adam = optim.Adam(model.parameters())
    batches = [share((train.x[:n], train.y[:n]), comm) for n in (64, 1024)]
    steps = [[timed_step(model, adam, x, y, comm) for _ in range(20)] for x, y in batches]
    return 1e3 * np.min(steps, axis=1)


# %%
one, two = run(step_in_parts, timed_step, ranks=1), run(step_in_parts, timed_step)
for i, rows in enumerate((64, 1024)) if two else ():
    print(f"{rows} rows, milliseconds of computing, waiting, adding, updating:")
    print("  one rank:   ", *one[0][i].round(1), "together", one[0][i].sum().round(1))
    print("  each of two:", *two[0][i].round(1), "together", two[0][i].sum().round(1))
    print(f"  so two are {one[0][i].sum() / two[0][i].sum():.1f} times as fast")

# %% [markdown]
# If all but the message were cut in two, it would be 3 / 2.1 = 1.4 and 34 / 17.6 = 1.9 times. With 1,024 rows it comes
# near that. With 64 rows it is less, and the parts say why. Computing isn't halved: with so few rows much of it goes by
# the parameters, to read them and to write a gradient for each. The update isn't cut at all, each rank makes all of it.
# And adding is more than sending, since gradients are packed into one array and unpacked. (The times change with what
# else the machine does. Then ranks wait for each other longer, too; these are the quickest.)
#
# What two ranks gained on that quiet machine, in three runs of `benchmarks/parallel.py`, with Adam. (The whole table is
# in `benchmarks/README.md`, "Many processes".)
#
# | network | MB | batch 64 | batch 256 | batch 1,024 |
# |---|---|---|---|---|
# | 64-128-128-10 | 0.1 | × 0.8 to 1.0 | × 1.6 to 1.9 | × 1.3 to 2.0 |
# | 64-512-512-10 | 1.2 | × 0.4 to 0.5 | × 1.6 to 2.0 | × 1.4 to 1.5 |
# | 64-1024-1024-10 | 4.5 | × 0.9 to 1.0 | × 1.3 to 1.5 | × 1.6 to 1.9 |
#
# With 64 rows two ranks are no quicker than one, and mostly *slower*. With more rows they win, but hardly ever twice:
# two cores share the way to one memory, and each rank makes the whole update. What isn't cut sets a bound, with any
# number of ranks. (Why the gains aren't in the order of the sizes, these figures don't say. Measure your own.)
#
# ## Cut the model
#
# And if the model is too large for one memory? Then each rank has a *part of the model*, and sees all rows. Take two
# layers, $y = \operatorname{relu}(x W_1)\, W_2$. Cut $W_1$ by columns into $A_1$ and $A_2$, and $W_2$ by rows into
# $B_1$ and $B_2$: each rank has half of the hidden units, with all that goes in and out of them. Then
#
# $$ y = \operatorname{relu}(x A_1)\, B_1 + \operatorname{relu}(x A_2)\, B_2 . \tag{4} $$
#
# Each rank computes one summand, and one `all_sum` makes $y$. That is called **tensor parallel** (Mohammad Shoeybi and
# others, 2019). Then each rank computes the loss of this $y$, and its gradients. We try the loss as it is, and divided
# by the number of ranks.


# %%
def cut_model(comm):
    rng, gradients = np.random.default_rng(0), []
    x, w1, w2 = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 6), (6, 8), (8, 3)))
    units = share(np.arange(8), comm)  # the hidden units of this rank
    for divisor in (1, comm.size):
        a, b = tl.tensor(w1[:, units], requires_grad=True), tl.tensor(w2[units])
        y = all_sum(F.relu(x @ a) @ b, comm)
        assert np.allclose(y.data, np.maximum(x @ w1, 0) @ w2, atol=1e-4)  # each rank has the whole y
        ((y * y).mean() / divisor).backward()
        gradients.append(a.grad.data)
    return np.stack(gradients)


# %%
whole, parts = cut_model(Alone())[0], run(cut_model)
if parts:
    as_it_is, divided = np.concatenate(parts, axis=2)  # the columns of both ranks, side by side
    print("gradient, by that of one process:", *(each[0, 0] / whole[0, 0] for each in (as_it_is, divided)))
    assert np.allclose(as_it_is, 2 * whole, rtol=1e-3, atol=1e-4) and np.allclose(divided, whole, rtol=1e-3, atol=1e-4)

# %% [markdown]
# > **What goes wrong.** *One loss, counted on each rank.* By (2) we minimise the sum of the ranks' losses. If two have
# > the same loss, that sum is twice the loss, and all gradients are doubled. So each divides its loss by `size`. How
# > you notice: compare a gradient with that of one process. The loss itself looks right, and Adam hides the factor.
#
# Layers before the cut need $\partial L / \partial x$. Every rank had the same $x$, and each finds only what comes back
# through its own units. So these are added, with one more `all_sum`: with $g$, the derivative of the loss by $y$, and
# $h_r = \operatorname{relu}(x A_r)$,
#
# $$ \frac{\partial L}{\partial x} = \sum_r \bigl( (g B_r^{\mathsf T}) \odot [h_r > 0] \bigr) A_r^{\mathsf T} . $$
#
# And $A_r$ and $B_r$ themselves? Nobody else has them, so their gradients are *not* added up.


# %%
def slope_by_x(comm):
    rng = np.random.default_rng(0)
    x, w1, w2 = (rng.normal(size=shape).astype(np.float32) for shape in ((5, 6), (6, 8), (8, 3)))
    x, units = tl.tensor(x, requires_grad=True), share(np.arange(8), comm)
    y = all_sum(F.relu(x @ w1[:, units]) @ w2[units], comm)
    ((y * y).mean() / comm.size).backward()
    return all_sum(x.grad.data, comm)  # of arrays it is just their sum


whole, parts = slope_by_x(Alone()), run(slope_by_x)
assert parts is None or np.allclose(parts, [whole, whole], rtol=1e-3, atol=1e-4)

# %% [markdown]
# On the machine of the table forward and backward of a network 512-4096-512, cut like this, took half of the time, even
# with a single row.
#
# ## Cut it between layers
#
# Or one rank has the first half of the layers, and another the second half. Each is a **stage**, and a request goes
# through one after the other: a **pipeline**. Only what comes out of a stage is sent.
#
# > **Predict.** Two stages take 1 s each. How long do 1 and 4 requests take, and how long in one process?


# %%
def ends(requests, times):  # when each request has passed each stage; times: of the stages
    end = np.zeros((requests + 1, len(times) + 1), int)
    for k, s in np.ndindex(requests, len(times)):  # the request must have come, and the stage must be free
        end[k + 1, s + 1] = max(end[k + 1, s], end[k, s + 1]) + times[s]
    return end[1:, 1:]


print({m: f"{ends(m, [1, 1])[-1, -1]} s instead of {2 * m}" for m in (1, 4, 40)})
assert all(ends(m, [1] * s)[-1, -1] == m + s - 1 for m in range(1, 41) for s in range(1, 6))

# %%
figure, panels = plt.subplots(2, 1, figsize=(6.4, 3.6), sharex=True)
for panel, m in zip(panels, (1, 4), strict=True):
    for k, (first, second) in enumerate(ends(m, [1, 1])):
        for row, end, length in [(2, 2 * k + 2, 2), (1, first, 1), (0, second, 1)]:
            panel.barh(row, -length, left=end, color=[BLUE, ORANGE, GREEN, PURPLE][k], edgecolor="white", height=0.8)
            panel.text(end - length / 2, row, k + 1, color="white", ha="center", va="center", weight="bold")
    panel.set(yticks=[2, 1, 0], yticklabels=["one process", "stage 1", "stage 2"], xlim=(0, 8.2))
    panel.set_title(f"{m} request{'s' if m > 1 else ''}", loc="left")
panels[1].set_xlabel("seconds")
show(figure, "21_many_hands_3", "Who works when. One request: one process and two stages both end after 2 seconds. "
     "Four requests: one process needs 8; stage 2 begins a second after stage 1, and all is done after 5.")  # fmt: skip

# %% [markdown]
# One request takes 2 s, as before: stage 2 waits for stage 1. Four take 5 s instead of 8. Look at the lower picture:
# while stage 2 works on request 1, stage 1 has request 2. With $m$ requests and $s$ stages that take $t$ each,
#
# $$ \text{it takes}\; (m + s - 1)\, t , \quad\text{not}\; m\, s\, t . \tag{5} $$
#
# The empty places at the ends are **bubbles**, $s - 1$ for each stage. With many requests they hardly count, and $s$
# stages answer nearly $s$ times as many in an hour. That is the **throughput**. But no request is answered sooner.
#
# Now two real stages, of two layers each. `send` and `recv` carry an array from one rank to another:


# %%
def pipeline(comm):
    rng = np.random.default_rng(0)
    layers, requests = rng.normal(0, 0.1, (4, 64, 64)), rng.normal(size=(6, 3, 64))  # six requests of three rows
    through = lambda x, stage: functools.reduce(lambda h, w: np.maximum(h @ w, 0), stage, x)
    if comm.size == 1:
        return np.stack([through(x, layers) for x in requests])
    if comm.rank == 1:
        return np.stack([through(comm.recv(source=0), layers[2:]) for _ in requests])
    for x in requests:
        comm.send(through(x, layers[:2]), dest=1)  # and go on with the next
    return np.zeros(0)  # the answers are with the last stage


answers = run(pipeline)
assert answers is None or np.allclose(answers[1], pipeline(Alone()))

# %% [markdown]
# The same answers. On the quiet machine such stages, of four large layers each, gained × 1.8 to 1.9 with 40 requests,
# where (5) says 80 / 41, and nothing with one. To *train* in a pipeline, gradients go back through the stages in the
# same way; so a stage must keep the values of all requests that are on their way.
#
# ## When a process dies
#
# The more machines, the more often one fails. Under `python -m mpi4py`, and within `fit` in any case, a rank that ends
# with an exception ends them all; else the others would wait for ever. Then you begin anew, but not from the beginning:
# after each epoch `fit(resume=path)` writes down all that the next one needs, and if the file is there, it goes on from
# it. (Of many ranks rank 0 writes.)


# %%
def trained(path=None, fails_after=None):
    def callback(epoch, history):
        if epoch == fails_after:
            raise RuntimeError("the power is gone")

    model = network(seed=0)
    tl.fit(model, train, loss=F.cross_entropy, optimizer=optim.Adam(model.parameters()), epochs=6, seed=0,
           resume=path, callbacks=[callback], progress=False)  # fmt: skip
    return numbers(model)


# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "run.npz")
    try:
        trained(path, fails_after=2)
    except RuntimeError as error:
        print("it ends:", error)
    difference = np.abs(trained(path) - trained()).max()  # of a run that went on, and one that never ended
print("difference:", difference)
assert difference == 0

# %% [markdown]
# The same to the bit. The parameters alone wouldn't do: Adam's averages would begin anew, and the order of the rows.
#
# ## Exercises
#
# These check themselves, with `tinydl learn`: `ex_share`, the rows of a rank; `ex_sum_gradients`, the gradient of a
# batch from its parts; `ex_cut_layer`, formula (4), there and back.
#
# 1. Run `by_hand` with four ranks. The same bits on all? How far from one process? And of 70 ranks six have no row of a
#    batch of 64: what must they do?
# 2. From which batch on do two ranks win with 64-512-512-10, by (3), if $a$ is 50 µs and $b$ is 1.25 GB/s (10 Gbit/s)?
#    One process takes 3.5 ms for 64 rows and 35 ms for 1,024. Only what goes by rows is cut. And eight ranks?
# 3. Three stages: how many requests make the bubbles less than a tenth of the time? And stages of 1, 2 and 1 s: how
#    long do 4 requests take, and 40?
#
# <details><summary>What you should find</summary>
#
# **1.** The same bits, and again less than $10^{-6}$ from one process. Ranks without rows must skip the loss, which has
# no mean, but still add zeros, and make the same steps as the others. `fit` does so.
#
# **2.** A row costs (35 − 3.5) / 960 = 0.033 ms (and 1.4 ms go by no row); two ranks save half of that. The 301,066
# parameters are 1.2 MB, which take 1.06 ms by (3): from 65 rows on. Eight ranks save seven eighths, and pay 2.4 ms:
# from 84 on. With 5 µs and 2 GB/s (3) says 38, and yet 64 rows were slower on two ranks: adding took longer than (3)
# says, and half of the rows didn't take half of the time.
#
# **3.** Bubbles are $2 / (m + 2)$ of the time: from 19 requests on. Stages of 1, 2 and 1 s: 10 s and 82 s, and one
# process 16 and 160. The slowest stage sets the pace; the others wait half of the time.
#
# </details>
#
# ## In the article
#
# > You may skip this box: it is for readers of the article that this course was built from.
# >
# > **"Splitting a large model into several small ones that run in parallel can speed up inference"**[^split] fails for
# > a chain of layers. (Row D47.) The second part needs what the first one gives, so for *one* request they don't run in
# > parallel; it waits for the sum of the stages, and for the transfers. A pipeline multiplies the throughput: four
# > requests took 5 s instead of 8, but one took 2 s as before. A cut *inside* layers, as in (4), can answer sooner, if
# > the layers are large and the messages quick.
# >
# > It names this as a way to real time. (Row D20.) For that a single request has to be answered sooner.
#
# [^split]: 「将大模型拆分成多个小模型，并行执行，可以加速推理过程」
#
# ## Where this lives in tinydl
#
# - `tinydl/training/parallel.py`: `share`, `sum_gradients` and `broadcast`; `tinydl/training/team.py`: `fit` with them.
# - `tinydl/derivatives/collective.py`: `all_sum` with its rule, and `Alone`; `tinydl/nn/synchronised.py`.
# - `tinydl/training/resuming.py`: what a run writes down.
# - `benchmarks/parallel.py`: what the table measures, with a cut layer and a pipeline of real processes.
#
# Next: [lesson 22](22_what_does_it_look_at.py): which pixels an answer hangs on, and whether the picture that says so
# is true.
