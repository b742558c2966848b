"""Names of other people's rules: lists, globs, and rules that need what is not there."""

import pytest

from hashbench.errors import UsageError
from hashbench.external.other_rules import RULES, chosen_rules


def names(*patterns: str, with_outputs: bool = False) -> list[str]:
    return [rule.name for rule in chosen_rules(patterns, with_outputs)]


def test_lists_and_globs_name_rules_once_and_in_their_own_order() -> None:
    assert names("oh,deephash", "deephash") == ["deephash", "oh"]
    assert names("*h*") == ["deephash", "hashnet", "oh", "torchmetrics"]
    assert names() == []


def test_the_rule_with_a_comma_in_its_name_is_one() -> None:
    assert names("min(k,R)") == names("min(k, R)") == names("min") == ["min"]
    assert names("oh,min(k,R),deephash") == ["deephash", "min", "oh"]


def test_a_glob_means_only_rules_that_can_be_computed() -> None:
    assert names("*", with_outputs=True) == list(RULES)
    assert names("*") == [name for name in RULES if name != "crovca"]


def test_a_rule_that_is_named_is_refused_without_what_it_reads() -> None:
    with pytest.raises(UsageError, match=r"--as crovca ranks by .* none were given; add query_outputs"):
        chosen_rules(["crovca"], with_outputs=False)


def test_an_unknown_rule_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no rule of --as named 'deephsh'; did you mean 'deephash'"):
        chosen_rules(["deephsh"], with_outputs=True)


def test_every_rule_says_where_it_was_read_and_what_it_does() -> None:
    assert all(rule.source and rule.about for rule in RULES.values())
