"""``hashbench doctor``: what this machine has, what it lacks for a run, and the way out of each problem."""
