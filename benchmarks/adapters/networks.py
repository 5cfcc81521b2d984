"""Networks of layers that tinydl and PyTorch name alike: written once, given either one's `nn` and `functional`."""

from __future__ import annotations

from typing import Any


def built(problem: Any, lib: Any, F: Any, ones: Any) -> Any:
    """The model of a `workloads.Network`. `ones` makes a parameter of ones of a shape."""
    return globals()[f"_{problem.model}"](lib, F, ones, **problem.options)


def _conv(nn: Any, F: Any, ones: Any, axes: int = 2, **options: Any) -> Any:
    return _chained(nn, ones, getattr(nn, f"Conv{axes}d")(**options))


def _pool(nn: Any, F: Any, ones: Any, name: str, **options: Any) -> Any:
    return _chained(nn, ones, getattr(nn, name)(**options))


def _chained(nn: Any, ones: Any, layer: Any) -> Any:
    """The layer in the middle of a network: its input is computed, from a number that has a gradient."""

    class Chained(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift, self.layer = ones(1), layer

        def forward(self, x: Any) -> Any:
            return self.layer(x + self.shift)

    return Chained()


def _cnn(nn: Any, F: Any, ones: Any, size: int, norm: bool = False) -> Any:
    layers = []
    for inside, outside in ((1, 16), (16, 32)):
        layers += [nn.Conv2d(inside, outside, 3, padding=1, bias=not norm)]
        layers += [*([nn.BatchNorm2d(outside)] * norm), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32 * (size // 4) ** 2, 10))


def _recurrent(nn: Any, F: Any, ones: Any, name: str, sizes: tuple[int, int]) -> Any:
    layer = getattr(nn, name)(*sizes)

    class Outputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Any) -> Any:
            return self.layer(x)[0]

    return Outputs()


def _attention(nn: Any, F: Any, ones: Any, width: int, heads: int) -> Any:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.MultiheadAttention(width, heads, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.layer(x, x, x, need_weights=False)[0]

    return Attention()


def _encoder(nn: Any, F: Any, ones: Any, width: int, heads: int) -> Any:
    return nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, batch_first=True, norm_first=True)


def _gpt(nn: Any, F: Any, ones: Any, letters: int, length: int, approximate: str, width: int = 64) -> Any:
    """The char-GPT of networks/letters_gpt.py, its blocks with a causal mask."""

    class GPT(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.letter, self.place = nn.Embedding(letters, width), nn.Embedding(length, width)
            gelu = lambda x: F.gelu(x, approximate=approximate)
            for k in (1, 2):
                layer = nn.TransformerEncoderLayer(width, 4, 4 * width, 0.0, gelu, batch_first=True, norm_first=True)
                setattr(self, f"block{k}", layer)
            self.norm, self.out = nn.LayerNorm(width), nn.Linear(width, letters, bias=False)

        def forward(self, x: Any, mask: Any = None) -> Any:  # PyTorch wants the causal mask besides
            h = self.letter(x) + self.place.weight
            for block in (self.block1, self.block2):
                h = block(h, src_mask=mask, is_causal=True)
            return self.out(self.norm(h)).reshape(-1, letters)

    return GPT()
