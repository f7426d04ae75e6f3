"""Scans: what a barcode at the bench can be. Pure; scanner and keyboard are the same to it."""
