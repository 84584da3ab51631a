"""What all unit tests share."""

from hypothesis import settings

# Shared machines pause a test now and then; how long one example takes says nothing about the code.
settings.register_profile("unit", deadline=None, max_examples=60)
settings.load_profile("unit")
