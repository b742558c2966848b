"""How long the Triton kernels take, codes and labels being on the device."""

from functools import partial
from typing import Any

import torch

from hashbench.codes import Codes
from hashbench.search.backend import Index, LabelPair
from hashbench.search.triton_counting import count, labelled, query_masks
from hashbench.search.triton_index import TritonIndex
from hashbench.search.word_planes import code_planes
from tests.gpu.setting import Setting


def histogram_seconds(setting: Setting, codes: tuple[Codes, Codes], labels: LabelPair) -> float:
    """Histograms of all queries, all items and the relevant ones, left on the device."""
    planes = code_planes(torch.tensor(codes[1].packed, device=setting.device))
    masks: Any = query_masks(codes[0], setting.device)
    return setting.seconds(partial(count, planes, masks, codes[0].bits, labelled(labels, setting.device)))


def nearest_seconds(setting: Setting, index: Index, codes: Codes, k: int) -> float:
    """The nearest items of all queries, sorted, left on the device."""
    assert isinstance(index, TritonIndex), f"{type(index).__name__} serves {setting.device}"
    return setting.seconds(partial(index._keys, query_masks(codes, setting.device), codes.bits, k))
