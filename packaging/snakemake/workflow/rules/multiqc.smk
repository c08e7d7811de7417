# One page over all parts.


localrules:
    name_counts,


# bm names the counts after the file of the reads, and files of two lanes may have the same name.
rule name_counts:
    input:
        f"{RESULTS}/reports/{{sample}}_{{part}}_mqc.json",
    output:
        f"{RESULTS}/multiqc/counts/{{sample}}_{{part}}_mqc.json",
    log:
        f"{RESULTS}/logs/multiqc/{{sample}}_{{part}}.log",
    params:
        name="{sample} {part}",
    script:
        "../scripts/name_counts.py"


rule multiqc:
    input:
        [f"{RESULTS}/multiqc/counts/{part.sample}_{part.name}_mqc.json" for part in PARTS],
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
