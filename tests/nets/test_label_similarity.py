"""Similarity from labels: +1 where one is shared."""

import torch

from hashbench.nets.label_similarity import label_similarity
from hashbench.nets.losses import pair_loss

LABELS = torch.rand(30, 6, generator=torch.Generator().manual_seed(0)) < 0.25


def test_items_that_share_a_label_are_similar_and_no_others() -> None:
    sets = [set(row.nonzero()[:, 0].tolist()) for row in LABELS]
    assert set() in sets  # an item without labels is similar to none
    similarity = label_similarity(LABELS)
    assert similarity.dtype == torch.float32
    assert similarity.tolist() == [[1.0 if one & other else -1.0 for other in sets] for one in sets]


def test_a_block_is_part_of_the_whole() -> None:
    whole = label_similarity(LABELS)
    assert torch.equal(label_similarity(LABELS[5:9], LABELS[12:]), whole[5:9, 12:])
    assert torch.equal(label_similarity(LABELS[5:9]), whole[5:9, 5:9])


def test_codes_that_tell_two_classes_apart_have_no_pair_loss() -> None:
    classes = torch.arange(8) % 2
    codes = torch.where(classes[:, None] == 1, 1.0, -1.0) * torch.ones(8, 4)
    assert pair_loss(codes, label_similarity(torch.eye(2, dtype=torch.bool)[classes])) == 0
