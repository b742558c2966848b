"""Reads records of format 2, which had checksums of bytes for fingerprint and a precision resolved at run time."""

from typing import Any

FORMAT = 2
UNKNOWN = "unknown"


def upgraded(content: dict[str, Any]) -> dict[str, Any]:
    """A record, or throughput, of format 2 as one of format 3; ``content`` stays as it is.

    The key stays. Its fingerprint has no versions, so that it differs from any of format 3. A precision that was "auto"
    is what the training says it was, else "unknown". Parts that are damaged stay so, for the check that follows.
    """
    upgraded = {**content, "format": FORMAT + 1}
    fingerprint, trial = content.get("fingerprint"), content.get("trial")
    if isinstance(fingerprint, dict) and "files" in fingerprint:
        others = {name: value for name, value in fingerprint.items() if name != "files"}
        sources = {"sources": fingerprint["files"], "versions": {}, "distributions": {}}
        upgraded["fingerprint"] = {**others, "device": _device_kind(content), **sources}
    if isinstance(trial, dict) and _part(trial, "parameters", "precision") == "auto":
        upgraded["trial"] = {**trial, "parameters": {**trial["parameters"], "precision": _precision(content)}}
    return upgraded


def _device_kind(content: dict[str, Any]) -> str:
    if "scored" in content["fingerprint"]:
        return "elsewhere"
    device = _part(content, "environment", "hardware", "device")
    return device.partition(":")[0] if isinstance(device, str) else UNKNOWN


def _precision(content: dict[str, Any]) -> str:
    precision = _part(content, "training", "facts", "precision")
    return precision if isinstance(precision, str) else UNKNOWN


def _part(content: Any, *path: str) -> Any:
    for name in path:
        content = content.get(name) if isinstance(content, dict) else None
    return content
