"""Features of images: frozen extractors and the cache of their features."""
