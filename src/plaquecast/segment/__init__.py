"""Both carotids found, their tissues labelled by trained networks."""
