"""Starts the venue, our own run and the clients, makes things go wrong, and compares all books level for level."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common import PERIOD_NS, WINDOW_NS, in_order

HERE = Path(__file__).resolve().parent
# When our own book is looked at, within a period.
LOOK_NS = WINDOW_NS * 3 // 10
READY_SECONDS = 90
# Name; program and its arguments; instrument; levels of its snapshot. OKX keeps a window of so many levels itself.
CLIENTS = [
    ("ccxt-spot", ["ccxt_client.py", "spot"], "binance:ETHUSDT", 1000),
    ("ccxt-linear", ["ccxt_client.py", "linear"], "binance-usdm:ETHUSDT", 1000),
    ("ccxt-okx", ["ccxt_client.py", "okx"], "okx:BTC-USDT", 400),
    ("python-binance", ["python_binance_client.py"], "binance:ETHUSDT", 1000),
    ("binance-sdk-spot", ["binance_sdk_spot_client.py"], "binance:ETHUSDT", 1000),
    ("binance-sdk-usdm", ["binance_sdk_usdm_client.py"], "binance-usdm:ETHUSDT", 1000),
    ("cryptofeed-binance", ["cryptofeed_client.py"], "binance:ETHUSDT", 1000),
    ("cryptofeed-binance-futures", ["cryptofeed_client.py"], "binance-usdm:ETHUSDT", 1000),
    ("cryptofeed-okx", ["cryptofeed_client.py"], "okx:BTC-USDT", 400),
    ("python-okx", ["python_okx_client.py"], "okx:ETH-USDT-SWAP", 400),
]
# What we snapshot ourselves.
OUR_LEVELS = {"binance": 5000, "binance-usdm": 1000, "okx": 400}
# Phase; fault before it (with its place of time and duration); periods compared; ids that must be common with ours.
PHASES = [("start", None, 7, 5), ("gap", "gap:{venue}:{symbol}+0.35", 3, 2), ("cut", "cut:{venue}", 3, 2)]
# At the end, wrong sizes are told on one market: if the comparison did not see that, it would prove nothing.
CORRUPT = "corrupt:binance:ETHUSDT+2.5"
# Time to recover after a fault; more is given, up to the limit, to those that say nothing yet.
SETTLE_SECONDS, SETTLE_SECONDS_MAX = 4, 25


class Stage:
    """All processes and files of one run."""

    def __init__(self, binary, clients):
        self.binary, self.clients = str(Path(binary).resolve()), clients
        self.folder = Path(tempfile.mkdtemp(prefix="fathometer-clients-"))
        self.states = self.folder / "states"
        self.states.mkdir()
        self.processes, self.orders = [], {}
        # The venue's book by instrument and id; bytes read and states seen by client.
        self.truths, self.read, self.seen = {}, defaultdict(int), defaultdict(list)

    def start(self, name, command, **environment):
        own = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        own.update({k: str(v) for k, v in environment.items()}, NO_PROXY="*", PYTHONUNBUFFERED="1")
        out = open(self.folder / f"{name}.log", "w", encoding="utf-8")
        process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=subprocess.STDOUT, env=own)
        self.processes.append((name, process))
        return process

    def venue(self):
        """Starts the venue; knows its addresses then."""
        self.ca = self.folder / "ca.pem"
        command = [self.binary, "venue", "--simulate", "--seed", 7, "--tls", "--ca-out", self.ca, "--port", 0]
        process = self.start("venue", command + ["--fault", "okx-crc", "--seconds", 600])
        log = self.folder / "venue.log"
        while not (lines := [l for l in log.read_text().splitlines() if l.startswith("  faults ")]):
            if process.poll() is not None:
                sys.exit(f"the venue did not start:\n{log.read_text()}")
            time.sleep(0.1)
        self.control = lines[0].split()[1]
        self.places = {m["venue"]: m for m in self.ask("/")["markets"]}

    def ask(self, path, body=None):
        with urllib.request.urlopen(self.control + path, body and body.encode(), timeout=10) as reply:
            return json.load(reply)

    def record(self):
        """Our own run, on tape: spot plain, the others over TLS."""
        command = [self.binary, "record", self.folder / "tape", "--headless", "--listen", "off", "--ca-file", self.ca]
        for venue in ("binance", "binance-usdm", "okx"):
            base = self.places[venue]["plain" if venue == "binance" else "tls"]["rest"]
            command += ["--venue-url", f"{venue}={base}"]
        self.recording = self.start("record", command + sorted({c[2] for c in self.clients}))

    def follow(self):
        """The clients; one program may be several."""
        places = json.dumps(self.places)
        for program in dict.fromkeys(tuple(c[1]) for c in self.clients):
            command = [sys.executable, HERE / program[0], *program[1:]]
            name = "-".join(program).replace(".py", "")
            self.start(name, command, FATHOMETER_PLACES=places, FATHOMETER_STATES=self.states, SSL_CERT_FILE=self.ca)

    def look(self):
        """Takes what the clients have written, and the venue's own book at each id of it while that is remembered."""
        for name, _, instrument, _ in self.clients:
            path = self.states / f"{name}.jsonl"
            if not path.exists():
                continue
            with open(path, encoding="utf-8") as file:
                file.seek(self.read[name])
                while (line := file.readline()).endswith("\n"):
                    self.read[name] = file.tell()
                    state = json.loads(line)
                    self.seen[name].append(state)
                    self.truth(instrument, state["id"])

    def truth(self, instrument, update_id):
        if (instrument, update_id) in self.truths:
            return
        venue, symbol = instrument.split(":")
        try:
            book = self.ask(f"/book?venue={venue}&symbol={symbol}&at={update_id}")
            self.truths[instrument, update_id] = [book["bids"], book["asks"]]
        except urllib.error.HTTPError as refusal:
            self.truths[instrument, update_id] = refusal.read().decode()

    def until(self, done, seconds_max):
        """Looks on until that is so; false where it was not in time."""
        end = time.time() + seconds_max
        while not done():
            if time.time() > end:
                return False
            time.sleep(0.1)
            self.look()
        return True

    def heard_since(self, at):
        return all(self.seen[c[0]] and self.seen[c[0]][-1]["t"] > at for c in self.clients)

    def phase(self, fault, periods):
        """Makes things go wrong and waits for the recovery; returns which periods to compare."""
        if fault:
            self.until(lambda: time.time_ns() % PERIOD_NS > PERIOD_NS * 3 // 4, 3)
            for instrument in sorted({c[2] for c in self.clients}):
                venue, symbol = instrument.split(":")
                order = fault.format(venue=venue, symbol=symbol)
                if order not in self.orders:
                    self.orders[order] = self.ask("/fault", order)["id"]
            settled = time.time_ns() + SETTLE_SECONDS * 1_000_000_000
            self.until(lambda: self.heard_since(settled), SETTLE_SECONDS_MAX)
        return self.periods(periods)

    def periods(self, periods):
        """Lets so many periods pass; returns which."""
        first = time.time_ns() // PERIOD_NS + 1
        self.until(lambda: time.time_ns() > (first + periods) * PERIOD_NS - PERIOD_NS // 2, 2 * periods + 2)
        return list(range(first, first + periods))

    def leave(self):
        """Ends the clients; how they would leave does not matter here."""
        for name, process in self.processes:
            if name.endswith("client") or "client-" in name:
                process.kill()
                process.wait()

    def stop(self, process):
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    def replay(self, period, *how):
        """What our own run knew within a period."""
        command = [self.binary, "replay", str(self.folder / "tape"), "--until", str(period * PERIOD_NS + LOOK_NS), *how]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
        return done.stdout


def canonical(book):
    """The canonical text of a book."""
    return "".join(f"{key} {price} {size}\n" for key, side in zip("ba", book) for price, size in side)


def compare(book, truth, depth, is_window):
    """How many levels were equal, or what differs. A snapshot of fewer levels than there are knows the nearer ones only."""
    levels = 0
    for name, ours, theirs in zip(("bids", "asks"), book, truth):
        if is_window:
            theirs = theirs[:depth]
        elif len(theirs) > depth * 9 // 10:
            ours, theirs = ours[: depth * 6 // 10], theirs[: depth * 6 // 10]
        if ours != theirs:
            odd = [f"{level} only in one" for level in ours + theirs if (level in ours) != (level in theirs)]
            return None, f"{name}: {len(ours)} levels against {len(theirs)} at the venue; {'; '.join(odd[:3])}"
        levels += len(ours)
    return levels, ""


def ours(stage, period):
    """Our books within a period: instrument to id and levels."""
    books = {}
    for report in json.loads(stage.replay(period, "--json"))["instruments"]:
        instrument, update_id = report["id"], report["last_update_id"]
        truth = stage.truths.get((instrument, update_id))
        if not report["valid"] or not isinstance(truth, list):
            continue
        depth = OUR_LEVELS[instrument.split(":")[0]]
        top = [side[:depth] for side in truth]
        if hashlib.sha256(canonical(top).encode()).hexdigest() == report["book_sha256"]:
            books[instrument] = (update_id, top, "")
            continue
        lines = [line.split() for line in stage.replay(period, "--book", instrument).splitlines()]
        sides = [in_order([l[1:] for l in lines if l[0] == key], key == "b") for key in "ba"]
        _, problem = compare(sides, truth, depth, instrument.startswith("okx"))
        books[instrument] = (update_id, sides, problem)
    return books


def judge(stage, client, periods, common_min, our_books):
    """Whether a client's books were the venue's and ours; and in words."""
    name, _, instrument, depth = client
    states = [s for s in stage.seen[name] if s["t"] // PERIOD_NS in periods]
    if not states:
        return False, "nothing was heard"
    least = most = None
    for state in states:
        truth = stage.truths[instrument, state["id"]]
        if not isinstance(truth, list):
            return False, f"id {state['id']}: {truth}"
        levels, problem = compare([state["bids"], state["asks"]], truth, depth, instrument.startswith("okx"))
        if problem:
            return False, f"id {state['id']}: {problem}"
        least, most = min(least or levels, levels), max(most or levels, levels)
    common, ids = 0, {state["id"] for state in states}
    for period in periods:
        update_id, _, problem = our_books[period].get(instrument, (None, None, ""))
        if problem:
            return False, f"id {update_id}: our own book: {problem}"
        common += update_id in ids
    words = f"{len(ids)} ids equal to the venue ({min(ids)} to {max(ids)}), {common} of them to ours, {least}-{most} levels"
    return common >= common_min, words if common >= common_min else f"{words}: at least {common_min} must be common"


def main(binary, chosen):
    clients = [c for c in CLIENTS if not chosen or any(word in c[0] for word in chosen)]
    if not clients:
        sys.exit(f"no client is called so; there are: {', '.join(c[0] for c in CLIENTS)}")
    stage, passed, failed = Stage(binary, clients), 0, 0
    began = time.time()

    def tell(good, what, words):
        nonlocal passed, failed
        passed, failed = passed + good, failed + (not good)
        print(f"{'PASS' if good else 'FAIL'} {what:43} {words}", flush=True)

    try:
        stage.venue()
        stage.record()
        stage.follow()
        stage.until(lambda: stage.heard_since(0), READY_SECONDS)
        print(f"all are there after {time.time() - began:.0f} s", flush=True)
        runs = [(phase, stage.phase(fault, periods), common) for phase, fault, periods, common in PHASES]
        corrupted = [client for client in clients if client[2] == "binance:ETHUSDT"]
        if corrupted:
            stage.until(lambda: time.time_ns() % PERIOD_NS > PERIOD_NS * 3 // 4, 3)
            stage.orders[CORRUPT] = stage.ask("/fault", CORRUPT)["id"]
            corrupt_periods = stage.periods(1)
        done = {injection["fault"] for injection in stage.ask("/faults")["injections"]}
        stage.stop(stage.recording)
        stage.leave()
        wanted = [period for _, periods, _ in runs for period in periods]
        with ThreadPoolExecutor(2) as pool:
            our_books = dict(zip(wanted, pool.map(lambda period: ours(stage, period), wanted)))
        for order, number in stage.orders.items():
            tell(number in done, order, "was done" if number in done else "was ordered and never done")
        for client in clients:
            for phase, periods, common in runs:
                where = "from the start" if phase == "start" else f"after a {phase}"
                good, words = judge(stage, client, periods, common, our_books)
                tell(good, f"{client[0]} {where}", words)
        for client in corrupted:
            equal, words = judge(stage, client, corrupt_periods, 0, {period: {} for period in corrupt_periods})
            tell(not equal and words.startswith("id "), f"{client[0]} with wrong sizes is seen", words)
    finally:
        stage.leave()
        for _, process in reversed(stage.processes):
            stage.stop(process)
        if failed or not passed:
            print(f"what each program said: {stage.folder}")
        else:
            shutil.rmtree(stage.folder, ignore_errors=True)
    print(f"{time.time() - began:.0f} s")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
