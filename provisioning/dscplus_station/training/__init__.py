"""The training card: a virtual card on which staff and support walk through R2 and see every display text."""
