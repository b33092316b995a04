"""Asks the gateway at argv[1] what a user of tritonclient[http] asks, and prints what comes back."""

import asyncio
import sys

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from tritonclient.utils import InferenceServerException

url, token = sys.argv[1], sys.argv[2]
auth = {"Authorization": f"Bearer {token}"}
client = http.InferenceServerClient(url)
rows = np.array([[1, 2, 3, 4], [4, 3, 2, 1]], dtype=np.float32)


def x(values=rows, binary=True):
    tensor = http.InferInput("x", list(values.shape), "FP32")
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def labels(result):
    return result.as_numpy("label").tolist()


def ask(*inputs, headers=auth, **more):
    return client.infer(more.pop("model", "m"), list(inputs), headers=dict(headers), **more)  # the client adds to it


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return error.status()
    return "answered"


live, ready = client.is_server_live(), client.is_server_ready()
print(f"live {live}, server ready {ready}, model ready {client.is_model_ready('m', headers=auth)}")
server = client.get_server_metadata()
print(server["name"], server["extensions"])
model = client.get_model_metadata("m", headers=auth)
print(model["name"], model["versions"], *model["inputs"][0].values())
print("binary by default:", labels(ask(x())))
as_json = [http.InferRequestedOutput("label", binary_data=False)]
print("json:", labels(ask(x(binary=False), outputs=as_json)))
print("binary in, json out:", labels(ask(x(), outputs=as_json)))
for algorithm in ("gzip", "deflate"):
    result = ask(x(), request_compression_algorithm=algorithm, response_compression_algorithm=algorithm)
    print(f"{algorithm}:", labels(result))
result = ask(x(), model_version="7", request_id="42")
print("version 7:", labels(result), "id", result.get_response()["id"])
many = np.repeat(rows, 5000, axis=0)
print("10000 rows:", len(labels(ask(x(many)))))
print("unknown model:", refused(lambda: ask(x(), model="unknown")))
print("wrong shape:", refused(lambda: ask(x(rows[:, :3].copy()))))
print("no token:", refused(lambda: ask(x(), headers={})))


async def asynchronous():
    async with aio.InferenceServerClient(url) as client:
        return await client.infer("m", [x()], headers=auth)


print("aio:", labels(asyncio.run(asynchronous())))
