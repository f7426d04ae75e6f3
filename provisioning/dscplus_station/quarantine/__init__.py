"""Quarantine: cards set aside with their evidence."""
