"""A module for each way to merge, which holds the one instance of its port, `WAY`; nothing else names them."""
