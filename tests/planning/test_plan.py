"""The plan: a grid becomes trials with keys, reasons and reference trials."""

import pkgutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import hashbench.planning.plan
import hashbench.planning.task
import hashbench.plugins.hyperparameters
from hashbench.errors import UsageError
from hashbench.execution.run import plan_grids
from hashbench.execution.settings import Settings
from hashbench.planning.fingerprint import changes, listed
from hashbench.planning.grid import Grid, parse_bits, parse_settings, split_list
from hashbench.planning.plan_entry import PlanEntry
from hashbench.planning.task import tasks
from hashbench.plugins.registry import METHODS
from hashbench.records.new_record import mark_failed, new_record
from hashbench.records.store import Store
from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    provenance = {"git_commit": None, "git_dirty": None, "command": "test"}
    return Settings(tmp_path / "results", tmp_path, tmp_path / "cache", provenance=provenance)


def plan(settings: Settings, **changes: Any) -> list[PlanEntry]:
    return union(settings, changes)


def union(settings: Settings, *grids: dict[str, Any]) -> list[PlanEntry]:
    default: dict[str, Any] = {"methods": ("itq", "pcah"), "bits": (16, 32)}
    return plan_grids([Grid(**{**default, **changes}) for changes in grids], settings).entries


def names(planned: list[PlanEntry]) -> list[tuple[str, int | None, int]]:
    return [(p.planned.trial.method, p.planned.trial.bits, p.planned.trial.repetition) for p in planned]


def leave_record(entry: PlanEntry, settings: Settings, status: str = "ok") -> None:
    store = Store(settings.results)
    store.prepare()
    record = new_record(entry.planned, settings.device, settings.provenance)
    record["status"] = status
    if status != "ok":
        mark_failed(record, status, "fit", "why not", [])
    store.write_record(entry.planned, record)


def test_the_plan_adds_floor_and_ceiling_by_itself(settings: Settings) -> None:
    assert names(plan(settings)) == [
        (FLOAT_FEATURES, None, 0),
        (RANDOM_CODES, 16, 0),
        (RANDOM_CODES, 32, 0),
        ("itq", 16, 0),
        ("itq", 32, 0),
        ("pcah", 32, 0),  # the longest of nested codes first
        ("pcah", 16, 0),
    ]


def test_of_nested_codes_the_longest_is_trained_and_the_others_take_its_first_bits(settings: Settings) -> None:
    entries = plan(settings, methods=("itq", "lsh", "pcah"), bits=(16, 48, 32), repeats=2)
    planned = [each.planned for each in entries if each.planned.trial.method in ("itq", "lsh", "pcah")]
    longest = [(p.trial.method, p.trial.bits, p.trial.repetition, p.longest) for p in planned]
    assert longest == [
        *(("itq", bits, repetition, None) for bits in (16, 48, 32) for repetition in (0, 1)),
        *(("lsh", bits, repetition, 48 if bits < 48 else None) for bits in (48, 16, 32) for repetition in (0, 1)),
        *(("pcah", bits, 0, 48 if bits < 48 else None) for bits in (48, 16, 32)),
    ]
    seeds = {name: {p.own_seed for p in planned if p.trial.method == name} for name in ("itq", "lsh")}
    assert [len(each) for each in seeds.values()] == [6, 2]


def test_a_deterministic_method_is_planned_once_however_many_repetitions(settings: Settings) -> None:
    planned_names = names(plan(settings, bits=(16,), repeats=3))
    assert [name for name, _, _ in planned_names].count("itq") == 3
    assert [name for name, _, _ in planned_names].count("pcah") == 1
    assert [name for name, _, _ in planned_names].count(FLOAT_FEATURES) == 1


def test_every_trial_has_a_key_of_its_own_that_does_not_depend_on_the_grid(settings: Settings) -> None:
    whole = {str(p.planned.trial): p.planned.key for p in plan(settings, repeats=2)}
    part = {str(p.planned.trial): p.planned.key for p in plan(settings, methods=("itq",), bits=(32,))}
    assert len(set(whole.values())) == len(whole)
    assert part.items() <= whole.items()


