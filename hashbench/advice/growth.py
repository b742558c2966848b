"""How m grows with the collection, from two sample sizes: m is taken to be a power of the number of vectors."""

import numpy as np
import numpy.typing as npt

from hashbench.advice.choice import LEVEL
from hashbench.advice.result import Interval

FloatArray = npt.NDArray[np.float64]
DRAWS = 200


def growth(
    small: FloatArray, large: FloatArray, share: float, sizes: tuple[int, int], size: int, seed: int
) -> Interval:
    """How many times more candidates ``size`` vectors need than the larger sample, with the interval over queries.

    m is a power of the number of vectors, between none (as many candidates) and the first (the same share of all).
    Where it falls from the smaller sample to the larger one, which happens where few vectors are near each other in the
    smaller one, no power is known: the value is then the first, the most there can be, and the interval all of them.

    Args:
        small: float64 [queries, most], share of the k nearest inside the first k m ranks, in the smaller sample.
        large: of the same queries in the larger one.
        share: the target.
        sizes: of the two samples.
        size: of the collection.
        seed: of the bootstrap over queries.
    """
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(small), np.full(len(small), 1 / len(small)), DRAWS) / len(small)
    curves = [np.concatenate([part.mean(0, keepdims=True), draws @ part]) for part in (small, large)]
    few, many = (np.array([multiple(curve, share) for curve in part]) for part in curves)
    powers = np.log(many / few) / np.log(sizes[1] / sizes[0])
    low, high = np.clip(np.quantile(powers[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2]), 0, 1)
    power = np.clip(powers[0], 0, 1)
    if np.quantile(powers[1:], (1 + LEVEL) / 2) < 0:
        low, power, high = 0.0, 1.0, 1.0
    least, value, most = (float((size / sizes[1]) ** each) for each in (low, power, high))
    return Interval(value, min(value, least), max(value, most))


def multiple(curve: FloatArray, share: float) -> float:
    """Where a curve over m = 1, 2, ... reaches the share, between whole m by straight lines; its end where it does not.

    ``curve`` is float64 [most], ascending.
    """
    place = int(np.searchsorted(curve, share))
    if place == 0 or place == len(curve):
        return float(max(1, place))
    below, above = curve[place - 1], curve[place]
    return place + float((share - below) / (above - below))
