"""The four methods on real photographs with a pre-trained network, from the command line to the leaderboard."""

import json
from pathlib import Path

import jsonschema
import pytest

from hashbench.records.schema import schema
from tests.command import hashbench

PROTOCOLS = ("flickr25k/24", "flickr25k/38")


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
