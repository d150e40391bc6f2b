"""A module for each format of results, which holds the one instance of its port, `FORMAT`; nothing else names them."""
