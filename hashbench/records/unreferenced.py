"""What a result folder holds and no record refers to."""

from collections.abc import Container, Iterator
from pathlib import Path

from hashbench.records.store import ENDED_WELL, Store
from hashbench.util.lease import leases
from hashbench.util.leftovers import Leftover, unfinished_writes

BESIDE = (".npz", ".safetensors")  # what a trial writes before its record


def unreferenced(store: Store, outdated: Container[str], unfinished: bool) -> list[Leftover]:
    """What nothing refers to in a result folder; what a run holds a lease on is left out.

    Args:
        store: the result folder.
        outdated: keys of records that today's code would not make: it would not find their checkpoints either.
        unfinished: also checkpoints of trainings that no record tells of, which the same command would go on from.
    """
    before = leases(store.leases)  # looked at first: who gives one up after this has its record
    running = {lease.name for lease in before if not lease.is_abandoned()}
    recorded = {_key(file) for file in _files(store.records_folder, ".json")}
    found = [
        *_beside(store, recorded | running),
        *_checkpoints(store, recorded, running, outdated, unfinished),
        *(Leftover.of(lease.file, "of a process that has ended") for lease in before if lease.is_abandoned()),
        *unfinished_writes(store.root),
    ]
    return sorted({leftover.path: leftover for leftover in found}.values(), key=lambda leftover: leftover.path)


def trainings_to_resume(store: Store) -> list[Path]:
    """Folders of checkpoints that no record tells of: of trials that were stopped, or whose sources have changed."""
    keys = {_key(file) for file in _files(store.records_folder, ".json")}
    return [folder for folder in _folders(store) if folder.name not in keys]


def _beside(store: Store, keys: Container[str]) -> Iterator[Leftover]:
    """Files that belong to none of these trials, which have a record or are running."""
    for file in _files(store.records_folder, *BESIDE):
        if _key(file) not in keys:
            what = "codes" if file.suffix == ".npz" else "a fitted method"
            yield Leftover.of(file, f"{what} without a record")
    for file in _files(store.throughput_folder, ".json"):
        if file.stem.partition("-")[0] not in keys:
            yield Leftover.of(file, "rates without a record")
    for file in _files(store.logs, ".log"):
        if _key(file) not in keys:
            yield Leftover.of(file, "a log without a record")


def _checkpoints(
    store: Store, recorded: Container[str], running: Container[str], outdated: Container[str], unfinished: bool
) -> Iterator[Leftover]:
    statuses = {record["key"]: record["status"] for record in store.records().contents.values()}
    for folder in _folders(store):
        key = folder.name
        if key in running:
            continue
        if key not in recorded:
            if unfinished:
                yield Leftover.of(folder, "the checkpoint of a training that no record tells of")
        elif key in outdated:
            yield Leftover.of(folder, "the checkpoint of a failed trial that today's code would not go on from")
        elif statuses.get(key) in ENDED_WELL:
            yield Leftover.of(folder, "the checkpoint of a trial that has ended well")


def _folders(store: Store) -> list[Path]:
    root = store.root / "checkpoints"
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _files(folder: Path, *endings: str) -> list[Path]:
    """Files with these endings, temporary ones left out."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in endings and not path.name.startswith("."))


def _key(file: Path) -> str:
    return file.stem.rpartition("-")[2]
