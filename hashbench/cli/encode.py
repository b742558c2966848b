"""The verb ``encode``."""

import json
from pathlib import Path

import click

from hashbench.cli import options
from hashbench.util.collection import without_collection

EXAMPLE = """\b
Examples:
  hashbench encode 3fa9c1 photos/ -o codes.npy
  hashbench encode results/records/digits-holdout-200-itq-32-0-b988bcf603929ae8.json vectors.npy -o codes.npy
"""


@click.command("encode", epilog=EXAMPLE)
@click.argument("record", metavar="RECORD")
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where the codes go, an .npy file.")
@options.results
@options.weights
@options.offline
@options.device
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@without_collection()
def command(
    record: str, source: str, output: str, results: str, weights: tuple[str, ...], as_json: bool, **given: object
) -> int:
    """Encode new items by the fitted method of a record.

    RECORD is a record's file or the beginning of its key. INPUT is an image, a folder of images (.jpg, .jpeg, .png,
    also in folders inside it), or an .npy of float vectors [n, d], the record's features, or of uint8 images
    [n, 1 or 3, h, w]. Images go through the record's features. The codes are uint8 [n, ceil(bits / 8)], the first bit
    highest, padding zero, as numpy.packbits and hb.HammingIndex have them. Of image files, FILE with the ending .txt
    names each row.
    """
    from hashbench.cli.fitted import open_fitted
    from hashbench.errors import UsageError
    from hashbench.replay.new_items import file_names, read_items
    from hashbench.util.paths import shown
    from hashbench.util.progress import log_to_stderr

    target = Path(output)
    if target.suffix != ".npy":
        raise UsageError(f"--output {output!r} ends in {target.suffix!r}, wanted .npy")
    items = read_items(Path(source))
    fitted = open_fitted(record, {"results": results, "weights": weights, **given})
    codes = fitted.codes(items, log_to_stderr)
    names = target.with_suffix(".txt") if isinstance(items, list) else None
    _write(target, codes.packed)
    if isinstance(items, list) and names is not None:
        _write_lines(names, file_names(items, Path(source)))
    facts = {"items": len(codes), "bits": codes.bits, "codes": str(target), "names": names and str(names)}
    if as_json:
        click.echo(json.dumps(facts, indent=1))
    else:
        rows = f"; {shown(names)} names its rows" if names else ""
        click.echo(
            f"{shown(target)}: {len(codes):,} codes of {codes.bits} bits, uint8 {list(codes.packed.shape)}, the first "
            f"bit highest{rows}"
        )
    return 0


def _write(file: Path, array: object) -> None:
    import numpy as np

    from hashbench.util.files import replacing
    from hashbench.util.storage import make_folder, writing

    with writing(make_folder(file.parent)), replacing(file) as work, work.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)  # type: ignore[arg-type]


def _write_lines(file: Path, lines: list[str]) -> None:
    from hashbench.util.files import replacing
    from hashbench.util.storage import writing

    with writing(file.parent), replacing(file) as work:
        work.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")
