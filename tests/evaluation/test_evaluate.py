"""evaluate: every number of small random cases against the plain reference, and the traps others fell into."""

import hashlib
import json
import math
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import sklearn.metrics
import torch
from hypothesis import given
from hypothesis import strategies as st

from hashbench.codes import Codes
from hashbench.evaluation.evaluate import Scores, evaluate, evaluate_features
from hashbench.evaluation.headline import METRIC_VERSION
from hashbench.evaluation.metrics import declared
from hashbench.evaluation.relevance import labels_are_graded
from hashbench.search import numba_cache
from tests.evaluation import reference
from tests.layouts import LAYOUTS, laid_out

CUTOFF = 3
Case = tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


def bools(rows: int, columns: int, density: float = 0.5, seed: int = 0) -> npt.NDArray[np.bool_]:
    return np.random.default_rng(seed).random((rows, columns)) < density


@st.composite
def some_case(draw: st.DrawFn) -> Case:
    bits, queries, items = draw(st.integers(1, 4)), draw(st.integers(1, 3)), draw(st.integers(1, 8))
    seed, density = draw(st.integers(0, 1 << 16)), draw(st.sampled_from((0.1, 0.4, 0.8)))
    codes = bools(queries, bits, 0.5, seed), bools(items, bits, 0.5, seed + 1)
    labels = bools(queries, 3, density, seed + 2), bools(items, 3, density, seed + 3)
    return *codes, *labels


def groups_of(case: Case) -> list[list[reference.Group]]:
    query, database, query_labels, database_labels = case
    sets = [[set(np.flatnonzero(row).tolist()) for row in side] for side in (query_labels, database_labels)]
    return [
        reference.groups_by_distance(code, database.tolist(), labels, sets[1])
        for code, labels in zip(query.tolist(), sets[0], strict=True)
    ]


@given(case=some_case())
def test_every_metric_is_that_of_the_plain_reference(case: Case) -> None:
    """Ties, several labels, no relevant item, k beyond the database and one bit all occur."""
    queries = [groups for groups in groups_of(case) if any(r for _, r in groups)]
    if not queries:
        with pytest.raises(ValueError, match=r"none of the .* queries has a relevant item"):
            evaluate(*case, device="cpu")
        return
    scores = evaluate(*case, cutoff=CUTOFF, device="cpu")
    rows = [reference.metrics(groups, CUTOFF) for groups in queries]
    wanted: dict[str, float | None] = {name: math.fsum(row[name] for row in rows) / len(rows) for name in rows[0]}
    chance, headline = wanted["chance"], wanted["map@1000"]
    assert chance is not None
    assert headline is not None
    wanted["adjusted_map@1000"] = (headline - chance) / (1 - chance) if chance < 1 - 1e-9 else None
    graded = {metric.id for metric in declared(CUTOFF) if metric.needs_gains}  # see test_graded
    assert wanted.keys() == {metric.id for metric in declared(CUTOFF)} - graded
    assert scores.metrics.keys() - wanted.keys() == (graded if labels_are_graded((case[2], case[3])) else set())
    for name, value in wanted.items():
        assert scores.metrics[name] == (None if value is None else pytest.approx(value, abs=1e-10)), name
    assert scores.queries == {"scored": len(queries), "unanswerable": len(case[0]) - len(queries)}


@given(case=some_case())
def test_the_headline_stands_beside_each_query(case: Case) -> None:
    queries = groups_of(case)
    if not any(r for groups in queries for _, r in groups):
        return
    got = evaluate(*case, device="cpu").average_precision
    wanted = [reference.over_all_orders(g, 1000)["expected"] if any(r for _, r in g) else math.nan for g in queries]
    np.testing.assert_allclose(got, wanted, atol=1e-12)


