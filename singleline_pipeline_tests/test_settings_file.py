"""settings.toml is a person's file that the studio writes to as well: neither may undo what the other did."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singleline_pipeline.settings_file import (
    SETTINGS,
    Settings,
    SettingsError,
    Value,
    read_settings,
    write_settings,
)

PAGE, OTHER = "6b" * 32, "0f" * 32
BY_HAND = f"""\
# gaps of the year with the thick pen
[joined_strokes]   # ends
max_gap = 20  # was 25

[pages.{PAGE}]
# the one with the cat
id = "sb01p003"
joined_strokes.max_gap = 5
spliced_strokes = {{ method = "splice" }}

[pages.{OTHER}.drawings]
min_overlap = 0.5
[stroke3_dataset]
min_epsilon = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "settings.toml"


def by_hand(file: Path, text: str) -> Settings:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return read_settings(file)


def test_what_was_given_goes_before_the_page_the_page_before_everywhere_and_that_before_what_is_built_in(
    file: Path,
) -> None:
    said = by_hand(file, BY_HAND)
    assert said.problems == ()
    assert said.of("joined_strokes") == {"max_gap": 20.0, "min_points": 10}
    assert said.of("joined_strokes", PAGE)["max_gap"] == 5.0
    assert said.of("joined_strokes", PAGE, {"max_gap": 0.0, "min_points": None}) == {
        "max_gap": 0.0,
        "min_points": 10,
    }
    assert said.of("spliced_strokes", OTHER) == {"method": "route", "max_gap": 30.0, "retrace_cost": 0.3}
    assert Settings() == read_settings(file.with_name("none.toml"))


def test_a_version_changes_for_the_pages_that_a_setting_touches_and_for_no_others(file: Path) -> None:
    """What is fresh stays fresh: the version is part of an asset's fingerprint, a sketchbook at a time."""
    said = by_hand(file, f'[pages.{PAGE}]\nid = "a"\ndrawings = {{ min_overlap = 0.5 }}\n')
    assert said.version("drawings", [OTHER]) == ""
    assert said.version("joined_strokes", [PAGE, OTHER]) == ""
    alone = said.version("drawings", [PAGE])
    assert alone
    assert said.version("drawings", [OTHER, PAGE]) == alone
    everywhere = said.with_values({"drawings": {"min_overlap": 0.4}})
    assert everywhere.version("drawings", [OTHER]) not in ("", alone)
    assert everywhere.version("drawings", [PAGE]) == alone, "it has its own, and nothing else is read"
    assert len({one.version("drawings") for one in (Settings(), said, everywhere)}) == 3
    same = said.with_values({"drawings": {"min_overlap": 0.5}})
    assert same.version("drawings") == Settings().with_values({"drawings": {"min_overlap": 0.5}}).version(
        "drawings"
    )
    back = said.with_values({"drawings": {"min_overlap": 0.25}}, PAGE)
    assert back.version("drawings", [PAGE]) == "", "what is built in, though somebody said it"


def test_whole_numbers_and_others_are_the_same_setting(file: Path) -> None:
    whole = by_hand(file, "[joined_strokes]\nmax_gap = 20\n").version("joined_strokes")
    assert whole == by_hand(file, "[joined_strokes]\nmax_gap = 20.0\n").version("joined_strokes") != ""


def test_the_gap_of_a_line_follows_from_the_way_to_it_unless_it_is_said(file: Path) -> None:
    said = by_hand(file, "[spliced_strokes]\nmethod = 'splice'\n")
    assert said.of("spliced_strokes")["max_gap"] == 40
    assert said.of("spliced_strokes", given={"method": "route"})["max_gap"] == 30
    assert said.of("spliced_strokes", given={"max_gap": 7.0})["max_gap"] == 7


def test_comments_and_order_stay_when_the_studio_writes(file: Path) -> None:
    by_hand(file, BY_HAND)
    write_settings(file, {"joined_strokes": {"max_gap": 30}})
    write_settings(file, {"joined_strokes": {"max_gap": 7}, "spliced_strokes": {"max_gap": 9}}, PAGE)
    said = write_settings(file, {"drawings": {"min_overlap": None}}, OTHER)
    assert said.everywhere == {"joined_strokes": {"max_gap": 30.0}, "stroke3_dataset": {"min_epsilon": 2.0}}
    own = {"joined_strokes": {"max_gap": 7.0}, "spliced_strokes": {"method": "splice", "max_gap": 9.0}}
    assert said.pages == {PAGE: own}
    text = file.read_text()
    for comment in ("# gaps of the year with the thick pen", "# ends", "# was 25", "# the one with the cat"):
        assert comment in text
    assert OTHER not in text, "nothing is left of a page that has nothing of its own"
    lines = BY_HAND.splitlines()
    kept = [line for line in text.splitlines() if line in lines and line]
    assert kept == [line for line in lines if line in kept and line], "the rest is where it was"


names = [(section, name) for section, found in SETTINGS.items() for name in found]


