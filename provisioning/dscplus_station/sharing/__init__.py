"""Sharing: several user names of one person on one device."""
