"""What a trial asks ray for, by the options of the run."""

import multiprocessing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from hashbench.errors import UsageError
from hashbench.execution.cluster.executor import RayExecutor, need
from hashbench.execution.settings import Settings
from hashbench.execution.slots import SlotOptions
from tests.execution.test_schedule import BASE

SETTINGS = Settings(Path(), Path(), Path())


@pytest.mark.parametrize(
    ("device", "settings", "wanted"),
    [
        ("cpu", SETTINGS, {"CPU": 1.0, "GPU": 0.0, "memory": 0.0}),
        ("cpu", replace(SETTINGS, threads=4, memory=1 << 33), {"CPU": 4.0, "GPU": 0.0, "memory": float(1 << 33)}),
        ("cuda", SETTINGS, {"CPU": 1.0, "GPU": 1.0, "memory": 0.0}),
        ("cuda", replace(SETTINGS, asked=SlotOptions(gpus="all", per_gpu=4)), {"CPU": 1.0, "GPU": 0.25, "memory": 0.0}),
        ("cpu", replace(SETTINGS, asked=SlotOptions(jobs=4)), {"CPU": 1.0, "GPU": 0.0, "memory": 0.0}),
    ],
)
def test_a_trial_asks_for_its_threads_its_share_of_a_gpu_and_its_memory(
    device: str, settings: Settings, wanted: dict[str, float]
) -> None:
    assert need([replace(BASE, fingerprint={"device": device})], settings) == wanted


@pytest.fixture
def _ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if ray were installed."""
    monkeypatch.setattr("hashbench.execution.cluster.executor.find_spec", lambda _name: object())


@pytest.mark.usefixtures("_ray")
@pytest.mark.parametrize(
    ("address", "variable", "named"),
    [("ray://a:1", "", "address"), (None, "ray://a:1", "RAY_ADDRESS"), ("a:1", "ray://b:1", None), (None, "a:1", None)],
)
def test_an_address_of_rays_client_is_refused_wherever_it_is_named(
    monkeypatch: pytest.MonkeyPatch, address: str | None, variable: str, named: str | None
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", variable)
    settings = replace(SETTINGS, address=address)
    if named is None:
        RayExecutor().check(settings)
    else:
        with pytest.raises(UsageError, match=rf"^{named} is 'ray://a:1', of ray's client; run the command on"):
            RayExecutor().check(settings)


@pytest.mark.usefixtures("_ray")
def test_a_process_that_may_start_no_others_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multiprocessing, "current_process", lambda: SimpleNamespace(daemon=True))
    with pytest.raises(UsageError, match="daemonic worker"):
        RayExecutor()
