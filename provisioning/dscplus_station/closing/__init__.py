"""Closing: what happens when a client leaves."""
