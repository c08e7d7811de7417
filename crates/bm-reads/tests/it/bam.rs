//! Unaligned BAM, written by noodles and read by our reader.

use bm_reads::RecordSource;
use bm_reads::bam::tags::tags;
use bm_reads::bam::{BamFields, HeaderError, Reader};
use bm_reads::fastq::{BatchSize, Fault, Record, RecordBatch};
use noodles_sam::alignment::RecordBuf;
use noodles_sam::alignment::io::Write as _;
use noodles_sam::alignment::record::Flags;
use noodles_sam::alignment::record::data::field::Tag;
use noodles_sam::alignment::record_buf::data::field::Value;
use noodles_sam::alignment::record_buf::data::field::value::Array;
use noodles_sam::alignment::record_buf::{Data, QualityScores, Sequence};
use proptest::prelude::*;

/// A read, and the flags and two tags of its record.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    name: String,
    sequence: Vec<u8>,
    scores: Vec<u8>,
    flags: u16,
    group: String,
    moves: Vec<i8>,
}

const HEADER: &str = "@HD\tVN:1.6\tSO:unknown\n@RG\tID:lane1\tSM:x\n";

/// Returns the inflated bytes of a BAM file with these reads, as noodles writes them.
fn written(reads: &[Read]) -> Vec<u8> {
    let header = HEADER.parse().unwrap();
    let mut writer = noodles_bam::io::Writer::from(Vec::new());
    writer.write_header(&header).unwrap();
    for read in reads {
        let mut data = Data::default();
        data.insert(Tag::READ_GROUP, Value::from(read.group.as_str()));
        data.insert(Tag::new(b'm', b'v'), Value::Array(Array::Int8(read.moves.clone())));
        let record = RecordBuf::builder()
            .set_name(read.name.as_str())
            .set_flags(Flags::from(read.flags))
            .set_sequence(Sequence::from(read.sequence.clone()))
            .set_quality_scores(QualityScores::from(read.scores.clone()))
            .set_data(data)
            .build();
        writer.write_alignment_record(&header, &record).unwrap();
    }
    writer.into_inner()
}

/// Returns the reads, as our reader reads them in batches of this size, and the first fault.
fn read(bytes: &[u8], size: BatchSize) -> (Vec<Read>, Option<String>) {
    let mut reads = Vec::new();
    let mut reader = match Reader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (reads, Some(error.to_string())),
    };
    let mut batch = RecordBatch::default();
    loop {
        match reader.read_batch(&mut batch, size) {
            Err(fault) => {
                assert_eq!(reader.records(), reads.len() as u64);
                return (reads, Some(fault.to_string()));
            }
            Ok(more) => {
                for (index, record) in batch.iter().enumerate() {
                    assert_eq!(batch.get(index), Some(record));
                    assert_eq!(batch.address(index).unwrap().record, reads.len() as u64 + 1);
                    // Types and values of tags may be any, where bytes are changed on purpose.
                    let of_text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
                    let mut read = Read {
                        name: of_text(record.definition),
                        sequence: record.sequence.to_vec(),
                        scores: record.quality_scores.iter().map(|byte| byte - b'!').collect(),
                        flags: record.bam.flags(),
                        group: String::new(),
                        moves: Vec::new(),
                    };
                    for tag in tags(record.bam.tags()).map(Result::unwrap) {
                        let mut text = Vec::new();
                        tag.write_sam(&mut text);
                        let text = of_text(&text);
                        match &tag.name {
                            b"RG" => read.group = text.chars().skip("RG:Z:".len()).collect(),
                            _ => {
                                let moves = text.split(',').skip(1);
                                read.moves = moves.filter_map(|it| it.parse().ok()).collect();
                            }
                        }
                    }
                    reads.push(read);
                }
                if !more {
                    return (reads, None);
                }
            }
        }
    }
}

fn any_read() -> impl Strategy<Value = Read> {
    (
        // A name of `*` is none.
        "[!-)+-?A-~][!-?A-~]{0,253}",
        proptest::collection::vec((0..15_usize, 0..=93_u8), 1..400),
        prop_oneof![Just(4_u16), Just(77), Just(141), Just(4 | 0x200)],
        "[ -~]{1,30}",
        proptest::collection::vec(any::<i8>(), 0..90),
    )
        .prop_map(|(name, bases, flags, group, moves)| {
            let sequence = bases.iter().map(|(letter, _)| b"ACMGRSVTWYHKDBN"[*letter]).collect();
            let scores = bases.iter().map(|(_, score)| *score).collect();
            Read { name, sequence, scores, flags, group, moves }
        })
}

