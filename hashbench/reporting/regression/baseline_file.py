"""The baseline as a file: JSON that people read and review, the same bytes for the same records."""

import json
import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hashbench.errors import UsageError
from hashbench.evaluation.metrics import HEADLINE
from hashbench.reporting.identity import Identity
from hashbench.reporting.plain_text import plain
from hashbench.reporting.regression.baseline import Baseline, BaselineCell, Figure
from hashbench.reporting.repetitions import Run, run_text
from hashbench.util.files import replacing

KIND = "hashbench baseline"
FORMAT = 1

_WIDTH = 118
_ROUNDING = 1e-5
_SHOWN = 80
_BEGINNING = 1000  # characters in which a baseline says that it is one, be there a conflict's marks before it

_TEXT, _NUMBER, _WHOLE, _TABLE, _LIST = (str,), (int, float), (int,), (dict,), (list,)
_NOTHING = type(None)
_IDENTITY: Mapping[str, tuple[type, ...]] = {
    "protocol": _TEXT,
    "card": _TEXT,
    "metric_version": _WHOLE,
    "features": _TEXT,
    "features_weights": (str, _NOTHING),
    "features_dtype": _TEXT,
    "limit": (int, _NOTHING),
    "supervised": (bool,),
    "method": _TEXT,
    "preset": (str, _NOTHING),
    "variant": _TABLE,
    "parameters": _TABLE,
    "backbones": _TABLE,
    "bits": (int, _NOTHING),
}
_WORDS = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    dict: "a table",
    list: "a list",
    bool: "true or false",
}


def is_baseline(file: Path) -> bool:
    """Whether a file says that it is one."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("kind") == KIND


def was_baseline(file: Path) -> bool:
    """Whether a file holds a baseline or what is left of one, as after a conflict of a merge; an empty file does."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return not text.strip() or f'"kind": "{KIND}"' in text[:_BEGINNING]


def write_baseline(baseline: Baseline, file: Path) -> None:
    """Put it in the place of what ``file`` was, whole or not at all; its folder is made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "kind": KIND,
        "format": FORMAT,
        "directions": dict(baseline.directions),
        "environments": dict(baseline.environments),
        "cells": [_cell_facts(cell) for cell in baseline.cells],
    }
    with replacing(file) as work:
        work.write_text(_readable(content) + "\n", encoding="utf-8")


def read_baseline(file: Path) -> Baseline:
    """The baseline in a file.

    Raises:
        UsageError: there is none, it is of another format, or something in it is not as it should be; one line.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"no baseline {str(file)!r} ({error.strerror}); hashbench check --update-baseline makes it from results"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"baseline {file} cannot be read ({error}); restore it or make it anew") from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise UsageError(f"{file} is no baseline of hashbench; name one that hashbench check --update-baseline made")
    if content.get("format") != FORMAT:
        raise UsageError(
            f"baseline {file} is of format {_shown(content.get('format'))}, wanted {FORMAT}; make it anew from results"
        )
    where = f"baseline {file}"
    directions = _get(where, content, "directions", _TABLE)
    for metric, direction in directions.items():
        if direction not in ("up", "down"):
            raise UsageError(f"{where}: direction of {metric} is {_shown(direction)}, wanted up or down")
    cells = _get(where, content, "cells", _LIST)
    read = tuple(_cell(f"{where}, cell {number}", cell, directions) for number, cell in enumerate(cells, start=1))
    if len({cell.identity for cell in read}) < len(read):
        raise UsageError(f"{where} has a cell twice")
    return Baseline(directions, _get(where, content, "environments", _TABLE), read)


def _cell_facts(cell: BaselineCell) -> dict[str, Any]:
    facts = cell.identity.facts()
    return {
        **{name: facts[name] for name in _IDENTITY},
        "environment": cell.environment,
        "runs": [run_text(run) for run in cell.runs],
        "metrics": {name: _figure_facts(figure) for name, figure in cell.metrics.items()},
    }


def _figure_facts(figure: Figure) -> dict[str, Any]:
    return {
        "mean": figure.mean,
        "sd": figure.sd,
        "tolerance": {"same": figure.same, "other": figure.other},
        "repetitions_needed": figure.repetitions_needed,
        "values": list(figure.values),
    }


