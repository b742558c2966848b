"""Figures that papers report, and how far this suite's records are from them."""
