"""What methods without networks share."""

VERSION = 1  # of what it computes; tests/golden says when it goes up
