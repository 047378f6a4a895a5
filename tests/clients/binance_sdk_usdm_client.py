"""binance-sdk-derivatives-trading-usds-futures, Binance's own: its streams and REST, with a book by the published rules."""

import asyncio

from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    ConfigurationRestAPI,
    ConfigurationWebSocketStreams,
    DerivativesTradingUsdsFutures,
)
from binance_sdk_derivatives_trading_usds_futures.websocket_streams.models import DiffBookDepthStreamsUpdateSpeedEnum

from common import Follower, follow, place

AT = place("binance-usdm")
# The text of it: an enum member itself would be written into the stream name from Python 3.11 on.
SPEED = DiffBookDepthStreamsUpdateSpeedEnum("100ms").value


def client():
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(base_path=AT["rest"]),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=AT["ws"]),
    )


async def connect(events, closed):
    connection = await client().websocket_streams.create_connection()
    connection.on_connection("close", closed.set)
    stream = await connection.diff_book_depth_streams(symbol="ethusdt", update_speed=SPEED)
    stream.on("message", events.put_nowait)
    return connection


def snapshot():
    book = client().rest_api.order_book(symbol="ETHUSDT", limit=1000).data()
    return book.last_update_id, book.bids, book.asks


asyncio.run(follow(Follower("binance-sdk-usdm", "binance-usdm:ETHUSDT"), True, connect, snapshot))
