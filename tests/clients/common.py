"""What every client here shares: where the venue is, how states of a book are handed over, Binance's rules for a book."""

import asyncio
import json
import logging
import os
import sys
import time
from decimal import Decimal

# States are kept in the first part of each period only: all clients and our own run pass the same ids then.
PERIOD_NS = 2_000_000_000
WINDOW_NS = 500_000_000

logging.basicConfig(stream=sys.stderr, level=logging.WARNING)


def place(venue, tls=False):
    """`{"rest": ..., "ws": ...}` of a venue, without an end slash."""
    return json.loads(os.environ["FATHOMETER_PLACES"])[venue]["tls" if tls else "plain"]


def plain(number):
    """A decimal as text, without exponent and trailing zeros."""
    text = format(Decimal(repr(number) if isinstance(number, float) else number), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def in_order(levels, best_first):
    """`(price, size)` pairs as sorted text pairs, best first."""
    exact = [(Decimal(plain(price)), plain(size)) for price, size in levels]
    exact.sort(key=lambda level: level[0], reverse=best_first)
    return [[plain(price), size] for price, size in exact]


class Follower:
    """Hands the states of one book to the driver."""

    def __init__(self, name, instrument):
        self.name, self.instrument, self.told = name, instrument, False
        self.file = open(os.path.join(os.environ["FATHOMETER_STATES"], f"{name}.jsonl"), "w", encoding="utf-8")

    def state(self, update_id, bids, asks):
        """The client's book after an update; any pairs of price and size."""
        now = time.time_ns()
        if self.told and now % PERIOD_NS > WINDOW_NS:
            return
        self.told = True
        line = {"t": now, "id": int(update_id), "bids": in_order(bids, True), "asks": in_order(asks, False)}
        self.file.write(json.dumps(line) + "\n")
        self.file.flush()


class DiffBook:
    """A local book by Binance's published rules, for clients that bring streams and snapshots but no book."""

    def __init__(self, futures):
        self.futures, self.id, self.first = futures, None, True
        self.bids, self.asks = {}, {}

    def start(self, snapshot_id, bids, asks):
        """Takes a snapshot."""
        self.id, self.first = snapshot_id, True
        self.bids, self.asks = dict(map(tuple, bids)), dict(map(tuple, asks))

    def apply(self, first_id, last_id, previous_id, bids, asks):
        """False where an event is missing: a new snapshot is needed."""
        if last_id < self.id or (last_id == self.id and not (self.futures and self.first)):
            return True
        if self.futures:
            follows = previous_id == self.id or (self.first and first_id <= self.id <= last_id)
        else:
            follows = first_id <= self.id + 1
        if not follows:
            return False
        self.id, self.first = last_id, False
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                if Decimal(size) == 0:
                    side.pop(price, None)
                else:
                    side[price] = size
        return True


async def follow(follower, futures, connect, snapshot):
    """Keeps a `DiffBook` from what a client brings: `connect(events, closed)` subscribes, `snapshot()` blocks."""
    while True:
        events, closed = asyncio.Queue(), asyncio.Event()
        over = asyncio.create_task(closed.wait())
        try:
            client = await connect(events, closed)
            await keep(follower, DiffBook(futures), events, over, snapshot)
            await client.close_connection()
        except Exception as error:  # the network, or the client's own: begin anew
            print(f"{follower.name}: {error!r}", file=sys.stderr)
        finally:
            over.cancel()
        await asyncio.sleep(0.5)


async def keep(follower, book, events, over, snapshot):
    """Follows until the connection is over."""
    while not over.done():
        event = asyncio.create_task(events.get())
        await asyncio.wait({event, over}, return_when=asyncio.FIRST_COMPLETED)
        if not event.done():
            event.cancel()
            return
        e = event.result()
        if book.id is None:
            book.start(*await asyncio.to_thread(snapshot))
        # A snapshot that is older than the event in hand leaves a hole: ask again.
        while not book.apply(e.U, e.u, getattr(e, "pu", None), e.b, e.a):
            print(f"{follower.name}: a gap after {book.id}, at {e.U}", file=sys.stderr)
            book.start(*await asyncio.to_thread(snapshot))
        if not book.first:
            follower.state(book.id, book.bids.items(), book.asks.items())
