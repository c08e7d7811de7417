"""Gives the counts of a part, which bm wrote for MultiQC, the name of the part."""

import json
from pathlib import Path


def named(counts: dict, name: str) -> dict:
    """Returns the counts under another name; their data is one table, or a list of tables, each with one sample."""

    def rename(table: dict) -> dict:
        (values,) = table.values()
        return {name: values}

    data = counts["data"]
    return counts | {"data": [rename(table) for table in data] if isinstance(data, list) else rename(data)}


if "snakemake" in globals():
    counts = json.loads(Path(snakemake.input[0]).read_text(encoding="utf-8"))  # noqa: F821
    text = json.dumps(named(counts, snakemake.params.name), indent=2)  # noqa: F821
    Path(snakemake.output[0]).write_text(text + "\n", encoding="utf-8")  # noqa: F821
