"""The verb ``check``."""

import json
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hashbench.util.collection import without_collection

EXAMPLE = """\b
Examples:
  hashbench check --baseline results/baseline.json --update-baseline
  hashbench check --baseline results/baseline.json --results results/ci --format github --output check.xml
  hashbench check --throughput results/base --results results/head
"""
ENDINGS = {".json": "json", ".xml": "junit"}


@click.command("check", epilog=EXAMPLE)
@click.option("--baseline", metavar="FILE", help="Compare scores with this baseline.")
@click.option("--update-baseline", "update", is_flag=True, help="Replace the baseline by one made from the results.")
@click.option("--throughput", "base", metavar="DIR", help="Compare encode and search rates with this folder's.")
@click.option("--slower", default=20.0, show_default=True, metavar="PERCENT", help="How much slower a rate may be.")
@click.option("--results", default="results", show_default=True, metavar="DIR", help="The results to check.")
@click.option(
    "--repeats", type=int, metavar="N", help="Repetitions that each cell needs.  [default: as many as in the baseline]"
)
@click.option("--allow-stale", is_flag=True, help="Judge also results that today's code would not make.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "github"]),
    default="text",
    show_default=True,
    help="What is printed; github adds annotations for a pull request.",
)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.option("--output", multiple=True, metavar="FILE", help="Also write JSON (.json) or JUnit XML (.xml).")
@click.pass_context
@without_collection()
def command(ctx: click.Context, /, **given: Any) -> int:
    """Fail where what today's code makes falls behind a baseline, and only then.

    --update-baseline makes the baseline: means, values of each repetition, and tolerances learned from their spread.
    A check judges each cell and metric: the same seeds under the same hardware and versions may be worse by .002,
    anything else by what the spread over seeds allows. A cell that is missing, failed, cannot be compared or has fewer
    repetitions than the baseline (or --repeats) fails. So does one that today's code would not make: it is stale (its
    sources changed), superseded (the same request has other parameters now) or gone (its method is not here), unless
    --allow-stale says otherwise. Exits with 0 if all passed, 1 if something failed, 2 for wrong usage, 3 if there was
    nothing to compare.

    --throughput DIR compares rates of --results (head) with those in DIR (base), for each method, kind of rate and
    machine, over all code lengths. A rate fails if its median is lower by more than --slower and every round of head is
    slower than every round of base. Both folders need three repetitions or more, measured in turn in one job (run
    --repeats 1 for both, then 2, then 3); otherwise it exits with 3. Trials of head that failed or are stale fail.
    """
    from hashbench.errors import UsageError

    if (given["baseline"] is None) == (given["base"] is None):
        raise click.UsageError("name either --baseline FILE or --throughput DIR", ctx)
    if given["update"] and given["baseline"] is None:
        raise click.UsageError("--update-baseline needs --baseline FILE", ctx)
    if given["base"] is None and _was_given(ctx, "slower"):
        raise click.UsageError("--slower judges rates, it needs --throughput DIR instead of --baseline FILE", ctx)
    if given["baseline"] is None and _was_given(ctx, "repeats"):
        raise click.UsageError("--repeats is about a baseline, it needs --baseline FILE", ctx)
    if given["update"]:
        names = {"repeats": "--repeats", "form": "--format", "as_json": "--json", "output": "--output"}
        unused = [option for name, option in names.items() if _was_given(ctx, name)]
        if unused:
            raise click.UsageError(f"--update-baseline checks nothing, leave {' and '.join(unused)} out", ctx)
    if not 0 < given["slower"] < 100:
        raise UsageError(f"--slower is {given['slower']:g}, wanted more than 0 and less than 100 percent")
    for name in given["output"]:
        if Path(name).suffix not in ENDINGS:
            raise UsageError(f"--output {name!r} ends in {Path(name).suffix!r}, wanted {' or '.join(ENDINGS)}")
    if given["update"]:
        return _update(Path(given["baseline"]), Path(given["results"]), given["allow_stale"])
    report, facts = _rates(given) if given["base"] else _scores(given)
    if given["as_json"]:
        click.echo(_rendered(report, facts, "json"), nl=False)
    else:
        _show(report, annotated=given["form"] == "github")
    for name in given["output"]:
        _write(Path(name), _rendered(report, facts, ENDINGS[Path(name).suffix]))
    return int(report.exit_code)


def _was_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _update(file: Path, folder: Path, allow_stale: bool) -> int:
    from hashbench.errors import UsageError
    from hashbench.replay.gates import new_baseline
    from hashbench.reporting.regression.advice import advice
    from hashbench.reporting.regression.baseline_file import read_baseline, was_baseline, write_baseline

    baseline = new_baseline(folder, allow_stale=allow_stale)
    if not baseline.cells:
        click.echo(f"nothing to compare with: {folder} has no finished trials; {file} is unchanged", err=True)
        return 3
    before = None
    if file.exists():
        try:
            before = read_baseline(file)
        except UsageError as fault:
            if not was_baseline(file):
                raise UsageError(f"{fault}; it is left as it is: name another file, or remove this one first") from None
            click.echo(f"the old baseline could not be compared with the new one, which replaces it: {fault}")
    write_baseline(baseline, file)
    for line in advice(baseline, before):
        click.echo(line)
    repetitions = sorted({len(cell.runs) for cell in baseline.cells})
    spread = "-".join(str(count) for count in dict.fromkeys((repetitions[0], repetitions[-1])))
    click.echo(f"{file}: {len(baseline.cells)} cells of {spread} repetitions; judged: {', '.join(baseline.directions)}")
    return 0


def _scores(given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    from hashbench.replay.gates import check

    report = check(given["baseline"], given["results"], repeats=given["repeats"], allow_stale=given["allow_stale"])
    return report, report.as_json()


def _rates(given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    from hashbench.replay.gates import check_rates

    report = check_rates(given["base"], given["results"], given["slower"] / 100, allow_stale=given["allow_stale"])
    return report, report.as_json()


def _rendered(report: Any, facts: dict[str, Any], form: str) -> str:
    from hashbench.reporting.regression.junit import junit

    return junit(report) if form == "junit" else json.dumps(facts, indent=1) + "\n"


def _write(file: Path, content: str) -> None:
    from hashbench.util.files import replacing
    from hashbench.util.storage import make_folder

    make_folder(file.parent)
    with replacing(file) as work:
        work.write_text(content, encoding="utf-8")


def _show(report: Any, annotated: bool) -> None:
    from rich.console import Console

    from hashbench.reporting.regression.github import github
    from hashbench.reporting.regression.rates_text import show_rates
    from hashbench.reporting.regression.report import Report
    from hashbench.reporting.regression.text import show

    console = Console(highlight=False)
    if isinstance(report, Report):
        show(report, console)
    else:
        show_rates(report, console)
    if annotated:
        click.echo(github(report), nl=False)
