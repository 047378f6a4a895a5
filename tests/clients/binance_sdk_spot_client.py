"""binance-sdk-spot, Binance's own: its streams and its REST, with a book by the published rules."""

import asyncio

from binance_sdk_spot.spot import ConfigurationRestAPI, ConfigurationWebSocketStreams, Spot
from binance_sdk_spot.websocket_streams.models import DiffBookDepthUpdateSpeedEnum

from common import Follower, follow, place

AT = place("binance")
# The text of it: an enum member itself would be written into the stream name from Python 3.11 on.
SPEED = DiffBookDepthUpdateSpeedEnum("100ms").value


def client():
    return Spot(
        config_rest_api=ConfigurationRestAPI(base_path=AT["rest"]),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=AT["ws"]),
    )


async def connect(events, closed):
    connection = await client().websocket_streams.create_connection()
    connection.on_connection("close", closed.set)
    stream = await connection.diff_book_depth(symbol="ethusdt", update_speed=SPEED)
    stream.on("message", events.put_nowait)
    return connection


def snapshot():
    book = client().rest_api.depth(symbol="ETHUSDT", limit=1000).data()
    return book.last_update_id, book.bids, book.asks


asyncio.run(follow(Follower("binance-sdk-spot", "binance:ETHUSDT"), False, connect, snapshot))
