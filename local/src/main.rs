//! The launcher of the local cluster.

fn main() {}