@given(seed=st.integers(0, 1 << 16))
def test_the_order_of_the_database_changes_nothing(seed: int) -> None:
    """Trap: a stable sort of a database in order of classes favours the classes that come first."""
    query, database = bools(5, 6, seed=seed), bools(60, 6, seed=seed + 1)
    classes = np.arange(60) // 20
    moved = np.random.default_rng(seed).permutation(60)
    labels = np.arange(5) % 3
    assert _numbers(evaluate(query, database, labels, classes, device="cpu")) == _numbers(
        evaluate(query, database[moved], labels, classes[moved], device="cpu")
    )


def test_labels_and_codes_are_left_alone() -> None:
    """Trap: labels changed in place through a view make the second evaluation wrong."""
    case = bools(4, 8), bools(30, 8, seed=1), np.arange(4) % 2, bools(30, 2, seed=2)
    copies = [array.copy() for array in case]
    first = _numbers(evaluate(*case, device="cpu"))
    assert all(np.array_equal(a, b) for a, b in zip(case, copies, strict=True))
    assert _numbers(evaluate(*case, device="cpu")) == first


@pytest.mark.parametrize("values", [[-1.0, 1.0], [0, 1], [-1, 0, 1]])
def test_codes_other_than_bool_are_refused(values: list[float]) -> None:
    """Traps: 0/1 taken for -1/+1, ternary codes from sign(0), float distances passed off as Hamming's."""
    codes = np.resize(np.array(values), (4, 6))
    with pytest.raises(ValueError, match=r"wanted bool \[n, bits\]"):
        evaluate(codes, bools(4, 6), np.zeros(4, int), np.zeros(4, int), device="cpu")


def test_precision_within_a_radius_counts_empty_balls_as_zero() -> None:
    """Trap: a mean over the balls that hold something, 1.00 instead of .5 here."""
    query, database = np.array([[True] * 8, [False] * 8]), np.array([[True] * 8])
    scores = evaluate(query, database, np.zeros(2, int), np.zeros(1, int), device="cpu")
    assert scores.metrics["precision@r2"] == 0.5
    assert scores.curves["radius"]["precision"][2] == 0.5
    assert scores.curves["radius"]["empty"][2] == scores.diagnostics["empty_share@r2"] == 0.5


def test_map_is_not_the_area_under_the_radius_curve() -> None:
    """Trap: "mAP" that integrates precision over recall by radius is another quantity."""
    query, database, classes = bools(20, 12), bools(300, 12, seed=1), np.arange(300) % 3
    scores = evaluate(query, database, np.arange(20) % 3, classes, device="cpu")
    area = np.trapezoid(scores.curves["radius"]["precision"], scores.curves["radius"]["recall"])
    assert abs(area - (scores.metrics["map@all"] or 0)) > 0.01


def test_map_at_1000_and_map_at_all_are_two_columns() -> None:
    """Trap: one method's mAP@1000 in a table of mAP@all."""
    query, database = bools(5, 16), bools(3000, 16, seed=1)
    metrics = evaluate(query, database, np.arange(5) % 2, np.arange(3000) % 2, device="cpu").metrics
    assert metrics["map@1000"] != pytest.approx(metrics["map@all"], rel=1e-3)


def test_queries_without_a_relevant_item_are_counted_and_left_out_of_every_mean() -> None:
    query, database = bools(6, 8), bools(40, 8, seed=1)
    labels, classes = np.array([0, 1, 9, 0, 9, 1]), np.arange(40) % 2
    some = evaluate(query, database, labels, classes, cutoff=5, device="cpu")
    kept = labels < 9
    only = evaluate(query[kept], database, labels[kept], classes, cutoff=5, device="cpu")
    assert some.queries == {"scored": 4, "unanswerable": 2}
    assert np.isnan(some.average_precision).tolist() == (~kept).tolist()
    assert _numbers(some) == _numbers(only)


def test_an_item_without_labels_is_a_distractor() -> None:
    """At distance 0 it takes the first rank from the item that shares one of the query's two labels."""
    query, database = np.array([[True, True]]), np.array([[True, True], [True, False], [False, False]])
    labels = np.array([[True, True, False]]), np.array([[False] * 3, [False, True, True], [False, False, True]])
    assert evaluate(query, database, *labels, device="cpu").metrics["map@all"] == 0.5
    assert evaluate(query, database[1:], labels[0], labels[1][1:], device="cpu").metrics["map@all"] == 1


