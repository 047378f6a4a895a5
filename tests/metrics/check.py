"""Computes the metrics of a recording anew, from its raw frames, and compares them with `fathometer replay --samples`.

Numbers agree to 1e-9 of their size. Where an estimate is found by iteration the tolerance stands in `TOLERANCES`; for the
Hawkes fit the likelihoods of both are compared, since its top is flat.
"""

import csv
import subprocess
import sys

import numpy as np
import statsmodels.api as sm
from scipy.stats import median_abs_deviation

from hawkes import Fits
from market import SECOND, Market
from stoikov import MicroPrice

VPIN_QUOTE = 250_000.0
EXACT = 1e-9
TOLERANCES = {
    "integrated_ofi": 1e-6,  # power iteration against an eigenvalue solver
    "stoikov_microprice": 1e-9,
    "stoikov_minus_mid_bps": 1e-6,  # elimination against the series of the paper
}
YEAR = 365 * 86_400.0


class Scores:
    """Standard scores of columns whose values were compared before, from the first sample of each second on."""

    COLUMNS = {"spread": "spread_bps", "imbalance_5": "imbalance_5", "ofi_1s": "ofi_1s"}

    def __init__(self):
        self.seen, self.due = {name: [] for name in self.COLUMNS}, 0

    def push(self, t, row):
        if t // SECOND >= self.due:
            self.due = t // SECOND + 1
            for name, column in self.COLUMNS.items():
                self.seen[name] += [float(row[column])] if row[column] else []

    def at(self, row):
        out = {}
        for name, column in self.COLUMNS.items():
            window = np.array(self.seen[name][-300:])
            if len(window) < 30 or not row[column]:
                continue
            x, deviation, mad = float(row[column]), window.std(ddof=1), median_abs_deviation(window)
            if window.min() < window.max():
                out[f"z_{name}"] = (x - window.mean()) / deviation
            if mad > 0:
                out[f"z_robust_{name}"] = (x - np.median(window)) / (1.4826 * mad)
        return out


