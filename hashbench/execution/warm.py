"""What every trial's process would do anew: done once, where the server that they are forked from imports this."""

from hashbench.util.collection import without_collection_for_good

with without_collection_for_good():  # a collection in a fork would copy all that it walks
    import hashbench.execution.rates
    import hashbench.execution.trial
    import hashbench.execution.worker  # noqa: F401 - for the forks
    from hashbench.plugins import sources
    from hashbench.search import numba_cache

    numba_cache.problem()  # has numba load its types; starts none of its threads, which no fork survives
    sources.packages()
