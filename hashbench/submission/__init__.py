"""Submissions: codes packed with what is claimed of them, checked, and scored where they are published."""
