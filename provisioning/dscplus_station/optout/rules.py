"""R32, R33: what an opted-out user may not do, and who may change it."""

RESTRICTIONS = ("Pink Sheet trading", "OTCBB trading")
"""R32. The device is still asked for at the portal's login."""


def change_fault(acting: str, user: str, account: str | None, primary: str | None) -> str | None:
    """Why `acting` may not opt `user` out or in, or None: only the account's primary user may (R33).

    Args:
        account: the account of `user`, if on record.
        primary: that account's primary user, if on record.
    """
    if account is None:
        return f"no account of {user} is on record"
    if primary is None:
        return f"account {account} has no primary user on record"
    if acting != primary:
        return f"only {primary}, the primary user of account {account}, can change that"
    return None
