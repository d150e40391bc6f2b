"""What Batch Transform asks and allows, as data: limits, places, requests, and the switches of what is unconfirmed."""
