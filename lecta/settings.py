"""One settings object: defaults, then the configuration file, then LECTA_* variables, then arguments.

The file is `config.toml` in the platform's configuration folder (on Linux `~/.config/lecta/config.toml`), or the one
LECTA_CONFIG names. docs/settings.md lists every setting; a test keeps it complete.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from lecta.errors import UsageError


def _expanded(value: Any) -> Any:
    if not isinstance(value, str | Path):
        return value
    try:
        return Path(value).expanduser()
    except RuntimeError as error:  # "~nobody": pydantic reports ValueErrors
        raise ValueError(str(error)) from error


Folder = Annotated[Path, BeforeValidator(_expanded)]


def config_path() -> Path:
    """Return where the configuration file is looked for; it need not exist."""
    named = os.environ.get("LECTA_CONFIG")
    return (
        Path(named).expanduser() if named else platformdirs.user_config_path("lecta", appauthor=False) / "config.toml"
    )


class Settings(BaseSettings):
    """What can be set, with its default."""

    model_config = SettingsConfigDict(env_prefix="LECTA_", env_ignore_empty=True, extra="forbid", frozen=True)

    library: Folder = Field(
        default_factory=lambda: platformdirs.user_data_path("lecta", appauthor=False) / "library",
        description="Folder that holds the index of your lectures.",
    )
    models: Folder = Field(
        default_factory=lambda: platformdirs.user_cache_path("lecta", appauthor=False) / "models",
        description="Folder that holds the models' weights.",
    )
    model: str = Field(
        default="default",
        description="Language model: `default`, `small`, a GGUF file's path, `openai:NAME` or `ollama:NAME`.",
    )
    base_url: str = Field(default="", description="Address of the OpenAI-compatible server for `openai:NAME`.")
    api_key: str = Field(default="", description="Key for that server, if it wants one.", repr=False)
    embedder: str = Field(
        default="",
        description="Makes vectors: `minilm`, `bge-small`, `openai:NAME`, `ollama:NAME`, `st:NAME_OR_FOLDER`; "
        "empty: the library's own, `minilm` for a new one.",
    )
    embedder_base_url: str = Field(default="", description="Address of the embedder's server; empty: `base_url`.")
    embedder_api_key: str = Field(default="", description="Key for that server; empty: `api_key`.", repr=False)
    speech_model: str = Field(
        default="whisper-base",
        description="Hears recordings: `whisper-base`, or the folder of any Whisper model in CTranslate2's format.",
    )
    language: str = Field(default="", description='Language of recordings, as "en"; empty: detected.')
    ocr: bool = Field(default=True, description="Read pages that are pictures.")
    passages: int = Field(default=5, ge=1, le=50, description="Passages found for a question (-k).")
    passage_size: int = Field(default=512, ge=64, le=8192, description="Characters in a passage, about.")
    dense_weight: float = Field(
        default=0.5, ge=0, le=1, description="Share of vectors in the ranking; the rest is BM25. See docs/retrieval.md."
    )
    title_weight: float = Field(
        default=0.2, ge=0, le=1, description="Share of the title that a passage stands under in the ranking."
    )
    variety: bool = Field(
        default=True,
        description="Keep the nearest passage of each kind of material among the results, and more lectures.",
    )
    join: bool = Field(
        default=True, description="Show passages that follow each other as one; answers cite them apart."
    )
    candidates: int = Field(default=100, ge=1, le=10_000, description="Passages each of BM25 and vectors proposes.")
    answerable: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Probability that the lectures treat a question below which none is written; 0 always writes.",
    )
    wordings: int = Field(
        default=2,
        ge=0,
        le=10,
        description="Other wordings tried for a sentence that no passage surely bears, with a model that runs here; 0 "
        "leaves its answer as it comes.",
    )
    max_tokens: int = Field(default=640, ge=1, description="Longest answer, in tokens of the model.")
    engine: str = Field(
        default="auto",
        pattern="^(auto|ik|llama.cpp)$",
        description="What runs a GGUF model: `ik` (ik_llama.cpp), `llama.cpp`, or `auto`, the first that can.",
    )
    context_tokens: int = Field(default=4096, ge=512, description="Tokens of prompt and answer together.")
    serve_token: str = Field(
        default="", description="Token that `lecta serve` asks for; needed where other machines reach it.", repr=False
    )
    serve_names: str = Field(
        default="", description="Further names that the server is called by, with commas: `lectures.example.org`."
    )
    upload_megabytes: int = Field(default=1024, ge=1, description="Largest file that `lecta serve` takes.")
    upload_files: int = Field(default=1000, ge=1, description="Most uploaded files that a library keeps.")
    states_mb: int = Field(
        default=2048,
        ge=0,
        le=1_000_000,
        description="Megabytes on disk for what the model has read ahead, in the library's folder; 0 reads nothing "
        "ahead. See docs/speed.md.",
    )
    read_ahead: int = Field(
        default=64,
        ge=0,
        le=10_000,
        description="Sections of the lectures that the model reads in the background after `lecta add` on a terminal, "
        "half a minute each; 0 none.",
    )
    resident_minutes: float = Field(
        default=5.0,
        ge=0,
        le=1440,
        description="Minutes that a process stays after `lecta ask` with everything loaded, for the next; 0: none.",
    )
    threads: int = Field(default=0, ge=0, description="Threads for the models; 0 is one for each core.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the configuration file below the environment and drop the sources lecta does not use."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=config_path())

    @property
    def thread_count(self) -> int:
        """Threads to use: the setting, or one for each core this process may run on."""
        if self.threads:
            return self.threads
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load(**given: Any) -> Settings:
    """Return the settings; arguments that are None fall through to the environment and the file.

    Raises `UsageError` naming the first setting that is wrong, its value and what it must be.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "configuration"
        raise UsageError(f"setting {name} = {first.get('input')!r}: {first['msg']} (see {config_path()})") from error
    except (OSError, ValueError) as error:  # tomllib.TOMLDecodeError is a ValueError
        raise UsageError(f"configuration {config_path()}: {error}; mend or remove it") from error
