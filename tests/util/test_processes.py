"""Names of processes: whether one is still there."""

import json
import os
import subprocess
import sys

import pytest

from hashbench.util import processes
from hashbench.util.processes import ProcessName


def other(code: str) -> tuple[subprocess.Popen[str], ProcessName]:
    """A process that prints its own name, then goes on with ``code``."""
    name = "import json; from hashbench.util.processes import ProcessName"
    prints = "print(json.dumps(ProcessName.own()), flush=True)"
    child = subprocess.Popen([sys.executable, "-c", f"{name}\n{prints}\n{code}"], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    host, number, birth = json.loads(child.stdout.readline())
    return child, ProcessName(host, number, birth)


def test_a_process_that_runs_is_not_gone_and_one_that_was_killed_is() -> None:
    child, name = other("import time; time.sleep(60)")
    assert name.is_running() is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert name.is_running() is False, "nobody has waited for it, but it does nothing any more"
    child.wait()
    assert name.is_running() is False
    assert ProcessName.own().is_running() is True


def test_a_number_that_another_process_got_is_of_a_process_that_is_gone() -> None:
    own = ProcessName.own()
    assert own.birth is not None
    earlier = " ".join([*own.birth.split(" ")[:-1], "1"])
    assert own._replace(birth=earlier).is_running() is False


def test_of_a_process_elsewhere_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    own = ProcessName.own()
    assert own.birth is not None
    kernel, *rest = own.birth.split(" ")
    assert own._replace(number=1, host="another").is_running() is None
    assert own._replace(number=1, birth=" ".join(["another-start", *rest])).is_running() is None
    assert own._replace(number=1, birth=" ".join([kernel, "pid:[1]", rest[-1]])).is_running() is None
    assert own._replace(number=1, birth=None).is_running() is None
    monkeypatch.setattr(processes, "BOOT", processes.BOOT.parent / "there-is-none")
    assert own._replace(number=2**22).is_running() is None, "a system that does not say"
