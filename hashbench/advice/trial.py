"""What one candidate does: fitted once, then measured on samples of several sizes."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import numpy.typing as npt
import torch

from hashbench.advice.asymmetric import asymmetric_places
from hashbench.advice.candidates import Candidate
from hashbench.advice.result import Ranking
from hashbench.advice.sample import Sample
from hashbench.codes import Codes
from hashbench.evaluation.histograms import distance_histograms
from hashbench.evaluation.neighbour_scores import hamming_places
from hashbench.evaluation.neighbours import Neighbours, kept
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
        asymmetric = type(self.method).project is not HashMethod.project or self.method.linear() is not None
        return ("hamming", "asymmetric") if asymmetric else ("hamming",)


@dataclass(frozen=True, eq=False)
class Measurement:
    """A candidate on one sample.

    Attributes:
        codes: of the sample's rows.
        shares: for each ranking float64 [queries, most], the share of the k nearest inside the first k m ranks.
        encoded_per_second: vectors.
        seconds: of all of it.
    """

    codes: Codes
    shares: Mapping[Ranking, npt.NDArray[np.float64]]
    encoded_per_second: float
    seconds: float


def fit(candidate: Candidate, sample: Sample, protocol: str, seed: int) -> Fitted:
    """Train a candidate as a trial of ``hashbench run`` with this seed does.

    Raises:
        Incompatible: it cannot make these codes.
    """
    start, device = perf_counter(), sample.rows.device
    method_type = METHODS.get(candidate.method)
    parameters = resolve(candidate.method, method_type, dict(candidate.parameters))
    method = method_type(candidate.bits, **resolve_for_run(method_type, parameters, FEATURES, device))
    own = derive_seed(seed, candidate.method, candidate.bits, protocol, FEATURES, 0)
    run = RunContext(device, training_data.own_generator(own), features=FEATURES)
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
            with torch.inference_mode():
                projected = fitted.method.project(sample.queries)
            assert projected is not None
            places = asymmetric_places(neighbours, projected, codes, most * neighbours.k)
        shares[ranking] = kept(neighbours, places, neighbours.k, ranks)
    return Measurement(codes, shares, rows / max(encoded, 1e-9), perf_counter() - start)


def encode(method: HashMethod, rows: torch.Tensor) -> Codes:
    """Codes of float32 [n, d], some rows at a time."""
    return training_data.encode(method, iter(torch.split(rows, training_data.FEATURE_BATCH)))
