"""The Triton kernels without a GPU: in Triton's interpreter against numba and all pairs, and compiled for GPUs."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hashbench.search.word_planes import TILE_ITEMS, code_planes, packed_codes

triton = pytest.importorskip("triton", reason="torch brings no Triton here")

from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402

from hashbench.search import triton_kernels  # noqa: E402
from hashbench.search.triton_counters import ANY_LABEL, AT_LEAST, CLASSES, NO_LABELS  # noqa: E402
from hashbench.search.triton_counting import PROGRAM_QUERIES, launches, row_constants  # noqa: E402
from tests.search.triton_cases import KERNELS  # noqa: E402

ROOT = Path(__file__).parents[2]
CUOBJDUMP = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
GPUS = {80: "A100", 90: "H200", 100: "B200"}
COUNTED = [(16, CLASSES), (32, CLASSES), (64, CLASSES), (64, NO_LABELS), (64, ANY_LABEL), (64, AT_LEAST),
           (128, CLASSES), (256, ANY_LABEL), (512, CLASSES)]  # fmt: skip
_POINTERS = {"planes", "masks", "label_planes", "label_masks", "items", "hits", "totals", "limits", "nearer_starts",
             "tied_starts"}  # fmt: skip


def compare(kernels: tuple[str, ...], cases: int, seed: int) -> None:
    """Cases of each in the interpreter, in a process of its own."""
    command = [sys.executable, "-m", "tests.search.triton_cases", ",".join(kernels), str(cases), str(seed)]
    environment = {**os.environ, "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=3600)
    assert ran.returncode == 0, ran.stdout + ran.stderr[-3000:]
    assert ran.stdout.splitlines() == [f"{kernel}: {cases} cases agree" for kernel in kernels]


def test_the_interpreter_agrees_with_numba_and_all_pairs() -> None:
    compare(KERNELS, 40, 0)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_interpreter_agrees_in_many_cases(kernel: str) -> None:
    compare((kernel,), 300, 1)


def resources(kernel: Any, constants: dict[str, Any], architecture: int) -> dict[str, int]:
    """Registers of a thread, bytes of its stack, local and shared memory, of a kernel compiled for a GPU."""
    signature = {
        name: "constexpr" if name in constants else "*i64" if name == "keys" else "*i32" if name in _POINTERS else "i32"
        for name in kernel.arg_names
    }
    aligned = {
        (place,): [["tt.divisibility", 16]] for place, kind in enumerate(signature.values()) if kind.startswith("*")
    }
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=aligned)
    target = GPUTarget("cuda", architecture, 32)
    binary = triton.compile(source, target=target, options={"num_warps": PROGRAM_QUERIES}).asm
    assert "popc.b32" in binary["ptx"]  # the sum of fields became an instruction
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary["cubin"])
        file.flush()
        command = [str(CUOBJDUMP), "--dump-resource-usage", file.name]
        dumped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (usage,) = [line for line in dumped.splitlines() if "REG:" in line]
    return {name: int(value) for name, value in (field.split(":") for field in usage.split()) if "[" not in name}


def counting_constants(bits: int, kind: int, architecture: int) -> list[dict[str, Any]]:
    """Of each launch."""
    counted = launches(bits, kind != AT_LEAST, kind, architecture)
    return [{**row_constants(bits), **one, "LABEL_PLACES": 5 if kind == AT_LEAST else 0} for one in counted]


def check_resources(used: dict[str, int]) -> None:
    """Two programs at least fit a multiprocessor, and nothing is spilled."""
    assert used["STACK"] == used["LOCAL"] == 0, used
    assert used["REG"] <= 255
    assert used["SHARED"] <= 48 << 10


def test_a_kernel_compiled_for_an_h200_spills_nothing() -> None:
    (constants,) = counting_constants(64, CLASSES, 90)
    check_resources(resources(triton_kernels.count_distances, constants, 90))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", GPUS)
def test_no_kernel_spills_on_any_gpu(architecture: int) -> None:
    for bits, kind in COUNTED:
        kernel = triton_kernels.count_distances if bits <= 256 else triton_kernels.count_long_distances
        for constants in counting_constants(bits, kind, architecture):
            check_resources(resources(kernel, constants, architecture))
    for bits in (16, 64, 128, 4096):
        check_resources(resources(triton_kernels.collect_nearest, row_constants(bits), architecture))


@pytest.mark.parametrize("items", [1, TILE_ITEMS - 1, TILE_ITEMS, 2 * TILE_ITEMS + 77])
@pytest.mark.parametrize("width", [1, 3, 65])
def test_planes_hold_the_codes_they_were_made_of(items: int, width: int) -> None:
    packed = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (items, width), dtype=np.uint8))
    planes = code_planes(packed)
    assert torch.equal(packed_codes(planes), packed)
    tile, word, bit = (items - 1) // TILE_ITEMS, (items - 1) % TILE_ITEMS // 32, (items - 1) % 32
    last = (planes.words[tile, :, word] >> bit) & 1
    assert last.tolist() == np.unpackbits(packed[-1].numpy()).tolist()
    assert planes.padding == planes.tiles * TILE_ITEMS - items
