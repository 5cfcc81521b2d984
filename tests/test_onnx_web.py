"""In a browser onnxruntime-web, from npm, gives for the files of to_onnx what tl.predict and the digit page give."""

from __future__ import annotations

import base64
import shutil
import subprocess

import numpy as np
import pytest
from browsing import serving

import tinydl as tl
from tinydl import data, nn

DIGITS = data.digits().x[::9][:200]
PAGE = """<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,">
<script src="ort.wasm.min.js"></script><script>
ort.env.wasm.numThreads = 1;
const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
async function run({file, x, shape}) {
  const session = await ort.InferenceSession.create(bytes(file));
  const given = new ort.Tensor("float32", new Float32Array(bytes(x).buffer), shape);
  const {y} = await session.run({[session.inputNames[0]]: given});
  return {dims: Array.from(y.dims), y: Array.from(y.data)};
}
</script>"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Where a page with onnxruntime-web is served. Skips where there is no npm, or none of its packages."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm isn't installed, from which onnxruntime-web comes")
    folder = tmp_path_factory.mktemp("web")
    command = [
        npm,
        "install",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(folder),
        "onnxruntime-web@1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"npm couldn't install onnxruntime-web: {done.stderr.strip()[-300:]}")
    dist = folder / "node_modules" / "onnxruntime-web" / "dist"
    (dist / "page.html").write_text(PAGE, encoding="utf-8")
    with serving(dist) as address:
        yield f"{address}page.html"


def mlp():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.25), nn.Linear(32, 10))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10)
    )  # fmt: skip


class Rows(nn.Module):
    """Reads a digit row by row."""

    def __init__(self):
        self.reader = nn.LSTM(8, 12, batch_first=True)
        self.head = nn.Linear(12, 10)

    def forward(self, x):
        outputs, _ = self.reader(x)
        return self.head(outputs[:, -1])


class Attending(nn.Module):
    """Looks at all rows of a digit from each."""

    def __init__(self):
        self.block = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.block(x).reshape(len(x), -1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (mlp, (64,)),
        (cnn, (1, 8, 8)),
        (lambda: tl.compress.quantise(tl.compress.prune(mlp(), 0.5), 4), (64,)),
        (Rows, (8, 8)),
        (Attending, (8, 8)),
    ],
    ids=["mlp", "cnn", "pruned and quantised", "lstm", "attention"],
)
def test_in_the_browser_onnxruntime_gives_what_predict_gives(browser, served, make, shape, tmp_path):
    tl.manual_seed(0)
    model, x = make(), DIGITS.reshape(-1, *shape)
    tl.to_onnx(model, tmp_path / "model.onnx", x[:2])
    page = browser.new_page()
    page.goto(served)
    text = [base64.b64encode(b).decode() for b in ((tmp_path / "model.onnx").read_bytes(), x.tobytes())]
    made = page.evaluate("run", {"file": text[0], "x": text[1], "shape": x.shape})
    expected = tl.predict(model, x)
    np.testing.assert_allclose(np.reshape(made["y"], made["dims"]), expected, rtol=1e-5, atol=1e-5)
    if len(shape) != 2:  # what is a Sequential has a page of its own
        page.goto(tl.plots.digit_page(model, tmp_path / "digits.html").as_uri())
        said = page.evaluate("images => images.map(predict)", x.reshape(200, -1).astype(float).tolist())
        np.testing.assert_allclose(said, np.reshape(made["y"], made["dims"]), rtol=1e-5, atol=1e-5)
    page.close()
