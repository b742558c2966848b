"""Downloads: said first with their size, checked by sum."""

import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path

from hashbench.errors import UsageError
from hashbench.util.files import file_sum

TIMEOUT = 30.0  # seconds without an answer
CHUNK = 1 << 20
STEPS = 10  # progress lines per download


def fetch(
    url: str, target: Path, digest: str, way_out: str, log: Callable[[str], None], algorithm: str = "md5"
) -> None:
    """Download ``url`` (http or https) to the file ``target`` and check its sum.

    Args:
        url: where from.
        target: where to; left incomplete on failure, so it belongs in a staging folder.
        digest: the published sum, hexadecimal, or its beginning.
        way_out: what a user can do where the download fails; ends the error's line.
        log: gets the lines of progress.
        algorithm: of the sum, as hashlib calls it.

    Raises:
        UsageError: no network, an answer other than the file, or a file of another sum.
    """
    log(f"downloading {url}")
    try:
        _copy(url, target, log)
    except (OSError, http.client.HTTPException) as error:
        raise UsageError(f"{url} cannot be downloaded ({error}); {way_out}") from error
    found = file_sum(target, algorithm)
    if not found.startswith(digest):
        raise UsageError(f"{url}: what came has {algorithm} {found}, wanted {digest}; try again, or {way_out}")


def _copy(url: str, target: Path, log: Callable[[str], None]) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "hashbench"})  # noqa: S310 - constants of data sets
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer, target.open("wb") as file:  # noqa: S310
        total = int(answer.headers.get("Content-Length") or 0)
        log(f"size: {_mebibytes(total) if total else 'unknown'}")
        done = said = 0
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            done += len(chunk)
            if total and done * STEPS // total > said:
                said = done * STEPS // total
                log(f"  {_mebibytes(done)} of {_mebibytes(total)}")
        if done < total:
            raise OSError(f"the connection ended after {done} of {total} bytes")


def _mebibytes(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
