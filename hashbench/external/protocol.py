"""Ground truth of a protocol for codes that were made elsewhere: items and labels must be the protocol's."""

import numpy as np
import numpy.typing as npt

from hashbench.data.audit import found_leaks
from hashbench.data.protocol_card import make_card
from hashbench.data.spec import expand, open_dataset, plugin_name, protocol_id
from hashbench.dataset import Dataset, Items
from hashbench.errors import UsageError
from hashbench.evaluation.relevance import MultiHot, as_multi_hot
from hashbench.execution.settings import Settings
from hashbench.external.ground_truth import PARTS, GroundTruth, ProvidedLabels
from hashbench.external.labels import ClassesOrHot
from hashbench.util.progress import log_to_stderr


def ground_truth_from_protocol(name: str, given: ProvidedLabels, settings: Settings) -> GroundTruth:
    """The protocol's own ground truth, once counts, items and labels of the codes are checked against it.

    Rows are in the protocol's order, or in that of the given item numbers. Images are looked through for leaks, as in
    a trial, which takes a while the first time.

    Args:
        name: one protocol as ``--datasets`` takes it: "cifar10/bgan", "digits", "folder:FILE".
        given: what came with the codes; labels that did not are the protocol's.
        settings: where data and cache are.

    Raises:
        UsageError: no such protocol or several, it is not on disk, or items, labels or their order are not its own.
    """
    specs = expand(name)
    if len(specs) > 1:
        raise UsageError(f"--protocol {name!r} means {len(specs)} protocols ({', '.join(specs)}); name one")
    dataset = open_dataset(specs[0], settings.data, log_to_stderr)
    card, split = make_card(dataset, protocol_id(specs[0], dataset))
    everything, notes = dataset.labels(), []
    if not everything.shape[1]:
        raise UsageError(f"--protocol {name!r} has no labels, by which codes from elsewhere are scored; name another")
    rows: list[Items] = []
    for part in PARTS:
        items = split.parts()[part]
        _check_size(f"{part}_codes", given.sizes[part], len(items), card.protocol, card.missing[part])
        order = np.arange(len(items), dtype=np.int64)
        if part in given.items:
            order = _rows(f"{part}_items", given.items[part], items, card.protocol)
        if part in given.labels:
            labels = _hot(f"{part}_labels", given.labels[part], everything.shape[1], card.protocol)
            _check_labels(part, labels[order], everything[items], items, dataset, card.protocol)
        elif part not in given.items:
            notes.append(f"{part} codes came without labels and items: taken to be in the order of {card.protocol}")
        rows.append(order)
    facts = {**card.facts(), "leaks": found_leaks(dataset, card, split, settings.cache)}
    label_pair = everything[split.query], everything[split.database]
    pairs = label_pair, (split.query, split.database), (rows[0], rows[1])
    return GroundTruth(plugin_name(specs[0]), card.protocol, facts, *pairs, notes=notes)


def _check_size(name: str, rows: int, wanted: int, protocol: str, missing: int) -> None:
    if rows != wanted:
        absent = f" ({missing:,} more have no image here)" if missing else ""
        raise UsageError(f"{name} have {rows:,} rows, {protocol} has {wanted:,} items there{absent}")


def _rows(name: str, given: Items, items: Items, protocol: str) -> Items:
    """The row of each of the protocol's ``items`` among the ``given`` ones."""
    strange = given[~np.isin(given, items)]
    if len(strange):
        raise UsageError(f"{name} has item {strange[0]}, which {protocol} does not have there")
    order = np.argsort(given)
    rows: Items = order[np.searchsorted(given[order], items)].astype(np.int64)
    return rows


def _hot(name: str, labels: ClassesOrHot, classes: int, protocol: str) -> MultiHot:
    try:
        return as_multi_hot(labels, classes)
    except ValueError as error:
        raise UsageError(f"{name} are not those of {protocol}: {error}") from None


def _check_labels(part: str, given: MultiHot, wanted: MultiHot, items: Items, dataset: Dataset, protocol: str) -> None:
    name = f"{part}_labels"
    differing = np.flatnonzero((given != wanted).any(axis=1))
    if not len(differing):
        return
    row = int(differing[0])
    here, there = (_words(labels[row], dataset.classes()) for labels in (given, wanted))
    where = f"item {items[row]} has {here}, wanted {there}"
    if np.array_equal(_sorted(given), _sorted(wanted)):
        raise UsageError(
            f"{name} are those of {protocol} in another order ({where}); give {part}_items, the data set's item "
            f"numbers, or the rows in its order, which the records of its trials have as {part}_items"
        )
    raise UsageError(
        f"{name} are not those of {protocol}: {where}, and {len(differing):,} of {len(items):,} rows differ; without "
        f"--protocol they get a table of their own"
    )


def _words(labels: MultiHot, names: tuple[str, ...]) -> str:
    return " and ".join(repr(names[column]) for column in np.flatnonzero(labels)) or "no label"


def _sorted(labels: MultiHot) -> npt.NDArray[np.uint8]:
    packed = np.packbits(labels, axis=1)
    return packed[np.lexsort(packed.T)]
