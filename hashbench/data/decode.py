"""Decodes image files to uint8 tensors."""

import hashlib
import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from hashbench.data import images
from hashbench.dataset import Dataset
from hashbench.errors import BrokenFiles, broken_files
from hashbench.plugins.plugin_path import is_shipped
from hashbench.plugins.sources import plugin_sources
from hashbench.util.threads import pool

GREY_MODES = ("1", "L", "LA")  # Pillow's modes of one channel of at most 8 bits, with or without transparency
DEEP_MODES = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")  # Pillow's modes of more than 8 bits, whose range is unknown


def decode(files: Sequence[Path]) -> list[Tensor]:
    """The images in ``files``, in their own sizes: uint8 [channels, h, w], 1 channel for grey files, else 3 (RGB).

    Pillow decodes them on all cores. Transparency is dropped and EXIF orientation is not applied: papers do likewise.

    Raises:
        BrokenFiles: files are truncated, or no images of 8 bits per channel; names all of them.
    """
    results = list(pool().map(_decode, files))
    broken = {str(file): result for file, result in zip(files, results, strict=True) if isinstance(result, str)}
    if broken:
        raise undecodable(broken)
    return [result for result in results if not isinstance(result, str)]


def undecodable(images: Mapping[str, str]) -> BrokenFiles:
    """The error for images that cannot be decoded: what is wrong with each, by its name."""
    return broken_files("image", "decoded", images, "replace it, or remove it to have it counted as missing")


def decoding_id(dataset: Dataset) -> str:
    """Names how a data set's images come about: the version of decoding, and the sources of a data set not ours."""
    kind, file = type(dataset), Path(inspect.getfile(type(dataset)))
    made_from: list[Any] = [images.VERSION]
    if not is_shipped(file):
        sources = plugin_sources(kind.__module__, file)
        made_from += [sources.sums, sources.distributions]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()


def _decode(file: Path) -> Tensor | str:
    """The image, or what is wrong with the file in one line."""
    try:
        with Image.open(file) as picture:
            if picture.mode in DEEP_MODES:
                raise ValueError(f"its mode is {picture.mode}, wanted 8 bits per channel")
            pixels = np.array(picture.convert("L" if picture.mode in GREY_MODES else "RGB"))
    except UnidentifiedImageError:
        return "empty" if not file.stat().st_size else "no image that Pillow can identify"
    except Exception as error:  # damaged files make decoders raise errors of many kinds
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return " ".join(reason.split()) or type(error).__name__
    return torch.from_numpy(pixels.reshape(*pixels.shape[:2], -1)).permute(2, 0, 1).contiguous()
