"""The verb ``run``."""

import json
import shlex
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from hashbench.planning.defaults import default_datasets
from hashbench.util.collection import without_collection_for_good

DEFAULT = ",".join(default_datasets())
EXAMPLE = """\b
Examples:
  hashbench run --methods bgan,itq --bits 16,32,64
  hashbench run --methods '*' --bits 32 --datasets cifar10/bgan --repeats 3 --set bgan.epochs=4
  hashbench run --methods itq --bits 32 --datasets flickr25k,folder:birds/set.toml --features squeezenet1_1@128
  hashbench run --suite bgan-ablation --repeats 3
"""


@click.command("run", epilog=EXAMPLE)
@click.option(
    "--suite", metavar="NAME|FILE", help="Run a suite of grids (hashbench list suites); other options change its runs."
)
@click.option("--methods", metavar="LIST", help="Names or globs; '*' is every unsupervised method. Not with --suite.")
@click.option("--bits", metavar="LIST", help="Code lengths, say 16,32,64, or full (the features' dimension).")
@click.option(
    "--datasets", default=DEFAULT, show_default=True, metavar="LIST", help="Names, globs, NAME/PROTOCOL or NAME:FILE."
)
@click.option("--features", metavar="NAME", help="Features of all trials.  [default: the data set's own]")
@click.option("--features-dtype", default="auto", show_default=True, metavar="NAME", help="float32, float16, bfloat16.")
@click.option(
    "--weights",
    multiple=True,
    metavar="NAME=FILE",
    help="State dict of a network (.pth, .safetensors), or a method's saved state, whose trained encoder is used.",
)
@click.option("--repeats", default=1, show_default=True, metavar="N", help="Repetitions, each with its own seed.")
@click.option("--preset", metavar="NAME", help="Apply this preset to the methods that have it, say quick.")
@click.option("--set", "parameters", multiple=True, metavar="METHOD.PARAMETER=VALUE", help="Change a hyper-parameter.")
@click.option("--limit", type=int, metavar="N", help="Train on the first N items of the training order.")
@click.option("--seed", default=0, show_default=True, metavar="N", help="Root of all seeds.")
@click.option(
    "--relevance",
    metavar="KIND",
    help="labels, or neighbours: the nearest by the features.  [default: labels; of vectors neighbours]",
)
@click.option("--metric", metavar="NAME", help="Distance of the neighbours: l2, cosine or ip.  [default: l2]")
@click.option(
    "--queries", metavar="FILE|N|NAME", help="Queries of vectors: a file, a number or share of rows, a column."
)
@click.option("--labels", metavar="FILE|NAME", help="Labels of vectors: a .npy file, or a column.")
@click.option(
    "--rankings",
    default="hamming",
    show_default=True,
    metavar="LIST",
    help="What codes are ranked by, a record each: hamming, asymmetric (real queries).",
)
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1, ...")
@click.option("--offline", is_flag=True, help="Download nothing.")
@click.option(
    "--executor", default="local", show_default=True, metavar="NAME", help="local (isolated), inline, or ray."
)
@click.option(
    "--address", metavar="ADDR", help="Of the cluster of --executor ray.  [default: RAY_ADDRESS, else this machine]"
)
@click.option("--timeout", type=float, metavar="S", help="Seconds a trial may take, without feature extraction.")
@click.option("--jobs", type=int, metavar="N", help="Trials at once, which share the cores.  [default: 1]")
@click.option("--gpus", metavar="LIST", help="GPUs that run trials at once: 0,1 or all.")
@click.option("--per-gpu", type=int, metavar="K", help="Trials at once on each of --gpus.  [default: 1]")
@click.option("--threads", type=int, metavar="N", help="Threads of a trial.  [default: all cores, shared by --jobs]")
@click.option("--memory", metavar="SIZE", help="Memory of the host that a trial may take, say 8G.")
@click.option("--no-rates", is_flag=True, help="Do not measure encoding and search after the last trial.")
@click.option("--rerun", default="missing", show_default=True, metavar="WHAT", help="missing, failed, stale or all.")
@click.option("--shard", metavar="I/N", help="Run the I-th of N parts of the trials, 1/8 to 8/8, as a job of an array.")
@click.option("--no-state", is_flag=True, help="Do not save the fitted methods.")
@click.option("--dry-run", is_flag=True, help="Print the plan with the reason for each trial, and stop.")
@click.option("--results", default="results", show_default=True, metavar="DIR", help="Folder of records and reports.")
@click.option("--data", metavar="DIR", help="Folder of the data sets.  [default: HASHBENCH_DATA, else data]")
@click.option("--json", "as_json", is_flag=True, help="Print the plan, or at the end the records, as JSON.")
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int:
    """Train and score a grid of methods; trials that have a record are not run again.

    Needs --methods and --bits, or --suite. Writes a record per trial, leaderboard.html, .md and .csv and figures of
    precision-recall and mAP by bits into the results folder. Exits with 1 if any trial of the grid failed. Ctrl-C
    stops after the running trials, a second one stops them at once.
    """
    for option in ctx.command.params:
        if option.name in ("methods", "bits") and given[option.name] is None and given["suite"] is None:
            raise click.MissingParameter(ctx=ctx, param=option)
    asked = {
        name: value for name, value in given.items() if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    return _run(given, asked)


def _run(given: dict[str, Any], asked: dict[str, Any]) -> int:
    from hashbench.execution.fork_server import process_context

    if given["executor"] == "local" and not given["dry_run"]:
        process_context()  # before the imports that follow: its server takes as long for its own
    plan, settings, chosen = _plan(given, asked)
    if given["dry_run"]:
        _print_plan(plan, settings, given["as_json"])
        return 0
    return _carry_out(plan, settings, chosen, given["as_json"])


@without_collection_for_good()
def _plan(given: dict[str, Any], asked: dict[str, Any]) -> tuple[Any, Any, Any]:
    """The plan, the settings of the run and its executor."""
    from hashbench.execution.executors import executor
    from hashbench.execution.run import make_settings, plan_grids
    from hashbench.execution.slots import slot_options
    from hashbench.features.weights import parse_weights
    from hashbench.planning.grid import grid_fields, parse_bits, parse_settings, split_list
    from hashbench.planning.shard import parse_shard
    from hashbench.planning.suite import open_grids, open_suite

    fields = grid_fields(
        asked, methods=split_list, bits=parse_bits, datasets=split_list, parameters=parse_settings, rankings=split_list
    )
    grids = open_grids(given["suite"], fields)
    shard = None if given["shard"] is None else parse_shard(given["shard"])
    if given["suite"] is not None and (requirements := open_suite(given["suite"]).requirements()):
        click.echo(f"suite {given['suite']} {requirements}", err=True)
    settings = make_settings(
        given["results"],
        given["data"],
        given["device"],
        given["timeout"],
        save_state=not given["no_state"],
        weights=parse_weights(given["weights"]),
        offline=given["offline"] or given["dry_run"],
        rates=not given["no_rates"],
        slot_options=slot_options(given),
        address=given["address"],
    )
    chosen = executor(given["executor"], settings)
    if not given["dry_run"]:
        chosen.prepare()
    return plan_grids(grids, settings).of_shard(shard), settings, chosen


def _print_plan(plan: Any, settings: Any, as_json: bool) -> None:
    from hashbench.execution.rates import missing_rates
    from hashbench.records.store import Store

    for note in plan.notes:
        click.echo(note, err=True)
    if as_json:
        rows = [
            {
                "key": p.planned.key,
                "trial": p.planned.trial.identity(),
                "state": p.state,
                "run": p.run,
                "reason": p.reason,
                "seconds": p.seconds,
            }
            for p in plan.entries
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    for entry in plan.entries:
        click.echo(f"{'run ' if entry.run else 'keep'}  {entry.planned}  ({entry.reason})")
    click.echo(f"{len(plan.to_run())} of {len(plan.entries)} trials to run{_expected_time(plan)}")
    if settings.rates and (missing := missing_rates(plan, Store(settings.results))):
        click.echo(f"{len(missing)} trials to measure that have no rates yet")


def _expected_time(plan: Any) -> str:
    """What is known of the time of the trials to run, by earlier records of their kinds."""
    from hashbench.util.progress import duration

    seconds = [entry.seconds for entry in plan.entries if entry.run]
    known = [value for value in seconds if value is not None]
    if not known:
        return ", of which no earlier record tells the time" if seconds else ""
    rest = len(seconds) - len(known)
    others = f"; of {rest:,} of them no earlier record tells" if rest else ""
    return f", about {duration(sum(known))} one after the other by earlier records{others}"


def _carry_out(plan: Any, settings: Any, executor: Any, as_json: bool) -> int:
    from hashbench.cli.progress import progress
    from hashbench.cli.summary import summary
    from hashbench.errors import StorageError
    from hashbench.execution.run import carry_out, grid_results
    from hashbench.records.store import ENDED_WELL

    fault = None
    try:
        with progress(plan) as on_event:
            finished = carry_out(plan, settings, executor, on_event)
    except StorageError as error:
        fault, finished = error, False
    results = grid_results(plan, settings)
    if as_json:
        click.echo(json.dumps(list(results.records), indent=1))
    else:
        _print_leaderboard(results, plan, settings.results, reported=fault is None and bool(results.records))
    for line in summary(results.records, _option("--results", settings.results)):
        click.echo(line, err=True)
    failed = [record for record in results.records if record["status"] not in ENDED_WELL]
    if fault is not None:
        raise StorageError(f"{fault}; the same command goes on from there")
    if not finished:
        left = len(plan.keys() - {record["key"] for record in results.records})
        what = f"{left} trials left" if left else "rates left to measure"
        click.echo(f"stopped: {what}; the same command goes on from here", err=True)
    unreadable = [entry for entry in plan.entries if entry.state == "unreadable"]
    return 1 if failed or unreadable or not finished else 0


def _option(name: str, folder: Path) -> str:
    """The option, as in a shell, where the folder is not the default one."""
    from hashbench.util.paths import shown

    named = str(shown(folder))
    return "" if named == "results" else f" {name} {shlex.quote(named)}"


def _print_leaderboard(results: Any, plan: Any, folder: Path, reported: bool) -> None:
    from rich.console import Console

    from hashbench.reporting.leaderboard.tables import tables
    from hashbench.reporting.leaderboard.terminal import show
    from hashbench.util.paths import shown

    console = Console()
    show(tables(results, plan.keys(), plan.stale_keys()), console)
    if reported:
        console.print(f"\nAll records of {shown(folder)}/: leaderboard.html, .md, .csv and figures/", highlight=False)
