"""``hb.score``: scores codes that were made elsewhere, from a file or from arrays in memory."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

from hashbench.errors import UsageError, unknown
from hashbench.execution.run import make_settings
from hashbench.external.arrays import NAMES, Array, Arrays, read_arrays
from hashbench.external.score import score_arrays
from hashbench.external.score_request import ScoreRequest
from hashbench.features.weights import checked_weights
from hashbench.records.store import Record
from hashbench.reporting.write import write_reports
from hashbench.util.arrays import as_numpy
from hashbench.util.progress import log_to_stderr


class ScoreOptions(TypedDict, total=False):
    """Options of :func:`score`, as on the command line.

    name, encoding, bits, bit_order, protocol, features, features_dtype, supervised, information, repetition, cutoff,
    table, leave_one_out: see :class:`hashbench.external.score_request.ScoreRequest`; name defaults to the file's.
    weights: {name of a network: file of its state dict}.
    offline: download nothing.
    device: where distances are counted.
    results, data: folders.
    """

    name: str
    encoding: str | None
    bits: int | None
    bit_order: str | None
    protocol: str | None
    features: str
    features_dtype: str
    supervised: bool
    information: str
    repetition: int
    cutoff: int | None
    table: str | None
    leave_one_out: bool
    weights: Mapping[str, str | Path]
    offline: bool
    device: str
    results: str | Path
    data: str | Path | None


SETTINGS = ("weights", "offline", "device", "results", "data")


def score(source: str | Path | Mapping[str, Array], **options: Unpack[ScoreOptions]) -> Record:
    """Score codes that were made elsewhere and store a record: ``hb.score("codes.npz", name="mine", encoding="pm1")``.

    Args:
        source: an .npz, or arrays by name: query_codes, database_codes, query_labels, database_labels, query_items,
            database_items (labels and items may be left out with a protocol, items also without).
        options: see :class:`ScoreOptions`.

    Returns:
        The record, as its JSON Schema describes it.

    Raises:
        UsageError: codes, labels and options do not fit; nothing was written.
    """
    for option in options:
        if option not in ScoreOptions.__annotations__:
            raise unknown("option of score", option, ScoreOptions.__annotations__)
    settings = make_settings(
        options.get("results", "results"),
        options.get("data"),
        device=options.get("device", "auto"),
        weights=checked_weights(options.get("weights", {})),
        offline=options.get("offline", False),
    )
    request: dict[str, Any] = {name: value for name, value in options.items() if name not in SETTINGS}
    if isinstance(source, Mapping):
        for name in source:
            if name not in NAMES:
                raise unknown("array of codes", name, NAMES)
        arrays = Arrays({name: as_numpy(value) for name, value in source.items()})
        if "name" not in request:
            raise UsageError("score needs name, the method's, as in score(arrays, name='mine')")
    else:
        arrays, request = read_arrays(Path(source), {}), {"name": Path(source).stem, **request}
    scored = score_arrays(arrays, ScoreRequest(**request), settings)
    for note in scored.notes:
        log_to_stderr(note)
    write_reports(settings.results)
    return scored.record
