"""The card as a USB device: descriptors, a device model without I/O, and ways into a kernel."""