def test_arrays_tensors_and_packed_codes_give_the_same() -> None:
    query, database, labels, classes = bools(6, 9), bools(40, 9, seed=1), np.arange(6) % 3, np.arange(40) % 3
    wanted = _numbers(evaluate(query, database, labels, classes, device="cpu"))
    codes, tensors = [[torch.from_numpy(array) for array in pair] for pair in ((query, database), (labels, classes))]
    assert _numbers(evaluate(codes[0], codes[1], tensors[0], tensors[1], device="cpu")) == wanted
    hot = np.eye(3, dtype=bool)
    packed = Codes.pack(query), Codes.pack(database)
    assert _numbers(evaluate(*packed, hot[labels], hot[classes], device="cpu")) == wanted
    assert _numbers(evaluate(*packed, labels, hot[classes], device="cpu")) == wanted


def test_everything_but_the_values_per_query_is_ready_for_json() -> None:
    scores = evaluate(bools(3, 4), bools(9, 4, seed=1), np.zeros(3, int), np.arange(9) % 2, device="cpu")
    content = [scores.metrics, scores.curves, scores.queries, scores.diagnostics]
    assert json.loads(json.dumps(content, allow_nan=False)) == content


@pytest.mark.parametrize(
    ("query", "database", "query_labels", "database_labels", "message"),
    [
        ((2, 8), (3, 9), 2, 3, "queries have 8 bits and the database 9"),
        ((2, 8), (3, 8), 4, 3, "4 rows for 2 query items"),
        ((2, 8), (3, 8), 2, 1, "1 rows for 3 database items"),
        ((0, 8), (3, 8), 0, 3, "0 queries and a database of 3"),
        ((2, 8), (0, 8), 2, 0, "2 queries and a database of 0"),
    ],
)
def test_sizes_that_do_not_fit_are_named(
    query: tuple[int, int], database: tuple[int, int], query_labels: int, database_labels: int, message: str
) -> None:
    labels = np.zeros(query_labels, int), np.zeros(database_labels, int)
    with pytest.raises(ValueError, match=message):
        evaluate(bools(*query), bools(*database), *labels, device="cpu")


def test_a_cutoff_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="cutoff is 0"):
        evaluate(bools(1, 4), bools(2, 4), np.zeros(1, int), np.zeros(2, int), cutoff=0, device="cpu")


def test_features_without_ties_score_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(3)
    query, database = rng.standard_normal((12, 20)), rng.standard_normal((150, 20))
    labels, classes = np.arange(12) % 4, rng.integers(0, 4, 150)
    scores = evaluate_features(query, database, labels, classes, device="cpu")
    cosine = sklearn.metrics.pairwise.cosine_similarity(query, database)
    wanted = [
        sklearn.metrics.average_precision_score(classes == label, row)
        for label, row in zip(labels, cosine, strict=True)
    ]
    assert scores.metrics["map@all"] == pytest.approx(np.mean(wanted), rel=1e-9)
    assert scores.metrics["map@all/best"] == pytest.approx(scores.metrics["map@all/worst"], rel=1e-9)
    assert (scores.metrics["precision@r2"], scores.curves["radius"], scores.diagnostics) == (None, None, {})


def test_features_of_signs_rank_as_their_codes() -> None:
    """<a, b> = bits - 2 distance, so the cosine of signs has the Hamming ranking's groups; with several labels too."""
    query, database = bools(9, 16), bools(90, 16, seed=1)
    labels, hot = bools(9, 5, 0.3, seed=2), bools(90, 5, 0.2, seed=3)
    assert not labels.any(axis=1).all()
    assert not hot.any(axis=1).all()
    signs = [array.astype(np.float32) * 2 - 1 for array in (query, database)]
    codes = evaluate(query, database, labels, hot, cutoff=20, device="cpu")
    features = evaluate_features(signs[0], signs[1], labels, hot, cutoff=20, device="cpu")
    assert features.queries == codes.queries
    for name, value in features.metrics.items():
        assert value is None or value == pytest.approx(codes.metrics[name], abs=1e-12), name


