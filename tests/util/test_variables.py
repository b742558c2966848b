"""Environment variables for a while: new ones go, others come back, after an error too."""

import os

import pytest

from hashbench.util.variables import variables


def test_the_environment_is_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_OLD", "before")
    monkeypatch.delenv("HASHBENCH_NEW", raising=False)
    whole = dict(os.environ)
    inside: dict[str, str] = {}

    def fail() -> None:
        with variables({"HASHBENCH_OLD": "inside", "HASHBENCH_NEW": ""}):
            inside.update(os.environ)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (inside["HASHBENCH_OLD"], inside["HASHBENCH_NEW"]) == ("inside", "")
    assert dict(os.environ) == whole
