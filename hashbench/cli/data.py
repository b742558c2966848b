"""The verbs ``data prepare``, ``data verify`` and ``data list``."""

import json
from pathlib import Path
from typing import Any

import click


@click.group("data")
def command() -> None:
    """Prepare data sets on disk, and verify their protocols."""


DATA_HELP = "Folder of the data sets.  [default: HASHBENCH_DATA, else data]"
PREPARE = """\b
Examples:
  hashbench data prepare cifar10
  hashbench data prepare nuswide --from ~/downloads/nuswide --data data
  hashbench data prepare cifar10 --json
"""
VERIFY = """\b
Examples:
  hashbench data verify flickr25k
  hashbench data verify 'cifar10/*' --json
  hashbench data verify cifar10 --strict
  hashbench data verify folder:birds/set.toml
"""


@command.command("prepare", epilog=PREPARE)
@click.argument("name")
@click.option("--from", "source", metavar="PATH", help="Use this folder or archive instead of downloading.")
@click.option("--data", metavar="DIR", help=DATA_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print the state of its protocols as JSON, progress elsewhere.")
def prepare(name: str, source: str | None, data: str | None, as_json: bool) -> int:
    """Download a data set, or take it from files that you have; checksums are verified, complete files stay."""
    from hashbench.errors import UsageError
    from hashbench.plugins.registry import DATASETS
    from hashbench.util.paths import future_data_folder
    from hashbench.util.progress import log_to_stderr

    folder = Path(source).expanduser() if source else None
    if folder is not None and not folder.exists():
        raise UsageError(f"--from names {source!r}, which is not there; name the folder or archive of the files")
    root = future_data_folder(data)
    if root.exists() and not root.is_dir():
        raise UsageError(f"data folder {str(root)!r} is a file, wanted a folder")
    kind = DATASETS.get(name)
    if not kind.protocols:
        raise UsageError(f"{name} needs no preparation: a file of yours describes it, as in --datasets {name}:FILE")
    kind(root, kind.protocols[0]).prepare(folder, log_to_stderr if as_json else click.echo)
    if as_json:
        click.echo(json.dumps(_states(name, root), indent=1))
    return 0


@command.command("verify", epilog=VERIFY)
@click.argument("name", metavar="NAME")
@click.option("--data", metavar="DIR", help=DATA_HELP)
@click.option("--strict", is_flag=True, help="Exit with 1 on missing images, leaks or queries without a relevant item.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def verify(name: str, data: str | None, strict: bool, as_json: bool) -> int:
    """Print and save the card of a protocol: sizes, labels, chance, missing items, leaks by image content, checksums.

    NAME is a data set, NAME/PROTOCOL, a glob of these, or NAME:FILE. Every image is decoded once. Images that are
    missing or cannot be decoded are named, ten of each, with --json all; those that cannot be decoded exit with 2.
    """
    from hashbench.cli.audit_text import lines
    from hashbench.data.decode import undecodable
    from hashbench.data.spec import expand
    from hashbench.errors import BrokenFiles
    from hashbench.util.paths import cache_folder, data_folder
    from hashbench.util.progress import log_to_stderr

    root, cache = data_folder(data), cache_folder()
    audits, faults, broken, unread = [], list[str](), dict[str, str](), list[BrokenFiles]()
    for spec in expand(name, log_to_stderr):
        try:
            facts, found = _audited(spec, root, cache)
        except BrokenFiles as error:  # files that cannot be read leave nothing to audit
            audits.append({"protocol": spec, "broken_images": error.files})
            unread.append(error)
            continue
        audits.append(facts)
        faults += found
        broken |= facts["broken_images"]
        if not as_json:
            click.echo("\n".join(lines(facts)))
    if as_json:
        click.echo(json.dumps(audits, indent=1))
    if strict and faults:
        click.echo("\n".join(faults), err=True)
    if unread:
        raise unread[0]
    if broken:
        raise undecodable(broken)
    return 1 if strict and faults else 0


def _audited(spec: str, root: Path, cache: Path) -> tuple[dict[str, Any], list[str]]:
    """The facts of a protocol's audit with the files that they are kept in, and its faults."""
    from hashbench.data.audit import audit, missing_list, write_audit
    from hashbench.data.protocol_card import make_card
    from hashbench.data.spec import open_dataset, protocol_id
    from hashbench.util.progress import log_to_stderr

    dataset = open_dataset(spec, root, log_to_stderr)
    card, split = make_card(dataset, protocol_id(spec, dataset))
    audited = audit(dataset, card, split, cache)
    file = write_audit(audited, cache)
    missing = str(missing_list(file)) if audited.missing_images["names"] else None
    facts = {**audited.facts(), "kept_in": str(file), "missing_in": missing}
    return facts, [f"{card.protocol}: {fault}" for fault in audited.faults()]


@command.command("list")
@click.option("--data", metavar="DIR", help=DATA_HELP)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_(data: str | None, as_json: bool) -> int:
    """List the protocols of all data sets and say which are ready on disk."""
    from hashbench.plugins.registry import DATASETS
    from hashbench.util.paths import data_folder

    root = data_folder(data)
    rows = [row for name in DATASETS.names() for row in _states(name, root)]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        click.echo(f"{row['name']}: {row['state']}")
    return 0


def _states(name: str, root: Path) -> list[dict[str, Any]]:
    """A row for each protocol, or one where all are in the same state; the first one's sums are checked as well."""
    from hashbench.data.spec import open_dataset
    from hashbench.errors import UsageError
    from hashbench.plugins.registry import DATASETS
    from hashbench.util.progress import log_to_stderr

    try:
        specs = [f"{name}/{protocol.name}" for protocol in DATASETS.get(name).protocols]
    except UsageError as error:
        return [{"name": name, "ready": False, "state": str(error)}]
    if not specs:
        return [{"name": f"{name}:FILE", "ready": True, "state": "a file of yours describes it"}]
    rows: list[dict[str, Any]] = []
    for spec in specs:
        try:
            dataset = open_dataset(spec, root, log_to_stderr)
            if spec == specs[0]:
                dataset.content()  # a damaged set is not ready
            missing, items = int((~dataset.present()).sum()), len(dataset)
            state = f"ready, the images of {missing:,} of {items:,} items are missing" if missing else "ready"
            rows.append({"name": spec, "ready": True, "state": state, "items": items, "missing": missing})
        except UsageError as error:
            rows.append({"name": spec, "ready": False, "state": str(error)})
    return [{**rows[0], "name": name}] if len({row["state"] for row in rows}) == 1 else rows
