"""The fitted method of a record on vectors encodes, searches and exports every format of vectors."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pyarrow
import pyarrow.parquet
import pytest
import safetensors.numpy

import hashbench as hb
from hashbench.execution import measure
from hashbench.execution.stored_trial import StoredTrial, load_codes
from tests.cli.conftest import Done

Call = Callable[..., Done]
HAMMING = "rank distance item"
X = np.random.default_rng(0).standard_normal((300, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of sign on vectors, and its queries in every format. Not to be written to."""
    made = tmp_path_factory.mktemp("vectors")
    np.save(made / "x.npy", X)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(made / "cache"))
        given: Any = {"methods": "sign", "bits": "full", "executor": "inline", "results": made / "results"}
        hb.run(datasets=f"embeddings:{made / 'x.npy'}", queries=50, **given)
    rows = X[load_codes(record(made)).query_items]
    np.save(made / "q.npy", rows)
    np.save(made / "double.npy", rows.astype(np.float64))
    np.savez(made / "q.npz", emb=rows, kind=np.arange(50))
    np.savez(made / "two.npz", emb=rows, q=X)
    safetensors.numpy.save_file({"emb": rows}, made / "q.safetensors")
    with h5py.File(made / "q.hdf5", "w") as file:
        file["emb"] = rows
    lists = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(rows.ravel()), 6)
    pyarrow.parquet.write_table(pyarrow.table({"id": np.arange(50), "emb": lists}), made / "q.parquet")
    columns = {f"d{place}": rows[:, place] for place in range(6)}
    table = pyarrow.table({**columns, "kind": np.arange(50, dtype=np.float32)})
    pyarrow.parquet.write_table(table, made / "columns.parquet")
    np.hstack([np.full((50, 1), 6, dtype="<i4").view("<f4"), rows]).tofile(made / "q.fvecs")
    return made


def record(folder: Path) -> StoredTrial:
    (file,) = folder.glob("results/records/*-sign-*.json")
    return StoredTrial.read(file)


def key(folder: Path) -> str:
    return str(record(folder).file)


NAMES = [
    "q.npy",
    "double.npy",
    "q.npz",
    "q.safetensors",
    "q.hdf5",
    "q.parquet",
    "columns.parquet?labels=kind",
    "two.npz?queries=q",
    "q.fvecs",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_format_that_is_read_has_the_same_codes(folder: Path, call: Call, name: str) -> None:
    done = call("encode", key(folder), str(folder / name), "-o", "codes.npy")
    assert done.code == 0, done.err
    assert "codes.npy: 50 codes of 6 bits" in done.out
    assert np.array_equal(np.load("codes.npy"), load_codes(record(folder)).query.packed)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.float16])
def test_whole_numbers_and_halves_are_vectors_too(folder: Path, call: Call, dtype: npt.DTypeLike) -> None:
    rows = (X[:20] * 20).astype(dtype)
    np.save("x.npy", rows)
    assert call("encode", key(folder), "x.npy", "-o", "codes.npy").code == 0
    assert np.array_equal(np.load("codes.npy"), np.packbits(rows.astype(np.float32) > 0, axis=1))


def test_a_query_is_searched_for_in_every_format(folder: Path, call: Call) -> None:
    found = [call("query", key(folder), str(folder / name), "--neighbours", "3", "--json") for name in NAMES[2:4]]
    queries = [json.loads(one.out)["queries"] for one in found]
    assert queries[0] == queries[1]
    assert len(queries[0]) == 50
    assert len(queries[0][0]["nearest"]) == 3


def test_an_export_is_checked_on_the_records_own_vectors_or_on_those_named(folder: Path, call: Call) -> None:
    own = call(
        "export", key(folder), "-o", "own", "--without-onnx", "--dataset", f"embeddings:{folder / 'x.npy'}?queries=50"
    )
    assert own.code == 0, own.err
    assert "300 items" in own.out
    for name in ("q.npz", "q.parquet"):
        done = call("export", key(folder), "-o", "out", "--without-onnx", "--check", str(folder / name))
        assert done.code == 0, done.err
        assert "50 items" in done.out


