__author__ = "The bm developers"
__license__ = "MIT OR Apache-2.0"

from snakemake.shell import shell

log = snakemake.log_fmt_shell(stdout=True, stderr=True)
extra = snakemake.params.get("extra", "")

shell("bm observe {snakemake.input.reads:q} {extra} -j {snakemake.threads} -o {snakemake.output[0]:q} {log}")
