"""What nothing refers to any more: files and folders with their sizes, and why they are of no use."""

import os
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hashbench.errors import StorageError
from hashbench.util.files import is_abandoned


@dataclass(frozen=True)
class Leftover:
    """A file or folder that nothing refers to.

    Attributes:
        path: where it lies.
        reason: why it is of no use, in one phrase.
        bytes: what removing it frees.
    """

    path: Path
    reason: str
    bytes: int

    @classmethod
    def of(cls, path: Path, reason: str) -> "Leftover":
        """A leftover with its size on disk."""
        return cls(path, reason, disk_bytes([path]))

    def remove(self) -> None:
        """Remove it from disk; what is gone already is no error.

        Raises:
            StorageError: it cannot be removed.
        """
        try:
            if self.path.is_dir() and not self.path.is_symlink():
                shutil.rmtree(self.path)
            else:
                self.path.unlink(missing_ok=True)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{self.path} cannot be removed ({error.strerror}); make its folder writable") from error


def disk_bytes(paths: Iterable[Path]) -> int:
    """What files, and folders with all that is in them, take on disk; a file of several links counts nothing."""
    total = 0
    for path in paths:
        inside = [Path(folder) / name for folder, _, names in os.walk(path) for name in names]
        for file in inside or [path]:
            try:
                status = file.lstat()
            except FileNotFoundError:  # removed meanwhile
                continue
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                total += status.st_blocks * 512
    return total


def unfinished_writes(folder: Path) -> list[Leftover]:
    """Temporary files and folders inside ``folder`` that a killed process left, and that no process is writing to."""
    found = []
    for inside, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            if is_abandoned(Path(inside) / name):
                found.append(Leftover.of(Path(inside) / name, "of a process that was killed while it wrote"))
        folders[:] = [name for name in folders if not name.startswith(".hashbench-")]
    return sorted(found, key=lambda leftover: leftover.path)
