"""From labels to numbers per slice and artery."""
