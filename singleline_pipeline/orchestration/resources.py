"""What assets and sensors are given by name."""

import dagster as dg
from pydantic import Field

from singleline_pipeline.home import Home


class HomeResource(dg.ConfigurableResource):
    """Where things lie. Empty fields are taken from the environment when a step runs, not at import."""

    root: str = Field(
        default="",
        description="Folder of lake, labels, datasets and models; empty: SINGLELINE_HOME, else data/",
    )
    sketchbooks: str = Field(
        default="",
        description="Folder of scanned sketchbooks; empty: SINGLELINE_SKETCHBOOKS, else <root>/sketchbooks",
    )

    def get(self) -> Home:
        """The places, as the command line finds them too."""
        return Home.from_environment(self.root or None, self.sketchbooks or None)
