"""Seeds by name and the fork of the global generators."""

import random

import numpy as np
import torch

from hashbench.util.seeds import derive_seed, forked_generators


def test_a_seed_belongs_to_its_names() -> None:
    assert derive_seed(0, "itq", 32) == derive_seed(0, "itq", 32)
    assert len({derive_seed(0, "itq", 32), derive_seed(1, "itq", 32), derive_seed(0, "itq", 64)}) == 3
    assert derive_seed(0, "ab", "c") != derive_seed(0, "a", "bc")
    assert 0 <= derive_seed(0, "x") < 2**63


def test_seeds_are_what_they_were_when_the_first_records_were_made() -> None:
    assert derive_seed(0, "itq", 32, "digits/holdout-200", "pixels", 0) == 454368732493132800


def test_the_global_generators_are_seeded_inside_and_untouched_outside() -> None:
    def draw() -> tuple[float, float, float]:
        return torch.rand(1).item(), np.random.rand(), random.random()  # noqa: NPY002

    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    undisturbed = [draw(), draw()]
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    first = draw()
    with forked_generators(1, torch.device("cpu")):
        inside = draw()
    assert [first, draw()] == undisturbed
    with forked_generators(1, torch.device("cpu")):
        assert draw() == inside
