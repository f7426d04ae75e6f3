"""R6, R13, R14: the figures that an issuer sets otherwise in station.toml."""

from datetime import timedelta

import pytest

from dscplus_station.activation.daily import run_timers, upcoming
from dscplus_station.activation.rules import Notice
from dscplus_station.devices.rules import AssignmentState
from dscplus_station.documents.service import letters_for
from dscplus_station.errors import NotPermitted
from dscplus_station.figures import WRONG_RESPONSES
from dscplus_station.login.rules import MAX_CHALLENGES, Outcome
from dscplus_station.login.service import check_login, issue_challenge
from dscplus_station.opening import open_station
from dscplus_station.portal.rules import MAX_TRIES
from tests.provisioning.api.api_world import ApiWorld, problem
from tests.provisioning.documents.printed import pages
from tests.provisioning.support import CARDS, other_response


def settle(world, text):
    """Add to the station's settings, and open it again."""
    with world.home.settings_file.open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")
    world.station.database.close()
    world.station = open_station(world.home, lambda: world.moment)


def states(world):
    return [(due.due, due.notice) for due in upcoming(world.station)]


@pytest.mark.parametrize(
    ("kind", "setting", "period"),
    [("replacement", "replacement_days = 30", 30), ("new", "first_card_days = 12", 12)],
)
def test_r13_r14_another_period_and_other_notices_to_the_day(world, kind, setting, period):
    settle(world, f"[activation]\n{setting}\napproaching_days = 10\nimminent_days = 2")
    world.stock(2)
    shipped = world.shipped(kind=kind)
    assert (shipped.auto_activates_on - shipped.shipped_on).days == period
    world.at(days=period - 11)
    assert states(world) == [(False, None)]
    world.at(days=1)
    assert states(world) == [(False, Notice.APPROACHING)]
    assert run_timers(world.station, world.actor).announced == [CARDS[0]]
    world.at(days=7)
    assert states(world) == [(False, None)]
    world.at(days=1)
    assert states(world) == [(False, Notice.IMMINENT)]
    assert run_timers(world.station, world.actor).announced == [CARDS[0]]
    world.at(days=1)
    assert run_timers(world.station, world.actor).activated == []
    world.at(days=1)
    assert run_timers(world.station, world.actor).activated == [CARDS[0]]


def test_r13_a_card_in_the_post_keeps_its_day(world):
    world.stock(2)
    day = world.shipped(kind="replacement").auto_activates_on
    settle(world, "[activation]\nreplacement_days = 40")
    assert [due.auto_activates_on for due in upcoming(world.station)] == [day]


def active_card(world, text):
    settle(world, text)
    world.stock(2)
    world.shipped()
    world.at(days=14)
    run_timers(world.station, world.actor)


def answer(world, question, *, right):
    response = world.response(CARDS[0], question)
    given = response if right else other_response(response)
    return check_login(world.station, world.actor, world.keystore, CARDS[0], question, given)


@pytest.mark.parametrize(("seconds", "outcome"), [(119.999, Outcome.RIGHT), (120, Outcome.EXPIRED)])
def test_r6_another_lifetime_of_a_challenge_to_the_moment(world, seconds, outcome):
    active_card(world, "[login]\nchallenge_minutes = 2")
    question = issue_challenge(world.station, world.actor, CARDS[0]).challenge
    world.at(seconds=seconds)
    assert answer(world, question, right=True).outcome is outcome


def test_r6_challenges_are_counted_within_their_lifetime(world):
    active_card(world, "[login]\nchallenge_minutes = 2")
    for _ in range(MAX_CHALLENGES):
        issue_challenge(world.station, world.actor, CARDS[0])
    with pytest.raises(NotPermitted, match="10 challenges for alice within 2 minutes"):
        issue_challenge(world.station, world.actor, CARDS[0])
    world.at(minutes=2)
    issue_challenge(world.station, world.actor, CARDS[0])


