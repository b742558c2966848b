"""Carrying out a plan: executors, what one trial does, and ``hb.run``."""
