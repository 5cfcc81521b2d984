"""The document's program 2 in tinydl, without the plot: a line fitted to 100 noisy points by 1,000 small steps.

With --fixed it starts from given weights and takes the points in order, so that the result can be compared.
"""

import json
import sys

import numpy as np

import tinydl as tl
from tinydl import functional as F
from tinydl import nn, optim

fixed = "--fixed" in sys.argv
np.random.seed(42)
tl.manual_seed(42)
x = np.random.rand(100, 1).astype(np.float32)
y = (2 * x + 1 + np.random.randn(100, 1)).astype(np.float32)

model = nn.Sequential(nn.Linear(1, 1))
if fixed:
    model.load_state_dict({"0.weight": np.array([[0.5]]), "0.bias": np.array([0.0])})
optimizer = optim.SGD(model.parameters(), lr=0.01)
tl.fit(
    model, (x, y), loss=F.mse_loss, optimizer=optimizer, epochs=100, batch_size=10, shuffle=not fixed, progress=False
)
loss = tl.evaluate(model, (x, y), loss=F.mse_loss)["loss"]
prediction = tl.predict(model, np.linspace(0, 1, 100, dtype=np.float32)[:, None])

print(json.dumps({"loss": float(loss), "first": float(prediction[0, 0]), "last": float(prediction[-1, 0])}))
