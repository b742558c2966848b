"""``hb.advise`` and ``hashbench advise`` on generated vectors."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hashbench as hb
from hashbench.advice import answer, sample, study
from hashbench.advice.budget import Budget
from hashbench.advice.candidates import Candidate, candidates
from hashbench.advice.request import TARGET, Request
from hashbench.advice.result import Advice, Interval
from hashbench.advice.sample import Draw, open_collection
from hashbench.advice.text import lines, verdict
from hashbench.advice.trial import Fitted, fit
from hashbench.cli.main import main
from hashbench.data.spec import expand, open_dataset, set_options
from hashbench.errors import Incompatible, UsageError
from hashbench.execution import training_data
from hashbench.execution.training_data import TrainingData
from hashbench.method import RunContext
from hashbench.plugins.registry import METHODS
from hashbench.records.trial_spec import TrialSpec
from hashbench.util.progress import no_log
from tests.advice.conftest import clustered

Call = Callable[..., tuple[object, str, str]]
TIMED = {"fit_seconds", "encoded_per_second", "latency", "float_latency", "seconds", "source", "command"}


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, vectors: Path) -> Call:
    """``call("vectors.npy", "--budget", "30s")``: exit code, standard output and error."""

    def run(*words: str, verb: str = "advise") -> tuple[object, str, str]:
        monkeypatch.setattr("sys.argv", ["hashbench", verb, *words])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    return run


def untimed(value: object) -> object:
    """What is the same each time and for each name of the file."""
    if isinstance(value, dict):
        return {name: untimed(each) for name, each in value.items() if name not in TIMED}
    return [untimed(each) for each in value] if isinstance(value, (list, tuple)) else value


def test_answer_is_the_same_for_a_file_and_an_array_and_each_time(vectors: Path) -> None:
    advice = hb.advise(vectors, budget=60)
    assert advice.reached
    assert (advice.vectors, advice.database, advice.sample, advice.smaller_sample) == (1200, 1080, 1080, 540)
    assert (advice.choosing, advice.confirming) == (60, 60)
    assert advice.best.confirmed is not None
    assert advice.best.confirmed.low >= 0.95
    assert advice.best.m_all is None
    again = hb.advise(np.load(vectors), budget="1m")
    assert untimed(asdict(again)) == untimed(asdict(advice))


def test_command_makes_the_very_code(vectors: Path, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trial of the command has the seed, the training vectors and the parameters of the candidate."""
    monkeypatch.setattr(sample, "MAX_TRAINED", 500)
    monkeypatch.setattr(answer, "MAX_TRAINED", 500)
    fitted: list[Fitted] = []

    def fit_and_keep(*given: Any) -> Fitted:
        fitted.append(fit(*given))
        return fitted[-1]

    monkeypatch.setattr(study, "fit", fit_and_keep)
    tried = [each for each in candidates(32) if each.name in ("rotated_sign", "sign threshold=median")]
    monkeypatch.setattr(study, "candidates", lambda _: tried)
    advice = hb.advise(vectors, budget=60, metric="cosine", queries=100, seed=3, target="neighbours/recall@1=0.5")
    for code in advice.codes[::2]:
        words = shlex.split(code.command)
        assert words[:2] == ["hashbench", "run"]
        done = call(*words[2:], "--dry-run", "--json", verb="run")
        trial = next(row["trial"] for row in json.loads(done[1]) if row["trial"]["method"] == code.method)
        seed = TrialSpec(**trial).own_seed
        method = METHODS.get(code.method)(trial["bits"], **trial["parameters"])
        (spec,) = set_options(expand(f"embeddings:{vectors}"), {"metric": "cosine", "queries": "100"})
        dataset = open_dataset(spec, Path())
        rows = dataset.vectors()
        assert rows is not None
        inputs = TrainingData(dataset, rows, dataset.labels())
        run = RunContext(torch.device("cpu"), training_data.own_generator(seed))
        train = inputs.training_set(method, dataset.split().train[: trial["limit"]], run)
        learnt = training_data.fit(method, train, run, seed).state()
        own = next(each.method.state() for each in fitted if each.candidate.method == code.method)
        assert {name: torch.equal(own[name], values) for name, values in learnt.items()} == dict.fromkeys(learnt, True)


