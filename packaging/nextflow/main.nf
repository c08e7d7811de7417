#!/usr/bin/env nextflow
// Filters the reads of each sample by a model that was adapted to the sample itself; README.md explains the files.

include { BM_OBSERVE } from './modules/bm/observe/main'
include { BM_ADAPT   } from './modules/bm/adapt/main'
include { BM_FILTER  } from './modules/bm/filter/main'
include { MULTIQC    } from './modules/multiqc/main'

// The lanes of the sample sheet, [meta, reads] each, numbered within their sample.
def lanes(sheet) {
    file(sheet, checkIfExists: true).splitCsv(header: true, strip: true).groupBy { row -> row.sample }.collectMany { sample, rows ->
        if (!(sample ==~ /[A-Za-z0-9][A-Za-z0-9_.-]*/)) {
            error("${sheet}: the sample ${sample} has a name that cannot be a file name")
        }
        if (rows.collect { row -> row.fastq_2 as boolean }.unique().size() > 1) {
            error("${sheet}: sample ${sample} has pairs and single reads; give them two names")
        }
        rows.withIndex(1).collect { row, lane ->
            def meta = [id: "${sample}_L${String.format('%03d', lane)}", sample: sample, single_end: !row.fastq_2]
            [meta, [row.fastq_1, row.fastq_2].findAll().collect { reads -> file(reads, checkIfExists: true) }]
        }
    }
}

workflow {
    if (!params.input) {
        error("--input SHEET is missing: CSV with the columns sample, fastq_1 and fastq_2")
    }
    ch_lanes = channel.fromList(lanes(params.input))

    BM_OBSERVE(ch_lanes)

    ch_samples = BM_OBSERVE.out.observed
        .join(ch_lanes)
        .map { meta, observed, reads -> [[id: meta.sample], observed, reads] }
        .groupTuple()
        .map { meta, observed, reads -> [meta, observed.sort { file -> file.name }, reads.flatten().sort { file -> file.toString() }] }
    BM_ADAPT(ch_samples)

    ch_models = BM_ADAPT.out.model.map { meta, model -> [meta.id, model] }
    ch_parts = ch_lanes
        .map { meta, reads -> [meta.sample, meta, reads] }
        .combine(ch_models, by: 0)
        .map { _sample, meta, reads, model -> [meta, reads, model] }
    BM_FILTER(ch_parts)

    MULTIQC(BM_FILTER.out.multiqc.map { _meta, counts -> counts }.collect())
}
