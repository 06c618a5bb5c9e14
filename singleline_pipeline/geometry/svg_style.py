"""What CSS says about an element of an SVG, as far as it decides what is a pen line: shown or not, filled, stroked.

Read are presentation attributes, `style` attributes, and style sheets with selectors of one element (`path`,
`.line`, `#face`, `path.line`), which is what drawing programs write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

PROPERTIES = frozenset(
    {
        "display",
        "visibility",
        "opacity",
        "fill",
        "stroke",
        "stroke-width",
        "stroke-opacity",
        "transform",
        "transform-origin",
    }
)
INHERITED = frozenset({"visibility", "fill", "stroke", "stroke-width", "stroke-opacity"})
_UNPAINTED = ("none", "transparent")

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SELECTOR = re.compile(r"(\*|[\w-]+)?((?:[.#][\w-]+)*)")


def declarations(text: str) -> dict[str, str]:
    """`PROPERTIES` of a style attribute or of the inside of a rule; what is `!important` comes last."""
    found: dict[str, str] = {}
    important: dict[str, str] = {}
    for declaration in _COMMENT.sub("", text).split(";"):
        name, colon, value = declaration.partition(":")
        name = name.strip().lower()
        if colon and name in PROPERTIES:
            plain, urgent, _ = value.partition("!")
            (important if urgent else found)[name] = plain.strip()
    return found | important


@dataclass
class StyleSheet:
    """Rules of `<style>` elements, each found by the last class, id or name of its selector.

    `unread` are the selectors that are not understood.
    """

    unread: list[str] = field(default_factory=list)
    _rules: dict[str, list[tuple[tuple[int, int], str, frozenset[str], dict[str, str]]]] = field(
        default_factory=dict
    )
    _count: int = 0

    def add(self, css: str) -> None:
        """Add the rules of one `<style>` element, after those that are there."""
        for block in _COMMENT.sub("", css).split("}"):
            before, brace, inside = block.rpartition("{")
            selectors = before.rpartition("{")[2]  # rules of @media and its like count as any other
            said = declarations(inside)
            if not brace or not said or selectors.strip().startswith("@"):
                continue
            for selector in selectors.split(","):
                found = _SELECTOR.fullmatch(selector.strip())
                if found is None or not selector.strip():
                    self.unread.append(" ".join(selector.split()))
                    continue
                name = found[1] or "*"
                marks = frozenset(re.findall(r"[.#][\w-]+", found[2]))
                weight = sum(100 if mark[0] == "#" else 10 for mark in marks) + (name != "*")
                self._count += 1
                key = sorted(marks)[0] if marks else name
                self._rules.setdefault(key, []).append(((weight, self._count), name, marks, said))

    def of(self, tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
        """What the rules say of an element."""
        if not self._rules:
            return {}
        marks = {f".{name}" for name in attributes.get("class", "").split()}
        marks |= {f"#{attributes['id']}"} if "id" in attributes else set()
        matching = [
            (weight, said)
            for key in (*marks, tag, "*")
            for weight, name, wanted, said in self._rules.get(key, ())
            if name in ("*", tag) and wanted <= marks
        ]
        found: dict[str, str] = {}
        for _, said in sorted(matching, key=lambda rule: rule[0]):
            found |= said
        return found


def style_of(
    tag: str, attributes: Mapping[str, str], sheet: StyleSheet, parent: Mapping[str, str]
) -> dict[str, str]:
    """`PROPERTIES` of an element as they count for it; what nobody has said anything about is left out."""
    own = {name: value.strip() for name, value in attributes.items() if name in PROPERTIES}
    own |= sheet.of(tag, attributes)
    if "style" in attributes:
        own |= declarations(attributes["style"])
    style = {name: value for name, value in parent.items() if name in INHERITED}
    for name, value in own.items():
        if value == "inherit":
            style |= {name: parent[name]} if name in parent else {}
        else:
            style[name] = value
    return style


def is_painted(paint: str | None) -> bool:
    """Whether a colour, a gradient or a pattern was given: not `none`, and not see-through."""
    return paint is not None and paint.lower() not in _UNPAINTED and not _is_clear(paint)


def _is_clear(paint: str) -> bool:
    """Whether a colour's alpha is 0: #rgb0, #rrggbb00, rgba(1, 2, 3, 0), rgb(1 2 3 / 0%)."""
    if paint.startswith("#"):
        return (len(paint), paint[4:]) == (5, "0") or (len(paint), paint[7:]) == (9, "00")
    found = re.search(r"[,/]\s*([0-9.]+)%?\s*\)$", paint)
    alpha = paint.lower().startswith(("rgba", "hsla")) or "/" in paint
    return found is not None and alpha and float_or(found[1], 1.0) == 0


def float_or(text: str | None, default: float) -> float:
    """A number, or a percentage as a share; the default where the text is neither."""
    if text is None:
        return default
    plain = text.strip()
    try:
        value = float(plain.removesuffix("%"))
    except ValueError:
        return default
    return value / 100 if plain.endswith("%") else value
