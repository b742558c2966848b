"""Tables over all steps: steepness by stage, learning rates, warm-up."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from hashbench.nets.schedules import TrainingStep
from tests.golden.cases.bgan import bgan, tiny
from tests.golden.cases.trainings import autoencoder
from tests.golden.golden import add
from tests.golden.values import Result, Table

SHAPES = ((12, 1), (5, 3), (1, 6), (3, 2))  # epochs, steps in each
STAGES = ((1.0, 2.0, 4.0, 8.0), (1.0, 3.0, 9.0), (1.0,))


def stages_and_decay() -> dict[str, Result]:
    """Steepness for several lists of values, and the factor of the learning rate, step by step."""
    tables = {}
    for epochs, steps in SHAPES:
        every = [TrainingStep(epoch, epochs, step, steps) for epoch in range(epochs) for step in range(steps)]
        stages = {", ".join(map(str, values)): [step.stage(values) for step in every] for values in STAGES}
        tables[f"{epochs} epochs of {steps} steps"] = {**stages, "cosine": [step.cosine() for step in every]}
    return {"by step": Table(tables)}


@contextmanager
def learning_rates() -> Iterator[dict[str, list[float]]]:
    """Learning rates of all steps inside, for each group of tensors of each optimiser, in the order of first steps."""
    rates: dict[str, list[float]] = {}
    numbers: dict[int, int] = {}
    known: list[torch.optim.Optimizer] = []  # kept, so that no id comes twice

    def note(optimiser: torch.optim.Optimizer, given: Any, named: Any) -> None:
        if id(optimiser) not in numbers:
            numbers[id(optimiser)] = len(known)
            known.append(optimiser)
        for group in optimiser.param_groups:
            settings = f"betas {group['betas']}, eps {group['eps']:g}, weight decay {group['weight_decay']:g}"
            which = f"{type(optimiser).__name__} {numbers[id(optimiser)]}, {len(group['params'])} tensors, {settings}"
            rates.setdefault(which, []).append(float(group["lr"]))

    handle = register_optimizer_step_pre_hook(note)
    try:
        yield rates
    finally:
        handle.remove()


def rates(training: partial[dict[str, Result]]) -> dict[str, Result]:
    """Learning rates of all steps of a training."""
    with learning_rates() as steps:
        training()
    return {"rates": Table(steps)}


TRAININGS = {
    "bgan-paper": partial(bgan, batch=12, epochs=3),
    "bgan-released": partial(bgan, variant="released", epochs=3),
    "bgan-without-discriminator": partial(bgan, perceptual=0.0, adversarial=0.0, epochs=2),
    "bgan-warm-up": partial(tiny, batch=12, head_warmup_epochs=2, epochs=2),
    "bgan-no-warm-up": partial(tiny, head_warmup_epochs=0, epochs=2),
    "bgan-constant": partial(tiny, cosine_decay=False, head_warmup_epochs=1, epochs=1),
    "autoencoder": partial(autoencoder, "ste_autoencoder", epochs=10),
}
add("schedules/stages", stages_and_decay, "nets")
for case, training in TRAININGS.items():
    name = "ste_autoencoder" if case == "autoencoder" else "bgan"
    add(f"schedules/{case}", partial(rates, training), "nets", methods=(name,))
