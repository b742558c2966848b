"""numba's ``njit`` and ``prange``, or what stands in for them where it does not work: the same loops, uncompiled.

Compiled code is kept beside its source, or in the user's cache folder, so that it is compiled once. numba would use it
as long as its own file does not change; what it calls is compiled into it as well, so here it is also made anew when
another file of the same folder changes. A compiled function calls no compiled function of another folder.
"""

import hashlib
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
from typing import Any, TypeVar, cast

Loop = TypeVar("Loop", bound=Callable[..., Any])

prange: Any = range
try:
    import numba
except ImportError:
    numba = None
else:
    prange = numba.prange


def compiled(loop: Loop) -> Loop:
    """The function, compiled at its first call."""
    return _compile(loop, parallel=False)


def compiled_parallel(loop: Loop) -> Loop:
    """The same, its ``prange`` shared among as many threads as torch uses; for calls from uncompiled code."""
    made = _compile(loop, parallel=True)
    if numba is None:
        return made

    @wraps(loop)
    def call(*words: Any) -> Any:
        use_torchs_threads()
        return made(*words)

    return cast("Loop", call)


def use_torchs_threads() -> int:
    """Have numba use as many threads as torch does, if it has them; answers how many.

    Where both share OpenMP, numba's first step sets the number for torch as well: it is set back.
    """
    import torch

    wanted = torch.get_num_threads()
    threads: int = max(1, min(wanted, numba.config.NUMBA_NUM_THREADS))
    numba.set_num_threads(threads)
    if torch.get_num_threads() != wanted:
        torch.set_num_threads(wanted)
    return threads


def _compile(loop: Loop, parallel: bool) -> Loop:
    if numba is None:
        return loop
    compiler = numba.njit(boundscheck=False, parallel=parallel)
    made: Any = compiler(loop)
    try:
        made.enable_caching()
        kept = made._cache._cache_file
        kept._source_stamp = (kept._source_stamp, _sum(Path(loop.__code__.co_filename).parent))
    except (AttributeError, OSError, RuntimeError):  # kept in another way, sources that vanish, no folder to keep it in
        made = compiler(loop)
    return made  # type: ignore[no-any-return]


@cache
def _sum(folder: Path) -> str:
    """Of all sources in a folder, and of this one."""
    content = hashlib.sha256()
    for file in [Path(__file__), *sorted(folder.glob("[!.]*.py"))]:
        content.update(file.read_bytes())
    return content.hexdigest()
