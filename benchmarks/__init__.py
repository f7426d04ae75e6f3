"""Measurements, not tests: ratios within one run, beside what others do. `make bench` runs them."""
