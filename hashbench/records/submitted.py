"""Records of submissions: codes that others packed, scored here, of which nobody here has seen the training."""

from collections.abc import Mapping
from typing import Any

SUBMITTED = "submitted, not reproduced"
CODES = "codes"  # the parameter in which such a record, and its row's label, says so


def is_submitted(trial: Mapping[str, Any]) -> bool:
    """Whether a trial, ``record["trial"]``, is of submitted codes."""
    return bool(trial["parameters"].get(CODES) == SUBMITTED)
