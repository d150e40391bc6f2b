"""All that knows moto's insides: its models, log streams, buckets and objects."""
