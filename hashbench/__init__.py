"""hashbench: trains and compares hashing methods for image retrieval.

Names load on first use, so that ``import hashbench`` stays quick.
"""

import importlib
import sys
from types import ModuleType
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


class _Package(ModuleType):
    """Loads the public names when first asked for.

    A plain module ``__getattr__`` would not do: importing the submodule ``hashbench.method`` (the contract) would
    replace the function ``hashbench.method`` (the facade).
    """

    def __getattribute__(self, name: str) -> Any:
        if name in _HOMES:
            return getattr(importlib.import_module(_HOMES[name]), name)
        return super().__getattribute__(name)

    def __dir__(self) -> list[str]:
        return sorted(__all__)


sys.modules[__name__].__class__ = _Package
