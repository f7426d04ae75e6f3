"""Orders: what clients ordered, and which card serves which order."""
