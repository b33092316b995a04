"""Answers rightly but for one row, by its value of a: dies, hangs, raises or answers in another shape."""

import os
import time


class Model:
    def load(self, path):
        with open(path) as file:
            self.mood = file.read().strip()

    def predict(self, table):
        if (table["a"] == 777).any():
            if self.mood == "dies":
                os._exit(3)
            if self.mood == "hangs":
                time.sleep(600)
            if self.mood == "raises":
                raise ValueError("no such number")
            return {"label": [1, 2, 3]}
        return {"label": (table["a"] > table["b"]).astype("int64")}
