"""Plans the trials of a grid, each with the reason why it is run or not."""
