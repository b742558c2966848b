"""The figure of an answer."""

from types import SimpleNamespace
from typing import cast

from hashbench.advice.candidates import candidates
from hashbench.advice.figure import _styles
from hashbench.advice.result import Advice


def test_every_code_that_is_tried_has_a_style_of_its_own() -> None:
    codes = [SimpleNamespace(name=candidate.name) for candidate in candidates(784)]
    styles = _styles(cast("Advice", SimpleNamespace(codes=codes)))
    assert len(set(styles.values())) == 2 * len({code.name for code in codes})  # solid, and dashed
