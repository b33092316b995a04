"""Makes data/train.parquet and data/test.parquet from the collected images and the feedback of production."""

from pathlib import Path

import pandas as pd
import yaml

from digits.feedback import read_feedback, split_feedback
from digits.images import collected, describe, ink_terciles, split

DATA = Path("data")


def main() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())["prepare"]
    train, test, _field = split(collected(), **params)
    feedback_train, feedback_test = split_feedback(read_feedback(DATA / "feedback.parquet"))
    # Of the collected images, so that "dark" means the same whatever production sends.
    terciles = ink_terciles(train)
    DATA.mkdir(exist_ok=True)
    write("train", train, feedback_train, terciles)
    write("test", test, feedback_test, terciles)


def write(name: str, ours: pd.DataFrame, feedback: pd.DataFrame, terciles: list[float]) -> None:
    frame = pd.concat([ours, feedback]) if len(feedback) else ours
    describe(frame, terciles).to_parquet(DATA / f"{name}.parquet", index=False)
    print(f"{name}: {len(ours)} collected images, {len(feedback)} from production")


if __name__ == "__main__":
    main()
