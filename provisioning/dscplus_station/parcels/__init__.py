"""Parcels: from the scanned order to the closed envelope, an operator's own at a station; scan by scan."""
