"""The emulator's own HTTP server, and which request goes where."""
