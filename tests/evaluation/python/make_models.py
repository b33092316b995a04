"""Small models that know whether a > b, written by the real libraries: make_models.py KIND FOLDER."""

import os
import sys

import numpy as np
import pandas as pd

kind, folder = sys.argv[1], sys.argv[2]
rows = np.arange(200)
X = pd.DataFrame({"a": (rows % 7).astype(float), "b": (rows % 5).astype(float)})
y = (X["a"] > X["b"]).astype(int)


def place(name):
    return os.path.join(folder, name)


def make_sklearn():
    import pickle

    from sklearn.tree import DecisionTreeClassifier

    with open(place("model.pkl"), "wb") as file:
        pickle.dump(DecisionTreeClassifier(random_state=0).fit(X, y), file)


def make_xgboost():
    import xgboost

    xgboost.XGBClassifier(n_estimators=20, max_depth=4, random_state=0).fit(X, y).save_model(place("model.ubj"))


def make_torch():
    import torch

    layer = torch.nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, -1.0]]))
        layer.bias.copy_(torch.tensor([0.0, -0.5]))
    torch.save(layer.state_dict(), place("model.pt"))


def make_mlflow():
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(random_state=0).fit(X, y)
    signature = infer_signature(X, model.predict(X))
    mlflow.sklearn.save_model(model, place("tree"), signature=signature, serialization_format="pickle", pip_requirements=["scikit-learn"])

    class Larger(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return pd.DataFrame({"label": (model_input["a"] > model_input["b"]).astype("int64")})

    signature = infer_signature(X, pd.DataFrame({"label": y}))
    mlflow.pyfunc.save_model(place("larger"), python_model=Larger(), signature=signature, pip_requirements=["pandas"])


globals()[f"make_{kind}"]()
