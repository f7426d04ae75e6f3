"""Ordering: what a client does to get a card, from the draft to the confirmation."""
