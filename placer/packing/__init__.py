"""Bounds: what no placement can beat."""
