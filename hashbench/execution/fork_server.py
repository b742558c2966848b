"""Where processes of trials come from: a server that has imported torch and forks, or fresh ones where it cannot be."""

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from types import ModuleType

from hashbench.util.output import open_standard_streams
from hashbench.util.paths import absolute
from hashbench.util.variables import variables


def process_context() -> BaseContext:
    """A forkserver that has imported torch but not initialised a GPU; spawn where there can be none.

    A process that was forked from one with a forkserver cannot use it, nor start another.

    Raises:
        UsageError: the current folder, in which the server starts, was removed.
    """
    absolute(".")  # raises with a line where it is gone
    open_standard_streams()
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hashbench.execution.warm"])
    resource_tracker.ensure_running()  # whose start unblocks signals, on older Pythons
    # Started with these blocked, and so are its children: terminals and schedulers send them to all processes.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP, signal.SIGTERM})
    try:
        with variables(_import_path()):
            forkserver.ensure_running()
    except ChildProcessError:
        return multiprocessing.get_context("spawn")
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


def _import_path() -> dict[str, str]:
    """Variables by which a new Python process has this one's import path, without the current folder."""
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@contextlib.contextmanager
def without_main() -> Iterator[None]:
    """Inside, a new process does not import the caller's ``__main__`` again: trials do not need it.

    So ``hb.run`` works from a script that has no ``if __name__ == "__main__"``.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
