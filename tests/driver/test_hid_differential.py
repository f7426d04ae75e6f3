"""The host's and the card's ends of the HID link, two implementations of one protocol, against each other.

Several clients share one card, as programs share a hidraw node: each hears every report. Whatever is drawn,
every answer is the right one, nothing is executed twice, and everything comes to an end.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from dscplus_card import hid_link, link
from dscplus_driver.link.events import Answered, GaveUp, Opened, Refused, Working
from dscplus_driver.link.frames import LinkCommand
from dscplus_driver.link.hid import HidLink
from dscplus_driver.link.interface import State
from tests.harness.loopback import reports_in

LENGTHS = st.integers(0, 512) | st.sampled_from([0, 57, 58, 116, 117, 511, 512])


class Port:
    """What the card's link asks of its machine."""

    def __init__(self):
        self.milliseconds = 0
        self._drawn = 0

    def now_ms(self):
        return self.milliseconds

    def random(self, n):
        self._drawn += 1
        return self._drawn.to_bytes(n, "big")


class Card:
    """The card's link and an applet that turns a message round, after as many milliseconds as it says."""

    def __init__(self):
        self.port = Port()
        self.link = hid_link.HidLink(self.port, b"\x01\x00\x00")
        self.executed = []
        self._work = None

    def receive(self, report):
        request = self.link.receive(report, b"")
        if isinstance(request, link.Message):
            if self._work is not None and self.link.alive(self._work[1].session):
                self.link.fail(link.BUSY)
                return
            self.executed.append(request.apdu)
            wait = int.from_bytes(self.executed[-1][:2], "big")
            self._work = (self.port.milliseconds + wait, request)
        elif isinstance(request, link.Cancel):
            self._work = None
            self.link.fail(link.OTHER)

    def tick(self):
        if self._work is not None and not self.link.alive(self._work[1].session):
            self._work = None
        if self._work is not None and self.port.milliseconds >= self._work[0]:
            self._work = None
            self.link.answer(self.executed[-1][::-1])
        self.link.tick()


class Client:
    """One program's end of the link, and what it asked for and got."""

    def __init__(self, number):
        self._drawn = 0
        self.number = number
        self.link = HidLink(self._random)
        self.asked = None
        self.failures = 0
        self.answers = 0

    def _random(self, n):
        self._drawn += 1
        return bytes((self.number,)) + self._drawn.to_bytes(n - 1, "big")

    def handle(self, events):
        for event in events:
            match event:
                case Answered(payload):
                    assert payload == self.asked[::-1], "another's answer, or half of one"
                    self.answers += 1
                case Refused() | GaveUp():
                    self.failures += 1
                case Opened() | Working():
                    continue
                case _:
                    raise AssertionError(f"{event} from a card that does nothing wrong")


class Bench:
    """Moves reports and milliseconds until nobody waits any more."""

    def __init__(self, clients):
        self.card = Card()
        self.clients = [Client(number) for number in range(clients)]
        self.requests = 0

    @property
    def now(self):
        return self.card.port.milliseconds / 1000

    def ask(self, client, wait, length):
        """Let a client ask for something, through INIT if it must."""
        if client.link.state is State.WAITING:
            return
        if client.link.state is State.CLOSED:
            client.link.init()
            self.run(until=lambda: client.link.state is not State.WAITING)
        if client.link.state is State.IDLE:
            self.requests += 1
            unique = wait.to_bytes(2, "big") + self.requests.to_bytes(4, "big")
            client.asked = unique + bytes(i % 253 for i in range(max(0, length - 6)))
            client.link.request(LinkCommand.MSG, client.asked)

    def run(self, until=lambda: False):
        """Go on until nobody waits, or `until`."""
        end = self.now + 200
        while not until() and any(client.link.state is State.WAITING for client in self.clients):
            assert self.now < end, "somebody waits for ever"
            self.step()

    def step(self):
        """One client's reports go out, the card's come in, a millisecond passes."""
        for client in self.clients:
            outgoing = client.link.data_to_send()
            if outgoing:
                for report in reports_in(outgoing):
                    self.card.receive(report)
                client.link.sent(self.now)
        self.card.tick()
        self.deliver()
        self.card.port.milliseconds += 1
        for client in self.clients:
            client.handle(client.link.tick(self.now))

    def deliver(self):
        while report := self.card.link.transmit():
            for client in self.clients:
                client.handle(client.link.receive(report, self.now))

    def kill(self, number, reports):
        """A program is killed when so many reports of its request are sent; another takes its place."""
        client = self.clients[number]
        for report in reports_in(client.link.data_to_send())[:reports]:
            self.card.receive(report)
        self.clients[number] = Client(100 + self.requests + number)


request = st.tuples(st.just("ask"), st.integers(0, 2), st.sampled_from([0, 0, 30, 250, 900]), LENGTHS)
kill = st.tuples(st.just("kill"), st.integers(0, 2), st.integers(0, 9), st.just(0))
cancel = st.tuples(st.just("cancel"), st.integers(0, 2), st.just(0), st.just(0))
settle = st.tuples(st.just("settle"), st.just(0), st.just(0), st.just(0))
steps = st.tuples(st.just("steps"), st.just(0), st.integers(1, 400), st.just(0))


@settings(max_examples=150, deadline=None)
@given(st.lists(request | kill | cancel | settle | steps, max_size=14))
def test_every_answer_is_right_nothing_is_done_twice_and_all_comes_to_an_end(acts):
    bench = Bench(clients=3)
    for what, number, amount, length in acts:
        client = bench.clients[number]
        if what == "ask":
            bench.ask(client, amount, length)
        elif what == "kill":
            bench.kill(number, amount)
        elif what == "cancel":
            client.link.cancel()
        elif what == "settle":
            bench.run()
        else:
            for _ in range(amount):
                bench.step()
    bench.run()
    assert len(bench.card.executed) == len(set(bench.card.executed)), "something was done twice"
    for client in bench.clients:  # whatever was before, the card serves everybody
        before = client.answers
        bench.ask(client, 0, 300)
        bench.run()
        assert client.answers == before + 1


@given(LENGTHS)
def test_each_length_goes_there_and_back(length):
    bench = Bench(clients=1)
    bench.ask(bench.clients[0], 0, length)
    bench.run()
    assert bench.clients[0].answers == 1 and bench.clients[0].failures == 0


def test_three_clients_at_once_are_all_served():
    bench = Bench(clients=3)
    for client in bench.clients:
        client.link.init()
    bench.run()
    for client in bench.clients:
        bench.ask(client, 900, 200)
    bench.run()
    assert [(client.answers, client.failures) for client in bench.clients] == [(1, 0)] * 3
