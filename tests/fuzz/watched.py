"""Runs a command in this process and sees what it must not do: unpickle, start programs, or write outside a folder."""

import contextlib
import io
import os
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import click

from hashbench.cli.main import cli
from hashbench.errors import UsageError

CPU_SECONDS = 60
MESSAGE_CHARACTERS = 2_000
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree")
PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "os.startfile")


class Hang(BaseException):
    """The command took more processor time than a reader of a small file needs."""


@dataclass
class Outcome:
    """What a command did.

    Attributes:
        code: its exit code; None where an exception left it that is no message for the user.
        message: what it says to the user, or the exception.
        misdeeds: files written outside the folder, programs started, classes unpickled.
    """

    code: int | None
    message: str
    misdeeds: list[str] = field(default_factory=list)

    def faults(self) -> list[str]:
        """What is wrong with it, a line each; none where all is well."""
        faults = list(self.misdeeds)
        if controls := set(CONTROLS.findall(self.message)):
            faults.append(f"prints control characters {controls}")
        if self.code is None:
            faults.append(self.message)
        elif self.code == 2 and "\n" in self.message.strip():
            faults.append(f"a message of several lines: {self.message!r}")
        elif len(self.message) > MESSAGE_CHARACTERS and self.code == 2:
            faults.append(f"a message of {len(self.message):,} characters: {self.message[:200]!r}")
        return faults


class _Guard:
    """The audit hook, which Python never removes: it looks while a folder is set."""

    def __init__(self) -> None:
        self.inside: tuple[str, ...] = ()
        self.misdeeds: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.inside:
            return
        if event == "pickle.find_class":
            self.misdeeds.append(f"unpickles {args[0]}.{args[1]}")
        elif event in PROGRAMS:
            self.misdeeds.append(f"{event} {args[0]}")
        elif event in CHANGES or (event == "open" and isinstance(args[2], int) and args[2] & WRITING):
            self._check(args[0], event)

    def _check(self, path: Any, event: str) -> None:
        name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
        if name and not os.path.realpath(name).startswith(self.inside) and not name.startswith(("/dev/", "/proc/")):
            self.misdeeds.append(f"{event} writes to {name}")


_GUARD = _Guard()


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def command(words: list[str], folder: Path, *allowed: Path) -> Outcome:
    """``hashbench WORDS``, which may write into ``folder`` and what else is allowed."""
    _GUARD.inside, _GUARD.misdeeds = tuple(os.path.realpath(path) for path in (folder, *allowed)), []
    shown = io.StringIO()
    try:
        with _limited(), contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            code = cli.main(words, prog_name="hashbench", standalone_mode=False) or 0
        outcome = Outcome(code, shown.getvalue())
    except UsageError as error:
        outcome = Outcome(2, str(error))
    except click.ClickException as error:
        outcome = Outcome(2, error.format_message())
    except (Exception, Hang) as error:
        outcome = Outcome(None, f"{type(error).__name__}: {str(error)[:300]}")
    finally:
        _GUARD.inside = ()
    outcome.misdeeds = _GUARD.misdeeds
    return outcome
