"""JavaScript modules as one script: a page that is a single file has nowhere to import from."""

import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([\w-]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let) )", re.MULTILINE)


def join_modules(modules: Mapping[str, str], entry: str) -> str:
    """One script of a module and all that it imports, each after what it needs.

    `modules` are sources by file name. They import by name from "./file.js", export declarations, and share one scope:
    a name that two of them declare is a syntax error in the browser.
    """
    order: list[str] = []

    def add(name: str) -> None:
        if name in order:
            return
        for needed in _IMPORT.findall(modules[name]):
            add(needed)
        order.append(name)

    add(entry)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", modules[name])).strip() for name in order) + "\n"
