"""Every `--help` says what its command does, with an example."""

import re

import pytest
from click.testing import CliRunner

from dscplus_driver.cli import run as cli

PAGES = [
    *([name] for name in cli.COMMANDS),
    *(
        ["keys", name]
        for name in ("put", "inject", "set-pin", "unblock", "respond", "status", "wipe", "terminate")
    ),
    *(["udev", name] for name in ("install", "uninstall", "suggest")),
]


@pytest.mark.parametrize("page", PAGES, ids=" ".join)
def test_every_help_page_says_what_it_does_and_gives_an_example(page):
    result = CliRunner().invoke(cli.app, [*page, "--help"], prog_name="dsc")
    assert result.exit_code == 0
    assert result.output.startswith("Usage: dsc " + " ".join(page))
    if page != ["keys"]:
        assert re.search(r"Example:\n {2,4}(sudo )?dsc ", result.output)


def test_the_front_page_names_every_command_as_the_pages_do():
    output = CliRunner().invoke(cli.app, ["--help"]).output
    assert "Exit codes:" in output and "_DSC_COMPLETE" in output
    for name, (_, summary) in cli.COMMANDS.items():
        assert f"{name} " in output and summary in output
        assert cli.app.get_command(None, name).name == name
