"""Rows of other result folders between one's own: published ones, say, or submissions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.records.submitted import is_submitted
from hashbench.reporting.leaderboard.table import Table

FOLDER = "results"  # in a row's label: the folder that it is from


@dataclass(frozen=True)
class Beside:
    """Records of several folders as one.

    Attributes:
        results: all; those of other folders say in their rows which they are from.
        own: keys of one's own records, which go before others of the same trial.
    """

    results: Results
    own: frozenset[str]

    def tables_with_own(self, made: Sequence[Table]) -> list[Table]:
        """The tables that have a method of one's own."""
        return [table for table in made if any(record["key"] in self.own for record in _methods(table))]

    def alone(self, made: Sequence[Table]) -> list[str]:
        """Names of those of these tables in which no other folder has a row."""
        return [table.name for table in made if all(record["key"] in self.own for record in _methods(table))]


def beside(own: Results, others: Mapping[str, Results]) -> Beside:
    """Put the records of other folders beside one's own.

    A method of another folder stays a row of its own, "itq [results=published]", also where its trial is one's own; a
    record that both have, by its key, is one's own. References are the same anywhere, so that one of each is shown.

    Args:
        own: of one's own folder.
        others: by what to call them.
    """
    keys = frozenset(record["key"] for record in own.records)
    records, throughputs, files = list(own.records), list(own.throughputs), dict(own.files)
    faults = list(own.faults)
    for name, other in others.items():
        new = [record for record in other.records if record["key"] not in files]
        records += [_marked(record, name) if _looks_own(record) else record for record in new]
        there = {record["key"] for record in new}
        throughputs += [each for each in other.throughputs if each["key"] in there]
        files |= {key: file for key, file in other.files.items() if key in there}
        faults += other.faults
    return Beside(Results(tuple(records), tuple(throughputs), files, tuple(faults)), keys)


def folder_names(folders: Sequence[Path]) -> dict[str, Path]:
    """What to call folders in labels: their last name, or the whole path where two would be called the same."""
    last = [folder.resolve().name for folder in folders]
    return {name if last.count(name) == 1 else str(folder): folder for name, folder in zip(last, folders, strict=True)}


def _methods(table: Table) -> list[Record]:
    return [record for row in table.methods for cell in row.cells.values() for record in (*cell.ok, *cell.failed)]


def _looks_own(record: Record) -> bool:
    """Whether only its folder tells it from one's own: references are the same, submissions say what they are."""
    return not record["reference"] and not is_submitted(record["trial"])


def _marked(record: Record, name: str) -> Record:
    trial = {**record["trial"], "parameters": {**record["trial"]["parameters"], FOLDER: name}}
    return {**record, "trial": trial, "variant": {**record["variant"], FOLDER: name}}
