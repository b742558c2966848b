"""Opens the data set that a record was made on."""

from pathlib import Path

from hashbench.data.protocol_card import make_card
from hashbench.data.spec import open_dataset, plugin_name, protocol_id
from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.execution.stored_trial import StoredCodes, StoredTrial
from hashbench.plugins.registry import DATASETS
from hashbench.records.trial_spec import EXTERNAL_DATASET


def open_recorded_dataset(stored: StoredTrial, root: Path, spec: str | None = None) -> Dataset:
    """The record's data set, with the same content, labels and index sets as when the record was made.

    Args:
        stored: the record.
        root: the folder of all data sets.
        spec: how the data set is opened, "NAME:FILE", where a file of the user's describes it.

    Raises:
        UsageError: it is not on disk, it is another one, a file describes it and ``spec`` names none, or the record
            is of codes from elsewhere that are of no protocol.
    """
    protocol, card = stored.trial.protocol, stored.record["protocol_card"]["id"]
    name = plugin_name(protocol)
    if name == EXTERNAL_DATASET:
        raise UsageError(
            f"record {stored.record['key']} is of codes from elsewhere, {stored.trial}: there is no method and no "
            "image; those scored with --protocol have its images"
        )
    if spec is None and described_by_file(stored):
        raise UsageError(
            f"record {stored.record['key']} is of {protocol}, which a file of yours describes; name it with "
            f"--dataset {name}:FILE"
        )
    dataset = open_dataset(spec or protocol, root, neighbours=stored.trial.neighbours)
    here, _ = make_card(dataset, protocol_id(spec or protocol, dataset))
    if here.id != card:
        raise UsageError(
            f"record {stored.record['key']} was made on {protocol} with the protocol card {card}, here is "
            f"{here.protocol} with {here.id}: other images, labels or index sets; name the right folder with --data"
        )
    return dataset


def described_by_file(stored: StoredTrial) -> bool:
    """Whether a file of the user's describes the record's data set, so that its protocol does not name it."""
    name = plugin_name(stored.trial.protocol)
    return stored.trial.protocol not in {f"{name}/{known.name}" for known in DATASETS.get(name).protocols}


def check_items(stored: StoredTrial, codes: StoredCodes, dataset: Dataset) -> None:
    """Check that the item numbers beside the codes are those of items of the data set.

    Raises:
        UsageError: one is not; the file of the codes is damaged.
    """
    for part, items in (("query", codes.query_items), ("database", codes.database_items)):
        outside = items[(items < 0) | (items >= len(dataset))]
        if len(outside):
            raise UsageError(
                f"codes {stored.codes_file} have the {part} item {outside[0]}, {stored.trial.protocol} has the items 0 "
                f"to {len(dataset) - 1:,}; restore the file or run the trial again"
            )
