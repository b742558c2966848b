"""The command line: one clear line and exit code 2 for bad input, quick help."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hashbench import methods
from tests.cli.conftest import Done
from tests.command import hashbench


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--methods", "iqt", "--bits", "8"), "hashbench: no method named 'iqt'; did you mean 'itq'?"),
        (("--methods", "itq", "--bits", "0"), "hashbench: bits is 0, wanted a whole number"),
        (("--methods", "itq", "--bits", "-3"), "hashbench: bits is -3, wanted a whole number"),
        (("--methods", "itq", "--bits", "ten"), "hashbench: bits has 'ten', wanted whole numbers"),
        (("--methods", "itq", "--bits", "8", "--data", "nowhere"), "hashbench: data folder 'nowhere' (--data) is not"),
        (("--methods", "itq", "--bits", "8", "--set", "itq.iters=3"), "hashbench: no parameter of itq named 'iters'"),
        (("--methods", "itq", "--bits", "8", "--device", "cuda:77"), "hashbench: device 'cuda:77' is not here"),
        (("--methods", "itq", "--bits", "8", "--executor", "cloud"), "hashbench: no executor named 'cloud'"),
        (("--methods", "itq", "--bits", "8", "--timeout", "0"), "hashbench: timeout is 0 s, wanted more than 0"),
        (("--methods", "itq", "--bits", "8", "--timeout", "nan"), "hashbench: timeout is nan s, wanted more than 0"),
        (
            ("--methods", "itq", "--bits", "8", "--limit", "1" + 20 * "0"),
            "hashbench: limit is 100000000000000000000, w",
        ),
        (("--methods", "itq", "--bits", "8", "--seed", "1" + 20 * "0"), "hashbench: seed is 100000000000000000000, wa"),
        (("--methods", "itq", "--bits", "8", "--datasets", "cifar10"), "hashbench: CIFAR-10: the folder"),
        (
            ("--methods", "itq", "--bits", "8", "--datasets", "cifar10", "--executor", "inline", "--timeout", "5"),
            "hashbench: --timeout is 5 s, which --executor inline cannot keep; use local\n",
        ),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(
    call: Callable[..., Done], tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    done = call("run", *words)
    assert done.code == 2
    assert done.err.startswith(line), done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert not (tmp_path / "results").exists()


def test_a_broken_plugin_gets_one_line_when_it_is_asked_for(tmp_path: Path) -> None:
    done = hashbench("run", "--methods", "broken", "--bits", "8", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "broken.py) does not import: ModuleNotFoundError: No module named 'a_module" in done.stderr


def test_results_that_are_a_file_are_refused(call: Callable[..., Done], tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    done = call("run", "--methods", "itq", "--bits", "8", "--results", "taken")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "is a file, wanted a folder" in done.err


def test_a_cache_that_cannot_be_made_is_refused(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taken").touch()
    monkeypatch.setenv("HASHBENCH_CACHE", str(tmp_path / "taken"))
    done = call("run", "--methods", "itq", "--bits", "8")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "cannot be made" in done.err
    assert "HASHBENCH_CACHE" in done.err


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["list", "--help"], ["data", "prepare", "--help"]])
def test_help_imports_no_torch(words: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['hashbench', *sys.argv[1:]]\n"
        "from hashbench.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: print('heavy:', sorted({'torch', 'numpy', 'pandas', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    assert "Usage: hashbench" in done.stdout
    assert "xample" in done.stdout
    assert done.stdout.endswith("heavy: []\n")


def test_dry_run_prints_the_plan_and_writes_nothing(call: Callable[..., Done], tmp_path: Path) -> None:
    done = call("run", "--methods", "itq", "--bits", "8,16", "--dry-run")
    assert "run   itq 8 bits on digits/holdout-200, pixels  (missing)" in done.out
    assert done.out.endswith("5 of 5 trials to run, of which no earlier record tells the time\n")
    rows = json.loads(call("run", "--methods", "itq", "--bits", "8", "--dry-run", "--json").out)
    assert [row["trial"]["method"] for row in rows] == ["reference-float", "reference-random", "itq"]
    assert not (tmp_path / "results").exists()


def test_show_tells_of_a_method_a_data_set_and_a_record(call: Callable[..., Done], tmp_path: Path) -> None:
    shown = call("show", "itq").out
    assert "iterations: int = 50" in shown
    assert "digits/holdout-200" in call("show", "digits").out
    call("run", "--methods", "lsh", "--bits", "8", "--executor", "inline")
    record = json.loads(next((tmp_path / "results/records").glob("*lsh*.json")).read_text())
    assert record["key"] in call("show", record["key"][:6]).out
    unknown = call("show", "ifq")
    assert unknown.code == 2
    assert "did you mean 'itq'" in unknown.err


def test_metrics_and_features_are_listed(call: Callable[..., Done], tmp_path: Path) -> None:
    assert "map@1000/min" in call("list", "metrics").out
    assert "gist" in call("list", "features").out


def test_a_star_means_every_unsupervised_method_and_a_supervised_one_has_to_be_named(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path / "methods")])
    plugin = (Path(__file__).parent.parent / "plugin_root/methods/first_pixels.py").read_text()
    (tmp_path / "methods/with_labels.py").write_text(plugin.replace("Traits(", "Traits(supervised=True, "))

    def planned(names: str) -> set[str]:
        words = ("run", "--methods", names, "--bits", "8", "--dry-run", "--json")
        done = call(*words)
        return {row["trial"]["method"] for row in json.loads(done.out)}

    assert "with_labels" in planned("itq,with_labels")
    assert "with_labels" not in planned("*")
    assert {"itq", "bgan", "lsh"} <= planned("*")


def test_what_a_method_sees_beside_images_is_said_wherever_it_is_named(
    call: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "methods").mkdir()
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path / "methods")])
    plugin = (Path(__file__).parent.parent / "plugin_root/methods/first_pixels.py").read_text()
    (tmp_path / "methods/with_captions.py").write_text(plugin.replace("Traits(", 'Traits(information="captions", '))
    lines = {line.split()[0]: line for line in call("list", "methods").out.splitlines()}
    assert " [sees captions] [" in lines["with_captions"]
    assert "sees" not in lines["lsh"]
    assert "information: captions\n" in call("show", "with_captions").out
    done = call("run", "--methods", "with_captions,lsh", "--bits", "8", "--device", "cpu", "--executor", "inline")
    assert " sees " in done.out
    stored = [json.loads(file.read_text()) for file in Path("results/records").glob("*.json")]
    assert {record["trial"]["method"]: record.get("information") for record in stored} == {
        "with_captions": "captions",
        "lsh": None,
        "reference-random": None,
        "reference-float": None,
    }


def test_data_list_calls_ready_only_what_is_whole(call: Callable[..., Done], tmp_path: Path) -> None:
    absent = call("data", "list").out.splitlines()
    assert absent[0].startswith("cifar10: CIFAR-10: the folder")
    assert absent[1] == "digits: ready"
    folder = tmp_path / "data/cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in ("batches.meta", "test_batch", *(f"data_batch_{number}" for number in range(1, 6))):
        (folder / name).write_bytes(b"cut short")
    assert "is damaged: its md5 is" in call("data", "list").out.splitlines()[0]
