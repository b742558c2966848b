"""The executor of a ray cluster: trials as tasks on many machines, their records written by the one that asks."""
