"""Suites: what their files mean, what is refused, and that every shipped one can be planned."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from hashbench.data.spec import expand, plugin_name
from hashbench.errors import UsageError
from hashbench.features.deep import Deep
from hashbench.features.lite_nets import LITE_NETS
from hashbench.features.spec import extractor_class
from hashbench.planning.grid import Grid
from hashbench.planning.suite import GridTable, open_grids, open_suite, suite_names
from hashbench.plugins import hyperparameters
from hashbench.plugins.registry import METHODS

GOOD = """
title = "Rotations"

[grid]
bits = [8, 16]
repeats = 2
parameters.itq = {iterations = 5}

[[runs]]
methods = ["itq", "lsh"]

[[runs]]
methods = ["itq"]
bits = [32]
repeats = 1
parameters.itq = {iterations = 7}

[[runs]]
methods = ["p*"]
"""


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A file, ``s.toml``, to write a suite to."""
    return tmp_path / "s.toml"


def test_a_run_overrides_its_grid_and_parameters_go_to_the_methods_they_name(written: Path) -> None:
    written.write_text(GOOD)
    suite = open_suite(written)
    assert (suite.name, suite.title, suite.why) == ("s", "Rotations", "")
    assert suite.runs == (
        Grid(("itq", "lsh"), (8, 16), repeats=2, parameters={"itq": {"iterations": 5}}),
        Grid(("itq",), (32,), parameters={"itq": {"iterations": 7}}),
        Grid(("p*",), (8, 16), repeats=2),
    )


def test_a_run_adds_to_the_parameters_of_its_grid(written: Path) -> None:
    written.write_text(
        'title = "t"\n[grid]\nmethods = ["m"]\nbits = [8]\nparameters.m = {a = 1, b = 2}\n'
        "[[runs]]\nparameters.m = {b = 3, c = 4}"
    )
    assert open_suite(written).runs[0].parameters == {"m": {"a": 1, "b": 3, "c": 4}}


def test_without_runs_the_grid_is_the_one_run(written: Path) -> None:
    written.write_text('title = "t"\nwhy = "because"\n[grid]\nmethods = ["itq"]\nbits = [8]\nfeatures = "pixels"')
    suite = open_suite(written)
    assert (suite.why, suite.runs) == ("because", (Grid(("itq",), (8,), features="pixels"),))


def test_options_change_every_run(written: Path) -> None:
    written.write_text(GOOD)
    changes = {"bits": (4,), "limit": 100, "parameters": {"itq": {"iterations": "9"}, "pcah": {"x": "1"}}}
    assert open_grids(str(written), changes) == [
        Grid(("itq", "lsh"), (4,), repeats=2, limit=100, parameters={"itq": {"iterations": "9"}}),
        Grid(("itq",), (4,), limit=100, parameters={"itq": {"iterations": "9"}}),
        Grid(("p*",), (4,), repeats=2, limit=100, parameters={"pcah": {"x": "1"}}),
    ]
    assert open_grids(None, {"methods": ("itq",), "bits": (4,)}) == [Grid(("itq",), (4,))]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"methods": ("itq", "lsh")},
            "methods itq, lsh are named beside the suite '.*', which names its own; leave out",
        ),
        (
            {"parameters": {"bgan": {}}},
            r"suite s: parameters asked for beside it name 'bgan', which is not among the methods \(itq, lsh, p\*\)",
        ),
        ({"repeats": 0}, "repeats is 0, wanted a whole number from 1 to 1000000000"),
    ],
)
def test_what_a_suite_cannot_be_changed_to_is_refused(written: Path, changes: dict[str, Any], message: str) -> None:
    written.write_text(GOOD)
    with pytest.raises(UsageError, match=message):
        open_grids(str(written), changes)


