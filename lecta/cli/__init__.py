"""The command line: `lecta add`, `search`, `ask`, `chat`, `list`, `remove`, `reindex`, `align`, `derive`, ...

There is no logic here.

`--json` prints one JSON document on stdout and nothing else there; progress and warnings go to stderr. Exit status:
0 done, 1 something failed, 2 wrong usage, 130 stopped by Ctrl-C.
"""

from lecta.cli.program import app, main

__all__ = ["app", "main"]
