"""Figures as files, the same bytes for the same records."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hashbench.errors import UsageError, unknown
from hashbench.reporting.figures.kinds import KINDS, draw
from hashbench.reporting.figures.style import Style, figure_style
from hashbench.reporting.leaderboard.table import Table
from hashbench.util.files import replacing
from hashbench.util.storage import make_folder

FORMATS: Mapping[str, dict[str, Any]] = {  # with what is not written
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
USUAL = ("png", "svg")
LONGEST_PART = 60


def check_formats(formats: Iterable[str]) -> None:
    """Refuse formats that figures are not written in.

    Raises:
        UsageError: naming one, or that none is given.
    """
    asked = list(formats)
    if not asked:
        raise UsageError(f"no format of figures given; wanted some of {', '.join(FORMATS)}")
    for ending in asked:
        if ending not in FORMATS:
            raise unknown("format of figures", ending, FORMATS)


def write_figures(
    tables: Iterable[Table],
    styles: Mapping[str, Style],
    folder: Path,
    kinds: Sequence[str],
    formats: Sequence[str] = USUAL,
    titled: bool = True,
) -> Iterator[Path]:
    """Draw and write the figures of these kinds, as far as the tables have something for them; each file when written.

    Args:
        tables: a figure per kind and table is drawn.
        styles: see :func:`hashbench.reporting.figures.style.row_styles`.
        folder: made with the first file.
        kinds: names from :data:`hashbench.reporting.figures.kinds.KINDS`.
        formats: names from :data:`FORMATS`.
        titled: with a heading and a note above the panels.

    Raises:
        StorageError: the folder cannot be made.
    """
    for table in tables:
        for kind in kinds:
            figure = draw(kind, table, styles, titled)
            if figure is not None:
                make_folder(folder)
                yield from _write(figure, folder, _stem(kind, table), formats)


def _write(figure: Figure, folder: Path, stem: str, formats: Sequence[str]) -> Iterator[Path]:
    with figure_style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not for every format
        for ending in formats:
            path = folder / f"{stem}.{ending}"
            with replacing(path) as work:
                figure.savefig(work, format=ending, metadata=FORMATS[ending])
            yield path


def _stem(kind: str, table: Table) -> str:
    key = table.key
    parts = [kind, key.protocol, key.features, *([f"first{key.limit}"] if key.limit else [])]
    parts += [table.metric] if KINDS[kind].of_metric and table.metric != table.headline else []
    parts += [key.digest, *(["supervised"] if key.supervised else []), *([key.ranking] if key.ranking else [])]
    return "-".join(re.sub(r"[^A-Za-z0-9._]+", "_", part)[:LONGEST_PART] for part in parts)
