"""Several workers as one: lease counts, news, locks and task logs, over Redis or within one process.

With one process nothing of this is on a request's way. Redis is loaded only when `coordination.url` names one.
"""
