"""Repeats work on stored trials: scoring and measuring from their records, codes and fitted methods."""
