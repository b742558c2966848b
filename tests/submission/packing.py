"""Submissions taken apart and packed again with a fault."""

import hashlib
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hashbench.submission.archive import write_archive
from hashbench.submission.card import CARD_FILE

PAPERS = {"mine": "Doe, A method, CVPR 2026", "classes": "unpublished"}
Contents = dict[str, bytes]
CardFields = dict[str, Any]


def contents(archive: Path) -> Contents:
    with zipfile.ZipFile(archive) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def card(found: Contents) -> CardFields:
    fields: CardFields = json.loads(found[CARD_FILE])
    return fields


def repacked(archive: Path, target: Path, change: Callable[[Contents, CardFields], None]) -> Path:
    """The same with ``change`` made to the files, or to the card's fields."""
    found = contents(archive)
    fields = card(found)
    change(found, fields)
    write_archive(target, {**found, CARD_FILE: json.dumps(fields).encode()})
    return target


def entry(fields: CardFields, method: str = "mine") -> CardFields:
    found: CardFields = next(one for one in fields["entries"] if one["method"] == method)
    return found


def put(found: Contents, fields: CardFields, kind: str, part: str, content: bytes) -> None:
    """Give "mine" another file, with the size and the sum of it on the card."""
    name = f"{kind}/other-{part}.bin"
    found[name] = content
    facts = {"file": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    entry(fields)[kind][part] = facts
    named = {
        each["file"] for one in fields["entries"] for pair in (one["codes"], one["items"]) for each in pair.values()
    }
    for unnamed in found.keys() - named - {CARD_FILE}:
        del found[unnamed]
