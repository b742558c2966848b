"""ITQ on a real network's features of real images, where others measured it."""

from pathlib import Path

import pytest

import hashbench as hb
from hashbench.records.results import Results

FEATURES = "squeezenet1_1@128"
# mAP@1000 on cifar10/bgan of an independent prototype with the same weights, PCA and rotation from the training set.
ITQ = {16: 0.415, 32: 0.45, 64: 0.485}
FLOAT = 0.525


@pytest.fixture(scope="module")
def results(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("deep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HASHBENCH_CACHE", str(folder / "cache"))
        return hb.run(
            methods=["itq"],
            bits=list(ITQ),
            datasets=["cifar10/bgan"],
            features=FEATURES,
            weights={"squeezenet1_1": data_root / "weights/squeezenet1_1_imagenet.pth"},
            offline=True,
            data=data_root,
            results=folder / "results",
            device="cpu",
            executor="inline",
        )


def headline(results: Results, method: str, bits: int | None) -> float:
    (value,) = (
        record["metrics"]["map@1000"]
        for record in results.records
        if (record["trial"]["method"], record["trial"]["bits"]) == (method, bits)
    )
    return float(value)


@pytest.mark.slow
@pytest.mark.parametrize("bits", ITQ)
def test_itq_on_squeezenet_lies_where_it_was_measured(results: Results, bits: int) -> None:
    assert headline(results, "itq", bits) == pytest.approx(ITQ[bits], abs=0.025)


@pytest.mark.slow
def test_the_float_ranking_of_squeezenet_lies_where_it_was_measured(results: Results) -> None:
    assert headline(results, "reference-float", None) == pytest.approx(FLOAT, abs=0.02)
