"""``hashbench conformance``."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hashbench.cli.conformance import command
from hashbench.conformance.method_check import all_checks
from hashbench.errors import UsageError
from hashbench.plugins.registry import METHODS

FAULTY = '''"""Encodes by the mean of the batch."""

from hashbench.method import HashMethod, Traits


class Mine(HashMethod):
    """Is each of the first features above its mean?"""

    traits = Traits(deterministic=True)

    def fit(self, train, run):
        return self

    def encode(self, batch):
        return batch[:, : self.bits] >= batch[:, : self.bits].mean(0)
'''


def conformance(*words: str) -> Result:
    return CliRunner().invoke(command, words, standalone_mode=False)


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a method with faults, in a folder of plugins."""
    (tmp_path / "methods").mkdir()
    (tmp_path / "methods/mine.py").write_text(FAULTY)
    monkeypatch.setenv("HASHBENCH_PLUGINS", str(tmp_path))
    package = sys.modules["hashbench.methods"]
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / "methods")])
    yield "mine"
    sys.modules.pop("hashbench.methods.mine", None)


def test_each_check_has_a_line_and_the_last_one_counts() -> None:
    done = conformance("lsh")
    assert (done.exit_code, done.return_value) == (0, 0)
    *lines, last = done.stdout.splitlines()
    assert [line.split()[1] for line in lines] == list(all_checks())
    assert last.startswith(f"lsh ({METHODS.origin('lsh')}) at 16 bits: ")
    assert "failed" not in last


def test_a_failure_is_told_and_ends_with_1(faulty: str) -> None:
    done = conformance(faulty, "--json")
    assert done.return_value == 1
    found = json.loads(done.stdout)
    failed = {row["check"]: row["message"] for row in found["checks"] if row["status"] == "failed"}
    assert set(failed) == {"names-its-paper", "codes-do-not-depend-on-the-batch", "keeps-a-broken-item-to-itself"}
    assert "wanted: an item has the same code alone" in failed["codes-do-not-depend-on-the-batch"]
    expected = [f"--expect={name}=a reason" for name in failed]
    done = conformance(faulty, *expected)
    assert done.return_value == 0
    assert "expected names-its-paper a reason (traits.paper is '')" in " ".join(done.stdout.split())
    assert ", 3 expected" in done.stdout.splitlines()[-1]


def test_what_cannot_be_fitted_is_told_once(faulty: str) -> None:
    done = conformance("itq", "--bits", "65")
    assert done.return_value == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    assert "fits-digits" in line
    assert "Incompatible: " in line
    assert " not looked at, since it could not be fitted" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("iqt",), "no method named 'iqt'; did you mean 'itq'"),
        (("itq", "--set", "lsh.x=1"), "--set has 'lsh', and the method is itq; write --set itq.PARAMETER=VALUE"),
        (("itq", "--set", "itq.iteration=1"), "no parameter of itq named 'iteration'"),
        (("itq", "--bits", "0"), "bits is 0"),
        (("itq", "--expect", "takes-64-items"), "--expect has 'takes-64-items', wanted CHECK=REASON"),
        (("itq", "--expect", "takes-64=few"), "no check named 'takes-64'; did you mean 'takes-64-items'"),
    ],
)
def test_wrong_usage_is_a_line(words: tuple[str, ...], complaint: str) -> None:
    done = conformance(*words)
    assert isinstance(done.exception, UsageError)
    assert complaint in str(done.exception)
