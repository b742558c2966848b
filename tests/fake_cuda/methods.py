"""Runs of methods on the stand-in for a GPU: fit, encode, what rankings read, and encode of a kept state."""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from hashbench.conformance.items import Items, digits
from hashbench.execution import training_data
from hashbench.execution.frozen_maps import computed_maps
from hashbench.method import Backbone, HashMethod, RunContext, TrainingSet
from hashbench.plugins.hyperparameters import resolve, resolve_for_run
from hashbench.plugins.registry import METHODS
from hashbench.util.documents import read_toml
from tests.fake_cuda.device import CPU, CUDA, stand_in
from tests.fake_cuda.findings import Findings

TABLES = read_toml(Path(__file__).parents[1] / "methods/contract.toml", "tests/methods/contract.toml", "mend it")
BITS, ITEMS, QUERIES, FIRST_QUERY = 16, 60, 10, 1_000
NET = "squeezenet1_1@32"
# Less than the contract's hyper-parameters: an operation takes some tenths of a millisecond here.
SMALLER: dict[str, dict[str, Any]] = {
    "agh": {"anchors": 40},
    "cbe": {"iterations": 1},
    "imh": {"base": 20},
    "isohash": {"iterations": 4},
    "itq": {"iterations": 4},
    "itq_cca": {"iterations": 4},
    "kmh": {"samples": 40, "iterations": 1, "subspace_bits": 2},
    "sgh": {"bases": 20},
    "spherical": {"iterations": 3},
    "bgan": {"epochs": 1, "views": 2, "batch": 16, "k1": 5, "k2": 5},
}
OF_NETWORK: dict[str, Any] = {"encoder": NET, "epochs": 1, "batch": 16, "k1": 5, "similar": 10, "head_warmup_epochs": 1}
# Ways through a method beside that of its defaults.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "agh, two layers": ("agh", {**SMALLER["agh"], "layers": 2}),
    "bgan, released": ("bgan", {**SMALLER["bgan"], "variant": "released"}),
    "bgan, a network's encoder": ("bgan", OF_NETWORK),
    "bgan, frozen blocks": ("bgan", {**OF_NETWORK, "freeze": 2, "batch_neighbours": 2}),
    "imh, eigenmaps": ("imh", {"embedding": "eigenmaps"}),
    "rabitq, cosine": ("rabitq", {}),
    "sign, medians": ("sign", {"threshold": "median"}),
    "sign, means": ("sign", {"threshold": "mean"}),
}
DISTANCES: dict[str, Any] = {"rabitq, cosine": "cosine"}


def subjects() -> list[str]:
    """Every method of the registry that is shipped, and the variants."""
    return [name for name in METHODS.names() if METHODS.is_shipped(name)] + list(VARIANTS)


@dataclass(frozen=True)
class Subject:
    """A method with hyper-parameters that make its run short.

    Attributes:
        plugin: the method.
        bits: code length.
        parameters: all hyper-parameters.
        features: id of the trial's features.
        distance: that these are near under.
    """

    plugin: type[HashMethod]
    bits: int
    parameters: Mapping[str, Any]
    features: str
    distance: Literal["l2", "cosine", "ip"]

    @classmethod
    def named(cls, name: str) -> Self:
        """The subject of :func:`subjects` of that name."""
        method, special = VARIANTS.get(name, (name, {}))
        plugin, table = METHODS.get(method), TABLES.get(method, {})
        given = special if "encoder" in special else {**table.get("smoke", {}), **SMALLER.get(method, {}), **special}
        features = NET if "encoder" in special else "pixels"
        values = resolve_for_run(plugin, resolve(method, plugin, given), features, CPU)
        return cls(plugin, table.get("bits", BITS), values, features, DISTANCES.get(name, "l2"))

    @property
    def trains_a_network(self) -> bool:
        """Whether its module imports what methods with networks share, by which fingerprints tell them as well."""
        return "hashbench.nets" in inspect.getsource(sys.modules[self.plugin.__module__])

    def make(self) -> HashMethod:
        """A method that has learnt nothing yet."""
        return self.plugin(self.bits, **self.parameters)


def on_gpu(subject: Subject, findings: Findings) -> Tensor:
    """The codes of a run on the stand-in, which ``findings`` gets what was seen of."""
    items, queries = digits(ITEMS), digits(QUERIES, FIRST_QUERY)
    with stand_in(findings, float64=not subject.trains_a_network):
        codes: Any = _run(subject, items, queries, CUDA)
    assert codes.device == CUDA
    real: Tensor = codes._real
    return real


def on_cpu(subject: Subject) -> Tensor:
    """The codes of the same run on the CPU."""
    return _run(subject, digits(ITEMS), digits(QUERIES, FIRST_QUERY), CPU)


def _run(subject: Subject, items: Items, queries: Items, device: torch.device) -> Tensor:
    """Codes of the queries by a state that was learnt from the items; all else that the engine calls is called too."""
    run = RunContext(
        device,
        training_data.own_generator(0),
        features=subject.features,
        distance=subject.distance,
        backbones=tiny_backbone,
    )
    torch.manual_seed(0)
    method = subject.make()
    size = method.image_size(subject.features) if method.traits.input == "images" else 0
    method.fit(_training_set(method, items, size, run), run)
    batch = (queries.images(size) if size else queries.features).to(device)
    with torch.inference_mode():
        _call_the_rest(method, batch, method.encode(batch))
        again = subject.make()
        again.load_state({name: value.to(device) for name, value in method.state().items()}, run)
        return again.encode(batch)


def _call_the_rest(method: HashMethod, batch: Tensor, codes: Tensor) -> None:
    """Call what rankings and the gallery read."""
    method.project(batch)
    method.restore(codes)
    if method.frozen_part() is not None:
        method.encode_maps(method.hasher_.encoder.inputs(batch))  # type: ignore[attr-defined]
    if method.traits.ranking == "estimator":
        packed = torch.zeros(len(batch), -(-method.bits // 8), dtype=torch.uint8, device=batch.device)
        method.scores(method.prepare(batch), packed, method.factors(batch))


def _training_set(method: HashMethod, items: Items, size: int, run: RunContext) -> TrainingSet:
    images = items.images(size).to(run.device) if size else None
    part = method.frozen_part()
    return training_data.training_set(
        method.traits,
        lambda: items.features.to(run.device),
        lambda: images,  # type: ignore[arg-type, return-value]
        lambda: items.labels.to(run.device),
        None if part is None or images is None else computed_maps(images, part, run.backbones, run.device),
    )


def tiny_backbone(name: str) -> Backbone:
    """A network of 32 px with two blocks to freeze."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        convolutions = nn.Conv2d(3, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2)
        net = nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone(net.eval(), 8, 32, (0.4, 0.4, 0.4), (0.2, 0.2, 0.2))
