//! A limit on the memory of a model's structure, checked before the structure is made.
//!
//! A message without content takes two bytes of a file and some hundred in memory. So the file is
//! walked first, and the memory of its messages, names and lists is added up. Weights count as
//! nothing: they take as much memory as file.

use std::mem::size_of;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::{
    AttributeProto, DimensionProto, FunctionProto, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, SparseTensorProto, StringStringEntryProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto,
};

/// Largest memory of a model's structure, in bytes, as much as a model file may have: some thirty
/// thousand nodes. The models here need some ten thousand bytes; large language models have some
/// thousand nodes.
pub(crate) const MAX_STRUCTURE: usize = 64 << 20;

/// Deepest nesting of messages. A graph inside a node takes three levels.
const MAX_DEPTH: usize = 64;

/// Memory that an engine takes for a message that is not decoded here, in bytes.
const UNDECODED: usize = 256;

/// A kind of message.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    OperatorSet,
    Entry,
    Function,
    Graph,
    Node,
    Attribute,
    SparseTensor,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    Dimension,
    /// A message that only engines decode.
    Undecoded,
}

/// What a field of a message is.
enum Field {
    Message(Kind),
    /// A name or a text.
    Text,
    /// Whole numbers: a list of them takes more memory than file.
    Numbers,
    /// Anything else: weights, single numbers, fields that are not read.
    Other,
}

impl Kind {
    /// Returns the memory of a message without its content, in bytes.
    const fn bytes(self) -> usize {
        match self {
            Self::Model => size_of::<ModelProto>(),
            Self::OperatorSet => size_of::<OperatorSetIdProto>(),
            Self::Entry => size_of::<StringStringEntryProto>(),
            Self::Function => size_of::<FunctionProto>(),
            Self::Graph => size_of::<GraphProto>(),
            Self::Node => size_of::<NodeProto>(),
            Self::Attribute => size_of::<AttributeProto>(),
            Self::SparseTensor => size_of::<SparseTensorProto>(),
            Self::Tensor => size_of::<TensorProto>(),
            Self::ValueInfo => size_of::<ValueInfoProto>(),
            Self::Type => size_of::<TypeProto>(),
            Self::TensorType => size_of::<TensorTypeProto>(),
            Self::Shape => size_of::<TensorShapeProto>(),
            Self::Dimension => size_of::<DimensionProto>(),
            Self::Undecoded => UNDECODED,
        }
    }

    /// Returns what a field of the message is, by its number in `onnx.proto`.
    const fn field(self, number: u32) -> Field {
        use Field::{Message, Numbers, Other, Text};
        match (self, number) {
            (Self::Model, 7) => Message(Self::Graph),
            (Self::Model, 8) | (Self::Function, 9) => Message(Self::OperatorSet),
            (Self::Model, 14)
            | (Self::Function, 14)
            | (Self::Graph, 16)
            | (Self::Node, 9)
            | (Self::Tensor, 13 | 16)
            | (Self::ValueInfo, 4) => Message(Self::Entry),
            (Self::Model, 20) | (Self::Graph, 14) | (Self::Attribute, 14 | 15) => {
                Message(Self::Undecoded)
            }
            (Self::Model, 25) => Message(Self::Function),
            (Self::Function, 7) | (Self::Graph, 1) => Message(Self::Node),
            (Self::Function, 11) | (Self::Node, 5) => Message(Self::Attribute),
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::SparseTensor, 1 | 2) => {
                Message(Self::Tensor)
            }
            (Self::Graph, 11..=13) | (Self::Function, 12) => Message(Self::ValueInfo),
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Message(Self::SparseTensor),
            (Self::Attribute, 6 | 11) => Message(Self::Graph),
            (Self::ValueInfo, 2) => Message(Self::Type),
            (Self::Type, 1) => Message(Self::TensorType),
            (Self::Type, 4 | 5 | 8 | 9) => Message(Self::Undecoded),
            (Self::TensorType, 2) => Message(Self::Shape),
            (Self::Shape, 1) => Message(Self::Dimension),
            (Self::OperatorSet, 1)
            | (Self::Entry, 1 | 2)
            | (Self::Function, 1 | 4 | 5 | 6 | 8 | 10 | 13)
            | (Self::Graph, 2 | 10)
            | (Self::Node, 1 | 2 | 3 | 4 | 6 | 7 | 8)
            | (Self::Attribute, 1 | 9 | 13 | 21)
            | (Self::Tensor, 6 | 8 | 12)
            | (Self::ValueInfo, 1 | 3)
            | (Self::Dimension, 2 | 3) => Text,
            (Self::Attribute, 8) | (Self::Tensor, 1 | 5 | 7 | 11) => Numbers,
            _ => Other,
        }
    }
}

/// Refuses a model file whose structure would take more than [`MAX_STRUCTURE`] bytes of memory. A
/// file that is broken is left to the decoder, which stops at the same place.
///
/// # Errors
///
/// What is too large.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let mut left = MAX_STRUCTURE;
    walk(Kind::Model, bytes, 0, &mut left).map(drop)
}

