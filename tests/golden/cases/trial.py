"""The trial's own part: seeds, the limit, batches, the two reference trials."""

import tempfile
from pathlib import Path
from typing import Self

import numpy as np
import pytest
import safetensors.torch
import torch

import hashbench as hb
from hashbench import methods
from hashbench.codes import Codes
from hashbench.data.spec import open_dataset
from hashbench.dataset import Split
from hashbench.execution.references import centred_features, class_classifier, predicted_classes, random_codes
from hashbench.execution.training_data import TrainingData, encode, own_generator
from hashbench.method import HashMethod, RunContext, TrainingSet, Traits
from hashbench.records.trial_spec import TrialSpec
from hashbench.util.seeds import derive_seed, forked_generators
from tests.golden.cases.images import Pictures
from tests.golden.golden import add
from tests.golden.inputs import stored
from tests.golden.values import Bits, Exact, Floats, Pixels, Result, Table, array_of

PLUGINS = Path(__file__).parents[1] / "plugins/methods"
LIMIT = 40
NAMES: tuple[tuple[int, tuple[str | int | None, ...]], ...] = (
    (0, ()),
    (0, ("itq", 32, "cifar10/bgan", "pixels", 0)),
    (1, ("itq", 32, "cifar10/bgan", "pixels", 0)),
    (0, ("itq", 32, "cifar10/bgan", "pixels", 1)),
    (0, ("reference-float", None, "digits/holdout-200", "gist", 0)),
    (2**62, ("größe", 7)),
)


def spec(method: str, bits: int | None, protocol: str, features: str, repetition: int, seed: int) -> TrialSpec:
    """A trial of these names."""
    return TrialSpec(
        method=method,
        parameters={"rate": 0.1},
        bits=bits,
        dataset=protocol.partition("/")[0],
        protocol=protocol,
        features=features,
        features_dtype="float32",
        features_weights=None,
        backbones={},
        preset=None,
        limit=None,
        repetition=repetition,
        seed=seed,
    )


def seeds() -> dict[str, Result]:
    """Seeds by name, and what the generators draw from one."""
    trials = {
        "itq 32": spec("itq", 32, "digits/holdout-200", "pixels", 0, 0),
        "itq 32, repetition 1": spec("itq", 32, "digits/holdout-200", "pixels", 1, 0),
        "itq 64": spec("itq", 64, "digits/holdout-200", "pixels", 0, 0),
        "itq 32, seed 9": spec("itq", 32, "digits/holdout-200", "pixels", 0, 9),
        "bgan 32 on gist": spec("bgan", 32, "cifar10/bgan", "gist", 0, 0),
        "reference-float": spec("reference-float", None, "cifar10/bgan", "gist", 0, 0),
    }
    with forked_generators(5, torch.device("cpu")):
        global_draws = torch.randint(0, 1000, (5,)).tolist()
    return {
        "derived": Table(
            [{"root": root, "names": list(names), "seed": derive_seed(root, *names)} for root, names in NAMES]
        ),
        "trials": Table({name: trial.own_seed for name, trial in trials.items()}),
        "run's generator of 5": Table(torch.randint(0, 1000, (5,), generator=own_generator(5)).tolist()),
        "global generator of 5": Table(global_draws),
    }


