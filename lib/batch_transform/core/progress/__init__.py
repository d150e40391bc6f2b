"""What a person sees of a run while it goes on: events in, a screen or a line out."""
