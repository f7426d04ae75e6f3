"""Which passwords are kept."""

PASSWORD_CHARACTERS = range(8, 129)
"""The portal's own rules go beyond it; the upper end bounds the work of hashing."""


def password_fault(password: str) -> str | None:
    """Why a password cannot be kept, or None; it is not repeated."""
    if len(password) not in PASSWORD_CHARACTERS or not password.isprintable():
        least, most = PASSWORD_CHARACTERS[0], PASSWORD_CHARACTERS[-1]
        return f"a password has {least} to {most} printable characters"
    return None
