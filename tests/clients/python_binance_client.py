"""python-binance: a `DepthCacheManager` on Binance spot."""

import asyncio
import sys
from decimal import Decimal

from binance import AsyncClient, BinanceSocketManager, DepthCacheManager

from common import Follower, place


async def main():
    at = place("binance")
    AsyncClient.API_URL = at["rest"] + "/api"
    BinanceSocketManager.STREAM_URL = at["ws"] + "/"
    follower = Follower("python-binance", "binance:ETHUSDT")
    client = await AsyncClient.create()
    # Where it restarts its book it applies one message older than the snapshot first: right only past the snapshot's id.
    snapshot_id, ask = 0, client.get_order_book

    async def get_order_book(**params):
        nonlocal snapshot_id
        book = await ask(**params)
        snapshot_id = book["lastUpdateId"]
        return book

    client.get_order_book = get_order_book
    manager = DepthCacheManager(client, "ETHUSDT", limit=1000, ws_interval=100, conv_type=Decimal)
    async with manager as cache:
        while True:
            book = await cache.recv()
            if isinstance(book, dict):
                print(f"python-binance: {book}", file=sys.stderr)
            elif manager._last_update_id > snapshot_id:
                follower.state(manager._last_update_id, book.get_bids(), book.get_asks())


asyncio.run(main())
