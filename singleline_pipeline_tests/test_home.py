"""The same folders must be found by the UI, the daemon and the command line, wherever each was started."""

from pathlib import Path

import pytest

from singleline_pipeline.home import Home, HomeError, lake_path, project_root


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SINGLELINE_HOME", "SINGLELINE_SKETCHBOOKS", "SINGLELINE_LAKE"):
        monkeypatch.delenv(name, raising=False)


def _make_project(folder: Path, module: str = "singleline_pipeline.definitions") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (folder / "workspace.yaml").write_text(f"load_from:\n  - python_module: {module}\n")
    return folder


def test_default_home_is_data_in_the_project_root_also_from_a_subfolder(tmp_path, monkeypatch):
    root = _make_project(tmp_path / "project")
    (root / "docs").mkdir()
    monkeypatch.chdir(root / "docs")
    home = Home.from_environment()
    assert home.root == root / "data"
    assert home.sketchbooks == root / "data" / "sketchbooks"
    assert Path(home.lake.path) == root / "data" / "lake"
    assert home.labels == root / "data" / "labels"


def test_arguments_win_over_the_environment_and_the_environment_over_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("SINGLELINE_HOME", str(tmp_path / "from-environment"))
    assert Home.from_environment().root == tmp_path / "from-environment"
    monkeypatch.setenv("SINGLELINE_SKETCHBOOKS", str(tmp_path / "scans"))
    home = Home.from_environment(tmp_path / "from-argument")
    assert home.root == tmp_path / "from-argument"
    assert home.sketchbooks == tmp_path / "scans"
    assert Home.from_environment(sketchbooks=tmp_path / "other").sketchbooks == tmp_path / "other"


def test_relative_home_becomes_absolute_because_the_instance_changes_the_folder_later(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Home.from_environment("shelf").root == tmp_path / "shelf"


def test_empty_variables_count_as_unset_as_they_come_from_compose_files(tmp_path, monkeypatch):
    root = _make_project(tmp_path / "project")
    monkeypatch.chdir(root)
    monkeypatch.setenv("SINGLELINE_HOME", "")
    monkeypatch.setenv("SINGLELINE_LAKE", "")
    assert Home.from_environment().root == root / "data"


def test_the_lake_alone_may_lie_in_an_object_store(tmp_path, monkeypatch):
    monkeypatch.setenv("SINGLELINE_LAKE", "s3://bucket/lake")
    home = Home.from_environment(tmp_path)
    assert str(home.lake) == "s3://bucket/lake"
    assert home.models == tmp_path / "models"


def test_a_file_url_is_the_folder_itself_so_that_its_writes_are_atomic(tmp_path):
    assert isinstance(lake_path(f"file://{tmp_path}/lake"), Path)
    assert Path(lake_path(f"file://{tmp_path}/lake").path) == tmp_path / "lake"


def test_another_dagster_project_is_passed_over(tmp_path, monkeypatch):
    outer = _make_project(tmp_path / "singleline")
    inner = _make_project(outer / "vendor" / "hooli", module="hooli.definitions")
    monkeypatch.chdir(inner)
    assert project_root() == outer


def test_outside_of_any_project_the_message_says_what_to_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "singleline_pipeline.home.__file__", str(tmp_path / "site-packages" / "p" / "home.py")
    )
    with pytest.raises(HomeError, match="SINGLELINE_HOME"):
        Home.from_environment()
    assert Home.from_environment(tmp_path / "shelf").root == tmp_path / "shelf"
