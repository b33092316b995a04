"""
What users of the service rely on, asked of the model as it will be served. Tidegate starts the candidate
behind its gateway and says where; nothing here knows how the model was trained.
"""

import json
import os
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import tritonclient.http as triton

from digits.images import PIXELS, collected

ENDPOINT = os.environ.get("TIDEGATE_ENDPOINT", "")
TOKEN = os.environ.get("TIDEGATE_ENDPOINT_TOKEN", "")
CASES = [
    json.loads(line)
    for line in (Path(__file__).parents[2] / "acceptance" / "cases.jsonl").read_text().splitlines()
]


@pytest.fixture(scope="module")
def client():
    server, _, _ = ENDPOINT.partition("/v2/models/")
    with triton.InferenceServerClient(server.removeprefix("http://")) as client:
        yield client


def headers() -> dict[str, str]:
    """New ones each time: the Triton client adds its own to those it is given."""
    return {"Authorization": f"Bearer {TOKEN}"}


def name() -> str:
    return ENDPOINT.rpartition("/")[2]


def read(client, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tensor = triton.InferInput("x", list(pixels.shape), "FP32")
    tensor.set_data_from_numpy(pixels.astype(np.float32))
    answer = client.infer(name(), [tensor], headers=headers())
    return answer.as_numpy("label"), answer.as_numpy("probabilities")


def post(body: object) -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{ENDPOINT}/infer", json.dumps(body).encode(), {"Content-Type": "application/json", **headers()}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def image(*shape: int) -> dict:
    return {"name": "x", "shape": list(shape), "datatype": "FP32", "data": [1.0] * int(np.prod(shape))}


def test_the_model_is_ready(client):
    assert client.is_model_ready(name(), headers=headers())


def test_the_model_says_what_it_takes_and_gives(client):
    metadata = client.get_model_metadata(name(), headers=headers())

    assert [(tensor["name"], tensor["datatype"], tensor["shape"]) for tensor in metadata["inputs"]] == [
        ("x", "FP32", [-1, 64])
    ]
    assert {"label", "probabilities"} <= {tensor["name"] for tensor in metadata["outputs"]}


def test_a_batch_gets_one_answer_for_each_image(client):
    label, probabilities = read(client, collected()[PIXELS].to_numpy()[:32])

    assert label.shape == (32,)
    assert probabilities.shape == (32, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-3)


def test_an_image_gets_the_same_answer_alone_as_in_a_batch(client):
    pixels = collected()[PIXELS].to_numpy()[:8]

    assert [read(client, row[None])[0][0] for row in pixels] == list(read(client, pixels)[0])


def test_pixels_arrive_in_their_order(client):
    """A model that was served the columns in another order would be right one time in ten."""
    images = collected()[:200]

    label, _ = read(client, images[PIXELS].to_numpy())

    assert (label == images["label"]).mean() > 0.7


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_what_testers_will_see_is_answered_over_plain_http(case):
    status, answer = post({"inputs": case["inputs"]})

    assert status == 200, answer
    assert {output["name"]: output["shape"] for output in answer["outputs"]} == {"label": [1], "probabilities": [1, 10]}


@pytest.mark.parametrize("shape", [(1, 63), (64,), (1, 8, 8)])
def test_an_image_of_another_shape_is_refused_with_a_reason(shape):
    status, answer = post({"inputs": [image(*shape)]})

    assert status == 400
    assert answer["error"]


def test_an_unknown_tensor_is_refused_with_a_reason():
    status, answer = post({"inputs": [{**image(1, 64), "name": "y"}]})

    assert status == 400
    assert answer["error"]


def test_the_model_goes_on_answering_after_a_refusal(client):
    post({"inputs": [image(1, 63)]})

    label, _ = read(client, collected()[PIXELS].to_numpy()[:1])

    assert label.shape == (1,)
