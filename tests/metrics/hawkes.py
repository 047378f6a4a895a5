"""The Hawkes fit by scipy's optimiser, at the times at which the program fits."""

import numpy as np
from scipy.optimize import minimize

SECOND = 1_000_000_000


def likelihood(gaps, mu, n, decay):
    """Log likelihood of the arrivals at the end of each gap; one stands before the first."""
    times = np.concatenate(([0.0], np.cumsum(gaps)))
    excited = np.zeros(len(gaps))
    for i, gap in enumerate(gaps):
        excited[i] = np.exp(-decay * gap) * (1 + (excited[i - 1] if i else 0.0))
    compensator = mu * times[-1] + n * (1 - np.exp(-decay * (times[-1] - times[:-1]))).sum()
    return np.log(mu + n * decay * excited).sum() - compensator


def best(gaps):
    """The highest likelihood that is found from several starts, decays from 0.01 to 1000 per second."""
    rate = len(gaps) / gaps.sum()
    def loss(x):
        return -likelihood(gaps, *np.exp(x))
    starts = [np.log([rate / 2, 0.5, decay]) for decay in (0.1, 1.0, 10.0, 100.0)]
    bounds = [(np.log(rate * 1e-9), np.log(rate * 10.0)), (np.log(1e-9), np.log(10.0)), (np.log(0.01), np.log(1000.0))]
    return max(-minimize(loss, start, method="L-BFGS-B", bounds=bounds).fun for start in starts)


class Fits:
    """What is compared: how far the program's parameters are below the highest likelihood that can be found."""

    names = ("hawkes_base_per_s", "hawkes_branching_ratio", "hawkes_decay_per_s")
    TOLERANCE = 0.05  # of the log likelihood; a difference of 2 would begin to mean something

    def __init__(self, trades):
        arrivals, last, new, fitted, self.fits = [], None, 0, None, []
        for trade in trades:
            same = last is not None and last[1] == trade.buy and trade.at - last[0] < 1_000_000
            last = (trade.at, trade.buy)
            if same:
                continue
            arrivals.append(trade.at)
            new += 1
            if new >= 200 and (fitted is None or trade.at - fitted >= 30 * SECOND):
                self.fits.append((trade.at, np.diff(np.array(arrivals[-400:])) / SECOND))
                new, fitted = 0, trade.at
        self.compared, self.worst, self.done = 0, 0.0, -1

    def at(self, _):
        return {}

    def differs(self, t, row):
        number = sum(at < t for at, _ in self.fits) - 1
        if (number < 0) != (row[self.names[0]] == ""):
            yield f"at {t}: fathometer {row[self.names[0]] or 'nothing'}, here {number + 1} fits"
        elif number > self.done:
            self.done = number
            gaps = self.fits[number][1]
            short = best(gaps) - likelihood(gaps, *(float(row[name]) for name in self.names))
            self.compared, self.worst = self.compared + 1, max(self.worst, short)
            if short > self.TOLERANCE:
                yield f"at {t}: the likelihood is {short} below the highest"
