# bm observe for each part, bm adapt for each sample, bm filter for each part, and what its parts wrote as one.

EVIDENCE = "--evidence" if config["evidence"] else ""
MEMORY = f"--max-memory {config['memory_mb']}M"

# What bm filter writes is removed where it is put together.
filtered = temp if config["shards"] > 1 else str


rule observe:
    input:
        reads=reads_of_part,
    output:
        temp(f"{RESULTS}/observed/{{sample}}/{{part}}.obs"),
    log:
        f"{RESULTS}/logs/observe/{{sample}}_{{part}}.log",
    conda:
        "../envs/bm.yaml"
    threads: 2
    resources:
        mem_mb=config["memory_mb"] + 1000,
        runtime=60,
    params:
        shard=shard_option,
        options=f"{EVIDENCE} {MEMORY} {config['learn_options']}",
    shell:
        "bm observe {input.reads:q} {params.shard} {params.options} -j {threads} -o {output:q} > {log:q} 2>&1"


# The reads are inputs too: where cycles failed, or many reads are copies, bm adapt counts k-mers again.
rule adapt:
    input:
        observations=observations_of_sample,
        reads=reads_of_sample,
    output:
        model=directory(f"{RESULTS}/models/{{sample}}.model"),
        report=f"{RESULTS}/reports/{{sample}}.adapt.json",
        page=f"{RESULTS}/reports/{{sample}}.adapt.html",
    log:
        f"{RESULTS}/logs/adapt/{{sample}}.log",
    conda:
        "../envs/bm.yaml"
    threads: 2
    resources:
        mem_mb=config["memory_mb"] + 1000,
        runtime=120,
    params:
        options=f"{EVIDENCE} {MEMORY} -m {config['model']} {config['learn_options']}",
    shell:
        "bm adapt {input.observations:q} {params.options} -j {threads} -o {output.model:q}"
        " --report {output.report:q} --html {output.page:q} > {log:q} 2>&1"


rule filter_pairs:
    input:
        reads=reads_of_part,
        model=f"{RESULTS}/models/{{sample}}.model",
    output:
        kept=[filtered(f"{FILTERED}/{{sample}}_{{part}}_R{mate}.fastq.gz") for mate in (1, 2)],
        report=f"{RESULTS}/reports/parts/{{sample}}_{{part}}.json",
    log:
        f"{RESULTS}/logs/filter/{{sample}}_{{part}}.log",
    wildcard_constraints:
        sample=any_of(PAIRED),
    conda:
        "../envs/bm.yaml"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        shard=shard_option,
        second=lambda wildcards, output: ["-O", output.kept[1]],
        options=config["filter_options"],
    shell:
        "bm filter {input.reads:q} {params.shard} -m {input.model:q} {params.options} -j {threads} -o {output.kept[0]:q} {params.second:q}"
        " --report {output.report:q} --distributions > {log:q} 2>&1"


use rule filter_pairs as filter_single with:
    output:
        kept=[filtered(f"{FILTERED}/{{sample}}_{{part}}.fastq.gz")],
        report=f"{RESULTS}/reports/parts/{{sample}}_{{part}}.json",
    wildcard_constraints:
        sample=any_of(SINGLE),
    params:
        shard=shard_option,
        second=[],
        options=config["filter_options"],


# Files of BGZF blocks, one after the other, are a file of BGZF blocks.
if config["shards"] > 1:

    rule join_shards:
        input:
            shards_of_lane,
        output:
            f"{RESULTS}/kept/{{sample}}_{{lane}}{{mate}}.fastq.gz",
        log:
            f"{RESULTS}/logs/join/{{sample}}_{{lane}}{{mate}}.log",
        resources:
            mem_mb=500,
            runtime=60,
        shell:
            "cat {input:q} > {output:q} 2> {log:q}"


# MultiQC gets a folder for each sample: there is a file for each section that has data.
rule report:
    input:
        reports_of_sample,
    output:
        report=f"{RESULTS}/reports/{{sample}}.filter.json",
        page=f"{RESULTS}/reports/{{sample}}.filter.html",
        counts=directory(f"{RESULTS}/reports/multiqc/{{sample}}"),
    log:
        f"{RESULTS}/logs/report/{{sample}}.log",
    conda:
        "../envs/bm.yaml"
    resources:
        mem_mb=500,
        runtime=10,
    params:
        counts=lambda wildcards, output: f"{output.counts}/{wildcards.sample}_mqc.json",
    shell:
        "mkdir -p {output.counts:q} && bm report merge {input:q} -o {output.report:q} --html {output.page:q}"
        " --multiqc {params.counts:q} --sample {wildcards.sample:q} > {log:q} 2>&1"
