"""What plans are measured against: taking one product after the other, and trying everything."""

from __future__ import annotations

from decimal import Decimal
from itertools import product as every_combination

import numpy as np
from scipy.optimize import linprog

ZERO = Decimal(0)


def greedy(situation):  # noqa: C901, PLR0912, PLR0915 - one rule after the other
    """The need covered by the best-ranked product, then the next, under the same rules; CNY."""
    left = [want.amount for want in situation.wants]
    for facility in situation.existing:
        free = facility.free
        for k in facility.needs:
            drawn = min(free, left[k])
            free, left[k] = free - drawn, left[k] - drawn
    rooms, owed = dict(situation.rooms), dict(situation.outstanding)
    taken, facts, used, banks = set(), set(), set(), set()
    lines, spent = 0, {}
    ranked = sorted(
        range(len(situation.candidates)),
        key=lambda i: (-situation.candidates[i].score, situation.candidates[i].converts, i),
    )
    drawn_for = set()
    for i in ranked:
        line = situation.candidates[i]
        name = line.product.id
        clash = any({name, other} == set(pair) for other in used for pair in situation.exclusive)
        many = lines >= situation.most_lines
        many = many or len(banks | {line.provider}) > situation.most_banks
        again = (name, line.need) in drawn_for
        shared = any(fact in facts and name not in used for fact in line.resources)
        sold = {group for fact in facts for group in situation.one_sale.get(fact, ())}
        same = any(taken & set(situation.one_sale.get(fact, ())) for fact in line.resources)
        if clash or many or again or shared or same or left[line.need] <= 0:
            continue
        most = min([line.high, *(rooms[r] for r in line.rooms)])
        ceiling = line.product.amount.high if line.product.amount else None
        if ceiling is not None and len(situation.wants) > 1:
            most = min(most, ceiling - spent.get(name, ZERO))
        repaid = sum((owed[n] for n in line.repays), ZERO)
        goal = min(most, left[line.need] + repaid)
        groups, lent = [], ZERO
        if line.secured:
            free = [c for c in line.covers if c.group not in taken | sold]
            for cover in sorted(free, key=lambda c: -c.lent):
                if lent < goal:
                    groups.append(cover.group)
                    lent += cover.lent
            goal = min(goal, lent)
        if line.converts:
            free = sum(
                (s.free * s.rate for s in situation.spots if s.currency == line.currency), ZERO
            )
            goal = min(goal, free - spent.get(line.currency, ZERO))
        if goal < line.low or goal <= 0:
            continue
        new = goal
        for n in line.repays:
            part = min(owed[n], new)
            owed[n], new = owed[n] - part, new - part
        left[line.need] -= new
        for room in line.rooms:
            rooms[room] -= goal
        taken |= set(groups)
        facts |= set(line.resources)
        used.add(name)
        banks.add(line.provider)
        drawn_for.add((name, line.need))
        spent[name] = spent.get(name, ZERO) + goal
        if line.converts:
            spent[line.currency] = spent.get(line.currency, ZERO) + goal
        lines += 1
    return situation.need - sum(left, ZERO)


def brute_force(situation):
    """The least need left uncovered over every choice of lines and pledges, in CNY.

    For situations without positions and facilities: amounts of each choice by linear programming.
    """
    best = float(situation.need)
    count = len(situation.candidates)
    for chosen in every_combination((False, True), repeat=count):
        lines = [i for i in range(count) if chosen[i]]
        if not _allowed(situation, lines):
            continue
        groups = sorted(
            {
                c.group
                for i in lines
                if situation.candidates[i].secured
                for c in situation.candidates[i].covers
            }
        )
        takers = [
            [
                None,
                *(
                    i
                    for i in lines
                    if situation.candidates[i].secured
                    and any(c.group == g for c in situation.candidates[i].covers)
                ),
            ]
            for g in groups
        ]
        owing = sorted(situation.outstanding)
        for owners in every_combination(*takers):
            for done in every_combination((False, True), repeat=len(owing)):
                found = _amounts(
                    situation,
                    lines,
                    dict(zip(groups, owners, strict=True)),
                    dict(zip(owing, done, strict=True)),
                )
                if found is not None:
                    best = min(best, found)
    return best


def _allowed(s, lines):
    names = [s.candidates[i].product.id for i in lines]
    keys = [(s.candidates[i].product.id, s.candidates[i].need) for i in lines]
    facts = {(f, s.candidates[i].product.id) for i in lines for f in s.candidates[i].resources}
    return (
        len(set(keys)) == len(keys)
        and len({f for f, _ in facts}) == len(facts)
        and not any(a in names and b in names for a, b in s.exclusive)
        and len(lines) <= s.most_lines
        and len({s.candidates[i].provider for i in lines}) <= s.most_banks
    )


def _amounts(s, lines, owner, done):  # noqa: C901, PLR0912 - one row after the other
    """x per line, r per line and product, u per need; None when impossible."""
    names = [("x", i) for i in lines]
    names += [("r", i, n) for i in lines for n in s.candidates[i].repays]
    names += [("u", k) for k in range(len(s.wants))]
    at = {name: j for j, name in enumerate(names)}
    bounds, rows, tops, equal, values = [], [], [], [], []

    def row(terms):
        found = np.zeros(len(names))
        for name, factor in terms:
            found[at[name]] += factor
        return found

    for name in names:
        if name[0] == "x":
            line = s.candidates[name[1]]
            high = line.high
            if line.secured:
                lent = [c.lent for c in line.covers if owner.get(c.group) == name[1]]
                high = min(high, sum(lent, ZERO))
            if high < line.low:
                return None
            bounds.append((float(line.low), float(high)))
        elif name[0] == "r":
            bounds.append((0.0, float(s.outstanding[name[2]])))
        else:
            bounds.append((0.0, float(s.wants[name[1]].amount)))
    for i in lines:
        repaid = [(("r", i, n), 1.0) for n in s.candidates[i].repays]
        rows.append(row([(("x", i), -1.0), *repaid]))
        tops.append(0.0)
        if any(not done[n] for n in s.candidates[i].repays):
            equal.append(row([(("x", i), 1.0), *((r, -1.0) for r, _ in repaid)]))
            values.append(0.0)
    for n, size in s.outstanding.items():
        paid = [(("r", i, n), 1.0) for i in lines if n in s.candidates[i].repays]
        if paid and done[n]:
            equal.append(row(paid))
            values.append(float(size))
        elif paid:
            rows.append(row(paid))
            tops.append(float(size))
    for room, size in s.rooms.items():
        rows.append(row([(("x", i), 1.0) for i in lines if room in s.candidates[i].rooms]))
        tops.append(float(size))
    for name in {s.candidates[i].product.id for i in lines}:
        same = [i for i in lines if s.candidates[i].product.id == name]
        ceiling = s.candidates[same[0]].product.amount.high
        rows.append(row([(("x", i), 1.0) for i in same]))
        tops.append(float(ceiling))
    for k, want in enumerate(s.wants):
        net = [(("x", i), 1.0) for i in lines if s.candidates[i].need == k]
        net += [
            (("r", i, n), -1.0)
            for i in lines
            if s.candidates[i].need == k
            for n in s.candidates[i].repays
        ]
        equal.append(row([*net, (("u", k), 1.0)]))
        values.append(float(want.amount))
    cost = row([(("u", k), 1.0) for k in range(len(s.wants))])
    found = linprog(
        cost,
        A_ub=np.array(rows) if rows else None,
        b_ub=tops or None,
        A_eq=np.array(equal),
        b_eq=values,
        bounds=bounds,
        method="highs",
    )
    return float(found.fun) if found.status == 0 else None