def test_what_several_grids_ask_for_is_planned_once(settings: Settings) -> None:
    fewer = {"parameters": {"itq": {"iterations": 7}}}
    entries = union(settings, {"methods": ("itq",), "bits": (16,)}, {"methods": ("itq",), **fewer}, {})
    assert names(entries) == [
        (FLOAT_FEATURES, None, 0),
        (RANDOM_CODES, 16, 0),
        ("itq", 16, 0),
        (RANDOM_CODES, 32, 0),
        ("itq", 16, 0),
        ("itq", 32, 0),
        ("itq", 32, 0),
        ("pcah", 32, 0),  # the longest of nested codes first
        ("pcah", 16, 0),
    ]
    assert [dict(p.planned.changed_parameters) for p in entries[4:7]] == [{"iterations": 7}, {"iterations": 7}, {}]
    assert {p.planned.key for p in entries} == {p.planned.key for grid in ({}, fewer) for p in plan(settings, **grid)}


def test_a_data_set_that_several_grids_stand_on_is_read_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Grid] = []

    def counted(request: Grid, *others: Any) -> Any:
        read.append(request)
        return tasks(request, *others)

    monkeypatch.setattr(hashbench.planning.plan, "tasks", counted)
    union(settings, {"bits": (16,)}, {"repeats": 2}, {"methods": ("lsh",)}, {"limit": 500}, {"features": "pixels@16"})
    assert [(request.limit, request.features) for request in read] == [(None, None), (500, None), (None, "pixels@16")]


def test_a_preset_has_to_be_one_of_some_grid_that_asks_for_it(settings: Settings) -> None:
    shallow, deep = {"methods": ("itq",), "preset": "quick"}, {"methods": ("bgan",), "preset": "quick"}
    presets = {p.planned.trial.method: p.planned.trial.preset for p in union(settings, shallow, deep)}
    assert (presets["itq"], presets["bgan"]) == (None, "quick")
    with pytest.raises(UsageError, match="no preset of these methods named 'quick'"):
        union(settings, shallow, {**deep, "preset": None})


@pytest.mark.parametrize(
    ("asked", "label"),
    [
        ({"batch": 100, "hidden": 0}, {}),
        ({"batch": 50}, {"batch": 50}),
        ({"variant": "released"}, {"variant": "released"}),
        ({"variant": "released", "batch": 40, "head_warmup_epochs": 0}, {"variant": "released"}),
        ({"variant": "released", "batch": 100}, {"variant": "released", "batch": 100}),
    ],
)
def test_a_label_has_what_changes_the_trial_whoever_asked_first(
    settings: Settings, asked: dict[str, Any], label: dict[str, Any]
) -> None:
    entries = plan(settings, methods=("bgan",), bits=(16,), parameters={"bgan": asked})
    assert dict(entries[-1].planned.changed_parameters) == label


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"limit": 500}, {"features": "pixels@16"}, {"parameters": {"itq": {"iterations": "7"}}}],
)
def test_what_is_asked_for_changes_the_key(settings: Settings, change: dict[str, Any]) -> None:
    before = {p.planned.key for p in plan(settings, methods=("itq",)) if p.planned.trial.method == "itq"}
    after = {p.planned.key for p in plan(settings, methods=("itq",), **change) if p.planned.trial.method == "itq"}
    assert not before & after


def test_records_decide_what_is_missing(settings: Settings) -> None:
    first = plan(settings)
    leave_record(first[3], settings)
    leave_record(first[4], settings, "timeout")
    again = plan(settings)
    assert [(p.state, p.run) for p in again[3:6]] == [("done", False), ("failed", False), ("missing", True)]
    assert again[4].reason == "timeout before: why not; --rerun failed makes it again"
    assert [p.run for p in plan(settings, rerun="failed")[3:6]] == [False, True, True]
    assert all(p.run for p in plan(settings, rerun="all"))


def test_a_changed_source_makes_a_record_stale_and_says_which(settings: Settings) -> None:
    planned = plan(settings)[3].planned
    old = {**planned.fingerprint, "sources": {**planned.fingerprint["sources"], "methods/itq.py": "0" * 16}}
    stale = replace(planned, fingerprint=old)
    leave_record(PlanEntry(stale, "missing", True, ""), settings)
    entry = plan(settings)[3]
    assert (entry.state, entry.run, entry.stale_key) == ("stale", False, stale.key)
    assert entry.reason == "stale: methods/itq.py changed; --rerun stale makes it again"
    assert plan(settings, rerun="stale")[3].run


