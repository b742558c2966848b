"""A memory cgroup of a trial's own, where one can be made: the kernel ends what takes more, however fast it does."""

import contextlib
import errno
import time
from dataclasses import dataclass
from pathlib import Path

ROOT, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
PREFIX = "hashbench-"
SLACK_SHARE = 16  # the kernel counts its own tables too, so its limit is a sixteenth higher

REMOVAL_TRIES, REMOVAL_SECONDS = 20, 0.01


@dataclass(frozen=True)
class _Files:
    """Names of a group's files in one version of cgroups."""

    limit: str
    peak: str
    events: str


_V1 = _Files("memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control")
_V2 = _Files("memory.max", "memory.peak", "memory.events")


@dataclass(frozen=True)
class MemoryGroup:
    """The group that a process and all that it starts are in; mapped files are given back before anything is ended."""

    folder: Path
    files: _Files
    limit: int

    @property
    def killed(self) -> bool:
        """Whether the kernel ended a process because the group took more than its limit."""
        return any(int(count) > 0 for name, count in self._events() if name == "oom_kill")

    @property
    def peak(self) -> int:
        """The most memory it took, in bytes; 0 where the kernel does not say, one before 5.19."""
        with contextlib.suppress(OSError, ValueError):
            return int((self.folder / self.files.peak).read_text())
        return 0

    def remove(self) -> None:
        """Remove the group, whose processes were killed; the next run does where they take longer to end."""
        for _ in range(REMOVAL_TRIES):
            try:
                self.folder.rmdir()
            except OSError as error:
                if error.errno != errno.EBUSY:
                    return
                time.sleep(REMOVAL_SECONDS)
            else:
                return

    def _events(self) -> list[tuple[str, str]]:
        try:
            lines = (self.folder / self.files.events).read_text().splitlines()
        except OSError:
            return []
        return [(name, count) for name, _, count in (line.partition(" ") for line in lines)]


def confine(pid: int, limit: int) -> MemoryGroup | None:
    """A new group with the process in it, below the group of this process; None where none can be made.

    Groups that runs left that were killed are removed.

    Args:
        pid: the process; memory that it took before counts elsewhere.
        limit: of the group, in bytes.
    """
    for parent, files in _own_groups():
        for left in parent.glob(f"{PREFIX}*"):
            number = left.name.removeprefix(PREFIX)
            if number.isdecimal() and not Path(f"/proc/{number}").exists():
                with contextlib.suppress(OSError):  # it has processes
                    left.rmdir()
        group = MemoryGroup(parent / f"{PREFIX}{pid}", files, limit + limit // SLACK_SHARE)
        try:
            group.folder.mkdir()
        except OSError:
            continue
        try:
            (group.folder / files.limit).write_text(str(group.limit))
            (group.folder / "cgroup.procs").write_text(str(pid))
        except OSError:
            group.remove()
            continue
        return group
    return None


def _own_groups() -> list[tuple[Path, _Files]]:
    """Folders of the memory groups of this process, in which others could be made."""
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return []
    found = []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        own = path.lstrip("/")
        if "memory" in controllers.split(","):
            found.append((ROOT / "memory" / own, _V1))
        elif not controllers and "memory" in _controllers(ROOT / own):
            found.append((ROOT / own, _V2))
    return [(folder, files) for folder, files in found if folder.is_dir()]


def _controllers(folder: Path) -> list[str]:
    """What groups below one of cgroups' second version may limit."""
    try:
        return (folder / "cgroup.subtree_control").read_text().split()
    except OSError:
        return []
