"""Accounts as people and other programs bring them: every known form becomes entries, and a plan says what to do.

Pure. `entries` says what an entry is, `formats` reads files, `neighbours` understands other programs' records and `own`
ours, `planning` compares entries with what is here. Reading files and servers is done elsewhere (`intake`).
"""

from grok2api.accounts.importing.entries import AUTO, Entry, Reading, entry
from grok2api.accounts.importing.formats import Form, parse, read

__all__ = ["AUTO", "Entry", "Form", "Reading", "entry", "parse", "read"]
