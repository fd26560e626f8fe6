"""What the store must survive, as scripts for a long run; the ordinary tests play each of them for a short time.

PYTHONPATH=src:tests python -m chaos.kill9 --changes 10000
PYTHONPATH=src:tests python -m chaos.outage --seconds 60
"""
