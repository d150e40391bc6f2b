"""The ledger folded to a run's state, and the next action that follows from it."""
