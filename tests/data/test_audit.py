"""The audit finds what would spoil a comparison: planted duplicates, unlabelled queries, missing images."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from hashbench.data.audit import Audit, audit, leaks, write_audit
from hashbench.data.protocol_card import make_card
from hashbench.data.same_images import same_images
from hashbench.dataset import Dataset, Items, Protocol, Split

ITEMS, CLASSES = 40, 3


class Planted(Dataset):
    """Forty random pictures: 0..9 are queries, 10..29 database, 30..39 training items outside of it.

    Query 3 shows what database item 17 shows, query 4 what training item 31 shows, training item 35 what 20 shows;
    query 7 has no label, query 8 a label of its own; query 9, 12 and 30 are missing.
    """

    title, source, features = "planted", "made here", "pixels"
    protocols = (Protocol("only", "all of it", cutoff=5),)

    def content(self) -> str:
        return "0" * 64

    def __len__(self) -> int:
        return ITEMS

    def present(self) -> npt.NDArray[np.bool_]:
        return ~np.isin(np.arange(ITEMS), (9, 12, 30))

    def classes(self) -> tuple[str, ...]:
        return ("sea", "sky", "alone")

    def labels(self) -> npt.NDArray[np.bool_]:
        labels = np.zeros((ITEMS, CLASSES), dtype=np.bool_)
        labels[np.arange(ITEMS), np.arange(ITEMS) % 2] = True
        labels[7] = False
        labels[8] = [False, False, True]
        return labels

    def images(self, items: Items) -> Tensor:
        assert self.present()[items].all(), "a missing image was asked for"
        pictures = torch.randint(0, 256, (ITEMS, 3, 4, 4), generator=torch.Generator().manual_seed(0))
        pictures[3], pictures[4], pictures[35] = pictures[17], pictures[31], pictures[20]
        return pictures[items].to(torch.uint8)

    def split(self) -> Split:
        query, database, train = (np.arange(*ends, dtype=np.int64) for ends in ((0, 10), (10, 30), (30, 40)))
        return Split(train, query, database)


@pytest.fixture
def planted() -> Dataset:
    """The data set opened."""
    return Planted(Path(), Planted.protocols[0])


@pytest.fixture
def result(planted: Dataset, tmp_path: Path) -> Audit:
    """Its audit."""
    return audit(planted, *make_card(planted, "planted/only"), tmp_path)


def test_finds_images_shared_by_queries_database_and_training_set(result: Audit) -> None:
    assert result.duplicates == {
        "query_in_database": {"count": 1, "first": [["item 3", "item 17"]]},
        "query_in_train": {"count": 1, "first": [["item 4", "item 31"]]},
        "train_in_database": {"count": 1, "first": [["item 35", "item 20"]]},
    }


def test_the_record_counts_the_leaks_of_queries(planted: Dataset, tmp_path: Path) -> None:
    _, split = make_card(planted, "planted/only")
    assert leaks(split, same_images(planted, tmp_path)) == {"query_in_database": 1, "query_in_train": 1}


def test_names_queries_without_a_relevant_item(result: Audit) -> None:
    assert result.unanswerable == {"count": 2, "listed": 2, "first": ["item 7", "item 8"]}


def test_says_what_keeps_the_numbers_from_being_the_protocols(result: Audit) -> None:
    assert result.faults() == ["3 images are missing", "2 queries have no relevant item", "2 queries leak"]


def test_an_item_of_several_index_sets_is_one_fault(
    planted: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    query, database = np.arange(10, dtype=np.int64), np.arange(10, 40, dtype=np.int64)
    monkeypatch.setattr(Planted, "split", lambda _: Split(train=database, query=query, database=database))
    trained_on_all = audit(planted, *make_card(planted, "planted/only"), tmp_path)
    assert trained_on_all.missing == {"all": 3, "query": 1, "database": 2, "train": 2}
    assert [pair["count"] for pair in trained_on_all.duplicates.values()] == [2, 2, 0]
    assert trained_on_all.faults() == ["3 images are missing", "2 queries have no relevant item", "2 queries leak"]


@pytest.mark.parametrize(
    "damage", [lambda kept: kept[:-1], lambda kept: b"", lambda kept: kept[:40] + b"x" + kept[41:]]
)
def test_damaged_sums_of_images_are_made_again(
    planted: Dataset, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    groups = same_images(planted, tmp_path)
    (file,) = (tmp_path / "pixels").iterdir()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    lines: list[str] = []
    planted.log = lines.append
    assert np.array_equal(same_images(planted, tmp_path), groups)
    assert lines == [f"the cached checksums of images {file} are damaged; computed again"]
    assert file.read_bytes() == whole


def test_counts_what_is_listed_unlabelled_missing_and_left(result: Audit) -> None:
    assert result.listed == {"all": 40, "query": 10, "database": 20, "train": 10}
    assert result.unlabelled == {"all": 1, "query": 1, "database": 0, "train": 0}
    assert result.missing == {"all": 3, "query": 1, "database": 1, "train": 1}
    assert result.sizes == {"query": 9, "database": 19, "train": 9}
    assert result.labels["sea"] == {"query": 4, "database": 9, "train": 4}


def test_chance_is_the_share_of_relevant_items(result: Audit) -> None:
    # Of 19 database items 9 are "sea" (4 answerable queries) and 10 "sky" (3 of them): with everything tied AP@all is
    # (1/R) sum_i P(i relevant) E[precision at i | relevant] = (1/n) sum_i (1 + (i - 1)(R - 1)/(n - 1)) / i.
    def tied(relevant: int, n: int = 19) -> float:
        return sum((1 + (i - 1) * (relevant - 1) / (n - 1)) / i for i in range(1, n + 1)) / n

    assert result.chance is not None
    assert result.chance["map@all"] == pytest.approx((4 * tied(9) + 3 * tied(10)) / 7)
    assert set(result.chance) == {"map@1000", "map@5", "map@all"}


def test_is_written_under_the_cards_id(result: Audit, tmp_path: Path) -> None:
    file = write_audit(result, tmp_path)
    assert file.name == f"planted-only-{result.card}.json"
    assert json.loads(file.read_text()) == json.loads(json.dumps(result.facts()))


def test_images_are_decoded_once_for_all_protocols_of_a_content(
    planted: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = same_images(planted, tmp_path)
    monkeypatch.setattr(Planted, "images", None)
    assert np.array_equal(first, same_images(planted, tmp_path))


def test_the_card_changes_with_what_is_missing(planted: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    card, split = make_card(planted, "planted/only")
    assert card.missing == {"query": 1, "database": 1, "train": 1}
    assert 9 not in split.query
    monkeypatch.setattr(Planted, "present", lambda self: np.ones(ITEMS, dtype=np.bool_))
    full, _ = make_card(planted, "planted/only")
    assert full.id != card.id
    assert full.missing == {"query": 0, "database": 0, "train": 0}


def test_without_any_image_the_lists_are_still_examined(
    planted: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Planted, "present", lambda self: np.zeros(ITEMS, dtype=np.bool_))
    nothing = audit(planted, *make_card(planted, "planted/only"), tmp_path)
    assert nothing.chance is None
    assert nothing.unlabelled["query"] == 1
    assert nothing.sizes == {"query": 0, "database": 0, "train": 0}


def test_training_items_that_are_database_items_are_no_duplicates(
    planted: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Planted, "split", lambda self: Split(np.arange(10, 40), np.arange(10), np.arange(10, 40)))
    assert audit(planted, *make_card(planted, "planted/only"), tmp_path).duplicates["train_in_database"]["count"] == 0


def test_images_of_other_shapes_are_other_images(
    planted: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = [(1, 2, 8), (1, 8, 2), (1, 4, 4), (1, 16, 1)]
    monkeypatch.setattr(Planted, "__len__", lambda self: len(shapes))
    monkeypatch.setattr(Planted, "present", lambda self: np.ones(len(shapes), dtype=np.bool_))
    monkeypatch.setattr(
        Planted, "images", lambda self, items: [torch.zeros(shapes[i], dtype=torch.uint8) for i in items]
    )
    assert len(set(same_images(planted, tmp_path).tolist())) == len(shapes)
