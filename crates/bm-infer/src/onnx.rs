//! The part of the ONNX format that describes small networks.
//!
//! Messages and field numbers are those of `onnx.proto` (ONNX IR version 10). Fields that no model
//! here uses are left out, and skipped when a file is read.

use prost::Message;

#[cfg(any(feature = "embedded", feature = "onnxruntime"))]
pub(crate) mod attributes;
pub mod build;
pub mod correction;
pub(crate) mod limits;
pub mod operators;
#[cfg(feature = "onnxruntime")]
pub(crate) mod reach;
#[cfg(feature = "stand-in")]
pub(crate) mod rounding;
pub mod testing;

/// Values of `TensorProto.DataType`.
pub mod data_type {
    /// 32-bit floating point.
    pub const FLOAT: i32 = 1;
    /// 64-bit whole numbers.
    pub const INT64: i32 = 7;
    /// Truth values.
    pub const BOOL: i32 = 9;
    /// 16-bit floating point.
    pub const FLOAT16: i32 = 10;
}

/// A model: one graph and its metadata.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the format.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The network.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// The operator sets that the graph uses, with their versions.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Metadata by name.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
    /// Functions that the graph calls.
    #[prost(message, repeated, tag = "25")]
    pub functions: Vec<FunctionProto>,
}

impl ModelProto {
    /// Returns the model with these facts, by name, as its metadata.
    pub fn with_metadata(self, metadata: impl IntoIterator<Item = (String, String)>) -> Self {
        let entry = |(key, value)| StringStringEntryProto { key, value };
        Self { metadata_props: metadata.into_iter().map(entry).collect(), ..self }
    }

    /// Returns the content of the model's ONNX file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

/// A version of an operator set.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetIdProto {
    /// Empty for the standard operators.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// The version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A name and its value.
#[derive(Clone, PartialEq, Message)]
pub struct StringStringEntryProto {
    /// The name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The value.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A function made of nodes.
#[derive(Clone, PartialEq, Message)]
pub struct FunctionProto {
    /// Its nodes.
    #[prost(message, repeated, tag = "7")]
    pub node: Vec<NodeProto>,
    /// Attributes that callers may leave out.
    #[prost(message, repeated, tag = "11")]
    pub attribute_proto: Vec<AttributeProto>,
}

/// A network.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// Nodes, each after those that it takes its inputs from.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Its name.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constant tensors: the weights.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Inputs.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// Outputs.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
    /// Sparse constant tensors.
    #[prost(message, repeated, tag = "15")]
    pub sparse_initializer: Vec<SparseTensorProto>,
}

/// A node: one operation.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of its inputs.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of its outputs.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// The attributes of the operator.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
    /// The operator set; empty for the standard one.
    #[prost(string, tag = "7")]
    pub domain: String,
}

impl NodeProto {
    /// Returns name and operator of the node, for messages.
    pub fn shown(&self) -> String {
        if self.name.is_empty() {
            self.op_type.clone()
        } else {
            format!("{} ({})", self.name, self.op_type)
        }
    }

    /// Returns the attribute called `name`.
    pub fn attribute(&self, name: &str) -> Option<&AttributeProto> {
        self.attribute.iter().find(|attribute| attribute.name == name)
    }
}

/// An attribute of a node.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A number.
    #[prost(float, tag = "2")]
    pub f: f32,
    /// A whole number.
    #[prost(int64, tag = "3")]
    pub i: i64,
    /// A text.
    #[prost(bytes = "vec", tag = "4")]
    pub s: Vec<u8>,
    /// A tensor.
    #[prost(message, optional, tag = "5")]
    pub t: Option<TensorProto>,
    /// A graph.
    #[prost(message, optional, boxed, tag = "6")]
    pub g: Option<Box<GraphProto>>,
    /// Numbers.
    #[prost(float, repeated, tag = "7")]
    pub floats: Vec<f32>,
    /// Whole numbers.
    #[prost(int64, repeated, tag = "8")]
    pub ints: Vec<i64>,
    /// Tensors.
    #[prost(message, repeated, tag = "10")]
    pub tensors: Vec<TensorProto>,
    /// Graphs.
    #[prost(message, repeated, tag = "11")]
    pub graphs: Vec<GraphProto>,
    /// The field that is set, a value of `AttributeProto.AttributeType`.
    #[prost(int32, tag = "20")]
    pub r#type: i32,
    /// A sparse tensor.
    #[prost(message, optional, tag = "22")]
    pub sparse_tensor: Option<SparseTensorProto>,
    /// Sparse tensors.
    #[prost(message, repeated, tag = "23")]
    pub sparse_tensors: Vec<SparseTensorProto>,
}

/// A sparse tensor.
#[derive(Clone, PartialEq, Message)]
pub struct SparseTensorProto {
    /// The elements that are not zero.
    #[prost(message, optional, tag = "1")]
    pub values: Option<TensorProto>,
    /// Their indices.
    #[prost(message, optional, tag = "2")]
    pub indices: Option<TensorProto>,
}

/// A constant tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Its shape.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// Type of its elements, see [`data_type`].
    #[prost(int32, tag = "2")]
    pub data_type: i32,
    /// Elements, if they are floats and not in `raw_data`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Elements, if they are whole numbers of 64 bits and not in `raw_data`.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Its name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// Elements as little-endian bytes.
    #[prost(bytes = "vec", tag = "9")]
    pub raw_data: Vec<u8>,
    /// The file with the elements, if it is another one.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 1 if the elements are in another file.
    #[prost(int32, tag = "14")]
    pub data_location: i32,
}

