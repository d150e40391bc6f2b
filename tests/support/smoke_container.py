"""AWS's scikit-learn container as the emulator runs scripts, for an artifact that holds its script.

`transform-emulator --model IMAGE=tests/support/smoke_container.py`: a model of that image is served by this file, which
is whatever script its artifact has.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

_PLACE = Path(os.environ["SM_MODEL_DIR"]) / "code" / os.environ["SAGEMAKER_PROGRAM"]
_found = importlib.util.spec_from_file_location("script_of_the_artifact", _PLACE)
assert _found is not None
assert _found.loader is not None
_script = importlib.util.module_from_spec(_found)
_found.loader.exec_module(_script)
model_fn, transform_fn = _script.model_fn, _script.transform_fn
