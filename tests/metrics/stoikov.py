"""Stoikov's micro-price by the series of the paper over all states, the symmetrised counts in full."""

import bisect

import numpy as np

TEN = 10_000_000_000
HALVES = 9  # states of imbalance: four with the smaller bid, equal sizes, and the mirror images of the four


class MicroPrice:
    def __init__(self, moments):
        self.moments, self.t = moments, [moment.at for moment in moments]
        units = [[round(p[0][0] * 100) for p in (m.bids, m.asks)] for m in moments]
        self.spread = [ask - bid for bid, ask in units]
        twice = [bid + ask for bid, ask in units]
        # The tick is the smallest spread so far; counts made with another one are forgotten.
        self.steps, tick = [], 10**9
        for i in range(1, len(moments)):
            before, now = moments[i - 1], moments[i]
            if (before.bids[0], before.asks[0]) == (now.bids[0], now.asks[0]):
                continue
            if self.spread[i] < tick:
                tick = self.spread[i]
                self.steps.append((now.at, None, tick))
            step = (self.state(i - 1, tick), self.state(i, tick), twice[i] - twice[i - 1])
            self.steps.append((now.at, step, tick))
        self.solved, self.step_t = {}, [step[0] for step in self.steps]

    def state(self, i, tick):
        qb, qa = self.moments[i].bids[0][1], self.moments[i].asks[0][1]
        small = min(int(min(qb, qa) / (qb + qa) * 8 + 1e-12), 3)
        place = 4 if qb == qa else small if qb < qa else 8 - small
        ticks = self.spread[i] // tick
        return (0 if ticks < 2 else 1 if ticks < 4 else 2) * HALVES + place

    def counts(self, t):
        """Steps before `t` since the tick was last found to be smaller, and that tick."""
        end = bisect.bisect_left(self.step_t, t)
        begin, tick = 0, 10**9
        for i in range(end):
            if self.steps[i][1] is None:
                begin, tick = i + 1, self.steps[i][2]
        steps = [step for _, step, _ in self.steps[begin:end]]
        return [step for step in steps if step[0] % HALVES != 4], tick

    def solve(self, t):
        steps, _ = self.counts(t)
        if len(steps) < 500:
            return None
        size = 3 * HALVES
        quiet, moving, moved = np.zeros((size, size)), np.zeros((size, size)), np.zeros(size)
        mirror = lambda s: s // HALVES * HALVES + 8 - s % HALVES
        for a, b, change in steps:
            for a, b, change in ((a, b, change), (mirror(a), mirror(b), -change)):
                (moving if change else quiet)[a, b] += 1
                moved[a] += change
        total = np.maximum(quiet.sum(axis=1) + moving.sum(axis=1), 1)
        rest = np.eye(size) - quiet / total[:, None]
        first = np.linalg.solve(rest, moved / total)
        step = np.linalg.solve(rest, moving / total[:, None])
        g, term = first.copy(), first
        for _ in range(100_000):
            term = step @ term
            term = (term - term[[mirror(s) for s in range(size)]]) / 2  # keeps rounding from adding up
            g += term
            if np.abs(term).max() < 1e-14:
                break
        return g

    def at(self, t):
        due = t // TEN * TEN
        if due not in self.solved:
            self.solved[due] = self.solve(due)
        g, (steps, tick) = self.solved[due], self.counts(t)
        i = bisect.bisect_left(self.t, t) - 1
        state = self.state(i, tick)
        same = {state, state // HALVES * HALVES + 8 - state % HALVES}
        if g is None or state % HALVES == 4 or sum(step[0] in same for step in steps) < 20:
            return {}
        change, mid = g[state] / 200, self.moments[i].mid
        return {"stoikov_microprice": mid + change, "stoikov_minus_mid_bps": change / mid * 1e4}
