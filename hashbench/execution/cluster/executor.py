"""The executor ``ray``: trials on the machines of a cluster."""

import os
from collections.abc import Sequence
from importlib.util import find_spec

from hashbench.errors import UsageError
from hashbench.execution.claims import Claims
from hashbench.execution.cluster.connection import ADDRESS_VARIABLE, connected
from hashbench.execution.events import OnEvent
from hashbench.execution.executor import Executor
from hashbench.execution.local import LocalExecutor
from hashbench.execution.settings import Settings
from hashbench.records.trial_spec import PlannedTrial

CLIENT = "ray://"


class RayExecutor(Executor):
    """Runs each trial as a task of a ray cluster, in a process of its own on one of its nodes.

    Records, codes and states are written here, as they arrive; rates are measured here when all trials have ended.

    Raises:
        UsageError: ray is not installed, or this process may not start others, which measure rates.
    """

    takes_address = True

    def __init__(self) -> None:
        self.of_rates = LocalExecutor()
        if find_spec("ray") is None:
            raise UsageError("--executor ray needs the package ray, which is not here: pip install 'hashbench[ray]'")

    def check(self, settings: Settings) -> None:
        """See :class:`Executor`."""
        gpus, address = settings.asked.get("gpus"), settings.address or os.environ.get(ADDRESS_VARIABLE, "")
        if gpus is not None and gpus not in ("all", ["all"], ("all",)):
            raise UsageError(
                f"gpus is {gpus!r}, which names GPUs of this machine; with --executor ray name --gpus all, which are "
                "those of the cluster, and --per-gpu for several trials on each"
            )
        if ":" in settings.device:
            raise UsageError(f"device is {settings.device!r}, and ray says which GPU a trial gets; use cuda")
        name = "address" if settings.address else ADDRESS_VARIABLE
        if address.startswith(CLIENT):
            raise UsageError(
                f"{name} is {address!r}, of ray's client; run the command on a machine of the cluster and name it "
                "host:port, or auto"
            )

    def run(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent, claims: Claims) -> bool:
        """See :class:`Executor`."""
        if not trials:
            return True
        with connected(settings.address) as own:
            from hashbench.execution.cluster.grid import ClusterGrid  # ray's imports take a second

            return ClusterGrid(trials, settings, on_event, claims, need(trials, settings), own).carry_out()

    def measure(self, trials: Sequence[PlannedTrial], settings: Settings, on_event: OnEvent) -> bool:
        """Measure on this machine, as the local executor does; see :class:`Executor`."""
        return self.of_rates.measure(trials, settings, on_event)


def need(trials: Sequence[PlannedTrial], settings: Settings) -> dict[str, float]:
    """What each trial asks ray for: CPU, GPU (a share where several are to have one), memory in bytes.

    Args:
        trials: of one run, which are all for one kind of device.
        settings: of the run.
    """
    on_gpu = any(planned.fingerprint["device"] == "cuda" for planned in trials)
    return {
        "CPU": float(settings.threads or 1),
        "GPU": 1 / (settings.asked.get("per_gpu") or 1) if on_gpu else 0.0,
        "memory": float(settings.memory or 0),
    }
