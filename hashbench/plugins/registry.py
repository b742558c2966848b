"""The registry of plugins: found by file name or entry point, imported when first used, with their origin."""

import importlib
import importlib.metadata
import inspect
import pkgutil
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Generic, TypeVar

from hashbench.dataset import Dataset
from hashbench.errors import UsageError, in_words, unknown
from hashbench.method import HashMethod
from hashbench.plugins.hyperparameters import declared
from hashbench.plugins.plugin_path import PLUGINS_VARIABLE, check_roots, is_clone, is_shipped
from hashbench.plugins.sources import PluginSources, locate, plugin_sources

T = TypeVar("T")

SECONDS_TO_SETTLE = 2.0  # a folder that was changed later is not taken for read: clocks of file systems tick slowly
_listed: dict[tuple[str, int], tuple[str, ...]] = {}  # by folder and the time of its last change

loaded_sources: dict[type, PluginSources] = {}
"""The sources of each plugin's class as they were when this process imported it."""


@dataclass(frozen=True)
class Registry(Generic[T]):
    """The plugins of one kind.

    Attributes:
        kind: "method" or "data set", for messages.
        package: its modules are the plugins; also the group of entry points in installed wheels.
        base: the base class; a plugin's module defines exactly one subclass.
        declares: class attributes that a plugin must have.
        check: raises UsageError for a class that could not be used later on.
    """

    kind: str
    package: str
    base: type[T]
    declares: tuple[str, ...]
    check: Callable[[type[T]], object] = lambda _plugin: None

    def names(self) -> list[str]:
        """All names, sorted. Imports nothing."""
        return sorted({*self._modules(), *self._entry_points()})

    def match(self, pattern: str) -> list[str]:
        """The names that match ``pattern``, a name or a glob.

        Raises:
            UsageError: nothing matches.
        """
        known = self.names()
        names = [pattern] if pattern in known else [name for name in known if fnmatchcase(name, pattern)]
        if not names:
            raise unknown(self.kind, pattern, known)
        return names

    def get(self, name: str) -> type[T]:
        """The plugin's class.

        Raises:
            UsageError: no such plugin, or several of that name; it does not import; its file does not define one class;
                a hyper-parameter of it lacks its type or default.
        """
        modules, entry_points = self._modules(), self._entry_points()
        sources = [*modules.get(name, ()), *entry_points.get(name, ())]
        if not sources:
            raise unknown(self.kind, name, {*modules, *entry_points})
        if len(sources) > 1:
            places = ", ".join(map(_place, sources))
            others = [Path(source).parent.parent for source in sources if not is_shipped(Path(source))]
            clones = [root for root in others if is_clone(root)]
            editable = f", or take {clones[0]} off {PLUGINS_VARIABLE} and pip install -e it" if clones else ""
            raise UsageError(f"{self.kind} {name!r} is there more than once: {places}; rename one{editable}")
        try:
            if name in entry_points:
                loaded = importlib.metadata.EntryPoint(name, sources[0], self.package).load()
            else:
                loaded = importlib.import_module(f"{self.package}.{name}")
            plugin = self._only_class(loaded)
            if plugin not in loaded_sources:
                self._check(plugin, name, _place(sources[0]))
                loaded_sources[plugin] = _sources(plugin)
            return plugin
        except (UsageError, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit as well, which would end the whole command, and with its exit code
            raise UsageError(
                f"{self.kind} {name!r} ({_place(sources[0])}) does not import: {in_words(error)}"
            ) from error

    def about(self, name: str) -> str:
        """The docstring of the plugin's own class; empty where it has none, whatever its base class says."""
        return inspect.cleandoc(self.get(name).__doc__ or "")

    def origin(self, name: str) -> str:
        """Where the plugin's class is defined, "file:line"."""
        plugin = self.get(name)
        return f"{inspect.getsourcefile(plugin)}:{inspect.getsourcelines(plugin)[1]}"

    def file(self, name: str) -> Path:
        """The source file of the plugin's class."""
        return _file(self.get(name))

    def sources(self, name: str) -> PluginSources:
        """The plugin's sources as they are on disk now."""
        return _sources(self.get(name))

    def is_shipped(self, name: str) -> bool:
        """Whether the plugin is one of hashbench's own."""
        return is_shipped(self.file(name))

    def _modules(self) -> dict[str, list[str]]:
        """The files of each name.

        Raises:
            UsageError: see :func:`check_roots`.
        """
        check_roots()
        files: dict[str, list[str]] = defaultdict(list)
        for folder in importlib.import_module(self.package).__path__:
            for name in _module_names(Path(folder)):
                files[name].append(str(Path(folder, f"{name}.py")))
        return files

    def _entry_points(self) -> dict[str, list[str]]:
        """The "module:attribute" texts of each name."""
        values: dict[str, list[str]] = defaultdict(list)
        for entry in _entry_points(self.package):
            values[entry.name].append(entry.value)
        return values

    def _check(self, plugin: type[T], name: str, source: str) -> None:
        try:
            self.check(plugin)
        except UsageError as error:
            raise UsageError(f"{self.kind} {name!r} ({source}): {error}") from None

    def _only_class(self, loaded: object) -> type[T]:
        if inspect.isclass(loaded):
            candidates = [loaded]
        else:
            candidates = [
                value
                for value in vars(loaded).values()
                if inspect.isclass(value) and value.__module__ == getattr(loaded, "__name__", "")
            ]
        fitting = [c for c in candidates if issubclass(c, self.base) and not inspect.isabstract(c)]
        where = getattr(loaded, "__file__", loaded)
        if len(fitting) != 1:
            raise UsageError(f"{where} defines {len(fitting)} classes of {self.base.__name__}, wanted exactly one")
        lacking = [name for name in self.declares if not hasattr(fitting[0], name)]
        if lacking:
            raise UsageError(f"{where}: {fitting[0].__name__} does not declare {', '.join(lacking)}")
        return fitting[0]


def _module_names(folder: Path) -> tuple[str, ...]:
    """Names of the plugins in a folder, which is read anew when it has changed, or may have within its clock's tick."""
    changed = folder.stat().st_mtime_ns if folder.is_dir() else 0
    key = str(folder), changed
    if key not in _listed:
        names = tuple(module.name for module in pkgutil.iter_modules([str(folder)]) if not module.name.startswith("_"))
        if time.time_ns() - changed < SECONDS_TO_SETTLE * 1e9:
            return names
        _listed[key] = names
    return _listed[key]


def _place(source: str) -> str:
    """A file, or the "module:attribute" of an entry point with its file in front."""
    module, colon, _ = source.partition(":")
    located = locate(module) if colon and Path(source).suffix != ".py" else None
    return f"{located.origin} ({source})" if located is not None and located.origin else source


def _file(plugin: type) -> Path:
    return Path(inspect.getsourcefile(plugin) or "")


def _sources(plugin: type) -> PluginSources:
    return plugin_sources(plugin.__module__, _file(plugin))


@cache
def _entry_points(group: str) -> importlib.metadata.EntryPoints:
    return importlib.metadata.entry_points(group=group)


METHODS: Registry[HashMethod] = Registry(
    "method",
    "hashbench.methods",
    HashMethod,  # type: ignore[type-abstract]
    ("traits",),
    declared,
)
DATASETS: Registry[Dataset] = Registry(
    "data set",
    "hashbench.datasets",
    Dataset,  # type: ignore[type-abstract]
    ("title", "source", "protocols", "features"),
)