TITLE, GRID = 'title = "t"\n', '[grid]\nmethods = ["itq"]\nbits = [8]\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title", r" is not a TOML file \(.+\); name a TOML file, or one of bgan-ablation, "),
        (GRID, " lacks title, wanted a text in quotes that says what it shows"),
        ("title = 7", ": title is 7, wanted a text in quotes"),
        (TITLE + "run = []", r": no key named 'run'; did you mean 'runs'\?"),
        (TITLE + "runs = []", r": runs is \[\], wanted tables, each headed \[\[runs\]\]"),
        (TITLE + "grid = 7", r": grid is 7, wanted a table, \[grid\]"),
        (
            TITLE + "[grid]\nbits = [8]",
            r': runs\[0\] lacks methods, wanted a list of names, as in \["NAME"\], there or in',
        ),
        (TITLE + '[grid]\nmethods = ["itq"]', r": runs\[0\] lacks bits, wanted a list of code lengths"),
        (TITLE + "[grid]\nmethods = []", r": grid.methods is \[\], wanted a list of names"),
        (TITLE + '[grid]\nmethods = "itq"', r": grid.methods is 'itq', wanted a list of names"),
        (TITLE + GRID + "[[runs]]\n[[runs]]\nbits = 32", r": runs\[1\].bits is 32, wanted a list of code lengths"),
        (TITLE + GRID + "[[runs]]\nbits = [true]", r": runs\[0\].bits\[0\] is True, wanted a whole number or 'full'$"),
        (TITLE + GRID + "[[runs]]\nbits = [0]", r": runs\[0\]: bits is 0, wanted a whole number from 1 to 4096"),
        (TITLE + GRID + "repeats = 0", r": runs\[0\]: repeats is 0, wanted a whole number from 1 to 1000000000"),
        (TITLE + GRID + "repeats = 1.5", r": grid.repeats is 1.5, wanted a whole number"),
        (TITLE + GRID + "device = 'cpu'", r": grid: no key named 'device'"),
        (TITLE + GRID + "rerun = 'all'", r": grid: no key named 'rerun'"),
        (TITLE + GRID + "parameters.itq = 7", r": grid.parameters.itq is 7, wanted a table for each method, as in"),
        (
            TITLE + GRID + "parameters.lsh = {a = 1}",
            r": grid.parameters name 'lsh', which is not among .*\(itq\)",
        ),
        (
            TITLE + GRID + '[[runs]]\nmethods = ["lsh"]\n[[runs]]\nparameters.lsh = {a = 1}',
            r": runs\[1\].parameters name 'lsh', which is not among the methods \(itq\)",
        ),
    ],
)
def test_a_bad_suite_gets_one_line_with_its_file_and_what_was_wanted(written: Path, text: str, complaint: str) -> None:
    written.write_text(text)
    with pytest.raises(UsageError, match=complaint) as refused:
        open_suite(written)
    assert str(refused.value).startswith(f"suite {written}")
    assert "\n" not in str(refused.value)


def test_a_suite_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no suite named 'bgan-ablatoin'; did you mean 'bgan-ablation'\?"):
        open_suite("bgan-ablatoin")
    with pytest.raises(UsageError, match=r"no\.toml cannot be read \(No such file.*or one of bgan-ablation, "):
        open_suite(tmp_path / "no.toml")


def test_a_suite_gives_every_field_of_a_grid_but_rerun() -> None:
    assert set(GridTable.__struct_fields__) == {field.name for field in fields(Grid)} - {"rerun"}


def test_a_parameter_that_a_method_does_not_take_is_named_with_its_file_and_run(written: Path) -> None:
    written.write_text(TITLE + GRID + "[[runs]]\n[[runs]]\nparameters.itq = {iterations = 1.5}")
    with pytest.raises(UsageError, match=r"s\.toml: runs\[1\]: parameter itq\.iterations is 1\.5, wanted int"):
        open_suite(written).grids({})


@pytest.mark.parametrize("name", suite_names())
def test_a_shipped_suite_names_what_there_is(name: str) -> None:
    for run in open_suite(name).runs:
        assert run.features
        assert extractor_class(run.features)
        assert [spec for pattern in run.datasets for spec in expand(pattern)] == list(run.datasets)
        for method_name in run.methods:
            method = METHODS.get(method_name)
            values = hyperparameters.resolve(method_name, method, run.parameters.get(method_name, {}))
            for bits in run.bits:
                method(64 if bits == "full" else bits, **method.resolve(values, run.features))  # checks ranges


