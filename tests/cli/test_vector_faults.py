"""Files of vectors that cannot be run end in one line and exit code 2; nothing is written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from tests.cli.conftest import Done

Call = Callable[..., Done]
X = np.random.default_rng(0).standard_normal((140, 4)).astype(np.float32)


def nan_row() -> None:
    rows = X.copy()
    rows[17] = np.nan
    np.save("x.npy", rows)


def ragged() -> None:
    lists = [row.tolist() for row in X]
    lists[31] = lists[31][:3]
    column = pyarrow.array(lists, type=pyarrow.list_(pyarrow.float32()))
    pyarrow.parquet.write_table(pyarrow.table({"emb": column}), "x.parquet")


def of_another_width() -> None:
    np.save("x.npy", X)
    np.save("q.npy", X[:9, :3])


@pytest.mark.parametrize(
    ("prepare", "given", "words"),
    [
        (nan_row, ["embeddings:x.npy"], "1 of 140 vectors have NaN (row 17 of "),
        (ragged, ["embeddings:x.parquet"], "row 31 has a vector of 3 numbers, the first row one of 4"),
        (lambda: np.save("x.npy", X.astype(np.float64)), ["embeddings:x.npy"], "astype('float32')"),
        (of_another_width, ["embeddings:x.npy", "--queries", "q.npy"], "q.npy have 3 dimensions and "),
        (lambda: np.save("x.npy", X[:105]), ["embeddings:x.npy"], "a database of 95 items has no 100 nearest"),
        (lambda: np.save("x.npy", X[:1]), ["embeddings:x.npy"], "x.npy has 1 vector, wanted at least 111: 100 neigh"),
        (lambda: np.save("x.npy", X[:110]), ["embeddings:x.npy"], "a database of 99 items has no 100 nearest"),
        (lambda: np.save("x.npy", X), ["x.npy"], "no data set named 'x.npy'; did you mean embeddings:x.npy?"),
        (
            lambda: np.save("x.npy", X),
            ["embeddings:x.npy", "--relevance", "labels"],
            "relevance is 'labels', and x.npy",
        ),
    ],
)
def test_one_line_and_exit_code_2(prepare: Callable[[], None], given: list[str], words: str, call: Call) -> None:
    prepare()
    done = call("run", "--methods", "lsh", "--bits", "8", "--executor", "inline", "--datasets", *given)
    assert done.code == 2
    (line,) = [line for line in done.err.splitlines() if line.startswith("hashbench: ")]
    assert words in line
    assert done.err.endswith(f"{line}\n")
    assert not Path("results").exists()
