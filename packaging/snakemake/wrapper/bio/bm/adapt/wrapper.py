__author__ = "The bm developers"
__license__ = "MIT OR Apache-2.0"

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=True, stderr=True)
extra = snakemake.params.get("extra", "")
optional = [[f"--{name}", snakemake.output.get(name)] for name in ("report", "html") if snakemake.output.get(name)]
pages = [word for option in optional for word in option]

shell("bm adapt {snakemake.input:q} {extra} -j {snakemake.threads} -o {snakemake.output.model:q} {pages:q} {log}")
