"""The REST API under /api: what there is, search, answers, uploads, conversations, feedback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse

from lecta import __version__
from lecta.as_json import answer_json, list_json, search_json
from lecta.serve import events, schemas, streams
from lecta.serve.desk import Desk, Feedback, Question
from lecta.types import Conversation, Document, DocumentRecord, Message

Key = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[0-9a-z]+$", description="An id.")]
PageNumber = Annotated[int, Path(ge=1, le=100_000, description="From 1, as in a viewer.")]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": schemas.Problem, "description": "The server wants a token: `Authorization: Bearer TOKEN`."},
    403: {"model": schemas.Problem, "description": "The request comes from another site."},
    413: {"model": schemas.Problem, "description": "The request is too large."},
    421: {"model": schemas.Problem, "description": "The Host header names another server."},
    422: {"model": schemas.Problem, "description": "The request is not as described here; the line says where."},
    500: {"model": schemas.Problem, "description": "Something failed; the line says what and what to do."},
}
_MISSING: dict[int | str, dict[str, Any]] = {
    404: {"model": schemas.Problem, "description": "There is none by that id."}
}
_EXAMPLE_EVENTS = (
    'event: queued\ndata: {"place": 0}\n\n'
    'event: passages\ndata: {"passages": [{"rank": 1, "text": "..."}]}\n\n'
    'event: draft\ndata: {"text": "The chain"}\n\n'
    'event: text\ndata: {"text": "The chain rule multiplies the local derivatives. [1]"}\n\n'
    'event: sentence\ndata: {"number": 0, "text": "...", "citations": [1], "support": 0.93, "supported": true}\n\n'
    'event: done\ndata: {"question": "...", "answer": "...", "passages": []}\n\n'
)
_ANSWERED: dict[int | str, dict[str, Any]] = _MISSING | {
    200: {
        "description": "The answer; with `stream`, events: queued, loading, passages, draft, text, thought, recall, "
        "sentence, formulas, and at the end done (the whole answer) or error.",
        "content": {"text/event-stream": {"schema": streams.SCHEMA, "example": _EXAMPLE_EVENTS}},
    },
    400: {"model": schemas.Problem, "description": "The question cannot be asked so."},
    503: {"model": schemas.Problem, "description": "Too many questions wait."},
}


def router(desk: Desk) -> APIRouter:
    """Return the routes of one desk."""
    routes = APIRouter(prefix="/api", responses=_PROBLEMS)
    _add_questions(routes, desk)
    _add_documents(routes, desk)
    _add_material(routes, desk)
    _add_conversations(routes, desk)
    return routes


def _add_questions(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/status", response_model=schemas.Status, tags=["library"])
    async def status() -> dict[str, Any]:
        """Tell how the server is."""
        return {
            "version": __version__,
            "model": desk.library.model_name,
            "documents": len(await desk.documents()),
            "waiting": desk.waiting,
            "fetching": asdict(desk.fetching) if desk.fetching else None,
        }

    @routes.post("/search", response_model=schemas.Found, tags=["questions"])
    async def search(wanted: schemas.SearchRequest) -> dict[str, Any]:
        """Find the passages that treat a question; never waits for the model."""
        history = _messages(wanted)
        found = await desk.search(
            wanted.question,
            wanted.k,
            course=wanted.course,
            lecture=wanted.lecture,
            kind=wanted.kind,
            history=history,
        )
        return _with_documents(search_json(found), await desk.ids())

    @routes.post("/ask", response_model=schemas.Answer, responses=_ANSWERED, tags=["questions"])
    async def ask(wanted: schemas.AskRequest, request: Request) -> Any:
        """Answer a question from the lectures. Left by the client, the answer stops."""
        if wanted.conversation:
            await desk.conversation(wanted.conversation)
        question = Question(
            wanted.question,
            wanted.k,
            wanted.course,
            wanted.lecture,
            wanted.kind,
            strict=wanted.strict,
            history=_messages(wanted),
            conversation=wanted.conversation,
            keep=wanted.keep,
        )
        ids = await desk.ids()
        desk.check_line()
        asking = desk.ask(question)
        if wanted.stream or "text/event-stream" in request.headers.get("accept", ""):

            def write(event: events.Event) -> Iterator[str]:
                yield streams.frame(_with_documents(events.to_json(event), ids), event.name)

            return streams.response(asking, request, write)
        ended = await streams.outcome(asking, request)
        if isinstance(ended, events.Failed):
            return problem(ended.message, ended.status)
        return _with_documents(events.to_json(ended), ids)

    @routes.post("/feedback", status_code=204, tags=["questions"])
    async def feedback(given: schemas.FeedbackRequest) -> None:
        """Keep what you think of an answer, in the library's folder."""
        await desk.keep_feedback(
            Feedback(given.question, given.answer, given.verdict, given.comment, given.conversation)
        )


