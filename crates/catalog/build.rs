//! Makes a change anywhere in the definition folder rebuild the crate, a new file included.

fn main() {
    println!("cargo::rerun-if-changed=definitions");
}
