"""Options of data sets that a file describes, behind its name: "embeddings:/home/me/x.npy?metric=ip&queries=100"."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from hashbench.errors import UsageError, unknown

_FILES = ("queries", "labels")  # options whose value may be a file


def with_options(spec: str, options: Mapping[str, str]) -> str:
    """The spec of a data set with ``options`` set, over those that it has; files among them become absolute."""
    if not options:
        return spec
    name, _, file = spec.partition(":")
    path, given = _parts(file)
    return f"{name}:{path}?{urlencode({**given, **{key: _absolute(key, value) for key, value in options.items()}})}"


def split_options(file: Path, known: Sequence[str]) -> tuple[Path, dict[str, str]]:
    """A file as a spec names it, without the options behind "?", and those options.

    Raises:
        UsageError: an option that is not among the ``known`` ones, or has no value.
    """
    path, options = _parts(str(file))
    for name, value in options.items():
        if name not in known:
            raise unknown(f"option of {path}", name, known)
        if not value:
            raise UsageError(f"{path}: the option {name} has no value, wanted {name}=VALUE")
    return Path(path), options


def _parts(file: str) -> tuple[str, dict[str, str]]:
    path, mark, options = file.rpartition("?")
    if not mark or Path(file).is_file():
        return file, {}
    return path, dict(parse_qsl(options, keep_blank_values=True))


def _absolute(name: str, value: str) -> str:
    path = Path(value).expanduser()
    return str(path.absolute()) if name in _FILES and path.is_file() else value
