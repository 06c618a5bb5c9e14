"""Where things lie: the sketchbooks that come in, the lake of tables, labels, datasets and weights."""

import os
from dataclasses import dataclass
from pathlib import Path

from upath import UPath


class HomeError(ValueError):
    """A place that the pipeline needs cannot be found; the message says what to set or where to go."""


@dataclass(frozen=True)
class Home:
    """The folders of one artist's material. Nothing is created by asking for a path.

    `lake` may lie elsewhere (`s3://bucket/folder`, `memory://lake`); everything else is local, because models
    are trained from it and labels are locked while they are written.
    """

    root: Path
    sketchbooks: Path
    lake: UPath

    @classmethod
    def from_environment(
        cls, home: str | os.PathLike[str] | None = None, sketchbooks: str | os.PathLike[str] | None = None
    ) -> "Home":
        """The places that the arguments name, else the environment, else `data/` in the project's root.

        Environment: SINGLELINE_HOME, SINGLELINE_SKETCHBOOKS, SINGLELINE_LAKE (a folder or an URL).
        Raises HomeError where none of them says anything and the project's root cannot be found.
        """
        chosen = home or os.environ.get("SINGLELINE_HOME")
        root = _absolute(chosen) if chosen else project_root() / "data"
        books = sketchbooks or os.environ.get("SINGLELINE_SKETCHBOOKS")
        lake = os.environ.get("SINGLELINE_LAKE")
        return cls(
            root=root,
            sketchbooks=_absolute(books) if books else root / "sketchbooks",
            lake=lake_path(lake) if lake else UPath(root / "lake"),
        )

    def variables(self) -> dict[str, str]:
        """What the environment of another program must say for it to find the same places."""
        return {
            "SINGLELINE_HOME": str(self.root),
            "SINGLELINE_SKETCHBOOKS": str(self.sketchbooks),
            "SINGLELINE_LAKE": str(self.lake),
        }

    @property
    def imported(self) -> Path:
        """A folder a sketchbook, of drawings that came through `singleline import` and not from a scanner."""
        return self.root / "imported"

    def folder_of(self, sketchbook: str) -> Path:
        """Where the pages of a sketchbook lie: imported ones in the home, all others where the scans are."""
        imported = self.imported / sketchbook
        return imported if imported.is_dir() else self.sketchbooks / sketchbook

    @property
    def labels(self) -> Path:
        """Decisions by hand, and the cluster fits that they refer to."""
        return self.root / "labels"

    @property
    def settings(self) -> Path:
        """How strokes become drawings here, where that is not as built in: a file that may not be there."""
        return self.root / "settings.toml"

    @property
    def datasets(self) -> Path:
        """Dated snapshots of the stroke-3 dataset: `.npz` and manifest."""
        return self.root / "datasets"

    @property
    def models(self) -> Path:
        """`<name>/<run>/` for every training run, `<name>/current` for the one in use."""
        return self.root / "models"

    @property
    def exports(self) -> Path:
        """What `singleline export` writes."""
        return self.root / "exports"


def lake_path(location: str | os.PathLike[str] | UPath) -> UPath:
    """A lake's location as an absolute path: a folder (also as `file://`), or an URL that fsspec knows."""
    path = UPath(location)
    return UPath(_absolute(path.path)) if path.protocol in ("", "file", "local") else path


def project_root() -> Path:
    """The folder with this project's dagster.yaml and workspace.yaml: the Dagster instance belongs to it.

    Looked for from the current folder upwards, then where the package lies (an editable installation). A
    dagster.yaml of another project is passed over: its workspace.yaml does not name singleline_pipeline.
    """
    here = Path.cwd()
    package = Path(__file__).resolve().parent
    for folder in (here, *here.parents, package.parent):
        if _is_project_root(folder):
            return folder
    raise HomeError(
        f"Neither {here} nor a folder above it is singleline's project folder (the one with dagster.yaml and "
        "workspace.yaml). Change into it first, or say where the material lies with SINGLELINE_HOME or "
        "--home."
    )


def _is_project_root(folder: Path) -> bool:
    workspace = folder / "workspace.yaml"
    return (
        (folder / "dagster.yaml").is_file()
        and workspace.is_file()
        and "singleline_pipeline" in workspace.read_text(encoding="utf-8", errors="replace")
    )


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(path).expanduser().absolute()
