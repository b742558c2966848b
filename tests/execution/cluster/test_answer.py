"""What a node answers is checked before it is written: a damaged or foreign answer leaves nothing."""

import io
import json
import pickle
import struct
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from hashbench.errors import UsageError
from hashbench.execution.cluster.answer import write_answer
from hashbench.execution.cluster.messages import Answer
from hashbench.execution.cluster.taken_over import files_of_earlier
from hashbench.execution.run import make_settings, plan_grids
from hashbench.execution.trial import run_trial
from hashbench.planning.grid import Grid
from hashbench.records.store import Store
from hashbench.records.trial_spec import PlannedTrial

QUERIES = 200  # of the protocol of digits


@dataclass(frozen=True)
class Made:
    """Trials that ended well, by method and ranking, and where their files lie."""

    store: Store
    trials: dict[str, PlannedTrial]

    def answer(self, name: str) -> Answer:
        file = self.store.record_path(self.trials[name])
        codes, state = (file.with_suffix(ending).read_bytes() for ending in (".npz", ".safetensors"))
        return Answer(record=file.read_bytes(), codes=codes, state=state, log=b"its output\n")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("answers")
    grid = Grid(("lsh",), (4, 8), datasets=("digits",), limit=100, rankings=("hamming", "asymmetric"))
    settings = make_settings(folder / "r", None, "cpu")
    planned = [entry.planned for entry in plan_grids([grid], settings).entries]
    trials = {f"{each.trial.method} {each.trial.bits} {each.trial.ranking}": each for each in planned}
    for name in ("lsh 8 None", "lsh 4 None"):
        assert run_trial(trials[name], settings, lambda _event: None)["status"] == "ok"
    return Made(Store(folder / "r"), trials)


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    store = Store(tmp_path / "r")
    store.prepare()
    return store


def files(store: Store) -> list[str]:
    return sorted(file.name for file in store.root.rglob("*") if file.is_file())


def test_what_is_written_is_what_the_node_had(made: Made, empty: Store) -> None:
    planned, answer = made.trials["lsh 8 None"], made.answer("lsh 8 None")
    record = write_answer(answer, planned, "node a", empty)
    file = empty.record_path(planned)
    assert file.read_bytes() == answer.record
    assert record == json.loads(file.read_text())
    assert file.with_suffix(".safetensors").read_bytes() == answer.state
    assert empty.log_path(planned).read_bytes() == answer.log
    with np.load(file.with_suffix(".npz")) as ours, np.load(made.store.record_path(planned).with_suffix(".npz")) as its:
        assert ours.files == its.files
        assert all(np.array_equal(ours[name], its[name], equal_nan=True) for name in its.files)
    assert [name for name in files(empty) if name.startswith(".")] == []


def nested_record(answer: Answer) -> bytes:
    """A record that can be read and not be written again."""
    return changed_record(answer, variant={"deep": []}).replace(b'"deep": []', b'"deep": ' + b"[" * 600 + b"]" * 600)


def changed_record(answer: Answer, **changes: Any) -> bytes:
    return json.dumps({**json.loads(answer.record or b""), **changes}).encode()


def changed_codes(answer: Answer, **changes: Any) -> bytes:
    """The codes, with arrays changed, added, or (None) left out."""
    with np.load(io.BytesIO(answer.codes or b"")) as archive:
        arrays = {**archive, **changes}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:  # numpy itself writes no array of such a name as "file"
        for name, array in arrays.items():
            if array is not None:
                with archive.open(f"{name}.npy", "w") as part:
                    np.lib.format.write_array(part, np.asarray(array))
    return stream.getvalue()


