"""The store on disk: one JSON file per trial, its codes and state beside it, throughput by key and hardware."""

import json
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy.typing as npt

from hashbench.errors import UsageError
from hashbench.records import format2, format3
from hashbench.records.consistency import check_consistency
from hashbench.records.schema import FORMAT, model
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.collection import without_collection
from hashbench.util.documents import checked
from hashbench.util.files import name_with_key, replacing
from hashbench.util.npz import write_npz
from hashbench.util.storage import check_writable, make_folder

Record = dict[str, Any]
WAY_OUT = "move it away or restore it"
ENDED_WELL = ("ok", "skipped")  # statuses of trials that are not run again


class IrreplaceableError(UsageError):
    """What is there is no record that can be read, and a new one must not replace it: a newer format, or a folder."""


@dataclass(frozen=True)
class ReadFiles:
    """The JSON files of one kind in a result folder, in the order of their names.

    Attributes:
        contents: records, or throughputs, by their file.
        faults: why each of the others cannot be read; they are left where they are and count as absent.
    """

    contents: Mapping[Path, Record]
    faults: Mapping[Path, UsageError]

    def fault_lines(self) -> tuple[str, ...]:
        """A line for each file that cannot be read."""
        return tuple(map(str, self.faults.values()))


class Store:
    """A result folder. No file is shared between trials, so two folders are merged by copying.

    Raises:
        UsageError: ``root`` is a file.
    """

    def __init__(self, root: Path) -> None:
        if root.exists() and not root.is_dir():
            raise UsageError(f"results {str(root)!r} is a file, wanted a folder")
        self.root = root
        self.records_folder, self.throughput_folder, self.logs, self.leases = (
            root / name for name in ("records", "throughput", "logs", "leases")
        )

    def prepare(self) -> None:
        """Make the folders.

        Raises:
            StorageError: they cannot be made or written.
        """
        for folder in self._folders():
            check_writable(make_folder(folder))

    def check_present(self) -> None:
        """Check that the folders are still there.

        Raises:
            StorageError: one is not.
        """
        for folder in self._folders():
            check_writable(folder)

    def _folders(self) -> tuple[Path, ...]:
        return self.records_folder, self.throughput_folder, self.logs, self.leases

    def record_path(self, planned: PlannedTrial) -> Path:
        """``records/<dataset>-<protocol>-<method>-<bits>-<repetition>-<key>.json``, names made safe for files."""
        return self.records_folder / f"{stem(planned)}.json"

    def log_path(self, planned: PlannedTrial) -> Path:
        """Where the trial's own output goes."""
        return self.logs / f"{stem(planned)}.log"

    def checkpoint_folder(self, planned: PlannedTrial) -> Path:
        """Where a method may keep what a killed training resumes from; made by the method, removed with success."""
        return self.root / "checkpoints" / planned.key

    def kept_state(self, planned: PlannedTrial) -> Path | None:
        """The file of the method's state of a trial that ended well; None where there is none."""
        record, file = self.read(planned), self.record_path(planned).with_suffix(".safetensors")
        return file if record is not None and record["status"] == "ok" and file.is_file() else None

    def read(self, planned: PlannedTrial) -> Record | None:
        """The trial's record, or None where there is none that can be read."""
        path = self.record_path(planned)
        return _read([path], _load_trial_record).contents.get(path)

    def records(self) -> ReadFiles:
        """All records, and why files among them cannot be read."""
        return _read(self.records_folder.glob("*.json"), _load_trial_record)

    def throughputs(self) -> ReadFiles:
        """All throughput files, and why some cannot be read."""
        return _read(self.throughput_folder.glob("*.json"), _load_throughput)

    def write_record(self, planned: PlannedTrial, record: Record) -> None:
        """Write the record last: where it exists, everything beside it does.

        Raises:
            IrreplaceableError: see :func:`check_replaceable`.
        """
        _write_json(self.record_path(planned), record)

    def write_codes(self, planned: PlannedTrial, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Codes, labels, items and per-query AP, beside the record as .npz.

        An earlier record of the trial, and its method's state, go first: they are of the codes that are replaced, and a
        process that is killed before it writes its own would leave them beside codes that are not theirs.

        Raises:
            IrreplaceableError: see :func:`check_replaceable`.
        """
        record = self.record_path(planned)
        check_replaceable(record)
        with replacing(record.with_suffix(".npz")) as work:
            with work.open("wb") as stream:
                write_npz(stream, arrays)
                stream.flush()
                os.fsync(stream.fileno())  # a full disk is found out while nothing has gone
            for earlier in (record, record.with_suffix(".safetensors")):
                earlier.unlink(missing_ok=True)

    def write_state(self, planned: PlannedTrial, state: bytes) -> None:
        """The method's state, beside the record as .safetensors."""
        with replacing(self.record_path(planned).with_suffix(".safetensors")) as work:
            work.write_bytes(state)

    def write_throughput(self, throughput: Record) -> None:
        """``throughput/<key>-<hardware>.json``: a second machine adds its own file.

        Raises:
            IrreplaceableError: see :func:`check_replaceable`.
        """
        name = f"{throughput['key']}-{throughput['hardware']['id']}.json"
        _write_json(self.throughput_folder / name, throughput)


def stem(planned: PlannedTrial) -> str:
    """File name of a trial without its ending; the key, at its end, is whole however long the names are."""
    trial = planned.trial
    protocol = trial.protocol.partition("/")[2]
    bits = "float" if trial.bits is None else str(trial.bits)
    parts = (trial.dataset, protocol, trial.method, bits, str(trial.repetition))
    return name_with_key("-".join(re.sub(r"[^A-Za-z0-9._]+", "_", part) for part in parts), planned.key)


def to_json(content: Record) -> bytes:
    """Strict JSON, readable, ending in a newline; numbers that are not finite become null.

    What the system could not decode of a file's name (a lone surrogate in Python) becomes its JSON escape.
    """
    text = json.dumps(_finite(content), indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    return text.encode(errors="backslashreplace")


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def check_replaceable(path: Path) -> None:
    """Check that a new record, or throughput, may be written to ``path``, where a damaged or older one may lie.

    Raises:
        IrreplaceableError: a newer hashbench wrote what lies there, or it is a folder.
    """
    try:
        load_record(path)
    except IrreplaceableError:
        raise
    except UsageError:
        return


def load_record(path: Path) -> Record:
    """The record, or throughput, in a file, in today's format; numbers that are not finite are read as None.

    Raises:
        IrreplaceableError: it is of a newer format, or a folder.
        UsageError: it cannot be read as JSON, is something else, lacks a part or has one of another type; the message
            names the file and the part.
    """
    try:
        content = _decoded(path.read_bytes())
    except IsADirectoryError:
        raise IrreplaceableError(f"record {path} cannot be read (it is a folder); move it away") from None
    except OSError as error:
        raise UsageError(f"record {path} cannot be read ({error.strerror}); {WAY_OUT}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"record {path} cannot be read ({error}); {WAY_OUT}") from None
    if not isinstance(content, dict) or type(content.get("format")) is not int:
        raise UsageError(f"{path} is no hashbench record of format {FORMAT}; move it away")
    wanted = f"record {path} is of format {content['format']}, wanted {FORMAT}"
    if content["format"] > FORMAT:
        raise IrreplaceableError(f"{wanted}; a newer hashbench reads it, or move it away")
    if content["format"] == format2.FORMAT:
        content = format2.upgraded(content)
    if content["format"] == format3.FORMAT:
        content = format3.upgraded(content)
    if content["format"] < FORMAT:
        raise UsageError(f"{wanted}; run its trial again, or move it away")
    checked(content, model("record" if "trial" in content else "throughput"), f"record {path}", WAY_OUT)
    record: Record = content
    if "trial" in record:
        check_consistency(record, f"record {path}", WAY_OUT)
    return record


def _load_trial_record(path: Path) -> Record:
    record = load_record(path)
    if "trial" not in record:
        raise UsageError(f"{path} is throughput, not the record of a trial; move it into the folder throughput")
    return record


def _load_throughput(path: Path) -> Record:
    throughput = load_record(path)
    if "trial" in throughput:
        raise UsageError(f"{path} is the record of a trial, not throughput; move it into the folder records")
    return throughput


def _read(paths: Iterable[Path], load: Callable[[Path], Record]) -> ReadFiles:
    contents, faults = {}, {}
    with without_collection():
        for path in sorted(paths, key=str):
            try:
                contents[path] = load(path)
            except UsageError as fault:
                faults[path] = fault
    return ReadFiles(contents, faults)


def _write_json(path: Path, content: Record) -> None:
    check_replaceable(path)
    with replacing(path) as work:
        work.write_bytes(to_json(content))


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:  # NaN and lone surrogates, which json reads; else its message says more
        return json.loads(data.decode("utf-8"), parse_constant=lambda _name: None)
