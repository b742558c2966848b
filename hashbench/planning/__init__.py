"""From a grid as asked for to trials, each with the reason why it is run or not."""
