"""A result folder of scored codes of digits, and a submission of them; made once for all."""

from pathlib import Path

import numpy as np
import pytest

import hashbench as hb
from hashbench.data.spec import open_dataset
from hashbench.external import api
from hashbench.submission.submit import submit
from tests.submission.packing import PAPERS

PROTOCOL = "digits/holdout-200"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``results``: "mine" of 12 random bits and "classes" of one-hot codes; and ``mine.zip``. Not to be written to."""
    folder = tmp_path_factory.mktemp("submission")
    dataset = open_dataset(PROTOCOL, folder)
    split, labels, rng = dataset.split(), dataset.labels(), np.random.default_rng(5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        patch.setattr(api, "write_reports", lambda _folder: [])
        queries, items = split.query, split.database
        drawn = {
            "query_codes": rng.random((len(queries), 12)) < 0.5,
            "database_codes": rng.random((len(items), 12)) < 0.5,
        }
        classes = {"query_codes": labels[queries], "database_codes": labels[items]}
        for name, arrays, supervised in (("mine", drawn, False), ("classes", classes, True)):
            hb.score(
                arrays,
                name=name,
                protocol=PROTOCOL,
                features="pixels",
                supervised=supervised,
                device="cpu",
                results=folder / "results",
            )
    submit(folder / "results", folder / "mine.zip", papers=PAPERS)
    return folder


@pytest.fixture
def results(made: Path) -> Path:
    return made / "results"


@pytest.fixture
def archive(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HASHBENCH_CACHE", str(made / "cache"))
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    return made / "mine.zip"
