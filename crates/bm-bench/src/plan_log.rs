//! CoreML's plan, as ONNX Runtime writes it to stderr.
//!
//! Its macOS library has the format `Operation: %@, Device Usage: %@, Estimated Cost: %f` (1.28.0),
//! behind the date and name of the process that `NSLog` writes. The device is an object, such as
//! `<MLNeuralEngineComputeDevice: 0x6000036ec0e0>`.

use crate::report::PlannedOperation;

/// Returns the operations of a plan in the lines of a log.
pub fn planned(log: &str) -> Vec<PlannedOperation> {
    log.lines().filter_map(operation).collect()
}

fn operation(line: &str) -> Option<PlannedOperation> {
    let (_, rest) = line.split_once("Operation: ")?;
    let (operation, rest) = rest.split_once(", Device Usage: ")?;
    let (device, cost) = rest.rsplit_once(", Estimated Cost: ")?;
    let names = [("NeuralEngine", "Neural Engine"), ("GPU", "GPU"), ("CPU", "CPU")];
    let device = names.iter().find(|(part, _)| device.contains(part)).map(|(_, name)| *name);
    Some(PlannedOperation {
        operation: operation.to_owned(),
        device: device.unwrap_or("unknown").to_owned(),
        cost: cost.trim().parse().ok().filter(|cost: &f64| cost.is_finite()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_with_device_and_cost_are_read() {
        let log = "2026-11-29 10:00:00.123 bm[12:345] Operation: ios17.conv, Device Usage: <MLNeuralEngineComputeDevice: 0x60>, Estimated Cost: 0.250000\n\
                   2026-11-29 10:00:00.124 bm[12:345] Operation: ios16.relu, Device Usage: <MLCPUComputeDevice: 0x61>, Estimated Cost: 0.125\n\
                   something else\n\
                   bm[12:345] Operation: ios17.cast, Device Usage: (null), Estimated Cost: nan\n";
        let found = planned(log);
        let texts: Vec<_> =
            found.iter().map(|it| (it.operation.as_str(), it.device.as_str(), it.cost)).collect();
        assert_eq!(
            texts,
            [
                ("ios17.conv", "Neural Engine", Some(0.25)),
                ("ios16.relu", "CPU", Some(0.125)),
                ("ios17.cast", "unknown", None),
            ]
        );
    }
}
