"""The job that spark-submit runs: `score.py RUNFILE [OPTION ...]`, the run file on this machine or on S3."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - EMR 7.0 has 3.9 alone, 7.1 and later have 3.11 beside it
    here = ".".join(map(str, sys.version_info[:2]))
    fault = f"Python 3.10 or newer is needed, and this is {here} (EMR has python3.11 from release 7.1 on)"
    sys.stderr.write(f"{fault}\n")
    sys.stdout.write(f'{{"run_id": null, "status": "refused", "error": ["{fault}"]}}\n')
    sys.exit(2)

from batch_transform.pipeline.submit.job import main

if __name__ == "__main__":
    sys.exit(main())