def test_what_is_measured_is_what_the_trial_of_the_command_records(
    vectors: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbench.reporting.write.write_reports", lambda *_: [])
    made: list[study.Study] = []

    def study_and_keep(*given: Any) -> study.Study:
        made.append(study.study(*given))
        return made[-1]

    monkeypatch.setattr("hashbench.advice.advise.study", study_and_keep)
    tried = [Candidate("rabitq", 32), Candidate("rotated_sign", 32), Candidate("lsh", 16)]
    monkeypatch.setattr(study, "candidates", lambda _: tried)
    advice = hb.advise(vectors, budget=60, queries=100)
    measured = {
        (entry.fitted.candidate.method, ranking): shares.mean(0)
        for entry, measurement in made[0].measured()
        for ranking, shares in measurement.shares.items()
    }
    assert [(code.method, code.ranking) for code in advice.codes] == list(measured)
    for code in advice.codes:
        done = call(*shlex.split(code.command)[2:], "--executor", "inline", "--no-rates", "--json", verb="run")
        (record,) = (each for each in json.loads(done[1]) if each["trial"]["method"] == code.method)
        assert record["trial"].get("ranking", "hamming") == code.ranking
        assert record["bytes_per_item"] == code.bytes_per_vector
        m = record["curves"]["neighbours"]["m"]
        recall = measured[code.method, code.ranking][np.array(m) - 1]
        assert np.allclose(record["curves"]["neighbours"]["recall"], recall, atol=1e-6)


def test_confirming_queries_decide(vectors: Path) -> None:
    """Choosing queries are items of the database, which any code finds; the others lie in clouds that signs confuse."""
    rows = np.load(vectors)
    np.save("q.npy", rows[:200])
    draw = Draw(open_collection("vectors.npy", {"queries": "q.npy"}, 1, no_log), 0)
    misleading = clustered(200, 32, seed=4, spread=8.0)
    chosen_by = draw.queries[: draw.choosing] - 1200
    misleading[chosen_by] = rows[chosen_by]
    np.save("q.npy", misleading)
    advice = hb.advise("vectors.npy", queries="q.npy", candidates=1, budget=60, target="neighbours/recall@1=0.7")
    assert advice.best.m == 1
    assert not advice.reached
    assert advice.best.confirmed is not None
    assert advice.best.confirmed.high < 0.7
    assert verdict(advice).startswith("not reached")


def test_sample_that_is_a_part_is_named_and_m_extrapolated(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "SMALL_SAMPLE", 150)
    monkeypatch.setattr(sample, "MAX_NUMBERS", 600 * 32)
    advice = hb.advise(vectors, budget=60)
    assert (advice.smaller_sample, advice.sample, advice.database) == (150, 600, 1080)
    best, text = advice.best, " ".join(" ".join(lines(advice)).split())
    assert best.m_all is not None
    assert best.m is not None
    assert best.m <= best.m_all.low <= best.m_all.value <= best.m_all.high <= best.m * 1080 / 600 + 1e-9
    assert "600 of 1,080 vectors, drawn" in text
    assert "extrapolated" in text
    unknown = replace(best, m_all=Interval(best.m * 1.8, best.m, best.m * 1.8), m_measured=((150, 99), (600, best.m)))
    said = " ".join(
        " ".join(
            lines(replace(advice, codes=tuple(unknown if each is best else each for each in advice.codes)))
        ).split()
    )
    assert f", at most about m = {best.m * 1.8:.0f} for all" in said
    assert "so these two do not tell" in said
    beyond = replace(best, m_all=Interval(400, 300, 500))
    codes = tuple(beyond if each is best else each for each in advice.codes)
    said = verdict(replace(advice, reached=False, codes=codes))
    assert said.startswith("not reached for all 1,080 vectors")
    assert "about m = 400" in said


def ticking(seconds: float) -> Iterator[float]:
    """A clock that goes on by as much at each look."""
    now = 0.0
    while True:
        yield now
        now += seconds


@pytest.mark.parametrize("tick", [0.0, 0.5, 0.8])
def test_what_there_was_no_time_for_is_named(vectors: Path, tick: float) -> None:
    collection, request = open_collection(vectors, {}, 10, no_log), Request.parse(TARGET, 10, None, 0)
    clock, cpu = ticking(tick), torch.device("cpu")
    made = study.study(collection, request, cpu, Budget(10, no_log, lambda: next(clock)))
    unmeasured = [line for line in made.untried if line.endswith("vectors (no time)")]
    unfitted = [line for line in made.untried if line.endswith("bits (no time)")]
    assert len(made.entries) + len(unfitted) == len(candidates(32))
    if made.large:
        assert len(made.measured()) + len(unmeasured) == len(made.entries)
    else:
        assert made.untried[-1] == "any sample larger than 540 vectors"
    assert bool(made.untried) is (tick > 0.3)
    slow = ticking(9)
    with pytest.raises(UsageError, match=r"budget is 10 s, and no code was measured in it; give more time, say"):
        study.study(collection, request, cpu, Budget(10, no_log, lambda: next(slow)))


@pytest.mark.parametrize(("spent", "size"), [(0.0, 40), (4.6, 20), (6.9, 10), (7.4, 10), (8.0, None)])
def test_the_largest_sample_there_is_time_for_is_taken(spent: float, size: int | None) -> None:
    """Of ten seconds 8.5 are for samples; the smallest took .1 s for the truth and .4 s for each of two candidates."""
    now = iter([0.0, spent])
    assert study._affordable(0.1, [0.4, 0.4], [5, 10, 20, 40], Budget(10, no_log, lambda: next(now))) == size


def test_a_method_that_raises_is_named_and_the_others_answer(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(candidate: Candidate, *given: Any) -> Fitted:
        if candidate.method != "lsh":
            raise Incompatible("no") if candidate.method == "sign" else ZeroDivisionError("by zero")
        return fit(candidate, *given)

    monkeypatch.setattr(study, "fit", broken)
    advice = hb.advise(vectors, budget=60)
    assert {code.method for code in advice.codes} == {"lsh"}
    assert "rotated_sign, 32 bits (failed, ZeroDivisionError: by zero)" in advice.untried
    assert "sign threshold=mean, 32 bits (no)" in advice.untried
    assert advice.usual is None


def test_pixels_have_a_first_line_that_names_what_is_usual(tmp_path: Path, call: Call) -> None:
    """Nowhere negative: at a threshold of zero most bits are alike."""
    pixels = np.clip(60 * clustered(1500, 64) + 40, 0, 255).astype(np.uint8) + np.uint8(1)
    np.save(tmp_path / "pixels.npy", pixels)
    code, out, err = call("pixels.npy", "--budget", "60s", "-o", "out", "--candidates", "10")
    assert (code, "of 60 s]" in err) == (0, True)
    first, *rest = out.splitlines()
    assert re.search(r"; sign threshold=zero, 64 bits, fails: 0\.\d+ at m = 10$", first)
    assert "dimensions" not in first
    long = [line for line in rest if len(line) > 80]
    assert [line.strip().split()[0] for line in long] in ([], ["hashbench"])
    assert "rescoring needs the float vectors too, on disk: 96 kB" in " ".join(out.split())


def test_queries_that_are_in_the_database_are_counted_and_named(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every vector stands twice, so that a query's twin is in the database unless it is a query too."""
    monkeypatch.setattr(study, "candidates", lambda _: [Candidate("lsh", 16)])
    np.save("dup.npy", np.repeat(clustered(300, 8), 2, axis=0))
    (spec,) = expand("embeddings:dup.npy")
    split = open_dataset(spec, Path()).split()
    twice = int(np.isin(split.query // 2, split.database // 2).sum())
    assert 0 < twice < 60
    code, out, _ = call("embeddings:dup.npy", "--metric", "cosine", "--budget", "60s")
    line = f"repeated {twice} queries are also in the database, with the same numbers: "
    assert code == 0
    assert line in " ".join(out.split())
    folder = Path("advice/dup")
    assert f"{twice} queries are also in the database" in (folder / "page.html").read_text()
    assert json.loads((folder / "advice.json").read_text())["queries_in_database"] == twice
    assert "embeddings:dup.npy" in out
    assert "also in the database" not in call("vectors.npy", "--budget", "60s")[1]


def test_files_are_whole_and_from_nowhere_else(call: Call) -> None:
    name = Path("vectors.npy").rename("vectors\udcff.npy").name  # as Python has a name that is no UTF-8
    code, out, _ = call(name, "--budget", "60s", "--json", "--seed", "1")
    advice = json.loads(out)
    assert code == 0
    assert set(advice) == set(Advice.__dataclass_fields__)
    folder = Path("advice/vectors-")
    names = {file.name for file in folder.iterdir()}
    assert names == {"page.html", "table.csv", "advice.json", "recall.png", "recall.svg"}
    assert json.loads((folder / "advice.json").read_text()) == advice
    page = (folder / "page.html").read_text()
    assert not re.search(r'(?:src|href)=(?!"data:)|<script|https?://', page)
    assert "data:image/png;base64," in page
    table = (folder / "table.csv").read_text().splitlines()
    assert len(table) == 1 + len(advice["codes"]) * 100


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["vectors.npy", "--budget", "2s"],
            "budget is 2s, which is too little to try anything; wanted 10s or more",
        ),
        (["vectors.npy", "--budget", "soon"], "budget is 'soon', wanted a time such as 90s, 10m or 1h"),
        (["vectors.npy", "--target", "map@1000=0.5"], "no target metric named 'map@1000'"),
        (["vectors.npy", "--target", "neighbours/recall@10=1.2"], "wanted a share above 0 and at most 1"),
        (["vectors.npy", "--target", "neighbours/recall@10=nan"], "wanted a share above 0 and at most 1"),
        (["vectors.npy", "--target", "neighbours/recall@10"], "wanted a share above 0 and at most 1"),
        (["vectors.npy", "--candidates", "0"], "candidates is 0, wanted a whole number from 1 to 200"),
        (["vectors.npy", "--metric", "l1"], "metric is 'l1', wanted one of l2, cosine, ip"),
        (["vectors.npy", "--queries", "wide.npy"], "wide.npy have 33 dimensions and"),
        (["vectors.npy", "--queries", "5"], "vectors.npy: 5 query vectors, wanted 20 or more"),
        (["few.npy", "--target", "neighbours/recall@100=0.9"], "few.npy: 72 database vectors, wanted 100 or more"),
        (["nan.npy"], "nan.npy: 1 of 1,200 vectors have NaN"),
        (["none.npy"], "the file of vectors"),
        (["vectors.npy", "-o", "vectors.npy"], "vectors.npy"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_wrong_usage_is_one_line(words: list[str], message: str, call: Call) -> None:
    rows = np.load("vectors.npy")
    np.save("wide.npy", np.zeros((30, 33), dtype=np.float32))
    np.save("few.npy", rows[:80])
    rows[7, 3] = np.nan
    np.save("nan.npy", rows)
    code, out, err = call(*words)
    said = [line for line in err.splitlines() if line.startswith("hashbench: ")]
    assert (code, out, len(said)) == (2, "", 1)
    assert message in said[0]
    assert err.splitlines()[-1] == said[0]
    assert not Path("advice").exists()


def test_arrays_are_named_without_the_folder_of_their_files(vectors: Path) -> None:
    with pytest.raises(UsageError, match=r"^vectors\.npy has vectors of float64 \[1200, 32\], wanted"):
        hb.advise(np.load(vectors).astype(np.float64))
    with pytest.raises(UsageError, match=r"queries queries\.npy have 3 dimensions and vectors\.npy has 32"):
        hb.advise(np.load(vectors), queries=np.zeros((30, 3), dtype=np.float32))


def test_candidates_are_methods_that_take_these_parameters() -> None:
    for dimension in (3, 64, 100, 784, 4096):
        tried = candidates(dimension)
        assert len({str(each) for each in tried}) == len(tried)
        assert [each.usual for each in tried].count(True) == 1
        for each in tried:
            METHODS.get(each.method)(each.bits, **each.parameters)
            assert 1 <= each.bits <= 4096
