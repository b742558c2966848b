"""Features of images: frozen extractors and the cache of what they answer."""
