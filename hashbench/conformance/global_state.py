"""What a process has one of: torch's settings, and the global random generators."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class GlobalState:
    """Settings by name, and the states of the global generators of torch, numpy and random.

    Attributes:
        settings: of torch.
        torch_seed: what its generator was last seeded with.
        torch_state, numpy_state, random_state: of the generators.
    """

    settings: dict[str, Any]
    torch_seed: int
    torch_state: Tensor
    numpy_state: Any
    random_state: Any

    @classmethod
    def now(cls) -> "GlobalState":
        """As it is."""
        settings = {
            "default dtype": torch.get_default_dtype(),
            "number of threads": torch.get_num_threads(),
            "gradients": torch.is_grad_enabled(),
            "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        }
        numpy_state = np.random.get_state()  # noqa: NPY002
        return cls(settings, torch.initial_seed(), torch.get_rng_state(), numpy_state, random.getstate())

    def restore(self) -> None:
        """Make it so again."""
        torch.set_default_dtype(self.settings["default dtype"])
        torch.set_num_threads(self.settings["number of threads"])
        torch.set_grad_enabled(self.settings["gradients"])
        torch.use_deterministic_algorithms(self.settings["deterministic algorithms"])
        torch.set_rng_state(self.torch_state)
        np.random.set_state(self.numpy_state)  # noqa: NPY002
        random.setstate(self.random_state)

    def changed_settings(self, later: "GlobalState") -> list[str]:
        """What another state has otherwise, in words."""
        return [
            f"{name} {value} became {later.settings[name]}"
            for name, value in self.settings.items()
            if later.settings[name] != value
        ]

    def drawn(self, later: "GlobalState") -> list[str]:
        """Names of the generators that another state has otherwise."""
        numpy_same = all(map(np.array_equal, self.numpy_state, later.numpy_state))
        same = {
            "torch's": torch.equal(self.torch_state, later.torch_state),
            "numpy's": numpy_same,
            "random's": self.random_state == later.random_state,
        }
        return [name for name, unchanged in same.items() if not unchanged]


@contextmanager
def logged_seeds() -> Iterator[list[str]]:
    """Inside, the names of the global generators that are seeded are collected."""
    seeded: list[str] = []
    numpy_seed, random_seed, torch_seed = np.random.seed, random.seed, torch.initial_seed()

    def seed_numpy(*given: Any) -> None:
        seeded.append("numpy's")
        numpy_seed(*given)

    def seed_random(*given: Any) -> None:
        seeded.append("random's")
        random_seed(*given)

    with patch.object(np.random, "seed", seed_numpy), patch.object(random, "seed", seed_random):
        yield seeded
    if torch.initial_seed() != torch_seed:
        seeded.append("torch's")