class Reference:
    def __init__(self, market):
        self.m = market
        self.t = np.array([x.at for x in market.moments])
        self.mid = np.array([x.mid for x in market.moments])
        self.start = self.t[0]
        self.trade_t = np.array([x.at for x in market.trades])
        self.price = np.array([x.price for x in market.trades])
        self.size = np.array([x.size for x in market.trades])
        self.sign = np.array([1.0 if x.buy else -1.0 for x in market.trades])
        self.worth = self.price * self.size
        self.bars()
        self.flows()
        self.paid()
        self.levels()
        self.shocks()
        self.premiums()
        self.hawkes = Fits(market.trades)
        self.micro = MicroPrice(market.moments)

    def book(self, t):
        """The last moment before `t`."""
        i = np.searchsorted(self.t, t) - 1
        return None if i < 0 else self.m.moments[i]

    def bars(self):
        """Returns and volumes of whole seconds: from the first second at whose start the book was live."""
        first, last = self.start // SECOND + 1, self.t[-1] // SECOND + 1
        seconds = np.arange(first, last + 1)
        standing = self.mid[np.searchsorted(self.t, seconds * SECOND) - 1]
        self.bar_end, self.change = seconds[1:], np.diff(np.log(standing))
        edges = np.searchsorted(self.trade_t, seconds * SECOND)
        total = lambda worth: np.diff(np.concatenate(([0.0], np.cumsum(worth)))[edges])
        self.buy, self.sell = total(self.worth * (self.sign > 0)), total(self.worth * (self.sign < 0))
        self.ranges = []
        for ten in range(-(-first // 10), last // 10):
            a, b = np.searchsorted(self.t, [ten * 10 * SECOND, (ten + 1) * 10 * SECOND])
            mids = self.mid[a - 1 : b]
            self.ranges.append(((ten + 1) * 10, np.log(mids.max() / mids.min()) ** 2))

    def of_bars(self, t):
        end = np.searchsorted(self.bar_end, t // SECOND, side="right")
        window = slice(max(0, end - 300), end)
        r, buy, sell = self.change[window], self.buy[window], self.sell[window]
        n, out = len(r), {}
        ranges = [x for end, x in self.ranges if end <= t // SECOND][-30:]
        if len(ranges) >= 6:
            out["parkinson_volatility_annual_pct"] = 100 * np.sqrt(np.mean(ranges) / (4 * np.log(2)) / 10 * YEAR)
        if n < 30:
            return out
        x, y = (buy - sell) / 1e6, r * 1e4
        if x.any():
            fit = sm.OLS(y, x).fit()
            out["kyle_lambda_bps_per_million"], out["kyle_lambda_se_bps_per_million"] = fit.params[0], fit.bse[0]
        traded = buy + sell > 0
        if traded.sum() >= 30:
            out["amihud_bps_per_million"] = np.mean(np.abs(y[traded]) / ((buy + sell)[traded] / 1e6))
        rv, bv = (r**2).sum(), np.pi / 2 * n / (n - 1) * (np.abs(r[1:]) * np.abs(r[:-1])).sum()
        out["bipower_volatility_annual_pct"] = 100 * np.sqrt(bv / n * YEAR)
        if rv > 0:
            out["jump_share"] = max(0.0, rv - bv) / rv
        path, k = np.concatenate(([0.0], np.cumsum(r))), 10
        tsrv = ((path[k:] - path[:-k]) ** 2).sum() / k - (n - k + 1) / k / n * rv
        if tsrv >= 0:
            out["two_scale_volatility_annual_pct"] = 100 * np.sqrt(tsrv / n * YEAR)
        return out

    def of_trades(self, t):
        out, n = {}, np.searchsorted(self.trade_t, t)
        prices = self.price[max(0, n - 256) : n]
        if len(prices) >= 64:
            change = np.diff(prices)
            covariance = np.cov(change[:-1], change[1:])[0, 1]
            if covariance < 0:
                out["roll_spread_bps"] = 2e4 * np.sqrt(-covariance) / prices[-1]
        volume = np.concatenate(([0.0], np.cumsum(self.worth[:n])))
        bought = np.concatenate(([0.0], np.cumsum((self.worth * (self.sign > 0))[:n])))
        full = int(volume[-1] // VPIN_QUOTE)
        if full >= 50:
            edges = np.arange(full - 50, full + 1) * VPIN_QUOTE
            balance = 2 * np.diff(np.interp(edges, volume, bought)) - VPIN_QUOTE
            out["vpin"] = np.abs(balance).sum() / (50 * VPIN_QUOTE)
        return out

    def flows(self):
        """Order flow at each of five levels, per change of the book (Cont, Kukanov, Stoikov; Xu, Gould, Howison)."""
        flow = np.zeros((len(self.t), 5))
        for k, (before, now) in enumerate(zip(self.m.moments, self.m.moments[1:]), start=1):
            for i in range(5):
                (pb, qb), (pa, qa) = now.bids[i], now.asks[i]
                (pb0, qb0), (pa0, qa0) = before.bids[i], before.asks[i]
                e = (pb >= pb0) * qb - (pb <= pb0) * qb0 - (pa <= pa0) * qa + (pa >= pa0) * qa0
                flow[k, i] = e
        self.flow_sum = np.concatenate((np.zeros((1, 5)), np.cumsum(flow, axis=0)))
        # Averages that forget: of the flows of each second, of their products, and of the size of a level.
        keep, weight, size, mean, products, self.mixtures = 1 - 1 / 300, 0.0, 0.0, np.zeros(5), np.zeros((5, 5)), {}
        for count, second in enumerate(range(-(-(self.start + SECOND) // SECOND), self.t[-1] // SECOND + 2), start=1):
            x = self.flow(second * SECOND)
            book = self.book(second * SECOND)
            weight = weight * keep + 1
            size += (np.mean([q for _, q in book.bids + book.asks]) - size) / weight
            mean = mean + (x - mean) / weight
            products = products + (np.outer(x, x) - products) / weight
            if count >= 30:
                load = np.linalg.eigh(products - np.outer(mean, mean)).eigenvectors[:, -1]
                self.mixtures[second] = load * np.sign(load.sum()) / np.abs(load).sum() / size

    def flow(self, t):
        a, b = np.searchsorted(self.t, [t - SECOND, t])
        return self.flow_sum[b] - self.flow_sum[a]

    def of_flows(self, t):
        if t - SECOND < self.start:
            return {}
        x = self.flow(t)
        out = {"ofi_1s": x[0], "ofi_3": x[2]}
        if (mixture := self.mixtures.get(t // SECOND)) is not None:
            out["integrated_ofi"] = x @ mixture
        return out

    def paid(self):
        """The newest mid before each trade, and all mids that ever were the newest."""
        mid, quote_id, at, mids, pre, live = np.nan, -1, [], [], [], False
        for kind, now, what in self.m.order:
            if kind == "trade":
                pre.append(mid)
                continue
            if kind == "depth":
                live = True
                if what.last_id < quote_id:
                    continue
                mid = what.mid
            elif kind == "quote" and live and what[3] > 0 and what[5] > 0:
                quote_id, mid = what[1], (what[2] + what[4]) / 2
            else:
                continue
            at.append(now)
            mids.append(mid)
        self.pre, self.newest_t, self.newest = np.array(pre), np.array(at), np.array(mids)

    def of_paid(self, t):
        known, out = ~np.isnan(self.pre), {}
        second = t // SECOND - 60
        mean = lambda x, w: x @ w / w.sum()
        of = known & (self.trade_t < t) & (self.trade_t // SECOND >= second)
        d, p, m, w = self.sign[of], self.price[of], self.pre[of], self.worth[of]
        if len(w):
            out["effective_spread_bps"] = 2e4 * mean(d * (p - m) / m, w)
        for tau in (1, 5, 30, 60):
            half = SECOND // 2
            ends = (self.trade_t // half + 1) * half + tau * SECOND
            of = known & (ends <= t) & (ends // SECOND >= second)
            if not of.any():
                continue
            d, p, m, w = self.sign[of], self.price[of], self.pre[of], self.worth[of]
            after = self.newest[np.searchsorted(self.newest_t, ends[of]) - 1]
            out[f"markout_{tau}s_bps"] = 1e4 * mean(d * (after - p) / p, w)
            if tau == 5:
                out["realised_spread_5s_bps"] = 2e4 * mean(d * (p - after) / m, w)
                out["price_impact_5s_bps"] = 2e4 * mean(d * (after - m) / m, w)
        return out

    def levels(self):
        """Per change of the book: size added and removed per band, and orders by number and size."""
        rows = []
        for moment in self.m.moments:
            row = np.zeros(8)
            for is_bid, price, before, after in moment.changes:
                best = (moment.bids if is_bid else moment.asks)[0][0]
                away = (best - price) * (1 if is_bid else -1) / best * 1e4
                band = sum(away > end + 1e-9 for end in (1, 5, 25))
                if band < 3:
                    row[band + 3 * (after < before)] += abs(after - before)
                if before and after and before != after:
                    row[6:] += 2, 2 * after
                elif bool(before) != bool(after):
                    row[6:] += 1, before + after
            rows.append(row)
        self.level_sum = np.concatenate((np.zeros((1, 8)), np.cumsum(rows, axis=0)))
        self.band = np.full(len(self.m.trades), 9)
        for i, trade in enumerate(self.m.trades):
            j = np.searchsorted(self.t, trade.at, side="right") - 1
            if j >= 0:
                side = self.m.moments[j].asks if trade.buy else self.m.moments[j].bids
                away = (trade.price - side[0][0]) * self.sign[i] / side[0][0] * 1e4
                self.band[i] = sum(away > end + 1e-9 for end in (1, 5, 25))

    def of_levels(self, t):
        begin = max(self.start, (t // SECOND - 60) * SECOND)
        seconds = (t - begin) / SECOND
        if seconds < 1:
            return {}
        a, b = np.searchsorted(self.t, [begin, t])
        sums = self.level_sum[b] - self.level_sum[a]
        of = (self.trade_t >= begin) & (self.trade_t < t) & (self.band < 9)
        size, band, out = self.size[of], self.band[of], {}
        for i, name in enumerate(("0_1", "1_5", "5_25")):
            filled = size[band == i].sum()
            out[f"added_{name}bps_size_per_s"] = sums[i] / seconds
            out[f"cancelled_{name}bps_size_per_s"] = max(0.0, sums[3 + i] - filled) / seconds
            out[f"filled_{name}bps_size_per_s"] = filled / seconds
        if len(size):
            out["order_to_trade_number"] = sums[6] / len(size) - 1
            out["order_to_trade_volume"] = sums[7] / size.sum() - 1
        return out

    def shocks(self):
        """When a shock's watch ended, the time of half recovery and the shares at 1, 5 and 30 s."""
        self.past = []
        for side in ("bid", "ask"):
            average, looks, watch = 0.0, 0, None
            for moment in self.m.moments:
                if not moment.near:
                    continue
                depth, before = moment.near[side], average
                is_shock, looks = looks >= 40 and depth < 0.5 * average, looks + 1
                average += (depth - average) / min(looks, 40)
                if watch is None:
                    watch = (moment.at, before, depth, []) if is_shock else None
                    continue
                since, full, low, path = watch
                path.append(((moment.at - since) / 1e9, (depth - low) / (full - low)))
                if path[-1][0] >= 30:
                    half = next((s for s, share in path if share >= 0.5), np.inf)
                    self.past.append((moment.at, half, *(next(x for s, x in path if s >= tau) for tau in (1, 5, 30))))
                    watch = None
        self.past.sort(key=lambda past: past[0])

    def of_shocks(self, t):
        past = [x for x in self.past if x[0] < t][-16:]
        if len(past) < 3:
            return {}
        out = {f"resilience_recovered_{s}s": np.mean([x[i] for x in past]) for i, s in ((2, 1), (3, 5), (4, 30))}
        if np.isfinite(half := np.median([x[1] for x in past])):
            out["resilience_half_life_s"] = half
        return out

    def premiums(self):
        """Premium index every five seconds, with the index of then."""
        def impact(levels):
            paid = coins = 0.0
            for price, size in levels:
                take = min(size, (25_000 - paid) / price)
                paid, coins = paid + take * price, coins + take
                if paid >= 25_000 - 1e-6:
                    return paid / coins
        self.premium = []
        for t, (bids, asks) in self.m.books.items():
            past = [x for x in self.m.indices if x[0] < t]
            if past and t - past[-1][0] <= 10 * SECOND:
                index = past[-1][1]
                self.premium.append((t, 1e4 * (max(0, impact(bids) - index) - max(0, index - impact(asks))) / index))

    def of_premium(self, t):
        past = np.array([p for at, p in self.premium if at <= t])
        if not len(past):
            return {}
        out, k = {"premium_index_bps": past[-1]}, np.arange(1, len(past) + 1)
        if len(past) >= 12:
            mean = past @ k / k.sum()
            out["funding_predicted_bps"] = mean + np.clip(1.0 - mean, -5, 5)
        return out

    def of_touch(self, t):
        book = self.book(t)
        (pb, qb), (pa, qa) = book.bids[0], book.asks[0]
        five = [sum(q for _, q in side) for side in (book.bids, book.asks)]
        share = qb / (qb + qa)
        return {
            "mid": book.mid,
            "spread_bps": (pa - pb) / book.mid * 1e4,
            "microprice": share * pa + (1 - share) * pb,
            "queue_imbalance": 2 * share - 1,
            "imbalance_5": (five[0] - five[1]) / sum(five),
        }

    def at(self, t):
        if t <= self.start:
            return {}
        parts = (self.of_touch, self.of_flows, self.of_bars, self.of_trades, self.of_paid, self.of_levels,
                 self.of_shocks, self.of_premium, self.hawkes.at, self.micro.at)
        return {name: value for part in parts for name, value in part(t).items()}


def main():
    binary, path = sys.argv[1:]
    options = ["--set", f"features.metrics.vpin_bucket_quote={VPIN_QUOTE}"]
    samples = subprocess.run([binary, "replay", path, "--samples", *options], stdout=subprocess.PIPE, text=True, check=True)
    reference = Reference(Market(path))
    compared, wrong, scores = {}, {}, Scores()
    for row in csv.DictReader(samples.stdout.splitlines()):
        t = int(row["at_ns"])
        scores.push(t, row)
        if t // 100_000_000 % 7:  # one in seven, so that all tenths of a second come up
            continue
        ours = reference.at(t) | scores.at(row)
        for name in NAMES:
            told = row[name]
            if name in reference.hawkes.names:
                continue
            if (told == "") != (name not in ours):
                wrong.setdefault(name, []).append(f"at {t}: fathometer {told or 'nothing'}, here {ours.get(name, 'nothing')}")
            elif told:
                error = abs(float(told) - ours[name]) / max(abs(ours[name]), SCALES.get(name, 1e-3))
                worst = compared.get(name, (0, 0.0))
                compared[name] = worst[0] + 1, max(worst[1], error)
                if error > TOLERANCES.get(name, EXACT):
                    wrong.setdefault(name, []).append(f"at {t}: fathometer {told}, here {ours[name]!r}")
        for text in reference.hawkes.differs(t, row):
            wrong.setdefault("hawkes", []).append(text)
    compared["hawkes (likelihood)"] = reference.hawkes.compared, reference.hawkes.worst
    print(f"{path}: {len(reference.t)} changes of the book, {len(reference.trade_t)} trades")
    for name, (count, error) in compared.items():
        print(f"  {name:34} {count:5} samples, worst difference {error:.1e}")
    for name, texts in wrong.items():
        print(f"error: {name}: {len(texts)} differ, the first {texts[0]}", file=sys.stderr)
    absent = [name for name in NAMES if name not in compared and name not in reference.hawkes.names]
    if absent:
        print(f"  never told in this recording: {', '.join(absent)}")
    sys.exit(1 if wrong else 0)


# Differences of numbers smaller than this are taken relative to it: sums that cancel out have no digits of their own.
SCALES = {name: 1.0 for name in ("kyle_lambda_bps_per_million", "integrated_ofi")}
NAMES = """mid spread_bps microprice queue_imbalance imbalance_5 ofi_1s ofi_3 integrated_ofi kyle_lambda_bps_per_million
    kyle_lambda_se_bps_per_million amihud_bps_per_million roll_spread_bps bipower_volatility_annual_pct jump_share
    parkinson_volatility_annual_pct two_scale_volatility_annual_pct vpin effective_spread_bps realised_spread_5s_bps
    price_impact_5s_bps markout_1s_bps markout_5s_bps markout_30s_bps markout_60s_bps stoikov_microprice
    stoikov_minus_mid_bps added_0_1bps_size_per_s added_1_5bps_size_per_s added_5_25bps_size_per_s
    cancelled_0_1bps_size_per_s cancelled_1_5bps_size_per_s cancelled_5_25bps_size_per_s filled_0_1bps_size_per_s
    filled_1_5bps_size_per_s filled_5_25bps_size_per_s order_to_trade_number order_to_trade_volume resilience_half_life_s
    resilience_recovered_1s resilience_recovered_5s resilience_recovered_30s premium_index_bps
    funding_predicted_bps z_spread z_robust_spread z_imbalance_5 z_robust_imbalance_5 z_ofi_1s z_robust_ofi_1s""".split()

if __name__ == "__main__":
    main()
