"""Collects what the rooms behind the pages say, from their source: texts that a page may have to translate.

What a page can show is said by the modules that it imports, and by those that they import. A text is marked
by `N_` or `words`, is the first argument of an error of the station, or the deed of a guard.
"""

import ast
import re
from functools import cache
from pathlib import Path

import dscplus_station

PACKAGE = Path(dscplus_station.__file__).parent
NAME = PACKAGE.name
MARKS = {"N_", "words", "Words"}
DEEDS = {"require": 1, "require_one_of": 1, "require_second": 2}
"""The guards of `Actor`, and which of their arguments completes "may not …"."""

BEFORE_THE_PAGE = {
    "home": "settings: the command that serves the page ends with these",
    "databases.where": "settings",
    "figures": "settings",
    "slots.map": "settings",
    "operators.configuration": "settings",
    "printing.configuration": "settings",
    "returns.addresses": "settings",
    "business_days": "settings",
    "moved_clock": "settings",
    "personalise.workers": "ports named on the command line",
    "demo.virtual_cards": "starts with the page",
    "login.service": "challenges are asked for by login servers; no page does",
    "notices.contacts": "contacts are recorded on the command line and by the API",
}
"""Modules of which the pages use something, but nothing that says these; with the reason."""


@cache
def modules():
    def name_of(path):
        return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")

    return {name_of(path): path for path in PACKAGE.rglob("*.py")}


@cache
def tree_of(module):
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def imported_by(module):
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == NAME:
            room = node.module.removeprefix(NAME).lstrip(".")
            yield room
            yield from (f"{room}.{alias.name}".lstrip(".") for alias in node.names)


def pages():
    """The pages' own modules."""
    return sorted(name for name in modules() if name == "web" or name.startswith("web."))


@cache
def behind_the_pages():
    """Every module that the pages import, directly or not; the pages' own are not among them."""
    found, todo = set(), pages()
    while todo:
        for name in imported_by(todo.pop()):
            if name in modules() and name not in found and name not in pages():
                found.add(name)
                todo.append(name)
    return sorted(found - set(BEFORE_THE_PAGE))


@cache
def errors():
    """The names of the errors of the station, as the source has them."""
    known = {"StationError"}
    classes = [
        (node.name, {base.id for base in node.bases if isinstance(base, ast.Name)})
        for module in modules()
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ClassDef)
    ]
    while more := {name for name, bases in classes if bases & known} - known:
        known |= more
    return known


def calls(module):
    """Each call that says something: its node, and its argument that is the text.

    Of the pages' own modules only errors and deeds: their other texts are in their areas' catalogues.
    """
    marks = errors() if module in pages() else errors() | MARKS
    for node in ast.walk(tree_of(module)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in marks and node.args:
            yield node, node.args[0]
        elif isinstance(node.func, ast.Attribute) and node.func.attr in DEEDS:
            yield node, node.args[DEEDS[node.func.attr]]


def said_by(module):
    """The texts of one module."""
    return {
        text.value
        for _node, text in calls(module)
        if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value
    }


def spoilt_in(module):
    """Where a text is filled in before it can be translated, or lacks one of its facts."""
    for node, text in calls(module):
        if isinstance(text, ast.JoinedStr):
            yield f"{module}:{node.lineno}: {ast.unparse(text)}"
        elif isinstance(text, ast.Constant) and not any(word.arg is None for word in node.keywords):
            places = set(re.findall(r"\{(\w+)\}", str(text.value)))
            facts = {word.arg for word in node.keywords}
            if node.keywords and not places <= facts:
                yield f"{module}:{node.lineno}: {sorted(places - facts)} missing in {text.value}"
