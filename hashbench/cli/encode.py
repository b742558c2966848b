"""The verb ``encode``."""

import json
from pathlib import Path
from typing import Any

import click

from hashbench.cli import options
from hashbench.util.collection import without_collection

NAMES = ("packed", "pgvector", "qdrant")
EXAMPLE = """\b
Examples:
  hashbench encode 3fa9c1 photos/ -o codes.npy
  hashbench encode results/records/digits-holdout-200-itq-32-0-b988bcf603929ae8.json vectors.npy -o codes.npy
"""


@click.command("encode", epilog=EXAMPLE)
@click.argument("record", metavar="RECORD")
@click.argument("source", metavar="INPUT")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where the codes go.")
@click.option(
    "--layout",
    type=click.Choice(NAMES),
    default=NAMES[0],
    show_default=True,
    help="How they are laid out, for what reads them.",
)
@options.results
@options.weights
@options.offline
@options.device
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@without_collection()
def command(record: str, source: str, output: str, layout: str, as_json: bool, **given: Any) -> int:
    """Encode new items by the fitted method of a record.

    RECORD is a record's file or the beginning of its key. INPUT is an image, a folder of images (.jpg, .jpeg, .png,
    also in folders inside it), or a file of vectors [n, d], the record's features (.npy, .npz, .safetensors, .parquet,
    .hdf5 or .fvecs, read batch by batch; columns of a table that are no dimensions are named as in
    'x.parquet?labels=kind'), or an .npy of uint8 images [n, 1 or 3, h, w]. Images go through the record's features. Of
    image files, FILE with the ending .names.txt has the name of each row.

    \b
    Layouts:
      packed    .npy, uint8 [n, ceil(bits / 8)], the first bit highest, padding zero: numpy.packbits,
                hb.HammingIndex, faiss.IndexBinaryFlat, sentence-transformers' "ubinary"
      pgvector  .txt, a line for each item: the text of bit(n), the first bit at the left
      qdrant    .npy, float32 [n, bits] of +1 and -1, whose signs Qdrant's binary quantisation keeps
    """
    from hashbench.cli.fitted import open_fitted
    from hashbench.errors import UsageError
    from hashbench.export.layouts import LAYOUTS
    from hashbench.replay.new_items import file_names, read_items
    from hashbench.util.paths import shown
    from hashbench.util.progress import log_to_stderr

    target = Path(output)
    chosen = LAYOUTS[layout]
    if target.suffix != chosen.ending:
        raise UsageError(f"--output {output!r} ends in {target.suffix!r}, wanted {chosen.ending} (--layout {layout})")
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise UsageError(f"--output {output!r} is the input, which would be lost; name another file")
    items = read_items(Path(source), log_to_stderr)
    fitted, _ = open_fitted(record, given)
    codes = fitted.codes(items, log_to_stderr)
    rows = chosen.rows(codes)
    _write(target, rows)
    names = None
    if isinstance(items, list):
        names = target.with_suffix(".names.txt")
        _write(names, file_names(items, Path(source)))
    facts = {"items": len(codes), "bits": codes.bits, "codes": str(target), "names": names and str(names)}
    if as_json:
        click.echo(json.dumps(facts, indent=1))
    else:
        kind = f"text of bit({codes.bits})" if isinstance(rows, list) else f"{rows.dtype} {list(rows.shape)}"
        named = f"; {shown(names)} names its rows" if names else ""
        click.echo(f"{shown(target)}: {len(codes):,} codes of {codes.bits} bits, {kind}, the first bit first{named}")
    return 0


def _write(file: Path, rows: Any) -> None:
    """Write an array, or lines."""
    import numpy as np

    from hashbench.util.files import replacing
    from hashbench.util.storage import make_folder, writing

    with writing(make_folder(file.parent)), replacing(file) as work:
        if isinstance(rows, list):
            work.write_text("\n".join(rows) + "\n", encoding="utf-8", errors="surrogateescape")
        else:
            with work.open("wb") as stream:
                np.save(stream, rows, allow_pickle=False)
