"""Faults declared as data: what goes wrong, where, and the how-manieth time."""
