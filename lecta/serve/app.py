"""A FastAPI application around a desk: the REST API, the OpenAI-compatible one, and the guard before both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from lecta import __version__
from lecta.serve.desk import Desk
from lecta.serve.safety import Guard, Safety


def create_app(desk: Desk, safety: Safety | None = None) -> FastAPI:
    """Return the application; the page is mounted into it (`nicegui.ui.run_with(app)`), behind the same guard.

    Without `safety` it answers for this machine only and wants no token.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await desk.start()
        yield
        await desk.stop()

    # The pages that FastAPI makes of the description come from a CDN: /openapi.json is there for tools of one's own.
    app = FastAPI(title="lecta", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.desk = desk
    app.add_middleware(Guard, safety=safety or Safety())
    return app
