"""Offers: the tools of one request under the names by which the model knows them.

A function inside a namespace is offered as `namespace__name`, so that every name is unique; what the
model calls is found again with a few other spellings of it, and never with a name that was not offered.
"""

from collections.abc import Iterable, Iterator

from grok2api.canonical.request import Tool, ToolChoice


def offered_name(name: str, namespace: str | None) -> str:
    """The name by which a tool is offered when no other tool has the same."""
    return f"{namespace.rstrip('_')}__{name}" if namespace else name


class Offers:
    """Tools by offered name, in the order of the request."""

    __slots__ = ("_names", "_spellings", "_tools")

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        self._names: dict[tuple[str | None, str], str] = {}
        for tool in tools:
            if (tool.namespace, tool.name) not in self._names:
                name = self._free(offered_name(tool.name, tool.namespace))
                self._tools[name] = tool
                self._names[tool.namespace, tool.name] = name
        self._spellings = self._spell()

    @classmethod
    def of(cls, tools: Iterable[Tool], choice: ToolChoice) -> "Offers":
        """What `choice` leaves of the tools: nothing for `none`, one for `named`."""
        if choice.mode == "none":
            return cls(())
        every = cls(tools)
        if choice.mode != "named":
            return every
        tool = every.find(choice.name or "")
        return cls(() if tool is None else (tool,))

    def __iter__(self) -> Iterator[tuple[str, Tool]]:
        return iter(self._tools.items())

    def __bool__(self) -> bool:
        return bool(self._tools)

    def find(self, name: str) -> Tool | None:
        """The tool that the model means by `name`, if it was offered."""
        tool = self._tools.get(name)
        if tool is None and name in self._spellings:
            tool = self._tools[self._spellings[name]]
        return tool

    def name_of(self, name: str, namespace: str | None) -> str:
        """By which name a tool is (or would have been) offered."""
        return self._names.get((namespace, name)) or offered_name(name, namespace)

    def _free(self, name: str) -> str:
        number, free = 2, name
        while free in self._tools:
            free = f"{name}_{number}"
            number += 1
        return free

    def _spell(self) -> dict[str, str]:
        """Other spellings of namespaced names; the bare name only where it can mean just one tool."""
        spellings: dict[str, str] = {}
        doubtful: set[str] = set()
        for (namespace, name), offered in self._names.items():
            if namespace is None:
                continue
            spellings[f"{namespace}.{name}"] = spellings[f"{namespace}/{name}"] = offered
            if name in spellings:
                doubtful.add(name)
            spellings[name] = offered
        return {spelling: name for spelling, name in spellings.items() if spelling not in doubtful}
