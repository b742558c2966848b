"""The verb ``score``."""

import json
from pathlib import Path
from typing import Any

import click

EXAMPLE = """\b
Examples:
  hashbench score codes.npz --encoding pm1
  hashbench score itq32.npz --name itq --encoding packed --bits 32 --repetition 1
  hashbench score codes.npz --encoding 01 --protocol cifar10/bgan
  hashbench score codes.npz --encoding 01 --as '*'
  hashbench score --name mine --query-codes q.npy --database-codes d.npy --protocol digits --features pixels
"""
SEPARATE = (
    "query_codes",
    "database_codes",
    "query_labels",
    "database_labels",
    "query_items",
    "database_items",
    "query_outputs",
)


@click.command("score", epilog=EXAMPLE)
@click.argument("file", required=False)
@click.option("--encoding", metavar="NAME", help="How bits are written: bool, 01, pm1 (-1 and +1) or packed.")
@click.option("--bits", type=int, metavar="N", help="Code length; needed for packed codes.")
@click.option(
    "--bit-order",
    metavar="NAME",
    help="Of packed codes: msb (first bit highest, numpy.packbits) or lsb.  [default: msb]",
)
@click.option("--query-codes", metavar="FILE", help="Codes of the queries as .npy, in place of an .npz.")
@click.option("--database-codes", metavar="FILE", help="Codes of the database, as .npy.")
@click.option("--query-labels", metavar="FILE", help="Labels of the queries, as .npy.")
@click.option("--database-labels", metavar="FILE", help="Labels of the database, as .npy.")
@click.option("--query-items", metavar="FILE", help="Item numbers of the queries, as .npy.")
@click.option("--database-items", metavar="FILE", help="Item numbers of the database, as .npy.")
@click.option(
    "--query-outputs", metavar="FILE", help="Real numbers whose signs are the queries' bits, for --as crovca."
)
@click.option("--name", metavar="NAME", help="The method's name in tables.  [default: the file's]")
@click.option(
    "--repetition",
    default=0,
    show_default=True,
    metavar="N",
    help="Number of this repetition; repetitions of a method share a cell.",
)
@click.option(
    "--supervised",
    is_flag=True,
    help="The method was trained with labels; such methods have their own tables.",
)
@click.option(
    "--information",
    default="images",
    show_default=True,
    metavar="NAME",
    help="What the method saw beside images: external knowledge, class names or captions; tables say it.",
)
@click.option("--protocol", metavar="NAME", help="Protocol of the queries and the database, say cifar10/bgan.")
@click.option(
    "--features",
    default="external",
    show_default=True,
    metavar="NAME",
    help="What the codes were made from: external, external:NAME, or features of hashbench's.",
)
@click.option("--features-dtype", default="auto", show_default=True, metavar="NAME", help="float32, float16, bfloat16.")
@click.option("--weights", multiple=True, metavar="NAME=FILE", help="State dict of the features' network.")
@click.option("--table", metavar="NAME", help="Name of the table, where no protocol is given.  [default: labels]")
@click.option(
    "--leave-one-out", is_flag=True, help="Leave a query's own item, by item numbers, out of its ranking; no protocol."
)
@click.option("--cutoff", type=int, metavar="K", help="Also score mAP@K; a protocol has its own.")
@click.option(
    "--as",
    "rules",
    multiple=True,
    metavar="LIST",
    help="Also by other people's rules: deephash, hashnet, total-relevant, min(k,R), oh, crovca, torchmetrics; "
    "names or globs.",
)
@click.option("--offline", is_flag=True, help="Download nothing.")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1, ...")
@click.option("--results", default="results", show_default=True, metavar="DIR", help="Folder of records and reports.")
@click.option("--data", metavar="DIR", help="Folder of the data sets.  [default: HASHBENCH_DATA, else data]")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def command(file: str | None, as_json: bool, **given: Any) -> int:
    """Score codes that were made elsewhere; they get a record like that of a trial.

    FILE is an .npz with query_codes, database_codes, query_labels, database_labels and, if wanted, query_items and
    database_items. Labels are class numbers [n], or 0/1 [n, classes]; items that share a label are relevant. Codes
    have a row per item; unless they are bool, --encoding must say how bits are written.

    With --protocol the labels are checked against the protocol's, row by row, in its order or in that of the given item
    numbers; without labels the protocol's are used. --features says which of the protocol's tables the codes join;
    external features have a table of their own. Without --protocol, all codes with the same labels share a table;
    there item numbers say which queries are also in the database, and --leave-one-out has no query find itself.

    With --as the same codes are also scored as other people's scripts do it, beside our figures and with what makes
    the difference; the record has ours alone.

    Scoring the same codes again overwrites their record.
    """
    from hashbench.errors import UsageError
    from hashbench.execution.run import make_settings
    from hashbench.external.arrays import read_arrays
    from hashbench.external.score import score_arrays
    from hashbench.external.score_request import ScoreRequest
    from hashbench.features.weights import parse_weights
    from hashbench.reporting.write import write_reports

    separate = {name: Path(path) for name in SEPARATE if (path := given.pop(name)) is not None}
    if file is None and given["name"] is None:
        raise UsageError("no FILE to take the method's name from; give the .npz, or --name and a file for each array")
    weights = parse_weights(given.pop("weights"))
    folders = {name: given.pop(name) for name in ("results", "data", "device", "offline")}
    request = ScoreRequest(**{**given, "name": given["name"] or Path(str(file)).stem})
    settings = make_settings(
        folders["results"], folders["data"], folders["device"], weights=weights, offline=folders["offline"]
    )
    scored = score_arrays(read_arrays(Path(file) if file else None, separate), request, settings)
    write_reports(settings.results)
    for note in scored.notes:
        click.echo(note, err=True)
    if as_json:
        click.echo(json.dumps({**scored.record, **_rules_json(scored)}, indent=1))
    else:
        _print(scored, Path(folders["results"]))
    return 0


def _print(scored: Any, folder: Path) -> None:
    from hashbench.cli.rules_text import rule_lines
    from hashbench.cli.score_text import lines
    from hashbench.records.results import results
    from hashbench.reporting.leaderboard.caption import title
    from hashbench.reporting.leaderboard.tables import tables

    click.echo("\n".join(lines(scored.record)))
    if scored.by_rules:
        click.echo("\n" + "\n".join(rule_lines(scored.by_rules, scored.record["metrics"])))
    key = scored.record["key"]
    (table,) = [each for each in tables(results(folder)) if key in {record["key"] for record in each.records()}]
    others = [row.label for row in (*table.ranked, *table.unranked) if not _holds(row, key)]
    beside = f"beside {', '.join(others)}" if others else "the first of its table"
    click.echo(f"\n{title(table)}: {beside}\n{folder / 'records' / scored.file.name}")


def _rules_json(scored: Any) -> dict[str, Any]:
    from hashbench.cli.rules_text import rules_json

    return {"rules": rules_json(scored.by_rules, scored.record["metrics"])} if scored.by_rules else {}


def _holds(row: Any, key: str) -> bool:
    return any(key == record["key"] for cell in row.cells.values() for record in cell.ok)
