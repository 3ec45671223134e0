//! Company metrics: what is asked (`ask`), over which windows (`window`), the sums that formulas need (`gather`,
//! `people`, `sums`), and the answer (`answer`, `render`). The formulas themselves are the engine's; metrics about the engine
//! itself are read in `own`, and how long all of them take is noted in `computed`.

mod answer;
mod ask;
mod computed;
mod dimension;
mod gather;
mod list;
mod own;
mod people;
mod period;
mod render;
mod sums;
mod window;

pub(crate) use answer::{__path_metric, metric};
pub(crate) use computed::Computed;
pub(crate) use list::{__path_list, list};
pub(crate) use render::customer_answer;
pub(crate) use window::parse_time;
