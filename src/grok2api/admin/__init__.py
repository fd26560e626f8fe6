"""The admin API: one table of endpoints, from which routes, authentication, OpenAPI, pages and tests are made."""
