"""Who runs this process, as the operating system knows it."""

import os
import pwd


def system_user() -> str:
    """The login name of this process's user, by its number: the environment can say anything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
