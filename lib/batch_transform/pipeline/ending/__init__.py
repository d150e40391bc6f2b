"""What stands at the end of a run and needs no Spark: jobs stopped, leftovers removed, reports written."""
