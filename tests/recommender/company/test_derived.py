"""Figures of a company: what holds for all inputs, and single rules."""

from decimal import Decimal

from company_figures import ADVANCES, DAY, KINDS, PARAMETERS, RATES, cny, item
from hypothesis import given as over
from hypothesis import strategies as st

from recommender.company import derived
from recommender.company.derived import coverage, given, positions, summary
from recommender.company.profile import Company, Insurance

# --- properties ----------------------------------------------------------------------------------

AMOUNTS = st.decimals(0, 10**9, places=2)
TRADES = st.sampled_from([None, "T1", "T2"])
CURRENCIES = st.sampled_from(["CNY", "USD", "EUR", "VND", None])
POLICIES = st.lists(
    st.fixed_dictionaries(
        {
            "trade": TRADES,
            "declared": AMOUNTS | st.none(),
            "free_limit": AMOUNTS | st.none(),
            "currency": CURRENCIES,
            "cover_pct": st.integers(0, 100) | st.none(),
            "premium_paid": st.booleans() | st.none(),
        }
    ),
    max_size=3,
)


MAYBE = AMOUNTS | st.none()


def collateral(values=MAYBE, claims=MAYBE, currencies=CURRENCIES):
    return st.fixed_dictionaries(
        {
            "type": st.sampled_from(KINDS),
            "trade": TRADES,
            "value": values,
            "currency": currencies,
            "senior_claim": claims,
        }
    )


KNOWN = collateral(AMOUNTS, AMOUNTS, st.sampled_from(["CNY", "USD"]))


def covered(rows, policies=()):
    company = Company.parse({"collateral": list(rows), "insurance": list(policies)})
    return coverage(company, ADVANCES, RATES)


@over(st.lists(collateral(), max_size=6), collateral(), POLICIES)
def test_more_collateral_never_lowers_coverage(rows, more, policies):
    before, after = covered(rows, policies).number, covered([*rows, more], policies).number
    if before is not None and after is not None:
        assert after >= before


@over(st.lists(KNOWN, min_size=1, max_size=6), AMOUNTS, POLICIES)
def test_a_senior_claim_never_raises_coverage(rows, claim, policies):
    raised = [{**rows[0], "senior_claim": rows[0]["senior_claim"] + claim}, *rows[1:]]
    before, after = covered(rows, policies).number, covered(raised, policies).number
    assert (before is None) == (after is None)
    assert before is None or after <= before


@over(st.lists(collateral(), max_size=6), POLICIES, st.randoms())
def test_the_order_of_items_does_not_matter(rows, policies, random):
    shuffled, other = list(rows), list(policies)
    random.shuffle(shuffled)
    random.shuffle(other)
    assert covered(rows, policies).value == covered(shuffled, other).value


@over(st.lists(collateral(), max_size=6), POLICIES)
def test_a_figure_is_a_number_or_says_what_is_missing(rows, policies):
    figure = covered(rows, policies)
    assert (figure.value is None) == bool(figure.missing)
    assert figure.number is None or figure.number >= 0


@over(st.lists(KNOWN, min_size=1, max_size=6), st.sampled_from(["value", "senior_claim"]))
def test_an_unknown_amount_never_becomes_a_number(rows, field):
    counted = [row for row in rows if row["type"] == "inventory"]
    blank = {**rows[0], "type": "inventory", "trade": None, field: None}
    assert covered([blank, *counted]).value is None


ROWS = st.fixed_dictionaries(
    {
        "currency": st.sampled_from(["USD", "EUR"]),
        "bucket": st.sampled_from(["0-1m", "1-3m"]),
        **{n: AMOUNTS | st.none() for n in ("receipts", "payables", "fx_debt", "bought", "sold")},
        "balances": AMOUNTS,
        "documented": st.booleans() | st.none(),
        "probability": st.decimals(0, 1, places=2) | st.none(),
    }
)


def opened(rows):
    return positions(Company.parse({"positions": list(rows)}))


