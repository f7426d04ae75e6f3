"""Shipping: handing cards to carriers, and what comes back undelivered."""
