"""The decision: which codes are chosen by some queries, and which of them others confirm. Numbers only."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from hashbench.advice.result import Interval

FloatArray = npt.NDArray[np.float64]

CONFIRMED = 6  # codes at most, whose intervals hold together
LEVEL = 0.95
Z = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / CONFIRMED)  # Bonferroni's
# A mean over as many other queries varies by sqrt(2) of its error around this one; with this much room, 9 of 10 codes
# that are chosen are confirmed.
ROOM = NormalDist().inv_cdf(0.9) * sqrt(2)


@dataclass(frozen=True)
class Target:
    """What is to be kept: ``share`` of the ``k`` nearest, by m of at most ``most``, or of just that if ``fixed``."""

    share: float
    k: int
    most: int
    fixed: bool


@dataclass(frozen=True, eq=False)
class Measured:
    """What a code keeps.

    Attributes:
        size: bytes of a vector.
        kind: of the ranking; smallest pairs of bytes and m are found for each kind.
        choosing: float64 [queries, most], share of the k nearest inside the first k m ranks, for m = 1 ... most.
        confirming: the same of other queries.
        growth: how many times more candidates the whole collection needs than the sample.
    """

    size: int
    kind: str
    choosing: FloatArray
    confirming: FloatArray
    growth: float = 1.0


@dataclass(frozen=True)
class Choice:
    """The decision about some codes, by their indices.

    Attributes:
        needed: the smallest m of each that keeps the target, with room for chance; None where none does.
        chosen: by size; what was confirmed, or was not.
        m: of the chosen ones.
        confirmed: their recall at that m over the confirming queries.
        reached: whether ``verdict`` is confirmed to keep the target, in the whole collection too.
        verdict: the smallest code that does, else the best there is.
        runner_up: the next one that does; None where there is none.
    """

    needed: tuple[int | None, ...]
    chosen: tuple[int, ...]
    m: tuple[int, ...]
    confirmed: tuple[Interval, ...]
    reached: bool
    verdict: int
    runner_up: int | None


def interval(values: FloatArray, k: int, z: float = Z) -> Interval:
    """Mean of the queries' shares of k neighbours with Wilson's interval.

    Its number of draws is the effective one, that with which independent neighbours would vary as much as the queries'
    shares do, at most all neighbours. The interval stays inside [0, 1] and has a width when every query has the same.
    """
    count, p = len(values), float(values.mean())
    variance = float(values.var(ddof=1)) / count if count > 1 else inf
    draws = count * k if variance == 0 else max(1.0, min(count * k, p * (1 - p) / variance))
    centre = (p + z * z / (2 * draws)) / (1 + z * z / draws)
    half = z * sqrt(p * (1 - p) / draws + z * z / (4 * draws * draws)) / (1 + z * z / draws)
    return Interval(p, max(0.0, min(p, centre - half)), min(1.0, max(p, centre + half)))


def needed_multiple(shares: FloatArray, target: Target, room: float = ROOM) -> int | None:
    """The smallest m whose share is the target with room for chance; None where none has it."""
    for m in range(1, target.most + 1):
        values = shares[:, m - 1]
        if values.mean() >= target.share and interval(values, target.k, Z + room).low >= target.share:
            return m
    return None


def choose(codes: Sequence[Measured], target: Target) -> Choice:
    """Choose by the choosing queries, then confirm by the others.

    Chosen are at most six: where m is fixed, the smallest; else, among the codes of a kind that no other beats in
    both bytes and candidates, the smallest and the one of fewest candidates, and if there is room others between.
    Where no code keeps the target, the one that keeps most is confirmed alone, by all the candidates there may be.
    """
    needed = tuple(needed_multiple(code.choosing, target) for code in codes)
    if not any(needed):  # queries may be too few to leave room
        needed = tuple(needed_multiple(code.choosing, target, 0) for code in codes)
    fits = [n for n, m in enumerate(needed) if m is not None and m * codes[n].growth <= target.most]
    here = [n for n, m in enumerate(needed) if m is not None]
    by_size = sorted(fits or here, key=lambda n: (codes[n].size, needed[n]))
    chosen = by_size[:CONFIRMED] if target.fixed else _chosen(by_size, codes, needed)
    if not chosen:
        chosen = [max(range(len(codes)), key=lambda n: (codes[n].choosing[:, target.most - 1].mean(), -codes[n].size))]
    m = tuple(target.most if target.fixed else needed[n] or target.most for n in chosen)
    confirmed = tuple(interval(codes[n].confirming[:, at - 1], target.k) for n, at in zip(chosen, m, strict=True))
    kept = [
        n
        for n, at, found in zip(chosen, m, confirmed, strict=True)
        if (needed[n] or at) * codes[n].growth <= target.most and found.low >= target.share
    ]
    if kept:
        return Choice(needed, tuple(chosen), m, confirmed, True, kept[0], kept[1] if len(kept) > 1 else None)
    best = max(range(len(chosen)), key=lambda place: (confirmed[place].low, -place))
    return Choice(needed, tuple(chosen), m, confirmed, False, chosen[best], None)


def _chosen(by_size: Sequence[int], codes: Sequence[Measured], needed: Sequence[int | None]) -> list[int]:
    """The ends of each kind's front, then others of the fronts, as many as are confirmed; a runner-up in any case."""
    fronts = [_front([n for n in by_size if codes[n].kind == kind], needed) for kind in {code.kind for code in codes}]
    ends = [n for front in fronts for n in dict.fromkeys([*front[:1], *front[-1:]])]
    between = [n for n in by_size if any(n in front for front in fronts)]
    chosen = list(dict.fromkeys([*sorted(ends, key=by_size.index), *between]))[:CONFIRMED]
    if len(chosen) == 1:
        chosen += [n for n in by_size if n not in chosen][:1]
    return sorted(chosen, key=by_size.index)


def _front(by_size: Sequence[int], needed: Sequence[int | None]) -> list[int]:
    """Those that need fewer candidates than all before."""
    front: list[int] = []
    fewest = inf
    for n in by_size:
        if (m := needed[n]) is not None and m < fewest:
            front.append(n)
            fewest = m
    return front
