"""A changed constant turns a golden red: one of every part of the engine that makes codes."""

from collections.abc import Callable
from typing import Any

import pytest
from torch.nn import functional

from hashbench.nets.nearest import nearest
from hashbench.util.seeds import derive_seed
from tests.golden.expected import differences
from tests.golden.golden import all_goldens

interpolate: Callable[..., Any] = functional.interpolate
# What is changed, to what, and goldens that notice.
CHANGES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "hashbench.nets.hashers.INIT_STD": (0.002, ("bgan/paper", "backbones/squeezenet1_1@64")),
    "hashbench.nets.autoencoders.LR_DROP_FRACTIONS": ((0.4, 0.8), ("autoencoders/ste-linear", "schedules/autoencoder")),
    "hashbench.nets.encoders.SMALL_WIDTHS": ((16, 32, 64, 128, 255), ("bgan/only-neighbourhood",)),
    "hashbench.nets.neighbours.nearest": (lambda x, count: nearest(x, count + 1)[:, 1:], ("neighbours/plain",)),
    "hashbench.features.gist.CONTRAST_FLOOR": (0.201, ("gist/squares",)),
    "hashbench.features.gist.PREFILTER_PADDING": (6, ("gist/squares",)),
    "hashbench.execution.training_data.derive_seed": (
        lambda root, *names: derive_seed(root, *names, 1),
        ("trial/seeds",),
    ),
    "hashbench.records.trial_spec.derive_seed": (lambda root, *names: derive_seed(root + 1, *names), ("trial/seeds",)),
    "hashbench.util.pca.RANK_TOLERANCE": (1e-3, ("pca/principal-axes", "shallow/pcah-24")),
    "torch.nn.functional.interpolate": (
        lambda *given, **named: interpolate(*given, **{**named, "antialias": False}),
        ("images/colour-20", "images/own-sizes-17", "pixels/size-11"),
    ),
}


@pytest.mark.parametrize("constant", CHANGES)
def test_a_change_turns_goldens_red(constant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changed, names = CHANGES[constant]
    monkeypatch.setattr(constant, changed)
    for name in names:
        golden = all_goldens()[name]
        assert differences(golden, golden.results()), f"{name} is as before"
