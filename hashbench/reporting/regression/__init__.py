"""The regression gate: a baseline of results, how far new ones may fall behind it, and whether they do."""
