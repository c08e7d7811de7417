//! Filters pairs as `bm filter R1 R2 -o OUT1 -O OUT2` does.
use bm_pipeline::{Filter, Inputs, PipelineError, Silent};

fn main() -> Result<(), PipelineError> {
    let paths: Vec<_> = std::env::args_os().skip(1).collect();
    let [first, second, output, output2] = &paths[..] else { panic!("R1 R2 OUT1 OUT2") };
    let mut filter = Filter::new(Inputs::pair(first, second), output);
    filter.output2 = Some(output2.into());
    filter.run(&Silent)?.commit()?;
    Ok(())
}
