"""digits: the default data set and its only protocol."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from hashbench.data.spec import open_dataset
from hashbench.dataset import Dataset
from tests.pictures import pictures


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return open_dataset("digits", Path())


def test_it_has_1797_grey_images_of_8_px_that_use_the_whole_range(digits: Dataset) -> None:
    images = pictures(digits, np.arange(len(digits)))
    assert images.shape == (1797, 1, 8, 8)
    assert (int(images.min()), int(images.max())) == (0, 255)


@pytest.mark.parametrize("file", ["sklearn/datasets/data/digits.csv.gz", "not/there.csv.gz"])
def test_they_are_those_of_scikit_learns_reader(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bunch = load_digits()
    monkeypatch.setattr("hashbench.datasets.digits.FILE", file)
    digits = open_dataset("digits", Path())
    images = pictures(digits, np.arange(len(digits)))
    assert np.array_equal(images[:, 0], np.round(bunch.images * 255 / 16))
    assert np.array_equal(digits.labels().argmax(1), bunch.target)


def test_200_queries_20_per_class_and_the_rest_is_database_and_training_set(digits: Dataset) -> None:
    assert len(digits.protocols) == 1
    split, labels = digits.split(), digits.labels()
    assert labels[split.query].sum(0).tolist() == [20] * len(digits.classes()) == [20] * 10
    assert np.array_equal(split.train, split.database)
    assert sorted([*split.query, *split.database]) == list(range(1797))
    assert not np.array_equal(split.database, np.sort(split.database))


def test_the_split_never_changes(digits: Dataset) -> None:
    split = digits.split()
    whole = np.concatenate([split.query, split.database, split.train]).astype("<i8").tobytes()
    assert hashlib.sha256(whole).hexdigest() == "5dc5dcc890186345e13ca73a4f16d6273a4053519f5d105ee97ef401dbc18760"
