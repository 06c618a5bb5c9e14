"""Undo is read from a file that is only added to: what holds must be what a person would expect at each step."""

import hypothesis.strategies as st
from hypothesis import given

from singleline_pipeline.embedding import Label
from singleline_pipeline.embedding.labels import Labels
from singleline_pipeline.studio.history import History, correction_id


class Desk:
    """Writes rows as the studio does, and knows the plain answer: a stack of everything that held."""

    def __init__(self) -> None:
        self.rows: list[Label] = []
        self.history = History()
        self.number = 0

    def _append(self, rows: list[Label]) -> None:
        self.rows += rows
        self.history.add(rows)

    def new_id(self, tab: str) -> str:
        self.number += 1
        return f"{tab}-{self.number}"

    def say(self, tab: str, labels: dict[str, str]) -> None:
        request = self.new_id(tab)
        self._append([Label("page", key, label, request_id=request) for key, label in labels.items()])

    def correct(self, what: str, tab: str) -> bool:
        of = self.history.last(what, tab)
        if of is None:
            return False
        labels = self.history.undone(of) if what == "undo" else self.history.redone(of)
        request = correction_id(self.new_id(tab), what, of)
        self._append([Label(*target, label, request_id=request) for target, label in labels.items()])
        return True

    def holds(self) -> dict[str, str]:
        return Labels(self.rows).resolve("page")


def test_undo_gives_back_what_held_before_and_redo_what_held_after() -> None:
    desk = Desk()
    desk.say("a", {"1": "notes", "2": "notes"})
    desk.say("a", {"2": "covers", "3": "covers"})
    assert desk.correct("undo", "a")
    assert desk.holds() == {"1": "notes", "2": "notes"}
    assert desk.correct("undo", "a")
    assert desk.holds() == {}
    assert not desk.correct("undo", "a")
    assert desk.correct("redo", "a")
    assert desk.correct("redo", "a")
    assert desk.holds() == {"1": "notes", "2": "covers", "3": "covers"}
    assert not desk.correct("redo", "a")


def test_a_tab_undoes_its_own_actions_and_leaves_what_another_has_said_since() -> None:
    desk = Desk()
    desk.say("a", {"1": "notes", "2": "notes"})
    desk.say("b", {"2": "covers"})
    assert desk.correct("undo", "a")
    assert desk.holds() == {"2": "covers"}
    assert desk.correct("undo", "b")
    assert desk.holds() == {"2": "notes"}


def test_what_was_said_after_an_undo_ends_what_could_be_redone() -> None:
    desk = Desk()
    desk.say("a", {"1": "notes"})
    desk.correct("undo", "a")
    desk.say("a", {"1": "covers"})
    assert not desk.correct("redo", "a")
    assert desk.holds() == {"1": "covers"}


def test_redo_does_not_talk_over_another_tab() -> None:
    desk = Desk()
    desk.say("a", {"1": "notes", "2": "notes"})
    desk.correct("undo", "a")
    desk.say("b", {"1": "covers"})
    assert desk.correct("redo", "a")
    assert desk.holds() == {"1": "covers", "2": "notes"}


def test_an_action_of_which_nothing_is_left_does_not_block_those_before_it() -> None:
    desk = Desk()
    desk.say("a", {"1": "notes"})
    desk.say("a", {"2": "notes"})
    desk.say("b", {"2": "covers"})
    assert desk.correct("undo", "a")
    assert desk.holds() == {"2": "covers"}


def test_lines_written_by_hand_are_what_an_undo_comes_back_to() -> None:
    desk = Desk()
    desk._append([Label("page", "1", "notes")])
    desk.say("a", {"1": "covers"})
    desk.correct("undo", "a")
    assert desk.holds() == {"1": "notes"}


_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("say"),
            st.sampled_from("ab"),
            st.dictionaries(st.sampled_from("123"), st.sampled_from(["notes", "covers", ""]), min_size=1),
        ),
        st.tuples(st.sampled_from(["undo", "redo"]), st.sampled_from("ab"), st.none()),
    ),
    max_size=14,
)


@given(_STEPS)
def test_one_tab_alone_can_always_go_all_the_way_back_and_forth(steps) -> None:
    """With nobody else writing, undo and redo are exact inverses, whatever came before."""
    desk = Desk()
    for what, _, labels in steps:
        if what == "say":
            desk.say("a", labels)
        else:
            desk.correct(what, "a")
    seen = [desk.holds()]
    while desk.correct("undo", "a"):
        seen.append(desk.holds())
    assert seen[-1] == {}
    for expected in reversed(seen[:-1]):
        assert desk.correct("redo", "a")
        assert desk.holds() == expected


@given(_STEPS)
def test_reading_the_file_from_its_start_gives_the_same_history(steps) -> None:
    """A reload, a restart of the server, and a second server read what the first one followed line by line."""
    desk = Desk()
    for what, tab, labels in steps:
        if what == "say":
            desk.say(tab, labels)
        else:
            desk.correct(what, tab)
    again = History()
    again.add(desk.rows)
    for tab in "ab":
        for what in ("undo", "redo"):
            assert again.last(what, tab) == desk.history.last(what, tab)
