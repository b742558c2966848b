"""How long it takes to read a result folder: 10,000 records with --benchmark-enable, a few without."""

from pathlib import Path
from typing import Any

from hashbench.records.results import results
from tests.reporting.many_records import write_many


def test_a_result_folder_is_read(benchmark: Any, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    methods, repetitions = (40, 50) if benchmark.enabled else (2, 2)
    count = write_many(folder, methods, repetitions)
    read = benchmark.pedantic(results, (folder,), rounds=5 if benchmark.enabled else 1)
    assert (len(read), len(read.throughputs), read.faults) == (count, methods * 5, ())
