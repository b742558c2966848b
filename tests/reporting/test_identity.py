"""Which cells of two sides belong together, and what keeps them apart."""

from typing import Any

import pytest

from hashbench.reporting.identity import Identity, match
from hashbench.reporting.plain_text import plain

FACTS: dict[str, Any] = {
    "protocol": "digits/holdout-200",
    "method": "itq",
    "bits": 16,
    "supervised": False,
    "card": "c" * 16,
    "metric_version": 1,
    "features": "pixels",
    "features_weights": None,
    "features_dtype": "float32",
    "limit": None,
    "preset": None,
    "variant": {},
    "backbones": {},
    "parameters": {"iterations": 50},
}


def cell(**changes: Any) -> Identity:
    return Identity.from_facts({**FACTS, **changes})


def pairs(first: list[Identity], second: list[Identity]) -> set[tuple[Identity | None, Identity | None, bool]]:
    return {(one.first, one.second, not one.why) for one in match(first, second)}


def test_facts_are_what_it_was_made_from() -> None:
    assert cell(variant={"b": 1, "a": [2]}).facts() == {**FACTS, "variant": {"b": 1, "a": [2]}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"card": "d" * 16}, "other protocol card: cccccccccccccccc / dddddddddddddddd"),
        ({"metric_version": 2}, "other metrics version: 1 / 2"),
        ({"features": "gist"}, "other features: pixels / gist"),
        ({"features_weights": "f" * 64}, "other weights of the features: none / ffffffffffffffff"),
        ({"features_dtype": "float16"}, "other precision of the features: float32 / float16"),
        ({"limit": 100}, "other limit of training items: none / 100"),
        ({"supervised": True}, "other supervision: without labels / with labels"),
        ({"parameters": {"iterations": 3}, "variant": {"iterations": 3}}, "other parameters: defaults / iterations=3"),
        ({"parameters": {"iterations": 3}, "preset": "quick"}, "other parameters: defaults / quick"),
        ({"backbones": {"vgg19": "f" * 64}}, "other weights of its networks: none / vgg19=ffffffffffffffff"),
    ],
)
def test_differences_are_named(change: dict[str, Any], reason: str) -> None:
    (one,) = match([cell()], [cell(**change)])
    assert one.why == (reason,)


@pytest.mark.parametrize("change", [{"method": "lsh"}, {"bits": 32}, {"bits": None}, {"protocol": "digits/other"}])
def test_cells_of_other_names_are_missing(change: dict[str, Any]) -> None:
    other = cell(**change)
    assert pairs([cell()], [other]) == {(cell(), None, True), (None, other, True)}


def test_a_changed_default_is_the_same_cell_and_is_named() -> None:
    changed = cell(parameters={"iterations": 30, "new": True})
    (one,) = match([cell()], [changed])
    assert one.why == ()
    assert cell().changed_defaults(changed) == "iterations 50 -> 30, new None -> True"


def test_the_same_parameters_are_the_same_cell_whichever_are_the_defaults() -> None:
    assert match([cell()], [cell(variant={"iterations": 50})])[0].why == ()


def test_what_fits_is_set_together_first() -> None:
    """A cell that fits exactly goes before one with a changed default, that before one with other features."""
    old, new, gist = cell(), cell(parameters={"iterations": 3}), cell(features="gist")
    assert pairs([old, gist], [new, old]) == {(old, old, True), (gist, new, False)}
    assert pairs([gist, old], [new, gist]) == {(old, new, True), (gist, gist, True)}
    assert pairs([old, gist], [old]) == {(old, old, True), (gist, None, True)}


def test_labels_are_fit_to_print() -> None:
    hostile = cell(method="a\x1b[31m\n::error::x\u202e\ud800", preset="quick", variant={"x": 1})
    assert hostile.label == r"a\x1b[31m\n::error::x\u202e\ud800 [quick; x=1] 16 bits"
    assert cell(bits=None, limit=1000).label == "itq"
    assert cell(limit=1000, supervised=True).table_name == (
        "digits/holdout-200, features pixels, first 1,000 training items, supervised"
    )


def test_long_text_is_cut_and_says_how_long_it_is() -> None:
    assert plain("a" * 1_000_000) == "a" * 300 + "... (1,000,000 characters)"
    assert plain("b" * 300) == "b" * 300


def test_of_cells_with_many_candidates_the_equal_one_is_matched_whatever_comes_before_it() -> None:
    """Parameters resolve to the same for two requests; each keeps its own counterpart, without a search."""
    asked, default = cell(variant={"iterations": 50}), cell()
    sides = ([asked, default], [default, asked]), ([asked], [default, asked]), ([default], [asked, default])
    for first, second in sides:
        found = {one.first: one.second for one in match(first, second) if one.first}
        assert found == {one: one for one in first}
