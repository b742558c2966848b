"""The card of an exported encoder: what it is, what it reads, what its codes are worth, and how to use it."""

import inspect
from typing import Any

from hashbench.export.check import Check
from hashbench.features.spec import extractor
from hashbench.replay.fitted import FittedMethod
from hashbench.reporting.metric_names import metric_name
from hashbench.version import __version__

RANKED = {
    "hamming": "which are compared by Hamming distance",
    "asymmetric": "which are ranked by the largest product of a query's projection, left real, with bits of -1 and +1",
}
SHOWN = ("map@1000", "map@all", "recall@10", "precision@10")
KINDS = ("neighbours/",)  # of metrics that are shown whole


def facts(fitted: FittedMethod, shape: tuple[int, ...], checks: list[Check], changes: list[str]) -> dict[str, Any]:
    """The card for programs, ``card.json``; ``shape`` is that of an item."""
    record, trial = fitted.stored.record, fitted.stored.trial
    return {
        "method": trial.method,
        "parameters": dict(trial.parameters),
        "bits": fitted.method.bits,
        "bytes_per_item": -(-fitted.method.bits // 8),
        "ranking": trial.ranking or "hamming",
        "bit_order": "the first bit is the highest of the first byte; padding at the end is zero",
        "input": input_text(fitted, shape),
        "record": record["key"],
        "protocol": trial.protocol,
        "protocol_card": record["protocol_card"]["id"],
        "features": {"name": trial.features, "dtype": trial.features_dtype, "weights_sha256": trial.features_weights},
        "metrics": record["metrics"],
        "changed_since": changes,
        "checks": [vars(check) for check in checks],
        "hashbench": __version__,
    }


def input_text(fitted: FittedMethod, shape: tuple[int, ...]) -> str:
    """What the encoder reads, items of that ``shape``, and how it is made of an image."""
    trial = fitted.stored.trial
    if fitted.reads_images:
        size = shape[-1]
        return (
            f"uint8 RGB images [n, 3, {size}, {size}], resized to {size} x {size} by bilinear interpolation with "
            "antialiasing (torch.nn.functional.interpolate, align_corners=False) and rounded; grey is repeated to "
            "three channels. Scaling and normalising are part of the encoder"
        )
    features = extractor(trial.features, fitted.weights, trial.features_dtype)
    line = (inspect.getdoc(type(features)) or "").partition("\n")[0].rstrip(".")
    settings = f"; {features.configuration}" if features.configuration else ""
    return f"float32 vectors [n, {shape[0]}]: features {trial.features} ({line}{settings}), not scaled to unit length"


def markdown(card: dict[str, Any], files: dict[str, str], checks: list[Check]) -> str:
    """The card for people: ``README.md``.

    Args:
        card: of :func:`facts`.
        files: a line about each file, by its name.
        checks: the comparisons with the method.
    """
    bits, size = card["bits"], card["bytes_per_item"]
    metrics = {
        name: value
        for name, value in (card["metrics"] or {}).items()
        if value is not None and (name in SHOWN or name.startswith(KINDS))
    }
    parameters = ", ".join(f"{name}={value}" for name, value in card["parameters"].items())
    weights = card["features"]["weights_sha256"]
    lines = [
        f"# {card['method']}, {bits} bits",
        "",
        f"Encodes an item to {bits} bits ({size} bytes), {RANKED[card['ranking']]}. "
        f"Exported by hashbench {card['hashbench']}.",
        "",
        f"* **Input**: {card['input']}." + (f" Weights of the features' network: sha256 {weights}." if weights else ""),
        f"* **Output**: {card['bit_order']} (numpy.packbits).",
        f"* **Record**: {card['record']}, {card['method']}" + (f" ({parameters})" if parameters else ""),
        f"* **Protocol**: {card['protocol']}, protocol card {card['protocol_card']}, "
        f"features {card['features']['name']}",
        "* **Measured there**: " + ", ".join(f"{metric_name(name)} {value:.3f}" for name, value in metrics.items()),
        *(
            [f"* **Changed since the record was made**: {', '.join(card['changed_since'])}"]
            if card["changed_since"]
            else []
        ),
        "",
        "## Files",
        "",
        *(f"* `{name}`: {line}" for name, line in files.items()),
        "",
        "## Use",
        "",
        "```python",
        *_use(files),
        "```",
        "",
        "## Checked",
        "",
        *(f"* {check}" for check in checks),
        "",
        *_databases(bits, size),
    ]
    return "\n".join(lines) + "\n"


def _use(files: dict[str, str]) -> list[str]:
    if "encoder.py" in files:
        return ["from encoder import encode", "codes = encode(vectors)"]
    return [
        "session = onnxruntime.InferenceSession('encoder.onnx')",
        "bits = session.run(['bits'], {session.get_inputs()[0].name: batch})[0]",
        "codes = numpy.packbits(bits, axis=1)",
    ]


def _databases(bits: int, size: int) -> list[str]:
    return [
        "## Into an index or a database",
        "",
        "`hashbench encode RECORD INPUT -o FILE --layout NAME` writes codes in each layout; from packed `codes`:",
        "",
        "```python",
        f"index = faiss.IndexBinaryFlat({8 * size}); index.add(codes)      # packed as they are: Hamming distances",
        'codes                                                   # sentence-transformers: precision "ubinary"',
        f"bits = numpy.unpackbits(codes, axis=1, count={bits})        # 0 and 1, the first bit first",
        f'["".join(map(str, row)) for row in bits]                # pgvector: text of bit({bits}), operator <~>',
        "bits * 2.0 - 1                                          # Qdrant: vectors of +1 and -1, distance Dot,",
        "                                                        # binary quantisation keeps the same bits",
        "```",
    ]
