"""The ports on whole tables and on many objects, done by Spark or by threads."""
