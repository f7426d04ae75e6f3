"""Driver for the Digital Security Card+ (DSC+): the host's side of the wire."""

TYPE_CHECKING = False  # typing's own constant would cost `dsc --version` 9 ms
if TYPE_CHECKING:
    from .card import Card, connect
    from .errors import DscError, OutcomeUnknown
    from .evidence import CardEvidence
    from .model import LifeCycle, Profile
    from .personalisation import Plan, Step, personalise
    from .recovery import read_evidence
    from .retire import restock, scrap
    from .sensitive import KeySet, MasterKey, Pin, Seed
    from .session import SecureSession

__version__ = "0.1.0"
__all__ = [
    "Card",
    "CardEvidence",
    "DscError",
    "KeySet",
    "LifeCycle",
    "MasterKey",
    "OutcomeUnknown",
    "Pin",
    "Plan",
    "Profile",
    "SecureSession",
    "Seed",
    "Step",
    "connect",
    "personalise",
    "read_evidence",
    "restock",
    "scrap",
]

# Imported when first asked for: `dsc --version` must not wait for cryptography.
_HOMES = {
    "Card": "card",
    "CardEvidence": "evidence",
    "DscError": "errors",
    "KeySet": "sensitive",
    "LifeCycle": "model",
    "MasterKey": "sensitive",
    "OutcomeUnknown": "errors",
    "Pin": "sensitive",
    "Plan": "personalisation",
    "Profile": "model",
    "SecureSession": "session",
    "Seed": "sensitive",
    "Step": "personalisation",
    "connect": "card",
    "personalise": "personalisation",
    "read_evidence": "recovery",
    "restock": "retire",
    "scrap": "retire",
}


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
