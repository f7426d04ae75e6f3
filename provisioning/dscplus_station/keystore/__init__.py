"""Keystore: master keys, and the sealing of secrets that the database holds."""
