/**
 * The program that hosts a Python class, run with `python -c` in the bundle's environment, which needs
 * pandas and nothing of ours. It answers as much of the Open Inference Protocol as `inference-client.ts`
 * asks, tensors in binary form. Tensors become columns as the signature says; what `predict` returns
 * becomes outputs: a dict or DataFrame by name, a tuple in order, anything else is the first output.
 */
export const PREDICT_HOST = String.raw`
import importlib, importlib.util, json, os, struct, sys, traceback
from http.server import BaseHTTPRequestHandler, HTTPServer

ORDER = json.loads(os.environ.pop("TIDEGATE_MODEL"))
sys.path.insert(0, ORDER["folder"])

try:
    import numpy as np
    import pandas as pd
except ImportError as error:
    sys.exit(f"the build environment of this model lacks {error.name}: a predict class is given a pandas DataFrame")

DTYPES = {
    "BOOL": "?", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8",
    "INT8": "<i1", "INT16": "<i2", "INT32": "<i4", "INT64": "<i8",
    "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


def load_mlflow(loader):
    # Nothing of a model host calls anybody.
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="1", MLFLOW_TRACKING_URI="file:" + os.environ.get("TMPDIR", "/tmp"))
    if importlib.util.find_spec("mlflow") is not None:
        import mlflow.pyfunc

        return mlflow.pyfunc.load_model(ORDER["path"])
    native = loader.get("native")
    if native is None:
        sys.exit(f"the build environment of this model lacks mlflow, and a {loader['module']} model is loaded by nothing else: add mlflow-skinny to its requirements")
    if "code" in loader:
        sys.path.insert(0, os.path.join(ORDER["path"], loader["code"]))
    return load_native(os.path.join(ORDER["path"], native["file"]), **native)


def load_native(path, library, format="pickle", **_):
    if library == "lightgbm":
        import lightgbm

        return lightgbm.Booster(model_file=path)
    if library == "xgboost":
        import xgboost

        model = getattr(xgboost, format.rpartition(".")[2] or "Booster")()
        model.load_model(path)
        if isinstance(model, xgboost.Booster):
            predict = model.predict
            model.predict = lambda table: predict(xgboost.DMatrix(table))
        return model
    if format == "skops":
        import skops.io

        return skops.io.load(path, trusted=[])
    import pickle

    if format == "cloudpickle":
        import cloudpickle
    with open(path, "rb") as file:
        return pickle.load(file)


def load():
    if "mlflow" in ORDER:
        return load_mlflow(ORDER["mlflow"])
    where, _, name = ORDER["entry"].rpartition(":")
    if where.endswith(".py"):
        path = os.path.join(ORDER["folder"], where)
        sys.path.insert(0, os.path.dirname(path))
        spec = importlib.util.spec_from_file_location(os.path.basename(where)[:-3], path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(where)
    model = getattr(module, name)()
    loaded = model.load(ORDER["path"])
    return loaded if hasattr(loaded, "predict") else model


def read_tensor(about, raw):
    if about["datatype"] != "BYTES":
        return np.frombuffer(raw, DTYPES[about["datatype"]]).reshape(about["shape"])
    texts, at = [], 0
    while at < len(raw):
        (length,) = struct.unpack_from("<I", raw, at)
        texts.append(raw[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return np.array(texts, dtype=object).reshape(about["shape"])


def read_table(header, raw):
    table, at = {}, 0
    if ORDER.get("mlflow", {}).get("takesTensors"):
        return read_arrays(header, raw)
    for about in header["inputs"]:
        size = about["parameters"]["binary_data_size"]
        values = read_tensor(about, raw[at : at + size])
        at += size
        values = values.reshape(values.shape[0], -1) if values.ndim > 0 else values.reshape(1, 1)
        width = values.shape[1]
        names = ORDER["columns"].get(about["name"])
        if names is None:
            names = [about["name"]] if width == 1 else [f"{about['name']}_{i}" for i in range(width)]
        if len(names) != width:
            raise ValueError(f"input {about['name']} has {width} columns, but the signature names {len(names)}")
        for i, column in enumerate(names):
            table[column] = values[:, i]
    return pd.DataFrame(table)


def read_arrays(header, raw):
    arrays, at = {}, 0
    for about in header["inputs"]:
        size = about["parameters"]["binary_data_size"]
        arrays[about["name"]] = read_tensor(about, raw[at : at + size])
        at += size
    return next(iter(arrays.values())) if len(arrays) == 1 else arrays


def named(result):
    wanted = ORDER["outputs"]
    if isinstance(result, pd.DataFrame):
        result = {str(column): result[column] for column in result.columns}
    if isinstance(result, dict):
        missing = [name for name in wanted if name not in result]
        if missing:
            raise ValueError(f"predict returned {sorted(result)}, but not {missing}")
        return [(name, result[name]) for name in (wanted or result)]
    parts = result if isinstance(result, tuple) else (result,)
    names = wanted or [f"output_{i}" for i in range(len(parts))]
    if len(parts) < len(names):
        raise ValueError(f"predict returned {len(parts)} outputs, but the signature names {names}")
    return list(zip(names, parts))


def write_tensor(name, value):
    array = np.asarray(value)
    if array.ndim == 0:
        array = array.reshape(1)
    datatype = NAMES.get(array.dtype)
    if datatype is None:
        datatype = "BYTES"
        texts = [str(item).encode() for item in array.reshape(-1)]
        raw = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    else:
        raw = np.ascontiguousarray(array).tobytes()
    about = {"name": name, "datatype": datatype, "shape": list(array.shape), "parameters": {"binary_data_size": len(raw)}}
    return about, raw


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, body, header_length=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if header_length is not None:
            self.send_header("Inference-Header-Content-Length", str(header_length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def do_GET(self):
        self.close_connection = True
        self.answer(200, b"{}")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        length = int(self.headers["Inference-Header-Content-Length"])
        try:
            table = read_table(json.loads(body[:length]), memoryview(body)[length:].tobytes())
            outputs = [write_tensor(name, value) for name, value in named(MODEL.predict(table))]
        except Exception as error:
            traceback.print_exc()
            self.answer(500, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
            return
        header = json.dumps({"outputs": [about for about, _ in outputs]}).encode()
        self.answer(200, header + b"".join(raw for _, raw in outputs), len(header))


try:
    MODEL = load()
except Exception as error:
    traceback.print_exc()
    sys.exit(f"{ORDER.get('entry', 'the MLflow model')} does not load: {type(error).__name__}: {error}")
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`
