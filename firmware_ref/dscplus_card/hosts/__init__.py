"""Bodies for the card on a computer: pty, TCP, control socket, faults (CPython only)."""
