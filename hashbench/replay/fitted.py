"""``hb.load``: the fitted method of a record, for new items."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hashbench.codes import Codes
from hashbench.data.decode import decode
from hashbench.data.images import DECODE_CHUNK_IMAGES, on_device, resize, three_channels
from hashbench.dataset import Dataset, Images, Items
from hashbench.errors import UsageError
from hashbench.execution import training_data
from hashbench.execution.array_inputs import Array, ArrayFeatures, ArrayImages
from hashbench.execution.stored_trial import StoredTrial, check_weights, load_method
from hashbench.features.extractor import Extractor
from hashbench.features.spec import extractor
from hashbench.features.weights import Weights, checked_weights
from hashbench.records.lookup import find_records
from hashbench.replay.new_items import Lists, NewItems, as_new_items
from hashbench.util.device import out_of_memory, pick_device
from hashbench.util.progress import Log, Progress, log_to_stderr, no_log


class FittedMethod:
    """The method of a record as it was fitted.

    Attributes:
        stored: the record.
        method, run: the method, and the run that it encodes in.
        name: what messages call it.
    """

    def __init__(self, stored: StoredTrial, device: torch.device, weights: Weights) -> None:
        """Load the method's state.

        Raises:
            UsageError: the record has no method here, or its state is missing or damaged.
        """
        key = stored.record["key"]
        if stored.record["reference"]:
            raise UsageError(f"record {key} is {stored.trial.method}: there is no method; name another")
        self.stored, self.weights = stored, weights
        self.method, self.run = load_method(stored, device)
        self.name = f"{stored.trial.method} of record {key[:6]}"
        self._loaded: Extractor | None = None

    @property
    def reads_images(self) -> bool:
        """Whether the method itself reads images; others read features, of images those of the record."""
        return self.method.traits.input == "images"

    @overload
    def encode(self, x: NewItems | Lists, packed: Literal[False] = False) -> npt.NDArray[np.bool_]: ...

    @overload
    def encode(self, x: NewItems | Lists, packed: Literal[True]) -> npt.NDArray[np.uint8]: ...

    def encode(self, x: NewItems | Lists, packed: bool = False) -> npt.NDArray[np.bool_] | npt.NDArray[np.uint8]:
        """Codes of new items, batch by batch.

        Args:
            x: float vectors [n, d] of the record's features, for a method on features, an array or lists of numbers; or
                images, uint8 [n, 1 or 3, h, w] or a list of files, which go through the record's features or the
                method's own resizing.
            packed: eight bits in a byte, the first highest, padding zero.

        Returns:
            bool [n, bits], True is +1; or uint8 [n, ceil(bits / 8)].

        Raises:
            UsageError: an image file cannot be decoded, the features' weights are not here, or the items are not what
                the method learnt from, are of another shape or kind, or not finite.
        """
        codes = self.codes(as_new_items(x))
        return codes.packed if packed else codes.unpack()

    def codes(self, x: NewItems, log: Log = no_log) -> Codes:
        """The same as :class:`hashbench.Codes`; ``log`` gets lines of progress."""
        noun = "vectors" if not isinstance(x, Sequence) and x.ndim == 2 else "images"
        return training_data.encode(self.method, self._counted(self.batches(x), len(x), noun, log))

    def batches(self, x: NewItems) -> Iterator[Tensor]:
        """The input of the method for ``x``, batch by batch: float32 features, or uint8 images at the method's size.

        Raises:
            UsageError: as :meth:`encode`; the method has encoded the first item before the first batch comes.
        """
        return self._tried(self._batches(x))

    def _batches(self, x: NewItems) -> Iterator[Tensor]:
        if isinstance(x, Sequence):
            return self._of_images(decode([Path(file) for file in part]) for part in _chunks(x))
        if x.ndim != 4:
            return self._of_vectors(x)
        if self.reads_images:
            rows = training_data.rows_per_batch(self.method, self._size, self._device)
            return ArrayImages(self.name, x, self._size).batches(rows, self._device)
        images = ArrayImages(self.name, x, x.shape[-1])
        return self._of_images(images.as_given(part) for part in _chunks(np.arange(len(x))))

    def dataset_batches(self, dataset: Dataset, items: Items) -> Iterator[Tensor]:
        """The same for items of a data set, read a few at a time: its vectors, or its images."""
        vectors = dataset.vectors()
        if vectors is not None:
            parts = _chunks(items, training_data.feature_batch(self._device))
            return self._tried(batch for part in parts for batch in self._of_vectors(vectors[part]))
        return self._tried(self._of_images(dataset.images(part) for part in _chunks(items)))

    @property
    def _device(self) -> torch.device:
        return self.run.device

    @property
    def _dimension(self) -> int | None:
        """Of the vectors that the method learnt from; None of a data set of images."""
        card = self.stored.record["protocol_card"]
        return card["vectors"]["dimension"] if "vectors" in card else None

    @property
    def _size(self) -> int:
        return self.method.image_size(self.run.features)

    def _of_vectors(self, x: Array) -> Iterator[Tensor]:
        if self.reads_images:
            raise UsageError(
                f"{self.name} reads images, got {x.dtype} {list(x.shape)}; give image files or uint8 [n, 1 or 3, h, w]"
            )
        features, learnt = ArrayFeatures(self.name, x), self._dimension
        if learnt is not None and features.width != learnt:
            raise UsageError(
                f"{self.name} learnt from vectors of {learnt:,} dimensions ({self.stored.trial.protocol}), got vectors "
                f"of {features.width:,}; give some of the same kind"
            )
        return features.batches(training_data.feature_batch(self._device), self._device)

    def _of_images(self, chunks: Iterator[Images]) -> Iterator[Tensor]:
        of_one_channel: bool | None = None
        for chunk in chunks:
            images = on_device(chunk, self._device)
            grey = None if self.reads_images else _grey(images)
            with torch.inference_mode():  # never around a yield: it would last as long as nobody asks for more
                if of_one_channel is None:
                    of_one_channel = grey is not None and not self._encodes(images) and self._encodes(grey)
                batch = self._input(images if grey is None or not of_one_channel else grey)
            yield batch

    def _input(self, images: Images) -> Tensor:
        """What ``encode`` reads of images: these at the method's size, or their features."""
        if self.reads_images:
            return three_channels(resize(images, self._size))
        return self.features(images).float()

    def _encodes(self, images: Images) -> bool:
        """Whether the method takes the features of such images."""
        try:
            self.method.encode(self.features(images[:1]).float())
        except RuntimeError:
            return False
        return True

    @property
    def features(self) -> Extractor:
        """The extractor of the record's features.

        Raises:
            UsageError: its weights are not here, or others.
        """
        if self._loaded is None:
            trial = self.stored.trial
            features = extractor(trial.features, self.weights, trial.features_dtype)
            check_weights(self.stored, features)
            self._loaded = features
        return self._loaded

    def _counted(self, batches: Iterator[Tensor], items: int, noun: str, log: Log) -> Iterator[Tensor]:
        progress = Progress(items, log, noun)
        for batch in batches:
            yield batch
            progress.done(len(batch))

    def _tried(self, batches: Iterator[Tensor]) -> Iterator[Tensor]:
        for number, batch in enumerate(batches):
            if not number:
                self._try(batch[:1])
            yield batch

    def _try(self, batch: Tensor) -> None:
        """Encode one item, so that input of another kind than the method's is one line."""
        try:
            self.method.encode(batch)
        except Exception as error:
            if out_of_memory(error):
                raise
            what = f"{batch.shape[1]:,} features" if batch.ndim == 2 else f"images {list(batch.shape[1:])}"
            line = str(error).partition("\n")[0]
            raise UsageError(
                f"{self.name} cannot encode items of {what} ({line}); give items like those it learnt from, "
                f"{self.stored.trial.features} of {self.stored.trial.protocol}"
            ) from error


