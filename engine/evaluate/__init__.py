"""Measurements and experiments, over the same sampler that the page shows."""
