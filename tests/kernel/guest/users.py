"""People without privileges, as the guest's rules and nodes see them."""

import subprocess
from dataclasses import dataclass

TIMEOUT = 120.0  # seconds for a command; Python takes some to start in the guest


@dataclass(frozen=True)
class User:
    """An account of the guest; it does not exist on the host, and is gone with the guest."""

    name: str

    def run(self, *command: str, input: str | None = None) -> "subprocess.CompletedProcess[str]":  # noqa: A002
        """Run a command as this user, with the groups it has now; the caller looks at the exit status."""
        return subprocess.run(
            ["setpriv", f"--reuid={self.name}", f"--regid={self.name}", "--init-groups", *command],
            capture_output=True,
            text=True,
            input=input,
            timeout=TIMEOUT,
            check=False,
            cwd="/",
        )

    def join(self, group: str) -> None:
        """Become a member of a group; the group is made if it does not exist."""
        subprocess.run(["groupadd", "--force", group], check=True, timeout=TIMEOUT)
        subprocess.run(["usermod", "--append", "--groups", group, self.name], check=True, timeout=TIMEOUT)


def new_user(name: str) -> User:
    """Make an account with a group of its own and no other."""
    subprocess.run(["useradd", "--user-group", "--no-create-home", name], check=True, timeout=TIMEOUT)
    return User(name)


def remove_user(user: User) -> None:
    """Remove an account and its group."""
    subprocess.run(["userdel", user.name], check=True, timeout=TIMEOUT)
