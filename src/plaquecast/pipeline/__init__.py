"""The main paths; the only room that knows the order."""
