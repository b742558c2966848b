"""The key of a table: what two numbers must share to be in one table."""

from dataclasses import fields, replace
from typing import Any

import pytest

from hashbench.reporting.table_key import COMPARED, TableKey
from tests.reporting.made_records import make_record

KEY = TableKey.of(make_record("itq", 16, 0.5))
CHANGES: dict[str, Any] = {
    "supervised": True,
    "protocol": "digits/other",
    "card": "d" * 16,
    "features": "gist",
    "weights": "e" * 64,
    "dtype": "float16",
    "limit": 1000,
    "metric_version": 99,
    "neighbours": "cosine",
    "ranking": "asymmetric",
}
each_change = pytest.mark.parametrize("name", CHANGES)


def test_every_field_but_the_root_seed_keeps_cells_from_being_compared() -> None:
    assert set(COMPARED) == set(CHANGES) == {field.name for field in fields(TableKey)} - {"seed"}
    assert KEY.differences(replace(KEY, seed=7)) == KEY.differences(KEY) == []


@each_change
def test_a_difference_is_named_with_both_values(name: str) -> None:
    (line,) = KEY.differences(replace(KEY, **{name: CHANGES[name]}))
    value = {"supervised": "with labels", "weights": "e" * 16}.get(name, str(CHANGES[name]))
    assert line.startswith(f"other {COMPARED[name]}: ")
    assert line.endswith(f" / {value}")


@each_change
def test_facts_bring_the_same_key_back(name: str) -> None:
    key = replace(KEY, **{name: CHANGES[name]})
    assert TableKey.from_facts(key.facts()) == key != KEY


@pytest.mark.parametrize("name", [*CHANGES, "seed"])
def test_another_key_has_another_digest(name: str) -> None:
    assert replace(KEY, **{name: CHANGES.get(name, 7)}).digest != KEY.digest


def test_the_digest_is_that_of_earlier_links_and_file_names() -> None:
    key = TableKey(False, "cifar10/bgan", "c" * 16, "gist", "", "float32", 0, 0, 1)
    assert key.digest == "4efc88"


def test_names_say_what_is_not_the_rule() -> None:
    assert KEY.brief == KEY.name(weights=False) == "digits/holdout-200, features pixels"
    key = replace(KEY, supervised=True, weights="e" * 64, dtype="float16", limit=1000, seed=7)
    assert key.brief == "digits/holdout-200, features pixels, first 1,000 training items, supervised"
    assert key.name(weights=True) == (
        "digits/holdout-200, features pixels of weights eeeeeeee in float16, first 1,000 training items, seed 7, "
        "supervised"
    )
    assert replace(KEY, ranking="asymmetric").brief == "digits/holdout-200, features pixels, asymmetric ranking"


def test_a_ranking_by_hamming_distance_is_said_by_no_fact() -> None:
    assert "ranking" not in KEY.facts()
    (line,) = KEY.differences(replace(KEY, ranking="asymmetric"))
    assert line == "other ranking: Hamming distance / asymmetric"
