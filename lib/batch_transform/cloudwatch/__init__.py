"""Amazon CloudWatch Logs: what a job's data log says of the objects that failed."""
