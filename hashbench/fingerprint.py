"""What could change a trial's codes without being asked for: the sources that take part in making them."""

import ast
import hashlib
from functools import cache
from pathlib import Path

import hashbench

PACKAGE = Path(hashbench.__file__).resolve().parent
# Rooms that cannot change a code, even where something imports them.
OUTSIDE = ("evaluation", "search", "cli", "reporting", "execution", "records", "gallery")


def source_sums(*files: Path) -> dict[str, str]:
    """Checksums of ``files`` and of every engine module they reach through imports, by short name.

    Give the method's file and that of its features. The training contract (``hashbench/fitting.py`` and what it
    imports) belongs to every trial; nets only to the methods that import them.
    """
    roots = [PACKAGE / "fitting.py", *(file.resolve() for file in files)]
    reached: set[Path] = set()
    while roots:
        file = roots.pop()
        if file not in reached:
            reached.add(file)
            roots += _engine_imports(file)
    return {_short(file): _checksum(file) for file in sorted(reached)}


def what_changed(old: dict[str, str], new: dict[str, str]) -> list[str]:
    """Names of the files that differ between two fingerprints, sorted."""
    return sorted(name for name in {*old, *new} if old.get(name) != new.get(name))


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
    return [found for name in sorted(names) for found in _module_files(name)]


def _module_files(name: str) -> list[Path]:
    """The files of an engine module: its own and its packages', none for third parties and outside rooms."""
    parts = name.split(".")
    if parts[0] != "hashbench" or len(parts) < 2 or parts[1] in OUTSIDE:
        return []
    module = PACKAGE.joinpath(*parts[1:])
    candidates = [module.with_suffix(".py"), module / "__init__.py", module.parent / "__init__.py"]
    return [file for file in candidates if file.is_file() and file != PACKAGE / "__init__.py"]
