"""Starts a demo and a Prometheus that reads it, and asks every query of the Grafana dashboard."""

import json
import math
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Some queries look back over several scrapes, and a book needs its warm-up.
PATIENCE_SECONDS = 120


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def get(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers.get("Content-Type"), answer.read().decode()


def wait_for(what, url, process):
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"error: {what} has ended by itself, exit code {process.returncode}")
        try:
            return get(url)
        except OSError:
            time.sleep(0.1)
    sys.exit(f"error: {what} does not answer at {url}")


def dashboard():
    """Every query, as (panel, expression)."""
    told = json.loads((ROOT / "contrib/grafana/fathometer.json").read_text())
    queries = [(panel["title"], target["expr"]) for panel in told["panels"] for target in panel.get("targets", [])]
    for variable in told["templating"]["list"]:
        if variable["type"] == "query":
            metric = variable["definition"].removeprefix("label_values(").split(",")[0]
            queries.append((f"variable {variable['name']}", metric))
    return queries


def as_grafana_asks(expression):
    return expression.replace("$instrument", ".*").replace("$__rate_interval", "10s")


def ask(prometheus, expression):
    query = urllib.parse.urlencode({"query": as_grafana_asks(expression)})
    told = json.loads(get(f"{prometheus}/api/v1/query?{query}")[1])
    assert told["status"] == "success", told
    numbers = [float(series["value"][1]) for series in told["data"]["result"]]
    return [number for number in numbers if not math.isnan(number)]


def promtool(arguments, text=None):
    done = subprocess.run(["promtool", *arguments], input=text, text=True, capture_output=True)
    if done.returncode != 0 or (text is not None and done.stdout + done.stderr):
        sys.exit(f"error: promtool {' '.join(arguments)}:\n{done.stdout}{done.stderr}")


def main():
    binary, queries = sys.argv[1], dashboard()
    running = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            listen = f"127.0.0.1:{free_port()}"
            command = [binary, "demo", "--headless", "--listen", listen, "--record", f"{folder}/tape"]
            demo = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running.append(demo)
            wait_for("the demo", f"http://{listen}/health", demo)

            configuration = (ROOT / "contrib/prometheus.yml").read_text()
            assert "127.0.0.1:8050" in configuration and "scrape_interval: 5s" in configuration
            configuration = configuration.replace("127.0.0.1:8050", listen).replace("interval: 5s", "interval: 1s")
            pathlib.Path(f"{folder}/prometheus.yml").write_text(configuration)
            promtool(["check", "config", f"{folder}/prometheus.yml"])

            prometheus = f"http://127.0.0.1:{free_port()}"
            server = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={folder}/prometheus.yml",
                    f"--storage.tsdb.path={folder}/data",
                    f"--web.listen-address={prometheus.removeprefix('http://')}",
                    "--log.level=error",
                ]
            )
            running.append(server)
            wait_for("prometheus", f"{prometheus}/-/ready", server)

            began, missing = time.monotonic(), queries
            while missing and time.monotonic() - began < PATIENCE_SECONDS:
                time.sleep(1)
                missing = [(panel, query) for panel, query in missing if not ask(prometheus, query)]
            if missing:
                lines = "\n".join(f"  {panel}: {query}" for panel, query in missing)
                sys.exit(f"error: no data after {PATIENCE_SECONDS} s:\n{lines}")
            print(f"all {len(queries)} queries of the dashboard return data, the last after {time.monotonic() - began:.0f} s")

            assert ask(prometheus, "up") == [1.0]
            known = len(json.loads(get(f"http://{listen}/api/v1/instruments")[1])["instruments"])
            assert known >= 8 and ask(prometheus, "count(fathometer_book_valid)") == [known]
            # The same number by both ways: a mid moves little within a second.
            asked = json.loads(get(f"http://{listen}/api/v1/instruments/binance:BTCUSDT/metrics")[1])["values"]["mid"]
            [scraped] = ask(prometheus, 'fathometer_market_mid{instrument="binance:BTCUSDT"}')
            assert abs(scraped / asked - 1) < 0.01, (scraped, asked)

            kind, text = get(f"http://{listen}/metrics")
            assert kind.startswith("text/plain; version=0.0.4"), kind
            promtool(["check", "metrics"], text)
            kind, text = get(f"http://{listen}/metrics", "application/openmetrics-text; version=1.0.0")
            assert kind.startswith("application/openmetrics-text") and text.endswith("# EOF\n"), kind
            names = len({line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")})
            print(f"promtool has nothing to say of {names} families, {len(text) / 1e3:.0f} kB")
        finally:
            for process in reversed(running):
                process.terminate()
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()


main()
