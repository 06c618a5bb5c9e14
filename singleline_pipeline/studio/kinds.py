"""The two things that are labelled: pages, by the group they are in, and drawings, included or excluded."""

from dataclasses import dataclass

from singleline_pipeline.embedding.groups import UNLABELLED
from singleline_pipeline.embedding.label_keys import ALLOWED_LABELS

NONE = -1
"""Code of no label at all."""

HAND, MINIMUM, CLUSTER, SUGGESTION, NOBODY = range(5)
DECIDED_BY = ("hand", "minimum", "cluster", "suggestion", "nobody")
"""Who decided, by code: a person, the fixed minimum of a drawing, a cluster's name, folder and looks, or nobody."""


@dataclass(frozen=True)
class Kind:
    """What the studio has to know to show and label one of the two."""

    scope: str
    """page or drawing: the scope of a label given to a single one."""
    labels: tuple[str, ...]
    """What may be said, in the order of its codes and of the keys 1, 2, 3, ..."""
    unsaid: str
    """What an item is where nobody and nothing has decided."""

    @property
    def cluster_scope(self) -> str:
        """The scope of a cluster's name."""
        return f"{self.scope}_cluster"

    @property
    def plural(self) -> str:
        """pages or drawings: the name of its tab and of its address."""
        return f"{self.scope}s"

    def code(self, label: str | None) -> int:
        """The code of a label, `NONE` where it is empty or none of this kind's."""
        return self.labels.index(label) if label in self.labels else NONE


PAGES = Kind("page", ALLOWED_LABELS["page"], UNLABELLED)
DRAWINGS = Kind("drawing", ALLOWED_LABELS["drawing"], "include")
KINDS = {kind.plural: kind for kind in (PAGES, DRAWINGS)}
