"""Plugins: the registry, the folders it searches, hyper-parameters from signatures."""
