"""The one error of the store."""


class StoreError(Exception):
    """The store cannot be used; the message is one line that names it and says what to do. Holds no secrets."""
