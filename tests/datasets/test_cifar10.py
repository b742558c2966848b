"""CIFAR-10: its protocols, what is read from disk, and what is refused."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashbench.data.spec import open_dataset
from hashbench.dataset import Dataset, Items, Split
from hashbench.errors import UsageError
from hashbench.plugins.registry import DATASETS

GOLDEN_SPLITS = {
    "bgan": "ce8f51c025a2",
    "unsupervised-59k": "f035fa6d3851",
    "test-10k": "a041f698466b",
    "supervised-59k": "7c5e88f543ee",
    "disjoint-54k": "d26f30bb7fe7",
    "resplit-50k": "0a326b7fa4ee",
    "resplit-5k": "ebdea1cdf956",
    "cibhash": "95c064de7987",
    "bgan-validation": "87ea224c85ba",
    "unseen": "a0e6e067c44a",
}
UNSEEN = (2, 5, 7)  # bird, dog and horse
ALL, OFFICIAL_TRAIN, OFFICIAL_TEST = (list(range(*ends)) for ends in ((0, 60_000), (0, 50_000), (50_000, 60_000)))


@pytest.fixture
def by_class() -> dict[str, Split]:
    """The protocols' splits of 60,000 items without pixels: the class of item i is i % 10."""
    return splits(Path("nowhere"), np.arange(60_000) % 10)


def splits(root: Path, classes: Items | None = None) -> dict[str, Split]:
    """Every protocol's split, of the items on disk or of those of the given classes."""
    kind = DATASETS.get("cifar10")
    opened = [kind(root, protocol) for protocol in kind.protocols]
    if classes is not None:
        for dataset in opened:
            vars(dataset)["arrays"] = (None, classes)
    return {dataset.protocol.name: dataset.split() for dataset in opened}


def check_protocols(splits: dict[str, Split], classes: Items) -> None:
    def per_class(items: Items) -> list[int]:
        assert len(set(items)) == len(items)
        return [int((classes[items] == value).sum()) for value in range(10)]

    for name in ("bgan", "unsupervised-59k", "supervised-59k", "disjoint-54k"):
        assert np.array_equal(splits[name].query, splits["bgan"].query), f"{name} has 1,000 queries of its own"
    for name in ("unsupervised-59k", "supervised-59k"):
        assert np.array_equal(splits[name].database, splits["bgan"].database)
    assert per_class(splits["bgan"].query) == [100] * 10
    assert sorted([*splits["bgan"].query, *splits["bgan"].database]) == ALL
    assert per_class(splits["bgan"].train) == [1_000] * 10
    assert set(splits["bgan"].train) < set(splits["bgan"].database)
    assert np.array_equal(splits["unsupervised-59k"].train, splits["unsupervised-59k"].database)

    assert per_class(splits["supervised-59k"].train) == [500] * 10
    assert set(splits["supervised-59k"].train) < set(splits["supervised-59k"].database)
    disjoint = splits["disjoint-54k"]
    assert per_class(disjoint.train) == [500] * 10
    assert sorted([*disjoint.query, *disjoint.train, *disjoint.database]) == ALL

    resplit, few = splits["resplit-50k"], splits["resplit-5k"]
    assert per_class(resplit.query) == [1_000] * 10
    assert sorted([*resplit.query, *resplit.database]) == ALL
    assert len(set(resplit.query) & set(OFFICIAL_TEST)) < 2_000, "drawn from the test images, not from all"
    assert np.array_equal(resplit.train, resplit.database)
    assert np.array_equal(few.query, resplit.query)
    assert np.array_equal(few.database, resplit.database)
    assert per_class(few.train) == [500] * 10
    assert set(few.train) < set(few.database)

    official, cibhash = splits["test-10k"], splits["cibhash"]
    assert sorted(official.query) == OFFICIAL_TEST
    assert sorted(official.database) == sorted(cibhash.database) == OFFICIAL_TRAIN
    assert np.array_equal(official.train, official.database)
    assert per_class(cibhash.query) == per_class(cibhash.train) == [500] * 10
    assert set(cibhash.query) < set(OFFICIAL_TEST)
    assert set(cibhash.train) < set(OFFICIAL_TRAIN)

    chosen_by = splits["bgan-validation"]
    assert sorted([*chosen_by.query, *chosen_by.database, *chosen_by.train]) == sorted(splits["bgan"].train)
    assert per_class(chosen_by.query) == [100] * 10
    assert per_class(chosen_by.database) == [200] * 10
    assert per_class(chosen_by.train) == [700] * 10
    assert not set(np.concatenate(list(chosen_by.parts().values()))) & set(splits["bgan"].query)

    unseen = splits["unseen"]
    assert per_class(unseen.query) == [1_000 * (value in UNSEEN) for value in range(10)]
    assert per_class(unseen.database) == [5_000 * (value in UNSEEN) for value in range(10)]
    assert per_class(unseen.train) == [5_000 * (value not in UNSEEN) for value in range(10)]
    assert set(unseen.query) < set(OFFICIAL_TEST)
    assert set(np.concatenate([unseen.database, unseen.train])) == set(OFFICIAL_TRAIN)

    for part in (part for split in splits.values() for part in split.parts().values()):
        assert part.dtype == np.int64
        assert abs(np.corrcoef(np.arange(len(part)), part)[0, 1]) < 0.1, "the order is not a permutation"
        assert len(set(classes[part[:50]])) > len(set(classes[part])) / 2, "the order goes by class"


