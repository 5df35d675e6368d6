"""Documents, passages and signatures as rows of tables, and back."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from lecta.protocols import Vectors
from lecta.store.entries import Besides, Entry, Stored, shown_path
from lecta.store.layout import (
    BESIDE_COLUMNS,
    COPIED,
    DOCUMENT_SCHEMA,
    OWN_COLUMNS,
    PASSAGE_FIELDS,
    SECTION_COLUMNS,
    SIGNATURE_COLUMNS,
    SIGNATURE_SCHEMA,
)
from lecta.store.sql import is_in
from lecta.types import Document, Passage, Place, Section, Signature

# --- to rows ----------------------------------------------------------------------------------------------------------


def passage_table(
    ids: Sequence[str], entries: Sequence[Entry], dimension: int, known: Mapping[tuple[str, str], Vectors]
) -> pa.Table:
    """Return the rows of passages; those whose vectors are to come get one that is `known` by title and text."""
    rows = [
        {name: getattr(passage, name) for name in OWN_COLUMNS}
        | {"document_id": key, "number": number, "words": words, "mathematics": terms}
        for key, entry in zip(ids, entries, strict=True)
        for number, (passage, words, terms) in enumerate(
            zip(entry.passages, entry.words, entry.mathematics or [""] * len(entry.passages), strict=True)
        )
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(PASSAGE_FIELDS))
    vectors: list[Vectors | None] = []
    for entry in entries:
        if len(entry.vectors):
            vectors += list(entry.vectors)
        else:
            vectors += [known.get((passage.title, passage.text)) for passage in entry.passages]
    return table.append_column("vector", vector_column(vectors, dimension))


def vector_column(vectors: Sequence[Vectors | None], dimension: int) -> pa.FixedSizeListArray:
    """Return vectors as a column, null where there is none."""
    flat = np.zeros((len(vectors), dimension), np.float32)
    missing = np.ones(len(vectors), bool)
    for place, vector in enumerate(vectors):
        if vector is not None:
            flat[place], missing[place] = vector, False
    values = pa.array(flat.ravel(), pa.float32())
    return pa.FixedSizeListArray.from_arrays(values, dimension, mask=pa.array(missing))


def signature_table(ids: Sequence[str], entries: Sequence[Entry]) -> pa.Table:
    """Return the rows of signatures, each with the place of its paragraph."""
    columns: dict[str, list[Any]] = {name: [] for name in SIGNATURE_SCHEMA.names}
    for key, entry in zip(ids, entries, strict=True):
        sections, starts = entry.document.sections, [section.start_index for section in entry.document.sections]
        for signature in entry.signatures:
            first = sections[max(bisect_right(starts, signature.start_index) - 1, 0)]
            last = sections[max(bisect_right(starts, signature.end_index - 1) - 1, 0)]
            columns["page"].append(first.page)
            columns["start_time"].append(first.start_time)
            columns["end_time"].append(last.end_time)
        columns["document_id"] += [key] * len(entry.signatures)
        for name in SIGNATURE_COLUMNS:
            columns[name] += [getattr(signature, name) for signature in entry.signatures]
    return pa.table([_column(columns[one.name], one.type) for one in SIGNATURE_SCHEMA], schema=SIGNATURE_SCHEMA)


def _column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Return a column; lists of numbers by way of NumPy, as a course has a million and Arrow looks at each."""
    if not pa.types.is_list(kind):
        return pa.array(values, kind)
    ends = np.cumsum([0, *map(len, values)], dtype=np.int32)
    flat = np.fromiter(chain.from_iterable(values), kind.value_type.to_pandas_dtype(), int(ends[-1]))
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(flat, kind.value_type), type=kind)


def document_table(ids: Sequence[str], entries: Sequence[Entry]) -> pa.Table:
    """Return the rows of documents."""
    rows = [
        {name: getattr(entry.document, name) for name in COPIED}
        | {
            "id": key,
            "path": shown_path(entry.path.resolve()),
            "passages": len(entry.passages),
            "characters": len(entry.document.text),
            "sections": [
                {name: getattr(section, name) for name in SECTION_COLUMNS} for section in entry.document.sections
            ],
            "warnings": list(entry.document.warnings),
            "aligned": "",
            "beside": 0,
        }
        for key, entry in zip(ids, entries, strict=True)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=DOCUMENT_SCHEMA)


def laid_beside(rows: pa.Table, after: Besides) -> pa.Table:
    """Return the rows of a document's passages with what now stands beside them."""
    places = [passage.beside for passage in after.passages]
    new = {"words": list(after.words)} | {
        column: [None if place is None else getattr(place, name) for place in places]
        for name, column in BESIDE_COLUMNS.items()
    }
    for column, values in new.items():
        field_ = rows.schema.field(column)
        rows = rows.set_column(rows.schema.get_field_index(column), field_, pa.array(values, field_.type))
    return rows


# --- from rows --------------------------------------------------------------------------------------------------------


def document_of(row: dict[str, Any]) -> Document:
    """Return a document from its row."""
    values = {field.name: row[field.name] for field in fields(Document)}
    values["sections"] = tuple(Section(**section) for section in row["sections"])
    values["warnings"] = tuple(row["warnings"])
    return Document(**values)


def passage_of(row: dict[str, Any]) -> Passage:
    """Return a passage, with what stands beside it, from its row."""
    beside = None
    if row["beside_source"] is not None:
        beside = Place(**{name: row[column] for name, column in BESIDE_COLUMNS.items()})
    return Passage(**{name: row[name] for name in OWN_COLUMNS}, beside=beside)


def signature_of(row: dict[str, Any]) -> Signature:
    """Return a signature from its row."""
    return Signature(**row | {"digest": tuple(row["digest"]), "bands": tuple(row["bands"])})


def matrix(column: pa.ChunkedArray) -> Vectors:
    """Return a column of vectors, none of them null, as an array."""
    whole = column.combine_chunks()
    return np.array(whole.flatten(), np.float32).reshape(len(whole), column.type.list_size)


def stored_at(key: str, documents: Any, passages: Any) -> tuple[pa.Table, Stored]:
    """Return the rows of a document's passages, in their order, and what they and the document say."""
    rows = passages.to_table(filter=is_in("document_id", [key])).sort_by("number")
    return rows, Stored(
        document_of(documents.to_table(filter=is_in("id", [key])).to_pylist()[0]),
        tuple(passage_of(row) for row in rows.drop_columns(["vector"]).to_pylist()),
        matrix(rows["vector"]),
    )


def texts_of(passages: Any) -> Iterator[str]:
    """Yield the text of every passage."""
    for batch in passages.to_batches(columns=["text"]):
        yield from batch.column("text").to_pylist()
