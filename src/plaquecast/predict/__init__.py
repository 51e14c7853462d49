"""From one visit to the change to come."""
