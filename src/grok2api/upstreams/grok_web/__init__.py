"""grok.com as an upstream: what is asked (`call`, `flatten`), what is told (`chat_wire`, `gateway_ws_wire`, and
`teller` with its parts), and the one place that sends (`adapter`)."""
