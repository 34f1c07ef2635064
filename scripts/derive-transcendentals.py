#!/usr/bin/env python3
"""Derives the float32 constants of src/plan/constants.ts and prints that table.

    python3 scripts/derive-transcendentals.py            the table, as it stands in constants.ts
    python3 scripts/derive-transcendentals.py --errors   and the approximation error of each fit, on stderr

Needs Python 3.9 or later and mpmath. No randomness, no clock; under half a minute.

Every fit is one minimax problem: choose coefficients c so that max |w(x)·(A(x)·c − b(x))| is least over an interval,
where w makes the residual a relative error. It is solved by Lawson's iteration: weighted least squares, each point's
weight multiplied by its residual until the large residuals level out. A rational P/Q is linear in the same way once its
equation is multiplied by Q; the Q of the round before goes into w. Coefficients are then rounded to float32 one after
another, the most influential first, and after each the rest are fitted again, so that they absorb its rounding.
"""

import struct
import sys

from mpmath import atanh, cos, erfc, exp, expm1, floor, inf, log, lu_solve, matrix, mp, mpf, nstr, pi, sqrt, tanh

mp.dps = 60
POINTS = 160
ROUNDS = 60


def f32(x):
    """Nearest float32, as an mpf (which holds it exactly)."""
    return mpf(struct.unpack("<f", struct.pack("<f", float(x)))[0])


def toward_zero(x):
    """Nearest float32 that is not farther from 0."""
    y = f32(x)
    return y if abs(y) <= abs(x) else mpf(struct.unpack("<f", struct.pack("<I", bits(y) - 1))[0])


def bits(x):
    """Bit pattern of a float32."""
    return struct.unpack("<I", struct.pack("<f", float(x)))[0]


def literal(x):
    """The number as TypeScript has it: the shortest decimal that is this float32 also in double precision."""
    if abs(x) == inf:
        return "Number.POSITIVE_INFINITY" if x > 0 else "Number.NEGATIVE_INFINITY"
    return repr(float(f32(x))).removesuffix(".0").replace("e-0", "e-")


def top_bits(x, count):
    """x cut to its leading bits, so that a product with a short integer is exact."""
    unit = mpf(2) ** (floor(log(x, 2)) + 1 - count)
    return floor(x / unit) * unit


def nodes(low, high):
    """Chebyshev points of an interval, dense at both ends where minimax errors peak."""
    return [low + (high - low) * (1 - cos(pi * (2 * i + 1) / (2 * POINTS))) / 2 for i in range(POINTS)]


def least_squares(rows, right, weight):
    """Normal equations; at 60 digits their squared condition number is harmless."""
    size = len(rows[0])
    a, b = matrix(size, size), matrix(size, 1)
    for row, value, w in zip(rows, right, weight):
        for i in range(size):
            wi = w * row[i]
            b[i] += wi * value
            for j in range(i, size):
                a[i, j] += wi * row[j]
    for i in range(size):
        for j in range(i):
            a[i, j] = a[j, i]
    return list(lu_solve(a, b))


def lawson(rows, right, scale_of, rounds):
    """Minimax coefficients. scale_of(c) gives the factors that make residuals relative errors at c (or at None)."""
    weight = [mpf(1) / POINTS] * POINTS
    scale = scale_of(None)
    best = None
    for _ in range(rounds):
        c = least_squares(rows, right, [w * s * s for w, s in zip(weight, scale)])
        scale = scale_of(c)
        error = [abs(s * (sum(ci * ri for ci, ri in zip(c, row)) - b)) for row, b, s in zip(rows, right, scale)]
        worst = max(error)
        if best is None or worst < best[0]:
            best = (worst, c)
        weight = [w * (e / worst + mpf("0.001")) for w, e in zip(weight, error)]
        total = sum(weight)
        weight = [w / total for w in weight]
    return best


