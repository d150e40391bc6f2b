"""A run is taken, held and let go: begun or gone on with, its lease renewed, signals and exit codes around it."""
