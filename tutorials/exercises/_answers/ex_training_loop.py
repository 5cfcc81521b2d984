"""Answers to ex_training_loop: solution, hints and typical mistakes. Spoilers."""

import numpy as np

import tinydl as tl

FUNCTION = "train"
KIND = "values"
SOLUTION = """import tinydl as tl
from tinydl import functional as F


def train(model, x, y, size, lr, epochs):
    optimizer = tl.optim.SGD(model.parameters(), lr=lr)
    batches = tl.data.batches((x, y), size, shuffle=False)
    losses = []
    for _ in range(epochs):
        total = 0
        for xs, ys in batches:
            loss = F.mse_loss(model(xs), ys)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(xs)
        losses.append(total / len(x))
    return losses
"""
HINTS = (
    "Two loops, one in the other: `for _ in range(epochs)`, and in it `for xs, ys in batches`.",
    "In the inner one: the loss of the batch, F.mse_loss(model(xs), ys); then zero_grad, backward, step.",
    "loss.item() * len(xs) is the sum over the batch. Add these up in each epoch, from 0, and divide by len(x).",
)
RIGHT = (  # the same, written in other ways
    """import numpy as np
import tinydl as tl
from tinydl import functional as F


def train(model, x, y, size, lr, epochs):
    optimizer = tl.optim.SGD(model.parameters(), lr=lr)
    batches = tl.data.batches((x, y), size, shuffle=False)
    history = []
    for epoch in range(epochs):
        losses, weights = [], []
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = F.mse_loss(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            weights.append(len(inputs))
        history.append(np.average(losses, weights=weights))
    return history
""",
    """def train(model, x, y, size, lr, epochs):
    losses = []
    for _ in range(epochs):
        total = 0
        for start in range(0, len(x), size):
            xs, ys = x[start : start + size], y[start : start + size]
            loss = ((model(xs) - ys) ** 2).mean()
            model.zero_grad()
            loss.backward()
            for p in model.parameters():
                p.data = p.data - lr * p.grad.data
            total = total + loss * len(xs)
        losses.append((total / len(x)).item())
    return losses
""",
    """import tinydl as tl
from tinydl import functional as F


def train(model, x, y, size, lr, epochs):
    return tl.fit(model, (x, y), loss=F.mse_loss, optimizer=tl.optim.SGD(model.parameters(), lr=lr), epochs=epochs,
                  batch_size=size, shuffle=False, progress=False)["loss"]
""",
)
WRONG = (  # what is changed in the solution, the kind of wrong that it is, and a sentence for it
    ("wrong_value", "            optimizer.zero_grad()\n", "",
     "Without zero_grad the gradients of all batches so far add up: forget them before each backward."),
    ("wrong_value", "            optimizer.zero_grad()\n            loss.backward()\n",
     "            loss.backward()\n            optimizer.zero_grad()\n",
     "No parameter moves: zero_grad stands between backward and step, or backward or step is missing."),
    ("raises", "            optimizer.zero_grad()\n            loss.backward()\n            optimizer.step()\n",
     "            optimizer.step()\n            optimizer.zero_grad()\n            loss.backward()\n",
     "step needs gradients, which backward computes: the order is zero_grad, backward, step."),
    ("wrong_value", "            loss.backward()\n", "",
     "No parameter moves: zero_grad stands between backward and step, or backward or step is missing."),
    ("wrong_value", "            optimizer.step()\n", "",
     "No parameter moves: zero_grad stands between backward and step, or backward or step is missing."),
    ("wrong_value",
     "        for xs, ys in batches:\n            loss = F.mse_loss(model(xs), ys)\n"
     "            optimizer.zero_grad()\n",
     "        optimizer.zero_grad()\n        for xs, ys in batches:\n            loss = F.mse_loss(model(xs), ys)\n",
     "zero_grad is called once in each epoch: forget the old gradients before each backward."),
    ("wrong_value", "loss.item() * len(xs)\n        losses.append(total / len(x))",
     "loss.item()\n        losses.append(total / len(batches))",
     "That is the mean of the batches' losses, where a small last batch counts too much: weight each with len(xs)."),
    ("wrong_value", "loss.item() * len(xs)", "loss.item() * size",
     "The last batch is weighted with size, but it is smaller: weight it with len(xs)."),
    ("wrong_value", "size, shuffle=False", "size, shuffle=False, drop_last=True",
     "The last, smaller batch is left out: each epoch goes over all points."),
    ("wrong_value",
     "    for _ in range(epochs):\n        total = 0\n", "    total = 0\n    for _ in range(epochs):\n",
     "The losses of all epochs so far are added up: begin each epoch with total = 0."),
    ("factor", " * len(xs)", "",
     "The sum of the batches' means is divided by the number of points: multiply each mean by len(xs) first."),
    ("wrong_value", "        losses.append(total / len(x))", "        losses.append(F.mse_loss(model(x), y).item())",
     "These are the losses of the finished model after each epoch, where those met on the way are asked for."),
    ("shape", "        losses.append(total / len(x))", "            losses.append(loss.item())",
     "There is one number for each batch; one for each epoch is asked for."),
    ("wrong_value", "        losses.append(total / len(x))", "        losses.append(loss.item())",
     "That is the loss of each epoch's last batch; the mean over all points is asked for."),
    ("wrong_value", "            total += loss.item() * len(xs)\n        losses.append(total / len(x))",
     "        losses.append(F.mse_loss(model(xs), ys).item())",
     "That is the loss of each epoch's last batch; the mean over all points is asked for."),
    ("factor", "total / len(x)", "total", "That is a sum over the points: divide it by len(x)."),
    ("wrong_value", "size, shuffle=False", "len(x), shuffle=False",
     "There is one step in each epoch, with all points: take batches of `size` points."),
    ("wrong_value", "F.mse_loss(model(xs), ys)", "F.mse_loss(model(x), y)",
     "Each step looks at all points: the loss is that of the batch, xs and ys."),
    ("wrong_value", "F.mse_loss(model(xs), ys)", "((model(xs) - ys) ** 2).sum()",
     "The loss is the sum of the squared errors, where F.mse_loss is their mean."),
    ("wrong_value", "            optimizer.step()\n            total += loss.item() * len(xs)\n",
     "            total += loss.item() * len(xs)\n        optimizer.step()\n",
     "It steps once in each epoch: step belongs into the inner loop, after each backward."),
    ("wrong_value", "optim.SGD(model.parameters(), lr=lr)", "optim.Adam(model.parameters(), lr=lr)",
     "The optimizer is Adam, where SGD is asked for."),
    ("wrong_value", "optim.SGD(model.parameters(), lr=lr)", "optim.SGD(model.parameters(), lr=0.01)",
     "It has a learning rate of its own: use lr."),
    ("wrong_value", "    losses = []\n",
     "    F.mse_loss(model(x), y).backward()\n    optimizer.step()\n    losses = []\n",
     "There is a step before the loop: all steps belong to the batches."),
    ("shape", "range(epochs)", "range(1, epochs)",
     "It goes over the data once too few: range(epochs) has `epochs` numbers."),
    ("shape", "range(epochs)", "range(epochs + 1)",
     "It goes over the data once too often: range(epochs) has `epochs` numbers."),
    ("shape", "    return losses", "        return losses\n",
     "It ends in its first epoch: `return` belongs behind the loops."),
    ("shape", "    return losses", "    return losses[-1]",
     "That is the last epoch's loss alone; one number for each epoch is asked for."),
    ("wrong_value", "loss.item() * len(xs)\n        losses.append(total / len(x))",
     "loss.item()\n        losses.append(total)",
     "That is the sum of the batches' means: weight each with len(xs), and divide by len(x) at the end."),
    ("wrong_value", "total / len(x)", "total / epochs",
     "It divides by the number of epochs: total is the sum over all points of one epoch, so divide by len(x)."),
    ("wrong_value", "total / len(x)", "total / size",
     "It divides by the size of a batch: total is the sum over all points, so divide by len(x)."),
    ("wrong_value", "total / len(x)", "total / len(batches)",
     "It divides by the number of batches: total is the sum over all points, so divide by len(x)."),
    ("zero", "            total += loss.item() * len(xs)\n", "",
     "The losses aren't added up: total stays 0."),
    ("wrong_value", "mse_loss", "l1_loss", "The loss is the mean of the errors' sizes; F.mse_loss squares them."),
    ("wrong_value", "            optimizer.step()\n", "            optimizer.step()\n            optimizer.step()\n",
     "There are two steps for each batch: one is asked for."),
    ("raises", "ys)", "y)", "The targets of the batch are ys; y has those of all points."),
    ("raises", "model(xs)", "xs", "The loss compares what the model says, model(xs), with ys."),
    ("raises", "model(xs)", "model(x)", "The inputs of the batch are xs; x has those of all points."),
    ("type", "loss.item() * len(xs)", "loss * len(xs)",
     "It returns Tensors, where plain numbers are asked for: take the number in each, .item()."),
    ("type", "    return losses", "    return model", "It returns a Linear, not numbers."),
)  # fmt: skip


def cases(rng):
    x, z = rng.standard_normal((7, 1)), rng.standard_normal((10, 2))
    with tl.default_dtype(np.float64):
        line = tl.nn.Linear(1, 1)
        curve = tl.nn.Sequential(tl.nn.Linear(2, 4), tl.nn.Tanh(), tl.nn.Linear(4, 1))
    for p in (*line.parameters(), *curve.parameters()):
        p.data = rng.standard_normal(p.shape)
    return [
        (line, x, 2 * x + 1 + 0.1 * rng.standard_normal((7, 1)), 3, 0.05, 4),
        (curve, z, np.sin(z[:, :1]) + 0.1 * rng.standard_normal((10, 1)), 4, 0.1, 5),
    ]
