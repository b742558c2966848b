"""The verb ``leaderboard``."""

import io
import json
import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hashbench.cli import options
from hashbench.errors import UsageError
from hashbench.util.collection import without_collection

PAGE = "leaderboard.html"
FORMATS = ("table", "md", "csv", "latex", "html", "json")
EXAMPLE = """\b
Examples:
  hashbench leaderboard
  hashbench leaderboard --format latex --methods bgan,itq --name cifar10=CIFAR-10 > table.tex
  hashbench leaderboard --metric map@5000 --bits 32,64 --datasets nuswide
  hashbench leaderboard --format html --out page.html
  hashbench leaderboard results/mine --beside results/published
  hashbench leaderboard --into README.md --check
"""


@click.command("leaderboard", epilog=EXAMPLE)
@click.argument("folder", metavar="[DIR]", required=False)
@options.results
@click.option("--beside", multiple=True, metavar="DIR", help="Rows of this result folder between your own.")
@click.option("--format", "kind", default="table", show_default=True, type=click.Choice(FORMATS), help="Output format.")
@click.option("--out", metavar="FILE", help="Where to write it.  [default: the terminal; DIR/leaderboard.html]")
@click.option("--methods", default="*", metavar="LIST", help="Only these methods; names or globs.")
@click.option("--datasets", default="*", metavar="LIST", help="Only these data sets or protocols; names or globs.")
@click.option("--features", default="*", metavar="LIST", help="Only these features; names or globs.")
@click.option("--name", "names", multiple=True, metavar="NAME=TEXT", help="LaTeX: how to print a method, data set, ...")
@options.metric
@options.bits
@click.option("--into", metavar="FILE.md", help="Fill in the leaderboards of this Markdown file.")
@click.option("--check", is_flag=True, help="Write nothing; fail if DIR's leaderboards, or FILE.md, are out of date.")
@click.pass_context
@without_collection()
def command(ctx: click.Context, /, kind: str, check: bool, **given: Any) -> int:
    """Make leaderboards from records: on the terminal, as Markdown, CSV, LaTeX (booktabs), JSON or one HTML page.

    The same records give the same bytes. --into replaces the text between lines <!-- hashbench leaderboard FOLDER -->
    and <!-- end -->; --methods, --datasets, --features, --bits and --metric may follow the folder. DIR is short for
    --results DIR; --beside shows the tables that have a row of yours, with the other folder's rows marked by its name.
    Exits with 1 if a record cannot be read or something is out of date, with 3 if there are no records.
    """
    asked = {name for name in given if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT} - {"folder"}
    if (folder := given.pop("folder")) is not None:
        if "results" in asked:
            raise click.UsageError("name the result folder once, as DIR or with --results", ctx)
        given["results"], asked = folder, asked | {"results"}
    if given["into"] or check:
        _refuse(asked - ({"into"} if given["into"] else {"results"}) | ({"format"} if kind != "table" else set()))
        return _into(Path(given["into"]), check) if given["into"] else _check(Path(given["results"]))
    if kind != "latex" and "names" in asked:
        raise click.UsageError("--name is for --format latex", ctx)
    if kind == "html" and asked & {"methods", "datasets", "features", "metric", "bits", "beside"} and not given["out"]:
        raise click.UsageError(f"a page of a selection needs --out FILE: {PAGE} is that of all records", ctx)
    return _make(kind, given)


def _refuse(options: set[str]) -> None:
    if options:
        names = ", ".join(f"--{name}" for name in sorted(options))
        raise click.UsageError(f"{names} cannot be combined with --into or --check")


def _make(kind: str, given: dict[str, Any]) -> int:
    from hashbench.records.results import results
    from hashbench.reporting.leaderboard.beside import beside, folder_names
    from hashbench.reporting.leaderboard.selection import code_lengths, selected
    from hashbench.reporting.leaderboard.tables import tables

    folder = Path(given["results"])
    if not folder.exists():
        raise UsageError(f"no result folder {str(folder)!r}; name one with --results, or hashbench run makes one")
    others = folder_names([folder, *map(Path, given["beside"])])
    together = beside(results(folder), {name: results(other) for name, other in [*others.items()][1:]})
    content = together.results
    methods, datasets, features = (given[name].split(",") for name in ("methods", "datasets", "features"))
    shown = selected(content, methods, datasets, features, code_lengths(given["bits"]))
    made = tables(shown, current=together.own, metric=given["metric"])
    if given["beside"]:
        made = together.tables_with_own(made)
        for name in together.alone(made):
            options.name_fault(f"{' and '.join(given['beside'])}: no row that may stand in the table {name}")
    faults = [fault for table in made for fault in table.faults]
    for fault in (*content.faults, *faults):
        options.name_fault(fault)
    if not made:
        way_out = "other names or code lengths may have some" if content.records else "hashbench run makes some"
        click.echo(f"hashbench: no records to show in {str(folder / 'records')!r}; {way_out}", err=True)
        return 3
    out = Path(given["out"]) if given["out"] else folder / PAGE if kind == "html" else None
    if kind == "table" and out is None:
        _show(made)
    else:
        _put(_text(kind, made, shown, out, given["names"]), out)
    return 1 if faults else 0


def _put(text: str, out: Path | None) -> None:
    from hashbench.util.files import replacing

    if out is None:
        click.echo(text, nl=False)
    elif not out.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {str(out.parent)!r} for --out {out.name}; make it or name another")
    else:
        with replacing(out) as work:
            work.write_text(text, encoding="utf-8")
        click.echo(out)


def _show(made: list[Any], **console: Any) -> None:
    from rich.console import Console

    from hashbench.reporting.leaderboard.terminal import show

    show(made, Console(**console))


def _text(kind: str, made: list[Any], shown: Any, out: Path | None, names: tuple[str, ...]) -> str:
    from hashbench.reporting.leaderboard.csv_file import csv, lines
    from hashbench.reporting.leaderboard.latex import latex
    from hashbench.reporting.leaderboard.markdown import markdown
    from hashbench.reporting.page import html
    from hashbench.util.named_texts import named_texts

    if kind == "html" and out is not None:
        return html(made, shown, out.absolute().parent)
    if kind == "table":
        _show(made, file=(stream := io.StringIO()), width=120)
        return stream.getvalue()
    if kind == "json":
        return json.dumps(lines(made), indent=1) + "\n"
    if kind == "latex":
        from hashbench.plugins.spelling import spellings  # looks into the methods, which need torch

        said = named_texts("--name", names, "NAME=TEXT", "cifar10=CIFAR-10")
        return latex(made, {**spellings({row.method for table in made for row in table.methods}), **said})
    text: str = {"csv": csv, "md": markdown}[kind](made)
    return text


def _check(folder: Path) -> int:
    from hashbench.reporting.write import out_of_date

    old = out_of_date(folder, options.name_fault)
    for file in old:
        click.echo(f"{file} is out of date; {_maker(file)}", err=True)
    return 1 if old else 0


def _maker(file: Path) -> str:
    words = ["hashbench", "leaderboard", "--results", file.parent, "--format", file.suffix[1:], "--out", file]
    return shlex.join(map(str, words))


def _into(file: Path, check: bool) -> int:
    from hashbench.reporting.leaderboard.blocks import filled
    from hashbench.util.files import replacing

    text = filled(file, options.name_fault)
    if text == file.read_text(encoding="utf-8"):
        click.echo(f"{file} is up to date")
        return 0
    if check:
        click.echo(f"{file} is out of date; hashbench leaderboard --into {file}", err=True)
        return 1
    with replacing(file) as work:
        work.write_text(text, encoding="utf-8")
    click.echo(file)
    return 0
