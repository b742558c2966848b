"""The verb ``accept``."""

import json
from pathlib import Path

import click

EXAMPLE = """\b
Examples:
  hashbench accept mine.zip
  hashbench accept mine.zip --results results --beside results/published --output comment.md
"""


@click.command("accept", epilog=EXAMPLE)
@click.argument("file")
@click.option(
    "--results", default="results", show_default=True, metavar="DIR", help="Folder in which submitted/ has the records."
)
@click.option("--data", metavar="DIR", help="Folder of the data sets.  [default: HASHBENCH_DATA, else data]")
@click.option("--device", default="auto", show_default=True, metavar="NAME", help="auto, cpu, cuda, cuda:1, ...")
@click.option("--output", metavar="FILE.md", help="Write tables, tied ranks and what changed as Markdown.")
@click.option("--beside", multiple=True, metavar="DIR", help="In that text, rows of this result folder as well.")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON.")
def command(
    file: str, results: str, data: str | None, device: str, output: str | None, beside: tuple[str, ...], as_json: bool
) -> int:
    """Check a submission of hashbench submit and score it under the protocols that it names.

    Sums, sizes and item numbers have to be what its card and the protocol say; labels are the protocol's, and every
    figure is computed here. The records go to DIR/submitted, a result folder apart from records of runs, as
    "submitted, not reproduced". Codes that equal the classes are flagged. Nothing is written where something is amiss.
    """
    from hashbench.errors import UsageError
    from hashbench.reporting.metric_names import HEADLINE_NAME
    from hashbench.submission.accept import FOLDER, accept, flag
    from hashbench.submission.report import change, report
    from hashbench.util.files import replacing

    if beside and output is None:
        raise UsageError("--beside is of the text that --output FILE.md writes; name one")
    if output is not None and not Path(output).absolute().parent.is_dir():
        raise UsageError(f"there is no folder {str(Path(output).parent)!r} for --output {Path(output).name}; make it")
    for other in beside:
        if not Path(other).is_dir():
            raise UsageError(f"there is no result folder {other!r} for --beside; name another")
    accepted = accept(file, results, data=data, device=device)
    folder = Path(results) / FOLDER
    if output is not None:
        text = report(Path(file), accepted, folder, [Path(each) for each in beside])
        with replacing(Path(output)) as work:
            work.write_text(text, encoding="utf-8")
    if as_json:
        click.echo(json.dumps([each.record for each in accepted], indent=1))
        return 0
    for each in accepted:
        click.echo(f"{each.entry}: {HEADLINE_NAME} {each.headline:.3f} ({change(each)})")
        if each.flagged:
            click.echo(f"  flagged: {flag(each.class_codes)}")
    count = len(accepted)
    click.echo(f"{folder}: {count} record{'' if count == 1 else 's'}, submitted and not reproduced")
    return 0
