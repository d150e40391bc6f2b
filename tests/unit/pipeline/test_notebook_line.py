"""A notebook's kernel shows one line that is drawn over itself, and an error of ours without its stack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

from batch_transform.core.events import Event, EventKind
from batch_transform.pipeline.notebook_line import shown_progress

LIB = Path(__file__).parents[3] / "lib"
RUN = """
import time
from batch_transform.core.events import Event, EventKind
from batch_transform.pipeline.notebook_line import shown_progress
with shown_progress() as tell:
    tell(Event("stage", kind=EventKind.BEGINS))
    tell(Event("stage", "10 rows"))
    time.sleep(1.5)
    tell(Event("warning", "a column of no type"))
"""
FAIL = """
from batch_transform.core.errors import ConfigurationError
def beneath():
    raise ConfigurationError(["one <fault>", "another"])
beneath()
"""


@pytest.fixture(scope="module")
def said():
    """What a kernel says of a cell, by the types of its messages."""
    manager, client = start_new_kernel(env={**os.environ, "PYTHONPATH": str(LIB)}, startup_timeout=60)
    try:

        def run(code):
            found = []
            client.execute_interactive(code, timeout=60, output_hook=found.append)
            return [(message["header"]["msg_type"], message["content"]) for message in found]

        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_run_is_one_line_on_display_that_is_updated(said):
    messages = said(RUN)
    shown = [content for kind, content in messages if kind == "display_data"]
    updates = [content for kind, content in messages if kind == "update_display_data"]
    assert len(shown) == 1
    assert {content["transient"]["display_id"] for content in [*shown, *updates]} == {
        shown[0]["transient"]["display_id"]
    }
    assert updates[0]["data"]["text/plain"].startswith("0:01 elapsed · stage for 0:0")
    assert "stage" not in updates[-1]["data"]["text/plain"]  # nothing goes on any more
    written = "".join(content["text"] for kind, content in messages if kind == "stream")
    assert written == "[batch-transform] warning   a column of no type\n"


def test_an_error_of_ours_is_its_words_and_no_stack(said):
    ((_, error),) = [message for message in said(FAIL) if message[0] == "error"]
    assert error["traceback"] == ["ConfigurationError: one <fault>", "ConfigurationError: another"]


def test_without_a_kernel_there_are_plain_lines(capsys):
    with shown_progress() as tell:
        tell(Event("stage", kind=EventKind.BEGINS))
        tell(Event("stage", "10 rows"))
    assert capsys.readouterr().err == "[batch-transform] stage     10 rows\n"