@pytest.fixture(scope="module")
def ranked(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The record of each method that is ranked by scores."""
    results = tmp_path_factory.mktemp("ranked")
    given: Any = {"datasets": f"embeddings:{folder / 'x.npy'}", "queries": 50, "bits": "full", "executor": "inline"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(results / "cache"))
        hb.run(methods=["sign", "spherical", "rabitq"], rankings=["asymmetric"], results=results, **given)
    files = [StoredTrial.read(file) for file in (results / "records").glob("*.json")]
    return {stored.trial.method: str(stored.file) for stored in files}


@pytest.mark.parametrize(
    ("method", "head"), [("sign", "rank score item"), ("rabitq", "rank estimated distance item"), (None, HAMMING)]
)
def test_a_query_names_what_items_are_near_by(
    folder: Path, ranked: dict[str, str], call: Call, method: str | None, head: str
) -> None:
    """Vectors without labels have no column of them."""
    file = ranked[method] if method else key(folder)
    done = call("query", file, str(folder / "q.npy"), "--neighbours", "2")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[1].split() == head.split()
    values = [float(line.split()[1]) for line in lines[2:4]]
    assert values == sorted(values, reverse=method == "sign")


def test_a_record_on_a_file_of_ones_own_is_exported_with_items_to_check_on(folder: Path, call: Call) -> None:
    done = call("export", key(folder), "-o", "out", "--without-onnx")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert done.err.endswith("a file of yours describes; name items to compare bits on with --check INPUT\n")


def test_a_method_that_is_no_linear_projection_is_exported_as_onnx_alone(
    folder: Path, ranked: dict[str, str], call: Call
) -> None:
    done = call("export", ranked["spherical"], "-o", "out", "--without-onnx", "--check", str(folder / "q.npy"))
    assert (done.code, done.err) == (
        2,
        "hashbench: spherical gives no linear projection (HashMethod.linear), which the reader in numpy needs: it is "
        "exported as ONNX alone; leave --without-onnx out\n",
    )
    assert not Path("out").exists()


def test_an_export_says_how_codes_are_ranked_and_an_estimator_has_none(
    folder: Path, ranked: dict[str, str], call: Call, tmp_path: Path
) -> None:
    words = "--check", str(folder / "x.npy"), "--without-onnx"
    done = call("export", ranked["sign"], *words, "-o", str(tmp_path / "sign"))
    assert done.code == 0, done.err
    assert "ranked by the largest product of a query's projection" in (tmp_path / "sign/README.md").read_text()
    assert json.loads((tmp_path / "sign/card.json").read_text())["ranking"] == "asymmetric"
    done = call("export", ranked["rabitq"], *words, "-o", str(tmp_path / "rabitq"))
    assert done.code == 2
    assert done.err.startswith("hashbench: rabitq ranks by estimates from factors beside its codes")
    assert not (tmp_path / "rabitq").exists()


def test_vectors_stay_on_disk_and_are_read_batch_by_batch(
    folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbench.execution.training_data.FEATURE_BATCH", 7)
    fitted = hb.load(record(folder).file, device="cpu")
    sizes = [len(batch) for batch in fitted.batches(np.load(folder / "q.npy", mmap_mode="r"))]
    assert sizes == [7] * 7 + [1]


@pytest.mark.parametrize(
    ("name", "rows", "words"),
    [
        ("wide.npy", X[:, :4], "learnt from vectors of 6 dimensions (embeddings/x-l2-"),
        ("long.npy", X.astype(np.int64), "is int64 [300, 6], wanted vectors [n, d] of float16, float32"),
        ("nan.npy", np.where(X[3] == X, np.nan, X), "row 3 has NaN or infinite values"),
        (
            "both.npz",
            None,
            "both.npz has 2 matrices (a, b) among a, b, wanted one [n, d]; name what the others are ('both.npz?queries",
        ),
        ("x.txt", None, "ends in '.txt', wanted an image (.jpg, .jpeg, .png), a folder of them, or a file of vectors"),
    ],
)
def test_what_cannot_be_encoded_is_one_line(folder: Path, call: Call, name: str, rows: Any, words: str) -> None:
    if rows is not None:
        np.save(name, rows)
    elif name.endswith(".npz"):
        np.savez(name, a=X, b=X)
    else:
        Path(name).write_text("1 2 3")
    done = call("encode", key(folder), name, "-o", "codes.npy")
    assert done.code == 2
    assert words in done.err
    assert done.err.count("\n") == 1
    assert not Path("codes.npy").exists()
