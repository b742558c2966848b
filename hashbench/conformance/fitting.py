"""How a method is trained."""

import math

import torch
from torch import Tensor

from hashbench.conformance.check import Inapplicable, check
from hashbench.conformance.items import digits
from hashbench.conformance.subject import Subject, agreement
from hashbench.errors import in_words

OTHER_SEED = 1


@check("train on what the trait `input` names; a method that needs more items, or other bits, raises Incompatible")
def fits_digits(subject: Subject) -> str | None:
    """`fit` learns from some hundred digits."""
    fault = subject.fault
    return None if fault is None else f"fit raised {in_words(fault)}"


@check("end it with `return self`")
def fit_returns_self(subject: Subject) -> str | None:
    """`fit` returns the method itself."""
    returned = subject.trained.returned
    return None if returned is subject.fitted else f"fit returned a {type(returned).__name__}"


@check("end the names of what is learnt in '_', and leave hyper-parameters as they were given")
def fit_keeps_its_hyper_parameters(subject: Subject) -> str | None:
    """`fit` changes no attribute that `__init__` set, and what it sets ends in '_' (or begins so, and is private)."""
    before = subject.trained.attributes
    for name, value in vars(subject.fitted).items():
        if name.startswith("_") or name.endswith("_"):
            continue
        if name not in before:
            return f"fit set {name}"
        if repr(value) != before[name]:
            return f"fit changed {name} from {before[name]} to {value!r}"
    return None


@check("leave them alone, or declare supervised=True, which gives the method a table of its own")
def reads_no_labels(subject: Subject) -> str | None:
    """An unsupervised method does not look at labels, even where there are some."""
    if subject.traits.supervised:
        raise Inapplicable("it is declared supervised")
    read = subject.trained.train.read
    return f"fit read train.{read[0]}" if read else None


@check("work on a copy: x = train.features.clone()")
def fit_leaves_its_input(subject: Subject) -> str | None:
    """`fit` leaves features and images as they were."""
    train = subject.trained.train
    given = {"features": (train.given_features, subject.items.features)}
    if subject.reads_images:
        given["images"] = (train.given_images, subject.batch(subject.items))  # type: ignore[assignment]
    for name, (now, was) in given.items():
        if isinstance(now, Tensor) and not torch.equal(now, was):
            return f"fit changed {int((now != was).sum()):,} of {was.numel():,} numbers of its {name} in place"
    return None


@check("pass generator=run.generator to each draw, or draw from torch's global generator, which the engine seeds")
def repeats_with_a_seed(subject: Subject) -> str | None:
    """Two trainings with one seed give the same codes."""
    if subject.repeats:
        return None
    return f"{_differing(subject, subject.second_codes)} after a second training with the same seed"


@check("draw from run.generator, or declare deterministic=True where nothing is drawn")
def draws_as_declared(subject: Subject) -> str | None:
    """Another seed gives other codes, unless traits.deterministic says that nothing is drawn."""
    assert subject.trained
    codes = subject.encode(subject.fit(subject.items, seed=OTHER_SEED).method, subject.queries)
    same = agreement(subject.codes, codes) == 1
    if subject.traits.deterministic and not same:
        return f"deterministic is declared, and {_differing(subject, codes)} with another seed"
    if same and not subject.traits.deterministic:
        return "another seed gave the same codes"
    return None


@check("take the seeding out: the engine seeds them before fit")
def reseeds_no_generator(subject: Subject) -> str | None:
    """`fit` does not seed the global generators, which would make all repetitions alike."""
    seeded = subject.trained.seeded
    return f"fit seeded {' and '.join(dict.fromkeys(seeded))} global generator" if seeded else None


@check("change it for a block only, with the context manager that torch has for it")
def fit_leaves_global_settings(subject: Subject) -> str | None:
    """`fit` leaves torch's default dtype, threads, gradients and determinism as they were."""
    changed = subject.trained.before.changed_settings(subject.trained.after)
    return ", ".join(changed) if changed else None


@check("start from nothing in fit: overwrite what an earlier training left")
def fit_starts_anew(subject: Subject) -> str | None:
    """A method that was fitted before learns the same as a new one."""
    if not subject.repeats:
        raise Inapplicable("its codes do not repeat with a seed")
    used = subject.fit(digits(len(subject.items), first=600)).method
    codes = subject.encode(subject.fit(subject.items, onto=used).method, subject.queries)
    if agreement(subject.codes, codes) == 1:
        return None
    return f"{_differing(subject, codes)} after the method was fitted to other items first"


@check("find out where they come from; log a mean only where there is something to average")
def logs_finite_values(subject: Subject) -> str | None:
    """What `fit` logs by log_epoch and log_fact is finite."""
    run = subject.trained.run
    if not run.epochs and not run.facts:
        raise Inapplicable("nothing is logged")
    for epoch in run.epochs:
        for name, value in epoch.items():
            if not math.isfinite(value):
                return f"{name} is {value} in epoch {epoch['epoch']:.0f}"
    for name, fact in run.facts.items():
        if isinstance(fact, float) and not math.isfinite(fact):
            return f"{name} is {fact}"
    return None


def _differing(subject: Subject, codes: Tensor) -> str:
    return f"{1 - agreement(subject.codes, codes):.1%} of bits differ"
