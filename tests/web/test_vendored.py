"""What was taken from elsewhere is what was published, with its licence beside it."""

import hashlib
from pathlib import Path

import pytest

from dscplus_station.web.render import STATIC

VENDOR = Path(str(STATIC)) / "vendor"
SUMS = sorted(VENDOR.glob("*.sha512"))


def test_each_file_has_its_sum_and_its_licence():
    files = {path.name for path in VENDOR.iterdir()}
    scripts = {name for name in files if name.endswith(".js")}
    assert scripts == {path.stem for path in SUMS}
    assert files == scripts | {path.name for path in SUMS} | {
        name.replace(".min.js", ".LICENSE") for name in scripts
    }


@pytest.mark.parametrize("path", SUMS, ids=lambda path: path.stem)
def test_each_file_is_the_published_one(path):
    digest, name = path.read_text(encoding="ascii").split()
    assert hashlib.sha512((VENDOR / name).read_bytes()).hexdigest() == digest
    licence = (VENDOR / name.replace(".min.js", ".LICENSE")).read_text(encoding="utf-8")
    assert "Zero-Clause BSD" in licence
