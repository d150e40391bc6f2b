"""The report of a run as one page, without script and without anything from another host."""
