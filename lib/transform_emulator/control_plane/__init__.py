"""The transform-job calls of the SageMaker API: requests in, job records out."""
