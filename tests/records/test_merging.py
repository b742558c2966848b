"""Result folders are merged by copying: trainings in two precisions have two records, and both are shown."""

import shutil
from pathlib import Path

import pytest

import hashbench as hb
from hashbench.records.results import results
from hashbench.reporting.leaderboard.tables import tables


@pytest.mark.usefixtures("no_figures")
def test_a_float32_folder_copied_onto_a_bfloat16_folder_keeps_both(tmp_path: Path) -> None:
    folders = [tmp_path / precision for precision in ("float32", "bfloat16")]
    for folder in folders:
        hb.run(
            methods=["bgan"],
            bits=[8],
            parameters={"bgan": {"precision": folder.name, "epochs": 1}},
            limit=40,
            device="cpu",
            executor="inline",
            results=folder,
        )
    before = [len(results(folder)) for folder in folders]
    shutil.copytree(folders[0], folders[1], dirs_exist_ok=True)
    merged = results(folders[1])
    assert before == [3, 3]  # with the two reference trials, which are the same
    assert len(merged) == 4
    trained = [record for record in merged.records if record["trial"]["method"] == "bgan"]
    assert {record["trial"]["parameters"]["precision"] for record in trained} == {"float32", "bfloat16"}
    (table,) = tables(merged)
    labels = [row.label for row in table.methods]
    assert len(set(labels)) == 2
    assert any("precision=" in label for label in labels)
