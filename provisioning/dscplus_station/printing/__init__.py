"""The label printer: what is to be printed is on record before the printer is spoken to."""
