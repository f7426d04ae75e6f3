"""docs/security.md names tests as its proofs: each of them must exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", TEXT)))
THREATS = [
    "Thief of a card",
    "Insider",
    "Recorder on the cable",
    "Leaked batch master",
    "Stolen database",
    "Stolen laptop",
    "Malware on a holder's computer",
]


def section(heading: str) -> str:
    return TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_every_test_that_is_named_exists():
    missing = []
    for file, name in NAMED:
        path = ROOT / file
        tree = ast.parse(path.read_text("utf-8")) if path.exists() else ast.Module([], [])
        if name not in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}:
            missing.append(f"{file}::{name}")
    assert missing == []


def test_nothing_in_the_document_looks_like_a_test_and_is_not_checked():
    """A name that is mistyped so that the search above does not see it would prove nothing."""
    assert TEXT.count("::") == len(re.findall(r"`tests/[\w/]+\.py::\w+`", TEXT))


def test_every_threat_has_its_section_with_proofs_and_what_remains():
    for threat in THREATS:
        assert "tests/" in section(threat), threat
        assert "**Remains.**" in section(threat), threat