/// Takes the memory of a message's content from what is `left`; returns whether all of it could be
/// read.
fn walk(kind: Kind, mut bytes: &[u8], depth: usize, left: &mut usize) -> Result<bool, String> {
    if depth > MAX_DEPTH {
        return Err(format!("its messages are nested more than {MAX_DEPTH} deep"));
    }
    while !bytes.is_empty() {
        let Ok((number, wire)) = decode_key(&mut bytes) else { return Ok(false) };
        let field = kind.field(number);
        if wire != WireType::LengthDelimited {
            if matches!(field, Field::Numbers) {
                take(left, size_of::<i64>())?;
            }
            let skipped = skip_field(wire, number, &mut bytes, DecodeContext::default());
            if skipped.is_err() {
                return Ok(false);
            }
            continue;
        }
        let Ok(length) = decode_varint(&mut bytes) else { return Ok(false) };
        let content =
            usize::try_from(length).ok().and_then(|length| bytes.split_at_checked(length));
        let Some((content, rest)) = content else { return Ok(false) };
        bytes = rest;
        match field {
            Field::Message(kind) => {
                take(left, kind.bytes())?;
                if !walk(kind, content, depth + 1, left)? {
                    return Ok(false);
                }
            }
            Field::Text => take(left, size_of::<String>() + content.len())?,
            Field::Numbers => {
                let numbers = content.iter().filter(|byte| **byte < 0x80).count();
                take(left, numbers * size_of::<i64>())?;
            }
            Field::Other => {}
        }
    }
    Ok(true)
}

fn take(left: &mut usize, bytes: usize) -> Result<(), String> {
    *left = left.checked_sub(bytes).ok_or_else(|| {
        format!(
            "its nodes, names and lists need more than {MAX_STRUCTURE} bytes of memory, weights \
             not counted"
        )
    })?;
    Ok(())
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use prost::Message;
    use prost::encoding::{encode_key, encode_varint};

    use super::*;
    use crate::ModelFile;
    use crate::onnx::testing::dense_model;

    /// Returns a field that holds these bytes.
    fn field(number: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_key(number, WireType::LengthDelimited, &mut bytes);
        encode_varint(content.len() as u64, &mut bytes);
        [&bytes, content].concat()
    }

    /// Returns a valid model with more content in the message that this path of fields leads to.
    fn with(path: &[u32], content: &[u8]) -> Vec<u8> {
        let more = path.iter().rev().fold(content.to_vec(), |inner, number| field(*number, &inner));
        [dense_model(&[(1, vec![1.0, 2.0], vec![0.0])]).encode_to_vec(), more].concat()
    }

    #[test]
    fn every_repeated_field_is_limited() {
        const COUNT: usize = 4_000_000;
        let empty = |number: u32| field(number, &[]).repeat(COUNT);
        let repeated: [(&str, &[u32], Vec<u8>); 17] = [
            ("operator sets", &[], empty(8)),
            ("metadata", &[], empty(14)),
            ("functions", &[], empty(25)),
            ("nodes", &[7], empty(1)),
            ("initialisers", &[7], empty(5)),
            ("inputs", &[7], empty(11)),
            ("value infos", &[7], empty(13)),
            ("sparse initialisers", &[7], empty(15)),
            ("names of inputs", &[7, 1], empty(1)),
            ("attributes", &[7, 1], empty(5)),
            ("graphs", &[7, 1, 5], empty(11)),
            ("nodes of a graph in an attribute", &[7, 1, 5, 6], empty(1)),
            ("nodes of functions", &[25], empty(7)),
            ("dimensions", &[7, 11, 2, 1, 2], empty(1)),
            ("dims of a tensor, packed", &[7, 5, 1], vec![1; 10_000_000]),
            ("dims of a tensor", &[7, 5], [8, 1].repeat(10_000_000)),
            ("whole numbers", &[7, 1, 5, 8], vec![1; 10_000_000]),
        ];
        for (what, path, content) in repeated {
            let error = ModelFile::from_bytes("m.onnx", with(path, &content)).unwrap_err();
            let message = error.to_string();
            assert!(message.contains("need more than 67108864 bytes"), "{what}: {message}");
        }
    }

    #[test]
    fn nesting_is_limited() {
        // Graph, node, attribute, and again.
        let path: Vec<u32> =
            [7].into_iter().chain([1, 5, 6].into_iter().cycle().take(90)).collect();
        let message = ModelFile::from_bytes("m.onnx", with(&path, &[])).unwrap_err().to_string();
        assert!(message.contains("nested more than 64 deep"), "{message}");
        assert!(ModelFile::from_bytes("m.onnx", with(&path[..60], &[])).is_ok());
    }

    #[test]
    fn large_weights_and_thousands_of_nodes_are_no_large_structure() {
        let weights = vec![0.5; 12 << 20];
        let model = dense_model(&[(1, weights, vec![0.0])]).encode_to_vec();
        assert!(model.len() > 48 << 20);
        check(&model).unwrap();
        let layer = |_| (16, vec![0.5; 256], vec![0.0; 16]);
        let deep = dense_model(&(0..5_000).map(layer).collect::<Vec<_>>()).encode_to_vec();
        check(&deep).unwrap();
    }

    #[test]
    fn what_is_counted_is_what_the_decoder_makes() {
        // A list of one more kind of message than the walk knows would go uncounted.
        let model = dense_model(&[(2, vec![1.0; 4], vec![0.0; 2])]);
        let mut left = usize::MAX;
        assert!(walk(Kind::Model, &model.encode_to_vec(), 0, &mut left).unwrap());
        let graph = model.graph.as_ref().unwrap();
        let attributes = graph.node.iter().map(|node| node.attribute.len()).sum::<usize>();
        let least = size_of::<GraphProto>()
            + graph.node.len() * size_of::<NodeProto>()
            + attributes * size_of::<AttributeProto>()
            + graph.initializer.len() * size_of::<TensorProto>()
            + 2 * (size_of::<ValueInfoProto>() + 2 * size_of::<DimensionProto>());
        assert!(usize::MAX - left >= least, "{} of {least} bytes", usize::MAX - left);
    }
}