def test_r6_another_number_of_wrong_responses_locks(world):
    active_card(world, "[login]\nwrong_responses = 3")
    tried = [
        answer(world, issue_challenge(world.station, world.actor, CARDS[0]).challenge, right=False)
        for _ in range(3)
    ]
    assert [(one.tries_left, one.locked) for one in tried] == [(2, False), (1, False), (0, True)]
    with pytest.raises(NotPermitted, match=AssignmentState.LOCKED):
        issue_challenge(world.station, world.actor, CARDS[0])


@pytest.mark.parametrize(("minutes", "open_"), [(1.99, True), (2, False)])
def test_r6_a_login_lasts_two_challenges(tmp_path, minutes, open_):
    world = ApiWorld(tmp_path).with_alice()
    settings = world.station.settings
    object.__setattr__(settings, "login", type(settings.login)(challenge_lifetime=timedelta(minutes=1)))
    login = world.begin().json()["login"]
    world.at(minutes=minutes)
    asked = world.ask(login)
    if open_:
        assert asked.status_code == 201
    else:
        problem(asked, 401)
    world.close()


@pytest.mark.parametrize(
    ("language", "lifetime", "tries"),
    [
        ("en", "good for 1 minute and for one answer", "7 wrong answers in a row lock"),
        ("es", "vale 1 minuto y para una sola respuesta", "7 respuestas erróneas seguidas bloquean"),
    ],
)
def test_r6_the_letter_says_the_stations_figures(world, language, lifetime, tries):
    settle(world, "[login]\nchallenge_minutes = 1\nwrong_responses = 7")
    world.stock()
    world.shipped(language=language)
    (text,) = pages(letters_for(world.station, world.actor, ["O-1"]))
    assert lifetime in text
    assert tries in text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("activation = 3", "activation is a part of its own, [activation]"),
        ("[activation]\nreplacement_days = 0", "replacement_days is a whole number from 1 to 366, not 0"),
        ("[activation]\nfirst_card_days = -14", "first_card_days is a whole number from 1 to 366, not -14"),
        ("[activation]\nimminent_days = 0", "imminent_days is a whole number from 1 to 366, not 0"),
        ("[activation]\napproaching_days = 1.5", "approaching_days is a whole number from 1 to 366, not 1.5"),
        ("[activation]\nimminent_days = true", "imminent_days is a whole number from 1 to 366, not True"),
        ("[activation]\nimminent_days = 7", "imminent_days (7) is to be less than approaching_days (7)"),
        ("[activation]\nimminent_days = 8", "imminent_days (8) is to be less than approaching_days (7)"),
        ("[activation]\napproaching_days = 14", "approaching_days (14) is to be less than"),
        (
            "[activation]\nfirst_card_days = 7",
            "first_card_days (7): no notice comes before",
        ),
        (
            "[activation]\nreplacement = 30",
            "[activation] has replacement_days, first_card_days",
        ),
        ("[drafts]\ndays_without_change = 0", "days_without_change is a whole number from 1 to 366, not 0"),
        ("[drafts]\ndays = 30", "[drafts] has days_without_change, not days"),
        ("[login]\nchallenge_minutes = 0", "challenge_minutes is a whole number from 1 to 15, not 0"),
        ("[login]\nchallenge_minutes = 16", "challenge_minutes is a whole number from 1 to 15, not 16"),
        ("[login]\nwrong_responses = -5", "wrong_responses is a whole number from 2 to 10, not -5"),
        ("[login]\nwrong_responses = 1", "wrong_responses is a whole number from 2 to 10, not 1"),
        ("[login]\nwrong_responses = '5'", "wrong_responses is a whole number from 2 to 10, not '5'"),
    ],
)
def test_r6_r13_r14_nonsense_is_refused_at_the_start_in_one_line(bench, text, told):
    settings = bench.world.home.settings_file
    parts = [settings.read_text(), text]  # a value of no part stands before all parts
    settings.write_text("\n".join(parts if text.startswith("[") else reversed(parts)) + "\n")
    refused = bench.run("cards", "list", code=1).stderr
    assert told in refused
    assert refused.startswith(f"dsc-station: {settings}: ")
    assert refused.count("\n") == 1


def test_r6_no_station_lets_a_device_try_more_often_than_a_login():
    assert max(WRONG_RESPONSES) <= MAX_TRIES
