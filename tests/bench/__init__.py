"""Benchmarks: ratios taken side by side, in rounds, in one run. `make bench` runs them."""
