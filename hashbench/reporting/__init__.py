"""Reports, made from records only: the same bytes for the same records."""
