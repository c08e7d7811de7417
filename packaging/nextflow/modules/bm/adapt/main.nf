process BM_ADAPT {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"

    input:
    // The reads are inputs because bm adapt may have to count k-mers again; it finds them by the paths in the observations.
    tuple val(meta), path(observed), path(reads, stageAs: 'reads??/*')

    output:
    tuple val(meta), path("*.model", type: 'dir'), emit: model
    tuple val(meta), path("*.adapt.json"), emit: report
    tuple val(meta), path("*.adapt.html"), emit: html
    tuple val("${task.process}"), val('bm'), eval("bm --version | sed -n '1s/bm //p'"), topic: versions, emit: versions_bm

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    bm adapt \\
        $observed \\
        $args \\
        -j $task.cpus \\
        -o ${prefix}.model \\
        --report ${prefix}.adapt.json \\
        --html ${prefix}.adapt.html
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir ${prefix}.model
    touch ${prefix}.model/manifest.json ${prefix}.adapt.json ${prefix}.adapt.html
    """
}
