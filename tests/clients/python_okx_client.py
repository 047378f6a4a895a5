"""python-okx over TLS: its public stream, with a book by OKX's `prevSeqId` rule."""

import asyncio
import json
import sys

from okx.PublicData import PublicAPI
from okx.websocket.WsPublicAsync import WsPublicAsync

from common import Follower, place

SYMBOL = "ETH-USDT-SWAP"
ARGS = [{"channel": "books", "instId": SYMBOL}]


class Book:
    """Bids and asks by price, and the `seqId` they are at."""

    def __init__(self, follower, again):
        self.follower, self.again, self.id, self.sides = follower, again, None, {}

    def hear(self, text):
        """One message of the stream."""
        message = {} if text == "pong" else json.loads(text)
        if message.get("event") == "error":
            print(f"python-okx: {message}", file=sys.stderr)
            self.again.set()
        for update in message.get("data", []):
            if message["action"] == "snapshot":
                self.sides = {"bids": {}, "asks": {}}
            elif update["prevSeqId"] != self.id:
                print(f"python-okx: a gap after {self.id}, at {update['prevSeqId']}", file=sys.stderr)
                self.again.set()
                return
            self.id = update["seqId"]
            for name, side in self.sides.items():
                for price, size, *_ in update[name]:
                    if size == "0":
                        side.pop(price, None)
                    else:
                        side[price] = size
            self.follower.state(self.id, self.sides["bids"].items(), self.sides["asks"].items())


async def follow_once(follower):
    again = asyncio.Event()
    book = Book(follower, again)
    stream = WsPublicAsync(url=place("okx", tls=True)["ws"] + "/public")
    consuming = await stream.start()
    consuming.add_done_callback(lambda _: again.set())
    try:
        await stream.subscribe(ARGS, book.hear)
        while True:
            try:
                await asyncio.wait_for(again.wait(), timeout=20)
            except asyncio.TimeoutError:
                await stream.websocket.send("ping")
                continue
            if consuming.done():
                return
            # A gap: the subscription anew brings a new snapshot.
            again.clear()
            await stream.unsubscribe(ARGS, book.hear)
            await stream.subscribe(ARGS, book.hear)
    finally:
        consuming.cancel()
        await stream.stop()


async def main():
    listed = PublicAPI(flag="0", domain=place("okx")["rest"], debug=False).get_instruments(instType="SWAP")
    if SYMBOL not in [instrument["instId"] for instrument in listed["data"]]:
        sys.exit(f"python-okx: {SYMBOL} is not listed: {listed}")
    follower = Follower("python-okx", f"okx:{SYMBOL}")
    while True:
        try:
            await follow_once(follower)
        except Exception as error:
            print(f"python-okx: {error!r}", file=sys.stderr)
        await asyncio.sleep(0.5)


asyncio.run(main())
