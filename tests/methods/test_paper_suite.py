"""``bgan-paper`` at a tiny size: its networks and pictures with random weights, forty training images, one epoch."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
from PIL import Image
from sklearn.datasets import load_digits

import hashbench as hb
from tests.features.networks import random_net

pytestmark = pytest.mark.slow

NETS = ("resnet50", "vgg19")
QUERIES, ITEMS, BITS = 8, 40, 12


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("paper")
    for net in NETS:
        safetensors.torch.save_file(random_net(net).state_dict(), folder / f"{net}.safetensors")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        results = hb.run(
            suite="bgan-paper",
            datasets=[f"folder:{_pictures(folder)}"],
            bits=[BITS],
            repeats=1,
            parameters={"bgan": {"epochs": 1}},
            weights={net: folder / f"{net}.safetensors" for net in NETS},
            results=folder / "results",
            executor="inline",
            device="cpu",
        )
    return list(results.records)


def _pictures(folder: Path) -> Path:
    """Handwritten digits as a data set of image files."""
    digits = load_digits()
    rows = ["path,labels,split"]
    for number in range(QUERIES + ITEMS):
        grey = (digits.images[number] * 15.9).astype(np.uint8)
        Image.fromarray(grey).resize((64, 64)).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{digits.target[number]},{'query' if number < QUERIES else 'train+database'}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    (folder / "set.toml").write_text('name = "tiny"\nimages = "."\ncsv = "labels.csv"\n')
    return folder / "set.toml"


def test_every_trial_of_the_papers_suite_ends_well(records: list[dict[str, Any]]) -> None:
    assert {record["status"] for record in records} == {"ok"}, [record["error"] for record in records]
    rows = {(record["trial"]["method"], record["trial"]["features"]) for record in records if not record["reference"]}
    assert rows == {("itq", "resnet50"), ("bgan", "resnet50"), ("itq", "vgg19")}


def test_bgan_trains_the_papers_encoder_with_the_papers_teacher(records: list[dict[str, Any]]) -> None:
    (record,) = (record for record in records if record["trial"]["method"] == "bgan")
    assert set(record["trial"]["backbones"]) == {"vgg19"}
    assert record["trial"]["parameters"]["reconstruction_size"] == 64
    assert (record["queries"]["scored"], record["protocol_card"]["sizes"]["database"]) == (QUERIES, ITEMS)
    (epoch,) = record["training"]["epochs"]
    assert all(value is None or math.isfinite(value) for value in epoch.values())
    assert {"neighbourhood", "pixel", "perceptual", "real", "fake"} <= set(epoch)
