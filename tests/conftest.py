"""What holds for all tests."""

from __future__ import annotations

from hypothesis import settings

# A time limit for each example measures the machine's other work; pytest-timeout bounds the test.
settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
