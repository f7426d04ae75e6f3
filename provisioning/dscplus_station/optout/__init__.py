"""Opting out: users who do without the system's protection, and pay for it with restrictions."""
