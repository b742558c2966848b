"""Exact evaluation of Hamming rankings: tie-aware metrics, curves, diagnostics, throughput."""
