"""Where cards are sent back to: a data file that an issuer edits; see `return_addresses.toml`."""

import importlib.resources
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dscplus_station.errors import BadInput
from dscplus_station.home import Home

FILE = "return_addresses.toml"
_KEYS = frozenset({"name", "countries", "address", "local_address", "contacts"})
MAX_NAME = 40


@dataclass(frozen=True)
class Region:
    """A region's address, line by line, and how to call there. `local_address`: in the own script."""

    key: str
    name: str
    countries: tuple[str, ...]
    address: tuple[str, ...]
    local_address: tuple[str, ...]
    contacts: tuple[str, ...]


def read_regions(home: Home) -> dict[str, Region]:
    """The regions by their keys: those of the home's own file, if it has one, else the package's.

    Raises:
        BadInput: the home's file cannot be used.
    """
    own = home.path / FILE
    if not own.exists():
        return parse(FILE, importlib.resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    try:
        return parse(str(own), own.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise BadInput(f"{own}: {error}") from error


def parse(name: str, text: str) -> dict[str, Region]:
    """Read the file's text; `name` is told with what is wrong.

    Raises:
        BadInput: no such regions in it, or a country in two of them.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{name}: {error}") from error
    attention, parts = values.get("attention"), values.get("region")
    if not isinstance(attention, str) or not isinstance(parts, dict) or not parts:
        raise BadInput(f'{name}: it needs attention = "Attn: …" and at least one [region.NAME]')
    regions = {key: _region(name, attention, key, part) for key, part in parts.items()}
    seen: dict[str, str] = {}
    for region in regions.values():
        for country in region.countries:
            if seen.setdefault(country, region.key) != region.key:
                raise BadInput(f"{name}: {country} is in {seen[country]} and in {region.key}")
    return regions


def region_of(regions: Mapping[str, Region], country: str, asked: str | None) -> Region:
    """The region that was asked for, else the one of a country.

    Raises:
        BadInput: there is none: it must be asked for by its key.
    """
    known = ", ".join(regions)
    if asked is not None:
        if asked not in regions:
            raise BadInput(f"unknown region {asked!r}: {known}")
        return regions[asked]
    for region in regions.values():
        if country in region.countries:
            return region
    raise BadInput(f"no region has the country {country}: say which (--region): {known}")


def _region(name: str, attention: str, key: str, part: Any) -> Region:
    if not isinstance(part, dict) or set(part) - _KEYS or len(key) > MAX_NAME:
        raise BadInput(f"{name}: [region.{key}] may hold {', '.join(sorted(_KEYS))}")
    lines = {what: part.get(what, []) for what in ("countries", "address", "local_address", "contacts")}
    for what, value in lines.items():
        if not isinstance(value, list) or not all(isinstance(line, str) and line.strip() for line in value):
            raise BadInput(f"{name}: [region.{key}] {what} is a list of lines")
    if not isinstance(part.get("name"), str) or not lines["address"] or not lines["contacts"]:
        raise BadInput(f"{name}: [region.{key}] needs its name, address and contacts")
    organisation, *rest = lines["address"]
    return Region(
        key=key,
        name=part["name"],
        countries=tuple(lines["countries"]),
        address=(organisation, attention, *rest),
        local_address=tuple(lines["local_address"]),
        contacts=tuple(lines["contacts"]),
    )
