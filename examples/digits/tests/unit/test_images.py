import pandas as pd
import pytest

from digits.images import PIXELS, collected, describe, ink_terciles, split


@pytest.fixture(scope="module")
def images() -> pd.DataFrame:
    return collected()


def test_every_image_has_64_pixels_of_0_to_16_and_a_digit(images):
    assert images[PIXELS].shape == (1797, 64)
    assert images[PIXELS].min().min() == 0
    assert images[PIXELS].max().max() == 16
    assert set(images["label"]) == set(range(10))
    assert images["image"].is_unique


def test_no_image_is_in_two_parts(images):
    train, test, field = (set(part["image"]) for part in split(images, test=450, field=500, seed=7))

    assert (len(train), len(test), len(field)) == (847, 450, 500)
    assert not train & test and not train & field and not test & field


def test_the_split_does_not_depend_on_the_order_of_the_rows(images):
    reversed_rows = images[::-1]

    again = split(reversed_rows, test=450, field=500, seed=7)[1]

    assert list(again["image"]) == list(split(images, test=450, field=500, seed=7)[1]["image"])


def test_every_digit_is_tested(images):
    _train, test, _field = split(images, test=450, field=500, seed=7)

    assert test["label"].value_counts().min() >= 30


def test_ink_cuts_the_images_into_three_equal_parts(images):
    described = describe(images, ink_terciles(images))

    assert set(described["ink"]) == {"light", "medium", "dark"}
    assert described["ink"].value_counts(normalize=True).between(0.31, 0.36).all()


def test_an_image_darker_or_lighter_than_all_we_know_still_has_its_tercile(images):
    extremes = images.iloc[:2].copy()
    extremes.iloc[0, extremes.columns.get_indexer(PIXELS)] = 0
    extremes.iloc[1, extremes.columns.get_indexer(PIXELS)] = 16

    assert list(describe(extremes, ink_terciles(images))["ink"]) == ["light", "dark"]
