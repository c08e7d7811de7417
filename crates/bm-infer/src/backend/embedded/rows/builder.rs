//! The layers of a network of rows while its graph is read: values, their shapes, and what they cost.

use std::collections::HashMap;

use super::batch::Batch;
use super::layer::{Layer, Work};
use super::list::List;
use crate::ModelFile;
use crate::onnx::attributes::{Constants, constant, constants, made};
use crate::onnx::{GraphProto, NodeProto};

/// Maximum number of weights, constants and places of windows in all layers, as the kernels store them:
/// nodes may share weights, so that a small file can need much memory.
const MAX_WEIGHTS: usize = 1 << 25;

/// Maximum number of axes of a value: shapes are copied from node to node.
const MAX_AXES: usize = 16;

/// Maximum number of values that a layer returns for one case.
const MAX_VALUES: usize = 1 << 20;

/// Maximum number of values of all layers for one case: a session needs at most some 100 MB for them.
const MAX_ALL_VALUES: usize = 1 << 24;

/// Maximum number of multiplications in a case: windows may share weights, so that a small file can
/// need much time.
const MAX_PRODUCTS: usize = 1 << 28;

/// A value of the graph, as it is for one case.
#[derive(Clone, Debug)]
pub(super) struct Value {
    /// The number of the value; values of other shapes with the same numbers share it.
    pub(super) id: usize,
    /// Its shape; axes along which cases lie have the size 1.
    pub(super) shape: Vec<usize>,
    /// The layer that makes the value in this shape.
    made_by: Option<usize>,
}

impl Value {
    /// Returns the same numbers under another name: what takes them there must not change the layer that
    /// makes them.
    pub(super) fn renamed(self) -> Self {
        Self { made_by: None, ..self }
    }

    /// Returns the same numbers in another shape.
    pub(super) fn reshaped(self, shape: Vec<usize>) -> Self {
        Self { shape, made_by: None, ..self }
    }

    /// Returns how many numbers the value has.
    pub(super) fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Checks that a shape has no more axes than values of networks have.
pub(super) fn check_axes(node: &NodeProto, shape: &[usize]) -> Result<(), String> {
    if shape.len() > MAX_AXES {
        return Err(format!(
            "{} has a shape of {} axes, expected at most {MAX_AXES}",
            node.shown(),
            shape.len()
        ));
    }
    Ok(())
}

/// The layers so far, and the values that they make.
pub(super) struct Builder<'a> {
    pub(super) constants: Constants<'a>,
    pub(super) batch: Batch,
    /// The operator set of the file.
    pub(super) set: i64,
    /// Lists that nodes compute from shapes.
    pub(super) lists: HashMap<&'a str, List>,
    values: HashMap<&'a str, Value>,
    /// How many inputs of nodes, and outputs of the graph, have this name.
    uses: HashMap<&'a str, usize>,
    layers: Vec<Layer>,
    /// Numbers of each value.
    sizes: Vec<usize>,
    weights: usize,
    products: usize,
    all_values: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(model: &'a ModelFile, graph: &'a GraphProto) -> Result<Self, String> {
        let signature = model.signature();
        let constants = constants(graph)?;
        if constants.contains_key(signature.input.as_str()) {
            return Err(format!("{} is defined twice", signature.input));
        }
        let batch = Batch::of(signature);
        let mut uses = HashMap::from([(signature.output.as_str(), 1)]);
        for name in graph.node.iter().flat_map(|node| &node.input) {
            *uses.entry(name.as_str()).or_default() += 1;
        }
        let input = Value { id: 0, shape: batch.shape(signature.features), made_by: None };
        Ok(Self {
            constants,
            batch,
            set: model.operator_set(),
            lists: HashMap::new(),
            values: HashMap::from([(signature.input.as_str(), input)]),
            uses,
            layers: vec![],
            sizes: vec![signature.features],
            weights: 0,
            products: 0,
            all_values: signature.features,
        })
    }

    /// Returns the value at input `index` of a node, which is the input or made by an earlier node.
    pub(super) fn value(&self, node: &NodeProto, index: usize) -> Result<Value, String> {
        made(&self.values, node, index).cloned()
    }

    /// Returns whether input `index` of a node is a constant.
    pub(super) fn is_constant(&self, node: &NodeProto, index: usize) -> bool {
        node.input.get(index).is_some_and(|name| self.constants.contains_key(name.as_str()))
    }

