"""Models as scripts: `model_fn`, `input_fn`, `predict_fn`, `output_fn` beside an artifact, served without Docker."""
