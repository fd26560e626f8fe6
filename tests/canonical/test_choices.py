"""Sizes stand for ratios, one way for pictures and another for films, and what is unknown is refused by name."""

import pytest

from grok2api.canonical.choices import IMAGE_RATIOS, RATIOS, VIDEO_RATIOS, image_ratio, video_ratio
from grok2api.canonical.problem import Refusal


@pytest.mark.parametrize(
    ("size", "image", "video"),
    [
        ("1280x720", "16:9", "16:9"),
        ("720x1280", "9:16", "9:16"),
        ("1792x1024", "3:2", "16:9"),
        ("1024x1792", "2:3", "9:16"),
        ("1024x1024", "1:1", "1:1"),
        (None, "1:1", "9:16"),
        ("", "1:1", "9:16"),
    ],
)
def test_a_size_stands_for_a_ratio(size, image, video):
    assert (image_ratio(size), video_ratio(size)) == (image, video)


def test_a_picture_takes_more_sizes_and_a_ratio_itself():
    assert (image_ratio("1536x1024"), image_ratio("1024x1536")) == ("3:2", "2:3")
    assert [image_ratio(ratio) for ratio in RATIOS] == list(RATIOS)
    assert set(IMAGE_RATIOS.values()) | set(VIDEO_RATIOS.values()) <= set(RATIOS)


@pytest.mark.parametrize("call", [image_ratio, video_ratio])
@pytest.mark.parametrize("size", ["512x512", "huge", "1024X1024", "1" * 5000])
def test_an_unknown_size_is_refused_with_the_field_and_the_sizes(call, size):
    with pytest.raises(Refusal) as caught:
        call(size, "image_config.size")
    assert caught.value.problem.param == "image_config.size"
    assert "1024x1024" in caught.value.problem.message
    assert len(caught.value.problem.message) < 200
