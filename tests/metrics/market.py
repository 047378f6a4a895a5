"""A market read from a raw recording of Binance futures: its own book, nothing taken from fathometer."""

import gzip
import heapq
import json
from dataclasses import dataclass, field

SECOND = 1_000_000_000


@dataclass
class Moment:
    """The book after one change, as far as the metrics look at it."""

    at: int
    bids: list  # the best five: (price, size)
    asks: list
    changes: list  # (is_bid, price, size before, size after); empty for the first
    last_id: int
    near: dict = field(default_factory=dict)  # size within 10 bps of mid per side, if it was time to look

    @property
    def mid(self):
        return (self.bids[0][0] + self.asks[0][0]) / 2


@dataclass
class Trade:
    at: int
    price: float
    size: float
    buy: bool


class Market:
    """Everything that was received, in order: `moments`, `trades`, `quotes` (best bid/ask messages) and `indices`."""

    def __init__(self, path):
        self.moments, self.trades, self.quotes, self.indices, self.order = [], [], [], [], []
        self.books = {}  # every five seconds the best levels as they stood before it: (bids, asks)
        self.bids, self.asks = {}, {}
        self.live, self.last_id, held, snapshot = False, None, [], None
        now, quote_id, self.looked = 0, -1, -1
        for at, frame in lines(path):
            if self.live and at // (5 * SECOND) > now // (5 * SECOND):
                best = heapq.nlargest(200, self.bids.items()), heapq.nsmallest(200, self.asks.items())
                self.books[at // (5 * SECOND) * 5 * SECOND] = best
            now = max(now, at)
            message = frame.get("data", frame)
            kind = message.get("e")
            if "lastUpdateId" in message:
                snapshot = message
                self.bids = {float(p): float(q) for p, q in message["bids"]}
                self.asks = {float(p): float(q) for p, q in message["asks"]}
                if held:
                    self.join(now, snapshot["lastUpdateId"], held)
            elif kind == "depthUpdate" and self.live:
                assert message["pu"] == self.last_id, "the recording has a gap"
                self.apply(now, message, tell=True)
            elif kind == "depthUpdate":
                held.append(message)
                if snapshot:
                    self.join(now, snapshot["lastUpdateId"], held)
            elif kind == "trade":
                trade = Trade(now, float(message["p"]), float(message["q"]), not message["m"])
                self.trades.append(trade)
                self.order.append(("trade", now, trade))
            elif kind == "bookTicker" and message["u"] > quote_id:
                quote_id = message["u"]
                quote = (now, quote_id, float(message["b"]), float(message["B"]), float(message["a"]), float(message["A"]))
                self.quotes.append(quote)
                self.order.append(("quote", now, quote))
            elif kind == "markPriceUpdate":
                self.indices.append((now, float(message["i"]), float(message["p"])))
                self.order.append(("funding", now, int(message["T"])))

    def join(self, now, snapshot_id, held):
        """Applies what is newer than the snapshot; the book is live once one of the changes fits."""
        for message in held:
            if message["u"] < snapshot_id:
                continue
            assert self.live or message["U"] <= snapshot_id, "the snapshot is too old"
            self.live = True
            self.apply(now, message, tell=False)
        held.clear()
        if self.live:
            self.note(now, [])

    def apply(self, now, message, tell):
        changes = []
        for is_bid, side, levels in ((True, self.bids, message["b"]), (False, self.asks, message["a"])):
            for price, size in levels:
                price, size = float(price), float(size)
                changes.append((is_bid, price, side.get(price, 0.0), size))
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        self.last_id = message["u"]
        if tell:
            self.note(now, changes)

    def note(self, now, changes):
        bids = [(p, self.bids[p]) for p in heapq.nlargest(5, self.bids)]
        asks = [(p, self.asks[p]) for p in heapq.nsmallest(5, self.asks)]
        moment = Moment(now, bids, asks, changes, self.last_id)
        if now // (SECOND // 4) > self.looked:
            self.looked = now // (SECOND // 4)
            low, high = moment.mid * 0.999, moment.mid * 1.001
            moment.near = {
                "bid": sum(q for p, q in self.bids.items() if p >= low - 1e-9),
                "ask": sum(q for p, q in self.asks.items() if p <= high + 1e-9),
            }
        self.moments.append(moment)
        self.order.append(("depth", now, moment))


def lines(path):
    """(receive time in ns, frame) of each line; older recordings have microseconds."""
    for line in gzip.open(path, "rt"):
        at, frame = line.split(" ", 1)
        yield int(at) * (1000 if len(at) < 18 else 1), json.loads(frame)
