"""Amounts, dates, shares and numbers as people write them; unknown is a word of its own."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from api.web.words import say
from recommender.options import SHANGHAI
from recommender.texts import Language, Money, day, money, number

Amount = Decimal | float | int


def unknown(language: Language) -> Markup:
    """The word for what is not known."""
    return Markup('<span class="unknown">{}</span>').format(say(language, "not known"))


def amount(value: Amount | None, currency: str | None, language: Language) -> Markup:
    """An amount short, with the exact figure on hover and in print.

    >>> print(amount(1840000, "CNY", "en"))
    <span class="amount" title="CNY 1,840,000"><span class="short">CNY 1.84 m</span>...
    """
    if value is None:
        return unknown(language)
    code = currency or "CNY"
    short, whole = money(Money(value, code), language), exact(value, code)
    return Markup(
        '<span class="amount" title="{whole}"><span class="short">{short}</span>'
        '<span class="whole" aria-hidden="true">{whole}</span></span>'
    ).format(whole=whole, short=short)


def plain_amount(value: Amount | None, currency: str | None, language: Language) -> str:
    """An amount short, as text for charts and titles."""
    if value is None:
        return say(language, "not known")
    return money(Money(value, currency or "CNY"), language)


def exact(value: Amount, currency: str) -> str:
    """An amount to the cent.

    >>> exact(975715.2, "CNY")
    'CNY 975,715.20'
    """
    text = f"{value:,.2f}"
    return f"{currency} {text.removesuffix('.00')}"


def span(
    low: Amount | None, high: Amount | None, currency: str | None, language: Language
) -> Markup:
    """A range of amounts; one amount where both ends are equal."""
    if low is None or high is None or low == high:
        return amount(high if high is not None else low, currency, language)
    joint = Markup("{} – {}") if language == "en" else Markup("{}至{}")
    return joint.format(amount(low, currency, language), amount(high, currency, language))


def date(value: datetime.date | str | None, language: Language) -> Markup:
    """2026年5月22日 / 22 May 2026, for a day or a moment, in Shanghai.

    >>> print(date("2026-05-22", "en"))
    <time datetime="2026-05-22">22 May 2026</time>
    >>> print(date("2026-05-21T17:00:00+00:00", "zh"))
    <time datetime="2026-05-22">2026年5月22日</time>
    """
    if value is None:
        return unknown(language)
    found = _day(value)
    return Markup('<time datetime="{}">{}</time>').format(found.isoformat(), day(found, language))


def moment(value: datetime.datetime | str | None, language: Language) -> Markup:
    """A day with its hour and minute, in Shanghai."""
    if value is None:
        return unknown(language)
    at = datetime.datetime.fromisoformat(value) if isinstance(value, str) else value
    here = at.astimezone(SHANGHAI)
    shown = f"{day(here.date(), language)} {here:%H:%M}"
    return Markup('<time datetime="{}">{}</time>').format(here.isoformat(timespec="minutes"), shown)


def percent(share: float | None, language: Language, digits: int = 0) -> str | Markup:
    """A share in [0, 1] in per cent.

    >>> percent(0.495, "en", 1), percent(0.5, "zh")
    ('49.5 %', '50%')
    """
    if share is None:
        return unknown(language)
    return f"{share * 100:.{digits}f}{' %' if language == 'en' else '%'}"


def count(value: Any, language: Language) -> str | Markup:
    """A number with its thousands apart."""
    return unknown(language) if value is None else number(value)


def _day(value: datetime.date | str) -> datetime.date:
    if isinstance(value, str):
        if len(value) == 10:
            return datetime.date.fromisoformat(value)
        value = datetime.datetime.fromisoformat(value)
    if isinstance(value, datetime.datetime):
        return value.astimezone(SHANGHAI).date()
    return value
