"""Weights: from a hub or a folder, verified, into PADDLEX_HOME. `scripts/prefetch_models.py` is the command."""
