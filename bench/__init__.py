"""Benchmarks: ``python -m bench NAME``; each prints what was done, how long it took and how good the answer is."""
