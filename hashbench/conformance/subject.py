"""The method under test, with the trainings that several checks look at."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hashbench.conformance.global_state import GlobalState, logged_seeds
from hashbench.conformance.items import Items, digits
from hashbench.conformance.watched import WatchedTrainingSet
from hashbench.execution import training_data
from hashbench.features.backbones import load_backbone
from hashbench.features.weights import Weights
from hashbench.method import HashMethod, RunContext
from hashbench.util.device import network_dtype, repeatable
from hashbench.util.progress import no_log

FEATURE_ITEMS, IMAGE_ITEMS, QUERIES = 600, 128, 48
FIRST_QUERY = 1_000
FEATURES = "pixels"
CPU = torch.device("cpu")


class NotFittedError(Exception):
    """The training that a check looks at failed; :func:`hashbench.conformance.fitting.fits_digits` says how."""


@dataclass(frozen=True)
class Training:
    """A fitted method and how its training went.

    Attributes:
        method: the method.
        returned: what ``fit`` returned.
        train: what it was given; logs access to labels.
        run: what it was run in, with what it logged.
        before, after: the process's settings and generators around ``fit``.
        seeded: names of the global generators that ``fit`` seeded.
        attributes: names of the method's attributes before ``fit``, with their values in words.
    """

    method: HashMethod
    returned: object
    train: WatchedTrainingSet
    run: RunContext
    before: GlobalState
    after: GlobalState
    seeded: list[str]
    attributes: Mapping[str, str]


class Subject:
    """A method under test.

    Args:
        method: its class.
        name: what messages call it.
        bits: code length of most checks.
        parameters: all hyper-parameters.
    """

    def __init__(self, method: type[HashMethod], name: str, bits: int, parameters: Mapping[str, Any]) -> None:
        self.method, self.name, self.bits, self.parameters = method, name, bits, dict(parameters)
        self.traits = method.traits

    @property
    def file(self) -> Path:
        """The source file of the class."""
        return Path(inspect.getsourcefile(self.method) or "")

    @property
    def reads_images(self) -> bool:
        """Whether ``fit`` and ``encode`` read images."""
        return self.traits.input == "images"

    @cached_property
    def items(self) -> Items:
        """The training items of most checks: digits."""
        return digits(IMAGE_ITEMS if self.reads_images else FEATURE_ITEMS)

    @cached_property
    def queries(self) -> Tensor:
        """Other digits, as ``encode`` reads them."""
        return self.batch(digits(QUERIES, FIRST_QUERY))

    def make(self, bits: int | None = None) -> HashMethod:
        """A method that has learnt nothing yet."""
        return self.method(self.bits if bits is None else bits, **self.parameters)

    def batch(self, items: Items) -> Tensor:
        """The items as ``encode`` reads them: features, or images at the method's size."""
        return items.images(self.make().image_size(FEATURES)) if self.reads_images else items.features.clone()

    def context(self, seed: int = 0) -> RunContext:
        """What the engine gives to ``fit``, without downloads."""
        return RunContext(
            CPU,
            training_data.own_generator(seed),
            features=FEATURES,
            dtype=network_dtype(self.parameters.get("precision")),
            backbones=lambda spec: load_backbone(spec, Weights({}, True, no_log)),
        )

    def fit(self, items: Items, bits: int | None = None, seed: int = 0, onto: HashMethod | None = None) -> Training:
        """Fit as the engine does, to copies of the items; labels are there as well, watched."""
        method = self.make(bits) if onto is None else onto
        features = not self.reads_images or self.traits.wants_features
        train = WatchedTrainingSet(
            given_features=items.features.clone() if features else None,
            given_images=self.batch(items) if self.reads_images else None,
            given_labels=items.labels.clone(),
        )
        run, attributes = self.context(seed), {name: repr(value) for name, value in vars(method).items()}
        before = GlobalState.now()
        try:
            returned, after, seeded = self._fit(method, train, run, seed)
        finally:
            before.restore()
        return Training(method, returned, train, run, before, after, seeded, attributes)

    def _fit(self, method: HashMethod, train: WatchedTrainingSet, run: RunContext, seed: int) -> Any:
        """What ``fit`` returned, the global state inside the engine's fork, and the generators seeded there."""

        def fit_and_look(train: Any, run: RunContext) -> Any:
            with logged_seeds() as seeded:
                returned = method.fit(train, run)
            return returned, GlobalState.now(), seeded

        return training_data.fit(_Fitting(fit_and_look), train, run, seed)  # type: ignore[arg-type]

    def encode(self, method: HashMethod, batch: Tensor) -> Tensor:
        """The codes of a copy of the batch.

        Raises:
            TypeError: ``encode`` returned no tensor.
        """
        with torch.inference_mode(), repeatable():
            codes = method.encode(batch.clone())
        if not isinstance(codes, Tensor):
            raise TypeError(f"encode returned a {type(codes).__name__}, not a tensor")
        return codes

    @cached_property
    def _trained(self) -> Training | Exception:
        try:
            return self.fit(self.items)
        except Exception as error:
            return error

    @property
    def fault(self) -> Exception | None:
        """What the training on :attr:`items` ended in."""
        return self._trained if isinstance(self._trained, Exception) else None

    @property
    def trained(self) -> Training:
        """The training on :attr:`items`.

        Raises:
            NotFittedError: it failed.
        """
        if isinstance(self._trained, Exception):
            raise NotFittedError from self._trained
        return self._trained

    @property
    def fitted(self) -> HashMethod:
        """The method, fitted to :attr:`items`."""
        return self.trained.method

    @cached_property
    def codes(self) -> Tensor:
        """Its codes of :attr:`queries`."""
        return self.encode(self.fitted, self.queries)

    @cached_property
    def second(self) -> HashMethod:
        """Fitted as :attr:`fitted` was, with the same seed."""
        assert self.trained
        return self.fit(self.items).method

    @cached_property
    def second_codes(self) -> Tensor:
        """Codes of :attr:`queries` by :attr:`second`."""
        return self.encode(self.second, self.queries)

    @property
    def repeats(self) -> bool:
        """Whether the same seed gave the same codes."""
        return agreement(self.codes, self.second_codes) == 1


@dataclass(frozen=True)
class _Fitting:
    """A method's ``fit``, for the engine to call."""

    fit: Any


def agreement(codes: Tensor, others: Tensor) -> float:
    """The share of equal bits; 0 for codes of other shapes, 1 for none."""
    if codes.shape != others.shape:
        return 0.0
    return float((codes == others).double().mean()) if codes.numel() else 1.0