def test_a_message_names_a_few_of_many_files() -> None:
    assert listed(["methods/itq.py changed", "the data changed"]) == "methods/itq.py changed, the data changed"
    assert listed(list("abcdef")) == "a, b, c, d and 2 more"


def test_a_fingerprint_has_what_makes_codes_and_nothing_else(tmp_path: Path) -> None:
    planned = plan(Settings(tmp_path, tmp_path, tmp_path), methods=("itq", "bgan"), bits=(8,))
    reference, _, shallow, deep = (p.planned.fingerprint for p in planned)
    assert (list(shallow["sources"]), list(deep["sources"])) == (["methods/itq.py"], ["methods/bgan.py"])
    assert reference["sources"] == reference["distributions"] == shallow["distributions"] == {}
    assert set(reference["versions"]) == {"trial", "images", "pixels"}
    assert set(shallow["versions"]) == {"trial", "images", "pixels", "pca", "shallow"}
    assert set(deep["versions"]) == {"trial", "images", "pixels", "nets"}
    assert reference["device"] == "cpu"


def test_what_changed_is_named() -> None:
    old = {"card": "a", "device": "cpu", "versions": {"trial": 1}, "sources": {"m.py": "1"}, "distributions": {}}
    new = {"card": "b", "device": "cuda", "versions": {"trial": 2}, "sources": {}, "distributions": {"x": "1.0"}}
    assert changes(old, new) == [
        "m.py changed",
        "x went from none to 1.0",
        "version of trial went from 1 to 2",
        "the data changed",
    ]
    assert changes(old, {**old, "device": "cuda"}) == []
    assert changes({**old, "versions": {}}, new) == ["the format of records changed"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"methods": ("iqt",)}, "no method named 'iqt'; did you mean 'itq'"),
        ({"datasets": ("digits/other",)}, "no protocol digits/other .there are: digits/holdout-200"),
        ({"bits": (0,)}, "bits is 0, wanted a whole number from 1 to 4096"),
        ({"bits": (-3,)}, "bits is -3, wanted a whole number from 1 to 4096"),
        ({"bits": (8, 8)}, "bits have 8 2 times, wanted each code length once"),
        ({"repeats": 0}, "repeats is 0, wanted a whole number from 1 to 1000000000"),
        ({"limit": 0}, "limit is 0, wanted a whole number from 1 to 1000000000"),
        ({"limit": 9999}, "limit is 9999, but digits/holdout-200 has 1597 training items"),
        ({"rerun": "some"}, "rerun is 'some', wanted one of missing, failed, stale, all"),
        ({"features": "gits"}, "'gits'; did you mean 'gist'"),
        (
            {"parameters": {"itq": {"iteration": "7"}}},
            "no parameter of itq named 'iteration'; did you mean 'iterations'",
        ),
        ({"parameters": {"lsh": {"x": "7"}}}, "--set names 'lsh', which is not among the methods of this run"),
        ({"preset": "fast"}, "no preset of these methods named 'fast'"),
    ],
)
def test_a_grid_that_cannot_be_carried_out_is_refused_in_one_line(
    settings: Settings, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message) as refused:
        plan(settings, **change)
    assert "\n" not in str(refused.value)
    assert not settings.results.exists()


def test_full_is_the_dimension_of_the_features_and_planned_as_the_number(settings: Settings) -> None:
    planned = plan(settings, methods=("sign", "rotated_sign"), bits=("full", 16, 64))
    assert names(planned) == [
        (FLOAT_FEATURES, None, 0),
        *((name, bits, 0) for name in (RANDOM_CODES, "sign", "rotated_sign") for bits in (64, 16)),
    ]
    assert [p.planned.key for p in planned] == [
        p.planned.key for p in plan(settings, methods=("sign", "rotated_sign"), bits=(64, 16))
    ]


def test_full_codes_longer_than_a_code_can_be_are_named_before_anything_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashbench.planning.task, "MAX_BITS", 63)
    with pytest.raises(UsageError, match=r"^bits are full: features pixels have 64 dimensions, .* at most 63 bits; .*"):
        plan(settings, bits=("full",))
    with pytest.raises(UsageError, match="bits have full 2 times"):
        Grid(methods=("itq",), bits=("full", "full"))


