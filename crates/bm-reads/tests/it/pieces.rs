//! Records that are divided into pieces.

use bm_reads::bam::BamFields;
use bm_reads::fastq::{BatchSize, Reader, RecordBatch, RecordRef};

const TEXT: &[u8] =
    b"@one x\nACGTACGT\n+\n!\"#$%&'(\n@two\nTTGG\n+\nIIII\n@three y z\nCATG\n+\nABCD\n";

fn batch() -> RecordBatch {
    let (mut reader, mut batch) = (Reader::new(TEXT), RecordBatch::default());
    reader.read_batch(&mut batch, BatchSize::Records(10)).unwrap();
    batch
}

fn shown(batch: &RecordBatch) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let of = |index: usize| {
        let (record, whole) = (batch.get(index).unwrap(), batch.whole(index).unwrap());
        assert_eq!(batch.iter().nth(index).unwrap(), record);
        let [sequence, quality, whole] =
            [record.sequence, record.quality_scores, whole.sequence].map(text);
        let (piece, cut) = (batch.piece(index), batch.cut_start(index));
        format!("{} {sequence} {quality} of {whole} from {cut}: {piece:?}", text(record.definition))
    };
    (0..batch.len()).map(of).collect()
}

#[test]
fn a_record_may_be_several_and_knows_its_whole() {
    let mut batch = batch();
    let address = batch.address(2);
    batch.divide(|index, record| match index {
        0 => {
            assert_eq!(record.name(), b"one");
            vec![0..3, 5..8]
        }
        _ => Vec::new(),
    });
    assert_eq!(
        shown(&batch),
        [
            "one x ACG !\"# of ACGTACGT from 0: Some(1)",
            "one x CGT &'( of ACGTACGT from 5: Some(2)",
            "two TTGG IIII of TTGG from 0: None",
            "three y z CATG ABCD of CATG from 0: None",
        ]
    );
    assert_eq!(batch.address(3), address);
    batch.clear();
    assert!(batch.is_empty() && batch.piece(0).is_none());
}

#[test]
fn bases_that_are_left_out_before_stay_so() {
    let mut batch = batch();
    batch.cut_starts(|index| if index == 0 { 2 } else { 0 });
    batch.divide(|index, _| if index == 0 { vec![1..2, 3..99] } else { Vec::new() });
    let shown = shown(&batch);
    assert_eq!(shown[0], "one x T $ of ACGTACGT from 3: Some(1)");
    assert_eq!(shown[1], "one x CGT &'( of ACGTACGT from 5: Some(2)");
}

#[test]
fn records_without_pieces_stay_as_they_were() {
    let (mut batch, before) = (batch(), batch());
    batch.divide(|_, _| Vec::new());
    assert_eq!(shown(&batch), shown(&before));
}

#[test]
fn pieces_have_the_fields_of_their_record() {
    let mut batch = RecordBatch::default();
    batch.begin_after(0);
    let record = |definition| RecordRef {
        definition,
        sequence: b"ACGTAC",
        quality_scores: b"IIIIII",
        bam: BamFields::NONE,
    };
    for (number, name) in [b"a", b"b"].into_iter().enumerate() {
        batch.push(record(name), 10 * number as u64).unwrap();
    }
    batch.divide(|index, _| if index == 0 { vec![0..2, 4..6] } else { Vec::new() });
    let bytes: Vec<_> = (0..3).map(|index| batch.address(index).unwrap().byte).collect();
    assert_eq!(bytes, [0, 0, 10]);
    assert!((0..3).all(|index| batch.get(index).unwrap().bam.is_none()));
}
