"""All that is asked before anything is written, created or paid for."""
