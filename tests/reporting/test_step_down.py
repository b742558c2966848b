"""Step-down p of many pairs against the definition, pair by pair over all resamples."""

import numpy as np
import pytest

from hashbench.reporting import step_down as module
from hashbench.reporting.statistics import SIGNIFICANCE, FloatArray
from hashbench.reporting.step_down import Pairs, step_down

RESAMPLES = 500


def plain(pairs: Pairs, strays: FloatArray) -> tuple[FloatArray, float]:
    """By the definition: each pair's size against the largest stray of all pairs that are no farther."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.abs(pairs.apart) / pairs.errors
        ratios = np.abs(strays[pairs.first] - strays[pairs.second]) / pairs.errors[:, None]
    sizes, ratios = np.nan_to_num(sizes, posinf=np.inf), np.nan_to_num(ratios, posinf=np.inf)
    order = np.argsort(sizes, kind="stable")
    maxima = np.maximum.accumulate(ratios[order], axis=0)
    raw = (1 + (maxima >= sizes[order][:, None] * (1 - 1e-12)).sum(axis=1)) / (1 + RESAMPLES)
    p = np.empty_like(raw)
    p[order] = [max(raw[place:]) for place in range(len(raw))]
    last = max(int((p >= SIGNIFICANCE).sum()) - 1, 0)
    return p, float(np.quantile(maxima[last], 1 - SIGNIFICANCE))


def drawn(seed: int, items: int, spread: float, noise: float) -> tuple[Pairs, FloatArray, FloatArray]:
    """Items whose means are ``spread`` apart on average, with resampled strays that all share a part."""
    generator = np.random.default_rng(seed)
    strays = generator.normal(0, noise, (items, RESAMPLES)) + generator.normal(0, 1, RESAMPLES)
    means = generator.normal(0, spread, items)
    first, second = np.triu_indices(items, 1)
    errors = np.full(len(first), noise * np.sqrt(2))
    centres = np.abs(strays - strays.mean(axis=0)).max(axis=1)
    return Pairs(first, second, means[first] - means[second], errors), strays, centres


@pytest.mark.parametrize("spread", [0.0, 0.1, 1.0, 50.0])
@pytest.mark.parametrize("items", [2, 3, 12])
def test_p_is_that_of_the_definition(items: int, spread: float) -> None:
    for seed in range(5):
        pairs, strays, centres = drawn(seed, items, spread, 0.1)
        (p, critical), (wanted, wanted_critical) = step_down(pairs, strays, centres), plain(pairs, strays)
        assert p.tolist() == wanted.tolist()
        assert critical == wanted_critical


def test_pairs_without_any_spread_are_infinitely_far_or_equal() -> None:
    strays = np.zeros((3, RESAMPLES))
    first, second = np.triu_indices(3, 1)
    pairs = Pairs(first, second, np.array([0.0, 1.0, 1.0]), np.zeros(3))
    p, _ = step_down(pairs, strays, np.zeros(3))
    assert p.tolist() == plain(pairs, strays)[0].tolist()
    assert p[0] == 1


def test_pairs_beyond_what_any_resample_can_reach_are_not_resampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a table of a few hundred rows takes minutes."""
    pairs, strays, centres = drawn(0, 40, 1000.0, 0.1)
    counts = []
    running_maxima = module._running_maxima

    def counted(*words: object) -> object:
        for count, largest in enumerate(running_maxima(*words), 1):  # type: ignore[arg-type]
            counts.append(count)
            yield largest

    monkeypatch.setattr(module, "_running_maxima", counted)
    step_down(pairs, strays, centres)
    assert len(counts) < len(pairs.first) / 20
