"""A result folder of thousands of records without a trial: figures drawn around a plausible value."""

import copy
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from hashbench.records.store import Record, to_json
from hashbench.records.trial_spec import FLOAT_FEATURES, RANDOM_CODES
from tests.reporting.made_records import make_record

BITS = (12, 16, 32, 64, 128)
QUERIES = 200
RANKS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
RATES = ("map@1000", "map@1000/min", "map@1000/total", "map@1000/best", "map@1000/worst", "map@all", "map@all/best")
EXTRA = ("map@all/worst", "precision@1", "precision@10", "precision@100", "precision@1000", "recall@1", "recall@10")
METRICS = (*RATES, *EXTRA, "recall@100", "recall@1000", "precision@r2", "adjusted_map@1000")


def write_many(folder: Path, methods: int, repetitions: int, bits: tuple[int, ...] = BITS) -> int:
    """Write records, per-query AP and rates; returns how many records."""
    for name in ("records", "throughput"):
        (folder / name).mkdir(parents=True)
    count = 0
    for record, values, rates in _all(methods, repetitions, bits):
        trial = record["trial"]
        stem = f"digits-holdout_200-{trial['method']}-{trial['bits'] or 'float'}-{trial['repetition']}-{record['key']}"
        (folder / f"records/{stem}.json").write_bytes(to_json(record))
        with (folder / f"records/{stem}.npz").open("wb") as stream:
            np.savez(stream, average_precision=values, query_items=np.arange(QUERIES))
        if rates:
            hardware = rates["hardware"]["id"]
            (folder / f"throughput/{record['key']}-{hardware}.json").write_bytes(to_json(rates))
        count += 1
    return count


def _all(methods: int, repetitions: int, bits: tuple[int, ...]) -> Iterator[tuple[Record, Any, Record | None]]:
    generator = np.random.default_rng(0)
    template = make_record("template", 16, 0.5)
    difficulty = generator.normal(0, 0.15, QUERIES)
    for method in range(methods):
        skill, speed = generator.uniform(0.15, 0.75), 10 ** generator.uniform(2, 5)
        for length in bits:
            level = skill * (1 - np.exp(-length / 18))
            for repetition in range(repetitions):
                value = float(level + generator.normal(0, 0.004))
                record = _record(template, f"method{method:02d}", length, value, repetition)
                record["training"]["epochs"] = [{"epoch": n + 1, "loss": 1.0} for n in range(method % 3 * 20)]
                record["seconds"] = {"fit": float(10 ** (method % 5 - 1) * generator.uniform(0.8, 1.2))}
                values = np.clip(value + difficulty + generator.normal(0, 0.02, QUERIES), 0, 1)
                yield record, values, _rates(record, speed, length) if repetition == 0 else None
    for length in bits:
        yield _record(template, RANDOM_CODES, length, 0.106, 0), np.full(QUERIES, 0.106), None
    yield _record(template, FLOAT_FEATURES, None, 0.6, 0), np.clip(0.6 + difficulty, 0, 1), None


def _record(template: Record, method: str, bits: int | None, value: float, repetition: int) -> Record:
    record = copy.deepcopy(template)
    name = f"{method} {bits} {repetition}"
    record["key"] = hashlib.sha256(name.encode()).hexdigest()[:16]
    record["trial"] |= {"method": method, "bits": bits, "repetition": repetition}
    record["reference"] = method in (FLOAT_FEATURES, RANDOM_CODES)
    record["metrics"] = {**{metric: value * (0.9**index) for index, metric in enumerate(METRICS)}, "chance": 0.106}
    radii = np.linspace(0, 1, (bits or 1) + 1)
    falling = value + (0.1 - value) * radii**2
    shown = {"precision": falling.tolist(), "recall": (radii**3).tolist(), "empty": (1 - radii).tolist()}
    ranks = np.array(RANKS) / RANKS[-1]
    by_rank = {"k": RANKS, "precision": (value * (1 - 0.5 * ranks)).tolist(), "recall": ranks.tolist()}
    record["curves"] = {"radius": shown if bits else None, "rank": by_rank}
    record["diagnostics"] = {
        "balance_deviation_mean": 0.02 + repetition / 500,
        "correlation_mean": 0.1,
        "unique_share": min(1.0, (bits or 0) / 70),
        "tied_share@1000": 0.9,
        "empty_share@r2": min(1.0, (bits or 0) / 100),
    }
    return record


def _rates(record: Record, speed: float, bits: int) -> Record:
    rate = {"median": speed, "q1": speed, "q3": speed}
    encode = {"images_per_s": {**rate, "batch": 64, "single": rate}, "features_per_s": None}
    search = {"100": {"queries_per_s": {**rate, "median": 2e5 / bits}, "latency_ms": {"p50": 1, "p95": 1, "p99": 1}}}
    hardware = record["environment"]["hardware"]
    return {
        "format": record["format"],
        "key": record["key"],
        "hardware": hardware,
        "encode": encode,
        "search": search,
        "bytes_per_item": bits // 8,
    }
