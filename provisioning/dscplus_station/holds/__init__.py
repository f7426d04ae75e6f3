"""Holds: the deposit held for a card."""
