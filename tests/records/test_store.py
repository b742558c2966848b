"""What a trial leaves is written so that, wherever it is killed, a record stands beside its own codes."""

import errno
from pathlib import Path

import numpy as np
import pytest

from hashbench.errors import StorageError
from hashbench.records.store import IrreplaceableError, Store
from hashbench.records.trial_spec import PlannedTrial, TrialSpec
from tests.reporting.made_records import CARD, make_record

ZEROS, ONES = ({"query_codes": np.full((1, 1), value, np.uint8)} for value in (0, 255))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A result folder."""
    made = Store(tmp_path)
    made.prepare()
    return made


RECORD = make_record("itq", 32, 0.5)
PLANNED = PlannedTrial(TrialSpec(**RECORD["trial"]), RECORD["fingerprint"], CARD, "digits")


def test_new_codes_take_away_what_is_of_the_codes_before(store: Store) -> None:
    store.write_codes(PLANNED, ZEROS)
    store.write_state(PLANNED, b"of the codes before")
    store.write_record(PLANNED, RECORD)
    assert store.read(PLANNED) is not None
    assert store.kept_state(PLANNED) is not None
    store.write_codes(PLANNED, ONES)  # of --rerun all; what is killed now has written no record of these
    left = [file.suffix for file in store.records_folder.iterdir()]
    assert left == [".npz"]
    store.write_record(PLANNED, RECORD)
    assert store.kept_state(PLANNED) is None  # --no-state has none of its own


def test_a_full_disk_takes_nothing_away(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write_codes(PLANNED, ZEROS)
    store.write_record(PLANNED, RECORD)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="full"):
        store.write_codes(PLANNED, ONES)
    assert store.read(PLANNED) is not None
    assert not np.load(store.record_path(PLANNED).with_suffix(".npz"))["query_codes"].any()


def test_codes_of_what_a_newer_hashbench_wrote_stay(store: Store) -> None:
    record = store.record_path(PLANNED)
    store.write_codes(PLANNED, ZEROS)
    record.write_text('{"format": 1000}')
    with pytest.raises(IrreplaceableError, match="a newer hashbench"):
        store.write_codes(PLANNED, ONES)
    assert record.read_text() == '{"format": 1000}'
    assert not np.load(record.with_suffix(".npz"))["query_codes"].any()
