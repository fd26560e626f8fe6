"""The official xAI API: so far, whether a key of it is well."""
