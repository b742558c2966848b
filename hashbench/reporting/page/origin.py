"""The origin of a run's numbers: its record's file, command, commit and machine; shared texts are listed once."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.reporting.plain_text import machine_text, plain

LONGEST_COMMAND = 2_000

Content = dict[str, Any]


class Origins:
    """The origins of the runs on one page.

    Attributes:
        texts: the list that the numbers in :meth:`of` are indices of.
    """

    def __init__(self, results: Results, folder: Path | None) -> None:
        self.texts: list[str] = []
        self._indices: dict[str, int] = {}
        self._files = results.files
        self._folder = folder
        self._links: dict[Path, str] = {}

    def of(self, record: Record) -> Content:
        """Key, repetition, file, seed and, as indices into ``texts``, the longer facts."""
        provenance, environment = record["provenance"], record["environment"]
        versions = ", ".join(f"{name} {version}" for name, version in environment["versions"].items())
        file = self._files.get(record["key"])
        return {
            "key": record["key"],
            "repetition": record["trial"]["repetition"],
            "file": file.name if file else None,
            "folder": self._index(self._link(file.parent) if file else ""),
            "seed": str(provenance["seeds"].get("trial", "")),  # beyond what a number of JavaScript holds
            "commit": self._index(_commit(provenance)),
            "command": self._index(plain(provenance["command"], LONGEST_COMMAND)),
            "hardware": self._index(machine_with_id(environment["hardware"])),
            "versions": self._index(versions),
            "features": self._index(record["features_sha256"] or ""),
        }

    def _index(self, text: str) -> int:
        if text not in self._indices:
            self._indices[text] = len(self.texts)
            self.texts.append(text)
        return self._indices[text]

    def _link(self, records: Path) -> str:
        """The relative link from the page, by default in the folder above, to a folder of records."""
        if records not in self._links:
            start = records.parent if self._folder is None else self._folder
            path = os.path.relpath(records.resolve(), start.resolve())
            self._links[records] = quote(Path(path).as_posix()) + "/"
        return self._links[records]


def _commit(provenance: Record) -> str:
    changed = " with uncommitted changes" if provenance["git_dirty"] else ""
    return f"{provenance['git_commit'] or 'an installed package'}{changed}"


def machine_with_id(hardware: Record) -> str:
    """A machine in words, and the id within which rates are compared."""
    return f"{machine_text(hardware)}; {hardware['id']}"


def parameter_texts(parameters: Record) -> list[list[str]]:
    """Names and values of parameters, as JSON writes them."""
    return [[plain(name), plain(json.dumps(value, ensure_ascii=False))] for name, value in parameters.items()]
