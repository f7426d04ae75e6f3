"""R24, R26, R28, R30, R31: who may share what, as pure rules."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dscplus_station.devices.rules import CARDS, DeviceType
from dscplus_station.limits.rules import level
from dscplus_station.sharing.rules import (
    PROOF_LIFETIME,
    Concern,
    concerns,
    identity_fault,
    is_returned,
    level_fault,
    proof_lapsed,
    shareable_fault,
)
from dscplus_station.users.rules import Document, DocumentType, Identity

PASSPORT = Document(DocumentType.PASSPORT, "X1")
ADA = Identity("E-1", date(1980, 2, 29), "US", "CH", PASSPORT)
ALSO_ADA = replace(ADA, entity="E-2")


def test_r24_one_entity_is_one_person_whatever_is_on_record():
    assert identity_fault(Identity("E-1"), ADA) is None
    assert concerns(Identity("E-1"), ADA) == frozenset()


def test_r24_different_entities_with_equal_facts_are_one_person():
    assert identity_fault(ADA, ALSO_ADA) is None
    assert concerns(ADA, ALSO_ADA) == {Concern.DIFFERENT_ENTITY}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"birth_date": date(1980, 2, 28)}, "date of birth"),
        ({"citizenship": "CH"}, "citizenship"),
        ({"residence": "US"}, "country of legal residence"),
        ({"document": Document(DocumentType.PASSPORT, "X2")}, "identity document"),
        ({"document": Document(DocumentType.NATIONAL_ID, "X1")}, "identity document"),
        ({"birth_date": None}, "date of birth"),
        ({"citizenship": None}, "citizenship"),
        ({"residence": None}, "country of legal residence"),
        ({"document": None}, "identity document"),
    ],
)
def test_r24_each_fact_alone_tells_different_entities_apart(changed, told):
    for one, other in ((ADA, replace(ALSO_ADA, **changed)), (replace(ADA, **changed), ALSO_ADA)):
        assert identity_fault(one, other) == told


@pytest.mark.parametrize("fact", ["birth_date", "citizenship", "residence", "document"])
def test_r24_what_neither_has_on_record_is_not_equal(fact):
    assert identity_fault(replace(ADA, **{fact: None}), replace(ALSO_ADA, **{fact: None}))


def test_r24_an_equal_social_security_number_stands_for_the_document():
    one = replace(ADA, ssn="123456789", document=None)
    other = replace(ALSO_ADA, ssn="123456789")
    assert identity_fault(one, other) is None
    assert concerns(one, other) == {Concern.DIFFERENT_ENTITY, Concern.DIFFERENT_DOCUMENT}
    assert identity_fault(replace(one, ssn=None), other) == "identity document"


def test_r24_two_social_security_numbers_are_two_people_although_the_documents_are_equal():
    fault = identity_fault(replace(ADA, ssn="123456789"), replace(ALSO_ADA, ssn="123456780"))
    assert fault == "US social security number"


def test_r24_who_is_not_on_record_shares_nothing():
    for one, other in ((None, ADA), (ADA, None), (None, None)):
        assert identity_fault(one, other) == "who they are is not on record of both"


identities = st.builds(
    Identity,
    st.sampled_from(["E-1", "E-2"]),
    st.sampled_from([None, date(1980, 1, 1), date(1981, 1, 1)]),
    st.sampled_from([None, "US", "CH"]),
    st.sampled_from([None, "US", "CH"]),
    st.sampled_from([None, PASSPORT, Document(DocumentType.PASSPORT, "X2")]),
    st.sampled_from([None, "123456789", "123456780"]),
)


@given(identities, identities)
def test_r24_identity_does_not_depend_on_who_asks(one, other):
    assert identity_fault(one, other) == identity_fault(other, one)
    if identity_fault(one, other) is None:
        assert concerns(one, other) == concerns(other, one)


@given(identities, identities)
def test_r24_faults_name_facts_and_never_their_values(one, other):
    fault = identity_fault(one, other) or ""
    assert not any(character.isdigit() for character in fault)


def test_r26_levels_go_by_the_withdrawal_limit():
    order = [DeviceType.SECURITY_CODE_CARD, DeviceType.DIGITAL_SECURITY_CARD, DeviceType.DSC_PLUS]
    assert sorted(CARDS - {DeviceType.PLATINUM_GOLD}, key=level) == order
    assert level(DeviceType.PLATINUM_GOLD) == level(DeviceType.DSC_PLUS)


@pytest.mark.parametrize(
    ("shared", "held", "better"),
    [
        (DeviceType.SECURITY_CODE_CARD, DeviceType.DIGITAL_SECURITY_CARD, True),
        (DeviceType.SECURITY_CODE_CARD, DeviceType.DSC_PLUS, True),
        (DeviceType.DIGITAL_SECURITY_CARD, DeviceType.PLATINUM_GOLD, True),
        (DeviceType.DIGITAL_SECURITY_CARD, DeviceType.SECURITY_CODE_CARD, False),
        (DeviceType.DSC_PLUS, DeviceType.PLATINUM_GOLD, False),
        (DeviceType.PLATINUM_GOLD, DeviceType.DSC_PLUS, False),
        (DeviceType.SECURITY_CODE_CARD, DeviceType.SECURITY_CODE_CARD, False),
        (DeviceType.SECURITY_CODE_CARD, DeviceType.PHONE_APP, False),
        (DeviceType.SECURITY_CODE_CARD, DeviceType.SMS, False),
    ],
)
def test_r26_the_shared_device_is_the_one_with_the_highest_level(shared, held, better):
    assert bool(level_fault(shared, [shared, held])) is better


def test_r26_the_refusal_names_the_device_to_share():
    held = [DeviceType.DIGITAL_SECURITY_CARD, DeviceType.PLATINUM_GOLD]
    assert level_fault(DeviceType.SECURITY_CODE_CARD, held) == (
        "a Platinum/Gold is more secure than a Security Code Card: share that one"
    )


def test_r31_the_phone_app_is_never_shared():
    assert "inside the app" in shareable_fault(DeviceType.PHONE_APP)
    assert {kind for kind in DeviceType if shareable_fault(kind) is None} == CARDS


def test_r30_only_a_dsc_plus_goes_back():
    assert [kind for kind in DeviceType if is_returned(kind)] == [DeviceType.DSC_PLUS]


def test_r27_a_proof_lapses_at_that_very_moment():
    proven = datetime(2026, 11, 22, tzinfo=UTC)
    assert proof_lapsed(proven, proven + PROOF_LIFETIME)
    assert not proof_lapsed(proven, proven + PROOF_LIFETIME - PROOF_LIFETIME.resolution)
