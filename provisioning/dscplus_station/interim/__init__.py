"""Interim: temporary access between a lost card and its replacement."""
