"""What the lists' pages call things."""
