"""Activation: by the user or by the timer, idempotent towards each other."""
