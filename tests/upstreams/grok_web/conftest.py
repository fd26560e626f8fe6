"""Tests of the media adapters run the simulator in their event loop."""

from simulated import simulator

__all__ = ["simulator"]
