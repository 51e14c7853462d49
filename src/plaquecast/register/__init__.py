"""Alignment: weightings to one grid, follow-up to baseline."""