def state_of(dtype: str) -> bytes:
    header = json.dumps({"w": {"dtype": dtype, "shape": [4], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


DEEP = 100_000
CANNOT = "the codes that node a sent cannot be read \\("
DAMAGE: dict[str, Any] = {
    "the record that node a sent is no JSON": lambda a: {"record": (a.record or b"")[:-9]},
    "the record that node a sent is no JSON  ": lambda _: {"record": b"[" * DEEP + b"]" * DEEP},
    "the record that node a sent is no JSON ": lambda a: {"record": None},
    "the record that node a sent lacks metric_version": lambda a: {"record": b'{"format": 4}'},
    "the record that node a sent: metrics": lambda a: {"record": changed_record(a, metrics={"map@all": "high"})},
    "the record that node a sent is of the trial 0123, wanted": lambda a: {"record": changed_record(a, key="0123")},
    "the record that node a sent has the status ok and no codes": lambda a: {"codes": None},
    "the record that node a sent has the status failed and codes": lambda a: {
        "record": changed_record(a, status="failed")
    },
    "the codes that node a sent cannot be read": lambda a: {"codes": (a.codes or b"")[:-40]},
    "the codes that node a sent cannot be read ": lambda a: {"codes": pickle.dumps({"query_codes": [1]})},
    **{
        f"{CANNOT}there is an array '{name}', wanted": lambda a, name=name: {"codes": changed_codes(a, **{name: [1]})}
        for name in ("file", "allow_pickle", "query_vectors")
    },
    **{
        f"{CANNOT}there is no {name}\\)$": lambda a, name=name: {"codes": changed_codes(a, **{name: None})}
        for name in ("query_codes", "database_items", "average_precision")
    },
    f"{CANNOT}query_codes is uint8 \\[{QUERIES - 1}, 1\\], wanted uint8 \\[{QUERIES}, 1\\]\\)$": lambda a: {
        "codes": changed_codes(a, query_codes=np.zeros((QUERIES - 1, 1), np.uint8))
    },
    f"{CANNOT}query_codes is uint8 \\[{QUERIES}, 2\\], wanted": lambda a: {
        "codes": changed_codes(a, query_codes=np.zeros((QUERIES, 2), np.uint8))
    },
    f"{CANNOT}query_codes is float32 ": lambda a: {
        "codes": changed_codes(a, query_codes=np.zeros((QUERIES, 1), np.float32))
    },
    "the state that node a sent cannot be read  ": lambda _: {"state": state_of("F8_E8M0")},
    "the state that node a sent cannot be read": lambda a: {"state": (a.state or b"")[:-1]},
    "the state that node a sent cannot be read ": lambda a: {"state": pickle.dumps({"w": 1})},
}
if sys.version_info < (3, 12):  # later ones write whatever depth they read
    DAMAGE["the record that node a sent cannot be written"] = lambda a: {"record": nested_record(a)}


@pytest.mark.parametrize("line", DAMAGE)
def test_a_damaged_answer_is_refused_and_leaves_nothing(made: Made, empty: Store, line: str) -> None:
    answer = made.answer("lsh 8 None")
    damaged = msgspec.structs.replace(answer, **DAMAGE[line](answer))
    with pytest.raises(UsageError, match=f"^{line.rstrip()}"):
        write_answer(damaged, made.trials["lsh 8 None"], "node a", empty)
    assert files(empty) == []


def test_the_answer_of_another_trial_is_refused(made: Made, empty: Store) -> None:
    with pytest.raises(UsageError, match=r"^the record that node a sent is of the trial \w{16}, wanted \w{16}$"):
        write_answer(made.answer("lsh 4 None"), made.trials["lsh 8 None"], "node a", empty)
    assert files(empty) == []


def test_a_trial_that_takes_over_what_another_left_gets_its_files(made: Made, empty: Store) -> None:
    """A shorter nested code needs the state of the longest; another ranking of the same codes these as well."""
    stems = {name: made.store.record_path(planned).stem for name, planned in made.trials.items()}
    longest = [f"{stems['lsh 8 None']}{ending}" for ending in (".json", ".safetensors")]
    shorter = made.trials["lsh 4 None"]
    assert shorter.longest == 8
    assert sorted(files_of_earlier(shorter, made.store)) == longest
    same = [f"{stems['lsh 8 None']}{ending}" for ending in (".json", ".npz", ".safetensors")]
    found = files_of_earlier(made.trials["lsh 8 asymmetric"], made.store)
    assert sorted(found) == same
    assert all((made.store.records_folder / name).read_bytes() == content for name, content in found.items())
    assert files_of_earlier(made.trials["lsh 8 None"], made.store) == {}
    assert files_of_earlier(made.trials["lsh 8 asymmetric"], empty) == {}
