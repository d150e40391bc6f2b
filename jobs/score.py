"""The job that spark-submit runs: `score.py --resolved FILE [--step STEP] [SWITCH ...]`, over a checked run file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from batch_transform.pipeline.ending.exits import ended
from batch_transform.pipeline.handshake import Handshake


def run(arguments: list[str], handshake: Handshake) -> int:
    """Returns the exit code of the run that the resolved document describes."""
    parser = argparse.ArgumentParser(prog="score.py", description=__doc__)
    parser.add_argument("--resolved", type=Path, required=True, help="JSON document of the checked run file")
    steps = ("plan", "prepare", "collect", "resume")
    parser.add_argument("--step", choices=steps, help="the step of a run that this is, or its plan; else all of it")
    again = "whether the dead rows of an unpublished run are sent again"
    parser.add_argument("--retry-dead", action="store_true", help=again)
    parser.add_argument("--accept-model", action="store_true", help="go on with the model as it is now")
    asked = parser.parse_args(arguments)
    document = json.loads(asked.resolved.read_text(encoding="utf-8"))
    # Imported late: the driver's pid is known to the wrapper before seconds go into imports.
    if asked.step == "plan":
        from batch_transform.pipeline.commands.plan import plan_job

        return plan_job(document, handshake)
    from batch_transform.pipeline.commands.run import run_job

    how = {name: True for name in ("retry_dead", "accept_model") if getattr(asked, name)}
    return run_job(document, handshake, asked.step or "run", **how)


def main() -> int:
    """Returns the exit code, which is also told to the wrapper: it may outlive spark-submit."""
    handshake = Handshake.from_environ(os.environ)
    handshake.announce(os.getpid())
    try:
        code = run(sys.argv[1:], handshake)
    except Exception as err:
        code = ended(err, handshake)
    handshake.end(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
