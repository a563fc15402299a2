"""Tags are words that Telegram links."""

import pytest

from djangobot.db.messages.rich_text.hashtags import TAG_LIMIT, TAGS_LIMIT, as_tag, hashtags, wrong_tags


@pytest.mark.parametrize("tag", ["backup", "disk_full", "резервная_копия", "漢字", "x1", "1x", "été"])
def test_letters_of_any_script_make_a_tag(tag: str) -> None:
    """Digits and underscores, too."""
    assert wrong_tags([tag]) is None
    assert as_tag(tag) == tag


@pytest.mark.parametrize(
    "tag", ["", "#x", "a-b", "a b", "a.b", "a\nb", "😀", "123", "_", "x" * (TAG_LIMIT + 1)]
)
def test_what_telegram_would_not_link_is_refused(tag: str) -> None:
    """With a sentence that says why."""
    assert (wrong_tags([tag]) or "").startswith("must have ")


def test_there_are_at_most_eight() -> None:
    """The bound of the contract."""
    assert wrong_tags(["x"] * TAGS_LIMIT) is None
    assert wrong_tags(["x"] * (TAGS_LIMIT + 1)) == "must have at most 8 tags"


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("disk-full", "disk_full"),
        ("#a b", "a_b"),
        ("v1.2", "v1_2"),
        ("2024-01", None),
        ("--", None),
        ("", None),
    ],
)
def test_other_words_become_tags(word: str, tag: str | None) -> None:
    """For senders that know nothing of our tags."""
    assert as_tag(word) == tag
    assert tag is None or wrong_tags([tag]) is None


def test_each_is_shown_once() -> None:
    """In the order in which they were given."""
    assert hashtags(["b", "a", "b"]) == "#b #a"
