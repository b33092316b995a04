"""Files as real libraries write them, and some that nobody should load: make_pickles.py FOLDER."""

import gzip
import os
import pickle
import sys
import zipfile

import joblib
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

os.chdir(sys.argv[1])
X = np.arange(80.0).reshape(40, 2)
forest = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(X, X[:, 0] > 30)
boosted = HistGradientBoostingRegressor(max_iter=3, random_state=np.random.RandomState(0)).fit(X, X[:, 0])
encoder = OneHotEncoder().fit(np.array([["a"], ["b"]], dtype=object))


class Evil:
    def __reduce__(self):
        return os.system, ("echo loaded",)


def write(name, write_to):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "wb") as file:
        write_to(file)


for protocol in range(6):
    write(f"good/forest{protocol}.pkl", lambda file: pickle.dump(forest, file, protocol=protocol))
for name, compress in {"plain": 0, "zlib": 3, "gzip": ("gzip", 3)}.items():
    joblib.dump(forest, f"good/forest-{name}.joblib", compress=compress)
joblib.dump(encoder, "good/encoder.joblib")
joblib.dump(boosted, "good/boosted.joblib")
write("good/numbers.npy", lambda file: np.save(file, X))
write("good/two-arrays.npy", lambda file: (np.save(file, X), np.save(file, X.astype("f4"))))
PLAIN = {
    "truth": X > 3,
    "text": np.array(["a", "bcd"]),
    "bytes": np.array([b"a", b"bcd"]),
    "times": np.array(["2026-01-01"], dtype="M8[ns]"),
    "complex": X.astype("c16"),
    "columns": np.asfortranarray(X),
    "one": np.array(3),
    "none": np.zeros((0, 4)),
    "record": np.zeros(3, dtype=[("a", "i1"), ("b", "f8", (2, 2)), ("c", "U3")]),
    "aligned": np.zeros(3, dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True)),
}
for name, array in PLAIN.items():
    write(f"good/plain-{name}.npy", lambda file: np.save(file, array))
    write(f"evil/after-{name}.npy", lambda file: (np.save(file, array), pickle.dump(Evil(), file)))
np.savez("good/plain.npz", **PLAIN)
write("good/padded.npy", lambda file: (np.save(file, X), file.write(bytes(64))))
write("good/objects.npz", lambda file: np.savez(file, a=X, b=np.array([{"a": 1}, None], dtype=object)))

for protocol in range(6):
    write(f"evil/evil{protocol}.pkl", lambda file: pickle.dump({"a": [forest, Evil()]}, file, protocol=protocol))
joblib.dump([forest, Evil()], "evil/evil.joblib", compress=3)
joblib.dump(np.array([1, Evil()], dtype=object), "evil/inside-array.joblib")
write("evil/objects.npy", lambda file: np.save(file, np.array([Evil()], dtype=object), allow_pickle=True))
write("evil/objects.npz", lambda file: np.savez_compressed(file, a=X, b=np.array([Evil()], dtype=object)))
for protocol in range(6):
    write(f"evil/appended{protocol}.npy", lambda file: (np.save(file, X), pickle.dump(Evil(), file, protocol=protocol)))
write("evil/appended-late.npy", lambda file: (np.save(file, X), np.save(file, X), pickle.dump(Evil(), file)))
write("evil/appended-padded.npy", lambda file: (np.save(file, X), file.write(bytes(64)), pickle.dump(Evil(), file)))
write("evil/appended-objects.npy", lambda file: (np.save(file, X), np.save(file, np.array([Evil()], dtype=object))))
write("evil/appended-packed.npy", lambda file: (np.save(file, X), file.write(gzip.compress(pickle.dumps(Evil())))))
with zipfile.ZipFile("evil/member.npz", "w") as members:
    members.writestr("a.npy", open("evil/appended4.npy", "rb").read())
joblib.dump(forest, "evil/packed.joblib", compress=("xz", 3))

try:
    import torch

    torch.save(torch.nn.Linear(2, 2).state_dict(), "good/layer.pt")
    torch.save(torch.nn.Linear(2, 2).state_dict(), "good/layer-old.pt", _use_new_zipfile_serialization=False)
    torch.save({"layer": torch.zeros(2), "evil": Evil()}, "evil/evil.pt")
except ImportError:
    pass
