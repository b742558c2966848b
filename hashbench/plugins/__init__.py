"""Finding plugins: the registry, the folders it looks in, hyper-parameters from signatures."""
