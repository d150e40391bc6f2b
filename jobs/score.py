"""The job that spark-submit runs: `score.py RUNFILE [OPTION ...]`, the run file on this machine or on S3."""

import sys

if sys.version_info < (3, 10):  # noqa: UP036 - EMR 7.0 has 3.9 alone, 7.1 and later have 3.11 beside it
    here = ".".join(map(str, sys.version_info[:2]))
    fault = f"Python 3.10 or newer is needed, and this is {here} (EMR has python3.11 from release 7.1 on)"
    sys.stdout.write(f'{{"run_id": null, "status": "refused", "error": ["{fault}"], "report": null}}\n')
    sys.stdout.flush()
    sys.stderr.write(f"error: {fault}\nRefused: nothing was done and nothing is paid.\n")
    sys.stderr.write("Mend what is named above, and try again.\n")
    sys.exit(2)

from batch_transform.pipeline.submit.job import main

if __name__ == "__main__":
    sys.exit(main())
