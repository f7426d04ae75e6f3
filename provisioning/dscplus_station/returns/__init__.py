"""Returns: cards that come back."""
