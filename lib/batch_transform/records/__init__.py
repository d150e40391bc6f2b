"""What is sent to the model for a row: a module for each record format, whose FORMAT knows all there is to it."""
