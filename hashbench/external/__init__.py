"""Codes that come from elsewhere: read as they are stated, checked, scored into records like those of trials."""
