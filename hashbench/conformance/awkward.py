"""Inputs that break what was written for pleasant ones."""

import torch

from hashbench.conformance.check import Inapplicable, check
from hashbench.conformance.encoding import ROUNDED
from hashbench.conformance.items import Items, constant, digits, low_rank
from hashbench.conformance.subject import Subject, agreement
from hashbench.errors import Incompatible

FEW = 64


@check("guard each division by a variance or a distance that may be 0; where nothing can be learnt, raise Incompatible")
def takes_constant_features(subject: Subject) -> str | None:
    """Items that are all the same get one code, or `fit` raises Incompatible."""
    codes = _codes(subject, constant(len(subject.items)))
    different = 0 if codes is None else len(torch.unique(codes, dim=0))
    return f"{different} different codes of items that are all the same" if different > 1 else None


@check("cut numbers of neighbours, anchors or clusters to what is there, or raise Incompatible in fit")
def takes_64_items(subject: Subject) -> str | None:
    """64 training items are enough, or `fit` raises Incompatible."""
    _codes(subject, digits(FEW))
    return None


@check("do not invert what may be singular, or raise Incompatible in fit")
def takes_more_bits_than_the_rank(subject: Subject) -> str | None:
    """Features of rank 4 can be hashed to more than 4 bits, or `fit` raises Incompatible."""
    _codes(subject, low_rank(len(subject.items)))
    return None


@check("use reshape where view fails, and no assumption about strides")
def takes_any_memory_layout(subject: Subject) -> str | None:
    """Features whose columns are not next to each other in memory get the same codes."""
    assert subject.trained
    turned = subject.queries.transpose(0, -1).contiguous().transpose(0, -1)
    with torch.inference_mode():
        share = agreement(subject.fitted.encode(turned), subject.codes)
    return None if share >= ROUNDED else f"{1 - share:.1%} of bits differ for a batch of another memory layout"


@check("convert the batch first: batch.float(), or batch.double() where bits hang on it")
def takes_float16_input(subject: Subject) -> str | None:
    """float16 features, as caches of them keep, get the codes of the same numbers in float32."""
    if subject.reads_images:
        raise Inapplicable("it reads images, which are uint8")
    halves = subject.queries.half()
    expected = subject.encode(subject.fitted, halves.float())
    share = agreement(subject.encode(subject.fitted, halves), expected)
    return None if share >= ROUNDED else f"{1 - share:.1%} of bits differ for float16"


@check("let the general case serve, or return torch.zeros(0, bits, dtype=torch.bool)")
def takes_an_empty_batch(subject: Subject) -> str | None:
    """No items give no codes."""
    codes = subject.encode(subject.fitted, subject.queries[:0])
    return None if len(codes) == 0 else f"{len(codes)} codes of no items"


@check("compute each row from itself; the engine refuses such items before they count")
def keeps_a_broken_item_to_itself(subject: Subject) -> str | None:
    """An item with NaN or infinity does not change the codes of others in its batch."""
    if subject.reads_images:
        raise Inapplicable("it reads images, which are uint8")
    assert subject.trained
    broken = subject.queries.clone()
    broken[0, 0], broken[0, 1] = torch.nan, torch.inf
    try:
        codes = subject.encode(subject.fitted, broken)
    except ValueError:
        return None
    share = agreement(codes[1:], subject.codes[1:])
    return None if share >= ROUNDED else f"{1 - share:.1%} of the other items' bits differ"


def _codes(subject: Subject, items: Items) -> torch.Tensor | None:
    """Codes of the items, of a method fitted to them; None where this is Incompatible."""
    assert subject.trained
    try:
        method = subject.fit(items).method
    except Incompatible:
        return None
    codes = subject.encode(method, subject.batch(items))
    if len(codes) != len(items):
        raise ValueError(f"{len(codes)} codes of {len(items)} items")
    return codes
