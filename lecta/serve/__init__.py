"""One door for many: a web server that the page, the REST API and OpenAI clients share.

events.py    what happens while an answer is written
line.py      who is asked next: one model, many questions
stopping.py  work in a thread that can be stopped
desk.py      what all the doors share: the library, the line, uploads, conversations
app.py       a FastAPI application around a desk
"""
