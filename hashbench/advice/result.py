"""What is found: plain numbers and words, which the reports read and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Ranking = Literal["hamming", "asymmetric", "estimator"]


@dataclass(frozen=True)
class Interval:
    """A figure with its interval of 95 %, in which all that were confirmed lie together."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds of a call: median, 5th and 95th percentile, and of how many calls."""

    p50: float
    p5: float
    p95: float
    calls: int


@dataclass(frozen=True)
class Latencies:
    """Of one query: encoding it, finding its candidates by the codes, rescoring them by the float vectors."""

    encode: Latency
    search: Latency
    rescore: Latency


@dataclass(frozen=True)
class CodeResult:
    """What one code does under one ranking.

    Attributes:
        name: the method with its parameters.
        method, parameters, bits: of the code.
        ranking: "hamming"; "asymmetric": the query real, <project(q), b>; or "estimator": distances that the method
            estimates from the code and its factors.
        usual: what a vector database does where nothing is set.
        bytes_per_vector: of the code, and of the factors kept beside it.
        vectors: size of the sample that ``recall`` is of.
        recall: share of the k nearest inside the first k m ranks, for m = 1, 2, ..., over the choosing queries.
        m: smallest whole m that keeps the target there with room for chance; None where none does.
        m_all: the same for the whole collection, extrapolated; None without a second sample or where nothing is left
            to extrapolate to.
        m_measured: size of each sample, with the smallest m whose recall is the target there, without that room.
        fit_seconds: of the training.
        encoded_per_second: vectors.
        confirmed: the recall at ``confirmed_m`` over the confirming queries; None of codes that were not chosen.
        confirmed_m: m of ``confirmed``.
        latency: of one query; None of codes that were not chosen.
        command: the command line that makes the code.
    """

    name: str
    method: str
    parameters: Mapping[str, Any]
    bits: int
    ranking: Ranking
    usual: bool
    bytes_per_vector: int
    vectors: int
    recall: tuple[float, ...]
    m: int | None
    m_all: Interval | None
    m_measured: tuple[tuple[int, int | None], ...]
    fit_seconds: float
    encoded_per_second: float
    command: str
    confirmed: Interval | None = None
    confirmed_m: int | None = None
    latency: Latencies | None = None


@dataclass(frozen=True)
class Advice:
    """The answer for a collection.

    Attributes:
        source: the file.
        distance: of the neighbours: "l2", "cosine" or "ip".
        vectors: of the collection.
        database: of them, those that are no queries.
        dimension, dtype: of the vectors.
        k, share: the target: that share of the k nearest.
        candidates: m, where it was given.
        most: the largest m that was looked at.
        budget, seconds: given, and taken.
        seed: root of all draws.
        device: where it ran.
        sample: vectors of the database that the figures are of.
        smaller_sample: the other size, which says how m grows; None where one size was measured.
        trained_on: vectors that the codes were fitted to.
        choosing, confirming: how many queries the codes were chosen by, and others that confirm them.
        queries: where they come from, in words.
        queries_in_database: how many have the same numbers as a vector of the database.
        reached: whether a code is confirmed to keep the target.
        verdict: index into ``codes`` of that code, else of the best there is.
        runner_up: index of the next best; None where there is none.
        pairs: indices of all chosen codes: the smallest pairs of bytes and m, by bytes.
        codes: all that were measured.
        float_bytes: of a vector as it is.
        float_latency: of a search through the sample's float vectors.
        untried: what was not tried or measured, in words.
    """

    source: str
    distance: str
    vectors: int
    database: int
    dimension: int
    dtype: str
    k: int
    share: float
    candidates: int | None
    most: int
    budget: float
    seconds: float
    seed: int
    device: str
    sample: int
    smaller_sample: int | None
    trained_on: int
    choosing: int
    confirming: int
    queries: str
    queries_in_database: int
    reached: bool
    verdict: int
    runner_up: int | None
    pairs: tuple[int, ...]
    codes: tuple[CodeResult, ...]
    float_bytes: int
    float_latency: Latency
    untried: tuple[str, ...] = field(default=())

    @property
    def best(self) -> CodeResult:
        """The code of the verdict."""
        return self.codes[self.verdict]

    @property
    def usual(self) -> CodeResult | None:
        """What a vector database does where nothing is set, by Hamming distance; None where it was not measured."""
        return next((code for code in self.codes if code.usual and code.ranking == "hamming"), None)
