"""docs/driver.md is true: its examples run, its tables are the code's."""

import re
from pathlib import Path

import pytest

from dscplus_driver import errors
from dscplus_driver.cli import run as cli
from tests.harness import sample
from tests.harness.loopback import LoopbackCard

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "driver.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SOURCES = "\n".join(path.read_text() for path in (ROOT / "driver" / "dscplus_driver" / "cli").glob("*.py"))


def test_the_examples_run_one_after_the_other(monkeypatch, capsys):
    card = LoopbackCard(sample.SERIAL_NUMBER, sample.transport_keys())
    monkeypatch.setattr("dscplus_driver.card.open_transport", lambda _url: card.transport())
    names = {"port": "cards/card-0"}
    for number, example in enumerate(EXAMPLES):
        exec(compile(example, f"docs/driver.md, example {number + 1}", "exec"), names)  # noqa: S102
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == ["0000000018", "OP_READY", "None"]
    assert "secured" in printed and "SECURED 28" in printed
    assert len(EXAMPLES) == 9


def below(kind):
    return {kind}.union(*(below(sub) for sub in kind.__subclasses__()))


def test_the_errors_table_is_the_hierarchy_with_its_exit_codes():
    table = dict(re.findall(r"^\| `(\w+)` \| .* \| (\d) \|$", PAGE, re.MULTILINE))
    kinds = {kind for kind in below(errors.DscError) if kind.__module__ == errors.__name__}
    kinds -= {errors.DscError, errors.NotFound, errors.CardError}
    assert table == {kind.__name__: str(errors.exit_code(kind.__new__(kind))) for kind in kinds}


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_is_on_the_page(command):
    assert re.search(rf"`dsc {command}\b|`(dsc \w+`, `)*{command}`", PAGE)


def test_every_json_format_is_on_the_page():
    written = set(re.findall(r'"(dsc\.[\w.-]+/\d)"', SOURCES)) | {"dsc.keys.set-pin/1", "dsc.keys.unblock/1"}
    assert written == set(re.findall(r"`(dsc\.[\w.-]+/\d)`", PAGE))
