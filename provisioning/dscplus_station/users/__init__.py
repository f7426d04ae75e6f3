"""Users: the people, and the facts about them that a PIN must not repeat."""
