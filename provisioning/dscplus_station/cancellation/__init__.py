"""Cancellation: ending an order before shipment, whatever has been done for it."""
