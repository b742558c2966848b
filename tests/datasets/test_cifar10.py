"""CIFAR-10: its protocols, what is read from disk, and what is refused."""

import hashlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hashbench.dataset import Dataset, Split
from hashbench.errors import UsageError
from hashbench.registry import DATASETS

GOLDEN_SPLITS = {"bgan": "ce8f51c025a2", "unsupervised-59k": "f035fa6d3851", "test-10k": "a041f698466b"}


@pytest.fixture
def by_class() -> Dataset:
    """The protocols' 60,000 items without their pixels: the class of item i is i % 10."""
    dataset = DATASETS.get("cifar10")(Path("nowhere"))
    vars(dataset)["_loaded"] = (None, np.arange(60_000) % 10)
    return dataset


def splits(dataset: Dataset) -> dict[str, Split]:
    return {protocol.name: dataset.split(protocol) for protocol in dataset.protocols}


def check_protocols(dataset: Dataset, classes: np.ndarray[Any, Any]) -> None:
    bgan, unsupervised, official = splits(dataset).values()
    assert np.bincount(classes[bgan.query]).tolist() == [100] * 10
    assert sorted([*bgan.query, *bgan.database]) == list(range(60_000))
    assert np.bincount(classes[bgan.train]).tolist() == [1_000] * 10
    assert len(set(bgan.train)) == 10_000
    assert set(bgan.train) < set(bgan.database)

    assert np.array_equal(unsupervised.query, bgan.query)
    assert np.array_equal(unsupervised.database, bgan.database)
    assert np.array_equal(unsupervised.train, unsupervised.database)

    assert sorted(official.query) == list(range(50_000, 60_000))
    assert sorted(official.database) == list(range(50_000))
    assert np.array_equal(official.train, official.database)
    for part in (bgan.query, bgan.train, bgan.database, official.query, official.database):
        assert part.dtype == np.int64
        assert abs(np.corrcoef(np.arange(len(part)), part)[0, 1]) < 0.1, "the order is not a permutation"
        assert len(set(classes[part[:50]])) > 5, "the order goes by class"


def test_protocols_come_in_the_order_of_the_design() -> None:
    names = [protocol.name for protocol in DATASETS.get("cifar10").protocols]
    assert names == ["bgan", "unsupervised-59k", "test-10k"]


def test_protocols_have_the_published_counts(by_class: Dataset) -> None:
    check_protocols(by_class, np.arange(60_000) % 10)


def test_splits_never_change(by_class: Dataset) -> None:
    """Golden sums: a split that differs makes every older number incomparable."""
    found = {
        name: hashlib.sha256(
            np.concatenate([split.query, split.database, split.train]).astype("<i8").tobytes()
        ).hexdigest()[:12]
        for name, split in splits(by_class).items()
    }
    assert found == GOLDEN_SPLITS


def test_items_are_the_batches_in_order(small: Dataset) -> None:
    folder = small.root / "cifar-10-batches-py"
    assert small.labels(small.protocols[0]).shape == (120, 10)
    assert small.labels(small.protocols[0]).argmax(1).tolist() == [item % 10 for item in range(20)] * 6
    for item, name in ((0, "data_batch_1"), (25, "data_batch_2"), (119, "test_batch")):
        raw = pickle.loads((folder / name).read_bytes())[b"data"][item % 20]
        image = small.images(np.array([item]))[0]
        assert image.shape == (3, 32, 32)
        assert image.numpy().ravel().tolist() == raw.tolist()


def test_an_absent_folder_is_named_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"cifar-10-batches-py is not there; run `hashbench data prepare cifar10`.*--data"
    ):
        DATASETS.get("cifar10")(tmp_path / "nowhere").require()


def test_an_absent_file_is_named(small: Dataset) -> None:
    small.require()
    (small.root / "cifar-10-batches-py" / "data_batch_4").unlink()
    with pytest.raises(UsageError, match="lacks data_batch_4; run"):
        small.require()
    with pytest.raises(UsageError, match="lacks data_batch_4; run"):
        small.labels(small.protocols[0])


@pytest.mark.parametrize("read", ["content", "labels"])
def test_a_truncated_batch_is_named_with_its_sum(small: Dataset, read: str) -> None:
    file = small.root / "cifar-10-batches-py" / "data_batch_2"
    wanted = hashlib.md5(file.read_bytes()).hexdigest()
    file.write_bytes(file.read_bytes()[:-100])
    found = hashlib.md5(file.read_bytes()).hexdigest()
    with pytest.raises(UsageError, match=f"data_batch_2 is damaged: its md5 is {found}, wanted {wanted}; .*prepare"):
        small.content() if read == "content" else small.labels(small.protocols[0])


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
    dataset = DATASETS.get("cifar10")(data_root)
    dataset.require()
    assert len(dataset.content()) == 64
    classes = dataset.labels(dataset.protocols[0]).argmax(1)
    assert classes[:5].tolist() == [6, 9, 9, 4, 1]  # frog, truck, truck, deer, automobile
    assert classes[50_000:50_005].tolist() == [3, 8, 8, 0, 6]  # cat, ship, ship, airplane, frog
    assert np.bincount(classes).tolist() == [6_000] * 10
    check_protocols(dataset, classes)
