"""Users: the people, the facts that tell them apart, and those that a PIN must not repeat."""