def test_the_first_protocol_is_the_papers() -> None:
    assert [protocol.name for protocol in DATASETS.get("cifar10").protocols] == list(GOLDEN_SPLITS)


def test_protocols_have_the_published_counts(by_class: dict[str, Split]) -> None:
    check_protocols(by_class, np.arange(60_000) % 10)


def test_the_cutoff_to_choose_by_is_as_great_a_share_of_the_database_as_the_headlines(
    by_class: dict[str, Split],
) -> None:
    cutoffs = {protocol.name: protocol.cutoff for protocol in DATASETS.get("cifar10").protocols}
    full, chosen_by = len(by_class["bgan"].database), len(by_class["bgan-validation"].database)
    assert cutoffs.pop("bgan-validation") == round(1_000 * chosen_by / full)
    assert set(cutoffs.values()) == {None}


def test_splits_never_change(by_class: dict[str, Split]) -> None:
    """Golden sums: a split that differs makes every older number incomparable."""
    splits = {
        name: hashlib.sha256(
            np.concatenate([split.query, split.database, split.train]).astype("<i8").tobytes()
        ).hexdigest()[:12]
        for name, split in by_class.items()
    }
    assert splits == GOLDEN_SPLITS


def test_items_are_the_batches_in_order(small: Dataset) -> None:
    folder = small.root / "cifar-10-batches-py"
    assert small.labels().shape == (120, 10)
    assert small.labels().argmax(1).tolist() == [item % 10 for item in range(20)] * 6
    for item, name in ((0, "data_batch_1"), (25, "data_batch_2"), (119, "test_batch")):
        raw = pickle.loads((folder / name).read_bytes())[b"data"][item % 20]
        image = small.images(np.array([item]))[0]
        assert image.shape == (3, 32, 32)
        assert image.numpy().ravel().tolist() == raw.tolist()


def test_an_absent_folder_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"cifar-10-batches-py is not there; run `hashbench data prepare cifar10`.*--data"
    ):
        open_dataset("cifar10", tmp_path / "nowhere")


def test_an_absent_file_is_named(small: Dataset) -> None:
    small.require()
    (small.root / "cifar-10-batches-py" / "data_batch_4").unlink()
    with pytest.raises(UsageError, match="lacks data_batch_4; run"):
        small.require()
    with pytest.raises(UsageError, match="lacks data_batch_4; run"):
        small.labels()


@pytest.mark.parametrize("read", ["content", "labels"])
def test_a_truncated_batch_is_named_with_its_sum(small: Dataset, read: str) -> None:
    file = small.root / "cifar-10-batches-py" / "data_batch_2"
    wanted = hashlib.md5(file.read_bytes()).hexdigest()
    file.write_bytes(file.read_bytes()[:-100])
    actual = hashlib.md5(file.read_bytes()).hexdigest()
    with pytest.raises(UsageError, match=f"data_batch_2 is damaged: its md5 is {actual}, wanted {wanted}; .*prepare"):
        small.content() if read == "content" else small.labels()


def test_content_is_checked_once(small: Dataset) -> None:
    content = small.content()
    (small.root / "cifar-10-batches-py" / "data_batch_2").write_bytes(b"")
    assert small.content() == content
    assert len(content) == 64


def test_a_batch_that_would_run_code_is_refused(tmp_path: Path, cifar10_module: Any) -> None:
    class Attack:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return eval, ("1 + 1",)

    (tmp_path / "batch").write_bytes(pickle.dumps({b"data": Attack()}))
    with pytest.raises(pickle.UnpicklingError, match=r"no use for builtins\.eval"):
        cifar10_module.read_batch(tmp_path / "batch")


def test_the_real_files(data_root: Path) -> None:
    dataset = open_dataset("cifar10", data_root)
    assert len(dataset.content()) == 64
    classes = dataset.labels().argmax(1)
    assert classes[:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, automobile
    assert classes[50_000:50_005].tolist() == [3, 8, 8, 0, 6]  # cat, ship, ship, airplane, frog
    assert np.bincount(classes).tolist() == [6_000] * 10
    check_protocols(splits(data_root, classes), classes)
