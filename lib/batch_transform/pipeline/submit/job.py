"""The job that spark-submit runs, and what `jobs/score.py` is.

`score.py RUNFILE [OPTION ...]`, as `batch-transform` takes them, where nobody has read the run file before: it may lie
on S3. Or, as `spark-submit.sh` starts it, `score.py --resolved FILE [--step STEP] [SWITCH ...]` over a checked one.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from pathlib import Path

from batch_transform.core.errors import Interrupted
from batch_transform.pipeline.commands.package import ENTRY
from batch_transform.pipeline.ending.exits import ended
from batch_transform.pipeline.handshake import Handshake
from batch_transform.pipeline.lifecycle.interrupts import Interrupts
from batch_transform.pipeline.run_switches import SWITCHES, RunSwitches
from batch_transform.pipeline.standard_output import open_streams
from batch_transform.pipeline.submit.python_path import package_first
from batch_transform.pipeline.telling import JSON_LOG, TEXT_LOG, write_log_as

_RESOLVED = "--resolved"


def run(arguments: list[str], handshake: Handshake) -> int:
    """Returns the exit code of the run that a run file, or the document of a checked one, describes."""
    if not any(argument.partition("=")[0] == _RESOLVED for argument in arguments):
        from batch_transform.pipeline.submit.console_script import exit_code

        return exit_code(arguments, is_job=True)
    parser = argparse.ArgumentParser(prog=ENTRY, description=__doc__)
    parser.add_argument(_RESOLVED, type=Path, required=True, help="JSON document of the checked run file")
    steps = ("plan", "prepare", "collect", "resume")
    parser.add_argument("--step", choices=steps, help="the step of a run that this is, or its plan; else all of it")
    parser.add_argument("--exact", action="store_true", help="of plan: render every record")
    parser.add_argument("--show-record", action="store_true", help="of plan: show the first record")
    parser.add_argument(
        "--log", action="append", default=[], choices=(TEXT_LOG, JSON_LOG), help="how it is told what happens"
    )
    for flag in SWITCHES.values():
        parser.add_argument(flag, action="store_true", help="as the command resume takes it")
    asked = parser.parse_args(arguments)
    write_log_as(*asked.log)
    document = json.loads(asked.resolved.read_text(encoding="utf-8"))
    # Imported late: the driver's pid is known to the wrapper before seconds go into imports.
    if asked.step == "plan":
        from batch_transform.pipeline.commands.plan import plan_job

        return plan_job(document, handshake, exact=asked.exact, show_record=asked.show_record)
    from batch_transform.pipeline.commands.run import run_job

    switches = RunSwitches(**{name: getattr(asked, name) for name in SWITCHES})
    return run_job(document, handshake, asked.step or "run", switches)


def main() -> int:
    """Returns the exit code, which is also told to the wrapper: it may outlive spark-submit."""
    # Until all is imported (`run`): what a module makes stays, and to look for garbage among it took half a second.
    gc.disable()
    open_streams()
    sys.path[:] = package_first(sys.path)
    handshake = Handshake.from_environ(os.environ)
    interrupts = Interrupts(watch_parent=False)
    with interrupts.raised():  # seconds go into imports before the run handles them itself
        try:
            handshake.announce(os.getpid())
            code = run(sys.argv[1:], handshake)
        except Interrupted as err:  # which takes no report back, if it comes as the work has ended
            code = err.exit_code if handshake.reports else ended(err, handshake, "before the run was begun")
        except Exception as err:  # noqa: BLE001 - whatever it is, whoever waits needs a report and an exit code of ours
            code = ended(err, handshake)
        interrupts.work_is_over()
        handshake.end(code)
    gc.freeze()  # the interpreter's end does not look through it once more, which took a second
    return code
