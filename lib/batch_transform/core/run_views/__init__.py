"""Recorded runs as a person looks at them: which there are, one of them, what failed, what containers wrote."""
