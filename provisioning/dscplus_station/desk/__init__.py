"""The returns desk: inspects what came back, then restocks, scraps or sets it aside (R46)."""
