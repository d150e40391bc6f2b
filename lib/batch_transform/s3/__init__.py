"""Amazon S3 over boto3: the object store, and upon it the ledger, the lease and the request to stop."""