fn some_reads() -> Vec<Read> {
    let read = |name: &str, sequence: &[u8], flags| Read {
        name: name.to_owned(),
        sequence: sequence.to_vec(),
        scores: (0..sequence.len() as u8).map(|place| place * 7 % 94).collect(),
        flags,
        group: "lane1".to_owned(),
        moves: vec![5, 1, 0, 1],
    };
    vec![read("a", b"ACGTN", 77), read("a", b"TTGA", 141), read("b/c", b"G", 4)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn reads_come_back_as_noodles_wrote_them(
        reads in proptest::collection::vec(any_read(), 0..20),
        bytes in 1..5_000_usize,
    ) {
        let written = written(&reads);
        for size in [
            BatchSize::Bytes(bytes),
            BatchSize::PairsInBytes(bytes),
            BatchSize::Records(1 + bytes % 7),
            BatchSize::RecordsUpTo { records: 5, bytes },
        ] {
            let (found, fault) = read(&written, size);
            prop_assert_eq!(fault, None);
            prop_assert!(found == reads, "{:?}", size);
        }
    }

    #[test]
    fn changed_bytes_are_read_or_refused_and_take_no_memory(
        reads in proptest::collection::vec(any_read(), 1..5),
        places in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6),
        end in any::<usize>(),
    ) {
        let mut bytes = written(&reads);
        let length = bytes.len();
        for (place, byte) in places {
            bytes[place % length] = byte;
        }
        bytes.truncate(length.min(end % (2 * length)));
        let (found, _) = read(&bytes, BatchSize::Bytes(1_000));
        prop_assert!(found.len() <= reads.len() + bytes.len() / 36);
    }
}

#[test]
fn batches_of_pairs_have_both_mates() {
    let pair = &some_reads()[..2];
    let bytes = written(&[pair; 9].concat());
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let mut batch = RecordBatch::default();
    let mut more = true;
    while more {
        more = reader.read_batch(&mut batch, BatchSize::PairsInBytes(120)).unwrap();
        assert_eq!(batch.len() % 2, 0);
        assert!(batch.has_fields() && batch.bytes() < 400);
    }
}

#[test]
fn the_second_half_of_a_batch_keeps_its_fields() {
    let bytes = written(&some_reads());
    let mut reader = Reader::new(&bytes[..]).unwrap();
    let mut batch = RecordBatch::default();
    assert!(!reader.read_batch(&mut batch, BatchSize::Bytes(10_000)).unwrap());
    let flags = |batch: &RecordBatch| -> Vec<u16> {
        batch.iter().map(|record| record.bam.flags()).collect()
    };
    let rest = batch.split_off(1);
    assert_eq!((flags(&batch), flags(&rest)), (vec![77], vec![141, 4]));
    let tags = |batch: &RecordBatch| batch.get(0).unwrap().bam.tags().to_vec();
    assert_eq!(tags(&batch), tags(&rest));
}

#[test]
fn records_one_by_one_have_the_header_and_their_fields() {
    let bytes = written(&some_reads());
    let mut reader = Reader::new(&bytes[..]).unwrap();
    assert_eq!(reader.header().text, HEADER.as_bytes());
    assert_eq!(reader.header().references, [0; 4]);
    let mut record = Record::default();
    assert!(reader.read_record(&mut record).unwrap());
    assert_eq!((record.name(), record.view().bam.flags()), (&b"a"[..], 77));
    assert!(reader.read_record(&mut record).unwrap() && reader.read_record(&mut record).unwrap());
    assert!(!reader.read_record(&mut record).unwrap());
    assert_eq!(reader.records(), 3);
    assert!(BamFields::NONE.is_none() && BamFields::NONE.tags().is_empty());
}

