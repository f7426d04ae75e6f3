"""Links: frames, sessions and repeats as state machines without I/O."""