def test_lists_and_settings_are_parsed() -> None:
    assert parse_bits("16, 32,16") == (16, 32)
    assert parse_bits("16,full,full") == (16, "full")
    assert parse_settings(["itq.iterations=3", "bgan.epochs=4"]) == {
        "itq": {"iterations": "3"},
        "bgan": {"epochs": "4"},
    }
    with pytest.raises(UsageError, match="bits has '3x', wanted whole numbers"):
        parse_bits("3x")
    with pytest.raises(UsageError, match=r"--set has 'iterations=3', wanted METHOD\.PARAMETER=VALUE"):
        parse_settings(["iterations=3"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('"folder:a,b/set.toml",digits', ("folder:a,b/set.toml", "digits")),
        ('folder:"a,b/set.toml"', ("folder:a,b/set.toml",)),
        (r"a\,b, c", ("a,b", "c")),
        (r"5\"x,C:\new", ('5"x', r"C:\new")),
    ],
)
def test_a_comma_in_quotes_or_behind_a_backslash_belongs_to_a_name(text: str, parts: tuple[str, ...]) -> None:
    assert split_list(text) == parts


def test_a_quotation_mark_that_is_not_closed_is_refused() -> None:
    with pytest.raises(UsageError, match=r"""the list '"a,b' has a quotation mark that is not closed"""):
        split_list('"a,b')


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ({"iterations": "10,50"}, [{"iterations": 10}, {}]),
        ({"iterations": "10, 20,10"}, [{"iterations": 10}, {"iterations": 20}]),
        ({"iterations": [10, "20"]}, [{"iterations": 10}, {"iterations": 20}]),
        ({"iterations": "7"}, [{"iterations": 7}]),
    ],
)
def test_several_values_of_a_parameter_are_a_trial_each(
    settings: Settings, given: dict[str, Any], labels: list[dict[str, Any]]
) -> None:
    entries = plan(settings, methods=("itq",), bits=(16,), parameters={"itq": given})[2:]
    assert [dict(entry.planned.changed_parameters) for entry in entries] == labels
    assert (
        len({entry.planned.key for entry in entries}) == len({str(entry.planned) for entry in entries}) == len(labels)
    )


def test_several_values_of_several_parameters_are_combined(settings: Settings) -> None:
    asked = {"bgan": {"epochs": "1,2", "betas": "[1.0],[1.0,2.0]", "activation": "tanh,approx"}}
    asked["bgan"]["activation"] = "tanh"
    entries = plan(settings, methods=("bgan",), bits=(16,), parameters=asked)[2:]
    found = [(e.planned.trial.parameters["epochs"], e.planned.trial.parameters["betas"]) for e in entries]
    assert found == [(1, (1.0,)), (1, (1.0, 2.0)), (2, (1.0,)), (2, (1.0, 2.0))]


def test_commas_in_a_value_that_takes_them_are_no_sweep(settings: Settings) -> None:
    (entry,) = plan(settings, methods=("bgan",), bits=(16,), parameters={"bgan": {"betas": "1.0,2.0"}})[2:]
    assert entry.planned.trial.parameters["betas"] == (1.0, 2.0)


def test_a_wrong_value_of_a_sweep_is_named(settings: Settings) -> None:
    with pytest.raises(UsageError, match=r"parameter itq\.iterations is 'x', wanted int"):
        plan(settings, methods=("itq",), parameters={"itq": {"iterations": "10,x"}})


def test_a_plan_looks_for_plugins_as_often_for_many_trials_as_for_few(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Any] = []
    found = pkgutil.iter_modules

    def counted(*given: Any) -> Any:
        looks.append(given)
        return found(*given)

    monkeypatch.setattr(pkgutil, "iter_modules", counted)
    counts = []
    for repeats in (2, 30):
        for entry in plan(settings, repeats=2):
            leave_record(entry, settings)
        looks.clear()
        plan(settings, repeats=repeats)
        counts.append(len(looks))
    assert counts[0] == counts[1] < 40


