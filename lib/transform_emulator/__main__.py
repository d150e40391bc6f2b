"""The command `transform-emulator`, and `python -m transform_emulator`: all that runs before moto is there."""

import gc
import sys

EXTRA = "spark-batch-transform[emulator]"


def main() -> int:
    """Returns the exit code of the command line; 2 where what it is made of is not installed."""
    try:
        from transform_emulator.cli import main as run
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "transform_emulator":
            raise
        sys.stderr.write(f"transform-emulator: it needs {package}, which is not installed: pip install '{EXTRA}'\n")
        return 2
    code = run()
    gc.freeze()  # or the interpreter's end looks through all that was imported, while a run waits for it
    return code


if __name__ == "__main__":
    sys.exit(main())
