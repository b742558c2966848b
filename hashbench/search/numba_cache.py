"""Compiles loops with numba and caches the machine code; runs those of metrics uncompiled where numba does not work.

Compiled code is kept beside its source, or in the user's cache folder, or in hashbench's, so that it is compiled once.
numba would use it as long as its own file does not change; what it calls is compiled into it as well, so here it is
also compiled anew when another file of the same folder changes. A compiled function calls no compiled function of
another folder.

Compiled code runs without the GIL, so that other threads of Python go on meanwhile.

All code that depends on numba's cache is in :func:`_compile`: a compiled function has ``_cache._cache_file``,
whose ``_source_stamp`` is written with the code and compared before it is used.
"""

import hashlib
import math
import re
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from threading import Lock
from types import FunctionType
from typing import Any, TypeVar, cast

from hashbench.errors import UsageError
from hashbench.util.paths import cache_root
from hashbench.util.progress import log_to_stderr

Loop = TypeVar("Loop", bound=Callable[..., Any])

CACHE_SUBFOLDER = "kernels"  # of hashbench's cache

TESTED = ("0.61", "0.62", "0.63", "0.64", "0.65", "0.66", "0.67", "0.68")
"""Versions of numba with which the tests have passed; any other is reported."""

_PARALLEL = Lock()  # loops with threads run one at a time: not every threading layer of numba bears more
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its class where the message is empty.

    numba colours its messages where colorama is installed.
    """
    return _COLOURS.sub("", str(error)).partition("\n")[0] or type(error).__name__


prange: Any = range
_import_error = ""
try:
    import numba
except Exception as error:  # one that does not fit its numpy raises nearly anything
    numba, _import_error = None, first_line(error)
else:
    prange = numba.prange


def compiled(loop: Loop) -> Loop:
    """The function, compiled at its first call; for calls from compiled code."""
    return _compile(loop) if numba else loop


def entry_point(loop: Loop) -> Loop:
    """The function, compiled at its first call, which raises where numba does not work; for calls from Python."""
    return _entry_point(loop, parallel=False)


def parallel_entry_point(loop: Loop) -> Loop:
    """The same, its ``prange`` shared among as many threads as torch uses."""
    return _entry_point(loop, parallel=True)


def or_uncompiled(entry: Loop) -> Loop:
    """The entry point, or its function as it is where numba cannot compile it, with a warning on standard error."""
    loop: Loop = entry.__wrapped__  # type: ignore[attr-defined]

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        if loop not in _uncompilable:
            try:
                return entry(*arguments)
            except Exception as error:  # numba and LLVM raise nearly anything where they do not fit each other
                if not problem():
                    _uncompilable[loop] = first_line(error)
        log_failure(_uncompilable.get(loop, ""), "the loops of metrics run uncompiled")
        return _uncompiled(loop)(*arguments)

    return cast("Loop", call)


_uncompilable: dict[Callable[..., Any], str] = {}  # functions that numba cannot compile, and why


def log_failure(reason: str, consequence: str) -> None:
    """Print to standard error that numba fails, why, and what follows; where it compiles nothing, one line for all."""
    if problem():
        reason = problem()
        consequence = "Hamming distances are counted by torch and the loops of metrics run uncompiled"
    log_once(f"{name()} does not work here ({reason}): {consequence}, which takes longer")


@cache
def log_once(line: str) -> None:
    """Print a line to standard error, once in a process."""
    log_to_stderr(line)


def name() -> str:
    """The name "numba", with its version and the tested ones where it is untested."""
    return "numba" if not numba or is_tested() else f"numba {version()} (tested: {TESTED[0]} to {TESTED[-1]})"


@cache
def problem() -> str:
    """Why numba does not work here; empty where it compiles a small loop."""
    if not numba:
        return _import_error
    try:
        _compile(_probe)(3)
    except Exception as error:  # numba and LLVM raise nearly anything where they do not fit each other
        return first_line(error)
    return ""


def version() -> str:
    """The version of numba, "0.68.1"; empty without numba."""
    return numba.__version__ if numba else ""


def is_tested() -> bool:
    """Whether the version of numba is one of :data:`TESTED`."""
    return ".".join(version().split(".")[:2]) in TESTED


def use_torchs_threads() -> int:
    """Have numba use as many threads as torch does, if it has them; returns their number.

    Where both share OpenMP, numba's first step sets the number for torch as well: it is set back.
    """
    import torch

    wanted = torch.get_num_threads()
    threads: int = max(1, min(wanted, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(threads)
    if torch.get_num_threads() != wanted:
        torch.set_num_threads(wanted)
    return threads


def _entry_point(loop: Loop, parallel: bool) -> Loop:
    dispatcher = _compile(loop, parallel) if numba else loop

    @wraps(loop)
    def call(*arguments: Any) -> Any:
        if problem():
            raise RuntimeError(problem())
        if not parallel:
            return dispatcher(*arguments)
        with _PARALLEL:
            use_torchs_threads()
            return dispatcher(*arguments)

    return cast("Loop", call)


def _compile(loop: Loop, parallel: bool = False) -> Loop:
    compiler = numba.njit(boundscheck=False, nogil=True, parallel=parallel)
    dispatcher: Any = compiler(loop)
    try:
        _enable_caching(dispatcher)
        file = dispatcher._cache._cache_file
        file._source_stamp = (file._source_stamp, _sources_sum(Path(loop.__code__.co_filename).parent))
        dispatcher._cache.save_overload = _saved_where_possible(dispatcher._cache)
    except (AttributeError, OSError, RuntimeError):  # another numba's cache, sources that vanish, no folder to write to
        dispatcher = compiler(loop)
    return dispatcher  # type: ignore[no-any-return]


def _enable_caching(dispatcher: Any) -> None:
    """Have numba cache beside the source or in the user's folder; where neither can be written, in hashbench's cache.

    Raises:
        RuntimeError: that cannot be written either.
    """
    try:
        dispatcher.enable_caching()
    except RuntimeError:
        before = numba.config.CACHE_DIR
        try:
            numba.config.CACHE_DIR = str(cache_root().absolute() / CACHE_SUBFOLDER)
            dispatcher.enable_caching()
        except UsageError as error:  # there is no cache of hashbench's
            raise RuntimeError(str(error)) from error
        finally:
            numba.config.CACHE_DIR = before


def _saved_where_possible(cache: Any) -> Callable[..., None]:
    """``cache.save_overload`` for which a disk that is full is no error: the compiled code is there and works."""
    save = cache.save_overload

    def save_overload(*compiled_code: Any) -> None:
        try:
            save(*compiled_code)
        except OSError as error:
            log_once(f"compiled kernels cannot be kept in {cache.cache_path} ({error.strerror}): each process compiles")

    return save_overload


@cache
def _sources_sum(folder: Path) -> str:
    """The SHA-256 of all sources in a folder, and of this one."""
    content = hashlib.sha256()
    for file in [Path(__file__), *sorted(folder.glob("[!.]*.py"))]:
        content.update(file.read_bytes())
    return content.hexdigest()


def _probe(count: int) -> float:
    total = 0.0
    for i in range(count):
        total += math.log1p(i)
    return total


def _uncompiled(loop: Any) -> Any:
    """The function, calling the uncompiled versions of the compiled functions whose names it uses."""
    names = {name: loop.__globals__.get(name) for name in loop.__code__.co_names}
    called = {name: _uncompiled(value.py_func) for name, value in names.items() if hasattr(value, "py_func")}
    return FunctionType(loop.__code__, {**loop.__globals__, **called}, loop.__name__)
