"""The lock: the syntax trees of the engine's parts as they were when the goldens last passed.

A changed tree fails a test until the goldens pass and ``python -m tests.golden --accept`` writes the lock anew. That is
all that a refactoring needs. Where behaviour changes, goldens fail: then the version of the part goes up and the
goldens are renewed, and --accept insists on both.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hashbench.util.syntax_tree import tree_sum
from tests.golden import parts
from tests.golden.expected import checksum
from tests.golden.golden import Golden, all_goldens

FILE = Path(__file__).parent / "lock.json"
ACCEPT = "run `python -m tests.golden --accept`"
RENEW = "run `python -m tests.golden --renew`"


@dataclass(frozen=True)
class Lock:
    """What is locked.

    Attributes:
        versions: of each part.
        files: for each part, the checksum of the syntax tree of each of its files.
        goldens: checksum of the stored results of each golden.
    """

    versions: Mapping[str, int]
    files: Mapping[str, Mapping[str, str]]
    goldens: Mapping[str, str] = field(default_factory=dict)


def current(root: Path = parts.ROOT) -> Lock:
    """The lock as the code is now; ``root`` is the checkout whose files count."""
    owners = parts.owned(root)
    files = {part: {file: tree_sum(root / file) for file in owners if owners[file] == part} for part in parts.VERSIONS}
    versions = {part: parts.version(part) for part in parts.VERSIONS}
    return Lock(versions, files, {name: checksum(name) for name in sorted(all_goldens())})


def read(file: Path = FILE) -> Lock:
    """The committed lock; an empty one where there is none."""
    if not file.is_file():
        return Lock({}, {})
    return Lock(**json.loads(file.read_text(encoding="utf-8")))


def differences(locked: Lock, now: Lock) -> list[str]:
    """What differs between the lock and the code, a line each: the thing, its part, the way out."""
    lines = []
    for part in sorted({*locked.files, *now.files}):
        old, new = locked.files.get(part, {}), now.files.get(part, {})
        for file in sorted(name for name in {*old, *new} if old.get(name) != new.get(name)):
            what = "changed" if file in old and file in new else "is new" if file in new else "is gone"
            lines.append(f"{file} (part {part}) {what} since the goldens last passed; {ACCEPT}")
    for part in sorted(name for name, number in now.versions.items() if locked.versions.get(name) != number):
        locked_version = locked.versions.get(part)
        lines.append(f"{parts.version_place(part)} is {now.versions[part]}, {FILE.name} has {locked_version}; {ACCEPT}")
    for name in sorted(
        name for name in {*locked.goldens, *now.goldens} if locked.goldens.get(name) != now.goldens.get(name)
    ):
        lines.append(f"the stored results of {name} are not those of {FILE.name}; {ACCEPT}")
    return lines


def refusals(locked: Lock, now: Lock, goldens: Mapping[str, Golden]) -> list[str]:
    """Why the lock must not be written though the goldens pass, a line each.

    A golden whose stored results changed needs a reason: every part of it with a changed file has a new version; or
    none of its parts changed, and it is a method's, whose source is in the fingerprint of its trials.
    """
    lines = []
    for part, number in now.versions.items():
        if number < locked.versions.get(part, number):
            lines.append(
                f"{parts.version_place(part)} is {number}, it was {locked.versions[part]}; versions only go up"
            )
    for name in sorted(locked.goldens.keys() & now.goldens.keys()):
        if locked.goldens[name] == now.goldens[name]:
            continue
        golden = goldens[name]
        changed = [part for part in golden.parts if locked.files.get(part) != now.files.get(part)]
        kept = [part for part in changed if locked.versions.get(part) == now.versions[part]]
        if kept:
            places = " and ".join(f"{parts.version_place(part)} (it is {now.versions[part]})" for part in kept)
            lines.append(f"results of {name} were renewed and {', '.join(kept)} changed: raise {places}")
        elif not changed and not golden.methods:
            lines.append(
                f"results of {name} were renewed, and no file of {', '.join(golden.parts)} changed: "
                f"a golden that asks another question needs another name; else take the old results back"
            )
    return lines


def accept(file: Path = FILE) -> int:
    """Run the goldens, then write the lock; returns 0 if it is written."""
    lacking = sorted(
        {golden.needs for golden in all_goldens().values() if golden.needs and not _installed(golden.needs)}
    )
    if lacking:
        print(f"goldens need {', '.join(lacking)}; pip install 'hashbench[dev]'", file=sys.stderr)
        return 1
    locked, now = read(file), current()
    told = differences(locked, now)
    if not told:
        print(f"{file.name} is as the code is")
        return 0
    print("\n".join(told).replace(f"; {ACCEPT}", ""))
    if not goldens_pass():
        places = ", ".join(f"{part}: {parts.version_place(part)}" for part in parts.VERSIONS)
        print(
            f"goldens fail, {file.name} stays as it is. If behaviour was meant to change, raise the version of its "
            f"part ({places}), {RENEW}, then --accept again",
            file=sys.stderr,
        )
        return 1
    refused = refusals(locked, now, all_goldens())
    if refused:
        print("\n".join([f"{file.name} stays as it is:", *refused]), file=sys.stderr)
        return 1
    file.write_text(json.dumps(asdict(now), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{file.name} written; commit it with the change")
    return 0


def goldens_pass() -> bool:
    """Run the goldens, the slow ones as well."""
    tests = Path(__file__).parent
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(tests),
        "-m",
        "slow or not slow",
        "--ignore",
        str(tests / "test_lock.py"),
    ]
    return subprocess.run(command, cwd=parts.ROOT, check=False).returncode == 0


def _installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None
