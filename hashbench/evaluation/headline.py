"""The headline metric and the version of all metrics, apart from the metrics so that reports need not import torch."""

METRIC_VERSION = 1
"""Goes up whenever a number changes for the same codes and labels; records with an older one are rescored."""

HEADLINE_K = 1000
HEADLINE = f"map@{HEADLINE_K}"
NEIGHBOURS_K = 100  # nearest items of the float vectors, the ground truth of relevance by neighbours
RADIUS = 2  # bits, of precision within a radius
