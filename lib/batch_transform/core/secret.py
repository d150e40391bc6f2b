"""What is not repeated in anything that is printed or stored."""

from __future__ import annotations

import re

# The names of settings that hold one; their values look like anything.
SECRET = re.compile("secret|password|token", re.IGNORECASE)
