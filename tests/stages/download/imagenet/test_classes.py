"""The list of classes is timm's, fact by fact."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.ilsvrc import timms_synsets, timms_words

from stages.download.imagenet.classes import synset_of, synsets, synsets_of, words_of
from stages.download.imagenet.names import number_in, split_of, synset_in


def test_the_thousand_classes_are_those_of_timm_in_its_order() -> None:
    assert list(synsets()) == timms_synsets()
    assert [words_of(synset) for synset in synsets()] == [timms_words()[synset] for synset in timms_synsets()]


@given(st.integers(0, 999))
def test_a_class_is_known_by_index_and_by_words_that_are_its_alone(index: int) -> None:
    synset = timms_synsets()[index]
    assert synset_of(str(index)) == synset
    assert synset_of(timms_words()[synset].upper()) in (synset, "CRANE")


@pytest.mark.parametrize("label", ["1000", "-1", "crane", "a class of its own", "n00007846", ""])
def test_what_is_not_in_the_list_stays_as_it_is(label: str) -> None:
    assert synset_of(label) == label


def test_words_that_two_classes_share_are_told_apart_by_their_place_in_the_whole_list_alone() -> None:
    words = [timms_words()[synset] for synset in timms_synsets()]
    assert list(synsets_of(words)) == timms_synsets()
    assert synsets_of(words[::-1]).count("crane") == 2
    assert synsets_of(["0", "1"]) == ("0", "1")


@pytest.mark.parametrize(
    ("path", "synset", "number", "split"),
    [
        ("n01440764/n01440764_10026.JPEG", "n01440764", 10026, "train"),
        ("n01440764_10026_n01440764.JPEG", "n01440764", 10026, "train"),
        ("ILSVRC2012_val_00000293.JPEG", None, 293, "validation"),
        ("ILSVRC2012_val_00000293_n01440764.JPEG", "n01440764", 293, "validation"),
        ("ILSVRC2012_test_00000001.JPEG", None, 1, "test"),
        ("n04335435_freight_train.JPEG", "n04335435", None, None),
        ("n014407645.jpg", None, 14407645, None),
        ("holiday.jpg", None, None, None),
    ],
)
def test_names_say_synset_number_and_split(
    path: str, synset: str | None, number: int | None, split: str | None
) -> None:
    assert (synset_in(path), number_in(path), split_of(path)) == (synset, number, split)


@pytest.mark.parametrize(
    ("path", "archive", "split"),
    [
        ("val/n01440764/n01440764_1.JPEG", "/data/train/", "validation"),
        ("n01440764/n01440764_1.JPEG", "/data/val/", "validation"),
        ("0.jpg", "/test/imagenet1k-train-0000.tar", "train"),
        ("0.jpg", "/hub/validation/0000.parquet", "validation"),
        ("0.jpg", "/test/more/0000.parquet", None),
        ("0.jpg", "/data/ILSVRC2012_img_val.tar", "validation"),
    ],
)
def test_the_nearest_folder_says_the_split_then_the_archive(path: str, archive: str, split: str | None) -> None:
    assert split_of(path, archive) == split
