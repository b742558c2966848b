"""Advice for a collection of vectors: the smallest code that keeps its neighbours, and how much must be rescored."""
