"""DataProcessing and its JSONPath: what reaches the model, and what of its answer is kept."""
