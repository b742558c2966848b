"""The command line called in this process, which saves the seconds of importing torch again."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from hashbench.cli.main import main


class Done(NamedTuple):
    """How a command ended and what it printed."""

    code: object
    out: str
    err: str


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_figures: None
) -> Callable[..., Done]:
    """``call("run", "--methods", ...)`` in an empty folder, with a cache of its own, no data folder and no figures."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HASHBENCH_DATA", raising=False)
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "cache"))

    def run(*words: str) -> Done:
        monkeypatch.setattr("sys.argv", ["hashbench", *words])
        with pytest.raises(SystemExit) as end:
            main()
        return Done(end.value.code, *capsys.readouterr())

    return run
