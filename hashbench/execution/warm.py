"""What every trial's process would do anew: done once, where the server that they are forked from imports this."""

from hashbench.plugins import sources
from hashbench.search import numba_cache

numba_cache.problem()  # has numba load its types; starts none of its threads, which no fork survives
sources.packages()
