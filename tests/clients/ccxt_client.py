"""ccxt: `watch_order_book` of Binance spot, Binance USDT-M and OKX, as the argument says."""

import asyncio
import sys

import ccxt.pro as ccxt

from common import Follower, place


def spot():
    """Spot markets only: with linear ones loaded too, ccxt tells them apart by `/stream` in the URL."""
    exchange = ccxt.binance({"options": {"fetchMarkets": {"types": ["spot"]}}})
    at = place("binance")
    exchange.urls["api"]["public"] = at["rest"] + "/api/v3"
    exchange.urls["api"]["ws"]["spot"] = at["ws"] + "/ws"
    return exchange, "ETH/USDT", 1000, "binance:ETHUSDT"


def linear():
    """USDT-M; a base that ends in /ws becomes /public/ws."""
    exchange = ccxt.binance({"options": {"defaultType": "swap", "fetchMarkets": {"types": ["linear"]}}})
    at = place("binance-usdm")
    exchange.urls["api"]["fapiPublic"] = at["rest"] + "/fapi/v1"
    exchange.urls["api"]["ws"]["future"] = exchange.urls["api"]["ws"]["linear"] = at["ws"] + "/ws"
    return exchange, "ETH/USDT:USDT", 1000, "binance-usdm:ETHUSDT"


def okx():
    """OKX; ccxt adds /public."""
    exchange = ccxt.okx({"options": {"fetchMarkets": {"types": ["spot", "swap"]}}})
    at = place("okx")
    exchange.hostname = at["rest"].split("//")[1]
    exchange.urls["api"]["rest"] = at["rest"]
    exchange.urls["api"]["ws"] = at["ws"]
    return exchange, "BTC/USDT", None, "okx:BTC-USDT"


async def main(which):
    exchange, symbol, limit, instrument = {"spot": spot, "linear": linear, "okx": okx}[which]()
    follower = Follower(f"ccxt-{which}", instrument)
    while True:
        try:
            book = await exchange.watch_order_book(symbol, limit)
            follower.state(book["nonce"], [level[:2] for level in book["bids"]], [level[:2] for level in book["asks"]])
        except Exception as error:  # gaps and lost connections end up here: ask again, as ccxt wants it
            print(f"{follower.name}: {error!r}", file=sys.stderr)
            await asyncio.sleep(0.3)


asyncio.run(main(sys.argv[1]))
