"""Examples of the user's settings: data on which each of them matters, in a session that a test has.

An example is a line of `examples.tsv` where SQL shows it, else a line of `files.py`, `texts.py`, `functions.py` or
`tables.py`.
`not_shown.tsv` has the settings that no local session shows, with the reason.
"""

from __future__ import annotations

from support.setting_examples.examples import Example, in_sql, not_shown, whole
from support.setting_examples.files import FILES
from support.setting_examples.functions import FUNCTIONS
from support.setting_examples.tables import TABLES
from support.setting_examples.texts import TEXTS

EXAMPLES: tuple[Example, ...] = (*in_sql(), *FILES, *FUNCTIONS, *TABLES, *TEXTS)
NOT_SHOWN = not_shown()

__all__ = ["EXAMPLES", "NOT_SHOWN", "Example", "whole"]
