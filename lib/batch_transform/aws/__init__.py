"""How AWS clients are made, in the driver and in the executors."""
