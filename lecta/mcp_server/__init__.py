"""`lecta mcp`: the library as tools and resources of the Model Context Protocol, on stdin and stdout.

There is no logic here. Every call into the library runs in a thread of its own, so that searches go on while an answer
is written; answers are written one after the other, for there is one model. While a call lasts, the client is told
every second what it is doing, if it asked to be; a call that it cancels is stopped.
"""
