"""The one exception of the configuration: everything that is wrong with it, a line each."""

from collections.abc import Iterable


class SettingsError(Exception):
    """The configuration is refused. `problems` are finished sentences for the operator, without any secret in them."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))
