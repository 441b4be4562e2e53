"""The pieces of :mod:`placer.explain`: plain numpy, nothing shared with the engines but the model."""
