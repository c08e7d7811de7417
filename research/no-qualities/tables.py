"""Rows as JSON and as a Markdown page, for the scripts of this folder."""

from __future__ import annotations

import json
import platform
from pathlib import Path


def write(path: Path, command: str, rows: list[dict]) -> None:
    """Writes rows with the command and the machine that made them, as JSON."""
    content = {"command": command, "machine": f"{platform.machine()} {platform.system()}", "rows": rows}
    path.write_text(json.dumps(content, indent=1) + "\n")


def table(rows: list[dict], columns: list[str], title: str, command: str) -> str:
    """Returns rows as a Markdown page."""
    lines = [f"# {title}", "", f"`{command}`", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    lines += ["| " + " | ".join(str(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"
