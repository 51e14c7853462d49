"""Two measured visits to change per year."""
