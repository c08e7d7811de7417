//! Builds parts of graphs.

use super::*;

/// Returns an attribute that is a list of whole numbers.
pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), ints: values.to_vec(), r#type: 7, ..Default::default() }
}

/// Returns an input or output of shape `[batch, channels, 1, length]` with any batch and length.
pub fn sequences(name: &str, channels: usize) -> ValueInfoProto {
    let open = |name: &str| DimensionProto { dim_value: None, dim_param: Some(name.into()) };
    let fixed = |size: usize| DimensionProto { dim_value: Some(size as i64), dim_param: None };
    let shape =
        TensorShapeProto { dim: vec![open("batch"), fixed(channels), fixed(1), open("length")] };
    let tensor_type = Some(TensorTypeProto { elem_type: data_type::FLOAT, shape: Some(shape) });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

/// Returns a tensor of floats.
pub fn tensor(name: &str, dims: &[usize], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.iter().map(|d| *d as i64).collect(),
        data_type: data_type::FLOAT,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..Default::default()
    }
}

/// Returns a node without attributes.
pub fn node(op_type: &str, input: &[&str], output: &str) -> NodeProto {
    NodeProto {
        op_type: op_type.into(),
        input: input.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

/// Returns an input or output of shape `[1, channels, rows, columns]`.
pub fn fixed_sequences(name: &str, channels: usize, shape: [usize; 2]) -> ValueInfoProto {
    let [rows, columns] = shape;
    let dim = [1, channels, rows, columns]
        .map(|size| DimensionProto { dim_value: Some(size as i64), dim_param: None });
    let tensor_type = Some(TensorTypeProto {
        elem_type: data_type::FLOAT,
        shape: Some(TensorShapeProto { dim: dim.to_vec() }),
    });
    ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type }) }
}

/// Returns a tensor of half-precision floats.
pub fn tensor_f16(name: &str, dims: &[usize], values: &[half::f16]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.iter().map(|d| *d as i64).collect(),
        data_type: data_type::FLOAT16,
        raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        ..Default::default()
    }
}

/// Returns a node that casts its input to the type `to`.
pub fn cast(input: &str, output: &str, to: i32) -> NodeProto {
    let mut cast = node("Cast", &[input], output);
    cast.attribute.push(AttributeProto {
        name: "to".into(),
        i: i64::from(to),
        r#type: 2,
        ..Default::default()
    });
    cast
}
