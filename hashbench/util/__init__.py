"""Files, paths, progress, devices, threads, seeds: nothing of the domain."""
