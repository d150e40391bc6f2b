"""Stand-ins for the outside world that can fail and die at any point."""
