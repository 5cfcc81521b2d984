"""What to write here for the names of others' functions that tinydl hasn't.

FUNCTIONS answers ``F.name``. Stands on engine/names.py, which says how.
"""

from __future__ import annotations

_WINDOWS = "take the windows by indexing, x[:, indices], and write np.einsum with the kernel, or .max or .mean"
FUNCTIONS = {  # F.name → what to write
    "conv1d": _WINDOWS, "conv2d": _WINDOWS, "max_pool1d": _WINDOWS, "max_pool2d": _WINDOWS, "avg_pool2d": _WINDOWS,

    "mse": "write F.mse_loss", "mean_squared_error": "write F.mse_loss", "mae": "write F.l1_loss",
    "categorical_crossentropy": "write F.cross_entropy, of logits",
    "sparse_categorical_crossentropy": "write F.cross_entropy, of logits", "swish": "write F.silu",
    "binary_crossentropy": "write F.binary_cross_entropy_with_logits, of logits", "embedding": "write weight[indices]",
    "normalize": "write x / np.linalg.norm(x, axis=1, keepdims=True)", "softmin": "write F.softmax(-x)",
    "cosine_similarity": "write np.sum(x * z, 1) / (np.linalg.norm(x, axis=1) * np.linalg.norm(z, axis=1))",

    "relu_": "write F.relu",

    "scaled_dot_product_attention": "write F.softmax(q @ k.mT / np.sqrt(d)) @ v",
}  # fmt: skip
