"""Bytes of an `.out` object in, typed predictions and the places of unreadable lines out."""
