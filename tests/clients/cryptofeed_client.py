"""cryptofeed over TLS: Binance, BinanceFutures and OKX in one handler; OKX with its checksums verified."""

from cryptofeed import FeedHandler
from cryptofeed.connection import RestEndpoint, WebsocketEndpoint
from cryptofeed.defines import L2_BOOK
from cryptofeed.exchanges import OKX, Binance, BinanceFutures

from common import Follower, place


def point(feed, venue, ws_path=""):
    """Another server in an exchange's place; everything else stays as the client has it."""
    at, old_ws, old_rest = place(venue, tls=True), feed.websocket_endpoints[0], feed.rest_endpoints[0]
    new = WebsocketEndpoint(at["ws"] + ws_path, channel_filter=old_ws.channel_filter, options=old_ws.options)
    feed.websocket_endpoints = [new]
    feed.rest_endpoints = [RestEndpoint(place(venue)["rest"], routes=old_rest.routes)]


def on_book(follower):
    async def told(book, _receipt):
        # OKX numbers its messages in the message only.
        number = book.sequence_number if book.sequence_number is not None else book.raw["data"][0]["seqId"]
        sides = book.book.to_dict()
        follower.state(number, sides["bid"].items(), sides["ask"].items())

    return {L2_BOOK: told}


point(Binance, "binance")
point(BinanceFutures, "binance-usdm")
point(OKX, "okx", "/public")
handler = FeedHandler(config={"uvloop": False, "log": {"disabled": True}})
for feed, symbol, follower in (
    (Binance, "ETH-USDT", Follower("cryptofeed-binance", "binance:ETHUSDT")),
    (BinanceFutures, "ETH-USDT-PERP", Follower("cryptofeed-binance-futures", "binance-usdm:ETHUSDT")),
    (OKX, "BTC-USDT", Follower("cryptofeed-okx", "okx:BTC-USDT")),
):
    handler.add_feed(
        feed(symbols=[symbol], channels=[L2_BOOK], callbacks=on_book(follower), checksum_validation=feed is OKX)
    )
handler.run()
