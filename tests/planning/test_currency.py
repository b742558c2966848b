"""Which records are not what today's code would make, on records of this code with one thing changed."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hashbench import methods
from hashbench.planning.currency import outdated_records
from hashbench.planning.fingerprint import bare_fingerprint, fingerprint
from hashbench.records.results import Results
from hashbench.records.store import Record
from hashbench.records.trial_spec import TrialSpec
from tests.stored_trials import stored

Change = Callable[[Record], object]


@pytest.fixture
def record(stored_plugins: None, stored_results: Path) -> Record:
    """A record of ITQ, made by this code."""
    return copy.deepcopy(stored(stored_results, "itq").record)


def outdated(*records: Record) -> list[str]:
    return [str(reason) for reason in outdated_records(Results(records)).values()]


def changed(part: str, **values: Any) -> Change:
    return lambda record: record[part].update(values)


def parameters(**values: Any) -> Change:
    return lambda record: record["trial"]["parameters"].update(values)


def test_what_this_code_made_is_current_references_as_well(stored_plugins: None, stored_results: Path) -> None:
    records = Results(tuple(stored(stored_results, name).record for name in ("itq", "paints", "borrows")))
    assert {record["status"] for record in records.records} == {"ok"}
    assert outdated_records(records) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (changed("fingerprint", sources={"methods/itq.py": "0" * 16}), "stale: methods/itq.py changed"),
        (changed("fingerprint", versions={}), "stale: the format of records changed"),
        (changed("fingerprint", versions={}, device="unknown"), "stale: the format of records changed"),
        (changed("trial", method="mine"), "gone: no method named 'mine'"),
        (changed("trial", dataset="birds"), "gone: no data set named 'birds'"),
        (changed("trial", features="resnet5"), "gone: no features named 'resnet5'"),
        (parameters(iterations=49), "superseded: the default of iterations is 50, the record has 49"),
        (parameters(foo=1), "superseded: itq has no parameter 'foo'"),
        (changed("trial", parameters={}), "superseded: the default of iterations is 50, the record has none"),
        (changed("trial", preset="swift"), "superseded: itq has no preset 'swift'"),
    ],
)
def test_a_record_of_other_code_has_its_reason(record: Record, change: Change, reason: str) -> None:
    change(record)
    assert outdated(record) == [reason]


def test_what_was_asked_for_is_no_default(record: Record) -> None:
    parameters(iterations=49)(record)
    record["variant"] = {"iterations": 49}
    assert outdated(record) == []
    record["variant"] = {"iterations": "many"}
    assert outdated(record)[0].startswith("superseded: parameter itq.iterations is 'many', wanted int")


def test_codes_from_elsewhere_and_their_references_are_current(record: Record) -> None:
    scored = copy.deepcopy(record)
    scored["trial"] |= {"method": "mine", "parameters": {"codes": "external"}, "dataset": "scored"}
    scored["fingerprint"] = {**bare_fingerprint("c" * 16, "elsewhere"), "scored": {}}
    floor = copy.deepcopy(record)
    floor["trial"] |= {"method": "reference-random", "parameters": {}, "features": "external:CLIP"}
    floor["fingerprint"] = bare_fingerprint("c" * 16, "cpu")
    assert outdated(scored, floor) == []
    floor["fingerprint"]["versions"] = {"trial": -1}
    assert outdated(scored, floor) == ["stale: version of trial went from -1 to 1"]


def test_references_are_stale_as_well(record: Record) -> None:
    record["trial"] |= {"method": "reference-random", "parameters": {}}
    record["fingerprint"]["sources"] = {}
    for part in ("pca", "shallow"):
        record["fingerprint"]["versions"].pop(part, None)
    assert outdated(record) == []
    record["fingerprint"]["versions"]["pixels"] = 0
    assert outdated(record)[0].startswith("stale: version of pixels went from 0 to ")


PRECISE = '''
from hashbench.method import HashMethod, Traits

class Precise(HashMethod):
    """With a parameter that depends on the device, one that depends on the features, one renamed, and a preset."""

    traits = Traits(presets={"quick": {"epochs": 2}})
    renamed = {"old": "width"}

    def __init__(self, bits: int, precision: str = "auto", width: int = 0, epochs: int = 9) -> None:
        super().__init__(bits)

    @classmethod
    def resolve(cls, parameters, features):
        if parameters["width"] < 0:
            raise SystemExit(3)
        return {**parameters, "width": parameters["width"] or len(features)}

    def fit(self, train, run):
        return self

    def encode(self, batch):
        return batch[:, : self.bits] > 0
'''


@pytest.fixture
def precise(record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Record:
    """A record of that method, as it would be made today on a GPU with bfloat16."""
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    (tmp_path / "precise_of_tests.py").write_text(PRECISE)
    values = {"precision": "bfloat16", "width": len("pixels"), "epochs": 9}
    record["trial"] |= {"method": "precise_of_tests", "parameters": values}
    record["fingerprint"] = fingerprint(TrialSpec(**record["trial"]), "c" * 16, torch.device("cuda"))
    return record


@pytest.mark.parametrize(
    ("variant", "values", "reason"),
    [
        ({}, {}, None),
        ({}, {"precision": "unknown"}, None),
        ({"precision": "float32"}, {"precision": "bfloat16"}, "the default of precision is float32, the record has bf"),
        ({}, {"width": 5}, "the default of width is 6, the record has 5"),
        ({"old": 5}, {"width": 5}, None),
        ({"old": -1}, {}, "precise_of_tests: SystemExit: 3"),
        ({}, {"width": 7, "epochs": 8}, "the default of epochs is 9, the record has 8, the default of width is 6, the"),
    ],
)
def test_parameters_are_resolved_for_the_records_features_and_device(
    precise: Record, variant: dict[str, Any], values: dict[str, Any], reason: str | None
) -> None:
    precise["variant"] = variant
    parameters(**values)(precise)
    if reason is None:
        assert outdated(precise) == []
    else:
        assert outdated(precise)[0].startswith(f"superseded: {reason}")


def test_presets_are_resolved_as_they_are_today(precise: Record) -> None:
    precise["trial"]["preset"] = "quick"
    assert outdated(precise) == ["superseded: epochs of the preset quick is 2, the record has 9"]
    parameters(epochs=2)(precise)
    assert outdated(precise) == []


def test_former_names_of_parameters_are_no_difference(precise: Record) -> None:
    precise["trial"]["parameters"]["old"] = precise["trial"]["parameters"].pop("width")
    assert outdated(precise) == []
