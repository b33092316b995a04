"""The images we collected, and what we say about any image: its digit and how dark it is."""

import hashlib

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

SIDE = 8
DARKEST = 16
PIXELS = [f"p{i}" for i in range(SIDE * SIDE)]
COLUMNS = ["image", *PIXELS, "label", "source"]


def collected() -> pd.DataFrame:
    """The 1,797 labelled images that come with scikit-learn; a pixel is 0 (paper) to 16 (ink)."""
    pixels, labels = load_digits(return_X_y=True)
    frame = pd.DataFrame(pixels.astype(np.float32), columns=PIXELS)
    frame["image"] = [f"digits-{i:04d}" for i in range(len(frame))]
    frame["label"] = labels.astype(np.int64)
    frame["source"] = "collected"
    return frame[COLUMNS]


def split(frame: pd.DataFrame, test: int, field: int, seed: int) -> tuple[pd.DataFrame, ...]:
    """Train, test and field. The order comes from a hash of the id: the same on every machine and version."""
    order = frame["image"].map(lambda image: hashlib.sha256(f"{seed}:{image}".encode()).hexdigest())
    shuffled = frame.loc[order.sort_values().index].reset_index(drop=True)
    return shuffled[test + field :], shuffled[:test], shuffled[test : test + field]


def ink_terciles(frame: pd.DataFrame) -> list[float]:
    """The two amounts of ink that cut the images into light, medium and dark ones."""
    return [float(edge) for edge in frame[PIXELS].sum(axis=1).quantile([1 / 3, 2 / 3])]


def describe(frame: pd.DataFrame, terciles: list[float]) -> pd.DataFrame:
    """Adds the columns that evaluation slices by."""
    ink = pd.cut(frame[PIXELS].sum(axis=1), [-np.inf, *terciles, np.inf], labels=["light", "medium", "dark"])
    return frame.assign(digit=frame["label"].astype(str), ink=ink.astype(str)).reset_index(drop=True)
