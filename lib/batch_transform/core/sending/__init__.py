"""Rows to objects to the request: how big objects are, which jobs they make, what is asked of the service."""
