"""What the pipeline decides: no I/O, no Spark, no boto3, no clock.

Everything else imports from here, never the reverse.
"""

__version__ = "0.1.0"
