"""Rankings of the same codes: a record each, of one training, in tables of their own."""

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import numpy.typing as npt
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

import hashbench as hb
from hashbench.cli.main import cli
from hashbench.codes import Codes
from hashbench.data.spec import open_dataset
from hashbench.dataset import Split
from hashbench.errors import UsageError
from hashbench.execution import measure
from hashbench.execution.rankings import Encoded, encoded
from hashbench.execution.remeasure import measure_again
from hashbench.execution.replay_context import ReplayContext
from hashbench.execution.stored_trial import StoredTrial
from hashbench.execution.training_data import TrainingData
from hashbench.features.weights import Weights
from hashbench.method import RunContext, TrainingSet
from hashbench.planning.grid import Grid
from hashbench.planning.suite import open_suite
from hashbench.records.schema import schema
from hashbench.records.store import Record, load_record
from hashbench.replay.rescore import rescore_record
from hashbench.reporting.leaderboard.csv_file import csv
from hashbench.reporting.leaderboard.tables import tables
from hashbench.reporting.page import html
from tests.conformance.faulty import CentresItsBlock, DoubleFactors, ScalesItsQueries, SoundEstimator

BOTH = "hamming,asymmetric"
ROWS = 500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of digits, and of vectors with labels. Not to be written to."""
    made = tmp_path_factory.mktemp("rankings")
    rng = np.random.default_rng(0)
    centres, owners = rng.standard_normal((20, 12)) * 2, rng.integers(0, 20, ROWS)
    x = (centres[owners] + rng.standard_normal((ROWS, 12))).astype(np.float32)
    np.savez(made / "x.npz", emb=x, kind=owners % 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(made / "cache"))
        patch.setattr("hashbench.reporting.write.write_reports", no_reports)
        run(made / "digits", methods="itq,pcah", bits=8, limit=300)
        vectors = {"datasets": f"embeddings:{made / 'x.npz'}", "queries": 40, "labels": "kind"}
        run(made / "vectors", methods="lsh", bits=9, **vectors)
    return made


def no_reports(*_given: Any) -> None:
    """Nothing in the place of reports, which take longer than the trials."""


def run(results: Path, **asked: Any) -> hb.Results:
    return hb.run(**{"rankings": BOTH, "executor": "inline", "device": "cpu", "results": results, **asked})


def record_of(results: Path, method: str, ranking: str | None) -> tuple[Record, Path]:
    found = hb.results(results)
    (record,) = [r for r in found.records if r["trial"]["method"] == method and r["trial"].get("ranking") == ranking]
    return record, found.files[record["key"]]


def words(*arguments: str) -> str:
    done = CliRunner().invoke(cli, [*arguments], catch_exceptions=False, env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def by_counting(scores: npt.NDArray[np.float32], relevant: npt.NDArray[np.bool_], k: int) -> float:
    """Expected precision at k, of items with larger scores first."""
    kth = np.sort(scores)[::-1][k - 1]
    ahead, tied = scores > kth, scores == kth
    return float((relevant[ahead].sum() + (k - ahead.sum()) * relevant[tied].mean()) / k)


def test_the_same_codes_are_ranked_twice_and_fitted_once(folder: Path) -> None:
    for method in ("itq", "pcah"):
        (hamming, first), (asymmetric, second) = (
            record_of(folder / "digits", method, ranking) for ranking in (None, "asymmetric")
        )
        with np.load(first.with_suffix(".npz")) as one, np.load(second.with_suffix(".npz")) as other:
            assert set(other.files) - set(one.files) == {"query_vectors"}
            for name in ("query_codes", "database_codes", "query_items", "database_labels"):
                assert np.array_equal(one[name], other[name]), name
        assert first.with_suffix(".safetensors").read_bytes() == second.with_suffix(".safetensors").read_bytes()
        assert asymmetric["provenance"]["ranked_again"] == hamming["key"]
        assert "ranking" not in hamming["trial"]
        assert asymmetric["trial"] == {**hamming["trial"], "ranking": "asymmetric"}
        assert asymmetric["training"] == hamming["training"]
        assert asymmetric["seconds"]["fit"] == hamming["seconds"]["fit"]
        jsonschema.validate(json.loads(json.dumps(asymmetric)), schema("record"))


@pytest.mark.parametrize(("name", "method"), [("digits", "itq"), ("vectors", "lsh")])
def test_scores_are_products_of_real_queries_with_signs(folder: Path, name: str, method: str) -> None:
    record, file = record_of(folder / name, method, "asymmetric")
    bits, card = record["trial"]["bits"], record["protocol_card"]
    with np.load(file.with_suffix(".npz")) as arrays:
        content = {each: arrays[each] for each in arrays.files}
    vectors, database = content["query_vectors"], Codes(content["database_codes"], bits).unpack()
    assert np.array_equal(vectors > 0, Codes(content["query_codes"], bits).unpack())
    scores = (vectors.astype(np.float64) @ (2.0 * database - 1).T).astype(np.float32)
    labels = [np.unpackbits(content[f"{part}_labels"], axis=1, count=card["classes"]) for part in ("query", "database")]
    relevant = labels[0].astype(int) @ labels[1].T > 0
    for k in (1, 10, 100):
        values = [by_counting(*pair, k) for pair in zip(scores, relevant, strict=True)]
        assert record["metrics"][f"precision@{k}"] == pytest.approx(np.mean(values), abs=2e-4)
    assert record["metrics"]["precision@r2"] is None
    assert record["curves"]["radius"] is None
    assert 0 <= record["diagnostics"]["tied_share@1000"] <= 1
    if name == "vectors":
        near = content["neighbour_rows"].reshape(len(scores), -1)[:, :10]
        marked = np.zeros(scores.shape, dtype=np.bool_)
        np.put_along_axis(marked, near, True, axis=1)
        kept = np.mean([by_counting(*pair, 10) for pair in zip(scores, marked, strict=True)])
        assert record["metrics"]["neighbours/recall@10"] == pytest.approx(kept, abs=2e-3)


def test_without_a_state_the_method_is_fitted_again_to_the_same_scores(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbench.reporting.write.write_reports", no_reports)
    (alone,) = [
        r
        for r in run(tmp_path, methods="pcah", bits=8, limit=300, rankings=["asymmetric"]).records
        if not r["reference"]
    ]
    there, _ = record_of(folder / "digits", "pcah", "asymmetric")
    assert "ranked_again" not in alone["provenance"]
    assert alone["key"] == there["key"]
    assert alone["metrics"] == there["metrics"]


def test_a_damaged_state_is_fitted_again_with_a_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbench.reporting.write.write_reports", no_reports)
    shutil.copytree(folder / "digits", tmp_path / "r")
    for method, ranking in (("pcah", None), ("pcah", "asymmetric")):
        _, file = record_of(tmp_path / "r", method, ranking)
        file.with_suffix(".safetensors").write_bytes(b"damaged")
    file.unlink()
    run(tmp_path / "r", methods="pcah", bits=8, limit=300, progress=True)
    assert "does not load" in capsys.readouterr().err
    again, _ = record_of(tmp_path / "r", "pcah", "asymmetric")
    assert again["status"] == "ok"
    assert "ranked_again" not in again["provenance"]


def test_a_method_without_projection_is_skipped_before_it_is_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbench.reporting.write.write_reports", no_reports)
    records = run(tmp_path, methods="kmh", bits=8, rankings="asymmetric").records
    (skipped,) = [record for record in records if not record["reference"]]
    assert skipped["status"] == "skipped"
    assert skipped["error"]["message"] == (
        "KMeansHashing has no projection to rank by (HashMethod.project): its bits alone"
    )
    assert "fit" not in skipped["seconds"]


def test_kinds_never_share_a_table_and_each_has_its_floor_and_ceiling(folder: Path) -> None:
    hamming, asymmetric = tables(hb.results(folder / "digits"))
    assert [row.label for row in hamming.ranked] == ["itq", "pcah"]
    assert [row.label for row in asymmetric.ranked] == ["itq (asymmetric)", "pcah (asymmetric)"]
    assert (
        [row.label for row in hamming.references]
        == [row.label for row in asymmetric.references]
        == [
            "reference-float",
            "reference-random",
        ]
    )
    text = words("leaderboard", "--results", str(folder / "digits"))
    assert "features pixels, first 300 training items, asymmetric ranking" in text
    assert "Ranking asymmetric: the query real, by its product with the code in -1 and +1" in text
    latex = words("leaderboard", "--results", str(folder / "digits"), "--format", "latex")
    assert "first 300 training items, asymmetric ranking" in latex
    assert "ITQ (asymmetric)" in latex
    for line in csv([asymmetric]).splitlines()[1:]:
        assert ",asymmetric," in line
    assert "ranking" not in csv([hamming]).partition("\n")[0].split(",")
    page = html([hamming, asymmetric], hb.results(folder / "digits"))
    assert "asymmetric: the query real" in page


def test_rankings_are_not_compared_with_each_other(folder: Path, tmp_path: Path) -> None:
    results = folder / "digits"
    verdicts = {cell.verdict for cell in hb.compare(results, results).cells}
    assert verdicts == {"equal", "reference"}
    ((hamming, _), (asymmetric, file)) = (record_of(results, "itq", ranking) for ranking in (None, "asymmetric"))
    assert hamming["metrics"]["map@1000"] != asymmetric["metrics"]["map@1000"]
    (cell,) = hb.compare(hb.results(results).files[hamming["key"]], file).cells
    assert (cell.verdict, cell.reason) == ("incomparable", "other ranking: Hamming distance / asymmetric")
    (cell,) = hb.compare(results, methods=("itq (asymmetric)", "pcah (asymmetric)")).cells
    assert cell.verdict in ("better", "worse", "no evidence")


def test_a_baseline_has_both_and_judges_each_by_its_own(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "digits", tmp_path / "r")
    given = ["check", "--baseline", str(tmp_path / "b.json"), "--results", str(tmp_path / "r"), "--allow-stale"]
    words(*given, "--update-baseline")
    cells = json.loads((tmp_path / "b.json").read_text())["cells"]
    assert sorted(str(cell.get("ranking")) for cell in cells if cell["method"] == "itq") == ["None", "asymmetric"]
    assert "passed" in words(*given)
    record, file = record_of(tmp_path / "r", "itq", "asymmetric")
    record["metrics"]["map@1000"] -= 0.2
    file.write_text(json.dumps(record))
    done = CliRunner().invoke(cli, given, env={"COLUMNS": "200"})
    assert "1 regressed, 17 passed" in done.output
    order = [line.split()[0] for line in done.output.splitlines() if line.rstrip().endswith(("passed", "regressed"))]
    assert order[:-1] == ["itq", "pcah", "reference-float", "reference-random", "itq", "pcah"]  # table after table


@pytest.mark.parametrize(("name", "method"), [("digits", "itq"), ("vectors", "lsh")])
def test_rescoring_and_measuring_again_need_no_data(
    folder: Path, tmp_path: Path, name: str, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "SECONDS_PER_FIGURE", 0.001)
    shutil.copytree(folder / name, tmp_path / "r")
    before, file = record_of(tmp_path / "r", method, "asymmetric")
    context = ReplayContext(tmp_path / "r", tmp_path, torch.device("cpu"), Weights(offline=True), None)
    after = rescore_record(StoredTrial.read(file), context)
    for field in ("metrics", "curves", "diagnostics"):
        assert after[field] == before[field]
    assert load_record(file)["metrics"] == before["metrics"]
    if name == "digits":
        rates = measure_again(StoredTrial.read(file), context)
        assert rates["bytes_per_item"] == 1
        assert rates["search"]["100"]["queries_per_s"]["median"] > 0


def test_rankings_add_trials_and_change_no_key(tmp_path: Path) -> None:
    def keys(*rankings: str) -> dict[str, str]:
        asked = ["--dry-run", "--json", "--results", str(tmp_path), *rankings]
        rows = json.loads(CliRunner().invoke(cli, ["run", "--methods", "itq,lsh", "--bits", "8,16", *asked]).stdout)
        return {row["key"]: str(row["trial"].get("ranking", "no such field")) for row in rows}

    plain, both = keys(), keys("--rankings", "asymmetric,hamming")
    assert set(plain.values()) == {"no such field"}
    assert plain.items() <= both.items()
    assert sorted(both[key] for key in both.keys() - plain.keys()) == ["asymmetric"] * 4


def test_a_suite_may_ask_for_rankings(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('title = "t"\n[grid]\nmethods = ["itq"]\nbits = [8]\nrankings = ["hamming", "asymmetric"]\n')
    (grid,) = open_suite(file).runs
    assert grid.rankings == ("hamming", "asymmetric")


@pytest.mark.parametrize(
    ("rankings", "complaint"),
    [
        (("cosine",), "rankings have 'cosine', wanted some of hamming, asymmetric"),
        ((), "no ranking given; wanted some"),
    ],
)
def test_other_rankings_are_refused(rankings: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Grid(("itq",), (8,), rankings=rankings)


class WholeNumbers(SoundEstimator):
    """Scores of another type than is asked for."""

    def scores(self, prepared: Tensor, codes: Tensor, factors: Tensor) -> Tensor:
        return super().scores(prepared, codes, factors).long()


class FlatFactors(SoundEstimator):
    """Factors of another shape than is asked for."""

    def factors(self, batch: Tensor) -> Tensor:
        return super().factors(batch)[:, 0]


def made_by(kind: type[SoundEstimator]) -> tuple[SoundEstimator, Encoded, npt.NDArray[np.float32]]:
    x = np.random.default_rng(0).standard_normal((90, 12)).astype(np.float32)
    inputs = TrainingData(open_dataset("digits", Path()), x, np.zeros((90, 1), dtype=np.bool_))
    split = Split(np.arange(20, 90), np.arange(20), np.arange(20, 90))
    run = RunContext(torch.device("cpu"), torch.Generator().manual_seed(0))
    method = kind(11).fit(TrainingSet(given_features=torch.from_numpy(x)), run)
    return method, encoded(method, inputs, split, run, "estimator"), x


def test_an_estimators_factors_are_kept_beside_its_codes() -> None:
    method, made, x = made_by(SoundEstimator)
    rows = torch.from_numpy(x)
    assert {name: array.shape for name, array in made.arrays().items()} == {
        "query_vectors": (20, 11),
        "database_factors": (70, 1),
    }
    scored = made.scored(method, torch.device("cpu"))
    assert scored is not None
    assert scored.bytes_per_item == 2 + 4
    packed = torch.from_numpy(Codes.pack(method.encode(rows[20:])).packed)
    wanted = method.scores(method.prepare(rows[:20]), packed, method.factors(rows[20:]))
    found = scored.index().search(scored.rows, 70)
    np.testing.assert_allclose(found[1], np.sort(wanted.numpy(), axis=1), rtol=1e-5)


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        (CentresItsBlock, "CentresItsBlock.scores differ by .* with the block that an item or a query stands in"),
        (ScalesItsQueries, "ScalesItsQueries.scores differ by .* with the block"),
        (WholeNumbers, r"WholeNumbers.scores gave torch.int64 \[4, 48\], wanted torch.float32 \[4, 48\]"),
        (FlatFactors, r"FlatFactors.factors gave torch.float32 \[70\], wanted torch.float32 \[70, numbers\]"),
        (DoubleFactors, "DoubleFactors.factors gave torch.float64"),
    ],
)
def test_what_an_estimator_must_not_return_is_an_error(kind: type[SoundEstimator], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        made_by(kind)


@pytest.mark.parametrize("ranking", [None, "asymmetric"])
def test_new_queries_find_what_the_records_ranking_finds(folder: Path, ranking: str | None, tmp_path: Path) -> None:
    _, file = record_of(folder / "vectors", "lsh", ranking)
    x = np.load(folder / "x.npz")["emb"]
    with np.load(file.with_suffix(".npz")) as arrays:
        items, database = arrays["query_items"][:3], Codes(arrays["database_codes"], 9).unpack()
        codes, numbers = Codes(arrays["query_codes"], 9).unpack()[:3], arrays["database_items"]
        scores = (codes[:, None] != database).sum(-1) if ranking is None else None
        if scores is None:
            scores = arrays["query_vectors"][:3].astype(np.float64) @ (2.0 * database - 1).T
    np.save(tmp_path / "q.npy", x[items])
    given = [str(file), str(tmp_path / "q.npy"), "--neighbours", "5", "--json", "--device", "cpu"]
    found = json.loads(CliRunner().invoke(cli, ["query", *given], catch_exceptions=False).stdout)["queries"]
    for one, own in zip(found, scores, strict=True):
        far = own if ranking is None else -own
        order = far.round(4).argsort(kind="stable")[:5]
        shown = [each["distance" if ranking is None else "score"] for each in one["nearest"]]
        assert shown == pytest.approx(own[order], rel=1e-4)
        assert {each["item"] for each in one["nearest"]} <= set(numbers[far <= far[order[-1]] + 1e-4])


def test_show_says_how_a_methods_codes_are_ranked() -> None:
    assert "ranking: estimator" in words("show", "rabitq")
    assert "ranking: hamming" in words("show", "itq")


def test_show_says_whether_a_method_is_a_linear_projection() -> None:
    assert "linear: True" in words("show", "itq")
    assert "linear: False" in words("show", "spherical")
