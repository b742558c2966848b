"""The interface of all backends: histograms of Hamming distances, exact top-k, and counts of bits that are set."""

from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt

from hashbench.codes import Codes

IntArray = npt.NDArray[np.int64]
LabelSide = npt.NDArray[np.bool_] | npt.NDArray[np.int64]
"""Labels of n items: multi-hot, bool [n, classes], or one class each, int64 [n], 0 or more.

A class number stands for the column of that number: a side of each kind can be compared.
"""
LabelPair = tuple[LabelSide, LabelSide]
"""Labels of the queries and of the database."""


class Backend(ABC):
    """Counts and searches by Hamming distance; every backend returns the same integers."""

    @abstractmethod
    def histograms(self, queries: Codes, database: Codes, labels: LabelPair) -> tuple[IntArray, IntArray]:
        """Items, and relevant items, at each distance from each query: int64 [q, bits + 1] each.

        Items are relevant that share a label with the query. No queries x database matrix is made, nor one of items x
        classes where items have a class each.
        """

    @abstractmethod
    def index(self, database: Codes) -> "Index":
        """A database of at least one code, prepared for many searches."""

    @abstractmethod
    def pair_counts(self, codes: Codes) -> IntArray:
        """In how many codes both of two bits are set: int64 [bits, bits], each bit's own count on the diagonal."""


class Index(ABC):
    """A database that a backend has prepared."""

    @abstractmethod
    def packed(self) -> npt.NDArray[np.uint8]:
        """The packed codes of all items, uint8 [n, width], as they were given."""

    @abstractmethod
    def topk(self, queries: Codes, k: int) -> tuple[IntArray, npt.NDArray[np.int32]]:
        """Int64 ids and int32 distances [q, k], nearest first, of equally near items the lower id first.

        ``k`` is 1 to the number of items.
        """
