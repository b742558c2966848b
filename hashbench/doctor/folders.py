"""Folders and what lies in them: results, cache, data sets, weights of networks."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from hashbench.data.spec import open_dataset
from hashbench.doctor.finding import Finding
from hashbench.errors import UsageError
from hashbench.features.networks import network
from hashbench.planning.defaults import default_datasets
from hashbench.plugins.registry import DATASETS
from hashbench.util.paths import CACHE_VARIABLE, absolute, cache_root, data_folder
from hashbench.util.progress import no_log

LEAST_BYTES = 1 << 30  # that a run has room to write


def folders(results: Path) -> Iterator[Finding]:
    """A line on the result folder and on the cache: where, how big, whether they can be written."""
    yield _folder("results", absolute(results), "name another with --results", fault=True)
    try:
        cache = absolute(cache_root())
    except UsageError as error:
        yield Finding("cache", "fault", str(error))
        return
    yield _folder(
        "cache", cache, f"name another with {CACHE_VARIABLE}; a read-only cache is used as it is", fault=False
    )


def _folder(about: str, folder: Path, way_out: str, fault: bool) -> Finding:
    there = folder
    while not there.exists():
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "is not a folder" if not there.is_dir() else "cannot be written"
        return Finding(about, "fault" if fault or not folder.is_dir() else "note", f"{there} {why}", way_out)
    size = f"{_bytes(folder) / 1e6:,.1f} MB" if there == folder else "not there yet"
    free = shutil.disk_usage(there).free
    words = f"{folder}: {size}, {free / 1e9:,.1f} GB free"
    return Finding(about, "note" if free < LEAST_BYTES else "fine", words, way_out if free < LEAST_BYTES else "")


def _bytes(folder: Path) -> int:
    found = 0
    for root, _, files in os.walk(folder):
        for name in files:
            file = Path(root, name)
            found += file.lstat().st_size if file.exists() else 0
    return found


def datasets(data: str | None) -> Iterator[Finding]:
    """A line on each data set: the default one has to be there."""
    try:
        root = data_folder(data)
    except UsageError as error:
        yield Finding("data", "fault", str(error), "unset the variable, or make the folder")
        return
    needed = {name.partition("/")[0] for name in default_datasets()}
    for name in DATASETS.names():
        try:
            protocols = DATASETS.get(name).protocols
            if protocols:
                dataset = open_dataset(f"{name}/{protocols[0].name}", root, no_log)
                here = int(dataset.present().sum())
                yield Finding(f"data set {name}", "fine", f"{here:,} of {len(dataset):,} items on disk")
        except UsageError as error:
            about, words = f"data set {name}", str(error)  # which names the way out
            if name in needed:
                yield Finding(about, "fault", words, "the default run needs it")
            else:
                yield Finding(about, "note", words)


def weights() -> Iterator[Finding]:
    """A line on the network of each data set's default features: whether its weights are on this machine."""
    names: dict[str, list[str]] = {}
    for name in DATASETS.names():
        try:
            names.setdefault(DATASETS.get(name).features.partition("@")[0], []).append(name)
        except UsageError:
            continue  # named among the data sets
    for features, of in names.items():
        try:
            found = network(features)
        except UsageError:
            continue  # no network: pixels, vectors
        sets = ", ".join(of)
        try:
            found.require()
            file = found.published_file(offline=True, log=no_log)
            yield Finding(f"features {features}", "fine", f"weights {file} (default of {sets})")
        except UsageError as error:
            yield Finding(f"features {features}", "note", f"default of {sets}: {error}")
