"""Two builds of llama.cpp behind one interface: the same vocabulary, and weights in another layout beside the file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from lecta.answer import engines
from lecta.answer.engines import ik_llama, llama_cpp
from lecta.answer.llama import LlamaChat
from lecta.errors import ChatError
from lecta.types import Message

needs_ik = pytest.mark.skipif(not ik_llama.is_installed(), reason="no wheel of ik_llama.cpp here")
ASKED = [Message("user", "Say in one sentence what a derivative is.")]


@needs_ik
def test_both_engines_have_one_vocabulary(small_model: Path) -> None:
    ours, other = ik_llama.IkLlama(small_model), llama_cpp.LlamaCpp(small_model)
    for text in ("", "a", "chain <|im_end|> \\frac{a}{b} ∂L/∂W 中文 😀\n\n  x"):
        for special in (False, True):
            tokens = ours.tokenize(text, beginning=special, special=special)
            assert tokens == other.tokenize(text, beginning=special, special=special)
            for count in range(len(tokens) + 1):
                assert ours.detokenize(tokens[:count]) == other.detokenize(tokens[:count])
    said = [("system", "be \ue000"), ("user", "\ue000" * 2000), ("assistant", "x"), ("user", "y")]
    assert ours.rendered(said) == other.rendered(said)
    controls = [token for token in range(151_600, 151_700) if ours.control(token)]
    assert len(controls) > 2
    for token in range(151_600, 151_700):
        assert (ours.control(token), ours.is_end(token)) == (other.control(token), other.is_end(token))


@needs_ik
@pytest.mark.slow
def test_the_other_layout_is_kept_once_and_changes_no_word(tmp_path: Path, small_model: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    model = folder / small_model.name
    shutil.copy(small_model, model)
    (half := folder / f".{model.stem}.0.0.0.part").write_bytes(b"half made, of another version")
    expected = "".join(LlamaChat(model, context_tokens=512).stream(ASKED, 24))
    assert len(list(folder.iterdir())) == 2
    assert "".join(LlamaChat(model, context_tokens=512, copy=True).stream(ASKED, 24)) == expected
    (copy,) = folder.glob(".*.gguf")
    made = copy.stat().st_mtime_ns
    assert not half.exists()
    LlamaChat(model, context_tokens=512, copy=True)
    assert copy.stat().st_mtime_ns == made
    os.utime(model, ns=(made + 1, made + 1))  # another file by the same name
    LlamaChat(model, context_tokens=512, copy=True)
    assert copy.stat().st_mtime_ns > made
    copy.unlink()
    folder.chmod(0o500)
    try:
        assert "".join(LlamaChat(model, context_tokens=512, copy=True).stream(ASKED, 24)) == expected
    finally:
        folder.chmod(0o700)


@needs_ik
def test_what_is_no_model_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (path := tmp_path / "notes.gguf").write_text("# no model")
    for name in engines.NAMES:
        with pytest.raises(ChatError, match=r"notes\.gguf"):
            engines.opened(path, name)
    assert "invalid magic" not in capfd.readouterr().out
    monkeypatch.setattr(ik_llama, "is_installed", lambda: False)
    with pytest.raises(ChatError, match="no wheel"):
        engines.opened(path, "ik")


def test_drawn_tokens_are_near_the_likeliest() -> None:
    logits = np.full(1000, -20.0, np.float32)
    logits[[3, 5, 7]] = [2.0, 1.9, -3.0]
    generator = np.random.default_rng(1)
    assert {ik_llama.drawn(logits, generator) for _ in range(200)} == {3, 5}
