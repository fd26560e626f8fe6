"""The errors of the store."""


class StoreError(Exception):
    """The store cannot be used; the message is one line that names it and says what to do. Holds no secrets."""


class StoreConflict(StoreError):  # noqa: N818 - the caller's mistake, not the store's trouble
    """The store is well, but what was asked contradicts what it holds; the message says what."""


class RefusedValues(StoreError):  # noqa: N818 - one write's trouble, not the store's
    """The database is there and does not take these values; others may go through."""
