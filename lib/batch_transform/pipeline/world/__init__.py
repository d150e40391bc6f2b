"""What a run works in: the Spark session and its jars, the emulator, the way to AWS."""
