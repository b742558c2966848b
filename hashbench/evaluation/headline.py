"""The headline metric and the version of all metrics, apart from the metrics so that reports need not import torch."""

METRIC_VERSION = 1
"""Goes up whenever a number changes for the same codes and labels; records with an older one are rescored.

A new metric changes none: records that lack it stay current.
"""

HEADLINE_K = 1000
HEADLINE = f"map@{HEADLINE_K}"
RADIUS = 2  # bits, of precision within a radius
