"""The table of ratios: ``python -m tests.benchmarks.table [FILE]`` measures everything and rewrites ``docs/speed.md``.

With FILE, what pytest-benchmark wrote with --benchmark-json, nothing is measured again.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "docs/speed.md"
SECTIONS = {  # of each kind: which implementation is ours, its heading, how many of its unit a second has
    "evaluation": ("histograms", "Evaluation, microseconds per query", 1e6),
    "search": ("hashbench", "Search, microseconds per query", 1e6),
    "fitting": ("hashbench", "Fitting, seconds", 1),
    "images": ("hashbench", "BGAN's network, milliseconds per image", 1e3),
}
START, END = "<!-- measured -->", "<!-- end -->"


def measure(file: Path) -> None:
    """Run the benchmarks that the tables show, on one thread."""
    folder = ROOT / "tests/benchmarks"
    files = [
        str(folder / f"test_{name}.py") for name in ("evaluation", "search", "indexes", "itq", "neighbourhood", "bgan")
    ]
    left_out = "not float and not structure and not block and not quality and not test_fit and not frozen"
    words = [*files, "--benchmark-enable", f"--benchmark-json={file}", "-k", left_out]
    one = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    subprocess.run([sys.executable, "-m", "pytest", *words], check=True, cwd=ROOT, env={**os.environ, **one})


def tables(benchmarks: list[dict[str, Any]]) -> Iterator[str]:
    """A Markdown table for each section: what it takes, and how many times that of ours."""
    for kind, (ours, heading, unit) in SECTIONS.items():
        of_kind = [b for b in benchmarks if b["extra_info"].get("of") == kind]
        if not of_kind:
            continue
        implementations = list(dict.fromkeys([ours, *(b["extra_info"]["implementation"] for b in of_kind)]))
        yield f"### {heading}\n"
        yield "| | " + " | ".join(implementations) + " |"
        yield "| --- |" + " ---: |" * len(implementations)
        for task in dict.fromkeys(b["extra_info"]["task"] for b in of_kind):
            of_task = {b["extra_info"]["implementation"]: b for b in of_kind if b["extra_info"]["task"] == task}
            yield (
                f"| {task} | "
                + " | ".join(_cell(of_task, implementation, ours, unit) for implementation in implementations)
                + " |"
            )
        yield ""
    indexes = [b for b in benchmarks if b["extra_info"].get("of") == "indexes"]
    if indexes:
        yield f"### Approximate indexes beside exact search: {indexes[0]['extra_info']['task']}\n"
        yield "| | queries/s | recall |\n| --- | ---: | ---: |"
        for b in indexes:
            yield f"| {b['extra_info']['implementation']} | {1 / _seconds(b):,.0f} | {b['extra_info']['recall']:.3f} |"


def _seconds(benchmark: dict[str, Any]) -> float:
    """Of one query, or of the whole where there are none."""
    return float(benchmark["stats"]["median"] / benchmark["extra_info"].get("queries", 1))


def _cell(of_task: dict[str, dict[str, Any]], implementation: str, ours: str, unit: float) -> str:
    """A time and its ratio to the implementation that does the same: ours, unless the benchmark names one."""
    if implementation not in of_task:
        return ""
    seconds = _seconds(of_task[implementation])
    time = unit * seconds
    text = f"{time:,.{2 if time < 10 else 1 if time < 100 else 0}f}"
    base = of_task[implementation]["extra_info"].get("beside", ours)
    return (
        text if implementation == base or base not in of_task else f"{text} ({seconds / _seconds(of_task[base]):.1f}x)"
    )


def main(words: list[str]) -> None:
    """Measure, or read ``words[0]``, and rewrite what stands between the marks."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(words[0]) if words else Path(folder) / "benchmarks.json"
        if not words:
            measure(file)
        content = json.loads(file.read_text())
    cpu = content["machine_info"]["cpu"]
    lines = [f"{cpu.get('brand_raw', 'unknown CPU')}, one thread, medians, {content['datetime'][:10]}.\n"]
    lines += tables(content["benchmarks"])
    before, rest = TARGET.read_text().split(START)
    after = rest.split(END)[1]
    TARGET.write_text(before + START + "\n" + "\n".join(lines).strip() + "\n" + END + after)


if __name__ == "__main__":
    main(sys.argv[1:])
