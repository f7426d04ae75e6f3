"""Devices: what verifies a holder: device and the users assigned to it."""
