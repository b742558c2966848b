"""Leaderboard tables from records, in each of their formats."""
