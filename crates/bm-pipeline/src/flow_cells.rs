//! The flow cells that the files of a run come from, by the names of their first reads.

use std::collections::{BTreeMap, BTreeSet};

/// A lane of a flow cell.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FlowCellLane {
    flow_cell: String,
    lane: u64,
}

impl FlowCellLane {
    /// Returns the lane that the name of a read has, as Illumina writes it:
    /// `instrument:run:flow cell:lane:tile:x:y`; `None` for other names.
    pub(crate) fn of(name: &[u8]) -> Option<Self> {
        let fields: Vec<&[u8]> = name.split(|byte| *byte == b':').collect();
        let [_, run, flow_cell, lane, tile, x, y, ..] = fields[..] else { return None };
        let number = |field: &[u8]| std::str::from_utf8(field).ok()?.parse::<u64>().ok();
        // The last one may have the number of the mate behind it.
        let y = y.split(|byte| !byte.is_ascii_digit()).next()?;
        let are_numbers = [run, tile, x, y].into_iter().all(|field| number(field).is_some());
        let is_word = !flow_cell.is_empty() && flow_cell.iter().all(u8::is_ascii_graphic);
        let lane = number(lane).filter(|_| are_numbers && is_word)?;
        Some(Self { flow_cell: String::from_utf8_lossy(flow_cell).into_owned(), lane })
    }
}

/// Returns a line for the user if files of several flow cells were learned as one run.
pub(crate) fn notice(lanes: &[FlowCellLane]) -> Option<String> {
    let mut cells: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for lane in lanes {
        cells.entry(&lane.flow_cell).or_default().insert(lane.lane);
    }
    if cells.len() < 2 {
        return None;
    }
    let list: Vec<String> = cells
        .iter()
        .map(|(cell, lanes)| {
            let numbers: Vec<String> = lanes.iter().map(u64::to_string).collect();
            let lane = if lanes.len() == 1 { "lane" } else { "lanes" };
            format!("{cell} ({lane} {})", numbers.join(", "))
        })
        .collect();
    Some(format!(
        "{} flow cells: {}; learned as one run, though their qualities may mean different things and \
         other cycles may have failed: filter each by itself if they differ",
        cells.len(),
        list.join(", ")
    ))
}

#[cfg(test)]
// Tests fail by panicking.
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_lane_is_read_from_names_with_a_place() {
        let of = |name: &str| FlowCellLane::of(name.as_bytes());
        let lane = of("A00111:12:HXXX:3:1101:100:2000").unwrap();
        assert_eq!((lane.flow_cell.as_str(), lane.lane), ("HXXX", 3));
        assert_eq!(of("A00111:12:HXXX:3:1101:100:2000/1"), Some(lane));
        for name in ["", "SRR1.7", "HWI:3:1:10:20#ACGT", "a:b:c:d:e:f:g", "A:1::3:1:2:3"] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn several_flow_cells_are_named_with_their_lanes() {
        let lane = |flow_cell: &str, lane| FlowCellLane { flow_cell: flow_cell.to_owned(), lane };
        assert_eq!(notice(&[lane("A", 1), lane("A", 2)]), None);
        let line = notice(&[lane("B", 1), lane("A", 2), lane("B", 1), lane("A", 1)]).unwrap();
        assert!(line.starts_with("2 flow cells: A (lanes 1, 2), B (lane 1); learned as one"));
    }
}
