"""Exact evaluation of Hamming rankings: histograms of distances, tie-aware metrics, curves, diagnostics, throughput."""

from hashbench.evaluation.metrics import METRIC_VERSION

__all__ = ["METRIC_VERSION"]
