"""Fixtures for those who integrate the card; pytest finds them by the entry point `dscplus`.

This module is loaded in every pytest run of everyone who has dscplus installed; it imports only pytest.
"""
