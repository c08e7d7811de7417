process MULTIQC {
    label 'process_single'

    conda "${moduleDir}/environment.yml"

    input:
    path counts

    output:
    path "multiqc_report.html", emit: report
    path "multiqc_data", emit: data

    script:
    """
    multiqc --force --no-version-check $counts
    """

    stub:
    """
    mkdir multiqc_data
    touch multiqc_report.html
    """
}
