"""CSV files as people make them: read strictly, every fault told by its line."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dscplus_station.errors import BadInput, NotFound

MAX_BYTES = 64 * 1024 * 1024
"""A file beyond this is a mistake: 100,000 orders take about 12 MB."""


@dataclass(frozen=True)
class Row:
    """One record: the line it ends on, and its values by column, stripped. May hold a PIN: not shown."""

    line: int
    values: dict[str, str] = field(repr=False)


@dataclass(frozen=True)
class Refusal:
    """A record that was not taken: its line, whose it is, and why. Never repeats a PIN."""

    line: int
    subject: str
    reason: str


def read_rows(path: Path, columns: Sequence[str]) -> tuple[list[Row], list[Refusal]]:
    """Read a CSV file (UTF-8, with or without BOM; comma; a header with exactly these columns, in any order).

    Returns:
        the rows of full width, and a refusal for each other one.

    Raises:
        NotFound: there is no such file.
        BadInput: it is not such a CSV file at all. Its content is not repeated: it may hold PINs.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"{path}: no such file") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    if len(content) > MAX_BYTES:
        raise BadInput(f"{path}: larger than {MAX_BYTES >> 20} MiB: split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"{path}: line {line} is not UTF-8: save the file as UTF-8 and import it again"
        ) from None

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    refusals: list[Refusal] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        if sorted(header) != sorted(columns):
            raise BadInput(f"{path}: {_header_fault(header, columns)}")
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                told = f"has {len(fields)} fields, not {len(header)}"
                refusals.append(Refusal(reader.line_num, "", told))
            else:
                values = dict(zip(header, (value.strip() for value in fields), strict=True))
                rows.append(Row(reader.line_num, values))
    except csv.Error as error:
        raise BadInput(
            f"{path}: line {reader.line_num}: {error}; is a quotation mark left open or doubled wrongly?"
        ) from None
    return rows, refusals


def _header_fault(header: Sequence[str], columns: Sequence[str]) -> str:
    wanted = f"the first line must name these columns, with commas between: {','.join(columns)}"
    missing = [name for name in columns if name not in header]
    if not missing:
        return f"columns too many or twice; {wanted}"
    return wanted if len(missing) == len(columns) else f"no column {', '.join(missing)}; {wanted}"
