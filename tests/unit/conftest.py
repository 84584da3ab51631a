"""What all unit tests share."""

from hypothesis import HealthCheck, settings

# Shared machines pause a test now and then; how long one example takes, or is in the making, says nothing about the code.
settings.register_profile("unit", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")
