"""The source files that a plugin consists of: its own, and those of its helpers, wherever they are installed."""

import importlib.metadata
import importlib.util
import re
import sys
import sysconfig
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from hashbench.util.syntax_tree import imported_modules, tree_sum

ENGINE = "hashbench"
PLUGIN_PACKAGES = ("hashbench.methods", "hashbench.datasets")
_TOP_LEVEL = re.compile(r'^"?([^/.,"]+)(?:/|[^/,]*\.(?:py|so|pyd),)', re.MULTILINE)  # of a path in a RECORD


@dataclass(frozen=True)
class PluginSources:
    """What a plugin's behaviour depends on, beside the engine's own behaviour.

    Attributes:
        sums: checksum of the syntax tree of each source file by its short name ("methods/itq.py", "mylib/util.py");
            compiled modules outside any distribution have the checksum of their bytes.
        files: the file of each short name.
        distributions: versions of other distributions that it imports; None for a module that is not installed.
        engine: names of the engine's modules that it imports ("hashbench.nets.signs").
    """

    sums: Mapping[str, str]
    files: Mapping[str, Path]
    distributions: Mapping[str, str | None]
    engine: frozenset[str]


def plugin_sources(module: str, file: Path) -> PluginSources:
    """The sources of the plugin that a module defines.

    Imports are followed wherever they stand in a file, in functions too, into the plugin's own distribution, its
    plugin root and every module that belongs to no distribution (a folder on ``PYTHONPATH``). The standard library and
    hashbench's dependencies are left out; another distribution enters by its version. Modules named at run time
    (``importlib.import_module``) and files that a plugin reads cannot be followed.

    Args:
        module: the plugin's module.
        file: its source file.
    """
    own = _distributions(module.partition(".")[0]) if not _is_plugin_file(module) else ()
    files: dict[str, Path] = {_short(module, file): file}
    distributions: dict[str, str | None] = {}
    engine: set[str] = set()
    seen: set[str] = {module}
    waiting = [*_parents(module), *_imports(module, file)]
    while waiting:
        name = waiting.pop()
        if name in seen or not name:
            continue
        seen.add(name)
        top = name.partition(".")[0]
        if top == ENGINE and not _is_plugin_file(name):
            engine.add(name)
            continue
        located = locate(name)
        if located is None:
            if name == top and top not in sys.stdlib_module_names:
                distributions[top] = None
            continue
        if top in sys.stdlib_module_names and _is_standard(located):
            continue
        others = [one for one in _distributions(top) if one not in own and _holds(one, located)]
        if others:
            distributions |= {one: importlib.metadata.version(one) for one in others if one not in dependencies()}
            continue
        waiting += _parents(name)
        if located.has_location and located.origin:
            files[_short(name, Path(located.origin))] = Path(located.origin)
            waiting += _imports(name, Path(located.origin))
    sums = {short: tree_sum(source) for short, source in sorted(files.items())}
    return PluginSources(sums, files, dict(sorted(distributions.items())), frozenset(engine))


@cache
def dependencies() -> frozenset[str]:
    """Names of the distributions that hashbench depends on, extras included."""
    try:
        required: Iterable[str] = importlib.metadata.requires(ENGINE) or ()
    except importlib.metadata.PackageNotFoundError:  # a bare checkout on PYTHONPATH
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        required = [
            *project["dependencies"],
            *(one for extra in project["optional-dependencies"].values() for one in extra),
        ]
    return frozenset(_normal(re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0]) for one in required)


def _imports(module: str, file: Path) -> list[str]:
    """Modules that a file may import, and their packages, which are imported with them."""
    if file.suffix != ".py":
        return []
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    names = imported_modules(file, package)
    return [*names, *(parent for name in names for parent in _parents(name))]


def _parents(name: str) -> list[str]:
    """The packages that a module lies in, without those of hashbench's plugins."""
    parts = name.split(".")
    parents = [".".join(parts[:end]) for end in range(1, len(parts))]
    return [] if parts[0] == ENGINE else parents


def _is_plugin_file(name: str) -> bool:
    return name.startswith(tuple(f"{package}." for package in PLUGIN_PACKAGES))


def _short(module: str, file: Path) -> str:
    """Its path in the place it was imported from, "methods/itq.py", whatever folder that is."""
    name = module.removeprefix(f"{ENGINE}.").replace(".", "/")
    return f"{name}/{file.name}" if file.name == "__init__.py" else f"{name}{file.suffix}"


def locate(name: str) -> ModuleSpec | None:
    """Where a module lies, found without importing anything; None if there is none of that name."""
    loaded = sys.modules.get(name)
    spec: ModuleSpec | None = getattr(loaded, "__spec__", None)
    if spec is not None:
        return spec
    parent = name.rpartition(".")[0]
    try:
        if not parent:
            return importlib.util.find_spec(name)
        above = sys.modules.get(parent)
        package = locate(parent) if above is None else above.__spec__
        folders = getattr(above, "__path__", None) or (package.submodule_search_locations if package else None)
        return PathFinder.find_spec(name, list(folders)) if folders else None
    except (ImportError, KeyError, ValueError):  # a namespace package that was not imported, a module without a spec
        return None


def _is_standard(located: ModuleSpec) -> bool:
    """Whether it is the standard library's own module, and not another of the same name."""
    if not located.has_location or located.origin is None:
        return located.origin in ("built-in", "frozen")
    paths = sysconfig.get_paths()
    file = Path(located.origin).resolve()
    standard = any(file.is_relative_to(Path(paths[name]).resolve()) for name in ("stdlib", "platstdlib"))
    return standard and not {"site-packages", "dist-packages"} & set(file.parts)


@cache
def _distributions(top: str) -> tuple[str, ...]:
    """The distributions that say they have a top-level module of that name."""
    if _normal(top) in dependencies():  # most are called like their module: no need to read what all others have
        return (_normal(top),)
    return tuple(dict.fromkeys(_normal(one.metadata["Name"]) for one in packages().get(top, ())))


@cache
def packages() -> Mapping[str, list[importlib.metadata.Distribution]]:
    """The installed distributions of each top-level module.

    ``importlib.metadata.packages_distributions`` says the same after half a second: it makes a path of each of tens of
    thousands of installed files.
    """
    found = defaultdict(list)
    for one in importlib.metadata.distributions():
        for top in _top_level(one):
            found[top].append(one)
    return found


def _top_level(distribution: importlib.metadata.Distribution) -> set[str]:
    """The top-level modules that a distribution declares, or else those of the files that it lists."""
    declared = (distribution.read_text("top_level.txt") or "").split()
    return set(declared or _TOP_LEVEL.findall(distribution.read_text("RECORD") or ""))


def _holds(distribution: str, located: ModuleSpec) -> bool:
    """Whether the module lies where the distribution is installed, and does not merely have a name like one of its."""
    root = _root(distribution)
    if root is None:
        return False
    places = [located.origin] if located.has_location and located.origin else located.submodule_search_locations or []
    return any(Path(place).resolve().is_relative_to(root) for place in places)


@cache
def _root(distribution: str) -> Path | None:
    """Where a distribution is installed; None if it is not."""
    try:
        return Path(str(importlib.metadata.distribution(distribution).locate_file(""))).resolve()
    except importlib.metadata.PackageNotFoundError:
        return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
