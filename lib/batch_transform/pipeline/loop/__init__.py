"""The driver's loop, and what is looked at before an action that needs it."""
