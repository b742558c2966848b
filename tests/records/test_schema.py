"""Records are read as their JSON Schema describes them: schema and model want the same parts, of the same types."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hashbench.errors import UsageError
from hashbench.records.new_record import RESULT_FIELDS
from hashbench.records.schema import FORMAT, schema
from hashbench.records.store import Record, load_record, to_json
from tests.reporting.made_records import make_record

Steps = tuple[str | int, ...]
METRICS = ("map@1000/min", "map@1000/total", "map@1000/best", "map@1000/worst", "precision@r2", "map@all")


def complete_record() -> Record:
    """A record that has every part that the schema knows."""
    record = make_record("itq", 16, 0.5, backbones={"net": "sum"})
    record["metrics"] |= dict.fromkeys(METRICS, 0.5)
    record["fingerprint"] |= {"sources": {"a.py": "a" * 16}, "versions": {"nets": 1}, "distributions": {"x": None}}
    record["fingerprint"]["scored"] = {"query_codes": "a" * 16, "database_codes": "b" * 16}
    record["protocol_card"]["leaks"] = {"query_in_database": 0, "query_in_train": 0}
    record["training"] = {
        "epochs": [{"loss": 1.0}],
        "facts": {"stopped": "early"},
        "similarity": {"per_item": 1.0, "precision": 0.5, "coverage": 1.0},
    }
    record["provenance"]["scored"] = {"encoding": "01", "files": {"query_codes": "sum"}}
    record["environment"]["hardware"]["gpus"] = ["a card"]
    content: Record = json.loads(to_json(record))
    return content


def throughput() -> Record:
    record = complete_record()
    rate = {"median": 2.0, "q1": 1.0, "q3": 3.0}
    return {
        "format": FORMAT,
        "key": record["key"],
        "measured": "2026-01-01T00:00:00+00:00",
        "hardware": record["environment"]["hardware"],
        "encode": {"images_per_s": {**rate, "batch": 8, "single": rate}, "features_per_s": rate},
        "search": {"100": {"queries_per_s": rate, "latency_ms": {"p50": 1.0, "p95": 1.0, "p99": 1.0}}},
        "bytes_per_item": 2,
    }


def failed_record() -> Record:
    error = {"phase": "fit", "exception": "ValueError", "message": "boom", "log": ["a line"]}
    nothing = dict.fromkeys(RESULT_FIELDS)
    return {**complete_record(), "status": "failed", "error": error, **nothing}


DOCUMENTS = {"record": complete_record(), "failed": failed_record(), "throughput": throughput()}
SCHEMAS = {"record": schema("record"), "failed": schema("record"), "throughput": schema("throughput")}

OPEN = "metrics"
"""The table whose names the model leaves open: other versions have others."""

NULL_BY_STATUS = {("error",), *((name,) for name in RESULT_FIELDS)}


def parts(content: Any, path: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Every value inside a document with the path that leads to it."""
    for step, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield (*path, step), value
        if isinstance(value, dict | list):
            yield from parts(value, (*path, step))


def changed(content: Record, path: Steps, value: Any) -> Record:
    """A copy with another value at ``path``, or without it where that is ``...``."""
    content = copy.deepcopy(content)
    at: Any = content
    for step in path[:-1]:
        at = at[step]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return content


def is_read(content: Record, file: Path) -> bool:
    file.write_bytes(to_json(content))
    try:
        return load_record(file) == content
    except UsageError:
        return False


@pytest.mark.parametrize("name", DOCUMENTS)
def test_model_and_schema_want_the_same_parts(name: str, tmp_path: Path) -> None:
    content, validator = DOCUMENTS[name], jsonschema.Draft202012Validator(SCHEMAS[name])
    validator.validate(content)
    assert is_read(content, tmp_path / "r.json")
    differing = []
    for path, _ in parts(content):
        if path == ("trial",) or OPEN in path[:-1]:  # without a trial it is a throughput
            continue
        if path[0] == "curves" and isinstance(path[-1], int):  # its arrays have one length, see consistency.py
            continue
        without = changed(content, path, ...)
        if validator.is_valid(without) != is_read(without, tmp_path / "r.json"):
            differing.append(path)
    assert not differing


@pytest.mark.parametrize("name", DOCUMENTS)
def test_model_and_schema_refuse_values_of_other_types(name: str, tmp_path: Path) -> None:
    content, validator = DOCUMENTS[name], jsonschema.Draft202012Validator(SCHEMAS[name])
    taken, refused = [], []
    for path, value in parts(content):
        for other in (["x"], {"x": ["x"]}, 7 if isinstance(value, str) else "x", True, None):
            mistaken = changed(content, path, other)
            read, valid = is_read(mistaken, tmp_path / "r.json"), validator.is_valid(mistaken)
            null = other is None and (isinstance(value, float) or path in NULL_BY_STATUS)  # NaN is read as None
            if read and not valid and not null and type(other) is not type(value):
                taken.append((path, other))
            if valid and not read:
                refused.append(path)
    assert not taken
    assert not refused


@pytest.mark.parametrize("value", [3.7, -12.0, 1e9])
def test_a_metric_of_another_range_is_taken(value: float, tmp_path: Path) -> None:
    content = changed(complete_record(), ("metrics", "mean_rank"), value)
    jsonschema.Draft202012Validator(SCHEMAS["record"]).validate(content)
    assert is_read(content, tmp_path / "r.json")


def test_numbers_that_are_not_finite_and_odd_texts_are_read_as_json_has_them(tmp_path: Path) -> None:
    content = complete_record()
    content["trial"]["method"] = "METHOD"
    text = to_json(content).decode()
    for old, new in (('"loss": 1.0', '"loss": NaN'), ('"fit": 1.5', '"fit": -Infinity'), ("METHOD", r"a\ud800b")):
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "r.json"
    file.write_text(text)
    record = load_record(file)
    assert (record["training"]["epochs"], record["seconds"]) == ([{"loss": None}], {"fit": None})
    assert record["trial"]["method"] == "a\ud800b"


def test_a_value_of_another_type_is_named_with_its_path(tmp_path: Path) -> None:
    content = changed(complete_record(), ("curves", "rank", "precision", 0), "high")
    file = tmp_path / "r.json"
    file.write_bytes(to_json(content))
    with pytest.raises(UsageError) as refused:
        load_record(file)
    where = "curves.rank.precision[0]"
    assert (
        str(refused.value) == f"record {file}: {where} is 'high', wanted a number or null; move it away or restore it"
    )


def test_parts_of_other_versions_are_kept(tmp_path: Path) -> None:
    content = {**complete_record(), "later": {"a": [1]}}
    assert is_read(content, tmp_path / "r.json")


def test_a_value_that_is_nested_as_deep_as_can_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    for depth in range(800, 1000):
        text = to_json(changed(complete_record(), ("seconds", "fit"), "DEEP")).decode()
        file.write_text(text.replace('"DEEP"', "[" * depth + "]" * depth))
        with pytest.raises(UsageError, match=r"seconds\.fit is \[\[.*wanted a number|cannot be read"):
            load_record(file)


def test_a_name_that_is_no_utf_8_is_written_and_read(tmp_path: Path) -> None:
    record = complete_record()
    record["provenance"]["command"] = "hashbench run --datasets embeddings:\\\udcff.npy"  # as Python has such a name
    file = tmp_path / "record.json"
    file.write_bytes(to_json(record))
    assert load_record(file) == record