#[test]
fn a_file_cut_anywhere_is_refused_or_ends_between_records() {
    let reads = some_reads();
    let bytes = written(&reads);
    let ends: Vec<usize> = (0..=reads.len()).map(|count| written(&reads[..count]).len()).collect();
    for length in 0..bytes.len() {
        let (found, fault) = read(&bytes[..length], BatchSize::Bytes(1_000));
        let whole = ends.iter().filter(|end| **end <= length).count();
        assert_eq!(found.len(), whole.saturating_sub(1), "{length}");
        assert_eq!(fault.is_none(), ends.contains(&length), "{length}");
        let words = if whole == 0 { "inside its header" } else { "inside the record, after" };
        assert!(fault.is_none_or(|fault| fault.contains(words)), "{length}");
    }
}

#[test]
fn faults_have_an_address_and_what_to_do() {
    let first = written(&some_reads()[..1]).len();
    let second = written(&some_reads()[..2]).len();
    let with = |at: usize, bytes: &[u8]| {
        let mut file = written(&some_reads());
        file[first + at..first + at + bytes.len()].copy_from_slice(bytes);
        let (found, fault) = read(&file, BatchSize::Bytes(1_000));
        assert_eq!(found.len(), 1);
        fault.unwrap()
    };
    let address = format!("record 2 (byte {first}): ");
    let named = format!("record 2 (read a, byte {first}): ");
    for (at, bytes, address, words) in [
        (0, &[0xff, 0xff, 0xff, 0x7f][..], &address, "states a size of 2147483647 bytes"),
        (0, &[9, 0, 0, 0], &address, "has 9 bytes, and its first fields need more than that"),
        (0, &[0xff, 0xff, 0xff, 0], &address, "the file ends inside the record, after "),
        (4 + 8, &[255], &address, "its name need"),
        (4 + 12, &[0xff, 0xff], &address, "its CIGAR need"),
        (4 + 16, &[0xff, 0xff, 0xff, 0xff], &address, "its bases need"),
        (4 + 32, b" ", &address, "printable characters"),
        (4 + 33, b"x", &address, "printable characters"),
        (
            4 + 14,
            &[0],
            &named,
            "is aligned (flag 0x0), and bm reads unaligned BAM: `samtools reset`",
        ),
        (4 + 14, &[4 | 16], &named, "is stored as its reverse complement"),
        (4 + 14, &[4, 1], &named, "is a secondary alignment"),
        (4 + 14, &[4, 8], &named, "is a supplementary alignment"),
        (4 + 34, &[0x01], &named, "byte 0x3d at position 0 of the sequence is not a base"),
        (4 + 36, &[7, 94], &named, "the quality at position 1 is Q94, and the highest is Q93"),
        (4 + 36, &[0xff; 4], &named, "the read has no qualities; `samtools fasta`"),
        (4 + 42, b"Q", &named, "its tags cannot be read from RG on"),
    ] {
        let message = with(at, bytes);
        assert!(message.starts_with(address) && message.contains(words), "{message}");
    }
    assert!(second > first);
}

#[test]
fn a_header_that_states_more_than_there_is_is_refused() {
    let long = [&b"BAM\x01\xff\xff\xff\xff"[..], b"@HD"].concat();
    assert!(matches!(Reader::new(&long[..]), Err(HeaderError::Invalid { .. })));
    let references = [&b"BAM\x01\0\0\0\0\xff\xff\xff\xff\x02\0\0\0"[..], b"a"].concat();
    assert!(matches!(Reader::new(&references[..]), Err(HeaderError::Cut)));
    let name = [&b"BAM\x01\0\0\0\0\x01\0\0\0\xff\xff\xff\xff"[..], b"a"].concat();
    assert!(matches!(Reader::new(&name[..]), Err(HeaderError::Invalid { .. })));
}

#[test]
fn an_error_of_the_stream_is_returned_as_it_is() {
    use std::io::Read as _;

    struct Fails;
    impl std::io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("a fault that was put here"))
        }
    }
    let bytes = written(&some_reads());
    let mut reader = Reader::new(bytes[..bytes.len() - 3].chain(Fails)).unwrap();
    let mut batch = RecordBatch::default();
    assert!(reader.read_batch(&mut batch, BatchSize::Bytes(1_000)).unwrap());
    assert_eq!(batch.len(), 2);
    let fault = reader.read_batch(&mut batch, BatchSize::Bytes(1_000)).unwrap_err();
    assert!(matches!(fault.fault, Fault::Io(_)) && fault.record == 3);
}
