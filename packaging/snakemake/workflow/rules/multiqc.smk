# One page over all samples.


rule multiqc:
    input:
        [f"{RESULTS}/reports/multiqc/{sample}" for sample in sorted(PAIRED | SINGLE)],
    output:
        page=f"{RESULTS}/multiqc/multiqc_report.html",
        data=directory(f"{RESULTS}/multiqc/multiqc_data"),
    log:
        f"{RESULTS}/logs/multiqc/multiqc.log",
    conda:
        "../envs/multiqc.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        folder=lambda wildcards, output: os.path.dirname(output.page),
    shell:
        "multiqc --force --no-version-check --outdir {params.folder:q} {input:q} > {log:q} 2>&1"
