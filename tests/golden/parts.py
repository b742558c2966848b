"""The parts of the engine that make codes: each has a version, which is in the fingerprint of every trial it serves.

A file belongs to one part. Which files there are is found by following imports from those where a trial's code begins;
one that cannot change a code is named in :data:`OUTSIDE`.
"""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from hashbench.util.syntax_tree import imported_modules

ROOT = Path(__file__).resolve().parents[2]
# Where each version is: a module, and an attribute of it or of its class.
VERSIONS: Mapping[str, tuple[str, str]] = {
    "trial": ("hashbench.records.trial_spec", "TRIAL_VERSION"),
    "images": ("hashbench.data.images", "VERSION"),
    "pca": ("hashbench.util.pca", "VERSION"),
    "nets": ("hashbench.nets", "VERSION"),
    "shallow": ("hashbench.shallow", "VERSION"),
    "pixels": ("hashbench.features.pixels", "Pixels.version"),
    "gist": ("hashbench.features.gist", "Gist.version"),
    "networks": ("hashbench.features.deep", "Deep.version"),
}
# Whose a file is: the first beginning that fits its path.
OWNERS: tuple[tuple[str, str], ...] = (
    ("hashbench/nets/", "nets"),
    ("hashbench/shallow/", "shallow"),
    ("hashbench/util/pca.py", "pca"),
    ("hashbench/data/", "images"),
    ("datasets/", "images"),
    ("hashbench/features/pixels.py", "pixels"),
    ("hashbench/features/gist.py", "gist"),
    *(
        (f"hashbench/features/{name}.py", "trial")
        for name in ("__init__", "cache", "parts", "extractor", "spec", "vectors", "item_features")
    ),
    *((f"hashbench/{name}.py", "nets") for name in ("features/frozen_layers", "features/frozen_maps")),
    ("hashbench/features/", "networks"),
    ("hashbench/execution/frozen_maps.py", "nets"),
    *((f"hashbench/{name}.py", "trial") for name in ("method", "traits", "codes", "dataset")),
    *(
        (f"hashbench/execution/{name}.py", "trial")
        for name in ("trial", "training_data", "references", "linear_classifier")
    ),
    ("hashbench/records/trial_spec.py", "trial"),
    *(
        (f"hashbench/util/{name}.py", "trial")
        for name in ("arrays", "seeds", "device", "prefetch", "threads", "halving")
    ),
)
ALONE = "hashbench/execution/trial.py"  # joins all parts, and reports: its imports are not followed
BEGINNINGS = (
    *("hashbench/nets", "hashbench/shallow", "hashbench/features", "hashbench/util/pca.py", "datasets"),
    *("hashbench/execution/training_data.py", "hashbench/execution/references.py", "hashbench/records/trial_spec.py"),
    ALONE,
)
# What a trial runs through and what cannot change a code: messages, progress, whole files on disk, checksums.
OUTSIDE = (
    *("hashbench/__init__.py", "hashbench/errors.py", "hashbench/evaluation/", "hashbench/plugins/"),
    *(
        f"hashbench/util/{name}.py"
        for name in (
            *("__init__", "progress", "files", "storage", "paths", "documents", "numbers", "syntax_tree"),
            *("lease", "processes"),
        )
    ),
    *(f"hashbench/data/{name}.py" for name in ("__init__", "adopt", "archives", "download", "checksums")),
    *("hashbench/execution/__init__.py", "hashbench/records/__init__.py"),
)


def version(part: str) -> int:
    """The version of a part as it is in the code."""
    module, attribute = VERSIONS[part]
    found: object = importlib.import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    assert isinstance(found, int), f"{module}.{attribute} is {found!r}, wanted a number"
    return found


def version_place(part: str) -> str:
    """Where the version of a part stands, for messages."""
    return ".".join(VERSIONS[part])


def owner(file: str) -> str | None:
    """The part of a file ("hashbench/nets/losses.py"), None if it has none."""
    if file.startswith(OUTSIDE):
        return None
    return next((part for beginning, part in OWNERS if file.startswith(beginning)), None)


def owned(root: Path = ROOT) -> dict[str, str]:
    """The part of every file that is reached and has one, by path."""
    return {file: part for file in reached(root) if (part := owner(file))}


def without_part(root: Path = ROOT) -> list[str]:
    """Files that a trial's code runs through and that are in no part, though nothing says that they cannot matter."""
    return [file for file in reached(root) if owner(file) is None and not file.startswith(OUTSIDE)]


def reached(root: Path = ROOT) -> list[str]:
    """Paths of the engine's files that a trial's code runs through, sorted; those outside are not followed further."""
    waiting, found = list(_beginnings(root)), set[str]()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            if file != ALONE and not file.startswith(OUTSIDE):
                waiting += _imports(file, root)
    return sorted(found)


def _beginnings(root: Path) -> Iterator[str]:
    for beginning in BEGINNINGS:
        place = root / beginning
        for file in [place] if place.is_file() else sorted(place.glob("*.py")):
            yield file.relative_to(root).as_posix()


def _imports(file: str, root: Path) -> Iterable[str]:
    """The engine's files that a file imports, with those of their packages."""
    package = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    if not file.endswith("__init__.py"):
        package = package.rpartition(".")[0]
    for name in imported_modules(root / file, package):
        parts = name.split(".")
        if parts[0] != "hashbench":
            continue
        module = root.joinpath(*parts)
        for place in (module.with_suffix(".py"), module / "__init__.py", module.parent / "__init__.py"):
            if place.is_file() and root in place.parents:
                yield place.relative_to(root).as_posix()