impl TensorProto {
    /// Returns the shape and the elements of a tensor of finite floats.
    ///
    /// # Errors
    ///
    /// A message, if the tensor has another type, a shape that does not fit its elements, or elements
    /// that are not finite.
    pub fn floats(&self) -> Result<(Vec<usize>, Vec<f32>), String> {
        let name = &self.name;
        if self.data_type != data_type::FLOAT {
            return Err(format!("{name} is of type {}, expected float (1)", self.data_type));
        }
        let dims: Vec<usize> = self
            .dims
            .iter()
            .map(|d| {
                usize::try_from(*d)
                    .ok()
                    .filter(|d| *d > 0)
                    .ok_or_else(|| format!("{name} has a dimension of {d}"))
            })
            .collect::<Result<_, _>>()?;
        let expected = dims.iter().try_fold(1usize, |product, d| product.checked_mul(*d));
        let values = if self.raw_data.is_empty() {
            self.float_data.clone()
        } else {
            let (words, rest) = self.raw_data.as_chunks::<4>();
            if !rest.is_empty() || !self.float_data.is_empty() {
                return Err(format!(
                    "{name} has {} bytes of data, not a whole number of floats",
                    self.raw_data.len()
                ));
            }
            words.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        };
        if expected != Some(values.len()) {
            return Err(format!("{name} of shape {dims:?} has {} values", values.len()));
        }
        if let Some(i) = values.iter().position(|value| !value.is_finite()) {
            return Err(format!("{name} has {} at index {i}, expected a finite number", values[i]));
        }
        Ok((dims, values))
    }

    /// Returns the elements of a list of whole numbers, or of one whole number without dimensions.
    ///
    /// # Errors
    ///
    /// A message, if the tensor has another type or more than one dimension, or if the number of its
    /// elements is not that of its shape.
    pub fn whole_numbers(&self) -> Result<Vec<i64>, String> {
        let name = &self.name;
        if self.data_type != data_type::INT64 {
            return Err(format!("{name} is of type {}, expected int64 (7)", self.data_type));
        }
        let (words, rest) = self.raw_data.as_chunks::<8>();
        let values = if self.raw_data.is_empty() {
            self.int64_data.clone()
        } else {
            words.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()
        };
        let expected = match self.dims[..] {
            [] => Some(1),
            [count] => usize::try_from(count).ok(),
            _ => None,
        };
        if !rest.is_empty() || expected != Some(values.len()) {
            return Err(format!(
                "{name} of shape {:?} has {} whole numbers, expected a list",
                self.dims,
                values.len()
            ));
        }
        Ok(values)
    }
}

/// Name and type of an input or output.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
}

/// A type; only tensors are read.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// Set if it is a tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
}

/// The type of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeProto {
    /// Type of the elements, see [`data_type`].
    #[prost(int32, tag = "1")]
    pub elem_type: i32,
    /// Its shape.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// A shape.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// Its dimensions.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// A dimension: a number, a name, or unknown.
#[derive(Clone, PartialEq, Message)]
pub struct DimensionProto {
    /// The number, if it is one.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// The name, if it has one.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}

/// Returns the size of a dimension, `None` if it has a name or is unknown.
pub(crate) fn dimension(dim: &DimensionProto) -> Result<Option<usize>, String> {
    /// No dimension of a small network comes near this; a file with a larger one is broken or
    /// hostile.
    const MOST: i64 = 1 << 20;
    match dim.dim_value {
        None => Ok(None),
        Some(value) if (1..=MOST).contains(&value) => {
            usize::try_from(value).map(Some).map_err(|e| e.to_string())
        }
        Some(value) => Err(format!("a dimension of {value}, expected 1 to {MOST}")),
    }
}

/// Returns the name of the first tensor of the model whose elements are in another file.
pub(crate) fn external_tensor(model: &ModelProto) -> Option<String> {
    fn in_tensor(tensor: &TensorProto) -> Option<String> {
        (tensor.data_location != 0 || !tensor.external_data.is_empty()).then(|| tensor.name.clone())
    }
    fn in_sparse(tensor: &SparseTensorProto) -> Option<String> {
        tensor.values.iter().chain(&tensor.indices).find_map(in_tensor)
    }
    fn in_attribute(attribute: &AttributeProto) -> Option<String> {
        let tensors = attribute.t.iter().chain(&attribute.tensors).find_map(in_tensor);
        tensors
            .or_else(|| {
                attribute.sparse_tensor.iter().chain(&attribute.sparse_tensors).find_map(in_sparse)
            })
            .or_else(|| {
                attribute.g.as_deref().into_iter().chain(&attribute.graphs).find_map(in_graph)
            })
    }
    fn in_nodes(nodes: &[NodeProto]) -> Option<String> {
        nodes.iter().flat_map(|node| &node.attribute).find_map(in_attribute)
    }
    fn in_graph(graph: &GraphProto) -> Option<String> {
        let tensors = graph.initializer.iter().find_map(in_tensor);
        tensors
            .or_else(|| graph.sparse_initializer.iter().find_map(in_sparse))
            .or_else(|| in_nodes(&graph.node))
    }
    fn in_function(function: &FunctionProto) -> Option<String> {
        function.attribute_proto.iter().find_map(in_attribute).or_else(|| in_nodes(&function.node))
    }
    model.graph.as_ref().and_then(in_graph).or_else(|| model.functions.iter().find_map(in_function))
}
