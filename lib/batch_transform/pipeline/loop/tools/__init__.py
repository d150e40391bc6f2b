"""What several handlers work with, and the driver: nothing here is told by an action, or returns a step."""
