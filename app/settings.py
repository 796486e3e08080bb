"""Every setting of the server: name, default, unit and help in one table.

Each is read from the environment as `GLASSNET_` and its name in capitals, or given to
`create_app`; the command line offers the commonest.
"""

import ipaddress
import os
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 1024 * 1024


class Settings(BaseSettings):
    """What can be set when the server starts."""

    model_config = SettingsConfigDict(env_prefix="GLASSNET_", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0: any free one.")
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("glassnet", appauthor=False),
        description="Folder of the data base.",
    )
    database_url: str | None = Field(
        None,
        description="SQLAlchemy URL of another data base, such as postgresql+psycopg://…; "
        "by default SQLite in the data folder.",
    )
    token: str | None = Field(
        None,
        min_length=16,
        description="Secret that every request must bring. Made anew at each start when the host "
        "is not a loopback address and none is given.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Names besides its own address under which the server may be called."
    )
    language: Literal["en", "zh"] = Field(
        "en", description="Language of answers to clients that name none."
    )
    workers: int = Field(
        default_factory=lambda: max(1, min(8, os.cpu_count() or 1)),
        ge=1,
        le=64,
        description="Training processes.",
    )
    max_parameters: int = Field(5_000_000, ge=1, description="Parameters of one run, at most.")
    max_run_bytes: int = Field(
        1_000_000_000, ge=1, description="Estimated memory of one run, at most (bytes)."
    )
    max_runs: int = Field(500, ge=1, description="Runs that are kept, at most.")
    max_running: int = Field(64, ge=1, description="Runs that train at once, at most.")
    max_tables: int = Field(100, ge=1, description="Uploaded tables that are kept, at most.")
    max_body: int = Field(4 * MIB, ge=1024, description="Size of a request, at most (bytes).")
    max_upload: int = Field(32 * MIB, ge=1024, description="Size of an upload, at most (bytes).")
    max_viewers: int = Field(1000, ge=1, description="Live sockets at once, at most.")
    checkpoint_seconds: float = Field(
        0.5,
        gt=0,
        description="Time between two checkpoints of a training run (seconds); large networks "
        "take longer, so as not to wear out the disk.",
    )
    silence_seconds: float = Field(
        3.0, gt=0, description="Silence after which a worker is taken for hung (seconds)."
    )
    ping_seconds: float = Field(
        9.0,
        gt=0,
        description="Time between two signs of life that a viewer is asked for; one that misses "
        "the second is let go (seconds).",
    )
    idle_seconds: float = Field(
        600.0, gt=0, description="Time after which an idle run leaves memory (seconds)."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "warning", description="How much the server logs."
    )

    @property
    def database_file(self) -> Path:
        """Where SQLite keeps everything, unless another data base was chosen."""
        return self.data_dir / "glassnet.db"

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the data base."""
        return self.database_url or f"sqlite+aiosqlite:///{self.database_file}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def limits(self) -> dict[str, float]:
        """The limits that a front end can tell its users about."""
        return {
            "parameters": self.max_parameters,
            "bytes": self.max_run_bytes,
            "runs": self.max_runs,
            "running": self.max_running,
            "tables": self.max_tables,
            "body_bytes": self.max_body,
            "upload_bytes": self.max_upload,
        }
