"""The document's program 2 in Keras, without the plot: a line fitted to 100 noisy points by 1,000 small steps.

With --fixed it starts from given weights and takes the points in order, so that the result can be compared.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np

fixed = "--fixed" in sys.argv
np.random.seed(42)
keras.utils.set_random_seed(42)
x = np.random.rand(100, 1).astype(np.float32)
y = (2 * x + 1 + np.random.randn(100, 1)).astype(np.float32)

model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
if fixed:
    model.set_weights([np.array([[0.5]]), np.array([0.0])])
model.compile(optimizer=keras.optimizers.SGD(0.01), loss="mean_squared_error")
model.fit(x, y, epochs=100, batch_size=10, shuffle=not fixed, verbose=0)
loss = model.evaluate(x, y, verbose=0)
prediction = model.predict(np.linspace(0, 1, 100, dtype=np.float32)[:, None], verbose=0)

print(json.dumps({"loss": float(loss), "first": float(prediction[0, 0]), "last": float(prediction[-1, 0])}))
