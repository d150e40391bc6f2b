"""What a transform job does: objects in, requests to model servers, `.out` objects out."""
