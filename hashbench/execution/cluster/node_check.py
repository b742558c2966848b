"""Whether a node has what trials need: data sets, methods, files of weights."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hashbench.data.protocol_card import make_card
from hashbench.data.spec import open_dataset, protocol_id
from hashbench.errors import UsageError
from hashbench.execution.cluster.messages import Request
from hashbench.execution.cluster.node_trial import node_settings
from hashbench.planning.fingerprint import check_sources


def first_fault(requests: Sequence[Request]) -> str | None:
    """The first thing that one of the trials lacks on this machine, in a line; None where all have what they need."""
    with suppress(OSError):
        os.chdir(requests[0].folder)
    for request in requests:
        try:
            check_request(request)
        except (UsageError, RuntimeError, OSError) as error:
            return " ".join(str(error).split())
    return None


def check_request(request: Request) -> None:
    """Check that a trial has here what it was planned with.

    Raises:
        UsageError: its data set, its method or a file of weights is not here, or the data is another.
        RuntimeError: a method's source is another.
    """
    planned, settings = request.planned_trial(), node_settings(request, Path())
    for name, file in settings.weights.items():
        if not file.is_file():
            raise UsageError(f"weights of {name} {str(file)!r} are not there; copy the file to the same place")
    spec, trial = planned.dataset_spec, planned.trial
    dataset = open_dataset(spec, settings.data, neighbours=trial.neighbours)
    here = make_card(dataset, protocol_id(spec, dataset))[0].id
    if here != planned.fingerprint["card"]:
        raise UsageError(
            f"{trial.protocol} in {str(settings.data)!r} has the protocol card {here}, and that of the run is "
            f"{planned.fingerprint['card']}: other images, labels or index sets; copy the data set there again"
        )
    check_sources(trial, planned.fingerprint)
