"""Options NAME=TEXT: papers of methods, display names of a LaTeX table."""

import pytest

from hashbench.errors import UsageError
from hashbench.util.named_texts import named_texts


def test_the_first_sign_divides_and_the_last_text_of_a_name_holds() -> None:
    given = ("mine=Doe, x = y, 2026", " itq = ITQ ", "itq=Iterative quantisation")
    named = named_texts("--paper", given, "METHOD=TEXT", "mine=Doe")
    assert named == {"mine": "Doe, x = y, 2026", "itq": "Iterative quantisation"}


@pytest.mark.parametrize("text", ["mine", "mine=", "=text", " = "])
def test_a_text_without_a_name_or_nothing_behind_it_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        named_texts("--paper", ("a=b", text), "METHOD=TEXT", "mine=Doe")
    assert str(refused.value) == f"--paper has {text!r}, wanted METHOD=TEXT, say 'mine=Doe'"
