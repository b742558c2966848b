"""Has the libraries imported, and becomes ``python -m hashbench WORDS`` in a fork for each request.

Importing torch, numba and pandas takes longer than most commands. A fork imports hashbench itself, whose modules read
the environment. It ends without taking the libraries apart, which takes a second too: what becomes of streams that
cannot be flushed has to be seen in a process of its own. ``tests/command.py`` starts this file once, by itself.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import socket
import sys
import threading
import traceback
from typing import Any

LIBRARIES = (
    *("torch", "torchvision", "numba", "pandas", "matplotlib.pyplot", "seaborn", "scipy.stats", "sklearn.datasets"),
    *("jinja2", "msgspec.json", "safetensors.torch", "PIL.Image", "rich.console"),
)


def serve(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The request and the streams of a fork; only forks return.

    For each request, a line of JSON, the server sends two lines: the process's number, and how it ended.
    """
    while True:
        data, streams, _, _ = socket.recv_fds(connection, 1 << 16, 2)
        while data and not data.endswith(b"\n"):
            data += connection.recv(1 << 16)
        if not data:
            os._exit(0)
        process = os.fork()
        if process == 0:
            connection.close()
            return json.loads(data), streams
        for stream in streams:
            os.close(stream)
        connection.sendall(f"{process}\n".encode())
        _, status = os.waitpid(process, 0)
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def become(request: dict[str, Any], streams: list[int]) -> None:
    """Take over what a process is started with: folder, environment, streams and words."""
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
        os.close(stream)
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for text, errors in ((sys.stdout, "strict"), (sys.stderr, "backslashreplace")):
        text.reconfigure(encoding=encoding, errors=errors)  # type: ignore[union-attr]
    sys.argv[1:] = request["words"]
    sys.path[0] = request["cwd"]


def hashbench() -> int:
    """Run the command line in this process; its exit code. Its own rates take as little time as in ``conftest.py``."""
    try:
        if sys.argv[1:2] == ["run"]:
            measure: Any = importlib.import_module("hashbench.execution.measure")
            measure.SECONDS_PER_FIGURE = 0.01
        runpy.run_module("hashbench", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.freeze()
    become(*serve(socket.socket(fileno=int(sys.argv[1]))))
    code = hashbench()
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
