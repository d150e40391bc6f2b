"""The emulator's state on disk, so that another process goes on with the same world."""
