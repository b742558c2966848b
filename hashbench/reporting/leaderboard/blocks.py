"""Leaderboards within a Markdown file: the text between two marks is made from records.

``<!-- hashbench leaderboard FOLDER -->`` and ``<!-- end -->``, each on a line of its own; FOLDER is a result folder,
from the Markdown file. Options of the verb ``leaderboard`` may follow it: ``--bits 16,32``, ``--methods``,
``--datasets``, ``--features`` and ``--metric``.
"""

import re
from pathlib import Path

from hashbench.errors import UsageError
from hashbench.records.results import results_so_far
from hashbench.reporting.leaderboard.caption import title
from hashbench.reporting.leaderboard.markdown import escaped, overview
from hashbench.reporting.leaderboard.selection import code_lengths, selected
from hashbench.reporting.leaderboard.tables import tables
from hashbench.util.progress import Log, no_log

OPTIONS = {"methods", "datasets", "features", "bits", "metric"}
MARK = "<!-- hashbench leaderboard {folder} -->"
_BLOCK = re.compile(
    r"(?P<begin>^<!-- hashbench leaderboard (?P<folder>.+?) -->$\n)(?P<text>.*?)(?P<end>^<!-- end -->$)", re.M | re.S
)


def filled(file: Path, log: Log = no_log) -> str:
    """The text of a Markdown file with every block made anew.

    Args:
        file: the Markdown file.
        log: gets a line for each record that cannot be read.

    Raises:
        UsageError: the file cannot be read or has no block, or a block's folder has no records.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read ({error}); wanted a Markdown file") from None
    if not _BLOCK.search(text):
        mark = MARK.format(folder="results")
        raise UsageError(f"{file} has no place for a leaderboard; put the lines {mark} and <!-- end --> into it")
    return _BLOCK.sub(lambda block: block["begin"] + _block(file, block["folder"], log) + block["end"], text)


def _block(file: Path, words: str, log: Log) -> str:
    name, options = _parsed(file, words)
    content = results_so_far(file.parent / name)
    for fault in content.faults:
        log(fault)
    methods, datasets, features = (
        options.get(option, "*").split(",") for option in ("methods", "datasets", "features")
    )
    shown = selected(content, methods, datasets, features, code_lengths(options.get("bits")))
    made = tables(shown, metric=options.get("metric"))
    if not made:
        what = "such records" if options else "records"
        raise UsageError(f"{file}: there are no {what} in {name!r}; name a result folder, from the file on")
    parts = []
    for table in made:
        parts += [f"**{escaped(title(table))}**", *overview(table)]
    return "\n" + "\n\n".join(parts) + "\n\n"


def _parsed(file: Path, text: str) -> tuple[str, dict[str, str]]:
    """Folder and options of a mark."""
    folder, *rest = re.split(r" --", text)
    options = dict(word.split(maxsplit=1) for word in rest if len(word.split(maxsplit=1)) == 2)
    if len(options) < len(rest) or not options.keys() <= OPTIONS:
        raise UsageError(
            f"{file} has a mark with {text!r}, wanted a folder and options with values: "
            f"{', '.join(f'--{option}' for option in sorted(OPTIONS))}"
        )
    return folder, options
