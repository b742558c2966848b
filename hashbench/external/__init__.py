"""Codes that were made elsewhere: read, checked, and scored into records like those of trials."""
