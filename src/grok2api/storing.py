"""What keeps responses and conversations for clients who come back to them.

Put together here from the running gateway's store and settings; `app` holds the result.
"""

from collections.abc import Callable

import msgspec
from starlette.routing import Route

from grok2api import options
from grok2api.config.live import Live
from grok2api.coordination.base import Coordinator
from grok2api.dialects.openai_responses.decode import decoded_to_compact, decoded_to_count
from grok2api.gateway.recalling import Recall, RecallOptions
from grok2api.gateway.shelf import Shelf
from grok2api.jobs import Job
from grok2api.media.budget import Budget
from grok2api.storage.conversations import ConversationStore
from grok2api.storage.engine import Database
from grok2api.storage.responses import ResponseStore
from grok2api.storage.retention import Retention
from grok2api.storage.secrets import Vault
from grok2api.storage.write_behind import WriteBehind
from grok2api.web.background import BackgroundAnswers
from grok2api.web.conversations import ConversationRoutes
from grok2api.web.options import State, WebOptions
from grok2api.web.responses import ResponseRoutes
from grok2api.web.stored import StoredAnswers

#: Seconds between two looks for what is too old or too much.
EXPIRE_SEC = 600.0


class Storing(msgspec.Struct, frozen=True, kw_only=True):
    """The parts. answers, compactions, counts: for the routes that do so. fingerprint: of clients' keys."""

    responses: ResponseStore
    conversations: ConversationStore
    retention: Retention
    shelf: Shelf
    recall: Recall
    options: Callable[[], RecallOptions]
    answers: StoredAnswers
    compactions: StoredAnswers
    counts: StoredAnswers
    fingerprint: Callable[[str], str]


def storing(database: Database, vault: Vault, live: Live, writer: WriteBehind, coordinator: Coordinator) -> Storing:
    """All of it; what is kept is written with what else `writer` writes."""
    responses, conversations = ResponseStore(database), ConversationStore(database)
    shelf = Shelf(responses, conversations, writer.woken.set, lambda: coordinator.sharing is not None)
    writer.also(shelf)
    chosen = options.kept(options.recall, lambda: live.current)
    recall = Recall(shelf, chosen)
    return Storing(
        responses=responses,
        conversations=conversations,
        retention=Retention(database),
        shelf=shelf,
        recall=recall,
        options=chosen,
        answers=StoredAnswers(recall, vault.fingerprint),
        compactions=StoredAnswers(recall, vault.fingerprint, decoded_to_compact),
        counts=StoredAnswers(recall, vault.fingerprint, decoded_to_count),
        fingerprint=vault.fingerprint,
    )


def stored_routes(
    parts: Storing,
    apart: BackgroundAnswers,
    budget: Budget,
    web: Callable[[], WebOptions],
    state: State,
    now: Callable[[], float],
    new_id: Callable[[str], str],
) -> list[Route]:
    """The routes to what is stored."""
    responses = ResponseRoutes(parts.shelf, parts.recall, apart, web, state, parts.fingerprint)
    conversations = ConversationRoutes(
        parts.conversations,
        parts.shelf,
        budget,
        web,
        parts.options,
        state,
        parts.fingerprint,
        now,
        new_id,
    )
    return [*responses.table(), *conversations.table()]


def stored_jobs(parts: Storing, live: Live, coordinator: Coordinator, now: Callable[[], float]) -> tuple[Job, ...]:
    """The periodic work."""

    async def forget() -> None:
        chosen = options.retention(live.current)
        if chosen.keep_sec:
            await parts.retention.expire(now() - chosen.keep_sec)
        if chosen.most:
            await parts.retention.trim(chosen.most)

    return (
        Job(
            name="responses-expire",
            help="Forgets responses and conversations that are too old, and the oldest when there are too many.",
            every=lambda: EXPIRE_SEC,
            work=forget,
            jitter=0.1,
            enabled=lambda: coordinator.leads,
        ),
    )
