"""The baseline as a file: JSON that people read and review, the same bytes for the same records."""

import json
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import asdict

from hashbench.errors import UsageError
from hashbench.evaluation.headline import HEADLINE, NEIGHBOURS_HEADLINE
from hashbench.reporting.identity import Identity
from hashbench.reporting.plain_text import plain
from hashbench.reporting.regression.baseline import Baseline, BaselineCell, Figure
from hashbench.reporting.repetitions import Run, run_text
from hashbench.util.documents import NotNegative, Number, checked
from hashbench.util.files import replacing
from hashbench.util.storage import make_folder

KIND: Final = "hashbench baseline"
FORMAT: Final = 1
_WAY_OUT = "restore it or make it anew from results"

_WIDTH = 118
_ROUNDING = 1e-5
_KIND_WITHIN = 1000  # characters; a conflict's marks may stand before the kind

_RunText = Annotated[str, Meta(pattern=r"^-?\d{1,20}/\d{1,20}$", description="root seed and repetition as in '0/3'")]
_Direction = Annotated[str, Meta(pattern=r"^(up|down)$", description="up or down")]


class _Tolerance(Struct, frozen=True):
    same: NotNegative
    other: NotNegative | None


class _Figure(Struct, frozen=True):
    mean: Number
    sd: Number | None
    tolerance: _Tolerance
    repetitions_needed: int | None
    values: list[Number]


class _Cell(Struct, frozen=True, omit_defaults=True):
    """The identity's facts, the most important first, and the scores."""

    protocol: str
    card: str
    metric_version: int
    features: str
    features_weights: str | None
    features_dtype: str
    limit: int | None
    supervised: bool
    method: str
    preset: str | None
    variant: dict[str, Any]
    parameters: dict[str, Any]
    backbones: dict[str, Any]
    bits: int | None
    environment: str | None
    runs: Annotated[list[_RunText], Meta(min_length=1, description="a list of at least one run")]
    metrics: dict[str, _Figure]
    named_variant: str | None = None
    neighbours: str | None = None
    ranking: str | None = None


class _Content(Struct, frozen=True):
    kind: Literal["hashbench baseline"]
    format: Literal[1]
    directions: dict[str, _Direction]
    environments: dict[str, Any]
    cells: list[_Cell]


def is_baseline(file: Path) -> bool:
    """Whether a file is marked as a baseline."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError):
        return False
    return isinstance(content, dict) and content.get("kind") == KIND


def was_baseline(file: Path) -> bool:
    """Whether a file holds a baseline or what is left of one, as after a conflict of a merge; an empty file does."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return not text.strip() or f'"kind": "{KIND}"' in text[:_KIND_WITHIN]


def write_baseline(baseline: Baseline, file: Path) -> None:
    """Write the baseline to ``file``, whole or not at all; makes the folder."""
    make_folder(file.parent)
    cells = [_cell_content(cell) for cell in baseline.cells]
    content = _Content(KIND, FORMAT, dict(baseline.directions), dict(baseline.environments), cells)
    with replacing(file) as work:
        work.write_text(_readable(msgspec.to_builtins(content)) + "\n", encoding="utf-8")


def read_baseline(file: Path) -> Baseline:
    """The baseline in a file.

    Raises:
        UsageError: there is none, it is of another format, or a value in it is wrong; one line.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"no baseline {str(file)!r} ({error.strerror}); hashbench check --update-baseline makes it from results"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"baseline {file} cannot be read ({error}); {_WAY_OUT}") from None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise UsageError(f"{file} is no baseline of hashbench; name one that hashbench check --update-baseline made")
    name = f"baseline {file}"
    document = checked(content, _Content, name, _WAY_OUT)
    cells = tuple(
        _cell(f"{name}: cells[{index}]", cell, document.directions) for index, cell in enumerate(document.cells)
    )
    if len({cell.identity for cell in cells}) < len(cells):
        raise UsageError(f"{name} has a cell twice; {_WAY_OUT}")
    return Baseline(document.directions, document.environments, cells)


def _cell_content(cell: BaselineCell) -> _Cell:
    facts = cell.identity.facts()
    return _Cell(
        **{name: facts[name] for name in _Cell.__struct_fields__ if name in facts},
        environment=cell.environment,
        runs=[run_text(run) for run in cell.runs],
        metrics={name: _figure_content(figure) for name, figure in cell.metrics.items()},
    )


def _figure_content(figure: Figure) -> _Figure:
    tolerance = _Tolerance(figure.same, figure.other)
    return _Figure(figure.mean, figure.sd, tolerance, figure.repetitions_needed, list(figure.values))


def _cell(where: str, cell: _Cell, directions: Mapping[str, str]) -> BaselineCell:
    """The cell, after a check that its parts belong together."""
    runs = tuple(_run(text) for text in cell.runs)
    if len(set(runs)) < len(runs):
        raise UsageError(f"{where}.runs has one twice, wanted each once; {_WAY_OUT}")
    if not {HEADLINE, NEIGHBOURS_HEADLINE} & cell.metrics.keys():
        raise UsageError(f"{where}.metrics lacks {HEADLINE}, by which a cell is judged; {_WAY_OUT}")
    metrics = {}
    for name, figure in cell.metrics.items():
        here = f"{where}.metrics.{plain(name)}"
        if name not in directions:
            raise UsageError(f"{here} has no direction, wanted one in directions; {_WAY_OUT}")
        metrics[name] = _figure(here, figure, len(runs))
    return BaselineCell(Identity.from_facts(asdict(cell)), cell.environment, runs, metrics)


def _run(text: str) -> Run:
    seed, repetition = text.split("/")
    return int(seed), int(repetition)


def _figure(where: str, figure: _Figure, runs: int) -> Figure:
    if len(figure.values) != runs:
        raise UsageError(f"{where}.values are {len(figure.values)}, wanted one for each of the {runs} runs; {_WAY_OUT}")
    if abs(figure.mean - statistics.fmean(figure.values)) > _ROUNDING:
        raise UsageError(f"{where}.mean is {figure.mean}, wanted that of its values; {_WAY_OUT}")
    allowed = figure.tolerance
    return Figure(tuple(figure.values), figure.mean, figure.sd, allowed.same, allowed.other, figure.repetitions_needed)


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
