"""The files of an answer: page, figure, table and all its numbers."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure

from hashbench.advice.figure import draw
from hashbench.advice.page import html
from hashbench.advice.result import Advice
from hashbench.reporting.figures.files import FORMATS, USUAL
from hashbench.reporting.figures.style import figure_style
from hashbench.util.files import replacing
from hashbench.util.storage import check_writable, make_folder, writing

FOLDER = "advice"


def default_folder(file: str) -> Path:
    """Where the files go if nothing is said: advice/NAME."""
    return Path(FOLDER) / (re.sub(r"[^A-Za-z0-9_-]+", "-", Path(file).stem) or "vectors")


def check_folder(folder: Path) -> None:
    """Check that the folder can be written to, or made, before there is anything to write.

    Raises:
        StorageError: it cannot.
    """
    check_writable(next(each for each in (folder, *folder.absolute().parents) if each.exists()))


def write_advice(advice: Advice, folder: Path) -> list[Path]:
    """Write all files, each whole or not at all; returns them, the page first.

    Raises:
        StorageError: the folder cannot be written.
    """
    with writing(make_folder(folder)):
        figures = {f"recall.{ending}": content for ending, content in _figures(draw(advice))}
        texts = {
            "page.html": html(advice, figures["recall.png"]),
            "table.csv": _csv(advice),
            "advice.json": json.dumps(asdict(advice), indent=1) + "\n",
        }
        contents = {name: text.encode(errors="backslashreplace") for name, text in texts.items()} | figures
        written = []
        for name, content in contents.items():
            with replacing(folder / name) as work:
                work.write_bytes(content)
            written.append(folder / name)
    return written


def _figures(figure: Figure) -> Iterator[tuple[str, bytes]]:
    with figure_style():
        for ending in USUAL:
            stream = io.BytesIO()
            figure.savefig(stream, format=ending, metadata=FORMATS[ending])
            yield ending, stream.getvalue()


def _csv(advice: Advice) -> str:
    """A line for each code and m, so that a program can draw its own figure."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["code", "bits", "ranking", "bytes", "vectors", "k", "m", "recall"])
    for code in advice.codes:
        for m, recall in enumerate(code.recall, 1):
            row = [code.name, code.bits, code.ranking, code.bytes_per_vector, code.vectors, advice.k, m]
            writer.writerow([*row, f"{recall:.4f}"])
    return stream.getvalue()
