"""Almgren-Chriss and Obizhaeva-Wang from their definitions, minimised by scipy, against `fathometer cost schedule`."""

import json
import subprocess
import sys

import numpy as np
from scipy.optimize import minimize

TOLERANCE = 1e-6


def told(binary, model, parameters):
    """What the program says."""
    line = [binary, "cost", "schedule", "--json", "--model", model]
    for name, value in parameters.items():
        line += [f"--{name}", repr(value)]
    return json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


def almgren_chriss(p):
    """Expected cost and variance of trades n_1..n_N, term by term as the paper defines them."""
    tau = p["horizon"] / p["slices"]

    def cost(n):
        left = p["quantity"] - np.cumsum(n)
        permanent = p["gamma"] * np.sum(left * n)
        temporary = np.sum(n * (p["epsilon"] * np.sign(n) + p["eta"] * n / tau))
        return permanent + temporary, p["sigma"] ** 2 * tau * np.sum(left**2)

    return cost


def obizhaeva_wang(p):
    """The same for a book that refills: every pair of trades, through the kernel."""
    step = p["horizon"] / max(p["slices"] - 1, 1)
    times = np.arange(p["slices"]) * step
    kernel = np.exp(-p["resilience"] * np.abs(times[:, None] - times[None, :]))

    def cost(n):
        left = p["quantity"] - np.cumsum(n)
        transient = n @ kernel @ n / (2 * p["depth"])
        fixed = p["epsilon"] * np.sum(np.abs(n)) + p["gamma"] * p["quantity"] ** 2 / 2
        return transient + fixed, p["sigma"] ** 2 * step * np.sum(left[:-1] ** 2)

    return cost


def optimum(cost, p):
    """The least expected cost + risk aversion * variance that an optimiser finds, over what all but the last trade are."""
    slices, whole = p["slices"], p["quantity"]

    def utility(share):
        n = whole * np.append(share, 1 - np.sum(share))
        expected, variance = cost(n)
        return expected + p["risk-aversion"] * variance

    start = np.full(slices - 1, 1 / slices)
    scale = utility(start)
    found = start
    for _ in range(3):  # begun anew, until its own stopping rule no longer matters
        found = minimize(lambda s: utility(s) / scale, found, method="SLSQP",
                         bounds=[(0, 1)] * (slices - 1), options={"ftol": 1e-15, "maxiter": 2000}).x
    return utility(found)


def cases():
    """Orders of different urgency and size."""
    paper = {"quantity": 1e6, "horizon": 5.0, "slices": 5, "sigma": 0.95, "epsilon": 0.0625, "gamma": 2.5e-7, "eta": 2.5e-6}
    for risk in (0.0, 1e-7, 1e-6, 2e-6, 1e-5):
        yield "almgren-chriss", almgren_chriss, {**paper, "risk-aversion": risk}
        yield "almgren-chriss", almgren_chriss, {**paper, "slices": 20, "risk-aversion": risk}
    coins = {"quantity": 50.0, "horizon": 1800.0, "slices": 30, "sigma": 0.7, "epsilon": 31.0, "gamma": 0.02, "eta": 90.0}
    for risk in (0.0, 1e-5, 1e-3):
        yield "almgren-chriss", almgren_chriss, {**coins, "risk-aversion": risk}
    book = {"quantity": 1.0, "horizon": 1.0, "slices": 20, "sigma": 0.3, "epsilon": 0.01, "gamma": 0.1, "depth": 1.0}
    for resilience in (0.1, 2.2, 40.0):
        for risk in (0.0, 0.1, 3.0, 100.0):
            yield "obizhaeva-wang", obizhaeva_wang, {**book, "resilience": resilience, "risk-aversion": risk}
    deep = {"quantity": 80.0, "horizon": 600.0, "slices": 25, "sigma": 1.5, "epsilon": 3.0, "gamma": 0.0, "depth": 40.0}
    for risk in (0.0, 1e-4, 1e-2):
        yield "obizhaeva-wang", obizhaeva_wang, {**deep, "resilience": 0.05, "risk-aversion": risk}


def main():
    binary, count, worst, furthest = sys.argv[1], 0, 0.0, 0.0
    for model, define, p in cases():
        answer, cost = told(binary, model, p), define(p)
        trades = np.array(answer["trades"])
        expected, variance = cost(trades)
        name = f"{model} {p}"
        assert np.isclose(expected, answer["expected_cost"], rtol=1e-9), f"{name}: {answer['expected_cost']} told, {expected} by definition"
        assert np.isclose(variance, answer["variance"], rtol=1e-9, atol=1e-300), f"{name}: variance {answer['variance']}, {variance} by definition"
        assert np.isclose(trades.sum(), p["quantity"]) and len(answer["trajectory"]) == p["slices"] + 1, name
        ours, best = expected + p["risk-aversion"] * variance, optimum(cost, p)
        excess = (ours - best) / best
        count, worst, furthest = count + 1, max(worst, excess), min(furthest, excess)
        assert excess <= TOLERANCE, f"{name}: {ours} told, the optimiser found {best}, {excess:.2e} less"
        assert excess >= -1e-3, f"{name}: the optimiser did not come near: {best}, {ours} told"
    print(f"{count} schedules: the optimiser's are cheaper by at most {worst:.1e} and dearer by at most {-furthest:.1e} of the cost")


if __name__ == "__main__":
    main()
