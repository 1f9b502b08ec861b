"""A small made-up pair of files with the columns of the EXIM benchmark."""

import numpy as np
import pandas as pd

LEAKS = (
    *("deal_number", "decision", "effective_date", "expiration_date", "brokered"),
    *("deal_cancelled", "program", "policy_type", "decision_authority", "term"),
    *("primary_applicant", "primary_lender", "primary_borrower"),
    *("primary_source_of_repayment_psor", "disbursed_shipped_amount"),
    *("undisbursed_exposure_amount", "outstanding_exposure_amount", "product_description"),
    "primary_exporter_state_name",
)
FLAGS = ("small_business", "woman_owned", "minority_owned")
PRODUCTS = ("INS-ENB", "INS-ESC", "INS-ESS", "WC-STD", "GTY-M")
PROGRAMMES = {"INS": "Insurance", "WC": "Working Capital", "GTY": "Guarantee"}
COUNTRY = {"INS-ENB": "Multiple - Countries", "WC-STD": "United States"}
CODES = ("423310", "333120", "336411", "311514", "3567", None)
STATES = ("CA", "TX", "FL", "NY", None)
UNTIL, TEST = 2011, (2012, 2013)


def pair(first=2007, last=2013, rows_a_year=70, seed=0):
    """Authorizations and labels: makers of machines take guarantees, the rest by amount."""
    chance = np.random.default_rng(seed)
    made = [
        _decision(chance, year, k) for year in range(first, last + 1) for k in range(rows_a_year)
    ]
    table = pd.DataFrame(made).sort_values("decision_date", kind="stable", ignore_index=True)
    seen_pairs = table.duplicated(["company_key", "product"])
    labels = pd.DataFrame(
        {
            "unique_identifier": table["unique_identifier"],
            "company_key": table["company_key"],
            "product": table["product"],
            "product_kept": "1",
            "first_company_event": np.where(table.duplicated("company_key"), "0", "1"),
            "first_company_product_event": np.where(seen_pairs, "0", "1"),
        }
    )
    return table.drop(columns=["company_key", "product"]), labels


def _decision(chance, year, k):
    company, code = f"Firm {chance.integers(400)} Trading, Inc.", CODES[chance.integers(len(CODES))]
    product = str(chance.choice(PRODUCTS, p=[0.35, 0.2, 0.2, 0.15, 0.1]))
    product = "GTY-M" if code == "333120" and chance.random() < 0.6 else product
    whole = float(chance.choice([100_000, 250_000, 500_000, 1_000_000]))
    amount = whole * 0.9 if product in ("WC-STD", "INS-ESS") else whole
    found = {name: f"{product} {name}" for name in LEAKS}
    found |= {f"{flag}_authorized_amount": amount * (chance.random() < 0.4) for flag in FLAGS}
    return found | {
        "fiscal_year": str(year),
        "decision_date": f"{year}-{1 + k % 12:02d}-{1 + k % 28:02d}",
        "unique_identifier": f"{PROGRAMMES[product.partition('-')[0]]}{year}{k:04d}",
        "country": COUNTRY.get(product, "Mexico"),
        "primary_export_product_naics_sic_code": code,
        "primary_exporter": company,
        "primary_exporter_city": "Springfield",
        "primary_exporter_state_code": STATES[chance.integers(len(STATES))],
        "approved_declined_amount": amount,
        "company_key": company.upper(),
        "product": product,
    }


def write(folder, tables, years="fy2007_fy2013"):
    """The pair as the benchmark finds it."""
    for kind, table in zip(("authorizations", "labels"), tables, strict=True):
        table.to_csv(folder / f"exim_{kind}_{years}.csv.gz", index=False)
    return folder
