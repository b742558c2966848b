"""The stored inputs of goldens. They were drawn once: a generator of random numbers may change, a file does not.

``python -m tests.golden --renew`` draws the inputs that the file lacks, and never those that it has.
"""

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

FILE = Path(__file__).parent / "inputs.npz"
Array = npt.NDArray[Any]


@cache
def _stored() -> dict[str, Array]:
    with np.load(FILE) as content:
        return dict(content)


def stored(name: str) -> Tensor:
    """A copy of the input of that name, see the functions below."""
    return torch.from_numpy(_stored()[name].copy())


def stored_file(name: str) -> bytes:
    """The bytes of an image file."""
    return _stored()[f"file:{name}"].tobytes()


def stored_files() -> list[str]:
    """Names of the image files, sorted."""
    return sorted(name.removeprefix("file:") for name in _stored() if name.startswith("file:"))


def enlarged(images: Tensor, size: int) -> Tensor:
    """[n, 3, size, size] of [n, 3, h, w]: the nearest pixel, by integer arithmetic."""
    rows, columns = (torch.arange(size) * side // size for side in images.shape[-2:])
    return images[:, :, rows][..., columns].contiguous()


def draw_missing(file: Path = FILE) -> list[str]:
    """Draw and store the inputs that the file lacks; returns their names."""
    have: dict[str, Array] = {}
    if file.is_file():
        with np.load(file) as content:
            have = dict(content)
    missing = [name for name in DRAWN if name not in have]
    if missing:
        made = {name: DRAWN[name](np.random.default_rng(1)) for name in missing}
        np.savez_compressed(file, **dict(sorted({**have, **made}.items())))  # type: ignore[arg-type]
        _stored.cache_clear()
    return missing


def _features(rng: np.random.Generator) -> Array:
    """Float32 [240, 24] of rank 21: six groups, falling variances, two constant columns, one that is there twice."""
    centres = rng.normal(size=(6, 24)) * 2
    x = rng.normal(size=(240, 24)) @ (rng.normal(size=(24, 24)) * 0.85 ** np.arange(24)) + centres[np.arange(240) % 6]
    x[:, 3], x[:, 11], x[:, 17] = 1.5, 0.0, x[:, 2]
    return (x + 3).astype(np.float32)


def _teacher(rng: np.random.Generator) -> Array:
    """Float32 [24, 10]: features beside ``images``, of the same four groups."""
    return (rng.normal(size=(4, 10))[np.arange(24) % 4] + 0.5 * rng.normal(size=(24, 10))).astype(np.float32)


def _smooth(rng: np.random.Generator, height: int, width: int, channels: int) -> Array:
    """Uint8 [channels, height, width]: three waves and a bar."""
    y, x = np.mgrid[:height, :width]
    waves = np.zeros((channels, height, width))
    for _ in range(3):
        rates, phases = rng.uniform(-0.5, 0.5, 2), rng.uniform(0, 2 * np.pi, channels)
        waves += np.sin(rates[0] * y + rates[1] * x + phases[:, None, None]) * rng.uniform(10, 45, (channels, 1, 1))
    top, left = rng.integers(0, height // 2), rng.integers(0, width // 2)
    waves[:, top : top + height // 4, left : left + width // 2] += rng.uniform(-60, 60, (channels, 1, 1))
    return np.clip(waves + 128, 0, 255).round().astype(np.uint8)


def _images(rng: np.random.Generator) -> Array:
    """Uint8 [24, 3, 32, 32] of four groups."""
    groups = [_smooth(rng, 32, 32, 3).astype(np.float64) for _ in range(4)]
    own = [_smooth(rng, 32, 32, 3).astype(np.float64) for _ in range(24)]
    return np.stack([0.6 * groups[i % 4] + 0.4 * image for i, image in enumerate(own)]).round().astype(np.uint8)


def _digits(rng: np.random.Generator) -> Array:
    """Uint8 [12, 8, 8]: the grey values 0..16 of scikit-learn's first digits."""
    from sklearn.datasets import load_digits

    return load_digits().images[:12].astype(np.uint8)  # type: ignore[no-any-return]


def _picture(channels: int, height: int, width: int, seed: int) -> Callable[[np.random.Generator], Array]:
    return lambda rng: _smooth(np.random.default_rng(seed), height, width, channels)


def _file(mode: str, kind: str, **options: Any) -> Callable[[np.random.Generator], Array]:
    """The bytes, uint8, of an image file of 21 x 18 pixels in one of Pillow's modes."""

    def made(rng: np.random.Generator) -> Array:
        picture = Image.fromarray(_smooth(rng, 18, 21, 3).transpose(1, 2, 0)).convert(mode)
        written = io.BytesIO()
        picture.save(written, kind, **options)
        return np.frombuffer(written.getvalue(), dtype=np.uint8)

    return made


def _turned() -> Image.Exif:
    """EXIF data that says: turn this picture by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


DRAWN: dict[str, Callable[[np.random.Generator], Array]] = {
    "features": _features,
    "teacher": _teacher,
    "images": _images,
    "digits": _digits,
    "wide": _picture(3, 37, 83, 2),
    "tall": _picture(1, 71, 45, 3),
    "odd": _picture(3, 19, 19, 4),
    "small": _picture(1, 7, 5, 5),
    "strip": _picture(3, 16, 200, 6),
    "file:rgb.png": _file("RGB", "png"),
    "file:grey.png": _file("L", "png"),
    "file:transparent.png": _file("RGBA", "png"),
    "file:palette.png": _file("P", "png"),
    "file:black-white.png": _file("1", "png"),
    "file:rgb.jpg": _file("RGB", "jpeg", quality=80),
    "file:grey.jpg": _file("L", "jpeg", quality=80),
    "file:turned.jpg": _file("RGB", "jpeg", quality=95, exif=_turned()),
}
