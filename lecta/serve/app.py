"""A FastAPI application around a desk: the REST API, the OpenAI-compatible one, and the guard before both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import Response

from lecta import __version__
from lecta.errors import LectaError, UsageError
from lecta.serve import api, openai_api
from lecta.serve.desk import BusyError, Desk, MissingError
from lecta.serve.safety import Guard, Safety
from lecta.serve.uploads import RefusedError

_STATUSES: tuple[tuple[type[LectaError] | tuple[type[LectaError], ...], int], ...] = (
    ((MissingError, openai_api.ModelMissingError), 404),
    (BusyError, 503),
    (UsageError, 400),
)


def create_app(desk: Desk, safety: Safety | None = None) -> FastAPI:
    """Return the application; the page is mounted into it (`nicegui.ui.run_with(app)`), behind the same guard.

    Without `safety` it answers for this machine only and wants no token.
    """

    safety = safety or Safety()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await desk.start()
        yield
        await desk.stop()

    # The pages that FastAPI makes of the description come from a CDN: /openapi.json is there for tools of one's own.
    app = FastAPI(title="lecta", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.desk = desk
    described = [Depends(HTTPBearer(auto_error=False))] if safety.token else []  # the guard is what checks it
    app.include_router(api.router(desk), dependencies=described)
    app.include_router(openai_api.router(desk), dependencies=described)
    _add_handlers(app)
    app.add_middleware(Guard, safety=safety)
    return app


def _add_handlers(app: FastAPI) -> None:
    """Let every error be one line, in the form of the door that was knocked at."""

    def answer(request: Request, reason: str, status: int, param: str | None = None) -> Response:
        if request.url.path.startswith("/v1/"):
            return openai_api.problem(reason, 400 if status == 422 else status, param)
        return api.problem(reason, status)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:] or first["loc"])
        return answer(request, f"{place}: {first['msg']}", 422, place)

    @app.exception_handler(HTTPException)
    async def _refused(request: Request, error: HTTPException) -> Response:
        response = answer(request, str(error.detail), error.status_code)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(LectaError)
    async def _failed(request: Request, error: LectaError) -> Response:
        own = error.status if isinstance(error, RefusedError) else 500
        status = next((status for kinds, status in _STATUSES if isinstance(error, kinds)), own)
        return answer(request, str(error), status)
