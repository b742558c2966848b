"""The connection to a ray cluster: one that runs already, or one of this machine's own that ends with the run."""

import contextlib
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO, cast

from hashbench.errors import UsageError
from hashbench.util.threads import usable_cores
from hashbench.util.variables import variables

ADDRESS_VARIABLE = "RAY_ADDRESS"
# Tasks that ray's memory monitor ends are otherwise started again without end.
OOM_RETRIES = "task_oom_retries"
VARIABLES = {"RAY_USAGE_STATS_ENABLED": "0", f"RAY_{OOM_RETRIES}": "0"}
LISTENER = "ray_listen_error_messages"  # ray's thread that prints the logs of nodes


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[bool]:
    """Be connected to a cluster inside, without ray's dashboard, statistics of use, and lines between ours.

    Gives whether the cluster is this machine alone and ends with the run.

    Args:
        address: of a cluster that runs, "host:port" or "auto"; None: the one that RAY_ADDRESS names, else one of this
            machine's own.

    Raises:
        UsageError: there is none, it is of another version of ray or Python, or this process is connected already.
    """
    given = address or os.environ.get(ADDRESS_VARIABLE)
    with variables(VARIABLES), _keeping_signals():
        import ray  # reads the variables

        logging.getLogger("ray").setLevel(logging.ERROR)
        if ray.is_initialized():
            raise UsageError("ray is connected in this process already; call ray.shutdown() before the run")
        common = {"log_to_driver": False, "configure_logging": False}
        try:
            if given is None:
                config = {OOM_RETRIES: 0, "worker_niceness": 0}  # by default the system puts trials last
                own = {"num_cpus": usable_cores(), "include_dashboard": False, "_system_config": config}
                ray.init(address="local", **own, **common)
            else:
                ray.init(address=given, **common)
        except Exception as error:  # of many kinds
            raise UsageError(_no_cluster(given, error)) from error
    try:
        with contextlib.redirect_stdout(cast("TextIO", WithoutListener(sys.stdout))):
            yield given is None
    finally:
        ray.shutdown()


class WithoutListener:
    """A stream that drops what ray's thread prints: dozens of lines of a raylet's log where a node is lost.

    Args:
        stream: gets all else.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text of all threads but that one."""
        return len(text) if threading.current_thread().name == LISTENER else self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _no_cluster(given: str | None, error: Exception) -> str:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    if given is None:
        return f"ray does not start on this machine ({reason})"
    return f"no ray cluster at {given!r} ({reason}); start one with ray start, or leave --address out for this machine"


@contextlib.contextmanager
def _keeping_signals() -> Iterator[None]:
    """Ray handles SIGTERM once it is connected; a grid does so itself."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)
