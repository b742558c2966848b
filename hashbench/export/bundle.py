"""Exports the fitted method of a record: files, a check and a card in one folder."""

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hashbench.dataset import Dataset
from hashbench.errors import UsageError
from hashbench.export import card
from hashbench.export.check import CHECKED_ITEMS, Check, by_onnx, check_bits
from hashbench.export.numpy_files import NUMBERS, READER, by_numpy, write_numpy
from hashbench.method import Linear
from hashbench.replay.fitted import FittedMethod
from hashbench.util.files import put_in_place, staging_folder

ONNX = "encoder.onnx"
WITH_ONNX = ("onnx", "onnxscript", "onnxruntime")
CARD, READ_ME = "card.json", "README.md"


@dataclass(frozen=True)
class Exported:
    """What was exported: the folder, its files and the comparisons of each encoder with the method."""

    folder: Path
    files: list[str]
    checks: list[Check]


def export(
    fitted: FittedMethod, items: Iterator[Tensor], out: Path, changes: list[str], with_onnx: bool = True
) -> Exported:
    """Write encoder, card and check into the folder ``out``, all or nothing; an earlier export there is replaced.

    Args:
        fitted: on the CPU.
        items: batches of the method's input to check on; the first 1,000 items are taken.
        out: the folder, made if need be.
        changes: what changed since the record was made, for the card.
        with_onnx: also write the encoder as ONNX; without a linear projection there is nothing else.

    Raises:
        UsageError: the method is an estimator, or has no projection, or none that is linear where ONNX is not wanted;
            ONNX is wanted and not installed; or an encoder's bits are not the method's.
        StorageError: the folder cannot be written.
    """
    name, linear = fitted.stored.trial.method, fitted.method.linear()
    if fitted.method.traits.ranking == "estimator":
        raise UsageError(
            f"{name} ranks by estimates from factors beside its codes, and an export has bits alone; search by "
            "`hashbench query`, or name a record that ranks by Hamming distance"
        )
    batches = list(_first(items, CHECKED_ITEMS))
    if linear is None:
        with torch.inference_mode():
            if fitted.method.project(batches[0][:1]) is None:
                raise UsageError(
                    f"{name} gives no projection (HashMethod.project), which is what is exported; name another"
                )
        if not with_onnx:
            raise UsageError(
                f"{name} gives no linear projection (HashMethod.linear), which the reader in numpy needs: it is "
                "exported as ONNX alone; leave --without-onnx out"
            )
    if with_onnx and (missing := [module for module in WITH_ONNX if importlib.util.find_spec(module) is None]):
        way_out = ", or leave ONNX out (--without-onnx)" if linear is not None else ""
        raise UsageError(f"ONNX needs {', '.join(missing)}: pip install 'hashbench[export]'{way_out}")
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file, wanted a folder; name another")
    with staging_folder(out.absolute().parent, out.name) as stage:
        folder = stage / out.name
        folder.mkdir()
        files = _write(fitted, linear, batches[0], folder, with_onnx)
        checks = _checks(fitted, linear, batches, folder)
        content = card.facts(fitted, tuple(batches[0].shape[1:]), checks, changes)
        (folder / CARD).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        files[CARD] = "this card for programs, with all metrics"
        (folder / READ_ME).write_text(card.markdown(content, files, checks), encoding="utf-8")
        put_in_place(folder, out)
    for left in {NUMBERS, READER, ONNX} - files.keys():
        (out / left).unlink(missing_ok=True)
    return Exported(out, [*files, READ_ME], checks)


def dataset_items(fitted: FittedMethod, dataset: Dataset) -> Iterator[Tensor]:
    """Input of the method from the queries, then the database, of the record's data set."""
    split = dataset.split().among(dataset.present())
    return fitted.dataset_batches(dataset, np.concatenate([split.query, split.database])[:CHECKED_ITEMS])


def _first(batches: Iterator[Tensor], count: int) -> Iterator[Tensor]:
    for batch in batches:
        part = batch[:count].clone()
        count -= len(part)
        yield part
        if not count:
            return


def _write(
    fitted: FittedMethod, linear: Linear | None, example: Tensor, folder: Path, with_onnx: bool
) -> dict[str, str]:
    """The files that were written, with a line about each."""
    method, files = fitted.method, {}
    trial = fitted.stored.trial
    about = {
        "method": trial.method,
        "bits": str(method.bits),
        "record": str(fitted.stored.record["key"]),
        "features": trial.features,
        "input": card.input_text(fitted, tuple(example.shape[1:])),
        "zero_is_one": str(method.traits.zero_is_one),
    }
    if linear is not None:
        write_numpy(linear, method.traits.zero_is_one, about, folder)
        files[NUMBERS] = "the encoder's numbers, float64 as they were learnt"
        files[READER] = "`encode(vectors)` in numpy, by these numbers: packed codes"
    if with_onnx and linear is not None:
        from hashbench.export.onnx_linear import write_linear

        write_linear(linear, method.traits.zero_is_one, method.bits, about, folder / ONNX)
        files[ONNX] = 'float32 "features" to "projection" (float64), "bits" (bool) and packed "codes"'
    elif with_onnx:
        from hashbench.export.onnx_network import write_network

        dtype = write_network(method, example, about, folder / ONNX)
        read = 'uint8 "images"' if fitted.reads_images else 'float32 "features"'
        files[ONNX] = f'{read} to "projection" ({dtype}) and "bits" (bool), which numpy.packbits packs'
    return files


def _checks(fitted: FittedMethod, linear: Linear | None, batches: list[Tensor], folder: Path) -> list[Check]:
    method, checks = fitted.method, []
    if (folder / READER).exists():
        checks.append(check_bits(READER, by_numpy(folder, method.bits), method, batches, exact=True))
    if (folder / ONNX).exists():
        checks.append(check_bits(ONNX, by_onnx(folder / ONNX), method, batches, exact=linear is not None))
    return checks
