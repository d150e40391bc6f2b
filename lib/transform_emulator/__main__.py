"""The command `transform-emulator`, and `python -m transform_emulator`: all that runs before moto is there."""

import sys

EXTRA = "spark-batch-transform[emulator]"


def main() -> int:
    """The exit code of the command line; 2 where what it is made of is not installed."""
    try:
        from transform_emulator.cli import main as run
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "transform_emulator":
            raise
        sys.stderr.write(f"transform-emulator: it needs {package}, which is not installed: pip install '{EXTRA}'\n")
        return 2
    return run()


if __name__ == "__main__":
    sys.exit(main())
