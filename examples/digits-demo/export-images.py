"""Writes images.json: the images that the repository sets aside for the field. Run with PYTHONPATH=../digits/src."""

import json
from pathlib import Path

import yaml

from digits.images import PIXELS, collected, split

HERE = Path(__file__).parent
PIXEL = "0123456789abcdefg"


def main() -> None:
    params = yaml.safe_load((HERE.parent / "digits" / "params.yaml").read_text())["prepare"]
    _train, _test, field = split(collected(), **params)
    rows = zip(field[PIXELS].to_numpy(int), field["label"], strict=True)
    images = [["".join(PIXEL[ink] for ink in pixels), int(label)] for pixels, label in rows]
    lines = ",\n".join(json.dumps(image) for image in images)
    (HERE / "images.json").write_text(f'{{ "images": [\n{lines}\n] }}\n')


if __name__ == "__main__":
    main()
