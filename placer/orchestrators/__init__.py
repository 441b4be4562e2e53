"""Orchestrators: what they say about nodes and pods, and bindings in their words."""
