"""Codes that people read, print and type: passcodes, tables of indexed values."""