def test_negative_similarities_are_ranked_like_others() -> None:
    """Trap: a retrieval metric that zeroes scores <= 0 makes every item behind the first few tie."""
    database = np.array([[-1.0, 0.2], [-1.0, 0.1], [-1.0, 3.0]])
    scores = evaluate_features(np.array([[1.0, 0.0]]), database, np.array([0]), np.array([1, 1, 0]), device="cpu")
    assert scores.metrics["map@all"] == 1


def _numbers(scores: Scores) -> dict[str, Any]:
    """All of it but diagnostics, rounded where the sum over queries may round differently."""
    rounded = {name: value and round(value, 12) for name, value in scores.metrics.items()}
    curves = json.loads(json.dumps(scores.curves), parse_float=lambda text: round(float(text), 12))
    return {"metrics": rounded, "curves": curves}


GOLDEN: dict[str, float] = {
    "map@1000": 0.486246104513,
    "map@1000/min": 0.262316608995,
    "map@1000/total": 0.230384944540,
    "map@1000/best": 0.625986814211,
    "map@1000/worst": 0.388643287354,
    "map@all": 0.452013628616,
    "map@all/best": 0.536783923242,
    "map@all/worst": 0.388544630850,
    "map@300": 0.523464241234,
    "map@300/min": 0.276496221881,
    "map@300/total": 0.081325223375,
    "precision@1": 0.574652477152,
    "precision@10": 0.548281410386,
    "precision@100": 0.517856265462,
    "precision@300": 0.488891484259,
    "precision@1000": 0.448935336787,
    "recall@1": 0.000610024741,
    "recall@10": 0.005818538068,
    "recall@100": 0.055377084064,
    "recall@300": 0.156367903265,
    "recall@1000": 0.476342860156,
    "precision@r2": 0.537920398304,
    "chance": 0.383786575022,
    "adjusted_map@1000": 0.166272796629,
    "wap@300": 0.638351480615,
    "wap@1000": 0.582876704733,
    "wap@all": 0.533768820600,
    "ndcg@1": 0.367355699856,
    "ndcg@10": 0.338403229982,
    "ndcg@100": 0.319092536974,
    "ndcg@300": 0.353057863940,
    "ndcg@1000": 0.479593294352,
    "ndcg@all": 0.810101071606,
    "acg@1": 0.774071669072,
    "acg@10": 0.700291478573,
    "acg@100": 0.631793257044,
    "acg@300": 0.587336867472,
    "acg@1000": 0.528933493218,
}


def noise(rows: int, columns: int, name: str) -> npt.NDArray[np.bool_]:
    """Bits that no version of a random generator can change."""
    digests = [hashlib.sha256(f"{name} {row}".encode()).digest() for row in range(rows)]
    return np.unpackbits(np.frombuffer(b"".join(digests), np.uint8).reshape(rows, 32), axis=1)[:, :columns] > 0


def golden_scores() -> Scores:
    """40 queries, 2,500 items, 12 bits, 5 labels of which the first steer the first bits."""
    query_labels, database_labels = noise(40, 5, "query labels"), noise(2500, 5, "database labels")
    query_labels &= noise(40, 5, "fewer query labels")
    database_labels &= noise(2500, 5, "fewer database labels")
    query, database = noise(40, 12, "query"), noise(2500, 12, "database")
    query[:, :5] |= query_labels
    database[:, :5] |= database_labels
    return evaluate(query, database, query_labels, database_labels, cutoff=300, device="cpu")


def test_a_numba_that_cannot_compile_changes_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = golden_scores()
    monkeypatch.setattr(numba_cache, "problem", lambda: "broken")
    monkeypatch.setattr("hashbench.search.dispatch._bit_sliced_backend", lambda operation: None)
    scores = golden_scores()
    assert scores.metrics == pytest.approx(compiled.metrics, rel=1e-12)
    assert scores.curves == compiled.curves
    assert scores.diagnostics == compiled.diagnostics


