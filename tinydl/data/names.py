"""What to write here for the names of others' data sets that tinydl hasn't.

DATA answers ``data.name``. Stands on engine/names.py, which says how.
"""

from __future__ import annotations

DATA = {  # data.name → what to write
    "DataLoader": "write data.batches(dataset, batch_size, seed=…)", "TensorDataset": "write data.Dataset(x, y)",
    "random_split": "write data.split(dataset, 0.8, seed=…)", "train_test_split": "write data.split(dataset, 0.8)",
    "Subset": "write dataset[indices]", "ConcatDataset": "write data.Dataset(np.concatenate([a.x, b.x]), …)",
    "KFold": "write data.k_fold(dataset, 5)", "StandardScaler": "write data.Standardizer(train.x)",
    "load_digits": "write data.digits()", "make_moons": "write data.moons", "make_blobs": "write data.blobs",
    "transforms": "write data.shift, data.rotate, data.scale, data.flip, data.crop", "MNIST": "write data.mnist",
    "FashionMNIST": "write data.fashion() for 2,000 images, data.fashion_mnist(folder) for all",
}  # fmt: skip
