"""What Alembic runs: the steps, on the connection that `storage.schema` hands over, in its transaction."""

from alembic import context

from grok2api.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
