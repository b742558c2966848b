"""Files, paths, progress, devices, threads, seeds, PCA: nothing that knows images or codes."""
