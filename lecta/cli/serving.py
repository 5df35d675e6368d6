"""The library for other programs: `serve`, `mcp`."""

from __future__ import annotations

from typing import Annotated

import typer

from lecta.cli.options import CourseOption, LibraryOption, ModelOption
from lecta.cli.shared import settings_with, stay


def serve(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 is any that is free.")] = 8765,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen at; others than this machine's own want a token.")
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option("--token", help="What every request must bring. [env: LECTA_SERVE_TOKEN]", show_default=False),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    model: ModelOption = None,
    library: LibraryOption = None,
) -> None:
    """Serve the library: a page, a REST API and an OpenAI-compatible one, until Ctrl-C."""
    stay()
    from lecta import web
    from lecta.serve import run
    from lecta.serve.app import create_app
    from lecta.serve.desk import Desk
    from lecta.serve.safety import safety_for
    from lecta.serve.uploads import Limits

    settings = settings_with(library=library, model=model, serve_token=token)
    names = settings.serve_names.split(",")
    safety = safety_for(host, settings.serve_token, names, settings.upload_megabytes * 1_000_000)
    desk = Desk.opened(settings, Limits(settings.upload_megabytes, settings.upload_files))
    taken = run.bound(host, port)
    address = run.address_of(taken)
    visited = f"{address}?token={settings.serve_token}" if settings.serve_token else address

    def on_ready() -> None:
        typer.echo(f"lecta is at {address} (stop with Ctrl-C)")
        if open_browser:
            run.visit(visited)

    app = create_app(desk, safety)
    web.mount(app, desk)
    run.run(app, taken, on_ready)


def mcp(
    course: CourseOption = None,
    model: ModelOption = None,
    library: LibraryOption = None,
) -> None:
    """Let an assistant search, read and ask: a server of the Model Context Protocol on stdin and stdout."""
    stay()
    from lecta.mcp_server import stdio

    stdio.run(settings_with(library=library, model=model), course)
