"""What is in the folder of a library: its files, the columns of its tables, the recipe that made them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from lecta.types import DocumentRecord, Passage, Place, Section, Signature

FORMAT = 3
EXACT_BELOW = 50_000
"""Passages up to which cosine is exact; benchmarks/vectors has the times this was chosen by."""
RECIPE_FILE = "library.json"
STATE_FILE = "state.json"
LEXICON = "lexicon-"
TABLES = ("passages", "signatures", "documents")
GENERATION = "tables-"
"""Folders for tables are numbered; those that are in the library's own folder are number 0."""
PASSAGE_FIELDS = [
    ("document_id", pa.string()),
    ("number", pa.int32()),
    ("text", pa.string()),
    ("words", pa.string()),
    ("mathematics", pa.string()),
    ("start_index", pa.int64()),
    ("end_index", pa.int64()),
    ("source", pa.string()),
    ("kind", pa.string()),
    ("course", pa.string()),
    ("lecture", pa.int32()),
    ("title", pa.string()),
    ("page", pa.int32()),
    ("start_time", pa.float64()),
    ("end_time", pa.float64()),
    ("label", pa.string()),
    ("speaker", pa.string()),
    ("beside_source", pa.string()),
    ("beside_page", pa.int32()),
    ("beside_start_time", pa.float64()),
    ("beside_end_time", pa.float64()),
    ("beside_start_index", pa.int64()),
    ("beside_end_index", pa.int64()),
    ("beside_title", pa.string()),
    ("beside_confidence", pa.float64()),
]
OWN_COLUMNS = [field.name for field in fields(Passage) if field.name != "beside"]
BESIDE_COLUMNS = {field.name: f"beside_{field.name}" for field in fields(Place)}
PASSAGE_COLUMNS = [*OWN_COLUMNS, *BESIDE_COLUMNS.values()]
_SECTION = pa.struct(
    [
        ("start_index", pa.int64()),
        ("end_index", pa.int64()),
        ("page", pa.int32()),
        ("start_time", pa.float64()),
        ("end_time", pa.float64()),
        ("title", pa.string()),
        ("label", pa.string()),
        ("speaker", pa.string()),
        ("confidence", pa.float64()),
        ("excluded", pa.string()),
    ]
)
SIGNATURE_SCHEMA = pa.schema(
    [
        ("document_id", pa.string()),
        ("source", pa.string()),
        ("ordinal", pa.int32()),
        ("start_index", pa.int64()),
        ("end_index", pa.int64()),
        ("exact", pa.int64()),
        ("facts", pa.int64()),
        ("words", pa.int32()),
        ("digest", pa.list_(pa.uint32())),
        ("bands", pa.list_(pa.int64())),
        ("copy_of", pa.string()),
        ("copy_exact", pa.int64()),
        ("page", pa.int32()),
        ("start_time", pa.float64()),
        ("end_time", pa.float64()),
    ]
)
DOCUMENT_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("path", pa.string()),
        ("kind", pa.string()),
        ("course", pa.string()),
        ("lecture", pa.int32()),
        ("title", pa.string()),
        ("sha256", pa.string()),
        ("reader", pa.string()),
        ("date", pa.string()),
        ("passages", pa.int64()),
        ("characters", pa.int64()),
        ("text", pa.string()),
        ("sections", pa.list_(_SECTION)),
        ("warnings", pa.list_(pa.string())),
        ("aligned", pa.string()),
        ("beside", pa.int64()),
    ]
)
FILTERED = ("course", "lecture", "kind")
KEYS = {"documents": ["id"], "passages": ["document_id", "number"], "signatures": ["document_id", "ordinal"]}
COPIED = ("source", "kind", "course", "lecture", "title", "sha256", "reader", "date", "text")
SIGNATURE_COLUMNS = [field.name for field in fields(Signature)]
SECTION_COLUMNS = [field.name for field in fields(Section)]
RECORD_COLUMNS = [field.name for field in fields(DocumentRecord)]
COPY_COLUMNS = ["source", "start_index", "end_index", "page", "start_time", "end_time", "copy_of", "copy_exact"]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What made a library. Passages of two recipes do not compare, so they never share one."""

    reader: str
    chunker: str
    embedder: str
    dimension: int
    aligner: str = ""
    format: int = FORMAT
