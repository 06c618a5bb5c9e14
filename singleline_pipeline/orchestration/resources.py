"""What assets and sensors are given by name."""

import dagster as dg
from pydantic import Field

from singleline_pipeline.home import Home
from singleline_pipeline.lake import Lake


class HomeResource(dg.ConfigurableResource):
    """Where things lie. Empty fields are taken from the environment when a step runs, not when the code is loaded."""

    root: str = Field(
        default="",
        description="Folder of lake, labels, datasets and models; empty: SINGLELINE_HOME, else data/",
    )
    sketchbooks: str = Field(
        default="",
        description="Folder of scanned sketchbooks; empty: SINGLELINE_SKETCHBOOKS, else <root>/sketchbooks",
    )

    def home(self) -> Home:
        """The places, as the command line would find them too."""
        return Home.from_environment(self.root or None, self.sketchbooks or None)

    def lake(self) -> Lake:
        """The tables, for what does not come in as an input: optional ones, and ones of other partitions."""
        return Lake(self.home().lake)
