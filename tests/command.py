"""Runs the command line as a user does, in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

PLUGINS = Path(__file__).parent / "plugin_root"


def environment(cache: Path, **more: str) -> dict[str, str]:
    """The environment of a run with the test plugins and a cache of its own."""
    return {**os.environ, "HASHBENCH_PLUGINS": str(PLUGINS), "HASHBENCH_CACHE": str(cache), "COLUMNS": "200", **more}


def script(file: Path, text: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Write ``text`` to ``file`` and run it with Python in the folder ``cwd``; its own folder is on the path."""
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return subprocess.run(
        [sys.executable, str(file)],
        cwd=cwd,
        env=environment(cwd / "cache"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def start(*words: str, cwd: Path, **more: str) -> subprocess.Popen[str]:
    """``hashbench WORDS`` in the folder ``cwd``, running on its own, in a session of its own as from a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "hashbench", *words],
        cwd=cwd,
        env=environment(cwd / "cache", **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def hashbench(*words: str, cwd: Path, timeout: float = 240, **more: str) -> subprocess.CompletedProcess[str]:
    """``hashbench WORDS`` in the folder ``cwd``; the cache lies there too."""
    done = encoded(*words, cwd=cwd, timeout=timeout, **more)
    return subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())


def encoded(*words: str, cwd: Path, timeout: float = 240, **more: str) -> subprocess.CompletedProcess[bytes]:
    """The same with what it printed as bytes.

    Python is started anew where ``more`` has a variable that it or a library may read; else it is a fork of one that
    has the libraries imported.

    Raises:
        TimeoutExpired: it ran longer than ``timeout`` seconds and was killed.
    """
    variables = environment(cwd / "cache", **more)
    if not all(name.startswith("HASHBENCH_") or name == "PYTHONIOENCODING" for name in more):
        command = [sys.executable, "-m", "hashbench", *words]
        return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, timeout=timeout, check=False)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        request = json.dumps({"words": words, "cwd": str(cwd), "environment": variables})
        code = _forked(f"{request}\n".encode(), [out.fileno(), err.fileno()], timeout)
        for stream in (out, err):
            stream.seek(0)
        return subprocess.CompletedProcess(words, code, out.read(), err.read())


def _forked(request: bytes, streams: list[int], timeout: float) -> int:
    """The exit code of a fork, below zero for a signal."""
    connection = _fork_server()
    connection.settimeout(None)
    connection.sendall(request[socket.send_fds(connection, [request], streams) :])
    process = int(_line(connection))
    connection.settimeout(timeout)
    try:
        return int(_line(connection))
    except TimeoutError:
        os.kill(process, signal.SIGKILL)
        connection.settimeout(None)
        _line(connection)
        raise subprocess.TimeoutExpired("hashbench", timeout) from None


def _line(connection: socket.socket) -> str:
    line = b""
    while not line.endswith(b"\n"):
        if not (byte := connection.recv(1)):
            raise ConnectionError("tests/fork_server.py has ended")
        line += byte
    return line.decode()


@cache
def _fork_server() -> socket.socket:
    """The connection to ``fork_server.py``, which ends with this process."""
    ours, its = socket.socketpair()
    command = [sys.executable, str(Path(__file__).with_name("fork_server.py")), str(its.fileno())]
    subprocess.Popen(command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    its.close()
    return ours