@st.composite
def changes(draw: st.DrawFn) -> tuple[dict[str, dict[str, Value | None]], str | None]:
    page = draw(st.sampled_from([None, PAGE, OTHER, "ab" * 32]))
    section, name = draw(st.sampled_from([one for one in names if page is None or of(one).for_pages]))
    setting = of((section, name))
    if setting.kind is str:
        value: st.SearchStrategy = st.sampled_from(setting.choices or ("dinov2", 'a "quoted" one'))
    elif setting.kind is int:
        value = st.integers(int(setting.low), int(setting.high))
    else:
        value = st.floats(setting.low, setting.high)
    return {section: {name: draw(st.none() | value)}}, page


def of(one: tuple[str, str]):
    return SETTINGS[one[0]][one[1]]


@settings(max_examples=60, deadline=None)
@given(st.lists(changes(), min_size=1, max_size=8), st.sampled_from(["", BY_HAND]))
def test_any_changes_one_after_the_other_are_what_the_file_says_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, made: list, start: str
) -> None:
    """Against the same changes to the settings in memory, which know nothing of TOML."""
    file = tmp_path_factory.mktemp("home") / "settings.toml"
    wanted = by_hand(file, start)
    for change, page in made:
        wanted = wanted.with_values(change, page)
        write_settings(file, change, page, "a page")
    found = read_settings(file)
    assert (found.everywhere, found.pages, found.problems) == (wanted.everywhere, wanted.pages, ())
    if start:
        assert "# gaps of the year with the thick pen" in file.read_text()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[joined_strokes]\n\nmax_gap = 1000\n", 3, "max_gap must be a number from 0 to 200"),
        ("[joined_strokes]\nmax_gap = nan\n", 2, "max_gap must be a number"),
        ("[joined_strokes]\nmax_gap = true\n", 2, "max_gap must be a number"),
        ("[joined_strokes]\nmin_points = 2.5\n", 2, "min_points must be a whole number from 0 to 1000"),
        ("[joined_strokes]\nmaxgap = 3\n", 2, "joined_strokes has no maxgap, only max_gap, min_points"),
        ("joined_strokes.max_gap = '3'\n", 1, "max_gap must be a number"),
        ("joined_strokes = 3\n", 1, "joined_strokes is a section"),
        ("# a\n[joined]\nmax_gap = 3\n", 2, "there is no section joined, only encoder, joined_strokes"),
        ("[spliced_strokes]\nmethod = 'rout'\n", 2, "method must be one of route, splice"),
        ("[pages.sb01p003]\ndrawings.min_area = 1\n", 1, "not by sb01p003"),
        (f"[pages.{PAGE}]\ndrawings = {{min_area = 1, area = 2}}\n", 2, "drawings has no area"),
        (f"[pages.{PAGE}.stroke3_dataset]\ncut_ends = 0.1\n", 2, "cut_ends is for all pages"),
        ("pages = 3\n", 1, "pages is a section"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_the_rest_holds(
    file: Path, text: str, line: int, says: str
) -> None:
    said = by_hand(file, text + "[drawings]\nmin_overlap = 0.5\n")
    [problem] = said.problems
    assert problem.startswith(f"settings.toml, line {line}: ")
    assert says in problem
    assert said.everywhere == {"drawings": {"min_overlap": 0.5}}


@pytest.mark.parametrize("data", [b"[joined_strokes\n", b"\xff\xfe[\x00", b"a = 1\na = 2\n"])
def test_what_is_no_toml_is_an_error_and_nothing_is_written_over_it(file: Path, data: bytes) -> None:
    """To go on with what is built in would make every page anew, and undo a year of settings."""
    file.parent.mkdir()
    file.write_bytes(data)
    with pytest.raises(SettingsError, match=r"settings\.toml"):
        read_settings(file)
    with pytest.raises(SettingsError, match=r"settings\.toml"):
        write_settings(file, {"drawings": {"min_overlap": 0.5}})
    assert file.read_bytes() == data


@pytest.mark.parametrize(
    ("change", "page"),
    [
        ({"drawings": {"min_overlap": 7}}, None),
        ({"drawings": {"overlap": 0.5}}, None),
        ({"labels": {"who": "me"}}, None),
        ({"stroke3_dataset": {"cut_ends": 0.1}}, PAGE),
        ({"drawings": {"min_overlap": 0.5}}, "sb01p003"),
    ],
)
def test_nothing_wrong_is_ever_written(file: Path, change: dict, page: str | None) -> None:
    with pytest.raises(SettingsError, match="cannot be written"):
        write_settings(file, change, page)
    assert not file.exists()


def test_two_programs_that_write_at_once_lose_nothing(file: Path) -> None:
    """Two tabs, or a tab and a script: each reads what the other wrote before it writes."""
    script = (
        "import sys; from pathlib import Path; from singleline_pipeline.settings_file import write_settings\n"
        "for n in range(15):\n"
        "    write_settings(Path(sys.argv[1]), {'drawings': {'min_area': n}}, f'{n:02x}{sys.argv[2]}' + '0' * 60)\n"
    )
    command = [sys.executable, "-c", script, str(file)]
    both = [subprocess.Popen([*command, who], stderr=subprocess.PIPE, text=True) for who in ("aa", "bb")]
    for one in both:
        assert one.communicate()[1] == ""
    pages = tomllib.loads(file.read_text())["pages"]
    assert {page[:4]: said["drawings"]["min_area"] for page, said in pages.items()} == {
        f"{n:02x}{who}": n for n in range(15) for who in ("aa", "bb")
    }
