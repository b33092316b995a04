import numpy as np
import onnxruntime
import pytest

from digits.features import Normalise
from digits.images import PIXELS, collected, split
from digits.model import export, fit

PARAMS = {"C": 10.0, "gamma": "scale", "seed": 0}
TRAIN, TEST, _FIELD = split(collected(), test=450, field=500, seed=7)


@pytest.fixture(scope="module")
def images():
    return TEST


@pytest.fixture(scope="module")
def model():
    return fit(TRAIN[:400], PARAMS)


@pytest.fixture(scope="module")
def session(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    export(model, path)
    return onnxruntime.InferenceSession(path)


def pixels(images) -> np.ndarray:
    return images[PIXELS].to_numpy("float32")


def test_features_are_finite_and_of_the_shape_of_the_pixels(images):
    features = Normalise().fit_transform(pixels(images))

    assert features.shape == (450, 64)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_where_there_is_no_ink_there_is_no_feature(images):
    assert (Normalise().transform(pixels(images))[pixels(images) == 0] == 0).all()


def test_images_the_model_has_not_seen_are_read(model, images):
    assert model.score(pixels(images), images["label"]) > 0.9


def test_the_exported_model_takes_and_gives_named_tensors(session):
    assert [(tensor.name, tensor.shape[1:]) for tensor in session.get_inputs()] == [("x", [64])]
    assert [tensor.name for tensor in session.get_outputs()] == ["label", "probabilities"]


def test_the_exported_model_answers_what_the_fitted_one_does(model, session, images):
    label, probabilities = session.run(None, {"x": pixels(images)})

    assert (label == model.predict(pixels(images))).all()
    np.testing.assert_allclose(probabilities, model.predict_proba(pixels(images)), atol=1e-3)


def test_one_image_and_many_get_the_same_answers(session, images):
    label, _ = session.run(None, {"x": pixels(images)})

    assert [session.run(["label"], {"x": row[None]})[0][0] for row in pixels(images)[:20]] == list(label[:20])


def test_two_trainings_on_the_same_data_give_the_same_bytes(tmp_path):
    for name in ("first.onnx", "second.onnx"):
        export(fit(TRAIN[:200], PARAMS), tmp_path / name)

    assert (tmp_path / "first.onnx").read_bytes() == (tmp_path / "second.onnx").read_bytes()
