"""embeddings:FILE: index sets, options, labels, what is counted in the vectors, and what is refused."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch

from hashbench.data.protocol_card import make_card
from hashbench.data.spec import expand, open_dataset, protocol_id, set_options
from hashbench.data.vector_survey import survey
from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.features.weights import Weights
from hashbench.planning.grid import Grid
from hashbench.planning.task import Task, tasks

X = np.random.default_rng(0).standard_normal((60, 4)).astype(np.float32)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("hashbench.planning.task.NEIGHBOURS_K", 10)  # of the database's items at least
    np.save("x.npy", X)


def opened(file: str = "x.npy", **options: str) -> Dataset:
    (spec,) = set_options(expand(f"embeddings:{file}"), options)
    return open_dataset(spec, Path())


def task(**options: Any) -> Task:
    grid = Grid(("itq",), (4,), ("embeddings:x.npy",), **options)
    return next(tasks(grid, Path(), torch.device("cpu"), Weights()))


def test_a_tenth_of_the_rows_are_queries_and_the_others_database_and_training_set() -> None:
    data = opened()
    split, vectors = data.split(), data.vectors()
    assert vectors is not None
    assert [len(items) for items in (split.query, split.database, split.train)] == [6, 54, 54]
    assert sorted([*split.query, *split.database]) == list(range(60))
    assert sorted(split.train) == sorted(split.database)
    assert np.array_equal(vectors[split.query], X[split.query])
    assert np.array_equal(opened().split().query, split.query)
    assert data.protocol_name().startswith("x-l2-")
    assert data.labels().shape == (60, 0)


def test_fit_gets_a_constant_draw_of_at_most_100_000_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    np.save("many.npy", np.zeros((150_000, 1), dtype=np.int8))
    split = opened("many.npy").split()
    assert len(split.query) == 1_000
    assert len(np.unique(split.train)) == 100_000
    assert np.isin(split.train, split.database).all()
    assert np.array_equal(split.train, opened("many.npy").split().train)


@pytest.mark.parametrize("queries", ["15", "0.25"])
def test_queries_are_a_number_or_a_share_of_the_rows(queries: str) -> None:
    assert len(opened(queries=queries).split().query) == 15


def test_queries_come_from_another_file_and_follow_the_rows() -> None:
    np.save("q.npy", X[:7].astype(np.float16))
    data = opened(queries="q.npy")
    split, vectors = data.split(), data.vectors()
    assert vectors is not None
    assert split.query.tolist() == list(range(60, 67))
    assert split.database.tolist() == list(range(60))
    assert np.array_equal(vectors[split.query], X[:7].astype(np.float16).astype(np.float32))
    assert data.names(np.array([3, 61])) == [
        f"row 3 of {Path('x.npy').absolute()}",
        f"row 1 of {Path('q.npy').absolute()}",
    ]


@pytest.mark.parametrize("marks", [np.arange(60) % 4 == 1, (np.arange(60) % 4 == 1) * 1])
def test_queries_and_labels_are_columns_of_the_file(marks: Any) -> None:
    np.savez("x.npz", emb=X, is_query=marks, kind=np.array(["cat", "dog", "emu"] * 20))
    data = opened("x.npz", queries="is_query", labels="kind")
    assert data.split().query.tolist() == list(range(1, 60, 4))
    assert data.classes() == ("cat", "dog", "emu")
    assert np.array_equal(data.labels(), np.eye(3, dtype=bool)[np.arange(60) % 3])


def test_columns_of_a_table_are_no_dimensions() -> None:
    dimensions = {f"d{place}": X[:, place] for place in range(4)}
    split = ["query" if row < 9 else "database" for row in range(60)]
    table = pyarrow.table({**dimensions, "kind": np.arange(60, dtype=np.uint8) % 2, "split": split})
    pyarrow.parquet.write_table(table, "x.parquet")
    data = opened("x.parquet", queries="split", labels="kind")
    vectors = data.vectors()
    assert vectors is not None
    assert vectors.shape == (60, 4)
    assert data.split().query.tolist() == list(range(9))
    assert data.classes() == ("0", "1")


def test_without_a_column_the_vectors_are_others_and_so_is_their_content() -> None:
    rows = np.random.default_rng(0).integers(0, 9, (60, 4), dtype=np.uint8)
    columns = {name: rows[:, place] for place, name in enumerate(("d0", "d1", "kind", "sort"))}
    pyarrow.parquet.write_table(pyarrow.table(columns), "x.parquet")
    tables = [opened("x.parquet"), opened("x.parquet", labels="kind"), opened("x.parquet", labels="sort")]
    found = [table.vectors() for table in tables]
    assert [vectors.shape[1] for vectors in found if vectors is not None] == [4, 3, 3]
    assert len({table.content() for table in tables}) == 3, "neighbours are kept by it"


def test_empty_cells_are_no_class() -> None:
    kinds = pyarrow.array(["owl", "jay", None] * 20)
    pyarrow.parquet.write_table(pyarrow.table({"emb": list(X), "kind": kinds}), "x.parquet")
    with pytest.raises(UsageError, match=r"x\.parquet: column kind has 20 empty cells; fill them"):
        opened("x.parquet", labels="kind").labels()


def test_labels_of_a_file_are_class_numbers_or_multi_hot() -> None:
    hot = np.random.default_rng(0).random((60, 3)) < 0.5
    np.save("numbers.npy", np.arange(60) % 5)
    np.save("hot.npy", hot)
    assert np.array_equal(opened(labels="hot.npy").labels(), hot)
    assert opened(labels="numbers.npy").classes() == ("0", "1", "2", "3", "4")


def test_a_file_of_ann_benchmarks_says_its_queries_and_distance() -> None:
    with h5py.File("ann.hdf5", "w") as file:
        file["train"], file["test"] = X, X[:5] + 1
        file.attrs["distance"] = "angular"
    data = opened("ann.hdf5")
    vectors = data.vectors()
    assert vectors is not None
    assert data.distance == "cosine"
    assert np.array_equal(vectors[data.split().query], X[:5] + 1)
    assert opened("ann.hdf5", metric="ip").distance == "ip"


def test_the_id_is_that_of_content_distance_and_queries() -> None:
    def card(**options: str) -> str:
        (spec,) = set_options(expand("embeddings:x.npy"), options)
        data = open_dataset(spec, Path())
        return make_card(data, protocol_id(spec, data))[0].id

    first = card()
    np.save("x.npy", X + 1)
    ids = {first, card(), card(metric="ip"), card(queries="9"), card(metric="cosine")}
    assert len(ids) == 5
    np.save("x.npy", X)
    assert card() == first


def test_the_card_counts_rows_of_zeros_and_queries_that_are_in_the_database() -> None:
    rows = X.copy()
    rows[[3, 20]] = 0
    queries = np.concatenate([rows[:5], rows[:3] + 1])
    np.save("x.npy", rows)
    np.save("q.npy", queries)
    counted = task(queries="q.npy").card.vectors
    assert counted is not None
    assert {name: counted[name] for name in ("nan", "infinite", "zero", "query_in_database")} == {
        "nan": 0,
        "infinite": 0,
        "zero": 3,
        "query_in_database": 5,
    }
    assert (counted["dimension"], counted["dtype"], counted["query_in_train"]) == (4, "float32", 5)
    assert task().card.relevance == {"kind": "neighbours", "distance": "l2", "k": 100}


def test_a_survey_is_read_from_the_cache_and_made_again_where_it_is_damaged(tmp_path: Path) -> None:
    data = opened()
    card, _ = make_card(data, "embeddings/x")
    made = survey(data, card, tmp_path / "cache")
    (file,) = (tmp_path / "cache" / "vectors").iterdir()
    file.write_text(file.read_text().replace('"zero": 0', '"zero": 7'))
    again = survey(data, card, tmp_path / "cache")
    assert again is not None
    assert again.zero == 7
    file.write_text("{")
    assert survey(data, card, tmp_path / "cache") == made


def spoilt(value: float) -> None:
    rows = X.copy()
    rows[17, 2] = value
    np.save("x.npy", rows)


def zeroed() -> None:
    rows = X.copy()
    rows[17] = 0
    np.save("x.npy", rows)


@pytest.mark.parametrize(
    ("prepare", "options", "words"),
    [
        (lambda: spoilt(np.nan), {}, ["1 of 60", "NaN", "row 17"]),
        (lambda: spoilt(np.inf), {"metric": "ip"}, ["infinite", "row 17"]),
        (zeroed, {"metric": "cosine"}, ["zero", "row 17", "cosine", "--metric"]),
        (lambda: None, {"metric": "manhattan"}, ["'manhattan'", "l2, cosine, ip"]),
        (lambda: np.save("q.npy", X[:, :3]), {"queries": "q.npy"}, ["q.npy", "3 dimensions", "has 4"]),
        (lambda: None, {"queries": "nothing"}, ["'nothing'", "no file"]),
        (lambda: None, {"queries": "nan"}, ["'nan'", "no number"]),
        (lambda: None, {"queries": "inf"}, ["'inf'", "no number"]),
        (lambda: None, {"queries": "60"}, ["queries is 60", "1 to 59"]),
        (lambda: None, {"queries": "0"}, ["queries is 0"]),
        (lambda: None, {"queries": "-0.5"}, ["queries is -0.5"]),
        (lambda: None, {"queries": "2.5"}, ["queries is 2.5"]),
        (lambda: None, {"labels": "kind"}, ["'kind'"]),
        (lambda: np.save("l.npy", np.arange(59)), {"labels": "l.npy"}, ["59 labels", "60 vectors"]),
        (lambda: np.save("l.npy", np.ones(60)), {"labels": "l.npy"}, ["float64 [60]", "class numbers"]),
        (lambda: None, {"features": "gist"}, ["'gist'", "has vectors", "--features"]),
        (lambda: np.save("x.npy", X.astype("f8")), {}, ["float64", "float32"]),
    ],
)
def test_what_cannot_be_scored_is_one_line(prepare: Any, options: dict[str, str], words: list[str]) -> None:
    prepare()
    with pytest.raises(UsageError) as error:
        task(**options)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_an_option_that_no_data_set_has_is_one_line() -> None:
    grid = Grid(("itq",), (4,), ("digits",), metric="ip")
    with pytest.raises(UsageError, match="--metric is 'ip', and no data set"):
        list(tasks(grid, Path(), torch.device("cpu"), Weights()))
    with pytest.raises(UsageError, match=r"no option of .*x\.npy named 'metrik'; did you mean 'metric'"):
        open_dataset(f"embeddings:{Path('x.npy').absolute()}?metrik=ip", Path())


def test_a_question_mark_may_be_in_a_files_name() -> None:
    np.save("is it?metric=ip.npy", X)
    assert opened("is it?metric=ip.npy").distance == "l2"
    assert opened("is it?metric=ip.npy", metric="cosine").distance == "cosine"


def test_features_of_vectors_are_refused_by_a_data_set_of_images() -> None:
    grid = Grid(("itq",), (4,), ("digits",), features="vectors")
    with pytest.raises(UsageError, match="'vectors'"):
        list(tasks(grid, Path(), torch.device("cpu"), Weights()))