def test_no_numba_at_all_changes_no_number() -> None:
    code = (
        "import json, sys\n"
        "sys.modules['numba'] = None\n"
        "from tests.evaluation.test_evaluate import golden_scores\n"
        "print(json.dumps(golden_scores().metrics))\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(process.stdout) == pytest.approx(golden_scores().metrics, rel=1e-12)
    assert process.stderr.count("numba does not work here") == 1


def test_golden_values_stand_for_the_metric_version() -> None:
    assert METRIC_VERSION == 1, "a new METRIC_VERSION needs its own golden values: write down those of golden_scores()"
    metrics = golden_scores().metrics
    assert metrics.keys() == GOLDEN.keys()
    changed = {name: value for name, value in metrics.items() if value != pytest.approx(GOLDEN[name], abs=1e-9, rel=0)}
    assert not changed, f"these numbers changed: {changed}; if that is right, raise METRIC_VERSION and renew GOLDEN"


def test_a_callers_autocast_changes_no_similarity() -> None:
    rng = np.random.default_rng(0)
    query, database = (rng.standard_normal((rows, 300)).astype(np.float32) for rows in (5, 200))
    classes = np.arange(5) % 3, np.arange(200) % 3
    plain = evaluate_features(query, database, *classes, device="cpu")
    with torch.autocast("cpu", torch.bfloat16):
        cast = evaluate_features(query, database, *classes, device="cpu")
    assert cast.metrics == plain.metrics


@pytest.mark.parametrize("layout", LAYOUTS)
def test_scores_do_not_hang_on_how_an_array_lies_in_memory(layout: str) -> None:
    codes, labels = (bools(300, 64), bools(700, 64, seed=1)), (bools(300, 5, 0.3, 2), bools(700, 5, 0.3, 3))
    wanted = evaluate(*codes, *labels, device="cpu").metrics
    first, second, third, fourth = (laid_out(side, layout) for side in (*codes, *labels))
    assert evaluate(first, second, third, fourth, device="cpu").metrics == wanted
    packed = [laid_out(np.packbits(side, axis=1), layout) for side in codes]
    assert evaluate(packed[0], packed[1], *labels, device="cpu", bits=64).metrics == wanted
    query, database = (side.astype(np.float32) for side in codes)
    features = evaluate_features(laid_out(query, layout), laid_out(database, layout), *labels, device="cpu")
    assert features.metrics == evaluate_features(query, database, *labels, device="cpu").metrics


@pytest.mark.parametrize(("sides", "missing"), [((True, False), "database"), ((False, True), "queries")])
def test_labels_of_one_side_alone_are_refused(sides: tuple[bool, bool], missing: str) -> None:
    codes, labels = (bools(5, 8), bools(9, 8)), (np.zeros(5, dtype=np.int64), np.zeros(9, dtype=np.int64))
    query, database = (side if there else None for side, there in zip(labels, sides, strict=True))
    with pytest.raises(ValueError, match=rf"^labels: those of the {missing} are missing, wanted labels of both sides"):
        evaluate(*codes, query, database, device="cpu")
    with pytest.raises(ValueError, match=rf"^labels: those of the {missing} are missing"):
        evaluate_features(codes[0] * 1.0, codes[1] * 1.0, query, database, device="cpu")


def test_what_is_outside_its_range_is_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a kernel that counted wrong."""
    narrow = [replace(metric, range=(0, 0.01)) for metric in declared()]
    monkeypatch.setattr("hashbench.evaluation.evaluate.declared", lambda _: narrow)
    one = np.zeros(20, dtype=np.int64)
    with pytest.raises(ArithmeticError, match=r"^evaluation: map@1000 is 1.0, outside its range \[0, 0.01\]"):
        evaluate(bools(20, 8), bools(20, 8), one, one, device="cpu")
