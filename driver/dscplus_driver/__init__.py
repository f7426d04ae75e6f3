"""Driver for the Digital Security Card+ (DSC+): the host's side of the wire."""

__version__ = "0.1.0"
