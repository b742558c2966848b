"""Records of format 2 are read as records of format 3; their precision is what the training said, or unknown."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from hashbench.errors import UsageError
from hashbench.records.schema import FORMAT
from hashbench.records.store import load_record, to_json
from tests.reporting.made_records import make_record


def old_record(**facts: str) -> dict[str, Any]:
    """A record as hashbench wrote it in format 2."""
    record: dict[str, Any] = json.loads(to_json(make_record("bgan", 16, 0.5)))
    record["format"] = 2
    record["fingerprint"] = {"card": record["fingerprint"]["card"], "files": {"methods/bgan.py": "a" * 16}}
    record["trial"]["parameters"] = {"precision": "auto", "epochs": 4}
    record["training"]["facts"] = facts
    record["environment"]["hardware"]["device"] = "cuda:1"
    return record


def read(record: dict[str, Any], folder: Path) -> dict[str, Any]:
    file = folder / "record.json"
    file.write_bytes(to_json(record))
    return load_record(file)


def test_it_is_read_in_todays_format_under_its_own_key(tmp_path: Path) -> None:
    old = old_record()
    new = read(old, tmp_path)
    assert new["format"] == FORMAT
    assert new["fingerprint"] == {
        "card": old["fingerprint"]["card"],
        "device": "cuda",
        "versions": {},
        "sources": {"methods/bgan.py": "a" * 16},
        "distributions": {},
    }
    untouched = set(old) - {"format", "fingerprint", "trial", "named_variant"}
    assert {name: new[name] for name in untouched} == {name: old[name] for name in untouched}


@pytest.mark.parametrize(("facts", "precision"), [({"precision": "bfloat16"}, "bfloat16"), ({}, "unknown")])
def test_its_precision_is_what_the_training_said_or_unknown(
    facts: dict[str, str], precision: str, tmp_path: Path
) -> None:
    assert read(old_record(**facts), tmp_path)["trial"]["parameters"] == {"precision": precision, "epochs": 4}


def test_a_precision_that_was_asked_for_stays(tmp_path: Path) -> None:
    old = old_record(precision="bfloat16")
    old["trial"]["parameters"]["precision"] = "float32"
    assert read(old, tmp_path)["trial"]["parameters"]["precision"] == "float32"


def test_codes_from_elsewhere_stay_so(tmp_path: Path) -> None:
    old = old_record()
    old["fingerprint"]["scored"] = {"query_codes": "a" * 16, "database_codes": "b" * 16}
    assert read(old, tmp_path)["fingerprint"]["device"] == "elsewhere"


@pytest.mark.parametrize("part", ["fingerprint", "trial", "training", "environment"])
def test_a_damaged_part_is_named(part: str, tmp_path: Path) -> None:
    damages: tuple[Any, ...] = ({}, None, [], "text")
    for damage in damages:
        old = deepcopy(old_record())
        old[part] = damage
        with pytest.raises(UsageError, match=rf"record .*record\.json.*{part}"):
            read(old, tmp_path)


def test_older_and_newer_formats_are_refused(tmp_path: Path) -> None:
    for number, message in (
        (1, f"format 1, wanted {FORMAT}; run its trial again"),
        (FORMAT + 1, "a newer hashbench reads it"),
    ):
        with pytest.raises(UsageError, match=message):
            read({**old_record(), "format": number}, tmp_path)
