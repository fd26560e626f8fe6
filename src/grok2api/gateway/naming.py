"""Which model answers to a name now, and which names there are: the catalog and the aliases, seen with the pool's eyes.

Where a rule leads to several models, the first that an account can take now is used; else the first that an account may
ever serve, whose accounts rest and are waited for; else the first, whose refusal says what is missing. A name that
leads to one model costs no look at the pool.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from grok2api.accounts.leases import Need, Pool
from grok2api.aliases import WELL_KNOWN, Choice
from grok2api.canonical.problem import Kind, Problem, Refusal, invalid
from grok2api.canonical.request import Request
from grok2api.catalog import AUTO_FALLBACK, MODELS, Model, Surface, nearest
from grok2api.gateway.options import Options

#: What a client is told about an effort behind a name that has no effect.
EFFORT_IN_NAME = "model.effort"

_LONGEST = 128


class Listed(msgspec.Struct, frozen=True):
    """A name that clients may ask for, what people are shown, and the model that answers to it."""

    name: str
    title: str
    model: Model


class Naming:
    """Finds models. `surfaces` are those that can be served at all."""

    def __init__(self, pool: Pool, options: Callable[[], Options], surfaces: Collection[Surface]) -> None:
        self._pool = pool
        self._options = options
        self._surfaces = surfaces

    def find(self, name: str, surface: Surface | None = None) -> Choice:
        """What answers to that name; where a rule leaves the choice, on that surface. Raises `Refusal` (C9)."""
        choices = self._options().aliases.resolve(name)
        open_to = [choice for choice in choices if self._is_offered(choice.model)]
        if not open_to:
            raise Refusal(self._unknown(name, choices))
        return self._chosen([choice for choice in open_to if choice.model.surface is surface] or open_to)

    def find_maker(self, name: str, surface: Surface) -> tuple[Model, Need]:
        """The model of that name that makes what `surface` stands for, and what it needs. Raises `Refusal`."""
        model = self.find(name, surface).model
        if model.surface is not surface:
            known = ", ".join(row.name for row in MODELS if row.surface is surface)
            raise invalid(f"The model {name!r} cannot be used here; use {known}", "model", code="model_not_supported")
        return model, self.need(name, model)

    def need(self, name: str, model: Model, sticky: str | None = None, before: str | None = None) -> Need:
        """What a model needs of an account when it is asked for by that name."""
        options = self._options()
        modes = AUTO_FALLBACK if model.mode == "auto" and options.auto_fallback else (model.mode,)
        prefer = options.prefer_tags.get(name) or options.prefer_tags.get(model.name)
        return Need(tiers=model.tiers, modes=modes, sticky=sticky, before=before, prefer=prefer)

    def served(self) -> list[Model]:
        """The models that the accounts can serve now, in the catalog's order."""
        return [model for model in MODELS if self._is_served(model)]

    def listed(self, *, well_known: bool) -> list[Listed]:
        """The same as names, and the aliases that lead to one of them; `well_known` adds names that patterns fit."""
        names = [*self._options().aliases.names(), *(WELL_KNOWN if well_known else ())]
        models = [Listed(model.name, model.title, model) for model in self.served()]
        return [*models, *self._leading(dict.fromkeys(names))]

    def one(self, name: str) -> Listed:
        """That name, if it leads to a model that can be served. Raises `Refusal` that says why not."""
        found = next(self._leading([name]), None)
        if found is not None:
            return found
        self.find(name)
        message = f"No account can serve the model {name[:_LONGEST]!r}; add one with 'grok2api accounts add'"
        raise Refusal(_not_found(message, "model"))

    def _leading(self, names: Iterable[str]) -> Iterator[Listed]:
        for name in names:
            choices = self._options().aliases.resolve(name)
            model = next((choice.model for choice in choices if self._is_served(choice.model)), None)
            if model is not None:
                yield Listed(name, model.title if name == model.name else f"{name}: {model.title}", model)

    def _chosen(self, choices: Sequence[Choice]) -> Choice:
        if len(choices) == 1:
            return choices[0]
        ready = (choice for choice in choices if self._pool.ready(self.need("", choice.model)))
        later = (choice for choice in choices if self._is_served(choice.model))
        return next(ready, None) or next(later, None) or choices[0]

    def _is_offered(self, model: Model) -> bool:
        return model.served and model.surface in self._surfaces

    def _is_served(self, model: Model) -> bool:
        return self._is_offered(model) and self._pool.serves(model.tiers, model.mode)

    def _unknown(self, name: str, choices: Sequence[Choice]) -> Problem:
        shown = name[:_LONGEST]
        if choices:
            return _not_found(f"The model {shown!r} is not served by this version", "model")
        known = [row.name for row in self.listed(well_known=False)] or [row.name for row in MODELS if row.served]
        return _not_found(
            f"The model {shown!r} does not exist. The nearest are: {', '.join(nearest(shown, known))}", "model"
        )


def with_effort(request: Request, choice: Choice) -> Request:
    """The request with the effort that stands behind the model's name, unless it names one itself."""
    effort = choice.effort
    if effort is None or request.effort is not None:
        return request
    thinking = False if effort == "none" and request.thinking is None else request.thinking
    given: Mapping[str, str] = {**request.given, "effort": EFFORT_IN_NAME} if choice.asked else request.given
    return msgspec.structs.replace(request, effort=effort, thinking=thinking, given=given)


def _not_found(message: str, param: str) -> Problem:
    return Problem(kind=Kind.MODEL_NOT_FOUND, message=message, code="model_not_found", param=param)
