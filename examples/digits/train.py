"""Fits the classifier on data/train.parquet, writes model.onnx and metrics.json."""

import json
from pathlib import Path

import pandas as pd
import yaml
from sklearn.model_selection import KFold, cross_val_score

from digits.images import PIXELS
from digits.model import build, export, fit


def main() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())["train"]
    images = pd.read_parquet("data/train.parquet")
    if params["images"] is not None:
        images = images[: params["images"]]
    print(f"training on {len(images)} images, {(images['source'] == 'production').sum()} of them from production")

    folds = KFold(5, shuffle=True, random_state=params["seed"])
    accuracies = cross_val_score(build(params), images[PIXELS].to_numpy("float32"), images["label"], cv=folds)
    model = fit(images, params)
    export(model, Path("model.onnx"))

    metrics = {
        "images": len(images),
        "support-vectors": int(model[-1].n_support_.sum()),
        "cross-validated-accuracy": round(float(accuracies.mean()), 4),
    }
    Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print(", ".join(f"{name} {value}" for name, value in metrics.items()))


if __name__ == "__main__":
    main()
