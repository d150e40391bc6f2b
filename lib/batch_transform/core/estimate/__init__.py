"""What a run would do and cost, and how its answers compare with an endpoint's."""
