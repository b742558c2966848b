"""Exact Hamming search on CPU and GPU."""
