"""The store: tables, migrations, encryption at rest, one store a subject."""
