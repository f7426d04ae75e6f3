"""User names and passwords of the portal: a check that can be plugged in, and one of the station's own."""
