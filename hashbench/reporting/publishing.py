"""Published records: small enough to be committed, without codes, states and paths of a machine.

``python -m hashbench.reporting.publishing SOURCE TARGET``
"""

import io
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from hashbench.errors import UsageError
from hashbench.records.newest import newest_records, trial_id
from hashbench.records.store import Record, Store, to_json
from hashbench.reporting.write import write_reports
from hashbench.util.files import replacing
from hashbench.util.npz import read_npz, write_npz
from hashbench.util.storage import make_folder

_ABSOLUTE = re.compile(r"(?P<before>^|[=:,])(?P<path>/[^=:,]*)")


def publish(source: Path, target: Path) -> list[Path]:
    """Copy the finished records of a result folder, with their per-query AP and throughput, and write the tables.

    Of records of the same trial only the newest is published; it replaces older ones in ``target``. Other files in
    ``target`` stay, so several folders may be published into one. The same records give the same bytes.

    Returns:
        What was written, tables last.

    Raises:
        UsageError: ``source`` has no finished record or one that cannot be read, or is ``target``.
    """
    if source.resolve() == target.resolve():
        raise UsageError(f"records of {str(source)!r} cannot be published into their own folder; name another")
    store = Store(source)
    records, throughputs = store.records(), store.throughputs()
    for line in (*records.fault_lines(), *throughputs.fault_lines()):
        raise UsageError(line)
    newest = newest_records(record for record in records.contents.values() if record["status"] == "ok")
    if not newest:
        raise UsageError(f"{str(source)!r} has no finished records to publish; wanted a result folder of hashbench run")
    contents = dict(_contents(store, newest))
    _remove_older(Store(target), newest)
    for name, content in contents.items():
        make_folder((target / name).parent)
        with replacing(target / name) as work:
            work.write_bytes(content)
    return [*(target / name for name in contents), *write_reports(target, figures=False)]


def _remove_older(store: Store, newest: dict[str, Record]) -> None:
    """Remove records whose trials ``newest`` has with other keys, and their arrays and throughput."""
    for path, record in store.records().contents.items():
        other = newest.get(trial_id(record["trial"]))
        if other is not None and other["key"] != record["key"]:
            for file in (path, path.with_suffix(".npz"), *store.throughput_folder.glob(f"{record['key']}-*.json")):
                file.unlink(missing_ok=True)


def _contents(store: Store, newest: dict[str, Record]) -> Iterator[tuple[Path, bytes]]:
    """Paths below a result folder and their content; a record comes after the arrays beside it."""
    keys = {record["key"] for record in newest.values()}
    for path, record in store.records().contents.items():
        if record["key"] in keys:
            name = path.relative_to(store.root)
            yield name.with_suffix(".npz"), _arrays(path.with_suffix(".npz"))
            yield name, to_json(_without_folders(record))
    for path, throughput in store.throughputs().contents.items():
        if throughput["key"] in keys:
            yield path.relative_to(store.root), to_json(throughput)


def _arrays(file: Path) -> bytes:
    try:
        content = read_npz(file)
        names = ["average_precision", "query_items", *({"neighbour_recall"} & content.keys())]
        arrays = {name: content[name] for name in names}
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{file} cannot be read ({error}); restore it or move its record away") from error
    stream = io.BytesIO()
    write_npz(stream, arrays)
    return stream.getvalue()


def _without_folders(record: Record) -> Record:
    """The record with absolute paths in its command line, the only ones it has, shortened to their last name."""
    words = (_ABSOLUTE.sub(_last_name, word) for word in shlex.split(record["provenance"]["command"]))
    return {**record, "provenance": {**record["provenance"], "command": shlex.join(words)}}


def _last_name(match: re.Match[str]) -> str:
    return match["before"] + PurePosixPath(match["path"]).name


def main(words: list[str]) -> int:
    """Publish ``words[0]`` into ``words[1]``; 2 where that is not possible."""
    try:
        source, target = words
    except ValueError:
        sys.stderr.write("wanted two folders: python -m hashbench.reporting.publishing SOURCE TARGET\n")
        return 2
    try:
        written = publish(Path(source), Path(target))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{len(written)} files in {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
