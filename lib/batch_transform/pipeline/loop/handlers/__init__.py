"""One handler for each action: it does what the core decided and returns the ledger step that says so."""
