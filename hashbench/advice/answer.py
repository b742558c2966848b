"""Makes the answer of what was measured: chosen, confirmed, with latencies and command lines."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hashbench.advice.budget import Budget
from hashbench.advice.choice import Choice, Measured, Target, choose
from hashbench.advice.command import run_command
from hashbench.advice.growth import growth
from hashbench.advice.latency import code_latency, float_latency, seconds_each
from hashbench.advice.request import Request
from hashbench.advice.result import Advice, CodeResult, Interval, Ranking
from hashbench.advice.sample import MAX_TRAINED, Collection
from hashbench.advice.study import Entry, Study
from hashbench.advice.trial import Measurement
from hashbench.util.seeds import derive_seed


def answer(collection: Collection, file: str, made: Study, request: Request, budget: Budget) -> Advice:
    """Choose among what was measured, confirm it, and say all of it in numbers.

    Args:
        collection: the vectors, with the options that the command line names.
        file: what the command line calls them.
        made: what was measured.
        request: the target.
        budget: for progress, and the time taken.
    """
    target = Target(request.share, request.k, request.most, request.candidates is not None)
    rows = [(entry, measurement, ranking) for entry, measurement in made.measured() for ranking in measurement.shares]
    growths = [_growth(collection, entry, ranking, made, request) for entry, _, ranking in rows]
    choosing = made.sample.choosing
    choice = choose(
        [
            Measured(
                measurement.bytes_per_vector,
                ranking,
                measurement.shares[ranking][:choosing],
                measurement.shares[ranking][choosing:],
                1.0 if grown is None else grown.value,
            )
            for (_, measurement, ranking), grown in zip(rows, growths, strict=True)
        ],
        target,
    )
    codes = [
        _code(*row, needed, grown, collection, file, request, choosing)
        for row, needed, grown in zip(rows, choice.needed, growths, strict=True)
    ]
    seconds = seconds_each(request.budget, 3 * len(choice.chosen) + 1)
    _confirm(codes, rows, choice, made, collection, request, budget, seconds)
    vectors = collection.vectors
    return Advice(
        source=file,
        distance=collection.distance,
        vectors=collection.size,
        database=len(collection.split.database),
        dimension=vectors.shape[1],
        dtype=vectors.dtype.name,
        k=request.k,
        share=request.share,
        candidates=request.candidates,
        most=request.most,
        budget=request.budget,
        seconds=budget.spent,
        seed=request.seed,
        device=str(made.sample.rows.device),
        sample=made.size,
        smaller_sample=made.small if made.large else None,
        trained_on=len(made.sample.training),
        choosing=choosing,
        confirming=len(made.sample.queries) - choosing,
        queries=_queries(collection),
        queries_in_database=collection.in_database,
        reached=choice.reached,
        verdict=choice.verdict,
        runner_up=choice.runner_up,
        pairs=choice.chosen,
        codes=tuple(codes),
        float_bytes=vectors.shape[1] * vectors.dtype.itemsize,
        float_latency=float_latency(made.sample, collection.distance, request.k, seconds),
        untried=tuple(made.untried),
    )


def _growth(collection: Collection, entry: Entry, ranking: Ranking, made: Study, request: Request) -> Interval | None:
    """How many times more candidates the whole database needs; None where that cannot be said, or is once."""
    if entry.large is None or made.size == len(collection.split.database):
        return None
    small, large = (each.shares[ranking][: made.sample.choosing] for each in (entry.small, entry.large))
    seed = derive_seed(request.seed, "growth")
    return growth(small, large, request.share, (made.small, made.size), len(collection.split.database), seed)


def _code(
    entry: Entry,
    measurement: Measurement,
    ranking: Ranking,
    needed: int | None,
    grown: Interval | None,
    collection: Collection,
    file: str,
    request: Request,
    choosing: int,
) -> CodeResult:
    candidate, train = entry.fitted.candidate, len(collection.split.train)
    limit = MAX_TRAINED if train > MAX_TRAINED else None
    on_samples = [entry.small] if entry.small is measurement else [entry.small, measurement]
    return CodeResult(
        name=candidate.name,
        method=candidate.method,
        parameters=dict(candidate.parameters),
        bits=candidate.bits,
        ranking=ranking,
        usual=candidate.usual,
        bytes_per_vector=measurement.bytes_per_vector,
        vectors=len(measurement.codes),
        recall=tuple(measurement.shares[ranking][:choosing].mean(0).tolist()),
        m=needed,
        m_all=None
        if needed is None or grown is None
        else Interval(needed * grown.value, needed * grown.low, needed * grown.high),
        m_measured=tuple(
            (len(each.codes), _first(each.shares[ranking][:choosing].mean(0), request.share)) for each in on_samples
        ),
        fit_seconds=entry.fitted.seconds,
        encoded_per_second=measurement.encoded_per_second,
        command=run_command(candidate, ranking, file, collection.given, limit, request.seed),
    )


def _first(curve: npt.NDArray[np.float64], share: float) -> int | None:
    """The smallest m whose share is the target, without room for chance."""
    reached = np.flatnonzero(curve >= share)
    return int(reached[0]) + 1 if len(reached) else None


def _confirm(
    codes: list[CodeResult],
    rows: Sequence[tuple[Entry, Measurement, Ranking]],
    choice: Choice,
    made: Study,
    collection: Collection,
    request: Request,
    budget: Budget,
    seconds: float,
) -> None:
    """Write into the chosen codes what the confirming queries say, and how long one of them takes."""
    for place, m, found in zip(choice.chosen, choice.m, choice.confirmed, strict=True):
        entry, measurement, ranking = rows[place]
        budget.log(f"latency of {entry.fitted.candidate}, {ranking}")
        latency = code_latency(
            entry.fitted.method, ranking, measurement, made.sample, collection.distance, request.k, m, seconds
        )
        codes[place] = replace(codes[place], confirmed=found, confirmed_m=m, latency=latency)


def _queries(collection: Collection) -> str:
    named = collection.given.get("queries")
    if named is not None:
        return f"--queries {named}"
    drawn = len(collection.split.database) < collection.size
    return "drawn from the vectors themselves" if drawn else "those of the file"
