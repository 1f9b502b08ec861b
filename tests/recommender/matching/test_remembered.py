"""Results are remembered per object, and forgotten with it."""

import gc
import weakref

from recommender import Catalogue, Engine
from recommender.matching.matcher import Matcher
from recommender.matching.remembered import Remembered, remembered


class Shop:
    def __init__(self, extra):
        self.extra, self.asked = extra, []

    @remembered(2)
    def price(self, item, pieces=1):
        """What it costs."""
        self.asked.append(item)
        return len(item) * pieces + self.extra


def test_a_result_is_worked_out_once_per_object_and_arguments():
    one, other = Shop(0), Shop(10)
    assert [one.price("tea"), one.price("tea"), other.price("tea")] == [3, 3, 13]
    assert one.price("tea", pieces=2) == 6
    assert (one.asked, other.asked) == (["tea", "tea"], ["tea"])


def test_only_the_last_results_are_kept():
    shop = Shop(0)
    for item in ("tea", "rice", "silk", "tea"):
        shop.price(item)
    assert shop.asked == ["tea", "rice", "silk", "tea"]


def test_the_method_keeps_its_words():
    assert isinstance(Shop.price, Remembered)
    assert Shop.price.__doc__ == "What it costs."


def test_an_engine_that_nobody_uses_is_forgotten():
    engine = Engine(Catalogue.load())
    engine.recommend(engine.read({}), language="en", as_of="2026-11-23")
    (matcher,) = (v for v in vars(engine).values() if isinstance(v, Matcher))
    seen = [weakref.ref(engine), weakref.ref(matcher), weakref.ref(engine.catalogue)]
    del engine, matcher
    gc.collect()
    assert [one() for one in seen] == [None, None, None]
