"""Under which names the kiosk answers, and what follows: its cookie, what counts as its own origin."""

from dataclasses import dataclass

from dscplus_station.network import is_loopback


@dataclass(frozen=True)
class Addresses:
    """Where the kiosk listens, and the hosts (`name:port`) that a browser may ask it by."""

    host: str
    port: int
    tls: bool = False
    names: tuple[str, ...] = ()
    """Further names by which browsers reach it, such as `bench-1.example.com`."""

    @property
    def url(self) -> str:
        """The address to open."""
        name = self.names[0] if self.names else self.host
        return f"{self.scheme}://{_with_port(name, self.port)}/"

    @property
    def scheme(self) -> str:
        """`https` if served by TLS."""
        return "https" if self.tls else "http"

    @property
    def hosts(self) -> frozenset[str]:
        """What a Host header may say. Another name means that a foreign site points at us (DNS rebinding)."""
        known = {self.host, *self.names}
        if is_loopback(self.host):
            known |= {"localhost", "127.0.0.1"}
        default = 443 if self.tls else 80
        bare = {_bracketed(name) for name in known} if self.port == default else set()
        return frozenset({_with_port(name, self.port) for name in known} | bare)

    @property
    def origins(self) -> frozenset[str]:
        """What an Origin header of our own pages says."""
        return frozenset(f"{self.scheme}://{host}" for host in self.hosts)

    @property
    def cookie(self) -> str:
        """The session cookie's name. The prefix lets a browser take it from this host by TLS only."""
        return "__Host-dsc-session" if self.tls else "dsc-session"


def _with_port(name: str, port: int) -> str:
    return f"{_bracketed(name)}:{port}"


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name
