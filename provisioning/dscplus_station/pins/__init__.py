"""Another PIN for a card whose PIN the server knows the hash of (R7, profile B)."""
