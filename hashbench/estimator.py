"""``hb.hasher``: arrays in, arrays out, for one method outside of any grid."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import check_bits
from hashbench.evaluation.relevance import as_multi_hot
from hashbench.execution import training_data
from hashbench.execution.array_inputs import Array, ArrayFeatures, ArrayImages
from hashbench.features.backbones import load_backbone
from hashbench.features.weights import Weights, checked_weights
from hashbench.method import HashMethod, ImageBatches, RunContext
from hashbench.plugins.hyperparameters import resolve, resolve_for_run
from hashbench.plugins.registry import METHODS
from hashbench.util.arrays import as_numpy
from hashbench.util.device import network_dtype, pick_device
from hashbench.util.numbers import INT64, whole_number
from hashbench.util.progress import log_to_stderr
from hashbench.util.seeds import derive_seed


class Estimator:
    """A hashing method with ``fit`` and ``encode`` for arrays.

    Methods on features take float [n, d]; methods on images take uint8 [n, c, h, w] with c of 1 or 3 and, where they
    want features as well (bgan's teacher), ``fit(images, features=...)``; without, the pixels serve.
    """

    def __init__(
        self, name: str, bits: int, seed: int, device: str, weights: Weights, parameters: dict[str, Any]
    ) -> None:
        method = METHODS.get(name)
        self.name, self.seed, self.device, self.weights = name, seed, pick_device(device), weights
        self.parameters = resolve_for_run(method, resolve(name, method, parameters), "pixels", self.device)
        self.fitted: HashMethod = method(bits, **self.parameters)
        self.epochs: list[dict[str, float]] = []
        self._width: int | None = None

    def fit(self, x: Array, features: Array | None = None, labels: Array | None = None) -> Self:
        """Learn from ``x``; ``labels`` (class numbers [n] or bool [n, classes]) only for supervised methods.

        Memory: beside ``x`` its copy in float32, or the resized images in uint8 up to 4 GiB (more are resized batch by
        batch), and what the method itself takes. Where pixels serve as features, these are float32.

        Raises:
            hashbench.Incompatible: the method cannot make its bits from this input.
            ValueError: shape or dtype is not what the method reads, or a feature is NaN or infinite.
        """
        self._check_labels(labels)
        inputs = self._input(x)
        train = training_data.training_set(
            self.fitted.traits,
            lambda: self._features(inputs, features),
            lambda: self._images(inputs),
            lambda: torch.from_numpy(as_multi_hot(as_numpy(labels))).to(self.device),
        )
        seed = derive_seed(self.seed, self.name, self.fitted.bits)
        run = RunContext(
            self.device,
            training_data.own_generator(seed),
            dtype=network_dtype(self.parameters.get("precision")),
            backbones=lambda spec: load_backbone(spec, self.weights),
        )
        training_data.fit(self.fitted, train, run, seed)
        self.epochs, self._width = run.epochs, inputs.width
        return self

    @overload
    def encode(self, x: Array, packed: Literal[False] = False) -> npt.NDArray[np.bool_]: ...

    @overload
    def encode(self, x: Array, packed: Literal[True]) -> npt.NDArray[np.uint8]: ...

    def encode(self, x: Array, packed: bool = False) -> npt.NDArray[np.bool_] | npt.NDArray[np.uint8]:
        """Codes of ``x``, which is converted, resized and moved to the device batch by batch.

        Args:
            x: as in :meth:`fit`; may be memory-mapped.
            packed: eight bits in a byte, the first highest, padding zero, as :class:`hashbench.HammingIndex` takes
                them beside ``bits``.

        Returns:
            bool [n, bits], True is +1; or uint8 [n, ceil(bits / 8)].

        Raises:
            ValueError: before :meth:`fit`, or for input of another kind or width than it had, or that is not finite.
        """
        inputs = self._input(x)
        if self._width is None:
            raise ValueError(f"{self.name} has learnt nothing yet: call fit before encode")
        if inputs.width != self._width:
            raise ValueError(f"{self.name}: got {inputs.width} features, wanted the {self._width} of fit")
        size = inputs.size if isinstance(inputs, ArrayImages) else 0
        rows = training_data.rows_per_batch(self.fitted, size, self.device)
        codes = training_data.encode(self.fitted, inputs.batches(rows, self.device))
        return codes.packed if packed else codes.unpack()

    def _input(self, x: Array) -> ArrayFeatures | ArrayImages:
        if self.fitted.traits.input == "images":
            return ArrayImages(self.name, x, self.fitted.image_size("pixels"))
        return ArrayFeatures(self.name, x)

    def _features(self, inputs: ArrayFeatures | ArrayImages, features: Array | None) -> Tensor:
        """The features that ``fit`` reads: ``x``, or beside images those that were given, else the pixels."""
        if isinstance(inputs, ArrayFeatures):
            return inputs.load_all(self.device)
        if features is None:
            return inputs.pixels(self.device)
        return ArrayFeatures(f"{self.name}, features", features).load_all(self.device)

    def _images(self, inputs: ArrayFeatures | ArrayImages) -> ImageBatches:
        assert isinstance(inputs, ArrayImages)
        return inputs.for_training(self.device)

    def _check_labels(self, labels: Array | None) -> None:
        if labels is not None and not self.fitted.traits.supervised:
            raise ValueError(f"{self.name} is unsupervised: fit takes no labels")
        if labels is None and self.fitted.traits.supervised:
            raise ValueError(f"{self.name} is supervised: fit needs labels")


def hasher(
    name: str,
    bits: int,
    seed: int = 0,
    device: str = "auto",
    weights: Mapping[str, str | Path] | None = None,
    offline: bool = False,
    **parameters: Any,
) -> Estimator:
    """A method by name: ``hb.hasher("itq", bits=32).fit(x).encode(x)``.

    Args:
        name: as on the command line.
        bits: code length, 1 to 4096.
        seed: root of all draws.
        device: auto, cpu, cuda, cuda:1.
        weights: {name of a network: file of its state dict}, for a method that trains a pre-trained network on;
            the published ones where none is given.
        offline: download nothing.
        parameters: hyper-parameters of the method.

    Raises:
        hashbench.UsageError: unknown method or parameter, with the nearest name.
    """
    files = checked_weights(weights or {})
    root = whole_number("seed", seed, -INT64, INT64 - 1, "a whole number of at most 64 bits")
    return Estimator(name, check_bits(bits), root, device, Weights(files, offline, log_to_stderr), parameters)
