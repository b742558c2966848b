"""How this process connects: what ray is told, and what a user sees where there is no cluster."""

import os
import signal
import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from hashbench.errors import UsageError
from hashbench.execution.cluster.connection import LISTENER, connected

NO_RETRIES = "RAY_task_oom_retries"


class FakeRay(SimpleNamespace):
    """Notes how it is called; ``init`` raises ``fault`` where there is one."""

    def __init__(self, fault: Exception | None = None, initialised: bool = False) -> None:
        super().__init__(calls=[], variables={}, fault=fault)
        self.is_initialized = lambda: initialised

    def init(self, **options: Any) -> None:
        self.variables = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
        signal.signal(signal.SIGTERM, lambda *_given: None)
        self.calls.append(options)
        if self.fault:
            raise self.fault

    def shutdown(self) -> None:
        self.calls.append("shutdown")


@pytest.fixture(autouse=True)
def _no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)


def fake(monkeypatch: pytest.MonkeyPatch, **given: Any) -> FakeRay:
    ray = FakeRay(**given)
    monkeypatch.setitem(sys.modules, "ray", ray)
    return ray


def test_neither_statistics_nor_dashboard_nor_tasks_that_are_started_again_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(NO_RETRIES, "7")
    ray, handler = fake(monkeypatch), signal.getsignal(signal.SIGTERM)
    with connected(None) as own:
        assert own
        assert signal.getsignal(signal.SIGTERM) == handler
        assert os.environ[NO_RETRIES] == "7"
    started, ended = ray.calls
    assert (started["address"], started["include_dashboard"], ended) == ("local", False, "shutdown")
    assert started["_system_config"] == {"task_oom_retries": 0, "worker_niceness": 0}
    assert ray.variables[NO_RETRIES] == "0"
    assert ray.variables["RAY_USAGE_STATS_ENABLED"] == "0"
    assert "RAY_USAGE_STATS_ENABLED" not in os.environ


@pytest.mark.parametrize(("address", "variable"), [("host:1", None), ("host:1", "host:2"), (None, "host:1")])
def test_a_cluster_that_is_named_is_connected_to_with_no_retries_either(
    monkeypatch: pytest.MonkeyPatch, address: str | None, variable: str | None
) -> None:
    ray = fake(monkeypatch)
    if variable:
        monkeypatch.setenv("RAY_ADDRESS", variable)
    with connected(address) as own:
        assert not own
    assert ray.calls[0] == {"address": "host:1", "log_to_driver": False, "configure_logging": False}
    assert ray.variables[NO_RETRIES] == "0"


def test_no_cluster_is_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, fault=RuntimeError("Version mismatch:\n  Ray: 2.1\n"))
    with pytest.raises(UsageError) as refused, connected("host:1"):
        pass
    assert str(refused.value) == (
        "no ray cluster at 'host:1' (Version mismatch: Ray: 2.1); start one with ray start, or leave --address out for "
        "this machine"
    )
    with pytest.raises(UsageError, match=r"^ray does not start on this machine"), connected(None):
        pass


def test_who_is_connected_already_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake(monkeypatch, initialised=True)
    with pytest.raises(UsageError, match=r"^ray is connected in this process already; call ray.shutdown\(\)"):
        connected(None).__enter__()
    assert ray.calls == []


def test_rays_own_lines_do_not_reach_standard_output(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch)
    with connected(None):
        thread = threading.Thread(target=print, args=["a raylet's log"], name=LISTENER)
        thread.start()
        thread.join()
        print("ours")
    assert capsys.readouterr().out == "ours\n"
