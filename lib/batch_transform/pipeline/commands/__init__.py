"""One module for each command that a person gives, and what they share."""