def test_precision_is_resolved_when_the_plan_is_made(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that trainings in two precisions have two identities."""
    made = {}
    for dtype in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(hashbench.plugins.hyperparameters, "training_dtype", lambda _, dtype=dtype: dtype)
        (made[dtype],) = plan(settings, methods=("bgan",), bits=(16,))[2:]
    first, second = (entry.planned for entry in made.values())
    assert [each.trial.parameters["precision"] for each in (first, second)] == ["float32", "bfloat16"]
    assert first.key != second.key
    assert first.changed_parameters == second.changed_parameters == {}


def test_a_precision_that_would_have_been_taken_anyway_is_the_same_trial(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashbench.plugins.hyperparameters, "training_dtype", lambda _: torch.bfloat16)
    auto, same, other = (
        plan(settings, methods=("bgan",), bits=(16,), parameters={"bgan": {"precision": precision}})[2].planned
        for precision in ("auto", "bfloat16", "float32")
    )
    assert (auto.key, auto.changed_parameters) == (same.key, same.changed_parameters)
    assert other.changed_parameters == {"precision": "float32"}
    assert other.key != auto.key


def test_the_kind_of_device_is_in_the_key_and_a_record_of_another_kind_is_not_stale(settings: Settings) -> None:
    planned = plan(settings)[3].planned
    on_gpu = replace(planned, fingerprint={**planned.fingerprint, "device": "cuda"})
    assert on_gpu.key != planned.key
    leave_record(PlanEntry(on_gpu, "missing", True, ""), settings)
    entry = plan(settings)[3]
    assert (entry.state, entry.run, entry.stale_key) == ("missing", True, None)
    assert entry.reason == "missing; the record there is of cuda"


def test_a_record_under_former_names_of_parameters_is_stale_and_not_another_trial(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = plan(settings)[3].planned
    parameters = {"rounds": planned.trial.parameters["iterations"]}
    old = replace(planned, trial=replace(planned.trial, parameters=parameters))
    leave_record(PlanEntry(old, "missing", True, ""), settings)
    monkeypatch.setattr(METHODS.get("itq"), "renamed", {"rounds": "iterations"})
    assert plan(settings)[3].stale_key == old.key


@pytest.mark.parametrize(
    ("changes", "trials"),
    [
        ({"repeats": 1_000_000_000}, "6,000,000,001"),
        ({"methods": ("*",), "bits": tuple(range(1, 4001)), "repeats": 50}, "trials"),
        (
            {"methods": ("itq",), "parameters": {"itq": {"iterations": ",".join(map(str, range(1, 100_002)))}}},
            "100,001",
        ),
        (
            {"methods": ("lsh",), "repeats": 60_000, "bits": (16,)},
            "120,001",
        ),
    ],
)
def test_more_trials_than_a_run_may_have_are_refused_before_anything_is_read(
    settings: Settings, changes: dict[str, Any], trials: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashbench.planning.plan, "tasks", None)
    with pytest.raises(UsageError, match=rf"{trials}.*wanted at most 100,000 in a run; ask for fewer [^\n]*$"):
        plan(settings, **{"methods": ("itq", "lsh"), **changes})


def test_combinations_of_values_are_counted_before_they_are_made(settings: Settings) -> None:
    many = ",".join(map(str, range(1, 1001)))
    with pytest.raises(UsageError, match=r"sweep of tanh_autoencoder \(epochs, batch\) means 1,000,000 trials"):
        plan(
            settings,
            methods=("tanh_autoencoder",),
            parameters={"tanh_autoencoder": {"epochs": many, "batch": many}},
        )


def test_a_code_length_that_is_there_many_times_is_named_once() -> None:
    with pytest.raises(UsageError, match="bits have 32 1000 times, wanted each code length once"):
        Grid(("itq",), bits=(16,) + (32,) * 1000)


def test_a_plan_lists_no_folder_of_plugins_twice(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    modules = pkgutil.iter_modules

    def watched(folders: list[str]) -> Any:
        listed.extend(folders)
        return modules(folders)

    monkeypatch.setattr("hashbench.plugins.registry.SECONDS_TO_SETTLE", -1.0)
    monkeypatch.setattr("hashbench.plugins.registry._listed", {})
    monkeypatch.setattr("hashbench.plugins.registry.pkgutil.iter_modules", watched)
    assert len(plan(settings, methods=("*",), bits=(8, 16, 24), repeats=3)) > 129
    assert len(listed) == len(set(listed))
