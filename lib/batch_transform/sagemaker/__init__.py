"""Amazon SageMaker over boto3: jobs, models and endpoints. It makes the calls, and says which may be made again."""
