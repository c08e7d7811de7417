"""What of the files that bm writes for MultiQC is in its page."""

from __future__ import annotations

import json
from pathlib import Path

END = "_mqc.json"

# MultiQC's table for sections that are columns of the general statistics.
GENERAL = "multiqc_general_stats.txt"


def check(counts: Path, output: Path) -> dict[str, set[str]]:
    """Returns the rows of each section, by its id: samples, or mates of samples.

    ``counts`` has a folder for each sample, with a file for each section. ``output`` has the page and MultiQC's tables.

    Raises
    ------
    SystemExit
        When there is no file, or a section or a row of a file is not in the page.
    """
    sections: dict[str, set[str]] = {}
    page = (output / "multiqc_report.html").read_text()
    for file in sorted(counts.glob(f"*/*{END}")):
        content = json.loads(file.read_text())
        section, is_general = content["id"], content["plot_type"] == "generalstats"
        table = output / "multiqc_data" / (GENERAL if is_general else f"multiqc_{section}_plot.txt")
        # The id of what the page shows: a column, or a plot.
        shown = f'id="header_custom_content_{section}-' if is_general else f'id="{section}_plot"'
        lines = table.read_text().splitlines() if table.is_file() else []
        missing = set(content["data"]) - {line.split("\t")[0] for line in lines}
        if missing or shown not in page:
            raise SystemExit(f"MultiQC's page lacks {section} of {', '.join(sorted(missing or content['data']))} ({file.name})")
        sections.setdefault(section, set()).update(content["data"])
    if not sections:
        raise SystemExit(f"{counts}: no files for MultiQC")
    return sections
