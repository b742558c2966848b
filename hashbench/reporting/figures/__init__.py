"""Figures of result tables, one module per kind, in one look for all."""
