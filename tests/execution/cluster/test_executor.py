"""What a trial asks ray for, by the options of the run."""

from dataclasses import replace
from pathlib import Path

import pytest

from hashbench.execution.cluster.executor import need
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
