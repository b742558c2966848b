"""Names a process so that others, on this machine or another, can tell whether it is still there."""

import os
import platform
from pathlib import Path
from typing import NamedTuple, Self

BOOT, NAMESPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
START_TIME = 19  # of the fields in /proc/PID/stat that come after the program's name
ENDED = "ZX"  # states of a process that has ended and that nobody has waited for yet


class ProcessName(NamedTuple):
    """A process, named once and for all.

    Attributes:
        host: its machine's name.
        number: its number there.
        birth: what no other process of that number shares: the kernel's start, the namespace of process numbers, and
            when it began; None where the system does not say.
    """

    host: str
    number: int
    birth: str | None

    @classmethod
    def own(cls) -> Self:
        """The process that asks."""
        return cls(platform.node(), os.getpid(), _birth(os.getpid()))

    def is_running(self) -> bool | None:
        """Whether it has not ended; None where it cannot be seen from here, being on another machine say."""
        here = _birth(os.getpid())
        if here is None or self.birth is None or self.host != platform.node():
            return None
        if self.birth.rpartition(" ")[0] != here.rpartition(" ")[0]:
            return None
        return _birth(self.number) == self.birth

    def __str__(self) -> str:
        return f"process {self.number} on {self.host}"


def _birth(number: int) -> str | None:
    """Kernel's start, namespace and start time of a process; None if it has ended, or the system does not say."""
    try:
        boot, namespace = BOOT.read_text(encoding="ascii").strip(), NAMESPACE.readlink()
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in ENDED else f"{boot} {namespace} {fields[START_TIME]}"
