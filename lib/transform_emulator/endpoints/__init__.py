"""Real-time endpoints for the models that jobs use."""
