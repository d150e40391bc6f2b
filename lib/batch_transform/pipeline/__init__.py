"""What drives a run. Here: the ports, places and targets, and a run as its ledger has it."""
