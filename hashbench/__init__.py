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
    from hashbench.estimator import method as method
    from hashbench.evaluation.evaluate import Scores as Scores
    from hashbench.evaluation.evaluate import evaluate as evaluate
    from hashbench.execution.run import run as run
    from hashbench.external.call import score as score
    from hashbench.records.results import Results as Results
    from hashbench.records.results import results as results
    from hashbench.replay.rescore import rescore as rescore
    from hashbench.reporting.comparison.comparison import compare as compare
    from hashbench.reporting.figures.plot import plot as plot
    from hashbench.reporting.regression.gate import check as check
    from hashbench.search.index import HammingIndex as HammingIndex

_HOMES = {
    "HammingIndex": "hashbench.search.index",
    "Incompatible": "hashbench.errors",
    "Results": "hashbench.records.results",
    "Scores": "hashbench.evaluation.evaluate",
    "UsageError": "hashbench.errors",
    "check": "hashbench.reporting.regression.gate",
    "compare": "hashbench.reporting.comparison.comparison",
    "evaluate": "hashbench.evaluation.evaluate",
    "method": "hashbench.estimator",
    "plot": "hashbench.reporting.figures.plot",
    "rescore": "hashbench.replay.rescore",
    "results": "hashbench.records.results",
    "run": "hashbench.execution.run",
    "score": "hashbench.external.call",
}
__all__ = [
    "HammingIndex",
    "Incompatible",
    "Results",
    "Scores",
    "UsageError",
    "__version__",
    "check",
    "compare",
    "evaluate",
    "method",
    "plot",
    "rescore",
    "results",
    "run",
    "score",
]


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
