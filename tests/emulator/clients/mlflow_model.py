"""Runs in MLflow's own environment: fits y = 2a + 10b and saves the model at argv[1]."""

import sys

import mlflow.sklearn
import pandas as pd
from sklearn.linear_model import LinearRegression

table = pd.DataFrame({"a": [0.0, 1, 2, 3], "b": [1.0, 0, 2, 1]})
model = LinearRegression().fit(table, 2 * table.a + 10 * table.b)
mlflow.sklearn.save_model(model, sys.argv[1], input_example=table)
