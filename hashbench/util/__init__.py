"""Files, paths, progress, devices, threads, seeds, PCA: helpers that know nothing of images or codes."""
