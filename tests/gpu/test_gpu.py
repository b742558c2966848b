"""What a GPU has to do as the CPU does, ``pytest -m gpu``; and that the run on a GPU works, on a CPU."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.gpu.__main__ import NEEDED, PARTS, main
from tests.gpu.report import Line, Report
from tests.gpu.setting import Setting

ROOT = Path(__file__).parents[2]
EQUALITY = [part for part in PARTS if "figures" not in part and not part.startswith("networks")]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("part", EQUALITY)
def test_a_gpu_does_as_the_cpu_does(part: str, tmp_path: Path) -> None:
    assert main(["--tiny", "--parts", part, "--out", str(tmp_path / "gpu")]) == 0


def lines(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(file.read_text())["lines"]
    return found


def test_equality_is_compared_on_a_cpu_as_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stem = tmp_path / "made" / "gpu"
    assert main(["--device", "cpu", "--tiny", "--parts", "counting.same", "--out", str(stem)]) == 0
    seen = lines(stem.with_suffix(".json"))
    assert {line["part"] for line in seen} == {part for part in PARTS if part.startswith("counting.same")}
    assert all(line["good"] for line in seen)
    printed = capsys.readouterr().out
    assert printed.startswith("missing here: ")
    assert printed.endswith("all as it has to be\n")
    assert stem.with_suffix(".md").read_text().count("the CPU's") == len(seen)


@pytest.mark.slow
def test_all_of_it_runs_on_a_cpu(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.gpu", "--device", "cpu", "--tiny", "--minutes", "60"]
    ran = subprocess.run([*command, "--out", tmp_path / "gpu"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {line["part"] for line in lines(tmp_path / "gpu.json")} == set(PARTS)


def test_a_part_that_fails_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(setting: Setting) -> None:
        raise RuntimeError("no kernel image\nis available")

    monkeypatch.setattr("tests.gpu.counting.same_histograms", broken)
    assert main(["--device", "cpu", "--tiny", "--parts", "counting.same", "--out", str(tmp_path / "gpu")]) == 1
    failed, *others = lines(tmp_path / "gpu.json")
    assert (failed["value"], failed["note"], failed["good"]) == ("RuntimeError", "no kernel image", False)
    assert others
    assert all(line["good"] for line in others)


def test_no_part_begins_when_time_is_over(tmp_path: Path) -> None:
    words = ["--device", "cpu", "--tiny", "--parts", "counting.same_nearest", "--minutes", "0"]
    assert main([*words, "--out", str(tmp_path / "gpu")]) == 0
    assert [line["name"] for line in lines(tmp_path / "gpu.json")] == ["left out"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "gpu")]) == 2
    assert "sees no GPU here; --device cpu --tiny runs without one" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_it_begins_with_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(NEEDED, "no_such_module", "no-such-package")
    main(["--device", "cpu", "--tiny", "--parts", "none", "--out", str(tmp_path / "gpu")])
    assert capsys.readouterr().out.startswith("missing here: no-such-package\nwhere there is a network: pip download")


def test_each_line_is_on_disk_when_it_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(tmp_path / "gpu", {"torch": "2"})
    report.add("part", Line("figure", 1234.5, "ms", note="goal 20 ms"))
    assert [line["value"] for line in lines(tmp_path / "gpu.json")] == [1234.5]
    report.add("part", Line("codes", "others", good=False))
    assert (report.wrong, len(lines(tmp_path / "gpu.json"))) == (1, 2)
    assert (tmp_path / "gpu.md").read_text().splitlines()[-1] == "| part | codes | others |  | no |  |"
    assert "WRONG codes: others" in capsys.readouterr().out
