"""Opens data sets by spec: "cifar10", "flickr25k/24", "folder:birds/set.toml"."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from hashbench.data.file_options import with_options
from hashbench.dataset import Dataset, Distance, Protocol
from hashbench.errors import UsageError, catching_exit
from hashbench.plugins.registry import DATASETS
from hashbench.util.paths import naming_files
from hashbench.util.progress import Log, no_log


def expand(pattern: str, log: Log = no_log) -> list[str]:
    """The specs that match ``pattern``: "NAME/PROTOCOL" each, or "NAME:FILE" with the file's absolute path.

    A name alone means its first protocol. Globs are allowed for names, and for protocols behind the slash.

    Args:
        pattern: names or globs.
        log: gets a line for each broken data set that only a glob asked for; it is left out.

    Raises:
        UsageError: nothing matches.
    """
    name, colon, file = pattern.partition(":")
    if colon:
        return [f"{name}:{Path(file).expanduser().absolute()}" for name in DATASETS.match(name)]
    name_pattern, _, protocol_pattern = pattern.partition("/")
    specs = []
    for name in _matching(name_pattern, pattern):
        try:
            protocols = DATASETS.get(name).protocols
        except UsageError as error:
            if name == name_pattern:
                raise
            log(f"left out: {error}")
            continue
        chosen = [p for p in protocols if fnmatchcase(p.name, protocol_pattern)] if protocol_pattern else protocols[:1]
        if name == name_pattern:
            chosen = chosen or [_protocol(name, protocol_pattern)]  # raises; a glob may match nothing
        specs += [f"{name}/{protocol.name}" for protocol in chosen]
    if not specs:
        raise UsageError(f"no protocol is called {pattern!r} (`hashbench list datasets` shows all)")
    return specs


def _matching(name_pattern: str, pattern: str) -> list[str]:
    """The data sets of a name or glob; where there is none and a file was named, the error names who reads it."""
    try:
        return DATASETS.match(name_pattern)
    except UsageError:
        file = Path(pattern.partition("?")[0])
        readers = {name: suffixes for name in DATASETS.names() if (suffixes := _suffixes(name))}
        fitting = [name for name, suffixes in readers.items() if file.suffix.lower() in suffixes]
        if fitting:
            hint = f"did you mean {fitting[0]}:{pattern}?"
        elif file.is_file():
            kinds = ", ".join(f"{name}:FILE ({' '.join(suffixes)})" for name, suffixes in readers.items())
            hint = f"a file needs the name of what reads it: {kinds}"
        else:
            raise
        raise UsageError(f"no data set named {pattern!r}; {hint}") from None


def _suffixes(name: str) -> tuple[str, ...]:
    """Endings of the files that describe a data set; none of a broken one."""
    try:
        return DATASETS.get(name).suffixes
    except UsageError:
        return ()


def plugin_name(spec: str) -> str:
    """The data set's name in a spec: "cifar10" of "cifar10/bgan"."""
    return spec.partition(":")[0].partition("/")[0]


def set_options(specs: Iterable[str], options: Mapping[str, str]) -> list[str]:
    """The specs, as :func:`expand` returns them, with these options set of the data sets that have them.

    Raises:
        UsageError: an option that none of the data sets has.
    """
    set_in: set[str] = set()
    result = []
    for spec in specs:
        known = DATASETS.get(plugin_name(spec)).options if options else ()
        own = {name: value for name, value in options.items() if name in known}
        set_in |= own.keys()
        result.append(with_options(spec, own))
    for name in options:
        if name not in set_in:
            raise UsageError(
                f"--{name} is {options[name]!r}, and no data set of this run has such an option; "
                "`hashbench show DATASET` says which has"
            )
    return result


def open_dataset(spec: str, root: Path, log: Log | None = None, neighbours: Distance | None = None) -> Dataset:
    """Open the data set of one spec and check that the files it needs are there.

    Args:
        spec: "NAME/PROTOCOL", "NAME" or "NAME:FILE", as :func:`expand` returns them.
        root: the folder of all data sets.
        log: gets lines of progress.
        neighbours: relevant are the nearest neighbours of its features under this distance; by default what the data
            set says.

    Raises:
        UsageError: no such data set or protocol, or its files are missing.
    """
    name, colon, file = spec.partition(":")
    with catching_exit(f"data set {spec!r}"), naming_files():
        if colon:
            dataset = DATASETS.get(name).described_by(Path(file))
        else:
            name, _, protocol = spec.partition("/")
            dataset = DATASETS.get(name)(root, _protocol(name, protocol))
        if log is not None:
            dataset.log = log
        if neighbours is not None:
            dataset.distance = neighbours
        dataset.require()
    return dataset


def protocol_id(spec: str, dataset: Dataset) -> str:
    """The protocol's id in records and reports: "cifar10/bgan", "folder/birds-1a2b3c4d"."""
    return f"{plugin_name(spec)}/{dataset.protocol_name()}"


def _protocol(name: str, wanted: str) -> Protocol:
    """The data set's protocol of that name; its first for ""."""
    protocols = DATASETS.get(name).protocols
    if not protocols:
        raise UsageError(f"data set {name!r} is described by a file of yours; write {name}:FILE")
    for protocol in protocols:
        if protocol.name == wanted or not wanted:
            return protocol
    known = ", ".join(f"{name}/{protocol.name}" for protocol in protocols)
    raise UsageError(f"no protocol {name}/{wanted} (there are: {known})")
