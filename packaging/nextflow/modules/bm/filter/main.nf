process BM_FILTER {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(reads), path(model)

    output:
    tuple val(meta), path("*.kept*.fastq.gz"), emit: reads
    tuple val(meta), path("*.filter.json"), emit: report
    tuple val(meta), path("*.filter.html"), emit: html
    tuple val(meta), path("*_mqc.json"), emit: multiqc
    tuple val("${task.process}"), val('bm'), eval("bm --version | sed -n '1s/bm //p'"), topic: versions, emit: versions_bm

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def kept = meta.single_end ? "-o ${prefix}.kept.fastq.gz" : "-o ${prefix}.kept_1.fastq.gz -O ${prefix}.kept_2.fastq.gz"
    def adapted = model ? "-m ${model}" : ''
    """
    bm filter \\
        $reads \\
        $adapted \\
        $args \\
        -j $task.cpus \\
        $kept \\
        --report ${prefix}.filter.json \\
        --html ${prefix}.filter.html \\
        --multiqc ${prefix}_mqc.json \\
        --sample ${prefix}
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    def kept = meta.single_end ? "${prefix}.kept.fastq.gz" : "${prefix}.kept_1.fastq.gz ${prefix}.kept_2.fastq.gz"
    """
    for file in $kept; do echo | gzip > \$file; done
    touch ${prefix}.filter.json ${prefix}.filter.html ${prefix}_mqc.json ${prefix}_general_mqc.json
    """
}
