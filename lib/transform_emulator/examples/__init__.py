"""Model servers to try the emulator with."""