@over(st.lists(ROWS, max_size=6), st.randoms())
def test_the_order_of_positions_does_not_matter(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    names = ("currency", "bucket", "documented", "expected", "hedge_ratio", "side")
    first, second = ([[getattr(p, n) for n in names] for p in opened(r)] for r in (rows, shuffled))
    assert first == second


@over(st.lists(ROWS, min_size=1, max_size=6))
def test_an_unknown_flow_never_becomes_a_number(rows):
    for position in opened(rows):
        here = [
            r for r in rows if (r["currency"], r["bucket"]) == (position.currency, position.bucket)
        ]
        flows = ("receipts", "payables", "fx_debt", "bought", "sold")
        blank = [any(r[name] is None for name in flows) for r in here]
        if any(r["documented"] is None for r in here) or any(blank):
            assert position.expected is None
        proven = [b for b, r in zip(blank, here, strict=True) if r["documented"]]
        unsaid = any(r["documented"] is None for r in here)
        assert (position.documented is None) == (unsaid or any(proven))
        assert position.missing or position.expected is not None


# --- single rules --------------------------------------------------------------------------------


def test_nothing_stated_is_unknown_and_none_is_zero():
    blank = coverage(Company(), ADVANCES, RATES)
    assert (blank.value, blank.missing) == (None, ("collateral",))
    assert coverage(Company.parse({"collateral": []}), ADVANCES, RATES).value == 0


def test_an_insured_receivable_without_its_policy_is_unknown():
    row = {"type": "insured_receivable", "value": 100, "currency": "USD", "senior_claim": 0}
    untied = Company.parse({"collateral": [row], "insurance": []})
    tied = Company.parse({"collateral": [{**row, "trade": "T1"}], "insurance": []})
    assert coverage(untied, ADVANCES, RATES).missing == ("collateral[0].trade",)
    assert coverage(tied, ADVANCES, RATES).missing == ("insurance",)


def test_the_balance_of_the_declaration_caps_the_insured_receivable():
    profile = {
        "collateral": [
            {
                "type": "insured_receivable",
                "trade": "T1",
                "value": 250000,
                "currency": "USD",
                "senior_claim": 0,
            }
        ],
        "insurance": [
            {
                "trade": "T1",
                "declared": 250000,
                "free_limit": 200000,
                "currency": "USD",
                "cover_pct": 90,
                "premium_paid": True,
            }
        ],
        "facts": {"declaration_unfinanced_balance_usd": 50000},
    }
    advances = {"insured_receivable": Decimal("0.8")}
    assert coverage(Company.parse(profile), advances, RATES).value == Decimal("338790.00")


def test_a_policy_in_another_currency_is_converted():
    policy = Insurance(
        trade="T1",
        declared=1000000,
        free_limit=1000000,
        currency="CNY",
        cover_pct=90,
        premium_paid=True,
    )
    claim = item(
        {"type": "insured_receivable", "value": 10**6, "currency": "USD", "senior_claim": 0}
    )
    figure = derived.insured_receivable(claim, policy, Decimal("0.8"), RATES)
    assert figure.value == Decimal("106260.52")
    assert derived.insured_receivable(claim, policy, Decimal("0.8"), {}).missing == (
        "rates.CNY",
        "rates.USD",
    )


def test_money_is_rounded_half_up_once():
    rates = {"USD": PARAMETERS.rate("USD", DAY)}
    third = given("value", Decimal("0.15"), "USD")
    assert derived.cny(third, "USD", rates, "x").value == Decimal("1.02")
    half = derived.margin(cny("notional", "0.1"), given("share", Decimal("0.05"), "share"))
    assert half.value == Decimal("0.01")


def test_nothing_needed_is_nothing_in_any_currency():
    company = Company.parse({"need": {"amount": 0}, "collateral": []})
    figures = summary(company, PARAMETERS, DAY, ADVANCES, RATES)
    assert (figures.need.value, figures.collateral_gap.value, figures.funding_gap.value) == (
        0,
        0,
        0,
    )


def test_missing_rates_are_named():
    company = Company.parse(
        {"need": {"amount": 10**9, "currency": "VND"}, "trade": {"export_12m_usd": 1000}}
    )
    figures = summary(company, PARAMETERS, DAY, ADVANCES, RATES)
    assert figures.cny == {"trade.export_12m_usd": Decimal("6775.80"), "need.amount": None}
    assert (figures.rates_missing, figures.funding_gap.missing) == (("VND",), ("rates.VND",))
    assert [rate.currency for rate in figures.rates] == ["USD"]


def test_receivables_may_be_in_any_currency_until_stated():
    row = {"type": "export_receivable", "currency": "USD"}
    flow = {"currency": "EUR", "bucket": "1-3m"}
    stated = derived.receivable_currencies
    assert stated(Company()) == (frozenset(), None)
    assert stated(Company.parse({"collateral": [], "positions": []})) == (frozenset(), frozenset())
    assert stated(Company.parse({"collateral": [row]})) == ({"USD"}, None)
    assert stated(Company.parse({"collateral": [{**row, "currency": None}]})).may is None
    both = Company.parse({"collateral": [row], "positions": [flow]})
    assert stated(both) == ({"USD"}, {"EUR"})


def test_no_turnover_gives_no_ceiling():
    names = ("sales", "profit_margin", "growth", "turns", "own_funds", "existing_loans")
    figure = derived.working_capital_ceiling(**{name: cny(name, 0) for name in names})
    assert (figure.value, figure.missing) == (None, ("turns",))
