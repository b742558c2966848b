"""What needs pictures or a kept model: queries with their neighbours, originals with their reconstructions."""
