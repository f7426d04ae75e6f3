"""Where a demo home's notices go: into a file, one JSON object a line, and nowhere else."""

import json
from dataclasses import dataclass
from pathlib import Path

from dscplus_station.home import Home
from dscplus_station.notices.gateways import Gateway, Message
from dscplus_station.notices.rules import Channel


@dataclass(frozen=True)
class Mailbox:
    """A gateway that keeps what it is given. It is no record: a demo's mail may be lost with the machine."""

    path: Path

    def send(self, message: Message) -> None:
        """Append a message."""
        line = {"to": message.to, "subject": message.subject, "text": message.body}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def mailboxes(home: Home) -> dict[Channel, Gateway]:
    """The gateways of a demo home: `sent-email.jsonl` and `sent-sms.jsonl` in it."""
    return {channel: Mailbox(home.path / f"sent-{channel.value.lower()}.jsonl") for channel in Channel}
