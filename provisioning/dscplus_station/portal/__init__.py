"""A login through the portal: name and password first, then a device's answer (R1)."""
