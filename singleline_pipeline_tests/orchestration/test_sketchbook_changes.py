"""When a sketchbook is processed: once for each state that its folder settles in, and never while it is copied."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singleline_pipeline.orchestration.sketchbook_changes import (
    Known,
    from_cursor,
    sketchbook_changes,
    to_cursor,
)
from singleline_pipeline.scans import FolderState

NOW = 1_000_000.0


def state(fingerprint: str, *, age: float = 3600.0, files: int = 12) -> FolderState:
    """A folder whose newest file is `age` seconds old."""
    return FolderState(fingerprint, NOW - age, files)


def tick(found, known, **more):
    """One tick with 30 seconds to settle."""
    return sketchbook_changes(found, known, NOW, 30.0, **more)


def test_a_new_folder_is_run_at_the_second_tick_and_only_then():
    first = tick({"sb1": state("a")}, {})
    assert (first.new, first.unsettled) == ([], ["sb1"])
    second = tick({"sb1": state("a")}, first.cursor)
    assert second.new == ["sb1"]
    third = tick({"sb1": state("a")}, second.cursor)
    assert third.new == third.changed == third.unsettled == []


def test_a_folder_is_left_alone_while_files_arrive():
    """A scanner writes a page every twenty seconds: the folder changes, or its newest file is young."""
    cursor = {}
    for fingerprint in "abc":
        changes = tick({"sb1": state(fingerprint)}, cursor)
        assert changes.unsettled == ["sb1"]
        cursor = changes.cursor
    assert tick({"sb1": state("c", age=29.0)}, cursor).unsettled == ["sb1"]
    assert tick({"sb1": state("c", age=31.0)}, cursor).new == ["sb1"]


def test_copies_that_keep_an_old_mtime_still_need_two_ticks():
    assert tick({"sb1": state("a", age=10 * 365 * 86400)}, {}).unsettled == ["sb1"]


def test_a_file_dated_in_the_future_does_not_block_its_sketchbook_for_ever():
    """Cameras with a wrong clock exist."""
    assert tick({"sb1": state("a", age=-86400)}, {"sb1": Known("a")}).new == ["sb1"]


def test_only_the_sketchbook_that_changed_is_run():
    known = {"sb1": Known("a", "a"), "sb2": Known("c", "b")}
    changes = tick({"sb1": state("a"), "sb2": state("c")}, known)
    assert (changes.new, changes.changed) == ([], ["sb2"])


def test_a_folder_that_returns_to_an_old_state_is_run_again():
    """Run keys would swallow this one: the key of the old state has been seen."""
    cursor = {}
    runs = []
    for fingerprint in "aabbaa":
        changes = tick({"sb1": state(fingerprint)}, cursor, materialized={"sb1": runs[-1]} if runs else {})
        runs += [fingerprint for _ in changes.new + changes.changed]
        cursor = changes.cursor
    assert runs == ["a", "b", "a"]


def test_a_vanished_sketchbook_is_noted_and_remembered():
    known = {"sb1": Known("a", "a")}
    gone = tick({}, known)
    assert gone.vanished == ["sb1"]
    assert gone.cursor == known
    back = tick({"sb1": state("a")}, gone.cursor)
    assert back.new == back.changed == back.vanished == []


def test_a_sketchbook_that_cannot_be_read_has_not_vanished():
    changes = tick({}, {"sb1": Known("a", "a")}, unread={"sb1"})
    assert changes.vanished == []
    assert changes.cursor == {"sb1": Known("a", "a")}


@pytest.mark.parametrize("known", [{}, {"sb1": Known("none", "a")}])
def test_a_folder_without_images_is_not_run_as_one_with_all_pages_deleted(known):
    changes = tick({"sb1": state("none", files=0)}, known)
    assert changes.empty == ["sb1"]
    assert changes.new == changes.changed == []


def test_what_was_processed_without_the_sensor_is_not_run_again():
    """`singleline run` and the UI's Materialize button read the same folders."""
    changes = tick({"sb1": state("a")}, {"sb1": Known("a")}, materialized={"sb1": "a"})
    assert changes.new == changes.changed == []
    assert changes.cursor == {"sb1": Known("a", "a")}


def test_a_change_since_it_was_processed_elsewhere_is_a_change():
    changes = tick({"sb1": state("b")}, {"sb1": Known("b")}, materialized={"sb1": "a"})
    assert changes.changed == ["sb1"]


def test_a_sketchbook_that_is_being_processed_waits_for_the_end():
    """The run may have read the folder before it changed, or after: only its result will tell."""
    known = {"sb1": Known("b", "a")}
    changes = tick({"sb1": state("b")}, known, busy={"sb1"}, materialized={"sb1": "a"})
    assert changes.busy == ["sb1"]
    assert changes.cursor["sb1"].run_for == "a"
    assert tick({"sb1": state("b")}, changes.cursor, materialized={"sb1": "b"}).changed == []
    assert tick({"sb1": state("b")}, changes.cursor, materialized={"sb1": "a"}).changed == ["sb1"]


def test_the_memory_survives_its_way_through_text():
    known = {"Été 2019": Known("a", "b"), "sb2": Known("c")}
    assert from_cursor(to_cursor(known)) == known
    assert from_cursor(None) == {}
    assert from_cursor("") == {}


@pytest.mark.parametrize(
    "cursor", ["{", "[]", "7", '{"sb1": 3}', '{"sb1": ["a"]}', '{"sb1": [1, null]}', "null"]
)
def test_a_memory_that_is_none_of_ours_is_told_apart_from_an_empty_one(cursor):
    assert from_cursor(cursor) is None


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["sb1", "sb2"]), st.sampled_from("abc"), min_size=0),
        min_size=1,
        max_size=12,
    )
)
def test_after_two_quiet_ticks_every_sketchbook_has_been_run_for_the_state_it_is_in(history):
    cursor: dict[str, Known] = {}
    last_run: dict[str, str] = {}
    for shelf in [*history, history[-1], history[-1]]:
        changes = tick({name: state(fingerprint) for name, fingerprint in shelf.items()}, cursor)
        assert set(changes.new).isdisjoint(changes.changed)
        last_run |= {name: shelf[name] for name in changes.new + changes.changed}
        cursor = changes.cursor
    assert {name: last_run.get(name) for name in history[-1]} == history[-1]
