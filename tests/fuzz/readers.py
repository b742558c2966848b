"""What is read from users: for each kind of file a small valid set of files, and the command that reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

import hashbench as hb
from hashbench.cli.main import cli
from hashbench.execution import measure
from tests.datasets.flickr import ANNOTATIONS, write_annotations, write_images
from tests.datasets.nuswide_files import write_image
from tests.external.scoring import drawn_arrays
from tests.features.networks import random_net

CSV = """path,labels,split
a.jpg,owl;jay,train+database
b.jpg,jay,train+database
c.jpg,,database
d.jpg,owl,query
e.jpg,kite;owl,train+database
"""
SET = """name = "birds"
images = "jpg"
csv = "labels.csv"
features = "pixels"
cutoff = 100
title = "Birds"
"""
LISTS = {
    "train.txt": "a.jpg 1 0 1\nb.jpg 0 1 0\n",
    "database.txt": "a.jpg 1 0 1\nb.jpg 0 1 0\nc.jpg 0 1 1\nd.jpg 1 0 0\n",
    "test.txt": "e.jpg 0 0 1\n",
}
SUITE = """title = "two methods"
why = "for a test"

[grid]
methods = ["lsh", "itq"]
bits = [16, 32]
datasets = ["digits"]
features = "pixels"
repeats = 2
limit = 500
seed = 3
parameters.itq = {iterations = 5}

[[runs]]
bits = [8]

