"""What `help(score)` says is what `score` takes, and what it raises."""

from __future__ import annotations

import re

from batch_transform.config.loading import FrameConfig
from batch_transform.core import errors
from batch_transform.pipeline.commands.notebook import score

# Filled in by the program, of a run file alone, or of a command that starts a run elsewhere.
NOT_OF_A_CALL = {"secret_variables", "limit", "input", "deploy"}


def test_each_section_that_a_call_may_have_is_named():
    arguments, _, _raises = (score.__doc__ or "").partition("Args:")[2].partition("Raises:")
    named = set(re.findall(r"^        (\w+):", arguments, re.M)) | set(re.findall(r"`(\w+)`", arguments))
    assert set(FrameConfig.model_fields) - NOT_OF_A_CALL - named == set()


def test_each_way_in_which_nothing_is_published_is_named_with_its_error():
    raises = set(re.findall(r"^        (\w+):", (score.__doc__ or "").partition("Raises:")[2], re.M))
    held_back = {kind.__name__ for kind in errors.HeldBack.__subclasses__()}
    ours = held_back | {"ConfigurationError", "RunHeld", "ServiceFailure", "PublishedUnverified", "BatchTransformError"}
    assert ours | {KeyboardInterrupt.__name__} == raises
    assert all(issubclass(getattr(errors, name), errors.BatchTransformError) for name in ours)
