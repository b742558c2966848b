"""Records of format 3 are read as records of format 4; methods with variants are named after the format."""

import json
from pathlib import Path
from typing import Any

import pytest

from hashbench.records.schema import FORMAT
from hashbench.records.store import load_record, to_json
from hashbench.reporting.identity import Identity
from tests.reporting.made_records import make_record


def old_record(**parameters: Any) -> dict[str, Any]:
    """A record as hashbench wrote it in format 3."""
    record: dict[str, Any] = json.loads(to_json(make_record("bgan", 16, 0.5)))
    del record["named_variant"]
    record["format"], record["trial"]["parameters"] = 3, parameters
    return record


@pytest.mark.parametrize(
    ("parameters", "variant", "label"),
    [
        ({"epochs": 4}, {}, "bgan 16 bits"),
        ({"variant": "paper"}, {}, "bgan (before format 4) 16 bits"),
        ({"variant": "released"}, {"variant": "released"}, "bgan (before format 4) [variant=released] 16 bits"),
    ],
)
def test_its_label_names_the_format_where_the_method_has_variants(
    parameters: dict[str, Any], variant: dict[str, Any], label: str, tmp_path: Path
) -> None:
    old = {**old_record(**parameters), "variant": variant}
    file = tmp_path / "record.json"
    file.write_bytes(to_json(old))
    new = load_record(file)
    assert new["format"] == FORMAT == 4
    assert Identity.of(new).label == label
    untouched = set(old) - {"format"}
    assert {name: new[name] for name in untouched} == {name: old[name] for name in untouched}


def test_a_record_of_today_is_labelled_by_its_variant() -> None:
    own = make_record("bgan", 16, 0.5, variant={"variant": "tuned", "epochs": 2})
    old = {**own, "named_variant": "before format 4"}
    assert Identity.of(own).label == "bgan (tuned) [epochs=2] 16 bits"
    assert Identity.of(own) != Identity.of(old)
