"""The workflow for a repository of results: its commands exist, and it takes nothing but one archive."""

import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest

from hashbench.cli.main import cli

FILE = Path(__file__).parents[2] / "docs/results-repository.yml"
if not FILE.exists():
    pytest.skip("docs/ is not beside the tests", allow_module_level=True)
yaml: Any = pytest.importorskip("yaml")


def script(name: str) -> str:
    steps = yaml.safe_load(FILE.read_text())["jobs"]["comment"]["steps"]
    found: str = next(step["run"] for step in steps if step.get("name") == name)
    return found


def test_its_commands_and_options_exist() -> None:
    calls = re.findall(r"hashbench (data prepare|accept|submit)\b(.*)", FILE.read_text())
    assert {verb for verb, _ in calls} >= {"accept", "data prepare"}
    for verb, words in calls:
        command: click.Command = cli
        for name in verb.split():
            assert isinstance(command, click.Group)
            found = command.get_command(click.Context(command), name)
            assert found is not None
            command = found
        there = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", words)) <= there


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=x", "-c", "user.email=x@x"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def pull(tmp_path: Path) -> Path:
    """A clone of a repository; a branch of the repository is the pull request 7."""
    repository = tmp_path / "repository"
    repository.mkdir()
    git(repository, "init", "-b", "main")
    git(repository, "commit", "--allow-empty", "-m", "first")
    git(repository, "clone", str(repository), str(tmp_path / "clone"))
    git(repository, "checkout", "-b", "pull")
    (repository / "submissions").mkdir()
    return tmp_path / "clone"


def take(pull: Path, largest: int = 100) -> tuple[bytes | None, str]:
    """What the step takes of the pull request, and what it would comment."""
    repository = pull.parent / "repository"
    git(repository, "add", "-A")
    git(repository, "commit", "-m", "submission")
    git(repository, "update-ref", "refs/pull/7/head", "HEAD")
    environment = {"NUMBER": "7", "LARGEST_BYTES": str(largest), "PATH": "/usr/bin:/bin:/usr/local/bin"}
    asked = ["bash", "-c", script("Take the archive of the pull request")]
    subprocess.run(asked, cwd=pull, check=True, env=environment, capture_output=True)
    archive, comment = pull / "submission.zip", pull / "comment.md"
    return archive.read_bytes() if archive.exists() else None, comment.read_text() if comment.exists() else ""


def test_one_archive_is_taken(pull: Path) -> None:
    (pull.parent / "repository/submissions/mine.zip").write_bytes(b"zip")
    assert take(pull) == (b"zip", "")


@pytest.mark.parametrize("other", ["submissions/other.zip", ".github/workflows/x.yml", "submissions/run me.zip"])
def test_a_pull_request_with_anything_else_is_told_so(other: str, pull: Path) -> None:
    repository = pull.parent / "repository"
    (repository / other).parent.mkdir(parents=True, exist_ok=True)
    (repository / other).write_bytes(b"x")
    if "run me" not in other:
        (repository / "submissions/mine.zip").write_bytes(b"zip")
    taken, comment = take(pull)
    assert taken is None
    assert "adds one archive, submissions/NAME.zip, and nothing else" in comment


def test_an_archive_that_is_too_large_is_not_taken(pull: Path) -> None:
    (pull.parent / "repository/submissions/mine.zip").write_bytes(b"x" * 101)
    taken, comment = take(pull)
    assert (taken, comment) == (None, "The archive is larger than 100 bytes.\n")