def load(
    record: str | Path,
    results: str | Path = "results",
    device: str = "auto",
    weights: Mapping[str, str | Path] | None = None,
    offline: bool = False,
) -> FittedMethod:
    """The fitted method of a record: ``hb.load("results/records/....json").encode(x)``.

    Args:
        record: the record's .json file, or the beginning of its key.
        results: the result folder in which a key is looked for.
        device: auto, cpu, cuda, cuda:1.
        weights: {name of a network: file of its state dict}, for a record on a network's features.
        offline: download nothing.

    Raises:
        hashbench.UsageError: no such record, or there is no method or no state of it.
    """
    (file,) = find_records([str(record)], Path(results))
    files = Weights(checked_weights(weights or {}), offline, log_to_stderr)
    return FittedMethod(StoredTrial.read(file), pick_device(device), files)


def _grey(images: Images) -> Tensor | None:
    """Image files as one tensor of one channel, as grey data sets have them; None where they are not all that."""
    if isinstance(images, Tensor) or len({tuple(image.shape) for image in images}) != 1 or len(images[0]) != 1:
        return None
    return torch.stack(images)


def _chunks(x: Any, size: int = DECODE_CHUNK_IMAGES) -> Iterator[Any]:
    """Parts of a list or an array, by default of as many images as are decoded at a time."""
    for start in range(0, len(x), size):
        yield x[start : start + size]
