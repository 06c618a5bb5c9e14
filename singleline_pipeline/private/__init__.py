"""Private pages: found by their name, marked for good, and taken out of everything that was made from them."""

from singleline_pipeline.private.errors import PrivateError
from singleline_pipeline.private.forgetting import Forgotten, forget_page, mark_private
from singleline_pipeline.private.naming import PrivatePage, find_page, find_private_page, other_scans

__all__ = [
    "Forgotten",
    "PrivateError",
    "PrivatePage",
    "find_page",
    "find_private_page",
    "forget_page",
    "mark_private",
    "other_scans",
]
