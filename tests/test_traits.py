"""What a method declares about itself fits together."""

import pytest

from hashbench.method import Traits


def test_a_method_sees_images_alone_unless_it_says_otherwise() -> None:
    assert Traits().information == "images"
    assert Traits(information="captions").information == "captions"


def test_a_supervised_method_sees_labels() -> None:
    assert Traits(supervised=True).information == "labels"
    assert Traits(supervised=True, information="labels").information == "labels"


def test_what_does_not_fit_together_is_refused() -> None:
    for wrong in ({"information": "labels"}, {"supervised": True, "information": "captions"}):
        with pytest.raises(ValueError, match="who sees labels and no other is supervised"):
            Traits(**wrong)
    with pytest.raises(ValueError, match="information is 'text', wanted one of images, external knowledge, class"):
        Traits(information="text")  # type: ignore[arg-type]
