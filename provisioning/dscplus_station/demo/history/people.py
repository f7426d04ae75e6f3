"""Who is in the sample data: people who are plainly nobody, from several countries and in several scripts."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

PIN = "4711"
"""Every sample holder's PIN, so that a visitor can be any of them. Seeds and keys are drawn as always."""

_SURNAMES = {"en": "Sample", "es": "Muestra", "fr": "Exemple", "de": "Beispiel", "it": "Campione"}


@dataclass(frozen=True)
class _Place:
    country: str
    language: str
    """The holder's: there are texts in English and Spanish."""
    address: str
    """With the number of the house to be put in."""
    names: tuple[tuple[str, str], ...]
    """Of user names the part that tells people apart, and full names."""


def _named(surname: str, *given: str) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower().translate(_PLAIN), f"{name} {_SURNAMES[surname]}") for name in given)


_PLAIN = str.maketrans("áéíóúñüöèçëî", "aeiounuoecei")

_PLACES = (
    _Place(
        "US",
        "en",
        "{} Sample Street, Chicago, IL 60600",
        _named("en", "Ada", "Bruce", "Cora", "Dexter", "Edith", "Floyd", "Grace", "Homer", "Ida", "Jesse"),
    ),
    _Place(
        "ES",
        "es",
        "Calle de la Muestra {}, 28000 Madrid",
        _named("es", "Alba", "Bruno", "Carmen", "Diego", "Elena", "Íñigo", "Lucía", "Mateo", "Nuria"),
    ),
    _Place(
        "JP",
        "en",
        "見本町{}丁目、東京都",
        (
            ("taro", "見本 太郎"),
            ("hanako", "見本 花子"),
            ("ichiro", "見本 一郎"),
            ("sakura", "サンプル さくら"),
            ("ken", "サンプル 健"),
        ),
    ),
    _Place("CH", "en", "Musterweg {}, 8000 Zürich", _named("de", "Beat", "Regula", "Urs", "Zoë")),
    _Place(
        "BG",
        "en",
        "ул. Примерна {}, 1000 София",
        (
            ("sergei", "Сергей Образцов"),
            ("olga", "Ольга Примерова"),
            ("ivan", "Иван Образцов"),
            ("vera", "Вера Примерова"),
        ),
    ),
    _Place(
        "AD",
        "es",
        "Avenida del Ejemplo {}, Andorra la Vella",
        _named("es", "Ximena", "Óscar", "Pilar", "Raúl"),
    ),
    _Place("HK", "en", "{} Sample Road, Admiralty", (("wing", "樣本 永"), ("mei", "樣本 美"))),
    _Place("AU", "en", "{} Sample Parade, Sydney NSW 2000", _named("en", "Kirra", "Lachlan", "Matilda")),
    _Place("FR", "en", "{} rue de l'Exemple, 75000 Paris", _named("fr", "Amélie", "Benoît", "Chloé")),
    _Place("IE", "en", "{} Sample Lane, Dublin", _named("en", "Aoife", "Cian", "Niamh")),
)


@dataclass(frozen=True)
class Person:
    """One sample person under one user name.

    Args:
        number: the user name's own, from 1.
        entity: who it is in law; `identity`: whose birth date and passport it is. Both go by numbers (R24).
    """

    number: int
    entity: int
    identity: int
    user: str
    name: str
    address: str
    country: str
    language: str
    email: str
    mobile: str


def people() -> Iterator[Person]:
    """Sample people without end, always the same ones in the same order."""
    places = itertools.cycle(_PLACES)
    for number in itertools.count(1):
        place = next(places)
        turn = (number - 1) // len(_PLACES)
        short, name = place.names[turn % len(place.names)]
        user = f"sample.{short}{number:03d}"
        yield Person(
            number=number,
            entity=number,
            identity=number,
            user=user,
            name=name,
            address=place.address.format(number),
            country=place.country,
            language=place.language,
            email=f"{user}@example.com",
            mobile=f"+1202555{number:04d}",
        )
