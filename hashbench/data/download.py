"""Downloads of files: logs address and size first, then progress, and compares checksums."""

import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path

from hashbench.errors import UsageError
from hashbench.util.files import file_sum
from hashbench.util.storage import FULL

TIMEOUT_SECONDS = 30.0  # without data
CHUNK_BYTES = 1 << 20
PROGRESS_LINES = 10  # per download


def fetch(
    url: str, target: Path, digest: str, way_out: str, log: Callable[[str], None], algorithm: str = "md5"
) -> None:
    """Download ``url`` (http or https) to the file ``target`` and check its checksum.

    Args:
        url: address of the file.
        target: where to write it; incomplete after a failure, so it belongs in a staging folder.
        digest: the published checksum, hexadecimal, or its beginning.
        way_out: what a user can do if the download fails; ends the error message.
        log: gets lines of progress.
        algorithm: of the checksum, as hashlib calls it.

    Raises:
        UsageError: no network, a response other than the file, or a file with another checksum.
        OSError: the disk of ``target`` is full, for the staging folder to word.
    """
    log(f"downloading {url}")
    try:
        _copy(url, target, log)
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        raise UsageError(f"{url} cannot be downloaded ({error}); {way_out}") from error
    actual = file_sum(target, algorithm)
    if not actual.startswith(digest):
        raise UsageError(
            f"{url}: the downloaded file has {algorithm} {actual}, wanted {digest}; try again, or {way_out}"
        )


def _copy(url: str, target: Path, log: Callable[[str], None]) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "hashbench"})  # noqa: S310 - constants of data sets
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response, target.open("wb") as file:  # noqa: S310
        length = response.headers.get("Content-Length") or ""
        total = int(length) if length.isdecimal() else 0
        log(f"size: {_mebibytes(total) if total else 'unknown'}")
        done = logged = 0
        while chunk := response.read(CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            if total and done * PROGRESS_LINES // total > logged:
                logged = done * PROGRESS_LINES // total
                log(f"  {_mebibytes(done)} of {_mebibytes(total)}")
        if done < total:
            raise OSError(f"the connection ended after {done} of {total} bytes")


def _mebibytes(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB"