def _cell(where: str, content: Any, directions: Mapping[str, str]) -> BaselineCell:
    facts = {name: _get(where, content, name, kinds) for name, kinds in _IDENTITY.items()}
    runs = tuple(_run(where, run) for run in _get(where, content, "runs", _LIST))
    if not runs or len(set(runs)) < len(runs):
        raise UsageError(f"{where}: runs are {_shown(content['runs'])}, wanted at least one and each once")
    metrics = {}
    for name, figure in _get(where, content, "metrics", _TABLE).items():
        if name not in directions:
            raise UsageError(f"{where}: {name} has no direction; wanted one of {', '.join(directions) or 'none'}")
        metrics[name] = _figure(f"{where}, {name}", figure, len(runs))
    if HEADLINE not in metrics:
        raise UsageError(f"{where} has no {HEADLINE}, so that nothing would judge it; make the baseline anew")
    return BaselineCell(Identity.from_facts(facts), _get(where, content, "environment", (str, _NOTHING)), runs, metrics)


def _run(where: str, text: Any) -> Run:
    try:
        seed, number = (int(part) for part in text.split("/"))
    except (ValueError, AttributeError):
        raise UsageError(f"{where}: a run is {_shown(text)}, wanted root seed and repetition as in '0/3'") from None
    return seed, number


def _figure(where: str, content: Any, runs: int) -> Figure:
    values = _get(where, content, "values", _LIST)
    if len(values) != runs or not all(_is(value, _NUMBER) for value in values):
        raise UsageError(f"{where}: values are {_shown(values)}, wanted a number for each of the {runs} runs")
    mean = _get(where, content, "mean", _NUMBER)
    if abs(mean - statistics.fmean(values)) > _ROUNDING:
        raise UsageError(f"{where}: mean is {mean}, wanted that of its values; make the baseline anew")
    allowed = _get(where, content, "tolerance", _TABLE)
    same = _get(f"{where}, tolerance", allowed, "same", _NUMBER)
    other = _get(f"{where}, tolerance", allowed, "other", (*_NUMBER, _NOTHING))
    if same < 0 or (other or 0) < 0:
        raise UsageError(f"{where}: tolerances are {same} and {other}, wanted 0 or more")
    deviation = _get(where, content, "sd", (*_NUMBER, _NOTHING))
    needed = _get(where, content, "repetitions_needed", (int, _NOTHING))
    return Figure(tuple(values), mean, deviation, same, other, needed)


def _get(where: str, table: Any, name: str, kinds: tuple[type, ...]) -> Any:
    if not isinstance(table, dict):
        raise UsageError(f"{where} is {_shown(table)}, wanted a table")
    if name not in table:
        raise UsageError(f"{where} lacks {name!r}; restore it or make it anew from results")
    if not _is(table[name], kinds):
        wanted = " or ".join(_WORDS.get(kind, "null") for kind in kinds if kind is not int or float not in kinds)
        raise UsageError(f"{where}: {name} is {_shown(table[name])}, wanted {wanted}")
    return table[name]


def _shown(value: Any) -> str:
    return plain(repr(value), _SHOWN)


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether it is of such a kind; true and false are no numbers, and neither are nan and infinity."""
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) and not (isinstance(value, float) and not math.isfinite(value))


def _readable(content: Any, indent: int = 0, used: int = 0) -> str:
    """JSON with what fits into a line on one, of which ``used`` characters are taken by its name."""
    line = json.dumps(content, allow_nan=False)
    if not content or not isinstance(content, dict | list) or (len(line) + indent + used < _WIDTH and indent):
        return line
    pad = " " * (indent + 1)
    if isinstance(content, dict):
        names = [json.dumps(name) for name in content]
        values = zip(names, content.values(), strict=True)
        parts = [f"{name}: {_readable(value, indent + 1, len(name) + 2)}" for name, value in values]
    elif any(isinstance(value, dict | list) for value in content):
        parts = [_readable(value, indent + 1) for value in content]
    else:
        parts = _filled([json.dumps(value, allow_nan=False) for value in content], _WIDTH - indent)
    brackets = "[]" if isinstance(content, list) else "{}"
    return brackets[0] + "\n" + ",\n".join(pad + part for part in parts) + "\n" + " " * indent + brackets[1]


def _filled(words: list[str], width: int) -> list[str]:
    """Lines of words with commas, each as long as fits."""
    lines = [words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + 2 < width:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return lines
