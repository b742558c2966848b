"""Maps of the blocks that a method leaves as they are: made once, kept on disk, with the codes of their images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch

import hashbench as hb
from hashbench.data.images import ImageSource
from hashbench.data.spec import open_dataset
from hashbench.execution import frozen_maps
from hashbench.execution.frozen_maps import TrainingMaps, computed_maps
from hashbench.execution.training_data import encode
from hashbench.features.backbones import load_backbone
from hashbench.features.frozen_maps import FrozenMaps
from hashbench.features.weights import Weights
from hashbench.method import FrozenPart, RunContext
from hashbench.plugins.registry import METHODS
from tests.features.networks import random_net

NET = "squeezenet1_1"
SPEC = f"{NET}@32"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights, cache and results of one run: two seeds of bgan with four frozen blocks and two views."""
    folder = tmp_path_factory.mktemp("frozen")
    safetensors.torch.save_file(random_net(NET).state_dict(), folder / "weights.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        hb.run(
            methods=["bgan"],
            bits=[8],
            features=SPEC,
            weights={NET: folder / "weights.safetensors"},
            limit=60,
            parameters={"bgan": {"epochs": 1, "head_warmup_epochs": 0, "freeze": 4, "views": 2}},
            repeats=2,
            results=folder / "results",
            executor="inline",
            device="cpu",
        )
    return folder


def backbone(folder: Path) -> Any:
    weights = Weights({NET: folder / "weights.safetensors"})
    return lambda spec: load_backbone(spec, weights)


def test_seeds_share_one_file_for_each_view(folder: Path) -> None:
    names = sorted(path.name.rpartition("-")[0] for path in (folder / "cache/features").iterdir())
    assert names == [f"digits-{SPEC}", f"digits-{SPEC}-blocks-4", f"digits-view-1-{SPEC}-blocks-4"]
    seconds = [
        record["seconds"]["maps"] for record in hb.results(folder / "results").records if "maps" in record["seconds"]
    ]
    assert len(seconds) == 2


def test_recorded_codes_are_those_of_the_images(folder: Path) -> None:
    records = [record for record in hb.results(folder / "results").records if record["trial"]["method"] == "bgan"]
    digits = open_dataset("digits", Path())
    for record in records:
        file = next((folder / "results/records").glob(f"*{record['key']}.safetensors"))
        again = METHODS.get("bgan")(8, **record["trial"]["parameters"])
        again.load_state(
            safetensors.torch.load_file(file), RunContext(CPU, torch.Generator(), backbones=backbone(folder))
        )
        kept = np.load(file.with_suffix(".npz"))
        images = ImageSource(digits, kept["query_items"], 32)
        assert np.array_equal(encode(again, iter([images.load_all(CPU)])).packed, kept["query_codes"])


def test_maps_in_the_cache_are_those_of_the_images_in_each_view(folder: Path) -> None:
    digits, items = open_dataset("digits", Path()), np.array([5, 3, 1200])
    part, weights = FrozenPart(SPEC, 4, views=2), Weights({NET: folder / "weights.safetensors"})
    kept = frozen_maps.CachedMaps(
        *(digits, "digits", items, part, FrozenMaps(SPEC, 4, weights)),
        *(folder / "cache", CPU, lambda line: None, {}),
    )
    rows = torch.arange(3)
    images = ImageSource(digits, items, 32).load_all(CPU)
    own = computed_maps(images, part, backbone(folder), CPU)
    first = torch.zeros_like(rows)
    torch.testing.assert_close(kept.training(rows, first), own(rows, first), atol=2e-3, rtol=2e-3)
    assert torch.equal(kept.training(rows, first), kept.of(items))
    # The view of an item is the same whichever items are trained on.
    other = frozen_maps.CachedMaps(
        *(digits, "digits", items[::-1].copy(), part, FrozenMaps(SPEC, 4, weights)),
        *(folder / "cache", CPU, lambda line: None, {}),
    )
    assert torch.equal(other.training(rows.flip(0), first + 1), kept.training(rows, first + 1))
    assert not torch.equal(kept.training(rows, first + 1), kept.training(rows, first))


def test_maps_that_do_not_fit_are_read_batch_by_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    views = [generator.random((20, 12)).astype(np.float16), generator.random((7, 12)).astype(np.float16)]
    made = views, np.arange(7) * 2, torch.Size((3, 2, 2)), torch.zeros(2, 7, 3), CPU
    held = TrainingMaps(*made)
    monkeypatch.setattr(frozen_maps, "DEVICE_CACHE_BYTES", 100)
    read = TrainingMaps(*made)
    assert held.held is not None
    assert read.held is None
    rows, view_ids = torch.tensor([6, 0, 6, 3]), torch.tensor([1, 0, 0, 1])
    assert torch.equal(read(rows, view_ids), held(rows, view_ids))
    assert np.array_equal(read(rows, view_ids)[2].flatten(), views[0][12])
    assert np.array_equal(read(rows, view_ids)[0].flatten(), views[1][6])


def test_a_hasher_on_arrays_computes_its_maps_itself(folder: Path, generator: torch.Generator) -> None:
    images = torch.randint(0, 256, (40, 3, 32, 32), generator=generator, dtype=torch.uint8)
    made: dict[str, Any] = {"encoder": SPEC, "freeze": 4, "epochs": 1, "head_warmup_epochs": 0, "k1": 5, "k2": 5}
    hasher = hb.hasher("bgan", bits=8, weights={NET: folder / "weights.safetensors"}, device="cpu", **made)
    assert hasher.fit(images).encode(images).shape == (40, 8)


def test_a_network_that_cannot_be_cut_there_is_a_skipped_trial(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
    grid = hb.run(
        methods=["bgan"],
        bits=[8],
        features=SPEC,
        weights={NET: folder / "weights.safetensors"},
        limit=60,
        parameters={"bgan": {"freeze": 99}},
        results=folder / "skipped",
        executor="inline",
        device="cpu",
    )
    (record,) = [record for record in grid.records if record["trial"]["method"] == "bgan"]
    assert record["status"] == "skipped"
    assert "freeze is 99, wanted 0 to" in record["error"]["message"]
