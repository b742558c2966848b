"""What records and throughputs must have, and of which type: what is read from disk is checked against it.

The JSON Schemas beside this file describe what hashbench writes, with patterns and ranges. Here numbers may be null
where the schema wants one, since NaN is read as null, and other names may be there: other versions have others.
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

_Numbers = dict[str, float | None]


class _Fingerprint(Struct):
    card: str
    files: dict[str, str]
    scored: dict[str, str] = {}


class _Trial(Struct):
    method: str
    parameters: dict[str, Any]
    bits: int | None
    dataset: str
    protocol: str
    features: str
    features_dtype: str
    features_weights: str | None
    backbones: dict[str, str]
    preset: str | None
    limit: int | None
    repetition: int
    seed: int


class _Queries(Struct):
    scored: int
    unanswerable: int


class _RadiusCurve(Struct):
    precision: list[float | None]
    recall: list[float | None]
    empty: list[float | None]


class _RankCurve(Struct):
    k: list[int]
    precision: list[float | None]
    recall: list[float | None]


class _Curves(Struct):
    radius: _RadiusCurve | None
    rank: _RankCurve


class _Training(Struct):
    epochs: list[_Numbers]
    facts: dict[str, float | str | None] = {}
    similarity: _Numbers | None = None


class _Parts(Struct):
    query: int
    database: int
    train: int


class _ProtocolCard(Struct):
    id: str
    content: str
    sizes: _Parts
    missing: _Parts
    unlabelled: _Parts
    classes: int
    cutoff: int | None
    leaks: dict[str, Any] | None


class _Memory(Struct):
    host_peak_bytes: int | None
    device_peak_bytes: int | None


class _Hardware(Struct):
    id: str
    cpu: str
    cores: int
    gpus: list[str]
    device: str
    threads: int
    driver: str | None = None


class _Environment(Struct):
    hardware: _Hardware
    versions: dict[str, str]
    threads: dict[str, Any]
    determinism: dict[str, Any]


class _Scored(Struct):
    encoding: str
    files: dict[str, str]


class _Provenance(Struct):
    created: str
    git_commit: str | None
    git_dirty: bool | None
    command: str
    seeds: dict[str, int]
    scored: _Scored | UnsetType = UNSET


class _Error(Struct):
    phase: str | None
    exception: str | None
    message: str
    log: list[str]


class RecordFile(Struct):
    """One trial."""

    format: int
    metric_version: int
    key: str
    fingerprint: _Fingerprint
    status: Literal["ok", "failed", "timeout", "oom", "killed", "skipped"]
    trial: _Trial
    variant: dict[str, Any]
    supervised: bool
    reference: bool
    metrics: _Numbers | None
    queries: _Queries | None
    curves: _Curves | None
    diagnostics: dict[str, Any] | None
    training: _Training
    protocol_card: _ProtocolCard
    features_sha256: str | None
    seconds: _Numbers
    memory: _Memory
    environment: _Environment
    provenance: _Provenance
    error: _Error | None


class _Rate(Struct):
    median: float
    q1: float
    q3: float
    single: "_Rate | None" = None


class _Encode(Struct):
    images_per_s: _Rate | None
    features_per_s: _Rate | None


class _Search(Struct):
    queries_per_s: _Rate
    latency_ms: _Numbers


class ThroughputFile(Struct):
    """Encode and search rates of one trial on one machine."""

    format: int
    key: str
    hardware: _Hardware
    encode: _Encode
    search: dict[str, _Search]
    bytes_per_item: int
    measured: str = ""
