"""Spark by the DataFrame API alone: stage, export, count, cut and merge. Executors import this without the config."""
