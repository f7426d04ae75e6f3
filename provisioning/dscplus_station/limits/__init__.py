"""Limits: what a device admits to withdraw, and what only enrolled users may do."""
