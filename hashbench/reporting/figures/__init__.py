"""Figures of result tables, one module per kind, in one style for all."""
