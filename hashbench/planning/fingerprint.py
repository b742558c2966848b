"""The fingerprint of a trial: checksums of the source files that can change its codes."""

import ast
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from hashbench.features.spec import source_file
from hashbench.plugins.registry import DATASETS, METHODS, loaded_plugins
from hashbench.records.trial_spec import REFERENCES, TrialSpec

PACKAGE = Path(__file__).resolve().parents[1]
TRAINING = PACKAGE / "execution/training_data.py"
REFERENCE_TRIALS = PACKAGE / "execution/references.py"
LOADED = {file: file.stat().st_mtime_ns for file in PACKAGE.rglob("*.py")}  # as the engine was when it was imported
MAX_FILES_NAMED = 4
# Rooms and modules that cannot change a code, even where something imports them.
OUTSIDE = (
    *("evaluation", "search", "cli", "reporting", "execution", "records", "gallery"),
    *("data.adopt", "data.archives", "data.download", "data.checksums", "util.progress"),  # data has sums of its own
)


def source_sums(*files: Path) -> dict[str, str]:
    """Checksums of ``files`` and of every engine module they reach through imports, by short name.

    Give those of :func:`source_files`. The training contract (``hashbench/execution/training_data.py`` and what it
    imports) belongs to every trial; nets only to the methods that import them.
    """
    return {_short(file): _checksum(file) for file in _reached(files)}


def _reached(files: Sequence[Path]) -> list[Path]:
    """``files``, the training contract and every engine module that they reach through imports, sorted."""
    roots = [TRAINING, *(file.resolve() for file in files)]
    reached: set[Path] = set()
    while roots:
        file = roots.pop()
        if file not in reached:
            reached.add(file)
            roots += _engine_imports(file)
    return sorted(reached)


def source_files(trial: TrialSpec) -> list[Path]:
    """The files with a trial's own sources: its method (or the references), its features, its data set."""
    own = REFERENCE_TRIALS if trial.method in REFERENCES else METHODS.file(trial.method)
    return [own, source_file(trial.features), DATASETS.file(trial.dataset)]


def forget_sums() -> None:
    """Forget the checksums of sources; called at the start of a plan, since files may have been edited."""
    _checksum.cache_clear()
    _engine_imports.cache_clear()


def check_sources(planned: Mapping[str, str], files: Sequence[Path]) -> None:
    """Check that this process runs the sources a trial was planned with, so that records name the sources that ran.

    Files that cannot change the trial's codes may be edited while it runs.

    Raises:
        RuntimeError: a file was edited since the plan, or since this process loaded it.
    """
    forget_sums()
    changed = what_changed(planned, source_sums(*files))
    if changed:
        raise RuntimeError(f"{file_list(changed)} changed since the plan was made; run the command again")
    edited = [_short(file) for file in _reached(files) if _edited_since_load(file)]
    if edited:
        raise RuntimeError(f"{file_list(edited)} changed since Python loaded it; start Python again")


def _edited_since_load(file: Path) -> bool:
    loaded = LOADED.get(file) or loaded_plugins.get(file.resolve())
    return loaded is not None and loaded != file.stat().st_mtime_ns


def what_changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Names of the files that differ between two fingerprints, sorted."""
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


def file_list(names: Sequence[str]) -> str:
    """Names of files for a message: plugins first, at most four, and how many more there are."""
    ordered = sorted(names, key=lambda name: name.startswith("hashbench/"))
    more = len(ordered) - MAX_FILES_NAMED
    rest = f" and {more} more file{'s' if more > 1 else ''}" if more > 0 else ""
    return ", ".join(ordered[:MAX_FILES_NAMED]) + rest


def _short(file: Path) -> str:
    if file.is_relative_to(PACKAGE):
        return str(Path("hashbench") / file.relative_to(PACKAGE))
    return f"{file.parent.name}/{file.name}"


@cache
def _checksum(file: Path) -> str:
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]


@cache
def _engine_imports(file: Path) -> list[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return [module for name in sorted(names) for module in _module_files(name)]


def _module_files(name: str) -> list[Path]:
    """The files of an engine module: its own and its packages', none for third parties and outside rooms."""
    parts = name.split(".")
    if parts[0] != "hashbench" or len(parts) < 2 or parts[1] in OUTSIDE or ".".join(parts[1:3]) in OUTSIDE:
        return []
    module = PACKAGE.joinpath(*parts[1:])
    candidates = [module.with_suffix(".py"), module / "__init__.py", module.parent / "__init__.py"]
    return [file for file in candidates if file.is_file() and file != PACKAGE / "__init__.py"]
