"""The answer of a node: its record, codes and state, checked, and written to the result folder."""

import json
from typing import Any

import msgspec
import safetensors.torch
from safetensors import SafetensorError

from hashbench.errors import UsageError
from hashbench.execution.cluster.answer_arrays import checked_arrays
from hashbench.execution.cluster.messages import Answer
from hashbench.records.consistency import check_consistency
from hashbench.records.schema import FORMAT, model
from hashbench.records.store import Record, Store, to_json
from hashbench.records.trial_spec import PlannedTrial
from hashbench.util.documents import checked
from hashbench.util.files import replacing
from hashbench.util.npz import Arrays
from hashbench.util.storage import writing


def write_answer(answer: Answer, planned: PlannedTrial, node: str, store: Store) -> Record:
    """Check an answer, then write log, codes and state, and last the record; returns the record.

    Raises:
        UsageError: the answer is damaged, or that of another trial; nothing is written. The line names the node.
        StorageError: the result folder cannot be written.
    """
    record, arrays = checked_record(answer, planned, node), checked_codes(answer, planned, node)
    check_state(answer, node)
    with writing(store.logs), replacing(store.log_path(planned)) as work:
        work.write_bytes(answer.log)
    if arrays is not None:
        store.write_codes(planned, arrays)
    if answer.state is not None:
        store.write_state(planned, answer.state)
    store.write_record(planned, record)
    return record


def checked_record(answer: Answer, planned: PlannedTrial, node: str) -> Record:
    """The record of an answer, by the schema of records.

    Raises:
        UsageError: it is damaged, or of another trial.
    """
    name = f"the record that {node} sent"
    try:
        record: Any = msgspec.json.decode(answer.record or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{name} is no JSON ({error})") from None
    checked(record, model("record"), name)
    if record["format"] != FORMAT:
        raise UsageError(f"{name} is of format {record['format']}, wanted {FORMAT}")
    check_consistency(record, name, "run the trial again")
    try:
        to_json(record)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} cannot be written ({error})") from None
    ours = [planned.key, planned.trial.identity(), json.loads(json.dumps(dict(planned.fingerprint)))]
    if [record["key"], record["trial"], record["fingerprint"]] != ours:
        raise UsageError(f"{name} is of the trial {record['key']}, wanted {planned.key}")
    has_codes = answer.codes is not None
    if has_codes != (record["status"] == "ok"):
        raise UsageError(f"{name} has the status {record['status']} and {'codes' if has_codes else 'no codes'}")
    return dict(record)


def checked_codes(answer: Answer, planned: PlannedTrial, node: str) -> Arrays | None:
    """The arrays of an answer; None where it has none.

    Raises:
        UsageError: they are damaged, or not those that the trial leaves.
    """
    return None if answer.codes is None else checked_arrays(answer.codes, planned, f"the codes that {node} sent")


def check_state(answer: Answer, node: str) -> None:
    """Check that the state of an answer, where it has one, is a file of safetensors.

    Raises:
        UsageError: it is damaged.
    """
    if answer.state is None:
        return
    try:
        safetensors.torch.load(answer.state)
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:  # KeyError: a type torch lacks
        raise UsageError(f"the state that {node} sent cannot be read ({error})") from None