def fit_rounded(name, rows, right, scale_of, order):
    """Fits, then rounds the coefficients to float32 in the given order, fitting the rest again after each."""
    size = len(rows[0])
    fixed = {}
    worst, c = lawson(rows, right, scale_of, ROUNDS)
    ideal = worst
    for k in order:
        fixed[k] = f32(c[k])
        free = [i for i in range(size) if i not in fixed]
        moved = [b - sum(fixed[i] * row[i] for i in fixed) for row, b in zip(rows, right)]

        def merge(partial):
            return [fixed[i] if i in fixed else partial[free.index(i)] for i in range(size)]

        def scale_at(partial):
            return scale_of(None if partial is None else merge(partial))

        if free:
            worst, partial = lawson([[row[i] for i in free] for row in rows], moved, scale_at, ROUNDS // 2)
            c = merge(partial)
        else:
            c = merge([])
            scale = scale_of(c)
            worst = max(abs(s * (sum(ci * ri for ci, ri in zip(c, row)) - b)) for row, b, s in zip(rows, right, scale))
    if "--errors" in sys.argv:
        print(f"{name}: minimax {nstr(ideal, 4)}, with float32 coefficients {nstr(worst, 4)}", file=sys.stderr)
    return c


def exp_coefficients():
    """e^r = 1 + r + r²·(C2 + C3·r + … + C6·r⁴) on |r| ≤ ½·ln 2, relative error."""
    half = log(2) / 2 * (1 + mpf(2) ** -16)
    x = nodes(-half, half)
    rows = [[r ** (k + 2) for k in range(5)] for r in x]
    scale = [exp(-r) for r in x]
    return fit_rounded("exp", rows, [expm1(r) - r for r in x], lambda c: scale, range(5))


def log_coefficients():
    """2·atanh(s)/s = 2 + z·(C1 + C2·z + C3·z² + C4·z³), z = s², on 0 < s ≤ 1/3, relative error."""
    s_of = nodes(mpf(0), mpf(1) / 3)
    rows = [[s ** (2 * k + 2) for k in range(4)] for s in s_of]
    scale = [s / (2 * atanh(s)) for s in s_of]
    return fit_rounded("log", rows, [2 * atanh(s) / s - 2 for s in s_of], lambda c: scale, range(4))


def coth_coefficients():
    """r·coth r = 1 + w·(D1 + D2·w), w = r², on |r| ≤ ¼·ln 2, relative error: e^2r is (r·coth r + r) / (r·coth r − r)."""
    r_of = nodes(mpf(0), log(2) / 4 * (1 + mpf(2) ** -16))
    rows = [[r**2, r**4] for r in r_of]
    scale = [tanh(r) / r for r in r_of]
    return fit_rounded("coth", rows, [r / tanh(r) - 1 for r in r_of], lambda c: scale, range(2))


GELU_MAX = mpf("13.25")  # here e^(−a²/2) has dropped below 2⁻¹²⁶


def gelu_coefficients():
    """Φ(−a)·e^(a²/2) = P(a)/Q(a), degrees 3 and 4, Q monic, Q(0) = 2·P(0), on 0 ≤ a ≤ 13.25.

    Relative error, allowed to grow with a like 1 + 2a²: the rounding of a² costs the exponential as much anyway.
    The unknowns are [p0, p1, q1, p2, q2, p3, q3] in P − G·Q = 0.
    """
    a_of = nodes(mpf(0), GELU_MAX)
    g_of = [erfc(a / sqrt(mpf(2))) * exp(a * a / 2) / 2 for a in a_of]
    rows = [[1 - 2 * g, a, -g * a, a**2, -g * a**2, a**3, -g * a**3] for a, g in zip(a_of, g_of)]
    right = [g * a**4 for a, g in zip(a_of, g_of)]

    def scale_of(c):
        out = []
        for a, g in zip(a_of, g_of):
            q = (2 + a) ** 4 if c is None else 2 * c[0] + a * (c[2] + a * (c[4] + a * (c[6] + a)))
            out.append(1 / (q * g * (1 + 2 * a * a)))
        return out

    return fit_rounded("gelu", rows, right, scale_of, range(7))


def main():
    ln2_hi = top_bits(log(2), 16)
    e2, e3, e4, e5, e6 = exp_coefficients()
    d1, d2 = coth_coefficients()
    l1, l2, l3, l4 = log_coefficients()
    p0, p1, q1, p2, q2, p3, q3 = gelu_coefficients()
    table = [
        ("ONE", mpf(1)),
        ("HALF", mpf("0.5")),
        ("TWO", mpf(2)),
        ("INFINITY", inf),
        ("MINUS_INFINITY", -inf),
        ("ROUND", mpf(3 << 22) + 127),
        ("ROUND_HALF", mpf(3 << 22) + 126),
        ("LOG2E", 1 / log(2)),
        ("LN2_HI", ln2_hi),
        ("LN2_LO", log(2) - ln2_hi),
        ("EXP_C2", e2),
        ("EXP_C3", e3),
        ("EXP_C4", e4),
        ("EXP_C5", e5),
        ("EXP_C6", e6),
        ("EXP_MIN", toward_zero(log(mpf(2) ** -126))),
        ("EXP_MAX", toward_zero(log(mpf(2) ** 128))),
        ("SATURATION", mpf(32)),
        ("SIGMOID_D1", d1 / 2),
        ("SIGMOID_D2", d2 / 8),
        ("TANH_STEPS", 2 / log(2)),
        ("TANH_STEP", log(2) / 2),
        ("TANH_D1", d1),
        ("TANH_D2", d2),
        ("LOG_C1", l1),
        ("LOG_C2", l2),
        ("LOG_C3", l3),
        ("LOG_C4", l4),
        ("LOG_MIN", mpf(2) ** -126),
        ("LOG_FIELD", mpf(1 << 23) + 127),
        ("LN2", log(2)),
        ("SOFTPLUS_C1", l1 / 8),
        ("SOFTPLUS_C2", l2 / 32),
        ("SOFTPLUS_C3", l3 / 128),
        ("SOFTPLUS_C4", l4 / 512),
        ("GAUSS_STEPS", 1 / log(4)),
        ("LN4", log(4)),
        ("FOUR", mpf(4)),
        ("GAUSS_D1", d1 / 4),
        ("GAUSS_D2", d2 / 64),
        ("GELU_MAX", GELU_MAX),
        ("GELU_P0", p0),
        ("GELU_P1", p1),
        ("GELU_P2", p2),
        ("GELU_P3", p3),
        ("GELU_Q0", 2 * p0),
        ("GELU_Q1", q1),
        ("GELU_Q2", q2),
        ("GELU_Q3", q3),
        ("INV_SQRT_2PI", 1 / sqrt(2 * pi)),
    ]
    for name, value in table:
        print(f"  ['{name}', {literal(value)}],")


main()
