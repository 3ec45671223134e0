//! How long functions may be, tests not counted.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{Finding, source::Source};

const LINES_MAX: usize = 70;
const SHORT_LINES: usize = 30;
const SHORT_PERCENT_MIN: usize = 90;

/// Finds functions that are too long, and says how they measure.
pub(crate) fn check(sources: &[Source]) -> (Vec<Finding>, String) {
    let mut findings = Vec::new();
    let (mut all, mut short) = (0_usize, 0_usize);
    for source in sources.iter().filter(|source| !source.is_test) {
        for function in functions_of(source) {
            all += 1;
            short += usize::from(function.lines <= SHORT_LINES);
            if function.lines > LINES_MAX {
                let what = format!("`{}` has {} lines, at most {LINES_MAX}", function.name, function.lines);
                findings.push(Finding::new(&source.path, function.line, what, "name its parts and split it"));
            }
        }
    }
    let percent = (short * 100).checked_div(all).unwrap_or(100);
    if percent < SHORT_PERCENT_MIN {
        let what = format!("{percent} % of functions have at most {SHORT_LINES} lines, {SHORT_PERCENT_MIN} % must");
        findings.push(Finding::new("crates".as_ref(), 1, what, "split the longest functions"));
    }
    (findings, format!("{all} functions, {percent} % within {SHORT_LINES} lines"))
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

fn functions_of(source: &Source) -> Vec<Function> {
    let mut collector = Collector::default();
    collector.visit_file(&source.syntax);
    collector.functions.retain(|function| !source.is_test_line(function.line));
    collector.functions
}

#[derive(Default)]
struct Collector {
    functions: Vec<Function>,
}

impl Collector {
    fn keep(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (line, end) = (signature.span().start().line, block.span().end().line);
        self.functions.push(Function { name: signature.ident.to_string(), line, lines: end + 1 - line });
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.keep(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.keep(&function.sig, &function.block);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.keep(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }
}
