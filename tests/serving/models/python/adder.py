import json
import os
import time


class Adder:
    """Adds the columns a and b, and what its model file says."""

    def load(self, path):
        with open(path) as file:
            self.more = json.load(file)["add"]

    def predict(self, table):
        if (table["a"] < -1000).any():
            os._exit(7)
        if (table["a"] < 0).any():
            raise ValueError("a is negative")
        total = table["a"] + table["b"] + self.more
        return {"total": total.to_numpy(), "kind": ["big" if value > 10 else "small" for value in total]}


class Curious(Adder):
    """Tells who runs it, where it may write, and what it can read."""

    def predict(self, table):
        with open(os.path.join(os.environ["TMPDIR"], "scratch"), "w") as file:
            file.write("mine")
        return {"told": [json.dumps({"uid": os.getuid(), "env": dict(os.environ), "read": self.read()})]}

    def read(self):
        with open(os.path.join(os.path.dirname(__file__), "paths.json")) as file:
            return {path: reading(path) for path in json.load(file)}


def reading(path):
    try:
        if os.path.isdir(path):
            return os.listdir(path)
        with open(path, "rb") as file:
            return len(file.read())
    except OSError as error:
        return type(error).__name__


class Slow(Adder):
    def load(self, path):
        time.sleep(3600)


class Broken(Adder):
    def load(self, path):
        raise RuntimeError("no weights here")
