"""Pictures, films and files: what a request points to or brings along, and the cache that serves results."""
