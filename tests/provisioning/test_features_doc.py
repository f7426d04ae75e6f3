"""docs/features.md is true: every rule has its row, its commands and its tests exist."""

import re
from pathlib import Path

import click
import pytest

from dscplus_station.cli import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (R\d+) \| .+\|$", PAGE, re.MULTILINE)
PROOFS = re.findall(r"`(tests/[\w/.]+)`(?: `(\w+)`)?", PAGE)
COMMANDS = sorted(set(re.findall(r"`dsc-station ([a-z][a-z -]*[a-z])", PAGE)))
NOT_YET = set(range(35, 41))
"""The phone app."""


def test_every_rule_has_its_row():
    assert {int(rule[1:]) for rule in ROWS} == set(range(1, 47)) - NOT_YET


@pytest.mark.parametrize(("file", "name"), sorted(set(PROOFS)))
def test_the_proof_is_there(file, name):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^def {name}\(" if name else r"^(def test_|Test\w+ = )", text, re.MULTILINE)


@pytest.mark.parametrize("words", COMMANDS)
def test_the_command_is_there(words):
    context, command = click.Context(cli), cli
    for word in re.split(" --| ", words)[:2]:
        if isinstance(command, click.Group):
            command = command.get_command(context, word)
            assert command is not None, words
