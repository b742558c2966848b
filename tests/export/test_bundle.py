"""``hashbench export``: a folder with encoder, card and check, whole or not at all."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from hashbench.data.spec import open_dataset
from hashbench.execution.stored_trial import load_codes
from hashbench.export import bundle, numpy_files
from tests.cli.conftest import Done, call
from tests.pictures import pictures
from tests.stored_trials import copied, stored

__all__ = ["call"]

Call = Callable[..., Done]
BASE = ["README.md", "card.json", "encoder.py", "encoder.safetensors"]
HAS_ONNX = all(map(find_spec, bundle.WITH_ONNX))
pytestmark = pytest.mark.usefixtures("stored_plugins")


@pytest.fixture
def record(stored_results: Path) -> str:
    return str(stored(stored_results, "itq").file)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.skipif(not HAS_ONNX, reason="the extra export is not installed")
def test_a_folder_has_encoder_card_and_check(record: str, stored_results: Path, call: Call) -> None:
    done = call("export", record, "-o", "made/itq")
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        "encoder.py: all 16,000 bits of 1,000 items are the method's",
        "encoder.onnx: all 16,000 bits of 1,000 items are the method's",
        "made/itq: encoder.safetensors, encoder.py, encoder.onnx, card.json, README.md",
    ]
    assert names(Path("made/itq")) == sorted([*BASE, "encoder.onnx"])
    assert names(Path("made")) == ["itq"]
    content = stored(stored_results, "itq").record
    card = json.loads(Path("made/itq/card.json").read_text())
    assert card["record"] == content["key"]
    assert card["metrics"] == content["metrics"]
    assert card["protocol_card"] == content["protocol_card"]["id"]
    assert [check["differing"] for check in card["checks"]] == [0, 0]
    text = Path("made/itq/README.md").read_text()
    for part in (
        "# itq, 16 bits",
        "float32 vectors [n, 64]: features pixels",
        f"* **Record**: {content['key']}, itq (iterations=50)",
        "* **Protocol**: digits/holdout-200, protocol card c3bc9b15972ad5fe, features pixels",
        f"mAP@1000 {content['metrics']['map@1000']:.3f}",
        "the first bit is the highest of the first byte",
        "faiss.IndexBinaryFlat(16)",
    ):
        assert part in text
    again = call("export", record, "-o", "made/itq", "--without-onnx", "--json")
    assert json.loads(again.out)["files"] == ["encoder.safetensors", "encoder.py", "card.json", "README.md"]
    assert names(Path("made/itq")) == BASE, "an encoder of the export before is left"


def test_it_is_checked_on_given_items_and_encodes_like_the_trial(
    record: str, stored_results: Path, call: Call, tmp_path: Path
) -> None:
    vectors = np.random.default_rng(0).random((30, 64), dtype=np.float32)
    np.save(tmp_path / "vectors.npy", vectors)
    done = call("export", record, "-o", "itq", "--check", "vectors.npy", "--without-onnx")
    assert done.out.startswith("encoder.py: all 480 bits of 30 items are the method's\n")
    encode = numpy_files.by_numpy(tmp_path / "itq", 16)
    digits = np.load(stored(stored_results, "itq").codes_file)

    images = pictures(open_dataset("digits", Path()), digits["query_items"])
    pixels = (images.flatten(1).float() / 255).numpy()
    assert np.array_equal(encode(pixels), load_codes(stored(stored_results, "itq")).query.unpack())


def test_what_cannot_be_exported_is_one_line_and_nothing_is_written(
    record: str, stored_results: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("mine")
    np.save(tmp_path / "narrow.npy", np.zeros((3, 12), dtype=np.float32))
    paints, elsewhere = str(stored(stored_results, "paints").file), copied(stored_results, "itq", tmp_path / "moved")
    content = json.loads(elsewhere.file.read_text())
    content["protocol_card"]["id"] = "0" * 16
    elsewhere.file.write_text(json.dumps(content))
    for words, message in (
        (
            (paints, "-o", "x"),
            "paints gives no projection (HashMethod.project), which is what is exported; name another",
        ),
        ((record, "-o", "file", "--without-onnx"), "file is a file, wanted a folder; name another"),
        ((record, "-o", "x", "--without-onnx", "--check", "narrow.npy"), "itq of record"),
        ((str(elsewhere.file), "-o", "x", "--without-onnx"), "or name items to check on with --check"),
    ):
        done = call("export", *words)
        assert done.code == 2, done.err
        assert message in done.err
        assert done.err.count("\n") == 1
    monkeypatch.setattr(bundle, "WITH_ONNX", ("onnx_that_nobody_has",))
    done = call("export", record, "-o", "x")
    assert (done.code, done.err) == (
        2,
        "hashbench: ONNX needs onnx_that_nobody_has: pip install 'hashbench[export]', or leave ONNX out "
        "(--without-onnx)\n",
    )
    monkeypatch.setattr(
        numpy_files, "_reader", lambda *_: "import numpy as np\nencode = lambda x: np.zeros((len(x), 2), np.uint8)"
    )
    done = call("export", record, "-o", "x", "--without-onnx")
    assert done.code == 2
    assert "which is more than may be; nothing was exported" in done.err
    assert not (tmp_path / "x").exists()
    assert (tmp_path / "file").read_text() == "mine"
