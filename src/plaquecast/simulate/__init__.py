"""People with carotids whose truth is known."""