def _add_documents(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/lectures", response_model=schemas.Lectures, tags=["library"])
    async def lectures() -> dict[str, Any]:
        """List the lectures, in the order of their courses."""
        ids = await desk.ids()
        listed = list_json(await desk.lectures(), [])["lectures"]
        return {
            "lectures": [
                one | {"documents": [ids[source] for source in one["sources"] if source in ids]} for one in listed
            ]
        }

    @routes.get("/documents", response_model=schemas.Documents, tags=["library"])
    async def documents() -> dict[str, Any]:
        """List the documents."""
        return {"documents": [_document(desk, record) for record in await desk.documents()]}

    @routes.post(
        "/documents",
        response_model=schemas.Upload,
        status_code=202,
        tags=["library"],
        responses={
            400: {"model": schemas.Problem, "description": "The file is empty."},
            409: {"model": schemas.Problem, "description": "The library keeps as many uploaded files as it may."},
            415: {"model": schemas.Problem, "description": "lecta does not read such files."},
            507: {"model": schemas.Problem, "description": "The disk is full."},
        },
        openapi_extra={
            "requestBody": {
                "required": True,
                "description": "The bytes of the file, as they are.",
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            }
        },
    )
    async def upload(
        request: Request,
        name: Annotated[
            str,
            Query(
                min_length=1,
                max_length=1000,
                description="The file's name; folders in it say which lecture it belongs to.",
                examples=["lecture-02-chain-rule/slides.pdf"],
            ),
        ],
        course: Annotated[
            str | None, Query(max_length=200, description="[default: the first folder of the name]")
        ] = None,
    ) -> dict[str, Any]:
        """Take a file and add it in the background; /api/uploads tells how far it is."""
        length = request.headers.get("content-length", "")
        size = int(length) if length.isdigit() else None
        return asdict(await desk.uploads.receive(name, _body(request), course=course, size=size))

    @routes.get("/uploads", response_model=schemas.Uploads, tags=["library"])
    async def uploads() -> dict[str, Any]:
        """Tell how far the files are that came in since the server started."""
        return {"uploads": [asdict(one) for one in desk.uploads.all()]}

    @routes.get("/documents/{key}", response_model=schemas.WholeDocument, responses=_MISSING, tags=["library"])
    async def document(key: Key) -> dict[str, Any]:
        """Return a document with its text, stretch by stretch."""
        record, whole = await desk.record(key), await desk.document(key)
        return _document(desk, record) | {"sections": _sections(whole), "warnings": list(whole.warnings)}

    @routes.delete("/documents/{key}", response_model=schemas.Document, responses=_MISSING, tags=["library"])
    async def remove(key: Key) -> dict[str, Any]:
        """Take a document out of the library; its file goes only if it was uploaded."""
        record = await desk.record(key)
        shown = _document(desk, record)
        await desk.remove(key)
        return shown


def _add_material(routes: APIRouter, desk: Desk) -> None:
    @routes.get(
        "/documents/{key}/pages/{page}/picture",
        response_class=Response,
        responses=_MISSING | {200: {"description": "The page, drawn.", "content": {"image/png": {}}}},
        tags=["material"],
    )
    async def picture(
        key: Key, page: PageNumber, width: Annotated[int, Query(ge=16, le=2400, description="Pixels.")] = 1280
    ) -> Response:
        """Draw a page of a PDF."""
        drawn = await desk.picture(key, page, width)
        return Response(drawn.png, media_type="image/png", headers={"cache-control": "private, max-age=300"})

    @routes.get("/documents/{key}/pages/{page}", response_model=schemas.Page, responses=_MISSING, tags=["material"])
    async def words(
        key: Key,
        page: PageNumber,
        quote: Annotated[list[str], Query(max_length=50, description="What is marked.")] = [],  # noqa: B006
    ) -> dict[str, Any]:
        """Tell where on a page of a PDF each word stands, and which of them a quote has."""
        drawn = await desk.picture(key, page)
        marked = set(drawn.marked(quote))
        words = [asdict(word) | {"marked": place in marked} for place, word in enumerate(drawn.words)]
        return {"page": page, "pages": drawn.pages, "width": drawn.width, "height": drawn.height, "words": words}

    @routes.get(
        "/documents/{key}/recording",
        response_class=FileResponse,
        responses=_MISSING
        | {
            200: {"description": "The recording.", "content": {"video/mp4": {}, "audio/mpeg": {}}},
            206: {"description": "The part that a Range header asks for."},
            416: {"description": "It has no such part."},
        },
        tags=["material"],
    )
    async def recording(key: Key) -> FileResponse:
        """Return the recording that a document is, or the one of its lecture; parts of it by a Range header."""
        found = await desk.recording(key)
        return FileResponse(found.path, media_type=found.media_type)


def _add_conversations(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/conversations", response_model=schemas.Conversations, tags=["conversations"])
    async def conversations() -> dict[str, Any]:
        """List the conversations that are kept, the last one first."""
        return {"conversations": [_conversation(one) for one in await desk.conversations()]}

    @routes.get(
        "/conversations/{key}", response_model=schemas.WholeConversation, responses=_MISSING, tags=["conversations"]
    )
    async def conversation(key: Key) -> dict[str, Any]:
        """Return a conversation with what was said."""
        found, ids = await desk.conversation(key), await desk.ids()
        answers = [
            {"asked": turn.asked, "answer": _with_documents(answer_json(turn.answer), ids)} for turn in found.turns
        ]
        return _conversation(found) | {"answers": answers}

    @routes.patch(
        "/conversations/{key}", response_model=schemas.Conversation, responses=_MISSING, tags=["conversations"]
    )
    async def rename(key: Key, wanted: schemas.TitleRequest) -> dict[str, Any]:
        """Give a conversation another title."""
        return _conversation(await desk.rename_conversation(key, wanted.title))

    @routes.delete("/conversations/{key}", status_code=204, responses=_MISSING, tags=["conversations"])
    async def delete(key: Key) -> None:
        """Delete a conversation."""
        await desk.delete_conversation(key)


def problem(reason: str, status: int) -> JSONResponse:
    """Return an error as this API gives it."""
    return JSONResponse({"error": reason}, status, {"retry-after": "30"} if status == 503 else None)


# --- what is given ----------------------------------------------------------------------------------------------------


def _messages(wanted: schemas.SearchRequest) -> tuple[Message, ...]:
    return tuple(Message(turn.role, turn.content) for turn in wanted.history)


async def _body(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            yield chunk


def _with_documents(said: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """Return what is said with the ids of the documents that passages come from."""
    if "passages" not in said:
        return said
    return said | {"passages": [one | {"document": ids.get(one["source"])} for one in said["passages"]]}


def _document(desk: Desk, record: DocumentRecord) -> dict[str, Any]:
    names = ("id", "source", "kind", "course", "lecture", "title", "date", "passages", "characters")
    return {name: getattr(record, name) for name in names} | {"uploaded": desk.uploads.owns(record.path)}


def _sections(document: Document) -> list[dict[str, Any]]:
    names = ("start_index", "end_index", "page", "start_time", "end_time", "title", "excluded")
    return [
        {"text": document.text_of(section)} | {name: getattr(section, name) for name in names}
        for section in document.sections
    ]


def _conversation(one: Conversation) -> dict[str, Any]:
    last = one.turns[-1].asked if one.turns else None
    return {"id": one.id, "title": one.title, "turns": len(one.turns), "last": last}
