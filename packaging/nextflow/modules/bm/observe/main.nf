process BM_OBSERVE {
    tag "$meta.id"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"

    input:
    tuple val(meta), path(reads)

    output:
    tuple val(meta), path("*.obs"), emit: observed
    tuple val("${task.process}"), val('bm'), eval("bm --version | sed -n '1s/bm //p'"), topic: versions, emit: versions_bm

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    // The observations hold the paths of the reads, and bm adapt may have to read them again in another folder.
    def files = [reads].flatten().collect { file -> "\"\$(readlink -f ${file})\"" }.join(' ')
    """
    bm observe \\
        $files \\
        $args \\
        -j $task.cpus \\
        -o ${prefix}.obs
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.obs
    """
}
