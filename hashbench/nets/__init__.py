"""Networks, losses and training loops that methods share."""

VERSION = 2  # of what they compute; tests/golden says when it goes up
