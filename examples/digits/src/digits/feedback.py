"""Images that production has seen and that someone has labelled since."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from digits.images import COLUMNS, PIXELS

TEST_SHARE = 4  # one image in four is kept for evaluation


def read_feedback(path: Path) -> pd.DataFrame:
    """The rows as images of ours. No file, or a table without rows, is no feedback yet: that is how every model starts."""
    logged = pd.read_parquet(path) if path.exists() else pd.DataFrame()
    return as_images(logged) if len(logged) else pd.DataFrame(columns=COLUMNS)


def as_images(logged: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in [*PIXELS, "label", "_id"] if name not in logged.columns]
    if missing:
        raise ValueError(f"the feedback has rows, but no column {', '.join(missing[:3])}: is `log: inputs` still `all`?")
    frame = logged[PIXELS].apply(pd.to_numeric, errors="coerce").astype(np.float32)
    frame["label"] = pd.to_numeric(logged["label"], errors="coerce")
    row = logged["_row"] if "_row" in logged.columns else pd.Series(0, index=logged.index)
    frame["image"] = "production-" + logged["_id"].astype(str) + "-" + row.astype(str)
    frame["source"] = "production"
    usable = frame["label"].isin(range(10)) & frame[PIXELS].notna().all(axis=1)
    # The same pixels sent twice are one image: otherwise they could be learned from and tested on.
    images = frame[usable].drop_duplicates(PIXELS, keep="last").sort_values("image")
    return images.astype({"label": np.int64})[COLUMNS].reset_index(drop=True)


def split_feedback(images: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test. By a hash of the pixels: an image never changes sides, however much feedback joins it."""
    held_out = np.array([is_held_out(pixels) for pixels in images[PIXELS].to_numpy(np.float32)], dtype=bool)
    return images[~held_out], images[held_out]


def is_held_out(pixels: np.ndarray) -> bool:
    return int.from_bytes(hashlib.sha256(pixels.tobytes()).digest()[:8], "big") % TEST_SHARE == 0