[[runs]]
methods = ["tanh_autoencoder"]
parameters.tanh_autoencoder = {epochs = 2}
"""


@dataclass(frozen=True)
class Reader:
    """One kind of file.

    Attributes:
        write: writes valid files into a folder.
        files: patterns of the files that are damaged, one at a time.
        words: the command, given the folder.
        quick: whether a run of it takes milliseconds.
    """

    write: Callable[[Path], None]
    files: tuple[str, ...]
    words: Callable[[Path], list[str]]
    quick: bool = True


def _images(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, name in enumerate("abcde"):
        write_image(folder / f"{name}.jpg", number)


def _write_set(folder: Path) -> None:
    _images(folder / "jpg")
    (folder / "labels.csv").write_text(CSV)
    (folder / "set.toml").write_text(SET)


def _write_lists(folder: Path) -> None:
    _images(folder / "data/nuswide/images")
    (folder / "data/nuswide/lists").mkdir()
    for name, text in LISTS.items():
        (folder / "data/nuswide/lists" / name).write_text(text)


def _write_suite(folder: Path) -> None:
    (folder / "suite.toml").write_text(SUITE)


def _write_npz(folder: Path) -> None:
    np.savez(folder / "codes.npz", **drawn_arrays(16))


def _write_npy(folder: Path) -> None:
    for name, array in drawn_arrays(16).items():
        np.save(folder / f"{name}.npy", array)


def _write_states(folder: Path) -> None:
    state = random_net("squeezenet1_1").state_dict()
    torch.save(state, folder / "net.pth")
    safetensors.torch.save_file(state, folder / "net.safetensors")


def _write_results(folder: Path) -> None:
    seconds, measure.SECONDS_PER_FIGURE = measure.SECONDS_PER_FIGURE, 0.001
    try:
        hb.run(
            methods="itq,lsh",
            bits=[16],
            limit=100,
            results=folder / "results",
            executor="inline",
            device="cpu",
        )
    finally:
        measure.SECONDS_PER_FIGURE = seconds


def _write_baseline(folder: Path) -> None:
    _write_results(folder)
    words = ["check", "--baseline", str(folder / "baseline.json"), "--update-baseline"]
    assert not cli.main([*words, "--results", str(folder / "results")], standalone_mode=False)


def _write_flickr(folder: Path) -> None:
    write_annotations(folder / "mirflickr" / ANNOTATIONS)
    write_images(folder / "mirflickr", range(1, 3_001, 10))


def _weights(name: str) -> Callable[[Path], list[str]]:
    return lambda folder: [
        *("run", "--dry-run", "--methods", "itq", "--bits", "16", "--features", "squeezenet1_1@32", "--offline"),
        *("--weights", f"squeezenet1_1={folder / name}", "--results", str(folder / "results"), "--device", "cpu"),
    ]


def _results(*words: str) -> Callable[[Path], list[str]]:
    return lambda folder: [words[0], "--results", str(folder / "results"), *words[1:]]


RESULTS = ("results/records/*.json", "results/throughput/*.json")
READERS: dict[str, Reader] = {
    "images": Reader(_write_set, ("jpg/*.jpg",), lambda folder: ["data", "verify", f"folder:{folder}/set.toml"]),
    "csv": Reader(_write_set, ("labels.csv",), lambda folder: ["data", "verify", f"folder:{folder}/set.toml"]),
    "set.toml": Reader(_write_set, ("set.toml",), lambda folder: ["data", "verify", f"folder:{folder}/set.toml"]),
    "lists": Reader(
        _write_lists,
        ("data/nuswide/lists/*.txt",),
        lambda folder: ["data", "verify", "nuswide/lists", "--data", str(folder / "data")],
    ),
    "suite": Reader(
        _write_suite,
        ("suite.toml",),
        lambda folder: [
            *("run", "--suite", str(folder / "suite.toml"), "--dry-run", "--device", "cpu"),
            *("--results", str(folder / "results")),
        ],
    ),
    "npz": Reader(
        _write_npz,
        ("codes.npz",),
        lambda folder: ["score", str(folder / "codes.npz"), "--results", str(folder / "results"), "--device", "cpu"],
    ),
    "npy": Reader(
        _write_npy,
        ("*.npy",),
        lambda folder: [
            *("score", "--name", "mine", "--results", str(folder / "results"), "--device", "cpu"),
            *(word for name in drawn_arrays(16) for word in (f"--{name.replace('_', '-')}", f"{folder / name}.npy")),
        ],
    ),
    "state dict (.pth)": Reader(_write_states, ("net.pth",), _weights("net.pth")),
    "state dict (.safetensors)": Reader(_write_states, ("net.safetensors",), _weights("net.safetensors")),
    "records, leaderboard": Reader(_write_results, RESULTS, _results("leaderboard")),
    "records, page": Reader(_write_results, RESULTS, _results("leaderboard", "--format", "html")),
    "records, compare": Reader(
        _write_results,
        (*RESULTS, "results/records/*.npz"),
        lambda folder: ["compare", str(folder / "results"), str(folder / "results")],
    ),
    "records, check": Reader(
        _write_baseline,
        ("baseline.json", *RESULTS),
        lambda folder: _results("check", "--baseline", str(folder / "baseline.json"))(folder),
    ),
    "records, plan": Reader(
        _write_results,
        RESULTS,
        _results("run", "--methods", "itq,lsh", "--bits", "16", "--limit", "100", "--device", "cpu", "--dry-run"),
    ),
    "records, plot": Reader(_write_results, RESULTS, _results("plot", "--format", "svg"), quick=False),
    "codes, rescore": Reader(
        _write_results,
        ("results/records/*.json", "results/records/*.npz"),
        _results("rescore", "--all", "--device", "cpu"),
    ),
    "codes, gallery": Reader(
        _write_results,
        ("results/records/*.json", "results/records/*.npz"),
        _results("gallery", "--queries", "2", "--neighbours", "2", "--device", "cpu"),
        quick=False,
    ),
    "states, measure": Reader(
        _write_results,
        ("results/records/*.json", "results/records/*.npz", "results/records/*.safetensors"),
        _results("measure", "--device", "cpu"),
    ),
    "annotations": Reader(
        _write_flickr,
        (f"mirflickr/{ANNOTATIONS}/*.txt",),
        lambda folder: ["data", "verify", "flickr25k/24", "--data", str(folder)],
    ),
}
