"""hashbench: trains and compares hashing methods for image retrieval.

Names load on first use, so that ``import hashbench`` stays quick.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from hashbench.errors import Incompatible as Incompatible
    from hashbench.errors import UsageError as UsageError
    from hashbench.facade import method as method

_HOMES = {
    "Incompatible": "hashbench.errors",
    "UsageError": "hashbench.errors",
    "method": "hashbench.facade",
}
__all__ = ["Incompatible", "UsageError", "__version__", "method"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hashbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
