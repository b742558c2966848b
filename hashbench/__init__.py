"""hashbench: trains and compares hashing methods for image retrieval.

Names load on first use, so that ``import hashbench`` stays quick.
"""

import importlib
import sys
from typing import TYPE_CHECKING, Any

from hashbench.version import __version__

if sys.platform == "win32":
    raise ImportError("hashbench runs on Linux, and on Windows in WSL: it needs POSIX locks and signals")

if TYPE_CHECKING:
    from hashbench.advice.advise import advise as advise
    from hashbench.codes import Codes as Codes
    from hashbench.errors import Incompatible as Incompatible
    from hashbench.errors import UsageError as UsageError
    from hashbench.estimator import hasher as hasher
    from hashbench.evaluation.evaluate import Scores as Scores
    from hashbench.evaluation.evaluate import evaluate as evaluate
    from hashbench.execution.run import run as run
    from hashbench.external.api import score as score
    from hashbench.external.rule_scores import evaluate_as as evaluate_as
    from hashbench.records.results import Results as Results
    from hashbench.records.results import results as results
    from hashbench.replay.fitted import load as load
    from hashbench.replay.gates import check as check
    from hashbench.replay.gates import compare as compare
    from hashbench.replay.rescore import rescore as rescore
    from hashbench.reporting.figures.plot import plot as plot
    from hashbench.search.index import HammingIndex as HammingIndex
    from hashbench.submission.accept import accept as accept
    from hashbench.submission.submit import submit as submit

_HOMES = {
    "Codes": "hashbench.codes",
    "HammingIndex": "hashbench.search.index",
    "Incompatible": "hashbench.errors",
    "Results": "hashbench.records.results",
    "Scores": "hashbench.evaluation.evaluate",
    "UsageError": "hashbench.errors",
    "accept": "hashbench.submission.accept",
    "advise": "hashbench.advice.advise",
    "check": "hashbench.replay.gates",
    "compare": "hashbench.replay.gates",
    "evaluate": "hashbench.evaluation.evaluate",
    "evaluate_as": "hashbench.external.rule_scores",
    "hasher": "hashbench.estimator",
    "load": "hashbench.replay.fitted",
    "plot": "hashbench.reporting.figures.plot",
    "rescore": "hashbench.replay.rescore",
    "results": "hashbench.records.results",
    "run": "hashbench.execution.run",
    "score": "hashbench.external.api",
    "submit": "hashbench.submission.submit",
}
__all__ = [
    "Codes",
    "HammingIndex",
    "Incompatible",
    "Results",
    "Scores",
    "UsageError",
    "__version__",
    "accept",
    "advise",
    "check",
    "compare",
    "evaluate",
    "evaluate_as",
    "hasher",
    "load",
    "plot",
    "rescore",
    "results",
    "run",
    "score",
    "submit",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hashbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
