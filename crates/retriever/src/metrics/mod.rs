//! Company metrics: what is asked (`ask`), over which windows (`window`), the sums of components (`gather`, `people`),
//! the figure of a formula (`figure`), and the answer (`answer`, `render`).

mod answer;
mod ask;
mod beside;
mod cell;
mod dimension;
mod figure;
mod flow;
mod gather;
mod growth;
mod list;
mod people;
mod render;
mod window;

#[cfg(test)]
mod tests;

pub(crate) use answer::{__path_metric, metric};
pub(crate) use list::{__path_list, list};
