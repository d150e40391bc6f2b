"""Score a table with Amazon SageMaker Batch Transform, driven from Spark."""
