"""The ways in: the wrapper's and the console's, up to spark-submit's command line."""
