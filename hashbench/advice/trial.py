"""What one candidate does: fitted once, then measured on samples of several sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.advice.candidates import Candidate
from hashbench.advice.result import Ranking
from hashbench.advice.sample import Sample
from hashbench.advice.scored import scored_places
from hashbench.codes import Codes
from hashbench.dataset import Distance
from hashbench.evaluation.histograms import distance_histograms
from hashbench.evaluation.neighbour_scores import hamming_places
from hashbench.evaluation.neighbours import Neighbours, kept
from hashbench.evaluation.scored_codes import ScoredCodes, asymmetric_codes
from hashbench.execution import training_data
from hashbench.method import HashMethod, RunContext, TrainingSet
from hashbench.plugins.hyperparameters import resolve, resolve_for_run
from hashbench.plugins.registry import METHODS
from hashbench.util.seeds import derive_seed

FEATURES = "vectors"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A candidate after its training.

    Attributes:
        candidate: what it is.
        method: what it learnt.
        seconds: of the training.
    """

    candidate: Candidate
    method: HashMethod
    seconds: float

    @property
    def rankings(self) -> tuple[Ranking, ...]:
        """How its codes can be ranked."""
        if self.method.traits.ranking == "estimator":
            return ("estimator",)
        asymmetric = type(self.method).project is not HashMethod.project or self.method.linear() is not None
        return ("hamming", "asymmetric") if asymmetric else ("hamming",)


@dataclass(frozen=True, eq=False)
class Measurement:
    """A candidate on one sample.

    Attributes:
        codes: of the sample's rows.
        factors: float32 [rows, f], what an estimator keeps beside them; f is 0 elsewhere.
        shares: for each ranking float64 [queries, most], the share of the k nearest inside the first k m ranks.
        encoded_per_second: vectors.
        seconds: of all of it.
    """

    codes: Codes
    factors: Tensor
    shares: Mapping[Ranking, npt.NDArray[np.float64]]
    encoded_per_second: float
    seconds: float

    @property
    def bytes_per_vector(self) -> int:
        """Of a code with its factors."""
        size: int = self.codes.packed.shape[1] + self.factors.shape[1] * self.factors.element_size()
        return size


def fit(candidate: Candidate, sample: Sample, protocol: str, distance: Distance, seed: int) -> Fitted:
    """Train a candidate as a trial of ``hashbench run`` with this seed does.

    Raises:
        Incompatible: it cannot make these codes.
    """
    start, device = perf_counter(), sample.rows.device
    method_type = METHODS.get(candidate.method)
    parameters = resolve(candidate.method, method_type, dict(candidate.parameters))
    method = method_type(candidate.bits, **resolve_for_run(method_type, parameters, FEATURES, device))
    drawn_for = None if method.is_nested() else candidate.bits
    own = derive_seed(seed, candidate.method, drawn_for, protocol, FEATURES, 0)
    run = RunContext(device, training_data.own_generator(own), features=FEATURES, distance=distance)
    training_data.fit(method, TrainingSet(given_features=sample.training), run, own)
    return Fitted(candidate, method, perf_counter() - start)


def measure(fitted: Fitted, sample: Sample, neighbours: Neighbours, rows: int, most: int) -> Measurement:
    """Encode the first ``rows`` rows of the sample and find where the neighbours stand.

    Args:
        fitted: the candidate.
        sample: queries and rows.
        neighbours: of the queries in these rows.
        rows: how many.
        most: the largest m.
    """
    start = perf_counter()
    codes = encode(fitted.method, sample.rows[:rows])
    factors = _factors(fitted.method, sample.rows[:rows])
    encoded = perf_counter() - start
    ranks = neighbours.k * np.arange(1, most + 1)
    shares: dict[Ranking, npt.NDArray[np.float64]] = {}
    for ranking in fitted.rankings:
        if ranking == "hamming":
            query, one_class = encode(fitted.method, sample.queries), np.zeros(rows, dtype=np.int64)
            unlabelled = one_class[:1].repeat(len(sample.queries)), one_class
            items = distance_histograms(query, codes, *unlabelled, sample.rows.device).items
            places = hamming_places(neighbours, query, codes, items)
        else:
            scored = scored_codes(fitted.method, ranking, sample.queries, codes, factors)
            places = scored_places(neighbours, scored, most * neighbours.k)
        shares[ranking] = kept(neighbours, places, neighbours.k, ranks)
    return Measurement(codes, factors, shares, rows / max(encoded, 1e-9), perf_counter() - start)


def encode(method: HashMethod, rows: torch.Tensor) -> Codes:
    """Codes of float32 [n, d], some rows at a time."""
    return training_data.encode(method, iter(torch.split(rows, training_data.feature_batch(rows.device))))


def query_vectors(method: HashMethod, ranking: Ranking, queries: Tensor) -> Tensor:
    """Float32 [q, p], what a ranking by scores reads of queries, float32 [q, d]."""
    with torch.inference_mode():
        vectors = method.prepare(queries) if ranking == "estimator" else method.project(queries)
    assert vectors is not None
    return vectors.float()


def scored_codes(method: HashMethod, ranking: Ranking, queries: Tensor, codes: Codes, factors: Tensor) -> ScoredCodes:
    """The codes with the scores that they are ranked by for these queries, float32 [q, d]."""
    vectors = query_vectors(method, ranking, queries)
    if ranking == "asymmetric":
        return asymmetric_codes(vectors, codes)
    return ScoredCodes(method.scores, vectors, torch.from_numpy(codes.packed).to(vectors.device), factors)


def _factors(method: HashMethod, rows: Tensor) -> Tensor:
    if method.traits.ranking != "estimator":
        return torch.empty(len(rows), 0, device=rows.device)
    with torch.inference_mode():
        return torch.cat([method.factors(some) for some in torch.split(rows, training_data.feature_batch(rows.device))])
