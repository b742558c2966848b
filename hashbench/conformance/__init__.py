"""Checks of a method against its contract, for the command line and for pytest.

In the tests of a package with methods of its own::

    import pytest
    from hashbench.conformance import checks

    @pytest.mark.parametrize("check", checks("my_method", expected={"takes-64-items": "needs 100 neighbours"}))
    def test_contract(check):
        check()
"""

from hashbench.conformance.method_check import MethodCheck as MethodCheck
from hashbench.conformance.method_check import Outcome as Outcome
from hashbench.conformance.method_check import checks as checks

__all__ = ["MethodCheck", "Outcome", "checks"]
