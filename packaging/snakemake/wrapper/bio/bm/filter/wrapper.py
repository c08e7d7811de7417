__author__ = "The bm developers"
__license__ = "MIT OR Apache-2.0"

from pathlib import Path

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=True, stderr=True)
extra = snakemake.params.get("extra", "")

kept = snakemake.output.kept
kept = [kept] if isinstance(kept, str) else list(kept)
if len(kept) > 2:
    raise ValueError("bm filter writes one file, or two of mates")
options = [word for option, file in zip(["-o", "-O"], kept) for word in (option, file)]
for name in ("discarded", "report", "html"):
    if file := snakemake.output.get(name):
        options += [f"--{name}", file]
if folder := snakemake.output.get("multiqc"):
    # MultiQC reads one section from a file, so bm writes others beside the one that is named.
    Path(folder).mkdir(parents=True, exist_ok=True)
    options += ["--multiqc", f"{folder}/{Path(folder).name}_mqc.json"]
if model := snakemake.input.get("model"):
    options += ["-m", model]

shell("bm filter {snakemake.input.reads:q} {extra} -j {snakemake.threads} {options:q} {log}")
