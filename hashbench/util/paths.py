"""Where what can be made again is kept: features, checksums, protocol cards."""

import os
from pathlib import Path

CACHE_VARIABLE = "HASHBENCH_CACHE"


def cache_root() -> Path:
    """HASHBENCH_CACHE, else XDG_CACHE_HOME/hashbench, else ~/.cache/hashbench."""
    if own := os.environ.get(CACHE_VARIABLE):
        return Path(own)
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "hashbench"
