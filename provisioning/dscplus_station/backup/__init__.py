"""Backup: the whole home in one encrypted file, and back."""
