"""Logins as a user meets them: which device to pick, and what a right answer opens."""