@pytest.mark.parametrize("name", suite_names())
def test_no_two_runs_of_a_shipped_suite_are_the_same_trial(name: str) -> None:
    trials = [
        (
            method,
            run.datasets,
            run.features,
            bits,
            repr(METHODS.get(method).resolve(_values(run, method), run.features or "")),
        )
        for run in open_suite(name).grids({})
        for method in run.methods
        for bits in run.bits
    ]
    assert len(set(trials)) == len(trials)


def _values(run: Grid, method: str) -> dict[str, Any]:
    return hyperparameters.resolve(method, METHODS.get(method), run.parameters.get(method, {}))


def changes(name: str) -> list[dict[str, Any]]:
    """What a shipped suite's runs of bgan change of it, in their order.

    Left out are the precision, which all suites fix, and the S of those on squeezenet1_1, which is the paper's.
    """
    made = [dict(run.parameters["bgan"]) for run in open_suite(name).runs if "bgan" in run.methods]
    assert {parameters.pop("precision") for parameters in made} == {"bfloat16"}
    return [{name: value for name, value in one.items() if (name, value) != ("similarity", "shared")} for one in made]


def test_the_ablation_takes_out_every_part_of_the_objective() -> None:
    assert changes("bgan-ablation") == [
        {},
        {"pixel": 0.0, "perceptual": 0.0},
        {"adversarial": 0.0},
        {"pixel": 0.0, "perceptual": 0.0, "adversarial": 0.0},
        {"neighbourhood": 0.0},
        {"head_warmup_epochs": 0},
        {"activation": "tanh", "betas": [1.0]},
        {"similarity": "nearest"},
        {"variant": "released"},
    ]


def test_the_objective_is_changed_in_both_ways_alone_and_together() -> None:
    runs = open_suite("bgan-objective").runs
    assert {run.bits for run in runs} == {(12, 48)}
    factors = [
        {},
        {"betas": [1.0]},
        {"divide_by_bits": False},
        {"divide_by_bits": False, "betas": [1.0]},
        {"variant": "released"},
    ]
    assert changes("bgan-objective")[:5] == factors


def test_the_papers_suite_has_its_networks_code_lengths_and_three_seeds() -> None:
    runs = open_suite("bgan-paper").runs
    assert {(run.bits, run.repeats, run.datasets) for run in runs} == {((12, 24, 32, 48), 3, ("cifar10/bgan",))}
    assert [(run.methods, run.features) for run in runs] == [(("itq", "bgan"), "resnet50"), (("itq",), "vgg19")]
    (asked,) = changes("bgan-paper")
    assert (asked["encoder"], asked["reconstruction_size"]) == ("vgg19", 64)


@pytest.mark.parametrize(("name", "metric"), [("embeddings", "l2"), ("photo-embeddings", "cosine")])
def test_the_suites_of_embeddings_are_judged_by_neighbours_and_rotate_with_three_seeds(name: str, metric: str) -> None:
    runs = open_suite(name).runs
    assert {(run.relevance, run.metric) for run in runs} == {("neighbours", metric)}
    (rotated,) = [run for run in runs if "rotated_sign" in run.methods]
    assert (rotated.bits, rotated.repeats) == (("full",), 3)
    assert {"zero", "mean"} <= {run.parameters["sign"]["threshold"] for run in runs if "sign" in run.methods}


@pytest.mark.parametrize("name", suite_names())
def test_a_shipped_suite_says_what_comes_first_and_how_long_it_takes(name: str) -> None:
    suite = open_suite(name)
    datasets = {plugin_name(spec) for run in suite.runs for spec in run.datasets} - {"digits"}
    assert all(f"hashbench data prepare {dataset}" in suite.needs for dataset in datasets)
    deep = [run.features for run in suite.runs if run.features and extractor_class(run.features) is Deep]
    nets = {features.partition("@")[0] for features in deep}
    assert ("downloads" in suite.needs or "--weights" in suite.needs) is bool(nets - LITE_NETS.keys())
    assert ("hashbench[photo]" in suite.needs) is bool(nets & LITE_NETS.keys())
    assert suite.time
    assert suite.requirements().endswith(f"time: {suite.time}")
