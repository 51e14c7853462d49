"""Files in: everything a user hands over enters here."""
