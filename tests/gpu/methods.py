"""Methods on the device: codes, kept states, two runs alike, hidden waits, and the whole command."""

import json
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

import hashbench as hb
from hashbench.nets.hash_training import HashTraining
from hashbench.nets.schedules import TrainingStep
from hashbench.nets.training import Values
from hashbench.nets.training_batches import Batch
from hashbench.plugins.registry import METHODS
from tests.gpu.report import Line
from tests.gpu.setting import Setting

ROOT = Path(__file__).parents[2]
ALIKE = 0.9999  # of the bits of shallow methods
NETWORKS = {"bgan", "bihalf_autoencoder", "ste_autoencoder", "stochastic_autoencoder", "tanh_autoencoder"}


def _features(rows: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(10, 64))
    return (centres[rng.integers(0, 10, rows)] + 0.5 * rng.normal(size=(rows, 64))).astype(np.float32)


def same_codes(setting: Setting) -> Iterator[Line]:
    """Codes of shallow methods that were fitted on the device and on the CPU."""
    train, query = _features(setting.size(2_000, 300), 1), _features(setting.size(2_000, 100), 2)
    names = [name for name in METHODS.names() if name not in NETWORKS]
    for name in ["itq", "lsh"] if setting.tiny else names:
        labels = train[:, :10].argmax(1) if METHODS.get(name).traits.supervised else None
        codes = [
            hb.hasher(name, 16, device=where).fit(train, labels=labels).encode(query)
            for where in (str(setting.device), "cpu")
        ]
        share = float((codes[0] == codes[1]).mean())
        yield Line(name, 100 * share, "% of the bits", share >= ALIKE)


def two_runs_alike(setting: Setting) -> Iterator[Line]:
    """BGAN's small network, twice."""
    images = np.random.default_rng(0).integers(0, 256, (setting.size(600, 64), 3, 32, 32), dtype=np.uint8)
    codes = [_bgan(setting, images, 1).encode(images) for _ in range(2)]
    same = bool(np.array_equal(*codes))
    yield Line("bgan, two runs", "the same codes" if same else "others", good=same)


def _bgan(setting: Setting, images: Any, epochs: int) -> Any:
    parameters: dict[str, Any] = {"epochs": epochs, "batch": 32, "k1": 5, "k2": 5}
    return hb.hasher("bgan", 16, device=str(setting.device), **parameters).fit(images)


def waits_in_steps(setting: Setting) -> Iterator[Line]:
    """Whether a step of training waits for the device, which is an error there, and how often an epoch does."""
    if not setting.on_gpu:
        yield Line("waits for the GPU in an epoch of bgan", "no GPU here")
        return
    yield _strict_steps(setting)
    images = np.random.default_rng(0).integers(0, 256, (640, 3, 32, 32), dtype=np.uint8)
    counts = []
    for epochs in (2, 3):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                _bgan(setting, images, epochs)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        counts.append(sum("synchronizing" in str(each.message) for each in caught))
    steps = len(images) // 32
    waits = counts[1] - counts[0]
    yield Line(f"waits for the GPU in an epoch of bgan, {steps} steps", str(waits), good=waits < steps)


def _strict_steps(setting: Setting) -> Line:
    """A training whose steps must not wait."""
    name, step = "waits for the GPU in a step of bgan", HashTraining.step

    def strict(training: HashTraining, batch: Batch, training_step: TrainingStep) -> Values:
        torch.cuda.set_sync_debug_mode("error")
        try:
            return step(training, batch, training_step)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    images = np.random.default_rng(0).integers(0, 256, (320, 3, 32, 32), dtype=np.uint8)
    with patch.object(HashTraining, "step", strict):
        try:
            _bgan(setting, images, 2)
        except RuntimeError as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            return Line(name, "yes", good=False, note=f"{Path(last.filename).name}:{last.lineno}: {error}"[:200])
    return Line(name, "no", good=True)


def whole_command(setting: Setting) -> Iterator[Line]:
    """``hashbench run`` of every method on digits, on the device, in one process."""
    names = ["lsh", "itq", "bgan"] if setting.tiny else METHODS.names()
    words = ["--methods", ",".join(names), "--bits", "16", "--executor", "inline", "--preset", "quick"]
    line, results = _run(setting, f"run of {len(names)} methods on digits", str(setting.device), words)
    yield line
    for file in sorted((results / "records").glob("*.json")):
        record = json.loads(file.read_text())
        status = record["status"]
        reason = "" if status in ("ok", "skipped") else str(record.get("error"))[:200]
        yield Line(str(record["trial"]["method"]), status, good=status in ("ok", "skipped"), note=reason)


def own_processes(setting: Setting) -> Iterator[Line]:
    """Trials and rates in processes of their own, as ``run`` has them by default, and several at once on a card."""
    names, bits = ("lsh", "16") if setting.tiny else ("lsh,itq,tanh_autoencoder", "16,32")
    words = ["--methods", names, "--bits", bits]
    yield _run(setting, "trials in processes of their own", str(setting.device), words)[0]
    several = ["--gpus", "all", "--per-gpu", "2"] if setting.on_gpu else ["--jobs", "2"]
    yield _run(setting, "the same, two at once", "auto" if setting.on_gpu else "cpu", [*words, *several])[0]


def readme_line(setting: Setting) -> Iterator[Line]:
    """README's first command on the device and on the CPU; a card should be faster."""
    words = ["--methods", "bgan,itq", "--bits", "16" if setting.tiny else "16,32,64"]
    seconds = []
    for device in (str(setting.device), "cpu") if setting.on_gpu else ("cpu",):
        line, _ = _run(setting, f"README's command on {device}", device, words)
        yield line
        seconds.append(float(line.value))
    if setting.on_gpu and not setting.tiny:
        yield Line("that of the CPU, times", seconds[1] / seconds[0], "", seconds[0] < seconds[1], "goal: above 1")


def _run(setting: Setting, name: str, device: str, words: list[str]) -> tuple[Line, Path]:
    """How long ``hashbench run`` takes, which must end well, and the folder of its results."""
    results = Path(tempfile.mkdtemp(dir=setting.folder))
    command = [sys.executable, "-m", "hashbench", "run", *words, "--device", device, "--results", str(results)]
    command += ["--limit", "200", *(["--set", "bgan.epochs=1"] if "bgan" in words[1] else [])] if setting.tiny else []
    start = time.perf_counter()
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    seconds, good = time.perf_counter() - start, ran.returncode == 0
    last = "" if good else (ran.stderr.strip() or ran.stdout.strip()).splitlines()[-1][:200]
    return Line(name, seconds, "s", good, last), results


def kept_states(setting: Setting) -> Iterator[Line]:
    """Codes of a state that was fitted on the CPU."""
    results = setting.folder / "cpu"
    hb.run(methods=["itq", "lsh"], bits=[16], device="cpu", executor="inline", results=str(results))
    for file in sorted((results / "records").glob("*.json")):
        query = np.random.default_rng(0).random((setting.size(5_000, 50), 64)).astype(np.float32)
        if json.loads(file.read_text())["trial"]["method"] not in ("itq", "lsh"):
            continue
        codes = [hb.load(file, device=where).encode(query) for where in (str(setting.device), "cpu")]
        share = float((np.asarray(codes[0]) == np.asarray(codes[1])).mean())
        yield Line(f"{file.stem[:40]}", 100 * share, "% of the bits", share >= ALIKE)
