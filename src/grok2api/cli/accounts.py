"""`grok2api accounts`: see and change the accounts of the pool. A running server takes changes over by itself."""

from collections.abc import Callable, Mapping

import typer

from grok2api.cli.accounts_add import add, import_
from grok2api.cli.accounts_change import disable, enable, remove
from grok2api.cli.accounts_changes import changes, undo
from grok2api.cli.accounts_edit import edit
from grok2api.cli.accounts_export import export
from grok2api.cli.accounts_key import rotate_key
from grok2api.cli.accounts_list import list_, show, tags
from grok2api.cli.accounts_nsfw import nsfw
from grok2api.cli.accounts_refresh import refresh

#: In the order in which they are listed.
VERBS: Mapping[str, Callable[..., None]] = {
    "add": add,
    "import": import_,
    "export": export,
    "list": list_,
    "show": show,
    "tags": tags,
    "edit": edit,
    "enable": enable,
    "disable": disable,
    "remove": remove,
    "refresh": refresh,
    "nsfw": nsfw,
    "changes": changes,
    "undo": undo,
    "rotate-key": rotate_key,
}

app = typer.Typer(no_args_is_help=True, help="Add, list, show, change, ask about, import, export and remove accounts.")
for _name, _verb in VERBS.items():
    app.command(_name)(_verb)
