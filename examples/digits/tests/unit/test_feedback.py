import pandas as pd
import pytest

from digits.feedback import as_images, read_feedback, split_feedback
from digits.images import PIXELS, collected, describe, ink_terciles


def logged(labels: list) -> pd.DataFrame:
    """The first images, as production logs them: ids, times, and labels as people sent them."""
    frame = collected()[PIXELS].iloc[: len(labels)].reset_index(drop=True)
    return frame.assign(_id=[f"req-{i}" for i in range(len(labels))], _row=0, label=labels)


def test_no_file_is_no_feedback(tmp_path):
    assert len(read_feedback(tmp_path / "feedback.parquet")) == 0


def test_a_table_without_rows_is_no_feedback_even_without_pixels(tmp_path):
    path = tmp_path / "feedback.parquet"
    pd.DataFrame({"_id": pd.Series(dtype="str"), "label": pd.Series(dtype="str")}).to_parquet(path)

    train, test = split_feedback(read_feedback(path))

    assert len(train) == 0 and len(test) == 0


def test_labels_may_be_text_or_numbers():
    assert list(as_images(logged(["3", 4, 5.0]))["label"]) == [3, 4, 5]


def test_what_is_no_digit_is_left_out():
    assert list(as_images(logged(["3", "unreadable", None, 12, 2.5]))["image"]) == ["production-req-0-0"]


def test_the_same_pixels_sent_twice_are_one_image_and_the_last_label_counts():
    twice = pd.concat([logged(["3"]), logged(["8"])])

    assert list(as_images(twice)["label"]) == [8]


def test_rows_without_pixels_are_an_error_that_names_a_column():
    with pytest.raises(ValueError, match="p0"):
        as_images(pd.DataFrame({"_id": ["a"], "label": ["3"]}))


def test_one_image_in_four_is_held_out_and_stays_there_when_more_feedback_arrives():
    early, late = as_images(logged(["1"] * 400)), as_images(logged(["1"] * 800))

    held_out_early = set(split_feedback(early)[1]["image"])
    train_late, test_late = split_feedback(late)

    assert held_out_early <= set(test_late["image"])
    assert 0.2 < len(test_late) / len(late) < 0.3
    assert len(train_late) + len(test_late) == len(late)


def test_feedback_has_the_columns_of_our_images(tmp_path):
    path = tmp_path / "feedback.parquet"
    logged(["1", "2"]).to_parquet(path)
    images = collected()

    both = describe(pd.concat([images, read_feedback(path)]), ink_terciles(images))

    assert not both.isna().any().any()
    assert list(both["source"].unique()) == ["collected", "production"]