    /// Returns whether a node has an input `index`.
    pub(super) fn has(node: &NodeProto, index: usize) -> bool {
        node.input.get(index).is_some_and(|name| !name.is_empty())
    }

    /// Returns the shape and the elements of the constant at input `index` of a node.
    pub(super) fn constant(
        &self,
        node: &NodeProto,
        index: usize,
    ) -> Result<(Vec<usize>, Vec<f32>), String> {
        let (dims, values) = constant(&self.constants, node, index)?;
        check_axes(node, &dims)?;
        Ok((dims, values))
    }

    /// Returns the layer that makes the value at input `index` of a node, if it is one with weights and
    /// nothing else takes the value: the node may then become part of the layer.
    pub(super) fn layer_before(&mut self, node: &NodeProto, index: usize) -> Option<&mut Work> {
        let name = node.input.get(index)?.as_str();
        if self.uses.get(name) != Some(&1) {
            return None;
        }
        let layer = self.values.get(name)?.made_by?;
        self.layers.get_mut(layer).map(|layer| &mut layer.work)
    }

    /// Adds a layer and returns its value of shape `shape`.
    pub(super) fn push(
        &mut self,
        node: &NodeProto,
        work: Work,
        reads: &[&Value],
        shape: Vec<usize>,
    ) -> Result<Value, String> {
        let shown = node.shown();
        check_axes(node, &shape)?;
        let size = shape.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        let Some(size) = size.filter(|size| *size <= MAX_VALUES) else {
            return Err(format!("{shown} returns more than {MAX_VALUES} values for a row"));
        };
        self.all_values += size;
        if self.all_values > MAX_ALL_VALUES {
            return Err(format!(
                "up to {shown} it has more than {MAX_ALL_VALUES} values for a row"
            ));
        }
        let cost = work.cost(size);
        self.weights = self.weights.saturating_add(cost.weights);
        if self.weights > MAX_WEIGHTS {
            return Err(format!(
                "up to {shown} it has {} weights in total, expected at most {MAX_WEIGHTS}",
                self.weights
            ));
        }
        self.products = self.products.saturating_add(cost.products);
        if self.products > MAX_PRODUCTS {
            return Err(format!(
                "up to {shown} a row takes {} multiplications, expected at most {MAX_PRODUCTS}",
                self.products
            ));
        }
        let id = self.sizes.len();
        let made_by = Some(self.layers.len());
        self.layers.push(Layer {
            work,
            reads: reads.iter().map(|value| value.id).collect(),
            out: id,
        });
        self.sizes.push(size);
        Ok(Value { id, shape, made_by })
    }

    /// Checks that a layer with `added` more weights is within the limit, before they are made.
    pub(super) fn reserve(&self, node: &NodeProto, added: usize) -> Result<(), String> {
        let weights = self.weights.saturating_add(added);
        if weights > MAX_WEIGHTS {
            return Err(format!(
                "up to {} it has {weights} weights in total, expected at most {MAX_WEIGHTS}",
                node.shown()
            ));
        }
        Ok(())
    }

    /// Gives the first output of a node its value.
    pub(super) fn name(&mut self, node: &'a NodeProto, value: Value) -> Result<(), String> {
        let name = self.free_name(node)?;
        self.values.insert(name, value);
        Ok(())
    }

    /// Gives the first output of a node its list.
    pub(super) fn name_list(&mut self, node: &'a NodeProto, list: List) -> Result<(), String> {
        let name = self.free_name(node)?;
        self.lists.insert(name, list);
        Ok(())
    }

    /// Returns the name of the first output of a node, which nothing else has.
    fn free_name(&self, node: &'a NodeProto) -> Result<&'a str, String> {
        let shown = node.shown();
        let name = node
            .output
            .first()
            .filter(|name| !name.is_empty())
            .ok_or_else(|| format!("{shown} has no output"))?;
        if self.constants.contains_key(name.as_str())
            || self.values.contains_key(name.as_str())
            || self.lists.contains_key(name.as_str())
        {
            return Err(format!("{name} is defined twice, the second time by {shown}"));
        }
        Ok(name)
    }

    /// Returns the layers, the number of numbers in each value, and the value of this name.
    pub(super) fn finish(mut self, output: &str) -> Option<(Vec<Layer>, Vec<usize>, Value)> {
        self.values.remove(output).map(|value| (self.layers, self.sizes, value))
    }
}
