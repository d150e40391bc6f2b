"""The job that spark-submit runs: `score.py RUNFILE [OPTION ...]`, the run file on this machine or on S3."""

import sys

from batch_transform.pipeline.submit.job import main

if __name__ == "__main__":
    sys.exit(main())
