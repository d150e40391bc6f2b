"""`python -m transform_emulator` is `transform-emulator`."""

import sys

from transform_emulator.cli import main

if __name__ == "__main__":
    sys.exit(main())
