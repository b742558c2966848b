"""``hb.hasher``: arrays in, arrays out, for one method outside of any grid."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import check_bits
from hashbench.data.images import resize, three_channels
from hashbench.execution import training_data
from hashbench.features.backbones import load_backbone
from hashbench.features.weights import Weights, checked_weights
from hashbench.method import HashMethod, RunContext
from hashbench.plugins.hyperparameters import resolve, resolve_for_run
from hashbench.plugins.registry import METHODS
from hashbench.util.device import network_dtype, pick_device
from hashbench.util.progress import log_to_stderr
from hashbench.util.seeds import derive_seed

Array = npt.NDArray[Any] | Tensor


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

        Raises:
            hashbench.Incompatible: the method cannot make its bits from this input.
            ValueError: shape or dtype is not what the method reads.
        """
        self._check_labels(labels)
        inputs = self._input(x).clone()  # the caller's array stays as it is, whatever the method does
        train = training_data.training_set(
            self.fitted.traits,
            lambda: self._features(x, inputs, features),
            lambda: inputs,
            lambda: self._multi_hot(labels),
        )
        seed = derive_seed(self.seed, self.name, self.fitted.bits)
        run = RunContext(
            self.device,
            training_data.own_generator(seed),
            dtype=network_dtype(self.parameters.get("precision")),
            backbones=lambda spec: load_backbone(spec, self.weights),
        )
        training_data.fit(self.fitted, train, run, seed)
        self.epochs, self._width = run.epochs, inputs.shape[1]
        return self

    def encode(self, x: Array) -> npt.NDArray[np.bool_]:
        """Bool [n, bits] of ``x``; True is +1.

        Raises:
            ValueError: before :meth:`fit`, or for input of another kind or width than it had.
        """
        inputs = self._input(x)
        if self._width is None:
            raise ValueError(f"{self.name} has learnt nothing yet: call fit before encode")
        if inputs.shape[1] != self._width:
            raise ValueError(f"{self.name}: got {inputs.shape[1]} features, wanted the {self._width} of fit")
        step = training_data.rows_per_batch(self.fitted, inputs.shape[-1], self.device)
        return training_data.encode(self.fitted, iter(torch.split(inputs, step))).unpack()

    def _input(self, x: Array) -> Tensor:
        tensor = _tensor(x)
        if self.fitted.traits.input == "images":
            if tensor.dtype != torch.uint8 or tensor.ndim != 4 or tensor.shape[1] not in (1, 3):
                raise ValueError(
                    f"{self.name}: got {tensor.dtype} {list(tensor.shape)}, wanted uint8 images [n, 1 or 3, h, w]"
                )
            size = self.fitted.image_size("pixels")
            return three_channels(resize(tensor, size)).contiguous().to(self.device)
        if tensor.ndim != 2 or tensor.dtype == torch.bool or tensor.is_complex():
            raise ValueError(f"{self.name}: got {tensor.dtype} {list(tensor.shape)}, wanted float features [n, d]")
        return tensor.to(torch.float32).to(self.device)

    def _features(self, x: Array, inputs: Tensor, features: Array | None) -> Tensor:
        """The features that ``fit`` reads: ``x``, or beside images those that were given, else the pixels."""
        if self.fitted.traits.input == "features":
            return inputs
        teacher = _tensor(x).flatten(1).float() / 255 if features is None else _tensor(features).float()
        return teacher.to(self.device)

    def _check_labels(self, labels: Array | None) -> None:
        if labels is not None and not self.fitted.traits.supervised:
            raise ValueError(f"{self.name} is unsupervised: fit takes no labels")
        if labels is None and self.fitted.traits.supervised:
            raise ValueError(f"{self.name} is supervised: fit needs labels")

    def _multi_hot(self, labels: Array | None) -> Tensor:
        assert labels is not None
        tensor = _tensor(labels)
        return (torch.nn.functional.one_hot(tensor.long()) > 0 if tensor.ndim == 1 else tensor.bool()).to(self.device)


def _tensor(x: Array) -> Tensor:
    return x if isinstance(x, Tensor) else torch.from_numpy(np.ascontiguousarray(x))


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
    return Estimator(name, check_bits(bits), seed, device, Weights(files, offline, log_to_stderr), parameters)
