"""The Responses wire from the client's side: a request out, events in.

Shared by every upstream that speaks it. `build` makes the body of a call, `parse` tells facts from what comes back,
and `tools` holds the names that both must agree on. Pure; `order`, `items` and `events` belong to `parse`.
"""
