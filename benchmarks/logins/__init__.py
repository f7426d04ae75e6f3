"""Logins a second by the API beside privacyIDEA's OCRA challenge and response, with equal work."""
