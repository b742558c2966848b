"""Pictures: queries with their neighbours, originals with their reconstructions."""
