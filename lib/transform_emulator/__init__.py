"""An emulator of Amazon SageMaker Batch Transform that AWS clients reach through `endpoint_url`."""
