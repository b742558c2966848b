"""Two sides of records compared query by query."""
