"""Results of a method that are remembered as long as its object lives, and no longer."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

P = ParamSpec("P")
R = TypeVar("R")
Method = Callable[Concatenate[Any, P], R]


class Remembered(Generic[P, R]):
    """A method whose results are kept per object.

    `lru_cache` on a method is shared by all objects of the class and keeps them alive; here the
    cache stands in the object itself, where it is found before this descriptor.
    """

    def __init__(self, method: Method[P, R], most: int) -> None:
        self._method, self._most = method, most
        self.__doc__ = method.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """The attribute that holds the cache."""
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Remembered[P, R]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> Callable[P, R]: ...

    def __get__(self, instance: object | None, owner: type) -> Remembered[P, R] | Callable[P, R]:
        """The cache of an object, made at the first use."""
        if instance is None:
            return self
        cache: Any = lru_cache(self._most)(self._method.__get__(instance))
        vars(instance)[self._name] = cache
        found: Callable[P, R] = cache
        return found


def remembered(most: int) -> Callable[[Method[P, R]], Remembered[P, R]]:
    """Keep the results of a method for its last `most` distinct arguments, which are hashable.

    >>> class Shop:
    ...     @remembered(8)
    ...     def price(self, item: str) -> int:
    ...         print("looked up")
    ...         return len(item)
    >>> shop = Shop()
    >>> shop.price("tea"), shop.price("tea")
    looked up
    (3, 3)
    """
    return lambda method: Remembered(method, most)
