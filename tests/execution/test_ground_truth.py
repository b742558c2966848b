"""The nearest neighbours of a protocol: searched for once, kept, checked, and compared with those that are known."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from hashbench.data.spec import expand, open_dataset
from hashbench.dataset import Dataset, Distance, Split
from hashbench.errors import UsageError
from hashbench.evaluation.neighbours import Neighbours
from hashbench.execution import ground_truth as module
from hashbench.execution.ground_truth import ground_truth
from hashbench.execution.training_data import TrainingData

X = np.random.default_rng(0).standard_normal((260, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    np.save("x.npy", X)


def found(lines: list[str], file: str = "x.npy", distance: Distance | None = None) -> tuple[Neighbours, Split, Dataset]:
    (spec,) = expand(f"embeddings:{file}")
    data = open_dataset(spec, Path())
    vectors = data.vectors()
    assert vectors is not None
    assert data.distance is not None
    inputs, split = TrainingData(data, vectors, data.labels()), data.split()
    where = Path("cache"), torch.device("cpu"), lines.append
    return ground_truth(inputs, data.content(), split, distance or data.distance, *where), split, data


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(*_: object) -> None:
        raise AssertionError("searched for again")

    monkeypatch.setattr(module, "nearest_neighbours", search)


def test_they_are_rows_of_the_database_and_kept_by_content_distance_and_items(monkeypatch: pytest.MonkeyPatch) -> None:
    first, split, _ = found([])
    nearest = split.database[first.rows[first.starts[:-1]]]
    distances = ((X[split.query][:, None] - X[split.database][None]) ** 2).sum(-1)
    assert np.array_equal(nearest, split.database[distances.argmin(1)])
    found([], distance="ip")
    np.save("x.npy", X + 1)
    found([])
    assert len(list(Path("cache/neighbours").iterdir())) == 3
    np.save("x.npy", X)
    forbid(monkeypatch)
    again, _, _ = found([])
    assert np.array_equal(again.rows, first.rows)
    assert np.array_equal(again.values, first.values)
    assert np.array_equal(again.starts, first.starts)


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_what_is_damaged_is_searched_for_again(damage: bytes | None) -> None:
    first, _, _ = found([])
    (file,) = Path("cache/neighbours").iterdir()
    if damage is None:
        with np.load(file) as stored:
            content = {name: stored[name] for name in stored.files}
        np.savez(file, **{**content, "rows": content["rows"][::-1]})
    else:
        file.write_bytes(damage)
    lines: list[str] = []
    again, _, _ = found(lines)
    assert np.array_equal(again.rows, first.rows)
    assert "damaged" in lines[0]


def ann(neighbours: np.ndarray, distance: str = "euclidean") -> None:
    with h5py.File("ann.hdf5", "w") as file:
        file["train"], file["test"], file["neighbors"] = X, X[:20] + 0.1, neighbours
        file.attrs["distance"] = distance


def test_known_neighbours_are_compared_with_ours() -> None:
    nearest = ((X[:20, None] + np.float32(0.1) - X[None]) ** 2).sum(-1).argsort(1)[:, :100]
    ann(nearest)
    lines: list[str] = []
    found(lines, "ann.hdf5")
    assert "100.00 % of the neighbours in ann.hdf5 are those found here by l2" in lines
    ann(nearest, "angular")
    with pytest.raises(UsageError, match=r"% of the neighbours in ann.hdf5 are .* by cosine, wanted 99 %"):
        found([], "ann.hdf5")
