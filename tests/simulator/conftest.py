"""The simulator's own tests run it in the test's event loop."""

from simulated import simulator

__all__ = ["simulator"]