def whole_trial() -> dict[str, Result]:
    """Two repetitions of a trial on digits, by a method that keeps what it is given; training stops at the limit."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(methods, "__path__", [*methods.__path__, str(PLUGINS)])
        patch.setattr("hashbench.execution.measure.SECONDS_PER_FIGURE", 0.001)
        patch.setenv("HASHBENCH_CACHE", str(Path(folder) / "cache"))
        run = hb.run(
            methods=["witness"],
            bits=[12],
            repeats=2,
            limit=LIMIT,
            datasets=["digits"],
            results=Path(folder) / "results",
            executor="inline",
            device="cpu",
        )
        found: dict[str, Result] = {}
        for record in run.records:
            trial = record["trial"]
            (file,) = (Path(folder) / "results/records").glob(f"*{record['key']}.npz")
            codes = np.load(file)
            name = f"{trial['method']}, {trial['repetition']}"
            if trial["method"] == "reference-random":
                found[f"{name}, queries"] = Exact(codes["query_codes"][:50])
            if trial["method"] == "witness":
                state = safetensors.torch.load_file(file.with_suffix(".safetensors"))
                found[f"{name}, items"] = Exact(items_of(state["features_"]))
                found[f"{name}, draws"] = Exact(
                    np.stack([state[f"{kind}_"] for kind in ("own", "torch", "numpy", "python")])
                )
                found[f"{name}, codes"] = Bits(Codes(codes["query_codes"][:50], 12).unpack())
    return found


def items_of(features: torch.Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """Item numbers of rows of digits' pixels, the lowest of equal ones."""
    digits = open_dataset("digits", Path())
    images = digits.images(np.arange(len(digits)))
    assert isinstance(images, torch.Tensor)
    equal = (images.flatten(1).float() / 255)[None] == features[:, None]
    return equal.all(2).int().argmax(1).numpy().astype(np.int16)


def random_reference() -> dict[str, Result]:
    """Random codes."""
    return {f"{bits} bits": Exact(random_codes(20, bits, 3).packed) for bits in (8, 13)}


def float_reference() -> dict[str, Result]:
    """Centred features of queries and database."""
    features = stored("features").numpy()
    digits = open_dataset("digits", Path())
    data = TrainingData(digits, features, np.zeros((240, 1), dtype=np.bool_))
    split = Split(train=np.arange(7, 200), query=np.arange(200, 240), database=np.arange(0, 200, 3))
    query, database = centred_features(data, split, torch.device("cpu"))
    return {
        "query": Floats(array_of(query[0:40]), 1e-6),
        "database": Floats(array_of(database[0:60]), 1e-6),
    }


def one_hot_classes() -> dict[str, Result]:
    """Classes that a linear classifier predicts, of items of one label each and of several."""
    features, numbers = stored("features").numpy(), np.arange(240)
    one = np.eye(4, dtype=np.bool_)[features[:, 0].argsort().argsort() // 60]  # by the quarters of a feature
    data = {"one label": one, "several": np.stack([one[:, 0] | one[:, 1], one[:, 1] | one[:, 2]], axis=1)}
    found: dict[str, Result] = {}
    for name, labels in data.items():
        inputs, cpu = TrainingData(open_dataset("digits", Path()), features, labels), torch.device("cpu")
        classifier = class_classifier(inputs, numbers[:150], cpu)
        found[name] = Exact(predicted_classes(classifier, inputs, numbers, cpu).packed)
    return found


class Corner(HashMethod):
    """A method on images of 20 px: are the first pixels bright?"""

    traits = Traits(input="images")

    def fit(self, train: TrainingSet, run: RunContext) -> Self:
        return self

    def encode(self, batch: torch.Tensor) -> torch.Tensor:
        return batch.flatten(1)[:, : self.bits] > 127

    def image_size(self, features: str) -> int:
        return 20


def on_images() -> dict[str, Result]:
    """What a method on images is trained on, and its codes."""
    images, cpu = stored("images"), torch.device("cpu")
    data = TrainingData(Pictures(images), np.zeros((24, 1)), np.zeros((24, 1), dtype=np.bool_))  # type: ignore[arg-type]
    run, items = RunContext(cpu, torch.Generator()), np.arange(23, -1, -2)
    train = data.training_set(Corner(30), items, run)
    codes = encode(Corner(30), data.batches(Corner(30), np.arange(24), run))
    return {"images": Pixels(array_of(train.images[torch.arange(0, 12, 3)])), "codes": Bits(codes.unpack())}


add("trial/on-images", on_images, "trial", "images")
add("trial/seeds", seeds, "trial")
add("trial/whole", whole_trial, "trial", "images", "pixels")
add("trial/random-reference", random_reference, "trial")
add("trial/float-reference", float_reference, "trial")
add("trial/one-hot-classes", one_hot_classes, "trial")
